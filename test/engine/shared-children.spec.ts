// Attributes that are present, absent, undefined or null, and children of several parents: see test/support/shared-children.ts.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { DiffSyncFlags, type BaseStore, type Diff, type SyncOptions } from '../../src/index.js';
import { Warnings } from '../fixtures/inventory.js';
import { sized } from '../support/full.js';
import { Platform } from '../support/platform.js';
import { elementsOf } from '../support/random-trees.js';
import {
  applied,
  attrsText,
  inventoryPairs,
  keyOf,
  Network,
  pairsWithUnlisted,
  plantNetwork,
  reachable,
  stateOf,
  storedState,
  TYPES,
  type Inventory,
  type InventoryPair,
  type PlainState,
} from '../support/shared-children.js';
import { engineStores, type StoreUnderTest } from '../support/stores.js';

const NUM_RUNS = sized(100, 50);
const NUM_RUNS_SHARED = sized(15, 8);
const TIMEOUT_MS = 120_000;

interface Sides {
  readonly from: Network;
  readonly to: Network;
  readonly platform: Platform;
  readonly warnings: Warnings;
}

/** Plants both sides in stores of their own; the target has a platform, which refuses what is out of order. */
async function withSides(
  { open, close }: StoreUnderTest,
  { source, target }: InventoryPair,
  work: (sides: Sides) => Promise<void>,
): Promise<void> {
  const opened: BaseStore[] = [];
  try {
    const [here, there] = [await open(), await open()];
    opened.push(here, there);
    const parents = new Map(source.map((each) => [keyOf(each.type, each.name), each.parents]));
    const platform = new Platform(
      target.map(({ type, name, attrs }) => [keyOf(type, name), attrs]),
      parents,
    );
    const warnings = new Warnings();
    const from = new Network({ name: 'source', store: here });
    const to = new Network({ name: 'target', store: there, logger: warnings }, platform);
    await plantNetwork(from, source);
    await plantNetwork(to, target);
    await work({ from, to, platform, warnings });
  } finally {
    for (const store of opened) await close(store);
  }
}

/** The objects that the platform has, with the normal text of their attributes. */
function platformState({ objects }: Platform): Map<string, string> {
  return new Map([...objects].map(([key, attrs]) => [key, attrsText(attrs)]));
}

/** The objects that both sides have, equal and below the same parents, and all above them too. */
function untouched(source: Inventory, target: Inventory): Set<string> {
  const theirs = new Map(target.map((each) => [keyOf(each.type, each.name), each]));
  const found = new Set<string>();
  for (const { type, name, attrs, parents } of source) {
    const other = theirs.get(keyOf(type, name));
    const isSame =
      other !== undefined &&
      attrsText(other.attrs) === attrsText(attrs) &&
      other.parents.toSorted().join() === parents.toSorted().join();
    if (isSame && parents.every((each) => found.has(each))) found.add(keyOf(type, name));
  }
  return found;
}

function changesOf(diff: Diff): string[] {
  return elementsOf(diff)
    .filter(({ action }) => action !== null)
    .map(({ type, name, action, linkOnly }) => `${action} ${linkOnly ? 'link ' : ''}${keyOf(type, name)}`);
}

const sorted = ({ objects, links }: PlainState): object => ({
  objects: Object.fromEntries(objects),
  links: [...links].toSorted(),
});

describe.each(engineStores)('for random children of several parents on the $name store', (store) => {
  const numRuns = store.shared ? NUM_RUNS_SHARED : NUM_RUNS;

  it(
    'a diff names all that differs, and nothing that does not',
    async () => {
      await fc.assert(
        fc.asyncProperty(inventoryPairs, async (pair) => {
          await withSides(store, pair, async ({ from, to, warnings }) => {
            const diff = await to.diffFrom(from);
            expect(sorted(applied(stateOf(pair.target), diff))).toEqual(sorted(stateOf(pair.source)));
            const same = untouched(pair.source, pair.target);
            const needless = elementsOf(diff).filter(
              ({ type, name, action }) => action !== null && same.has(keyOf(type, name)),
            );
            expect(needless.map(({ type, name, action }) => `${action} ${keyOf(type, name)}`)).toEqual([]);
            const { skip, ...counts } = diff.summary();
            expect(skip).toBe(0);
            expect(Object.values(counts).reduce((sum, each) => sum + each, 0)).toBe(diff.length);
            expect(diff.modelsProcessed).toBe(pair.source.length + pair.target.length);
            expect([diff.unlisted, warnings.lines]).toEqual([{}, []]);
          });
        }),
        { numRuns },
      );
    },
    TIMEOUT_MS,
  );

  it(
    'a sync calls hooks in an order that a real system accepts, and makes the target equal the source',
    async () => {
      await fc.assert(
        fc.asyncProperty(inventoryPairs, fc.integer({ min: 1, max: 8 }), async (pair, concurrency) => {
          await withSides(store, pair, async ({ from, to, platform, warnings }) => {
            const diff = await to.syncFrom(from, { verify: true, concurrency });
            const wanted = sorted(stateOf(pair.source));
            expect(sorted(await storedState(to))).toEqual(wanted);
            expect(sorted(await storedState(from))).toEqual(wanted);
            expect(Object.fromEntries(platformState(platform))).toEqual(
              Object.fromEntries(stateOf(pair.source).objects),
            );
            expect([diff.unsettled, platform.refused, warnings.lines]).toEqual([undefined, [], []]);
            expect(changesOf(await to.diffFrom(from))).toEqual([]);
            expect((await to.store.verify()).problems).toEqual([]);
          });
        }),
        { numRuns },
      );
    },
    TIMEOUT_MS,
  );

  it(
    'a sync links what no parent of the target lists, and deletes the rest of it on request',
    async () => {
      await fc.assert(
        fc.asyncProperty(pairsWithUnlisted, fc.boolean(), async (pair, isDeleted) => {
          await withSides(store, pair, async ({ from, to, platform }) => {
            const listed = reachable(stateOf(pair.target));
            const diff = await to.diffFrom(from);
            const counts = Object.values(diff.unlisted).map(({ target }) => target);
            const met = new Set(elementsOf(diff).map(({ type, name }) => keyOf(type, name)));
            const missed = pair.target.filter(
              ({ type, name }) => !listed.objects.has(keyOf(type, name)) && !met.has(keyOf(type, name)),
            );
            expect(counts.reduce((sum, each) => sum + each, 0)).toBe(missed.length);

            await to.syncFrom(from, isDeleted ? { unlisted: 'delete' } : {});
            const stored = await storedState(to);
            expect(sorted(reachable(stored))).toEqual(sorted(stateOf(pair.source)));
            expect(platform.refused).toEqual([]);
            if (isDeleted) expect(stored.objects.size).toBe(pair.source.length);
            expect(changesOf(await to.diffFrom(from))).toEqual([]);
          });
        }),
        { numRuns },
      );
    },
    TIMEOUT_MS,
  );

  it(
    'a sync that deletes nothing leaves moved objects where they are, and does all the rest',
    async () => {
      const ways = {
        SKIP_UNMATCHED_DST: { flags: DiffSyncFlags.SKIP_UNMATCHED_DST },
        syncFilter: { syncFilter: (action) => action !== 'delete' },
        exclude: undefined,
      } satisfies Record<string, SyncOptions | undefined>;
      const names = Object.keys(ways) as (keyof typeof ways)[];
      await fc.assert(
        fc.asyncProperty(inventoryPairs, fc.constantFrom(...names), async (pair, way) => {
          await withSides(store, pair, async ({ from, to, platform }) => {
            const run = async (): Promise<void> => {
              if (way !== 'exclude') await to.syncFrom(from, ways[way]);
              else {
                const diff = await to.diffFrom(from);
                await to.syncFrom(from, { diff: diff.exclude({ actions: ['delete'] }) });
              }
            };
            await run();
            const [before, after] = [stateOf(pair.target), await storedState(to)];
            expect(platform.refused).toEqual([]);
            expect([...before.objects.keys()].filter((key) => !after.objects.has(key))).toEqual([]);
            expect([...before.links].filter((link) => !after.links.has(link))).toEqual([]);
            expect([...after.links].filter((link) => !after.objects.has(link.split(' > ')[1] ?? ''))).toEqual([]);
            // What the source has at the top is no move, and neither is what was not there.
            const isNew = ({ type, name, parents }: Inventory[number]): boolean =>
              !before.objects.has(keyOf(type, name)) && parents.every((each) => arrived.has(each));
            const arrived = new Set<string>();
            for (const item of pair.source) {
              const key = keyOf(item.type, item.name);
              if (item.type !== 'site' && !isNew(item)) continue;
              arrived.add(key);
              expect([key, after.objects.get(key)]).toEqual([key, attrsText(item.attrs)]);
            }
            // What a left-out move has kept from being compared may stand below another parent now, a level in each sync.
            let calls = -1;
            for (let syncs = 1; syncs < TYPES.length && calls < platform.calls.length; syncs++) {
              calls = platform.calls.length;
              await run();
            }
            expect(platform.calls.slice(calls)).toEqual([]);
          });
        }),
        { numRuns },
      );
    },
    TIMEOUT_MS,
  );
});
