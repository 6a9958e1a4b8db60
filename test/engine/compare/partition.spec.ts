// The parts of a sync, and a sync of the whole after them, leave what a sync of the whole leaves.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { z } from 'zod';
import {
  Adapter,
  copyStore,
  DiffSyncFlags,
  DiffSyncModel,
  DiffSyncModelFlags,
  type BaseStore,
  type Diff,
} from '../../../src/index.js';
import {
  inventoryPairs,
  keyOf,
  Network,
  pairsWithUnlisted,
  plantNetwork,
  storedState,
  TYPES,
  type Inventory,
  type InventoryPair,
} from '../../support/shared-children.js';
import { sized } from '../../support/full.js';
import { loggedStores, type StoreUnderTest } from '../../support/stores.js';
import { silent } from '../incremental/histories.js';

const RUNS = Number(process.env['PARTITION_RUNS'] ?? 0);
const [IN_MEMORY, ON_DISK_OR_WIRE] = [RUNS || sized(120, 60), RUNS || 4];

interface Case {
  readonly pair: InventoryPair;
  readonly of: number;
  /** In which order the parts are synchronised. */
  readonly order: readonly number[];
  /** Whether all parts are compared before the first one is applied, as several processes may. */
  readonly comparesFirst: boolean;
  /** Whether of each part the objects alone are compared that had changes before any part was applied. */
  readonly narrows: boolean;
  readonly options: object;
  /** By `side key`: the flags of an object. */
  readonly flags: Readonly<Record<string, number>>;
}

const { NONE, SKIP_UNMATCHED_SRC, SKIP_UNMATCHED_DST } = DiffSyncFlags;
const { IGNORE, SKIP_UNMATCHED_BOTH, SKIP_CHILDREN_ON_DELETE } = DiffSyncModelFlags;

const flagged = fc.dictionary(
  fc
    .tuple(fc.constantFrom('src', 'dst'), fc.constantFrom('site s1', 'group g1', 'group g2', 'host h1', 'address a1'))
    .map((parts) => parts.join(' ')),
  fc.constantFrom<number>(IGNORE, SKIP_UNMATCHED_BOTH, SKIP_CHILDREN_ON_DELETE),
  { maxKeys: 2 },
);

const cases: fc.Arbitrary<Case> = fc.integer({ min: 1, max: 4 }).chain((of) =>
  fc.record<Case>({
    pair: fc.oneof(inventoryPairs, pairsWithUnlisted),
    of: fc.constant(of),
    order: fc.shuffledSubarray(
      Array.from({ length: of }, (_, index) => index),
      { minLength: of },
    ),
    comparesFirst: fc.boolean(),
    narrows: fc.boolean(),
    options: fc.constantFrom<object>(
      {},
      {},
      {},
      { flags: SKIP_UNMATCHED_SRC },
      { flags: SKIP_UNMATCHED_DST },
      { flags: NONE, unlisted: 'delete' },
      { modelTypes: ['group', 'host'] },
      { excludeAttrs: { host: ['role'] } },
    ),
    flags: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: flagged }),
  }),
);

async function setFlags(side: 'src' | 'dst', adapter: Network, flags: Case['flags']): Promise<void> {
  for (const type of TYPES) {
    for (const object of await adapter.getAll(type)) {
      const own = flags[`${side} ${keyOf(type, object.getUniqueId())}`];
      if (own === undefined) continue;
      object.modelFlags = own;
      await adapter.update(object);
    }
  }
}

/** Synchronises until nothing is left to do. @returns how often that was. */
async function settle(target: Network, source: Network, options: object): Promise<number> {
  for (let times = 0; times < 5; times++) {
    const diff = await target.syncFrom(source, options);
    if (!diff.hasDiffs()) return times;
  }
  return 5;
}

/** What is shared with a parent that a flag or `modelTypes` hides is settled in the order in which it is met, which parts cannot have. */
function unshared(inventory: Inventory): Inventory {
  return inventory.map((item) => ({ ...item, parents: item.parents.slice(0, 1) }));
}

/** Returns the objects at the top that have changes, or have some below them. */
function changedAtTop(diff: Diff): Record<string, string[]> {
  const changed: Record<string, string[]> = {};
  for (const element of diff.getAddedChildren()) {
    if (element.hasDiffs()) (changed[element.type] ??= []).push(element.comparedUid ?? element.name);
  }
  return changed;
}

/** Runs one case. @returns how many changes the parts have made, and how many they have left to the last sync. */
async function play(drawn: Case, stores: readonly [BaseStore, BaseStore, BaseStore]): Promise<[number, number]> {
  const { pair, of, order, comparesFirst, narrows, options, flags } = drawn;
  const [src, whole, parted] = stores;
  const source = new Network({ name: 'source', store: src, logger: silent });
  const [one, many] = [whole, parted].map((store) => new Network({ name: 'target', store, logger: silent })) as [
    Network,
    Network,
  ];
  const shared = Object.keys(flags).length === 0 && !('modelTypes' in options);
  await plantNetwork(source, shared ? pair.source : unshared(pair.source));
  await plantNetwork(one, shared ? pair.target : unshared(pair.target));
  await setFlags('src', source, flags);
  await setFlags('dst', one, flags);
  await copyStore(whole, parted);

  await one.syncFrom(source, options);
  // With what is skipped, one sync may leave another one something to do; both ways end at the same.
  const again = await settle(one, source, options);

  let made = 0;
  const changed = new Map<number, Record<string, string[]>>();
  const termsOf = (index: number): object => ({ ...options, partition: { index, of, among: changed.get(index) } });
  if (narrows) for (const index of order) changed.set(index, changedAtTop(await many.diffFrom(source, termsOf(index))));
  const diffs = new Map<number, Diff>();
  if (comparesFirst) for (const index of order) diffs.set(index, await many.diffFrom(source, termsOf(index)));
  for (const index of order) {
    const diff = await many.syncFrom(source, { ...termsOf(index), diff: diffs.get(index) });
    made += [...diff.changes()].length;
  }
  const last = await many.syncFrom(source, options);
  if (again > 0) await settle(many, source, options);
  expect(await storedState(many)).toEqual(await storedState(one));
  return [made, [...last.changes()].length];
}

async function playAll(store: StoreUnderTest, numRuns: number): Promise<[number, number]> {
  const counts: [number, number] = [0, 0];
  await fc.assert(
    fc.asyncProperty(cases, async (drawn) => {
      const opened = [await store.open(), await store.open(), await store.open()] as const;
      try {
        const [made, left] = await play(drawn, opened);
        counts[0] += made;
        counts[1] += left;
      } finally {
        for (const each of opened) await store.close(each);
      }
    }),
    { numRuns },
  );
  return counts;
}

describe('the parts and a last sync leave what one sync leaves', () => {
  // The few cases of one store may happen to have little that the parts can do: the share is asserted over all stores.
  const sums = { made: 0, left: 0 };

  it.each(loggedStores.map((store) => [store.name, store] as const))('on the store %s', async (name, store) => {
    const [made, left] = await playAll(store, store.shared ? ON_DISK_OR_WIRE : IN_MEMORY);
    process.stdout.write(`${name}: ${made} changes by the parts, ${left} left\n`);
    sums.made += made;
    sums.left += left;
  });

  it('and the parts have made a good share of the changes', () => {
    expect(sums.made).toBeGreaterThan(sums.left / 2);
  });
});

it('a part with a comparison that throws has the failure of that object, and all others', async () => {
  class Port extends DiffSyncModel.define({
    name: 'port',
    schema: z.object({ name: z.string(), speed: z.number() }),
    identifiers: ['name'],
    attributes: ['speed'],
    compare: {
      speed: () => {
        throw new Error('no comparison');
      },
    },
  }) {}
  class Rack extends DiffSyncModel.define({
    name: 'rack',
    schema: z.object({ name: z.string(), ports: z.array(z.string()).default([]) }),
    identifiers: ['name'],
    children: { port: 'ports' },
  }) {}
  class Racks extends Adapter.define({ models: [Rack, Port], topLevel: ['rack'] }) {}
  const racks = async (name: string, speed: number, ports: string[]): Promise<Racks> => {
    const adapter = new Racks({ name, logger: silent });
    await adapter.addMany([new Rack({ name: 'r0', ports }), ...ports.map((port) => new Port({ name: port, speed }))]);
    return adapter;
  };
  const source = await racks('source', 1, ['p0', 'p1']);
  for (const index of [0, 1]) {
    const target = await racks('target', 2, ['p0']);
    const diff = await target.syncFrom(source, { partition: { index, of: 2 }, continueOnFailure: true });
    if (diff.length === 0) continue;
    expect(diff.errors.map(({ location }) => location.uniqueId)).toEqual(['p0']);
    expect((await target.getAll(Port)).map(({ name }) => name)).toEqual(['p0', 'p1']);
  }
});

describe('a part of which some objects alone are compared', () => {
  const whole = { index: 0, of: 1 };
  const planted = async (name: string, inventory: Inventory): Promise<Network> => {
    const adapter = new Network({ name, logger: silent });
    await plantNetwork(adapter, inventory);
    return adapter;
  };
  const site = (name: string, role: string): Inventory[number] => ({
    type: 'site',
    name,
    attrs: { role },
    parents: [],
  });

  it('leaves the others alone, and those of other parts that it names', async () => {
    const source = await planted('source', [site('s1', 'x'), site('s2', 'x')]);
    const target = await planted('target', [site('s1', 'y'), site('s2', 'y')]);
    const names = async (partition: object): Promise<string[]> =>
      [...(await target.diffFrom(source, { partition: partition as never })).changes()].map(({ uid }) => uid);
    expect(await names({ ...whole, among: { site: ['s2'] } })).toEqual(['s2']);
    expect(await names({ ...whole, among: { site: ['s2', 's2', 's1', 's3'], host: ['s1'] } })).toEqual(['s2', 's1']);
    expect(await names({ ...whole, among: {} })).toEqual([]);
    const parts = [0, 1].map((index) => names({ index, of: 2, among: { site: ['s1', 's2'] } }));
    expect((await Promise.all(parts)).flat().toSorted()).toEqual(['s1', 's2']);
  });

  it('leaves out a delete of what one of the others lists', async () => {
    const group = (...parents: string[]): Inventory[number] => ({ type: 'group', name: 'g1', attrs: {}, parents });
    const source = await planted('source', [site('s1', 'x'), site('s2', 'x')]);
    const target = await planted('target', [site('s1', 'x'), site('s2', 'x'), group('site s1', 'site s2')]);
    const diff = await target.diffFrom(source, { partition: { ...whole, among: { site: ['s1'] } } });
    expect(diff.hasDiffs()).toBe(false);
    expect((await target.diffFrom(source, { partition: { ...whole, among: { site: ['s1', 's2'] } } })).hasDiffs()).toBe(
      true,
    );
  });

  it.each([null, 'site', { site: 's1' }, { site: [1] }])('named by %p is refused', async (among) => {
    const [source, target] = [new Network({ name: 'source' }), new Network({ name: 'target' })];
    const partition = { ...whole, among: among as never };
    await expect(target.diffFrom(source, { partition })).rejects.toMatchObject({ code: 'VALUE_ERROR' });
  });
});

it.each([{ index: 2, of: 2 }, { index: -1, of: 2 }, { index: 0, of: 0 }, { index: 0.5, of: 2 }, {}, null])(
  '%p is no part',
  async (partition) => {
    const [source, target] = [new Network({ name: 'source' }), new Network({ name: 'target' })];
    await expect(target.diffFrom(source, { partition: partition as never })).rejects.toMatchObject({
      code: 'VALUE_ERROR',
    });
  },
);
