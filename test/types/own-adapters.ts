import { z } from 'zod';
import { Adapter, DiffSyncModel, type AttrsOf, type CreateContext, type IdentifiersOf } from 'nestjs-diffsync';
import { Device, Interface } from './models.js';

/** Hooks may name the adapter that lists their model, also where that is defined by its models. */
class Rack extends DiffSyncModel.define({
  name: 'rack',
  schema: z.object({ name: z.string(), units: z.number() }),
  identifiers: ['name'],
  attributes: ['units'],
}) {
  declare readonly adapter: Cmdb | undefined;

  static override async create(context: CreateContext<IdentifiersOf<typeof Rack>, AttrsOf<typeof Rack>, Cmdb>) {
    await context.adapter.post('racks', { ...context.ids, ...context.attrs });
    return super.create(context);
  }
  override async delete() {
    await this.adapter?.post('racks', { removed: this.name });
    return super.delete();
  }
}
export class Cmdb extends Adapter.define({ models: [Rack, Device, Interface], topLevel: ['rack', 'device'] }) {
  async post(path: string, body: object): Promise<void> {
    await Promise.resolve([path, body]);
  }
}

/** A model can be added to those of the adapter that is extended. */
export class Wider extends Cmdb {
  static override readonly models = [
    ...Cmdb.models,
    class Vlan extends DiffSyncModel.define({
      name: 'vlan',
      schema: z.object({ id: z.number() }),
      identifiers: ['id'],
    }) {},
  ];
}

export async function names(cmdb: Cmdb): Promise<unknown> {
  const [rack, devices]: [Rack, Device[]] = [await cmdb.get('rack', { name: 'a1' }), await cmdb.getAll('device')];
  // @ts-expect-error no model has this name
  await cmdb.getAll('devcie');
  // @ts-expect-error
  await cmdb.get('rakc', 'a1');
  // @ts-expect-error no identifier of a rack
  await cmdb.get('rack', { nmae: 'a1' });
  return [rack, devices, await cmdb.getAll(Rack)];
}

/** A list without the model of the children of another one. */
// @ts-expect-error models lists no "interface"
export class Without extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
}
