// The guards count the objects that will be gone.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  Diff,
  DiffSyncModelFlags,
  TooManyDeletes,
  type Adapter,
  type BaseStore,
  type SyncOptions,
} from '../../../src/index.js';
import { Device, Inventory, Site, Warnings } from '../../fixtures/inventory.js';
import { plant, treePairs, type TreePair } from '../../support/random-trees.js';
import { inventoryPairs, Network, plantNetwork } from '../../support/shared-children.js';
import { engineStores } from '../../support/stores.js';

const { SKIP_CHILDREN_ON_DELETE, NATURAL_DELETION_ORDER, NONE } = DiffSyncModelFlags;

async function messageOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof TooManyDeletes ? error.message : `not expected: ${String(error)}`),
  );
}

async function keysOf(to: Adapter): Promise<string[]> {
  const objects = await Promise.all([...to.modelClasses.keys()].map((model) => to.getAll(model)));
  return objects.flat().map((obj) => `${obj.getType()} ${obj.getUniqueId()}`);
}

async function setFlags(to: Adapter, type: string, name: string, flags: DiffSyncModelFlags): Promise<void> {
  const obj = await to.get(type, name);
  obj.modelFlags = flags;
  await to.update(obj);
}

describe.each(engineStores)('on the $name store', ({ open, close }) => {
  async function siteOf(store: BaseStore): Promise<Adapter> {
    const to = new Inventory({ name: 'target', store });
    const devices = Array.from({ length: 9 }, (_, at) => new Device({ name: `d${at}` }));
    await to.addMany([new Site({ name: 's', devices: devices.map(({ name }) => name) }), ...devices]);
    await setFlags(to, 'site', 's', SKIP_CHILDREN_ON_DELETE);
    return to;
  }

  it.each<[string, (from: Adapter, to: Adapter) => Promise<SyncOptions>]>([
    ['the comparison has left out', async () => ({ modelTypes: ['site'] })],
    [
      'a selection has left out',
      async (from, to) => ({ diff: (await to.diffFrom(from)).filter({ modelTypes: ['site'] }) }),
    ],
    ['the comparison has met', async () => ({})],
  ])('what is below an object that goes with all its children counts, also what %s', async (_, given) => {
    const store = await open();
    const [from, to] = [new Inventory({ name: 'source' }), await siteOf(store)];
    const options = await given(from, to);
    for (const limit of [{ maxDeletes: 9 }, { maxDeletePercent: 99 }]) {
      const message = await messageOf(to.syncFrom(from, { ...options, ...limit }));
      expect(message).toContain('would delete 10 of 10 objects of target');
    }
    expect(await to.count()).toBe(10);
    await to.syncFrom(from, { ...options, maxDeletes: 10 });
    expect(await to.count()).toBe(0);
    await close(store);
  });
});

it('what syncFilter leaves out does not count, and is asked for once', async () => {
  const [from, to] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
  await to.addMany(['a', 'b', 'c'].map((name) => new Site({ name })));
  const asked: unknown[] = [];
  const keep = (...names: string[]): SyncOptions => ({
    maxDeletes: 1,
    syncFilter: (_action, _type, { name }) => {
      asked.push(name);
      return !names.includes(String(name));
    },
  });
  expect(await messageOf(to.syncFrom(from, keep('a')))).toContain('would delete 2 of 3 objects of target');
  asked.length = 0;
  await to.syncFrom(from, keep('a', 'b'));
  expect(asked).toEqual(['a', 'b', 'c']);
  expect((await to.getAll(Site)).map(({ name }) => name)).toEqual(['a', 'b']);
});

it('without a limit nothing is read or asked ahead', async () => {
  const [from, to] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
  await to.addMany(['a', 'b'].map((name) => new Site({ name })));
  const left: number[] = [];
  const syncFilter = async (): Promise<boolean> => {
    left.push(await to.count());
    return true;
  };
  await to.syncFrom(from, { syncFilter });
  expect(left).toEqual([2, 1]);
});

describe('the number is that of the objects that are gone afterwards', () => {
  const { MAX_SAFE_INTEGER } = Number;
  const flags = fc.constantFrom(NONE, NONE, SKIP_CHILDREN_ON_DELETE, NATURAL_DELETION_ORDER);

  /** Syncs with the limit that just suffices, after one that is one too low. */
  async function check(from: Adapter, to: Adapter, options: SyncOptions, isExact: boolean): Promise<void> {
    const copy = new (to.constructor as new (options: object) => Adapter)({ name: 'target', logger: new Warnings() });
    for (const model of to.modelClasses.keys()) await copy.addMany(await to.getAll(model));
    const before = await keysOf(to);
    await copy.syncFrom(from, { ...options, maxDeletes: MAX_SAFE_INTEGER });
    const after = await keysOf(copy);
    const gone = before.filter((key) => !after.includes(key)).length;
    if (gone > 0) {
      const message = await messageOf(to.syncFrom(from, { ...options, maxDeletes: gone - 1 }));
      expect(message).toContain(isExact ? `would delete ${gone} of ` : 'would delete ');
      expect(await keysOf(to)).toEqual(before);
    }
    if (isExact) await to.syncFrom(from, { ...options, maxDeletes: gone });
  }

  /** What lies below an object that moves is recreated or not, as hooks go: the guard may count it although it stays. */
  function hasMoves({ source, target }: TreePair): boolean {
    return (['devices', 'interfaces'] as const).some((type) => {
      const parents = new Map(source[type].map(({ name, parent }) => [name, parent]));
      return target[type].some(({ name, parent }) => parents.has(name) && parents.get(name) !== parent);
    });
  }

  it('for random trees, flags, filters and scopes, and never less', async () => {
    const cases = treePairs.chain((pair) => {
      const objects = [...pair.target.sites, ...pair.target.devices, ...pair.target.interfaces];
      return fc.record({
        pair: fc.constant(pair),
        flags: fc.tuple(...objects.map(() => flags)),
        unwanted: fc.option(fc.subarray([...new Set(objects.map(({ name }) => name))]), { nil: undefined }),
        modelTypes: fc.constantFrom(undefined, ['site'], ['site', 'device']),
        concurrency: fc.constantFrom(1, 3),
      });
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ pair, flags: some, unwanted, modelTypes, concurrency }) => {
        const [from, to] = [
          new Inventory({ name: 'source' }),
          new Inventory({ name: 'target', logger: new Warnings() }),
        ];
        await plant(from, pair.source);
        await plant(to, pair.target);
        let at = 0;
        for (const type of ['site', 'device', 'interface'] as const) {
          for (const { name } of pair.target[`${type}s`]) await setFlags(to, type, name, some[at++] ?? NONE);
        }
        const options: SyncOptions = {
          concurrency,
          ...(modelTypes === undefined ? {} : { modelTypes }),
          ...(unwanted === undefined
            ? {}
            : { syncFilter: (_action, _type, { name }) => !unwanted.includes(String(name)) }),
        };
        await check(from, to, options, !hasMoves(pair));
      }),
      { numRuns: 60 },
    );
  });

  it('or more, where several parents list them', async () => {
    const cases = inventoryPairs.chain((pair) =>
      fc.record({ pair: fc.constant(pair), some: fc.subarray([...pair.target]) }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ pair, some }) => {
        const [from, to] = [new Network({ name: 'source' }), new Network({ name: 'target', logger: new Warnings() })];
        await plantNetwork(from, pair.source);
        await plantNetwork(to, pair.target);
        for (const { type, name } of some) await setFlags(to, type, name, SKIP_CHILDREN_ON_DELETE);
        await check(from, to, {}, false);
      }),
      { numRuns: 60 },
    );
  });
});

it('a plan counts what it was made of', async () => {
  const [from, to] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
  await to.addMany(['a', 'b', 'c'].map((name) => new Site({ name })));
  await from.addMany(['a', 'b'].map((name) => new Site({ name })));
  const diff = Diff.fromJSON(JSON.parse(JSON.stringify(await to.diffFrom(from))), { target: to });
  expect(await messageOf(to.syncFrom(from, { diff, maxDeletePercent: 33 }))).toContain('would delete 1 of 3 objects');
  await to.syncFrom(from, { diff, maxDeletePercent: 34 });
});
