import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  type AttrsOf,
  type BaseStore,
  type BulkContext,
  type CreateContext,
  type CreateItem,
  type HookContext,
  type IdentifierOf,
  type IdentifiersOf,
  type ModelClass,
  type ModelHost,
  type UpdateItem,
} from 'nestjs-diffsync';
import { Device, Interface, Serial } from './models.js';

/** What hooks get is named by the class itself, also inside of it. */
export class Own extends DiffSyncModel.define({
  name: 'own',
  schema: z.object({ name: z.string(), role: z.string().default('x') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {
  declare readonly adapter: Cmdb | undefined;

  static override async create(context: CreateContext<IdentifiersOf<typeof Own>, AttrsOf<typeof Own>, Cmdb>) {
    await context.adapter.patch(context.ids.name, context.attrs);
    return super.create(context);
  }
  override async update(attrs: AttrsOf<typeof Own>, { idempotencyKey }: HookContext) {
    await this.adapter?.patch(this.name, { role: attrs.role?.toUpperCase(), key: idempotencyKey.length });
    return super.update(attrs);
  }
  // @ts-expect-error what a hook knows is the key
  override async delete({ idempotenceKey }: HookContext) {
    return Promise.resolve(idempotenceKey === undefined ? this : null);
  }
}
class Cmdb extends Adapter {
  static override readonly models = [Own];
  static override readonly topLevel = ['own'];
  async patch(name: string, body: object): Promise<void> {
    await Promise.resolve([name, body]);
  }
}

/** What a context says of the attributes is that any of them may be missing. */
export class Greedy extends Device {
  static override async create(context: CreateContext<{ name: string }, { role: string; vlan: number }, Cmdb>) {
    // @ts-expect-error
    context.attrs.vlan.toFixed();
    return super.create(context);
  }
}
// @ts-expect-error the same, where the context is written by hand
export class GreedyToo extends Device {
  static override async create({ attrs }: { readonly attrs: { readonly role: string } }) {
    return new Device({ name: attrs.role });
  }
}
export class OtherHost extends Device {
  // @ts-expect-error an adapter that nobody has declared
  static override async create(context: CreateContext<{ name: string }, object, ModelHost & { readonly api: object }>) {
    return super.create(context);
  }
}
// @ts-expect-error objects of another model
export class OtherAnswer extends Device {
  static override async createBulk({ objects }: BulkContext<CreateItem>) {
    return objects.map(() => new Interface({ device: 'a', name: 'b' }));
  }
}
// @ts-expect-error the same
export class OtherObjects extends Device {
  static override async updateBulk({ objects }: BulkContext<UpdateItem<Interface, { mtu: string }>>) {
    return objects.map(({ model }) => model);
  }
}
export class Misspelt extends Device {
  // @ts-expect-error
  override async update(attrs: { rolle?: string }) {
    await Promise.resolve(attrs);
    return this;
  }
}

/** A repository over any model class, without a cast. */
export class Repository<C extends ModelClass> {
  constructor(
    private readonly store: BaseStore,
    private readonly model: C,
  ) {}
  async load(rows: readonly object[]): Promise<void> {
    for (const row of rows) await this.store.add({ obj: await this.model.parse(row) });
  }
  async first(): Promise<InstanceType<C> | undefined> {
    for await (const obj of this.store.iterate({ model: this.model })) return obj;
    return undefined;
  }
  get(identifier: IdentifierOf<C>): Promise<InstanceType<C>> {
    return this.store.get({ model: this.model, identifier });
  }
  upsert(ids: IdentifiersOf<C>, attrs: AttrsOf<C>): Promise<[obj: InstanceType<C>, created: boolean]> {
    return this.store.updateOrInstantiate({ model: this.model, ids, attrs });
  }
}
export const device = (store: BaseStore): Promise<Device> => new Repository(store, Device).get({ name: 'r1' });

export async function attrs(store: BaseStore): Promise<void> {
  await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { interfaces: ['e0'] } });
  // @ts-expect-error
  await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { rolle: 'spine' } });
  // @ts-expect-error an identifier
  await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { name: 'r2' } });
  // @ts-expect-error
  await store.getOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { rolle: 'spine' } });
  // @ts-expect-error the schema requires a serial
  await store.getOrInstantiate({ model: Serial, ids: { name: 'r1' } });
  await store.getOrInstantiate({ model: Serial, ids: { name: 'r1' }, attrs: { serial: 'x' } });
}
