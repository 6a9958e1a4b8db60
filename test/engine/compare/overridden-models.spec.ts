import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  LocalStore,
  type DiffElement,
  type DiffOptions,
  type ModelClass,
  type ModelRecord,
} from '../../../src/index.js';
import { engineStores } from '../../support/stores.js';

const list = z.array(z.string()).default(() => []);

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string(), devices: list, spares: list }),
  identifiers: ['name'],
  children: { device: 'devices' },
}) {}

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf'), tags: list }),
  identifiers: ['name'],
  attributes: ['role', 'tags'],
}) {}

interface Classes {
  readonly site?: ModelClass;
  readonly device?: ModelClass;
}

beforeAll(() => {
  Logger.overrideLogger(false);
});

/** Class by class: what a diff is made of must not depend on whether objects are built for it. */
describe.each(engineStores)('a diff on the $name store', ({ open, close }) => {
  async function diff(classes: { source?: Classes; target?: Classes }, options: DiffOptions = {}) {
    const opened = [await open(), await open()] as const;
    const adapter = (at: 0 | 1, { site = Site, device = Device }: Classes = {}): Adapter => {
      class Racks extends Adapter {
        static override readonly models = [site, device];
        static override readonly topLevel = ['site'];
      }
      return new Racks({ name: at === 0 ? 'source' : 'target', store: opened[at] });
    };
    const [source, target] = [adapter(0, classes.source), adapter(1, classes.target)];
    const make = (model: ModelClass, fields: object): DiffSyncModel => new model(fields as never);
    try {
      for (const [side, { site = Site, device = Device } = {}, role] of [
        [source, classes.source, 'leaf'],
        [target, classes.target, 'spine'],
      ] as const) {
        const devices = [
          make(device, { name: 'same', tags: ['a'] }),
          make(device, { name: 'differs', role }),
          ...(side === source ? [make(device, { name: 'new', tags: ['n'] })] : []),
        ];
        const spares = [make(device, { name: 'spare' })];
        const uids = (objs: DiffSyncModel[]): string[] => objs.map((obj) => obj.getUniqueId());
        await side.addMany([...devices, ...spares]);
        await side.add(make(site, { name: 'nyc', devices: uids(devices), spares: uids(spares) }));
      }
      return shown(await target.diffFrom(source, options).then((made) => made.getChildren()));
    } finally {
      for (const store of opened) await close(store);
    }
  }

  it('with classes that override nothing', async () => {
    expect(await diff({})).toEqual(standard);
  });

  class SameAttrs extends Device {
    override getAttrs() {
      return super.getAttrs();
    }
  }
  class SameIdentifiers extends Device {
    override getIdentifiers() {
      return super.getIdentifiers();
    }
  }
  class SameUniqueId extends Device {
    override getUniqueId() {
      return super.getUniqueId();
    }
  }
  class SameCreatedId extends Device {
    static override createUniqueId(ids: { name: string }) {
      return super.createUniqueId(ids);
    }
  }
  class SameShortname extends Device {
    override getShortname() {
      return super.getShortname();
    }
  }
  class SameChildren extends Site {
    override getChildrenMapping() {
      return super.getChildrenMapping();
    }
  }
  class SameRole extends Device {
    constructor(input: ConstructorParameters<typeof Device>[0]) {
      super(input);
      this.role ||= 'leaf';
    }
  }
  class OwnField extends Device {
    note = 'not compared';
  }

  it.each<[string, Classes]>([
    ['getAttrs', { device: SameAttrs }],
    ['getIdentifiers', { device: SameIdentifiers }],
    ['getUniqueId', { device: SameUniqueId }],
    ['createUniqueId', { device: SameCreatedId }],
    ['getShortname', { device: SameShortname }],
    ['getChildrenMapping', { site: SameChildren }],
    ['a constructor', { device: SameRole }],
    ['a field of its own', { device: OwnField }],
  ])('is the same with %s that changes nothing, on either side or on both', async (_what, classes) => {
    expect(await diff({ source: classes })).toEqual(standard);
    expect(await diff({ target: classes })).toEqual(standard);
    expect(await diff({ source: classes, target: classes })).toEqual(standard);
  });

  class NoTags extends Device {
    override getAttrs() {
      return { role: this.role.toUpperCase() } as never;
    }
  }
  class Numbered extends Device {
    override getIdentifiers() {
      return { name: this.name, number: this.name.length } as never;
    }
  }
  class Prefixed extends Device {
    override getUniqueId() {
      return `id-${this.name}`;
    }
  }
  class Short extends Device {
    override getShortname() {
      return this.name.slice(0, 2);
    }
  }
  class WithSpares extends Site {
    static override getChildrenMapping(): never {
      return { device: 'spares' } as never;
    }
    override getChildrenMapping() {
      return { device: 'spares' };
    }
  }

  it.each<[string, Classes, (each: Shown) => Shown[]]>([
    ['getAttrs', { device: NoTags }, (each) => [{ ...each, source: upper(each.source), dest: upper(each.dest) }]],
    [
      'getIdentifiers',
      { device: Numbered },
      (each) => [{ ...each, keys: { name: each.name, number: each.name.length } }],
    ],
    ['getUniqueId', { device: Prefixed }, (each) => [{ ...each, name: `id-${each.name}` }]],
    ['getShortname', { device: Short }, (each) => [{ ...each, name: each.name.slice(0, 2) }]],
  ])('takes the answers of %s', async (_what, classes, change) => {
    const [site, ...devices] = standard;
    expect(await diff({ source: classes, target: classes })).toEqual([site, ...devices.flatMap(change)]);
  });

  it('uses what getChildrenMapping returns', async () => {
    const [site] = standard;
    const spare = { type: 'device', name: 'spare', keys: { name: 'spare' }, action: null };
    expect(await diff({ source: { site: WithSpares }, target: { site: WithSpares } })).toEqual([
      site,
      { ...spare, source: { role: 'leaf', tags: [] }, dest: { role: 'leaf', tags: [] } },
    ]);
  });

  it('gives filters objects of their own', async () => {
    const adapters = new Set<string | undefined>();
    const filter = (obj: Device): boolean => {
      adapters.add(obj.adapter?.name);
      obj.role = 'changed';
      obj.tags.push('changed');
      return obj.name !== 'new';
    };
    const filtered = await diff({}, { filters: { device: filter } });
    expect(filtered).toEqual(standard.filter(({ name }) => name !== 'new'));
    expect(adapters).toContain('source');
  });
});

it('a constructor counts for what was stored without it', async () => {
  class Lowered extends Device {
    constructor(input: ConstructorParameters<typeof Device>[0]) {
      super(input);
      if (this.role === 'SPINE') this.role = 'spine';
    }
  }
  class Devices extends Adapter {
    static override readonly models = [Lowered];
    static override readonly topLevel = ['device'];
  }
  const [source, target] = [new Devices({ name: 'source' }), new Devices({ name: 'target' })];
  for (const [adapter, role] of [
    [source, 'spine'],
    [target, 'SPINE'],
  ] as const) {
    const obj = new Lowered({ name: 'd' });
    obj.role = role;
    await adapter.add(obj);
  }
  expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
});

describe('elements', () => {
  class Devices extends Adapter {
    static override readonly models = [Device];
    static override readonly topLevel = ['device'];
  }

  async function sides(): Promise<[source: Devices, target: Devices]> {
    const [source, target] = [new Devices({ name: 'source' }), new Devices({ name: 'target' })];
    await source.addMany(['same', 'differs', 'new'].map((name) => new Device({ name, tags: ['a'] })));
    await target.addMany([
      new Device({ name: 'same', tags: ['a'] }),
      new Device({ name: 'differs', tags: ['b'] }),
      new Device({ name: 'gone', tags: ['a'] }),
    ]);
    return [source, target];
  }

  it('share no value with the store', async () => {
    const [source, target] = await sides();
    for (const { keys, sourceAttrs, destAttrs } of (await target.diffFrom(source)).getChildren()) {
      (keys as { name: string }).name = 'changed';
      for (const attrs of [sourceAttrs, destAttrs]) (attrs?.['tags'] as string[] | undefined)?.push('changed');
    }
    const tags = async (adapter: Adapter) => (await adapter.getAll(Device)).map((each) => [each.name, ...each.tags]);
    expect(await tags(source)).toEqual(['same', 'differs', 'new'].map((name) => [name, 'a']));
    expect(await tags(target)).toEqual([
      ['same', 'a'],
      ['differs', 'b'],
      ['gone', 'a'],
    ]);
  });

  it('hand out the same object again, with what the caller did to it', async () => {
    const [source, target] = await sides();
    for (const element of (await target.diffFrom(source)).getChildren()) {
      const { keys, sourceAttrs, destAttrs } = element;
      (sourceAttrs?.['tags'] as string[] | undefined)?.push('more');
      expect([element.keys, element.sourceAttrs, element.destAttrs]).toEqual([keys, sourceAttrs, destAttrs]);
      for (const [now, before] of [
        [element.keys, keys],
        [element.sourceAttrs, sourceAttrs],
        [element.destAttrs, destAttrs],
      ]) {
        expect(now).toBe(before);
      }
    }
  });

  it('stay as they were when the stores change, whenever they are asked', async () => {
    const [source, target] = await sides();
    const [before, after] = [await target.diffFrom(source), await target.diffFrom(source)];
    const expected = shown(before.getChildren());
    for (const adapter of [source, target]) {
      for (const obj of await adapter.getAll(Device)) {
        obj.role = 'changed';
        obj.tags.push('changed');
        await adapter.update(obj);
        if (obj.name === 'same') await adapter.remove(obj);
      }
    }
    expect(shown(after.getChildren())).toEqual(expected);
    expect(after.fingerprint()).toEqual(before.fingerprint());
  });

  it('take what is set before anything is read', async () => {
    const [source, target] = await sides();
    const [same, differs, created, deleted] = (await target.diffFrom(source)).getChildren() as [
      DiffElement,
      DiffElement,
      DiffElement,
      DiffElement,
    ];
    same.sourceAttrs = { role: 'set', tags: ['a'] };
    expect([same.action, same.getAttrsDiffs()]).toEqual(['update', { '+': { role: 'set' }, '-': { role: 'leaf' } }]);
    differs.addAttrs({ dest: { role: 'leaf', tags: ['a'] } });
    expect([differs.action, differs.sourceAttrs]).toEqual([null, { role: 'leaf', tags: ['a'] }]);
    created.destAttrs = { role: 'leaf', tags: [] };
    expect([created.action, created.keys]).toEqual(['update', { name: 'new' }]);
    deleted.destAttrs = null;
    expect([deleted.action, deleted.keys]).toEqual([null, { name: 'gone' }]);
  });
});

describe('unique ids in a sync are those of the target’s model', () => {
  async function created(source: ModelClass, target: ModelClass): Promise<readonly string[] | undefined> {
    const adapter = (model: ModelClass): Adapter => {
      class Devices extends Adapter {
        static override readonly models = [model];
        static override readonly topLevel = ['device'];
      }
      return new Devices();
    };
    const [from, to] = [adapter(source), adapter(target)];
    await from.add(new source({ name: 'd', site: 's' } as never));
    const diff = await to.syncFrom(from);
    return diff.operations.get('device')?.create;
  }

  const schema = z.object({ name: z.string(), site: z.string() });
  class Placed extends DiffSyncModel.define({ name: 'device', schema, identifiers: ['name', 'site'] }) {}
  class SiteFirst extends DiffSyncModel.define({ name: 'device', schema, identifiers: ['site', 'name'] }) {}
  class Prefixed extends Placed {
    static override createUniqueId(ids: { name: string }) {
      return `id-${ids.name}`;
    }
  }

  it.each<[string, ModelClass, readonly string[]]>([
    ['its own', Placed, ['d__s']],
    ['another definition', SiteFirst, ['s__d']],
    ['createUniqueId', Prefixed, ['id-d']],
  ])('with %s', async (_what, target, uids) => {
    expect(await created(Placed, target)).toEqual(uids);
  });
});

describe('a store that says nothing of shared records', () => {
  class Copies extends LocalStore {
    protected override readonly capabilities = {};

    protected override async readRecords(model: string, uids: readonly string[]): Promise<(ModelRecord | undefined)[]> {
      return structuredClone(await super.readRecords(model, uids));
    }

    protected override async *scanRecords(model: string, pageSize: number): AsyncGenerator<ModelRecord[]> {
      for await (const page of super.scanRecords(model, pageSize)) yield structuredClone(page);
    }
  }

  it('is compared alike', async () => {
    class Devices extends Adapter {
      static override readonly models = [Device];
      static override readonly topLevel = ['device'];
    }
    const [source, target] = [new Devices({ store: new Copies() }), new Devices({ store: new Copies() })];
    await source.addMany([new Device({ name: 'a' }), new Device({ name: 'b', tags: ['x'] })]);
    await target.addMany([new Device({ name: 'a' }), new Device({ name: 'b' })]);
    expect((await target.diffFrom(source)).toDict()).toEqual({
      device: { b: { '+': { tags: ['x'] }, '-': { tags: [] } } },
    });
  });
});

interface Shown {
  readonly type: string;
  readonly name: string;
  readonly keys: object;
  readonly action: string | null;
  readonly source: object | null;
  readonly dest: object | null;
}

const standard: readonly Shown[] = [
  { type: 'site', name: 'nyc', keys: { name: 'nyc' }, action: null, source: {}, dest: {} },
  device('same', null, { role: 'leaf', tags: ['a'] }, { role: 'leaf', tags: ['a'] }),
  device('differs', 'update', { role: 'leaf', tags: [] }, { role: 'spine', tags: [] }),
  device('new', 'create', { role: 'leaf', tags: ['n'] }, null),
];

function device(name: string, action: string | null, source: object | null, dest: object | null): Shown {
  return { type: 'device', name, keys: { name }, action, source, dest };
}

function shown(elements: readonly DiffElement[]): Shown[] {
  return elements.flatMap((element) => {
    const { type, name, keys, action, sourceAttrs, destAttrs } = element;
    return [{ type, name, keys, action, source: sourceAttrs, dest: destAttrs }, ...shown(element.getChildren())];
  });
}

function upper(attrs: object | null): object | null {
  return attrs && { role: (attrs as { role: string }).role.toUpperCase() };
}
