import { describe, expect, it } from '@jest/globals';
import {
  DiffSyncFlags,
  DiffSyncModelFlags,
  ObjectNotDeleted,
  type Diff,
  type SyncOptions,
} from '../../../src/index.js';
import { engineStores } from '../../support/stores.js';
import { Device, fill, Hooks, Inventory, Site, tree, Warnings, watched } from '../../fixtures/inventory.js';

describe.each(engineStores)('an object that moves to another parent, on the $name store', ({ open, close }) => {
  async function sync(
    sites: { source: Parameters<typeof fill>[1]; target: Parameters<typeof fill>[1] },
    options: { flagged?: Record<string, DiffSyncModelFlags>; flags?: DiffSyncFlags; failures?: [string, Error][] } = {},
  ) {
    const hooks = new Hooks();
    for (const [call, error] of options.failures ?? []) hooks.failures.set(call, error);
    const store = await open();
    try {
      const source = new Inventory({ name: 'source' });
      const target = watched(hooks, { store, logger: new Warnings() });
      await fill(source, sites.source);
      await fill(target, sites.target);
      for (const [name, modelFlags] of Object.entries(options.flagged ?? {})) {
        const site = await target.get(Site, name);
        site.modelFlags = modelFlags;
        await target.update(site);
      }
      await target.syncFrom(source, { flags: options.flags ?? DiffSyncFlags.NONE });
      const left = await target.diffFrom(source);
      return { calls: hooks.calls, left: left.toDict(), ...(await tree(target)) };
    } finally {
      await close(store);
    }
  }

  const first = { nyc: { d: ['e0'] }, sfo: {} };
  const second = { nyc: {}, sfo: { d: ['e0'] } };

  it.each([
    ['that comes before the old one', first, second],
    ['that comes after the old one', second, first],
  ])('to one %s is deleted, then created there with all below it', async (_where, source, target) => {
    expect(await sync({ source, target })).toEqual({
      calls: ['delete interface e0', 'delete device d', 'create device d', 'create interface e0'],
      left: {},
      sites: source,
      orphans: [],
    });
  });

  it.each([
    ['before', { nyc: { d: ['e0'] } }, { nyc: {}, sfo: { d: ['e0'] } }],
    ['after', { sfo: { d: ['e0'] } }, { nyc: { d: ['e0'] }, sfo: {} }],
  ])('to one that comes %s the old one, which goes', async (_where, source, target) => {
    const { calls, ...result } = await sync({ source, target });
    expect(result).toEqual({ left: {}, sites: source, orphans: [] });
    expect(calls.indexOf('delete device d')).toBeLessThan(calls.indexOf('create device d'));
    expect(calls.filter((call) => call === 'delete device d')).toHaveLength(1);
  });

  it.each([
    ['before', { nyc: { d: ['e0'] } }, { nyc: {}, sfo: { d: ['e0'], other: [] } }, 'sfo'],
    ['after', { sfo: { d: ['e0'] } }, { nyc: { d: ['e0'], other: [] }, sfo: {} }, 'nyc'],
  ])(
    'to one that comes %s the old one, which goes with SKIP_CHILDREN_ON_DELETE: no hook deletes it',
    async (_where, source, target, gone) => {
      const flagged = { [gone]: DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE };
      const { calls, ...result } = await sync({ source, target }, { flagged });
      expect(result).toEqual({ left: {}, sites: source, orphans: [] });
      expect(calls.toSorted()).toEqual(['create device d', 'create interface e0', `delete site ${gone}`]);
    },
  );

  it.each([
    ['before', { nyc: { d: ['e0'] } }, { nyc: {}, sfo: { d: ['e0'] } }, 'sfo'],
    ['after', { sfo: { d: ['e0'] } }, { nyc: { d: ['e0'] }, sfo: {} }, 'nyc'],
  ])(
    'to one that comes %s the old one, which goes with NATURAL_DELETION_ORDER',
    async (_where, source, target, gone) => {
      const flagged = { [gone]: DiffSyncModelFlags.NATURAL_DELETION_ORDER };
      const { calls, ...result } = await sync({ source, target }, { flagged });
      expect(result).toEqual({ left: {}, sites: source, orphans: [] });
      expect(calls.indexOf('delete device d')).toBeLessThan(calls.indexOf('create device d'));
      expect(calls.indexOf('delete device d')).toBeLessThan(calls.indexOf(`delete site ${gone}`));
    },
  );

  it('stays where it is when its delete is refused, but for what moves with it, and says so once', async () => {
    const { calls, sites } = await sync(
      { source: first, target: second },
      { flags: DiffSyncFlags.CONTINUE_ON_FAILURE, failures: [['delete device d', new ObjectNotDeleted('no')]] },
    );
    expect(calls).toEqual(['delete interface e0', 'delete device d']);
    expect(sites).toEqual(JSON.parse(JSON.stringify(second).replace('"e0"', '')));
  });

  it('swaps parents with another', async () => {
    const result = await sync({
      source: { nyc: { a: [] }, sfo: { b: [] } },
      target: { nyc: { b: [] }, sfo: { a: [] } },
    });
    expect(result).toMatchObject({ left: {}, sites: { nyc: { a: [] }, sfo: { b: [] } }, orphans: [] });
  });
});

describe.each(engineStores)('a move whose delete is left out, on the $name store', ({ open, close }) => {
  const source = { a: {}, b: { d1: ['e1', 'new'], d2: [] } };
  const before = { a: { d1: ['e1', 'old'] }, b: {} };
  const after = { a: { d1: ['e1', 'old'] }, b: { d2: [] } };
  const warning =
    'device: Leaving out device d1 and all below it: it moves from site a to site b, and its delete at the old place is left out';

  async function sync(
    sides: { source: Parameters<typeof fill>[1]; target: Parameters<typeof fill>[1] },
    prepare: (diff: Diff) => Diff,
    options: SyncOptions,
  ) {
    const store = await open();
    try {
      const [hooks, logger] = [new Hooks(), new Warnings()];
      const from = new Inventory({ name: 'source' });
      const target = watched(hooks, { store, logger });
      await fill(from, sides.source);
      await fill(target, sides.target);
      const diff = prepare(await target.diffFrom(from));
      await target.syncFrom(from, { ...options, diff });
      return { calls: hooks.calls, warnings: logger.lines, ...(await tree(target)), diff };
    } finally {
      await close(store);
    }
  }

  const noDeletes = (action: string): boolean => action !== 'delete';

  it.each<[string, (diff: Diff) => Diff, SyncOptions]>([
    ['syncFilter', (diff) => diff, { syncFilter: noDeletes }],
    ['syncFilter, 4 at a time', (diff) => diff, { syncFilter: noDeletes, concurrency: 4 }],
    ['exclude', (diff) => diff.exclude({ actions: ['delete'] }), {}],
    ['filter', (diff) => diff.filter({ actions: ['create', 'update'] }), {}],
    ['filter, 4 at a time', (diff) => diff.filter({ actions: ['create'] }), { concurrency: 4 }],
  ])('by %s, is left out with all below it and warned about once; the rest is synced', async (_, prepare, options) => {
    const result = await sync({ source, target: before }, prepare, options);
    expect(result).toMatchObject({ calls: ['create device d2'], sites: after, orphans: [], warnings: [warning] });
    const moved = result.diff
      .getChildren()
      .flatMap((site) => site.getChildren())
      .find(({ name, action }) => name === 'd1' && action === 'create');
    expect([moved?.status, moved?.message]).toEqual([
      'unknown',
      'Left out: it moves from site a to site b, and its delete at the old place is left out',
    ]);
  });

  it.each([1, 4])('also where the new place comes first (concurrency %i)', async (concurrency) => {
    const result = await sync({ source: { a: { d1: [] }, b: {} }, target: { a: {}, b: { d1: [] } } }, (diff) => diff, {
      concurrency,
      syncFilter: noDeletes,
    });
    expect(result).toMatchObject({ calls: [], sites: { a: {}, b: { d1: [] } }, orphans: [] });
    expect(result.warnings).toHaveLength(1);
  });

  it.each([1, 4])('also where the delete of what is above is refused (concurrency %i)', async (concurrency) => {
    const result = await sync({ source: { a: { d1: [] } }, target: { a: {}, b: { d1: [] } } }, (diff) => diff, {
      concurrency,
      syncFilter: (action, type) => action !== 'delete' || type !== 'site',
    });
    expect(result).toMatchObject({ calls: [], sites: { a: {}, b: { d1: [] } }, orphans: [] });
    expect(result.warnings).toHaveLength(1);
  });

  it.each([
    ['before', 'd0'],
    ['behind', 'd3'],
  ])('is not deleted where its new parent is left out, which stood %s it', async (_, other) => {
    const result = await sync(
      {
        source: { a: {}, b: { d1: ['e1'] } },
        target: { a: other === 'd0' ? { d0: ['e1'], d1: [] } : { d1: [], d3: ['e1'] }, b: {} },
      },
      (diff) => diff,
      { syncFilter: (action, _type, ids) => action !== 'delete' || ids['name'] !== 'd1' },
    );
    expect(result).toMatchObject({ sites: { a: { d1: [] }, b: {} }, orphans: ['interface e1'] });
    expect(result.calls).toEqual([`delete device ${other}`]);
  });

  it('is no delete to the guards', async () => {
    const result = await sync({ source: { a: {}, b: { d1: [] } }, target: { a: { d1: [] }, b: {} } }, (diff) => diff, {
      maxDeletes: 0,
      maxDeletePercent: 0,
    });
    expect(result.sites).toEqual({ a: {}, b: { d1: [] } });
  });
});

describe('a child type that is also top-level', () => {
  class Flat extends Inventory {
    static override readonly topLevel = ['device', 'site'];
  }

  it('is compared and created once, under its parent; what no parent lists stands at the top', async () => {
    const source = new Flat({ name: 'source' });
    await fill(source, { nyc: { d1: [] } });
    await source.add(new Device({ name: 'spare' }));
    const target = new Flat({ name: 'target' });
    const diff = await target.syncFrom(source);
    expect(diff.summary()).toEqual({ create: 3, update: 0, delete: 0, 'no-change': 0, skip: 0 });
    expect(diff.toDict()).toEqual({
      device: { spare: { '+': { role: '' } } },
      site: { nyc: { '+': { region: '' }, device: { d1: { '+': { role: '' } } } } },
    });
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
    expect(await tree(target)).toEqual({ sites: { nyc: { d1: [] } }, orphans: ['device spare'] });
  });

  it('moves from the top to below a parent, and back', async () => {
    const [free, bound] = [new Flat({ name: 'free' }), new Flat({ name: 'bound' })];
    await fill(free, { nyc: {} });
    await free.add(new Device({ name: 'd' }));
    await fill(bound, { nyc: { d: [] } });
    for (const [source, target] of [
      [bound, free],
      [free, bound],
    ] as const) {
      const copy = new Flat({ name: 'target' });
      await copy.loadFromDict(await target.toDict());
      await copy.syncFrom(source);
      expect(await tree(copy)).toEqual(await tree(source));
      expect((await copy.diffFrom(source)).hasDiffs()).toBe(false);
    }
  });
});
