import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncFlags,
  DiffSyncModel,
  DiffSyncModelFlags,
  ModelDefinitionError,
  ValueError,
  type BaseStore,
  type DiffOptions,
  type ModelClass,
} from '../../../src/index.js';
import {
  Device as PlainDevice,
  Hooks,
  fill,
  Inventory,
  Site as PlainSite,
  tree,
  watched,
} from '../../fixtures/inventory.js';
import { engineStores } from '../../support/stores.js';

const list = z.array(z.string()).default(() => []);

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string(), region: z.string().default(''), devices: list }),
  identifiers: ['name'],
  attributes: ['region'],
  children: { device: 'devices' },
}) {}

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({
    name: z.string(),
    role: z.string().default('leaf'),
    serial: z.string().default(''),
    note: z.string().default(''),
  }),
  identifiers: ['name'],
  attributes: ['role', 'serial', 'note'],
}) {}

class Racks extends Adapter {
  static override readonly models = [Site, Device];
  static override readonly topLevel = ['site'];
}

type DeviceInput = ConstructorParameters<typeof Device>[0];

async function fillSite(adapter: Adapter, site: string, devices: readonly DeviceInput[], region = ''): Promise<void> {
  await adapter.add(new Site({ name: site, region, devices: devices.map(({ name }) => name) }));
  await adapter.addMany(devices.map((each) => new Device(each)));
}

/** Two sides with one site each, which is the same but for its devices. */
async function racks(
  source: readonly DeviceInput[],
  target: readonly DeviceInput[],
  store?: BaseStore,
): Promise<[source: Racks, target: Racks]> {
  const sides = [new Racks({ name: 'source' }), new Racks({ name: 'target', store })] as const;
  await fillSite(sides[0], 'nyc', source);
  await fillSite(sides[1], 'nyc', target);
  return [...sides];
}

async function inventories(
  source: Parameters<typeof fill>[1],
  target: Parameters<typeof fill>[1],
  hooks = new Hooks(),
): Promise<[source: Inventory, target: Inventory]> {
  const sides = [new Inventory({ name: 'source' }), watched(hooks)] as const;
  await fill(sides[0], source);
  await fill(sides[1], target);
  return [...sides];
}

async function devicesOf(adapter: Adapter): Promise<Record<string, unknown>> {
  const devices = await adapter.getAll(Device);
  return Object.fromEntries(devices.map(({ name, role, serial, note }) => [name, [role, serial, note].join('|')]));
}

beforeAll(() => {
  Logger.overrideLogger(false);
});

describe('modelTypes', () => {
  const source = { nyc: { d1: ['e0', 'e1'], d2: ['e2'] }, sfo: { d3: [] } };
  const target = { nyc: { d1: ['e0', 'e9'], d4: ['e4'] }, lon: { d5: [] } };

  it('only these are compared, below parents that both sides have', async () => {
    const [from, to] = await inventories(source, target);
    const diff = await to.diffFrom(from, { modelTypes: ['device'] });
    expect(diff.toDict()).toEqual({
      site: { nyc: { '+': {}, '-': {}, device: { d2: { '+': { role: '' } }, d4: { '-': { role: '' } } } } },
    });
  });

  it('types on the way down are passed through, however deep, and not compared themselves', async () => {
    const [from, to] = await inventories(source, target);
    await from.update(new PlainSite({ name: 'nyc', region: 'us', devices: ['d1', 'd2'] }));
    await from.update(new PlainDevice({ name: 'd1', role: 'spine', interfaces: ['e0', 'e1'] }));
    const diff = await to.diffFrom(from, { modelTypes: ['interface'] });
    expect(diff.toDict()).toEqual({
      site: {
        nyc: {
          '+': {},
          '-': {},
          device: { d1: { '+': {}, '-': {}, interface: { e1: { '+': { mtu: 1500 } }, e9: { '-': { mtu: 1500 } } } } },
        },
      },
    });
    expect(diff.summary()).toMatchObject({ create: 1, update: 0, delete: 1 });
  });

  it('children of other types are left out: nothing else is created, updated or deleted', async () => {
    const hooks = new Hooks();
    const [from, to] = await inventories(source, target, hooks);
    await to.syncFrom(from, { modelTypes: ['device'] });
    expect(hooks.calls).toEqual(['create device d2', 'delete device d4']);
    expect((await tree(to)).sites).toEqual({ nyc: { d1: ['e0', 'e9'], d2: [] }, lon: { d5: [] } });
    expect((await to.diffFrom(from, { modelTypes: ['device'] })).hasDiffs()).toBe(false);
  });

  it('a type whose parents are wanted too is created with them', async () => {
    const hooks = new Hooks();
    const [from, to] = await inventories({ nyc: { d: ['e'] } }, {}, hooks);
    await to.syncFrom(from, { modelTypes: ['site', 'device'] });
    expect(hooks.calls).toEqual(['create site nyc', 'create device d']);
  });

  it('none: nothing is compared; all: as without', async () => {
    const [from, to] = await inventories(source, target);
    expect((await to.diffFrom(from, { modelTypes: [] })).length).toBe(0);
    const all = await to.diffFrom(from, { modelTypes: ['site', 'device', 'interface'] });
    expect(all.toString()).toBe((await to.diffFrom(from)).toString());
  });
});

describe('filters', () => {
  const source = { nyc: { a: ['a0'] }, sfo: { b: ['b0'] } };

  it('leave out what does not pass, with all below it, on both sides', async () => {
    const hooks = new Hooks();
    const [from, to] = await inventories(source, { lon: { c: ['c0'] }, ams: { d: ['d0'] } }, hooks);
    const filters = { site: ({ name }: PlainSite) => name === 'sfo' || name === 'ams' };
    await to.syncFrom(from, { filters });
    expect(hooks.calls).toEqual([
      'create site sfo',
      'create device b',
      'create interface b0',
      'delete site ams',
      'delete device d',
      'delete interface d0',
    ]);
    expect((await tree(to)).sites).toEqual({ lon: { c: ['c0'] }, sfo: { b: ['b0'] } });
    expect((await to.diffFrom(from, { filters })).hasDiffs()).toBe(false);
  });

  it.each([
    ['the source', 'spine', 'leaf'],
    ['the target', 'leaf', 'spine'],
  ])("a pair passes when only %s's object does", async (_side, ours, theirs) => {
    const [from, to] = await racks([{ name: 'd', role: ours }], [{ name: 'd', role: theirs }]);
    const filters = { device: ({ role }: Device) => role === 'spine' };
    expect((await to.diffFrom(from, { filters })).summary()).toMatchObject({ update: 1, 'no-change': 1 });
  });

  it('a pair that passes on neither side is left out and counted', async () => {
    const [from, to] = await racks([{ name: 'd', note: 'x' }], [{ name: 'd' }]);
    const diff = await to.diffFrom(from, { filters: { device: () => false } });
    expect(diff.summary()).toEqual({ create: 0, update: 0, delete: 0, 'no-change': 1, skip: 1 });
  });

  it('an object of a model without a filter passes', async () => {
    const [from, to] = await inventories(source, {});
    const diff = await to.diffFrom(from, { filters: { interface: () => false } });
    expect(diff.summary()).toMatchObject({ create: 4, skip: 2 });
  });

  it('may read fields that are not compared, and are called with stored objects only', async () => {
    const seen: string[] = [];
    const [from, to] = await inventories({ nyc: { a: ['x'], b: [] } }, {});
    const filters = { device: ({ name, interfaces }: PlainDevice) => seen.push(name) > 0 && interfaces.length > 0 };
    const diff = await to.diffFrom(from, { filters });
    expect(seen).toEqual(['a', 'b']);
    expect(diff.toDict()).toMatchObject({ site: { nyc: { device: { a: { interface: { x: {} } } } } } });
    expect(JSON.stringify(diff.toDict())).not.toContain('"b"');
  });
});

describe('syncAttrs and excludeAttrs', () => {
  const ours = { name: 'd', role: 'spine', serial: 'S1', note: 'ours' };
  const theirs = { name: 'd', role: 'leaf', serial: 'S2', note: 'theirs' };

  it.each<[string, DiffOptions, string[]]>([
    ['syncAttrs', { syncAttrs: { device: ['role'] } }, ['role']],
    ['excludeAttrs', { excludeAttrs: { device: ['role'] } }, ['serial', 'note']],
    ['both', { syncAttrs: { device: ['role', 'note'] }, excludeAttrs: { device: ['note'] } }, ['role']],
    ['an empty syncAttrs', { syncAttrs: { device: [] } }, []],
    ['an empty excludeAttrs', { excludeAttrs: { device: [] } }, ['role', 'serial', 'note']],
    ['those of another model', { syncAttrs: { site: [] } }, ['role', 'serial', 'note']],
  ])('%s: only these are compared', async (_option, options, compared) => {
    const [from, to] = await racks([ours], [theirs]);
    const diff = await to.diffFrom(from, options);
    const [device] = diff.getChildren()[0]?.getChildren() ?? [];
    expect(device?.getAttrsKeys()).toEqual(compared);
    expect(Object.keys(device?.getAttrsDiffs()['+'] ?? {})).toEqual(compared);
  });

  it('an object that differs in others only does not differ', async () => {
    const [from, to] = await racks([ours], [theirs]);
    const options = { excludeAttrs: { device: ['role', 'serial', 'note'] } };
    expect((await to.diffFrom(from, options)).summary()).toMatchObject({ update: 0, 'no-change': 2 });
  });

  it.each(engineStores)(
    'a sync updates only these, gives created objects all, and leaves no difference on the $name store',
    async ({ open, close }) => {
      const store = await open();
      try {
        const fresh = { ...ours, name: 'fresh' };
        const [from, to] = await racks([ours, fresh], [theirs, { ...theirs, name: 'gone' }], store);
        const options = { syncAttrs: { device: ['role', 'note'] }, excludeAttrs: { device: ['note'] } };
        await to.syncFrom(from, options);
        expect(await devicesOf(to)).toEqual({ d: 'spine|S2|theirs', fresh: 'spine|S1|ours' });
        expect((await to.diffFrom(from, options)).hasDiffs()).toBe(false);
        expect((await to.diffFrom(from)).summary()).toMatchObject({ create: 0, update: 1, delete: 0 });
      } finally {
        await close(store);
      }
    },
  );
});

describe('unknown names', () => {
  it.each<[string, DiffOptions, string]>([
    ['modelTypes', { modelTypes: ['site', 'rack'] }, 'modelTypes: neither side has a model "rack"'],
    ['filters', { filters: { rack: () => true } }, 'filters: neither side has a model "rack"'],
    ['syncAttrs', { syncAttrs: { rack: [] } }, 'syncAttrs: neither side has a model "rack"'],
    ['excludeAttrs', { excludeAttrs: { rack: [] } }, 'excludeAttrs: neither side has a model "rack"'],
    ['names of Object', { modelTypes: ['constructor'] }, 'modelTypes: neither side has a model "constructor"'],
    ['an attribute', { syncAttrs: { device: ['rolle'] } }, 'syncAttrs: model "device" has no attribute "rolle"'],
    ['an identifier', { excludeAttrs: { device: ['name'] } }, 'excludeAttrs: model "device" has no attribute "name"'],
  ])('%s: a ValueError that names the option', async (_what, options, message) => {
    const [from, to] = await racks([], []);
    const failure = to.syncFrom(from, options);
    await expect(failure).rejects.toThrow(ValueError);
    await expect(failure).rejects.toThrow(message);
  });

  it('a model or attribute that one side has is known', async () => {
    class Sites extends Adapter {
      static override readonly models: readonly ModelClass[] = [PlainSite];
      static override readonly topLevel = ['site'];
    }
    const [from] = await racks([{ name: 'd' }], []);
    const diff = await new Sites().diffFrom(from, { modelTypes: ['device'], syncAttrs: { device: ['serial'] } });
    expect(diff.length).toBe(0);
  });
});

describe('all scope options combined', () => {
  const options = {
    modelTypes: ['device'],
    filters: { site: ({ name }: Site) => name === 'nyc', device: ({ role }: Device) => role === 'spine' },
    syncAttrs: { device: ['role', 'serial'] },
    excludeAttrs: { device: ['serial'] },
  };

  async function sides(): Promise<[Racks, Racks]> {
    const [from, to] = [new Racks({ name: 'source' }), new Racks({ name: 'target' })];
    await fillSite(
      from,
      'nyc',
      [
        { name: 'pair', role: 'spine', serial: 'S1' },
        { name: 'same', role: 'spine', note: 'x' },
        { name: 'other' },
        { name: 'new', role: 'spine', note: 'x' },
      ],
      'us',
    );
    await fillSite(from, 'sfo', [{ name: 'there', role: 'spine' }]);
    await fillSite(to, 'nyc', [
      { name: 'pair', serial: 'S2' },
      { name: 'same', role: 'spine' },
      { name: 'gone', role: 'spine' },
      { name: 'stays' },
    ]);
    await fillSite(to, 'sfo', []);
    return [from, to];
  }

  it('each narrows what the others leave', async () => {
    const [from, to] = await sides();
    const diff = await to.syncFrom(from, options);
    expect([...diff.operations]).toEqual([['device', { create: ['new'], update: ['pair'], delete: ['gone'] }]]);
    expect(await devicesOf(to)).toEqual({
      pair: 'spine|S2|',
      same: 'spine||',
      stays: 'leaf||',
      new: 'spine||x',
    });
    expect((await to.diffFrom(from, options)).hasDiffs()).toBe(false);
  });

  it.each<[string, DiffSyncFlags, string[]]>([
    ['SKIP_UNMATCHED_SRC', DiffSyncFlags.SKIP_UNMATCHED_SRC, ['pair', 'gone']],
    ['SKIP_UNMATCHED_DST', DiffSyncFlags.SKIP_UNMATCHED_DST, ['pair', 'new']],
    ['SKIP_UNMATCHED_BOTH', DiffSyncFlags.SKIP_UNMATCHED_BOTH, ['pair']],
  ])('and with %s', async (_name, flags, changed) => {
    const [from, to] = await sides();
    const {
      create = [],
      update = [],
      delete: deleted = [],
    } = (await to.syncFrom(from, { ...options, flags })).operations.get('device') ?? {};
    expect([...update, ...create, ...deleted]).toEqual(changed);
  });

  it("and with an object's IGNORE", async () => {
    const [from, to] = await sides();
    const device = await to.get(Device, 'pair');
    device.modelFlags = DiffSyncModelFlags.IGNORE;
    await to.update(device);
    expect((await to.diffFrom(from, options)).summary()).toMatchObject({ create: 1, update: 0, delete: 1 });
  });
});

describe('compare', () => {
  const schema = z.object({
    name: z.string(),
    vlans: z.array(z.number()).default([]),
    host: z.string().default(''),
    tags: z.array(z.string()).default([]),
  });
  class Port extends DiffSyncModel.define({
    name: 'port',
    schema,
    identifiers: ['name'],
    attributes: ['vlans', 'host', 'tags'],
    compare: { vlans: 'set', host: (a, b) => a.toLowerCase() === b.toLowerCase() },
  }) {}
  class StrictPort extends DiffSyncModel.define({
    name: 'port',
    schema,
    identifiers: ['name'],
    attributes: ['vlans', 'host', 'tags'],
  }) {}
  class Ports extends Adapter {
    static override readonly models: (typeof Adapter)['models'] = [Port];
    static override readonly topLevel = ['port'];
  }
  class StrictPorts extends Ports {
    static override readonly models = [StrictPort];
  }
  type PortInput = Partial<ConstructorParameters<typeof Port>[0]>;

  async function ports(ours: PortInput, theirs: PortInput, strict: { source?: true; target?: true } = {}) {
    const from = strict.source ? new StrictPorts({ name: 'source' }) : new Ports({ name: 'source' });
    const to = strict.target ? new StrictPorts({ name: 'target' }) : new Ports({ name: 'target' });
    await from.add(new (strict.source ? StrictPort : Port)({ name: 'p', ...ours }));
    await to.add(new (strict.target ? StrictPort : Port)({ name: 'p', ...theirs }));
    return [from, to] as const;
  }

  it.each<[string, PortInput, PortInput, string[]]>([
    ["'set': another order", { vlans: [1, 2, 2] }, { vlans: [2, 1, 2] }, []],
    ["'set': another item", { vlans: [1, 2] }, { vlans: [1, 3] }, ['vlans']],
    ["'set': an item more often", { vlans: [1, 1, 2] }, { vlans: [1, 2, 2] }, ['vlans']],
    ["'set': -0 is not 0", { vlans: [0] }, { vlans: [-0] }, ['vlans']],
    ['a function: equal', { host: 'CORE' }, { host: 'core' }, []],
    ['a function: different', { host: 'core' }, { host: 'edge' }, ['host']],
    ['none: by value', { tags: ['a', 'b'] }, { tags: ['b', 'a'] }, ['tags']],
    ['others stay equal', { vlans: [1, 2], host: 'A', tags: ['x'] }, { vlans: [2, 1], host: 'a' }, ['tags']],
  ])('%s', async (_what, ours, theirs, changed) => {
    const [from, to] = await ports(ours, theirs);
    const [element] = (await to.diffFrom(from)).getChildren();
    expect(element?.action).toBe(changed.length === 0 ? null : 'update');
    expect(Object.keys(element?.getAttrsDiffs()['+'] ?? {})).toEqual(changed);
  });

  it('what counts as equal is not updated beside what does not', async () => {
    const [from, to] = await ports({ vlans: [1, 2], host: 'CORE' }, { vlans: [2, 1], host: 'edge' });
    await to.syncFrom(from);
    expect(await to.get(Port, 'p')).toMatchObject({ vlans: [2, 1], host: 'CORE' });
    expect((await to.diffFrom(from)).hasDiffs()).toBe(false);
  });

  it("the target's model decides", async () => {
    const [ours, theirs] = [{ vlans: [1, 2] }, { vlans: [2, 1] }];
    const [strictSource, to] = await ports(ours, theirs, { source: true });
    expect((await to.diffFrom(strictSource)).hasDiffs()).toBe(false);
    const [from, strictTarget] = await ports(ours, theirs, { target: true });
    expect((await strictTarget.diffFrom(from)).hasDiffs()).toBe(true);
  });

  it('is called with copies, and with syncAttrs only for what is compared', async () => {
    const seen: unknown[] = [];
    class Spy extends DiffSyncModel.define({
      name: 'port',
      schema,
      identifiers: ['name'],
      attributes: ['vlans', 'tags'],
      compare: { vlans: (a, b) => seen.push([a, b]) > 0, tags: () => seen.push('tags') > 0 },
    }) {}
    class Spies extends Adapter {
      static override readonly models = [Spy];
      static override readonly topLevel = ['port'];
    }
    const [from] = await ports({ vlans: [1], tags: ['a'] }, {});
    const to = new Spies();
    await to.add(new Spy({ name: 'p', vlans: [2] }));
    expect((await to.diffFrom(from, { syncAttrs: { port: ['vlans'] } })).hasDiffs()).toBe(false);
    expect(seen).toContainEqual([[1], [2]]);
    expect(seen).not.toContain('tags');
  });

  it('for what is no attribute is an error when the model is defined', () => {
    const define = (compare: object) => () =>
      DiffSyncModel.define({ name: 'port', schema, identifiers: ['name'], attributes: ['vlans'], compare });
    for (const field of ['name', 'host', 'nonsense']) {
      expect(define({ [field]: 'set' })).toThrow(ModelDefinitionError);
      expect(define({ [field]: 'set' })).toThrow(`"compare" names the field "${field}", which is no attribute`);
    }
    expect(define({ vlans: undefined })).not.toThrow();
  });

  /** What the compiler must accept and refuse; not run. */
  function types(to: Adapter, from: Adapter): void {
    const common = { name: 'port', schema, identifiers: ['name'], attributes: ['vlans', 'host'] } as const;
    DiffSyncModel.define({ ...common, compare: { vlans: (a: number[], b: number[]) => a.length === b.length } });
    // @ts-expect-error another type than the attribute's
    DiffSyncModel.define({ ...common, compare: { host: (a: number, b: number) => a === b } });
    // @ts-expect-error no way to compare
    DiffSyncModel.define({ ...common, compare: { host: 'bag' } });
    // @ts-expect-error no attribute
    DiffSyncModel.define({ ...common, compare: { tags: 'set' } });
    // @ts-expect-error an identifier
    DiffSyncModel.define({ ...common, compare: { name: (a: string, b: string) => a === b } });

    void to.diffFrom(from, { filters: { port: (port: Port) => port.vlans.includes(1) } });
    void to.diffFrom(from, { filters: { port: (port) => port.getUniqueId() !== '' } });
    // @ts-expect-error not an object of a model
    void to.diffFrom(from, { filters: { port: (port: number) => port > 1 } });
    // @ts-expect-error a filter says yes or no
    void to.diffFrom(from, { filters: { port: (port: Port) => port.host } });
    // @ts-expect-error a list of names
    void to.diffFrom(from, { modelTypes: 'port' });
    // @ts-expect-error by model
    void to.diffFrom(from, { syncAttrs: ['vlans'] });
    // @ts-expect-error lists of names
    void to.syncFrom(from, { excludeAttrs: { port: 'vlans' } });
  }

  it('and scopes have types', () => {
    expect(types).toBeDefined();
  });
});

describe('a child type that is also top-level', () => {
  it('is left out with the parent that is, and not created at the top', async () => {
    class Both extends Inventory {
      static override readonly topLevel = ['device', 'site'];
    }
    const [source, target] = [new Both({ name: 'source' }), new Both({ name: 'target' })];
    const site = new PlainSite({ name: 'nyc' });
    await source.add(site);
    await source.add(new PlainDevice({ name: 'd' }), { parent: site });
    await source.add(new PlainDevice({ name: 'spare' }));
    const diff = await target.diffFrom(source, { filters: { site: () => false } });
    expect(diff.toDict()).toEqual({ device: { spare: { '+': { role: '' } } } });
  });
});
