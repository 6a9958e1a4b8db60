import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { z } from 'zod';
import {
  Adapter,
  Diff,
  DiffElement,
  DiffSyncFlags,
  DiffSyncModel,
  DiffSyncModelFlags,
  DiffSyncStatus,
  ModelDefinitionError,
  ObjectNotCreated,
  ObjectNotDeleted,
  ObjectStoreWrongType,
  SyncAborted,
  SyncHookError,
  TooManyDeletes,
  ValueError,
  type BulkContext,
  type BulkResult,
  type CreateContext,
  type CreateItem,
  type DeleteItem,
  type DiffSyncLogger,
  type SyncFilter,
  type SyncOptions,
  type UpdateItem,
} from '../../../src/index.js';
import { SILENT_LOGGER } from '../../../src/logging/logger.js';
import { engineStores } from '../../support/stores.js';

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string(), region: z.string().default(''), devices: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['region'],
  children: { device: 'devices' },
}) {}

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

/** Calls of the outside world's hooks, in the order in which they began. */
class Journal {
  readonly calls: string[] = [];
  /** The most hooks that ran at one time. */
  peak = 0;
  private running = 0;

  async during<T>(call: string, work: () => Promise<T>): Promise<T> {
    this.calls.push(call);
    this.peak = Math.max(this.peak, ++this.running);
    await new Promise(setImmediate); // Lets siblings begin meanwhile.
    this.running--;
    return work();
  }
}

interface Parts {
  readonly journal: Journal;
  /** Throws for the calls that are to fail. */
  refuse?(call: string): void;
}

/** Devices whose hooks write to a journal, one by one. */
function single({ journal, refuse }: Parts) {
  return class extends Device {
    static override async create(context: CreateContext<{ name: string }, { role?: string }>) {
      const call = `create ${context.ids.name}`;
      return journal.during(call, async () => {
        refuse?.(call);
        return super.create(context);
      });
    }

    override async update(attrs: { role?: string }) {
      const call = `update ${this.name}`;
      return journal.during(call, async () => {
        refuse?.(call);
        return super.update(attrs);
      });
    }

    override async delete() {
      const call = `delete ${this.name}`;
      return journal.during(call, async () => {
        refuse?.(call);
        return super.delete();
      });
    }
  };
}

/** Devices whose hooks are called with many at a time; what `refuse` throws refuses that one. */
function bulk({ journal, refuse }: Parts) {
  const each = async (
    call: string,
    names: readonly string[],
    make: (at: number) => Promise<Device | null>,
  ): Promise<BulkResult<Device>[]> =>
    journal.during(`${call} ${names.join(' ')}`, async () => {
      const results: BulkResult<Device>[] = [];
      for (const [at, name] of names.entries()) {
        try {
          refuse?.(`${call} ${name}`);
          results.push(await make(at));
        } catch (error) {
          if (!(error instanceof ObjectNotCreated || error instanceof ObjectNotDeleted)) throw error;
          results.push(error);
        }
      }
      return results;
    });
  return class extends Device {
    static override async createBulk({ adapter, objects }: BulkContext<CreateItem>) {
      const names = objects.map(({ ids }) => String(ids['name']));
      return each('create', names, async (at) => {
        const { ids, attrs } = objects[at] as CreateItem<{ name: string }>;
        return super.create({ adapter, ids, attrs });
      });
    }

    static override async updateBulk({ objects }: BulkContext<UpdateItem<Device>>) {
      const names = objects.map(({ model }) => model.getUniqueId());
      return each('update', names, async (at) => {
        const { model, attrs } = objects[at] as UpdateItem<Device>;
        return model.update(attrs);
      });
    }

    static override async deleteBulk({ objects }: BulkContext<DeleteItem<Device>>) {
      const names = objects.map(({ model }) => model.getUniqueId());
      return each('delete', names, async (at) => (objects[at] as DeleteItem<Device>).model.delete());
    }
  };
}

beforeAll(() => {
  Logger.overrideLogger(false);
});

type DeviceClass = typeof Device;

function sides(device: DeviceClass = Device, store?: ConstructorParameters<typeof Adapter>[0]): [Adapter, Adapter] {
  class Source extends Adapter {
    static override readonly models = [Site, Device];
    static override readonly topLevel = ['site'];
  }
  class Target extends Adapter {
    static override readonly models = [Site, device];
    static override readonly topLevel = ['site'];
  }
  return [new Source({ name: 'source' }), new Target({ name: 'target', ...store })];
}

async function fill(adapter: Adapter, site: string, devices: Record<string, string>, flags = 0): Promise<void> {
  const parent = new Site({ name: site });
  parent.modelFlags = flags;
  await adapter.add(parent);
  for (const [name, role] of Object.entries(devices)) await adapter.add(new Device({ name, role }), { parent });
}

/** The same on every call: creates, updates and deletes below two sites, one of which is new. */
async function mixed(
  device?: DeviceClass,
  store?: ConstructorParameters<typeof Adapter>[0],
): Promise<[Adapter, Adapter]> {
  const [source, target] = sides(device, store);
  await fill(source, 'nyc', { a: 'spine', b: 'spine', c: 'leaf', d: 'leaf', e: 'leaf' });
  await fill(source, 'sfo', { f: 'leaf', g: 'leaf' });
  await fill(target, 'nyc', { a: 'leaf', b: 'leaf', c: 'leaf', x: 'leaf', y: 'leaf' });
  return [source, target];
}

async function contents(adapter: Adapter): Promise<unknown> {
  return adapter.toDict({ excludeDefaults: false });
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('concurrency', () => {
  it.each([1, 2, 50])('%i: hooks of siblings run side by side, and the outcome is that of one by one', async (n) => {
    const serial = new Journal();
    const [source, reference] = await mixed(single({ journal: serial }));
    await reference.syncFrom(source);

    const journal = new Journal();
    const [same, target] = await mixed(single({ journal }));
    const diff = await target.syncFrom(same, { concurrency: n });
    expect(await contents(target)).toEqual(await contents(reference));
    expect(journal.calls.toSorted()).toEqual(serial.calls.toSorted());
    // The largest group is that of the four new devices, of two sites.
    expect(journal.peak).toBe(Math.min(n, 4));
    const operations = [...diff.operations].toSorted(([a], [b]) => (a < b ? -1 : 1));
    expect(operations).toEqual([
      ['device', { create: ['d', 'e', 'f', 'g'], update: ['a', 'b'], delete: ['x', 'y'] }],
      ['site', { create: ['sfo'], update: [], delete: [] }],
    ]);
  });

  it('what siblings did beside one that failed is saved, and the first failure in order is thrown', async () => {
    const journal = new Journal();
    const refuse = (call: string): void => {
      if (call === 'create d') throw new ObjectNotCreated('no room for d');
    };
    const [source, target] = await mixed(single({ journal, refuse }));
    const error = await failureOf(target.syncFrom(source, { concurrency: 10 }));
    expect(error).toBeInstanceOf(ObjectNotCreated);
    expect(journal.calls).toContain('create e');
    expect((await target.get(Site, 'nyc')).devices).toContain('e');
    expect(await target.getOrNone(Device, 'd')).toBeNull();
  });

  it('below 1 is a ValueError', async () => {
    const [source, target] = sides();
    await expect(target.syncFrom(source, { concurrency: 0 })).rejects.toThrow(ValueError);
    await expect(target.syncFrom(source, { batchSize: Number.NaN })).rejects.toThrow('batchSize');
  });
});

describe('bulk hooks', () => {
  it.each(engineStores.map((store) => [store.name, store] as const))(
    'get siblings in batches, parents before children, and the outcome is that of single hooks (%s)',
    async (_, under) => {
      const [source, reference] = await mixed(single({ journal: new Journal() }));
      await reference.syncFrom(source);
      const journal = new Journal();
      const store = await under.open();
      const [same, target] = await mixed(bulk({ journal }), { store });
      await target.syncFrom(same);
      expect(journal.calls).toEqual(['update a b', 'create d e f g', 'delete x y']);
      expect(await contents(target)).toEqual(await contents(reference));
      expect((await target.diffFrom(same)).hasDiffs()).toBe(false);
      await under.close(store);
    },
  );

  it('batchSize bounds a batch', async () => {
    const journal = new Journal();
    const [source, target] = sides(bulk({ journal }));
    await fill(source, 'nyc', Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`d${at}`, 'leaf'])));
    await target.syncFrom(source, { batchSize: 2 });
    expect(journal.calls).toEqual(['create d0 d1', 'create d2 d3', 'create d4']);
  });

  it('a batch may refuse single objects, by an error or by null', async () => {
    const journal = new Journal();
    const refuse = (call: string): void => {
      if (call === 'create d') throw new ObjectNotCreated('no room for d');
    };
    const [source, target] = await mixed(bulk({ journal, refuse }));
    const diff = await target.syncFrom(source, { flags: DiffSyncFlags.CONTINUE_ON_FAILURE });
    expect(diff.errors.map(({ location, error }) => [location.uniqueId, error.message])).toEqual([
      ['d', 'no room for d'],
    ]);
    expect(diff.operations.get('device')?.create).toEqual(['e', 'f', 'g']);
    expect((await target.diffFrom(source)).summary()).toMatchObject({ create: 1, update: 0, delete: 0 });
  });

  it('an answer that is not one result for each object is an error that says so', async () => {
    class Wrong extends Device {
      static override async createBulk(): Promise<BulkResult<never>[]> {
        return [];
      }
    }
    const [source, target] = sides(Wrong);
    await fill(source, 'nyc', { a: 'leaf', b: 'leaf' });
    const error = await failureOf(target.syncFrom(source));
    expect(error).toBeInstanceOf(SyncHookError);
    expect(String(error)).toContain('createBulk answered 0 for 2 objects');
  });

  it('an object that is there already is not sent', async () => {
    const journal = new Journal();
    const [source, target] = sides(bulk({ journal }));
    await fill(source, 'nyc', { a: 'leaf', b: 'leaf' });
    await target.add(new Device({ name: 'a' }));
    await target.syncFrom(source, { flags: DiffSyncFlags.CONTINUE_ON_FAILURE });
    expect(journal.calls).toEqual(['create b']);
  });

  it('NATURAL_DELETION_ORDER still deletes children first', async () => {
    const journal = new Journal();
    const [source, target] = sides(bulk({ journal }));
    await fill(target, 'nyc', { a: 'leaf', b: 'leaf' }, DiffSyncModelFlags.NATURAL_DELETION_ORDER);
    const diff = await target.syncFrom(source);
    expect([...diff.operations.keys()]).toEqual(['device', 'site']);
    expect(await target.count()).toBe(0);
  });
});

describe('continueOnFailure', () => {
  it('collects every error of a hook, of any class, with its location, and does the rest', async () => {
    const refuse = (call: string): void => {
      if (call === 'update a') throw new TypeError('api is down');
      if (call === 'delete x') throw new ObjectNotDeleted('x is in use');
    };
    const [source, target] = await mixed(single({ journal: new Journal(), refuse }));
    const diff = await target.syncFrom(source, { continueOnFailure: true });
    expect(diff.errors.map(({ error }) => error.constructor)).toEqual([SyncHookError, ObjectNotDeleted]);
    expect(diff.errors.map(({ location }) => location)).toEqual([
      { adapter: 'target', action: 'update', model: 'device', uniqueId: 'a', path: ['site nyc'] },
      { adapter: 'target', action: 'delete', model: 'device', uniqueId: 'x', path: ['site nyc'] },
    ]);
    expect((await target.diffFrom(source)).summary()).toMatchObject({ create: 0, update: 1, delete: 1 });
    const statuses = diff
      .getChildren()[0]
      ?.getChildren()
      .map(({ name, status }) => [name, status]);
    expect(statuses).toContainEqual(['a', DiffSyncStatus.ERROR]);
    expect(statuses).toContainEqual(['b', DiffSyncStatus.SUCCESS]);
  });
});

describe('guards', () => {
  it.each<[SyncOptions, boolean]>([
    [{ maxDeletes: 1 }, true],
    [{ maxDeletes: 2 }, false],
    [{ maxDeletePercent: 33 }, true],
    [{ maxDeletePercent: 34 }, false],
    [{ maxDeletes: 5, maxDeletePercent: 10 }, true],
  ])('%j of a sync with 2 deletes of 6 objects: refused %j', async (options, refused) => {
    const journal = new Journal();
    const [source, target] = await mixed(single({ journal }));
    const before = await contents(target);
    const error = await failureOf(target.syncFrom(source, options));
    expect(error instanceof TooManyDeletes).toBe(refused);
    if (!refused) return;
    expect(String(error)).toContain('would delete 2 of 6 objects of target');
    expect(journal.calls).toEqual([]);
    expect(await contents(target)).toEqual(before);
  });

  it('an aborted sync stops after the current object, saves what was done, and keeps the reason', async () => {
    const abort = new AbortController();
    const journal = new Journal();
    const refuse = (call: string): void => {
      if (call === 'update b') abort.abort(new Error('maintenance'));
    };
    const [source, target] = await mixed(single({ journal, refuse }));
    const error = await failureOf(target.syncFrom(source, { signal: abort.signal }));
    expect(error).toBeInstanceOf(SyncAborted);
    expect(String((error as SyncAborted).cause)).toContain('maintenance');
    expect(journal.calls).toEqual(['update a', 'update b']);
    expect((await target.get(Device, 'b')).role).toBe('spine');
    await target.syncFrom(source);
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
  });

  it('a signal that is aborted already ends a diff too', async () => {
    const [source, target] = await mixed();
    await expect(target.diffFrom(source, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(SyncAborted);
  });
});

describe('syncFilter', () => {
  it('is asked with action, model, identifiers and attributes, and false leaves the change out', async () => {
    const asked: unknown[] = [];
    const syncFilter: SyncFilter = async (action, modelType, ids, attrs) => {
      asked.push([action, modelType, ids, attrs]);
      return action !== 'delete' && modelType !== 'site';
    };
    const journal = new Journal();
    const [source, target] = await mixed(single({ journal }));
    const diff = await target.syncFrom(source, { syncFilter });
    expect(journal.calls).toEqual(['update a', 'update b', 'create d', 'create e']);
    expect(asked).toContainEqual(['update', 'device', { name: 'a' }, { role: 'spine' }]);
    expect(asked).toContainEqual(['delete', 'device', { name: 'x' }, { role: 'leaf' }]);
    expect(asked).not.toContainEqual(expect.arrayContaining([{ name: 'f' }]));
    expect(diff.operations.get('site')).toBeUndefined();
    expect(diff.getChildren()[1]).toMatchObject({ name: 'sfo', status: 'unknown', message: 'Left out by syncFilter' });
  });
});

describe('what a sync reports', () => {
  it('syncComplete gets the operations, and only if something changed', async () => {
    const seen: unknown[] = [];
    class Target extends Adapter {
      static override readonly models = [Site, Device];
      static override readonly topLevel = ['site'];

      override async syncComplete(...args: Parameters<Adapter['syncComplete']>): Promise<void> {
        seen.push([...args[4]]);
      }
    }
    const [source] = await mixed();
    const target = new Target();
    await target.syncFrom(source);
    await target.syncFrom(source);
    expect(seen).toEqual([
      [
        ['site', { create: ['nyc', 'sfo'], update: [], delete: [] }],
        ['device', { create: ['a', 'b', 'c', 'd', 'e', 'f', 'g'], update: [], delete: [] }],
      ],
    ]);
  });

  it('verify compares again and keeps what did not settle', async () => {
    class Forgetful extends Device {
      override async update(attrs: { role?: string }) {
        return super.update(attrs.role === 'spine' ? { role: 'super-spine' } : attrs);
      }
    }
    const [source, target] = await mixed(Forgetful);
    const diff = await target.syncFrom(source, { verify: true });
    expect(diff.unsettled?.summary()).toMatchObject({ create: 0, update: 2, delete: 0 });
    const [again, settled] = await mixed();
    expect((await settled.syncFrom(again, { verify: true })).unsettled).toBeUndefined();
  });
});

describe('dependsOn', () => {
  class Vlan extends DiffSyncModel.define({
    name: 'vlan',
    schema: z.object({ id: z.number() }),
    identifiers: ['id'],
  }) {}
  class Network extends DiffSyncModel.define({
    name: 'network',
    schema: z.object({ cidr: z.string() }),
    identifiers: ['cidr'],
    dependsOn: ['vlan'],
  }) {}
  class Inventory extends Adapter {
    static override readonly models = [Network, Vlan];
    static override readonly topLevel = ['network', 'vlan'];
  }

  it('creates in the order of dependencies, and deletes in the reverse order', async () => {
    const [source, target] = [new Inventory(), new Inventory()];
    await source.addMany([new Network({ cidr: '10.0.0.0/8' }), new Vlan({ id: 1 })]);
    await target.addMany([new Network({ cidr: '192.168.0.0/16' }), new Vlan({ id: 2 })]);
    const order: string[] = [];
    const syncFilter: SyncFilter = (action, model) => {
      order.push(`${action} ${model}`);
      return true;
    };
    const diff = await target.syncFrom(source, { syncFilter });
    expect(diff.groups()).toEqual(['vlan', 'network']);
    expect(order).toEqual(['create vlan', 'create network', 'delete network', 'delete vlan']);
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
  });

  it('in a circle, or on a model that is not there, is a ModelDefinitionError', async () => {
    const define = (name: string, dependsOn: string[]) =>
      DiffSyncModel.define({ name, schema: z.object({ id: z.string() }), identifiers: ['id'], dependsOn });
    class Circle extends Adapter {
      static override readonly models = [define('a', ['b']), define('b', ['a'])];
      static override readonly topLevel = ['a', 'b'];
    }
    await expect(new Circle().diffFrom(new Circle())).rejects.toThrow('a -> b -> a');
    class Missing extends Adapter {
      static override readonly models = [define('a', ['nosuch'])];
    }
    expect(() => new Missing()).toThrow(ModelDefinitionError);
    expect(() => new Missing()).toThrow('"nosuch"');
  });

  it.each([
    ['that names a model below another', ['network', 'site'], 'dependsOn names "vlan", which is not in'],
    ['of a model below another', ['site', 'vlan'], 'but network itself is not in'],
    ['between two models below others', ['site'], 'dependsOn names "vlan", which is not in'],
  ])('%s is refused when the adapter is made, as it could have no effect', (_, topLevel, message) => {
    class Place extends DiffSyncModel.define({
      name: 'site',
      schema: z.object({ name: z.string(), vlans: z.array(z.string()), networks: z.array(z.string()) }),
      identifiers: ['name'],
      children: { vlan: 'vlans', network: 'networks' },
    }) {}
    class Places extends Adapter {
      static override readonly models = [Place, Network, Vlan];
      static override readonly topLevel = topLevel;
    }
    expect(() => new Places()).toThrow(ModelDefinitionError);
    expect(() => new Places()).toThrow(`model network: dependsOn names "vlan"`);
    expect(() => new Places()).toThrow(message);
  });
});

describe('add(child, { parent })', () => {
  it('stores and links in one call, and again without harm', async () => {
    const [, target] = sides();
    const site = new Site({ name: 'nyc' });
    await target.add(site);
    const device = new Device({ name: 'a' });
    await target.add(device, { parent: site });
    await target.add(device, { parent: site });
    expect((await target.get(Site, 'nyc')).devices).toEqual(['a']);
  });

  it('of a child that the parent cannot hold stores nothing', async () => {
    const [, target] = sides();
    const device = new Device({ name: 'a' });
    await target.add(device);
    await expect(target.add(new Site({ name: 'nyc' }), { parent: device })).rejects.toThrow(ObjectStoreWrongType);
    expect(await target.count(Site)).toBe(0);
  });
});

describe('a model that is its own child', () => {
  class Location extends DiffSyncModel.define({
    name: 'location',
    schema: z.object({ name: z.string(), kind: z.string().default(''), inner: z.array(z.string()).default([]) }),
    identifiers: ['name'],
    attributes: ['kind'],
    children: { location: 'inner' },
  }) {}
  class Atlas extends Adapter {
    static override readonly models = [Location];
    static override readonly topLevel = ['location'];
  }

  it('is compared as a tree, moves included, and converges', async () => {
    const [source, target] = [new Atlas(), new Atlas()];
    const addLocation = async (adapter: Adapter, name: string, parent?: Location): Promise<Location> => {
      const location = new Location({ name });
      await adapter.add(location, parent === undefined ? {} : { parent });
      return location;
    };
    const world = await addLocation(source, 'world');
    const europe = await addLocation(source, 'europe', world);
    await addLocation(source, 'paris', europe);
    const other = await addLocation(target, 'world');
    await addLocation(target, 'paris', other);
    await addLocation(target, 'europe');
    await target.syncFrom(source);
    expect((await target.diffFrom(source)).toString()).toBe('(no diffs)');
    expect((await target.get(Location, 'world')).inner).toEqual(['europe']);
    expect((await target.get(Location, 'europe')).inner).toEqual(['paris']);
  });
});

describe('what is unchanged', () => {
  it('is logged and counted in its order, each object once', async () => {
    const unchanged: unknown[] = [];
    const logger: DiffSyncLogger = {
      ...SILENT_LOGGER,
      debug: (message, params) => {
        if (message.startsWith('No changes')) unchanged.push(params?.uniqueId);
      },
    };
    const [source, target] = sides(Device, { logger });
    for (const site of ['first', 'second', 'third'])
      await fill(source, site, { [`${site} a`]: 'leaf', [`${site} b`]: 'leaf' });
    await fill(target, 'first', { 'first a': 'leaf', 'first b': 'leaf' });
    await fill(target, 'second', { 'second a': 'spine', 'second b': 'leaf' });
    await fill(target, 'third', { 'third a': 'leaf', 'third b': 'leaf' });
    const progress: unknown[] = [];
    await target.syncFrom(source, {
      flags: DiffSyncFlags.LOG_UNCHANGED_RECORDS,
      onProgress: (stage, current, total) => void (stage === 'sync' && progress.push(`${current} of ${total}`)),
    });
    expect(unchanged).toEqual(['first', 'first a', 'first b', 'second', 'second b', 'third', 'third a', 'third b']);
    expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((current) => `${current} of 9`));
  });
});

describe('maxDeletePercent', () => {
  it('of a diff that was built by hand counts what its elements say the target has', async () => {
    const [source, target] = await mixed();
    const diff = new Diff();
    const site = new DiffElement('site', 'nyc', { name: 'nyc' });
    site.addAttrs({ source: { region: '' }, dest: { region: '' } });
    diff.add(site);
    for (const name of ['x', 'y', 'z']) {
      const device = new DiffElement('device', name, { name });
      device.addAttrs(name === 'x' ? { dest: { role: 'leaf' } } : { source: { role: 'leaf' }, dest: { role: 'leaf' } });
      site.addChild(device);
    }
    await expect(target.syncFrom(source, { diff, maxDeletePercent: 24 })).rejects.toThrow('1 of 4 objects');
    await target.syncFrom(source, { diff, maxDeletePercent: 25 });
    expect(await target.getOrNone(Device, 'x')).toBeNull();
  });

  it('of a selection and of a plan counts all that was compared', async () => {
    const [source, target] = await mixed();
    const diff = await target.diffFrom(source);
    const deletes = diff.filter({ actions: ['delete'] });
    const plan = Diff.fromJSON(JSON.parse(JSON.stringify(deletes)), { target });
    for (const each of [deletes, plan]) {
      await expect(target.syncFrom(source, { diff: each, maxDeletePercent: 33 })).rejects.toThrow('2 of 6 objects');
    }
    await target.syncFrom(source, { diff: plan, maxDeletePercent: 34 });
    expect(await target.getOrNone(Device, 'x')).toBeNull();
  });
});
