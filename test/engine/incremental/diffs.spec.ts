// What an incremental diff says, and what can be done with it, is what one of everything says and can do.
import { describe, expect, it } from '@jest/globals';
import {
  Diff,
  DiffSyncModelFlags,
  LocalStore,
  type Adapter,
  type BaseStore,
  type DiffElement,
  type DiffOptions,
} from '../../../src/index.js';
import {
  Device,
  fill,
  Graph,
  Hooks,
  Interface,
  Inventory,
  Node,
  Site,
  Warnings,
  watched,
} from '../../fixtures/inventory.js';
import { loggedStores, type StoreUnderTest } from '../../support/stores.js';
import { sayings } from './histories.js';

const logger = new Warnings();
const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${prefix}${at}`);
/** 10 sites with 2 devices each, and an interface below each device: 50 objects. */
const TREE = Object.fromEntries(
  names('s', 10).map((site) => [
    site,
    Object.fromEntries(names(`${site}d`, 2).map((device) => [device, [`${device}e`]])),
  ]),
);
const OBJECTS = 50;

const inventory = (name: string, store: BaseStore = new LocalStore()): Adapter =>
  new Inventory({ name, store, logger });

/** Two inventories that are the same, with a baseline after which a device and an interface were changed, and a site was added. */
async function changed(
  target = inventory('target'),
  source = inventory('source'),
): Promise<{ source: Adapter; target: Adapter }> {
  await fill(source, TREE);
  for (let each = 0; each < 2; each++) await target.syncFrom(source, { incremental: true });
  await source.update(new Device({ name: 's0d0', role: 'spine', interfaces: ['s0d0e'] }));
  await source.update(new Interface({ name: 's1d1e', mtu: 9000 }));
  await source.add(new Site({ name: 'new' }));
  return { source, target };
}

/** The incremental diff, which says what one of everything says. */
async function compared(source: Adapter, target: Adapter, options: DiffOptions = {}): Promise<Diff> {
  const diff = await target.diffFrom(source, { ...options, incremental: true });
  expect(diff.incremental).toMatchObject({ candidates: expect.any(Number) });
  expect(sayings(diff)).toEqual(sayings(await target.diffFrom(source, options)));
  return diff;
}

describe('an incremental diff', () => {
  it('counts the objects that were not read', async () => {
    const { source, target } = await changed();
    const before = new Date().toISOString();
    const diff = await compared(source, target);
    // Both changed objects with what is above them, and the new one.
    expect(diff.incremental).toMatchObject({ candidates: 6 });
    expect((diff.incremental as { baseline: string }).baseline <= before).toBe(true);
    expect(diff).toMatchObject({ unchanged: OBJECTS - 5, length: OBJECTS + 1 });
    expect(diff.terms.compared).toBe(OBJECTS);
    expect(diff.summary()).toMatchObject({ create: 1, update: 2, delete: 0, 'no-change': OBJECTS - 2, skip: 0 });
    const tree = diff.getChildren().map(({ name }) => name);
    expect(tree).toEqual(['s0', 's1', 'new']);
  });

  it('has no element where nothing has changed', async () => {
    const { source, target } = await changed();
    for (let each = 0; each < 2; each++) await target.syncFrom(source, { incremental: true });
    const diff = await compared(source, target);
    expect(diff).toMatchObject({ incremental: { candidates: 0 }, unchanged: OBJECTS + 1 });
    expect([diff.hasDiffs(), diff.getChildren()]).toEqual([false, []]);
  });

  it('counts what is at the top of one side alone, as a diff of everything does', async () => {
    class Deep extends Inventory {
      static override readonly topLevel = ['site', 'device'];
    }
    const { source, target } = await changed(new Deep({ name: 'target', logger }));
    await compared(source, target);
  });

  it('is refused by maxDeletePercent as one of everything is', async () => {
    const { source, target } = await changed();
    for (const site of ['s2', 's3']) {
      const [found] = await source.getByUids([site], Site);
      await source.remove(found as Site, true);
    }
    const options = { incremental: true } as const;
    await expect(target.syncFrom(source, { ...options, maxDeletePercent: 19 })).rejects.toMatchObject({
      code: 'SYNC_TOO_MANY_DELETES',
    });
    const diff = await target.syncFrom(source, { ...options, maxDeletePercent: 20 });
    expect(diff.incremental).not.toBe(false);
    expect(diff.summary().delete).toBe(10);
  });

  it('is saved, loaded and synchronised as one of everything', async () => {
    const { source, target } = await changed();
    const saved = JSON.stringify(await compared(source, target));
    const plan = Diff.fromJSON(JSON.parse(saved), { target });
    await target.syncFrom(source, { diff: plan });
    expect((await compared(source, target)).hasDiffs()).toBe(false);
  });

  it('may be applied in part: the next one has the rest', async () => {
    const { source, target } = await changed();
    const diff = await compared(source, target);
    await target.syncFrom(source, { diff: diff.filter({ actions: ['create'] }) });
    for (let each = 0; each < 2; each++) {
      const rest = await compared(source, target);
      expect(rest.summary()).toMatchObject({ create: 0, update: 2 });
      await target.syncFrom(source, { diff: rest, syncFilter: () => false });
    }
    await target.syncFrom(source, { incremental: true });
    expect((await compared(source, target)).hasDiffs()).toBe(false);
  });

  it('is compared again with verify: what hooks left is unsettled', async () => {
    const hooks = new Hooks();
    const { source, target } = await changed(watched(hooks, { logger }));
    hooks.failures.set('update device s0d0', new Error('refused'));
    const options = { incremental: true, verify: true, continueOnFailure: true } as const;
    const { unsettled } = await target.syncFrom(source, options);
    expect(unsettled?.incremental).not.toBe(false);
    expect([...(unsettled?.changes() ?? [])].map(({ action, uid }) => [action, uid])).toEqual([['update', 's0d0']]);
    hooks.failures.clear();
    expect((await target.syncFrom(source, options)).unsettled).toBeUndefined();
    await compared(source, target);
  });

  it('is of the class that is asked for, in its order, and complete once', async () => {
    let complete = 0;
    class Backwards extends Diff {
      override complete(): void {
        complete++;
      }
      protected override orderChildren(_: string, elements: readonly DiffElement[]): DiffElement[] {
        return elements.toReversed();
      }
    }
    const { source, target } = await changed();
    const diff = await compared(source, target, { diffClass: Backwards });
    expect(diff).toBeInstanceOf(Backwards);
    expect([complete, diff.getChildren().map(({ name }) => name)]).toEqual([2, ['new', 's1', 's0']]);
    await target.syncFrom(source, { diff });
    expect((await compared(source, target)).hasDiffs()).toBe(false);
  });

  it('names links to objects that neither side has', async () => {
    const { source, target } = await changed();
    for (const side of [source, target]) await side.update(new Device({ name: 's2d0', interfaces: ['s2d0e', 'gone'] }));
    for (let each = 0; each < 3; each++) {
      const diff = await compared(source, target);
      expect(diff.danglingLinks.source).toHaveLength(1);
      await target.syncFrom(source, { diff: diff.filter({ actions: ['create'] }) });
    }
  });

  it('finds what is below an object that moves', async () => {
    const [source, target] = ['source', 'target'].map((name) => new Graph({ name, logger })) as [Adapter, Adapter];
    const nodes = async (side: Adapter, lists: Record<string, string[]>): Promise<void> => {
      for (const [name, below] of Object.entries(lists)) await side.update(new Node({ name, nodes: below }));
    };
    await nodes(source, { a: ['b'], b: ['c'], c: [], d: [] });
    for (let each = 0; each < 2; each++) await target.syncFrom(source, { incremental: true });
    await nodes(source, { a: [], d: ['b'] });
    await compared(source, target);
    await target.syncFrom(source, { incremental: true });
    expect((await compared(source, target)).hasDiffs()).toBe(false);
  });

  it('sees in a source that is loaded anew a flag alone, and what was gone for a while', async () => {
    const file = loggedStores.find(({ name }) => name.startsWith('sqlite')) as StoreUnderTest;
    const target = inventory('target', await file.open());
    const load = async (without?: string, modelFlags = DiffSyncModelFlags.NONE): Promise<Adapter> => {
      const source = inventory('source');
      const { [without ?? '']: _, ...rest } = TREE;
      await fill(source, rest);
      const flagged = new Device({ name: 's0d0', interfaces: ['s0d0e'] });
      flagged.modelFlags = modelFlags;
      await source.update(flagged);
      return source;
    };
    for (let each = 0; each < 2; each++) await target.syncFrom(await load(), { incremental: true });
    expect((await compared(await load(undefined, DiffSyncModelFlags.IGNORE), target)).length).toBe(OBJECTS - 2);
    for (let each = 0; each < 3; each++) await target.syncFrom(await load('s9'), { incremental: true });
    const back = await compared(await load(), target);
    expect(back.summary()).toMatchObject({ create: 5, update: 0, delete: 0 });
    await file.close(target.store);
  });

  it.each(['source', 'target'] as const)('does not hide what was written to the %s while it was made', async (side) => {
    /** Is written to when interfaces were read. */
    class Written extends LocalStore {
      afterwards: (() => Promise<void>) | undefined;
      protected override async *readPages(
        ...args: Parameters<LocalStore['readPages']>
      ): ReturnType<LocalStore['readPages']> {
        yield* super.readPages(...args);
        const { afterwards } = this;
        if (args[0] !== 'interface' || afterwards === undefined) return;
        this.afterwards = undefined;
        await afterwards();
      }
    }
    const sides = { source: inventory('source', new Written()), target: inventory('target', new Written()) };
    const { source, target } = await changed(sides.target, sides.source);
    const store = sides[side].store as Written;
    store.afterwards = () => store.update({ obj: new Interface({ name: 's5d0e', mtu: 1 }) });
    const diff = await target.diffFrom(source, { incremental: true });
    expect([...diff.changes()].map(({ uid }) => uid)).toEqual(['s0d0', 's1d1e', 'new']);
    await target.syncFrom(source, { diff });
    expect([store.afterwards, [...(await compared(source, target)).changes()].map(({ uid }) => uid)]).toEqual([
      undefined,
      ['s5d0e'],
    ]);
  });
});
