// Links that would make an object its own ancestor, because a link of the target that the source does not have is still there.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { z } from 'zod';
import { Adapter, DiffSyncFlags, DiffSyncModel, type BaseStore, type SyncOptions } from '../../src/index.js';
import { Warnings } from '../fixtures/inventory.js';
import { sized } from '../support/full.js';
import { elementsOf } from '../support/random-trees.js';
import { engineStores } from '../support/stores.js';

/** Sites list groups, and groups list groups. */

const list = z.array(z.string()).default(() => []);
const schema = z.object({ name: z.string(), groups: list });
/** Links, as `parent > child`, whose removal a hook refuses. */
let refused: ReadonlySet<string> = new Set();

class Site extends DiffSyncModel.define({
  name: 'site',
  schema,
  identifiers: ['name'],
  children: { group: 'groups' },
}) {
  override async unlinkChild(child: DiffSyncModel): Promise<void> {
    if (refused.has(`${this.name} > ${child.getUniqueId()}`)) throw new Error('refused');
  }
}
class Group extends DiffSyncModel.define({
  name: 'group',
  schema,
  identifiers: ['name'],
  children: { group: 'groups' },
}) {
  override async unlinkChild(child: DiffSyncModel): Promise<void> {
    if (refused.has(`${this.name} > ${child.getUniqueId()}`)) throw new Error('refused');
  }
}
class Groups extends Adapter {
  static override readonly models = [Site, Group];
  static override readonly topLevel = ['site'];
}

/** The groups that the site, and each group, lists. */
type Lists = Readonly<Record<string, readonly string[]>>;

async function plant(adapter: Groups, lists: Lists): Promise<Groups> {
  const names = new Set([...Object.keys(lists), ...Object.values(lists).flat()]);
  for (const name of names) {
    const groups = [...(lists[name] ?? [])];
    await adapter.add(name === 's' ? new Site({ name, groups }) : new Group({ name, groups }));
  }
  return adapter;
}

async function listsOf(adapter: Groups): Promise<Record<string, string[]>> {
  const all = [...(await adapter.getAll(Site)), ...(await adapter.getAll(Group))];
  return Object.fromEntries(all.map(({ name, groups }) => [name, groups.toSorted()]));
}

const make = (name: string, store?: BaseStore): Groups =>
  new Groups({ name, logger: new Warnings(), ...(store === undefined ? {} : { store }) });

describe.each(engineStores)('links that would close a cycle, on the $name store', ({ open, close, shared }) => {
  const ways: Record<string, SyncOptions> = {
    'the removal fails': { continueOnFailure: true },
    'syncFilter leaves the removal out': { syncFilter: (action) => action !== 'delete' },
    'SKIP_UNMATCHED_DST leaves the removal out': { flags: DiffSyncFlags.SKIP_UNMATCHED_DST },
  };

  it.each(Object.entries(ways))('are left out where %s, and made by a later sync', async (_title, options) => {
    const store = await open();
    try {
      const source = await plant(make('source'), { s: ['a', 'b'], b: ['a'] });
      const target = await plant(make('target', store), { s: ['a', 'b'], a: ['b'] });
      refused = new Set(['a > b']);
      const diff = await target.syncFrom(source, options);
      expect(await listsOf(target)).toEqual({ s: ['a', 'b'], a: ['b'], b: [] });
      const link = elementsOf(diff).find(({ linkOnly, action }) => linkOnly && action === 'create');
      expect(link?.message).toMatch(/^Left out: target has the parent below the object/);
      refused = new Set();
      await target.syncFrom(source);
      expect(await listsOf(target)).toEqual({ s: ['a', 'b'], a: [], b: ['a'] });
    } finally {
      refused = new Set();
      await close(store);
    }
  });

  const NAMES = ['a', 'b', 'c', 'd'];
  /** Each group below any of those before it in a random order, or below the site. */
  const acyclic: fc.Arbitrary<Lists> = fc.shuffledSubarray(NAMES, { minLength: 4 }).chain((order) =>
    fc.tuple(...order.map((_, at) => fc.subarray(['s', ...order.slice(0, at)], { minLength: 1 }))).map((parents) => {
      const lists: Record<string, string[]> = { s: [] };
      for (const [at, name] of order.entries()) {
        for (const parent of parents[at] ?? []) (lists[parent] ??= []).push(name);
      }
      return lists;
    }),
  );

  it('never make one, whatever is refused, and a sync without refusals makes both sides equal', async () => {
    const links = ['s', ...NAMES].flatMap((parent) => NAMES.map((child) => `${parent} > ${child}`));
    await fc.assert(
      fc.asyncProperty(
        acyclic,
        acyclic,
        fc.subarray(links),
        fc.constantFrom(...Object.keys(ways)),
        fc.integer({ min: 1, max: 4 }),
        async (from, to, some, way, concurrency) => {
          const store = await open();
          try {
            const source = await plant(make('source'), from);
            const target = await plant(make('target', store), to);
            refused = new Set(some);
            await target.syncFrom(source, { ...ways[way], concurrency });
            refused = new Set();
            await target.diffFrom(source); // A cycle would end it.
            await target.syncFrom(source, { concurrency });
            await target.syncFrom(source, { concurrency });
            expect(await listsOf(target)).toEqual(await listsOf(source));
          } finally {
            refused = new Set();
            await close(store);
          }
        },
      ),
      { numRuns: shared ? 10 : sized(150, 60) },
    );
  });
});
