import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  ObjectNotCreated,
  ObjectNotDeleted,
  ObjectNotUpdated,
  type Adapter,
  type BaseStore,
  type Diff,
} from '../../src/index.js';
import { Hooks, Inventory, Warnings, watched } from '../fixtures/inventory.js';
import { sized } from '../support/full.js';
import { elementsOf, paths, plant, plantedPaths, treePairs, trees, type RandomTree } from '../support/random-trees.js';
import { stores, type StoreUnderTest } from '../support/stores.js';

/** In memory, and on a store on a server: the law is the same there, and a run takes longer. */
const NUM_RUNS = sized(80, 40);
const NUM_RUNS_SHARED = sized(25, 10);

/** Fails the call with this number, and no other. */
class FailingHooks extends Hooks {
  constructor(
    private readonly failing: number,
    private readonly error: Error,
  ) {
    super();
  }

  override run<T>(call: string, standard: () => Promise<T>): Promise<T> {
    return this.calls.length === this.failing && this.calls.push(call) > 0
      ? Promise.reject(this.error)
      : super.run(call, standard);
  }
}

/** Adapters in stores of their own, which hold these trees. The stores are closed whatever happens. */
async function withPlanted(
  { open, close }: StoreUnderTest,
  planted: readonly (readonly [RandomTree, (store: BaseStore) => Adapter])[],
  work: (...adapters: [Adapter, Adapter]) => Promise<void>,
): Promise<void> {
  const opened: BaseStore[] = [];
  try {
    const adapters: Adapter[] = [];
    for (const [tree, make] of planted) {
      const store = await open();
      opened.push(store);
      const adapter = make(store);
      await plant(adapter, tree);
      adapters.push(adapter);
    }
    await work(...(adapters as [Adapter, Adapter]));
  } finally {
    for (const store of opened) await close(store);
  }
}

const source = (store: BaseStore): Adapter => new Inventory({ name: 'source', store });
const target = (store: BaseStore): Adapter => new Inventory({ name: 'target', store });

/** What `summary` must say, counted on plain values. */
function expectedSummary(from: RandomTree, to: RandomTree): Record<string, number> {
  const [theirs, ours] = [paths(from), paths(to)];
  const summary = { create: 0, update: 0, delete: 0, 'no-change': 0, skip: 0 };
  for (const [path, value] of theirs) {
    if (!ours.has(path)) summary.create++;
    else summary[ours.get(path) === value ? 'no-change' : 'update']++;
  }
  for (const path of ours.keys()) if (!theirs.has(path)) summary.delete++;
  return summary;
}

function countActions(diff: Diff): Record<string, number> {
  const counts = { create: 0, update: 0, delete: 0, 'no-change': 0, skip: 0 };
  for (const { action } of elementsOf(diff)) counts[action ?? 'no-change']++;
  return counts;
}

describe.each(stores)('for random trees on the $name store', (store) => {
  const numRuns = store.shared ? NUM_RUNS_SHARED : NUM_RUNS;

  it('a sync makes the target equal the source, and then nothing differs', async () => {
    await fc.assert(
      fc.asyncProperty(treePairs, async (sides) => {
        const planted = [[sides.source, source] as const, [sides.target, target] as const];
        await withPlanted(store, planted, async (from, to) => {
          await to.syncFrom(from);
          expect(await plantedPaths(to)).toEqual(paths(sides.source));
          expect(await to.count()).toBe(await from.count());
          expect(await plantedPaths(from)).toEqual(paths(sides.source));
          expect((await to.diffFrom(from)).toDict()).toEqual({});
        });
      }),
      { numRuns },
    );
  });

  it('a diff of a side with itself, or with its equal, is empty', async () => {
    await fc.assert(
      fc.asyncProperty(trees, async (tree) => {
        const planted = [[tree, source] as const, [tree, target] as const];
        await withPlanted(store, planted, async (one, other) => {
          for (const diff of [await one.diffFrom(one), await other.diffFrom(one)]) {
            expect(diff.hasDiffs()).toBe(false);
            expect(diff.toString()).toBe('(no diffs)');
            expect(diff.length).toBe(await one.count());
          }
        });
      }),
      { numRuns },
    );
  });

  it('the summary counts the elements, and those are what the sides have', async () => {
    await fc.assert(
      fc.asyncProperty(treePairs, async (sides) => {
        const planted = [[sides.source, source] as const, [sides.target, target] as const];
        await withPlanted(store, planted, async (from, to) => {
          const diff = await to.diffFrom(from);
          const summary = diff.summary();
          expect(summary).toEqual(countActions(diff));
          expect(summary).toEqual(expectedSummary(sides.source, sides.target));
          expect(diff.length).toBe(elementsOf(diff).length);
        });
      }),
      { numRuns },
    );
  });

  it('a sync in which some hook fails, run again, makes the target equal the source', async () => {
    const errors = fc.constantFrom(
      new ObjectNotCreated('refused'),
      new ObjectNotUpdated('refused'),
      new ObjectNotDeleted('refused'),
      new Error('the system is down'),
    );
    await fc.assert(
      fc.asyncProperty(treePairs, fc.nat(30), errors, async (sides, failing, error) => {
        const hooks = new FailingHooks(failing, error);
        const failingTarget = (each: BaseStore): Adapter => watched(hooks, { store: each, logger: new Warnings() });
        const planted = [[sides.source, source] as const, [sides.target, failingTarget] as const];
        await withPlanted(store, planted, async (from, to) => {
          const outcome: unknown = await to.syncFrom(from).then(
            () => undefined,
            (reason: unknown) => reason,
          );
          if (outcome !== undefined) {
            expect(outcome === error || (outcome instanceof Error && outcome.cause === error)).toBe(true);
            await to.syncFrom(from);
          }
          expect(await plantedPaths(to)).toEqual(paths(sides.source));
          expect((await to.diffFrom(from)).toDict()).toEqual({});
        });
      }),
      { numRuns },
    );
  });
});

it('for random trees, every store gives the same diff, line for line', async () => {
  await fc.assert(
    fc.asyncProperty(treePairs, async (sides) => {
      const seen: unknown[] = [];
      for (const store of stores) {
        const planted = [[sides.source, source] as const, [sides.target, target] as const];
        await withPlanted(store, planted, async (from, to) => {
          const diff = await to.diffFrom(from);
          const elements = elementsOf(diff).map(({ type, name, action }) => [type, name, action]);
          seen.push({ elements, text: diff.toString() });
        });
      }
      for (const each of seen) expect(each).toEqual(seen[0]);
    }),
    { numRuns: NUM_RUNS_SHARED },
  );
});
