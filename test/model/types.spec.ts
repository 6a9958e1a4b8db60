import { describe, expect, it } from '@jest/globals';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  LocalStore,
  type BaseStore,
  type CreateContext,
  type Diff,
  type DiffSyncError,
  type IdentifiersOf,
  type ReservedField,
} from '../../src/index.js';

/* oxlint-disable typescript/no-unnecessary-type-parameters -- type parameters are what is tested here */

/** What the compiler must accept and refuse. The type check of `npm test` is the test; nothing below is run. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function holds<_T extends true>(): void {}

const schema = z.object({
  name: z.string(),
  role: z.string().default('leaf'),
  vlan: z.coerce.number().optional(),
  interfaces: z.array(z.string()).default([]),
});

class Device extends DiffSyncModel.define({
  name: 'device',
  schema,
  identifiers: ['name'],
  attributes: ['role', 'vlan'],
  children: { interface: 'interfaces' },
  shortname: ['name'],
}) {
  label(): string {
    return `${this.name} (${this.role})`;
  }
}

class Interface extends DiffSyncModel.define({
  name: 'interface',
  schema: v.object({ device: v.string(), port: v.string(), speed: v.optional(v.number(), 1000) }),
  identifiers: ['device', 'port'],
  attributes: ['speed'],
}) {}

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: type({ name: 'string', devices: 'string[]' }),
  identifiers: ['name'],
  children: { device: 'devices' },
}) {}

class CmdbAdapter extends Adapter {
  static override readonly models = [Site, Device, Interface];
  static override readonly topLevel = ['site'];
  readonly commits: string[] = [];
}

/** Platform hooks as users write them. */
class CmdbDevice extends Device {
  static override async create(
    context: CreateContext<{ name: string }, { role?: string; vlan?: number | undefined }, CmdbAdapter>,
  ): Promise<CmdbDevice | null> {
    holds<Equal<typeof context.ids.name, string>>();
    context.adapter.commits.push(context.ids.name);
    const made = await super.create(context);
    return made === null ? null : new CmdbDevice({ name: made.name });
  }

  override async update(attrs: { role?: string; vlan?: number | undefined }): Promise<this | null> {
    if (attrs.role === 'refused') return null;
    return super.update(attrs);
  }

  override async delete(): Promise<this | null> {
    return super.delete();
  }
}

/** `create` takes what the schema knows besides the attributes: an id of the platform, for example. */
class ExtendingDevice extends Device {
  static override async create(context: CreateContext<{ name: string }, { role?: string }>) {
    return super.create({ ...context, attrs: { ...context.attrs, interfaces: ['e0'] } });
  }
}

/** Fewer attributes of the same objects, and a schema that knows more. */
class Spare extends Device.variant({ attributes: ['role'] }) {
  override async update(attrs: { role?: string }): Promise<this | null> {
    return super.update(attrs);
  }
}
/** A definition is made of another one. */
class Few extends DiffSyncModel.define({ ...Device.definition, attributes: ['role'] }) {}
class Rich extends Device.variant({
  schema: schema.extend({ serial: z.string().default('') }),
  attributes: ['role', 'serial'],
}) {}

/** `load` takes arguments and returns a result. */
class LoadingAdapter extends CmdbAdapter {
  static override readonly type = 'cmdb';
  override async load(site: string, limit = 10): Promise<number> {
    return site.length + limit;
  }
}

async function portedTypes(adapter: LoadingAdapter, error: DiffSyncError): Promise<void> {
  const loaded = adapter.load('nyc');
  holds<Equal<typeof loaded, Promise<number>>>();
  holds<Equal<Parameters<LoadingAdapter['load']>, [site: string, limit?: number | undefined]>>();
  // @ts-expect-error load needs its argument
  await adapter.load();
  await adapter.reload('nyc', 3);
  const rich = new Rich({ name: 'r1', serial: 'x' });
  holds<Equal<typeof rich.serial, string>>();
  holds<Equal<ReturnType<Spare['getAttrs']>, { role: string }>>();
  // @ts-expect-error an attribute that the schema does not have
  Device.variant({ attributes: ['rolle'] });
  holds<Equal<typeof error.diff, Diff | undefined>>();
}

class InferringDevice extends Device {
  static override async create(context: CreateContext<IdentifiersOf<typeof Device>>) {
    return super.create(context);
  }
}

async function storeTypes(store: BaseStore): Promise<void> {
  const one = store.get({ model: Device, identifier: { name: 'r1' } });
  holds<Equal<typeof one, Promise<Device>>>();
  const byUid = store.get({ model: Interface, identifier: 'r1__e0' });
  holds<Equal<typeof byUid, Promise<Interface>>>();
  const byInstance = store.get({ model: new Device({ name: 'x' }), identifier: { name: 'r1' } });
  holds<Equal<typeof byInstance, Promise<Device>>>();
  const byName = store.get({ model: 'device', identifier: { anything: 1 } });
  holds<Equal<typeof byName, Promise<DiffSyncModel>>>();
  const all = store.getAll({ model: Site });
  holds<Equal<typeof all, Promise<Site[]>>>();
  const some = store.getByUids({ model: Device, uids: [] });
  holds<Equal<typeof some, Promise<Device[]>>>();
  const found = store.find({ model: Device, uids: [] });
  holds<Equal<typeof found, Promise<(Device | undefined)[]>>>();
  for await (const obj of store.iterate({ model: CmdbDevice })) holds<Equal<typeof obj, CmdbDevice>>();
  const made = store.getOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { role: 'x' } });
  holds<Equal<typeof made, Promise<[obj: Device, created: boolean]>>>();
  const updated = store.updateOrAddModelInstance(new Site({ name: 's', devices: [] }));
  holds<Equal<typeof updated, Promise<[obj: Site, created: boolean]>>>();

  // @ts-expect-error a wrong identifier
  await store.get({ model: Device, identifier: { nmae: 'r1' } });
  // @ts-expect-error an identifier is missing
  await store.get({ model: Interface, identifier: { device: 'r1' } });
  // @ts-expect-error a value of the wrong type
  await store.get({ model: Device, identifier: { name: 1 } });
  // @ts-expect-error a wrong identifier, by instance
  await store.get({ model: new Device({ name: 'x' }), identifier: { nmae: 'r1' } });
  // @ts-expect-error a unique id is a text
  await store.getByUids({ model: Device, uids: [1] });
  // @ts-expect-error a wrong identifier
  await store.getOrInstantiate({ model: Device, ids: { nmae: 'r1' } });
  // @ts-expect-error an attribute of the wrong type
  await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { role: 1 } });
  // @ts-expect-error an unknown attribute
  await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { rolle: 'x' } });
  // @ts-expect-error an unknown attribute
  await store.getOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { rolle: 'x' } });
  await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { role: 'x', interfaces: ['e0'] } });
  // @ts-expect-error not a model
  await store.getAll({ model: Map });
  // @ts-expect-error not an object of a model
  await store.add({ obj: { name: 'r1' } });
}

async function adapterTypes(adapter: CmdbAdapter): Promise<void> {
  const one = adapter.get(Device, { name: 'r1' });
  holds<Equal<typeof one, Promise<Device>>>();
  const orNone = adapter.getOrNone(Interface, 'r1__e0');
  holds<Equal<typeof orNone, Promise<Interface | null>>>();
  const all = adapter.getAll(Device);
  holds<Equal<typeof all, Promise<Device[]>>>();
  const some = adapter.getByUids(['x'], Site);
  holds<Equal<typeof some, Promise<Site[]>>>();
  // @ts-expect-error a wrong identifier
  await adapter.get(Device, { nmae: 'r1' });
}

async function modelTypes(): Promise<void> {
  const device = new Device({ name: 'r1' });
  holds<Equal<typeof device.role, string>>();
  holds<Equal<typeof device.vlan, number | undefined>>();
  holds<Equal<ReturnType<typeof device.getIdentifiers>, { name: string }>>();
  holds<Equal<ReturnType<typeof device.getAttrs>, { role: string; vlan?: number | undefined }>>();
  holds<Equal<typeof Device.modelName, 'device'>>();
  holds<Equal<IdentifiersOf<typeof Interface>, { device: string; port: string }>>();
  const parsed = Device.parse({ name: 'r1', vlan: '7' });
  holds<Equal<typeof parsed, Promise<Device>>>();
  const hydrated = Interface.hydrate({ device: 'r1', port: 'e0', speed: 1 });
  holds<Equal<typeof hydrated, Interface>>();
  device.label();
  Device.createUniqueId({ name: 'r1' });
  await device.update({ role: 'x' });

  // @ts-expect-error a field is missing
  void new Device({});
  // @ts-expect-error a field of the wrong type
  void new Device({ name: 1 });
  // @ts-expect-error an unknown field
  void new Device({ name: 'r1', rolle: 'leaf' });
  // @ts-expect-error valibot: a field is missing
  void new Interface({ device: 'r1' });
  // @ts-expect-error arktype: a field of the wrong type
  void new Site({ name: 's', devices: [1] });
  // @ts-expect-error hydrate() takes the schema's output
  Interface.hydrate({ device: 'r1', port: 'e0' });
  // @ts-expect-error a wrong identifier
  Device.createUniqueId({ nmae: 'r1' });
  // @ts-expect-error an unknown attribute
  await device.update({ rolle: 'x' });
  // @ts-expect-error fields have their types
  device.role = 1;
  // @ts-expect-error the lists of a definition are not to be changed
  Device.definition.identifiers.push('x');
}

function definitionTypes(): void {
  holds<Equal<ReservedField, keyof DiffSyncModel & string>>();
  // @ts-expect-error an unknown identifier
  DiffSyncModel.define({ name: 'x', schema, identifiers: ['nmae'] });
  // @ts-expect-error no identifiers
  DiffSyncModel.define({ name: 'x', schema, identifiers: [] });
  // @ts-expect-error an unknown attribute
  DiffSyncModel.define({ name: 'x', schema, identifiers: ['name'], attributes: ['rolle'] });
  // @ts-expect-error an identifier is no attribute
  DiffSyncModel.define({ name: 'x', schema, identifiers: ['name'], attributes: ['name'] });
  // @ts-expect-error an unknown field for children
  DiffSyncModel.define({ name: 'x', schema, identifiers: ['name'], children: { interface: 'intfs' } });
  // @ts-expect-error children are listed in a field that holds texts
  DiffSyncModel.define({ name: 'x', schema, identifiers: ['name'], children: { interface: 'vlan' } });
  // @ts-expect-error an unknown field in the shortname
  DiffSyncModel.define({ name: 'x', schema, identifiers: ['name'], shortname: ['nmae'] });
  // @ts-expect-error not a schema
  DiffSyncModel.define({ name: 'x', schema: { name: 'string' }, identifiers: ['name'] });
  // @ts-expect-error a schema of something else than an object
  DiffSyncModel.define({ name: 'x', schema: z.string(), identifiers: ['length'] });
  // @ts-expect-error an unknown option
  DiffSyncModel.define({ name: 'x', schema, identifiers: ['name'], identifires: ['name'] });
}

describe('the types of models, stores and adapters', () => {
  it('are checked by the compiler; the classes above also work', async () => {
    expect([storeTypes, adapterTypes, modelTypes, definitionTypes, portedTypes]).toHaveLength(5);
    expect([Few.definition.attributes, new Few({ name: 'r1' }).role]).toEqual([['role'], 'leaf']);
    expect([Spare.definition.attributes, Rich.definition.attributes]).toEqual([['role'], ['role', 'serial']]);
    expect(ExtendingDevice.modelName).toBe('device');
    const store = new LocalStore();
    await store.add({ obj: new CmdbDevice({ name: 'r1' }) });
    expect((await store.get({ model: InferringDevice, identifier: 'r1' })).label()).toBe('r1 (leaf)');
  });
});
