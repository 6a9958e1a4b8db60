import { describe, expect, it } from '@jest/globals';
import {
  Adapter,
  Diff,
  DiffCycle,
  DiffElement,
  DiffSyncFlags,
  DiffSyncModelFlags,
  ObjectNotCreated,
  ObjectStoreWrongType,
  SyncHookError,
  type ModelClass,
} from '../../../src/index.js';
import { sized } from '../../support/full.js';
import { engineStores } from '../../support/stores.js';
import {
  Device,
  fill,
  Graph,
  Hooks,
  Interface,
  Inventory,
  Node,
  Site,
  tree,
  Warnings,
  watched,
} from '../../fixtures/inventory.js';

describe('what the target cannot hold', () => {
  class SitesOnly extends Adapter {
    static override readonly models: readonly ModelClass[] = [Site];
    static override readonly topLevel = ['site'];
  }

  it('is left out of the diff, counted, and warned about once a type', async () => {
    const logger = new Warnings();
    const source = new Inventory({ name: 'source' });
    await fill(source, { nyc: { d1: ['e0'], d2: [] }, sfo: { d3: [] } });
    const target = new SitesOnly({ name: 'target', logger });
    const diff = await target.syncFrom(source);
    expect(diff.summary()).toEqual({ create: 2, update: 0, delete: 0, 'no-change': 0, skip: 3 });
    expect(logger.lines).toEqual([
      'device: Leaving out device objects below site: target cannot hold them, it has no model "device"',
    ]);
    expect((await target.getAll(Site)).map(({ name, devices }) => [name, devices])).toEqual([
      ['nyc', []],
      ['sfo', []],
    ]);
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
  });

  it('is refused before a hook is called where a diff names it all the same', async () => {
    const hooks = new Hooks();
    const target = watched(hooks);
    await fill(target, { nyc: {} });
    const site = new DiffElement('site', 'nyc', { name: 'nyc' });
    site.addAttrs({ source: { region: '' }, dest: { region: '' } });
    const below = new DiffElement('interface', 'e0', { name: 'e0' });
    below.addAttrs({ source: { mtu: 1 } });
    site.addChild(below);
    const diff = new Diff();
    diff.add(site);
    const error: unknown = await target.syncFrom(new Inventory(), { diff }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SyncHookError);
    expect(error).toMatchObject({ cause: expect.any(ObjectStoreWrongType), location: { uniqueId: 'e0' } });
    expect(hooks.calls).toEqual([]);
    expect(await target.count(Interface)).toBe(0);
  });
});

describe('objects that are each other’s children', () => {
  async function graph(nodes: Readonly<Record<string, readonly string[]>>): Promise<Graph> {
    const adapter = new Graph({ name: 'graph' });
    for (const [name, below] of Object.entries(nodes)) await adapter.add(new Node({ name, nodes: [...below] }));
    return adapter;
  }

  it.each([
    ['one', { a: ['a'] }, ['node a', 'node a']],
    ['two', { a: ['b'], b: ['a'] }, ['node a', 'node b', 'node a']],
    ['three below a root', { root: ['a'], a: ['b'], b: ['c'], c: ['a'] }, ['node a', 'node b', 'node c', 'node a']],
  ])('are an error that names the way round: %s', async (_which, nodes, path) => {
    const cyclic = await graph(nodes);
    for (const diff of [cyclic.diffFrom(new Graph()), new Graph().diffFrom(cyclic)]) {
      const error = await diff.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(DiffCycle);
      const found = (error as DiffCycle).path;
      expect(found).toHaveLength(path.length);
      expect(found[0]).toBe(found.at(-1));
      expect(new Set(found)).toEqual(new Set(path));
      expect((error as DiffCycle).message).toContain(found.join(' -> '));
    }
  });
});

const LEVELS = sized(10_000, 3000);

describe(`a chain of ${LEVELS} levels`, () => {
  async function chain(value: string, modelFlags = DiffSyncModelFlags.NONE): Promise<Graph> {
    const adapter = new Graph({ name: value });
    const nodes = Array.from({ length: LEVELS }, (_, level) => {
      const node = new Node({ name: `n${level}`, value, nodes: level + 1 < LEVELS ? [`n${level + 1}`] : [] });
      node.modelFlags = modelFlags;
      return node;
    });
    await adapter.addMany(nodes);
    return adapter;
  }

  it('is compared, shown and created', async () => {
    const [source, target] = [await chain('source'), new Graph({ name: 'target' })];
    const diff = await target.diffFrom(source);
    expect(diff.length).toBe(LEVELS);
    expect(diff.hasDiffs()).toBe(true);
    expect(diff.summary()).toEqual({ create: LEVELS, update: 0, delete: 0, 'no-change': 0, skip: 0 });
    expect(Object.keys(diff.toDict())).toEqual(['node']);
    const [top] = diff.getChildren();
    expect([top?.length, top?.hasDiffs(), top?.summary().create]).toEqual([LEVELS, true, LEVELS]);
    await target.syncFrom(source, { diff });
    expect(await target.count()).toBe(LEVELS);
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
  });

  it.each([
    ['parents first', DiffSyncModelFlags.NONE],
    ['children first', DiffSyncModelFlags.NATURAL_DELETION_ORDER],
    ['with the first alone', DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE],
  ])('is updated, and deleted %s', async (_order, modelFlags) => {
    const [source, target] = [await chain('source'), await chain('target', modelFlags)];
    const diff = await target.syncFrom(source);
    expect(diff.summary().update).toBe(LEVELS);
    await target.syncFrom(new Graph());
    expect(await target.count()).toBe(0);
  });
});

describe.each(engineStores)("a hook's own error, on the $name store", ({ open, close }) => {
  it('ends the sync, says where it happened, and what was done before is saved', async () => {
    const hooks = new Hooks();
    const cause = new TypeError('the API is down');
    hooks.failures.set('create interface e1', cause);
    const source = new Inventory({ name: 'source' });
    await fill(source, { nyc: { d1: ['e0', 'e1'], d2: [] }, sfo: {} });
    const store = await open();
    try {
      const target = watched(hooks, { store });
      const error: unknown = await target.syncFrom(source, { flags: DiffSyncFlags.CONTINUE_ON_FAILURE }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(SyncHookError);
      expect(error).toMatchObject({
        code: 'SYNC_HOOK_FAILED',
        cause,
        location: {
          adapter: 'target',
          action: 'create',
          model: 'interface',
          uniqueId: 'e1',
          path: ['site nyc', 'device d1'],
        },
      });
      expect((error as Error).message).toBe(
        'target: create of interface "e1" below site nyc / device d1 failed: the API is down',
      );
      expect(await tree(target)).toEqual({ sites: { nyc: { d1: ['e0'] } }, orphans: [] });

      hooks.failures.clear();
      await target.syncFrom(source);
      expect(await tree(target)).toEqual(await tree(source));
    } finally {
      await close(store);
    }
  });

  it('is itself an ObjectCrudException: then CONTINUE_ON_FAILURE goes on, and the element has its words', async () => {
    const hooks = new Hooks();
    hooks.failures.set('create device d1', new ObjectNotCreated('no room'));
    const source = new Inventory({ name: 'source' });
    await fill(source, { nyc: { d1: ['e0'], d2: [] } });
    const store = await open();
    try {
      const target = watched(hooks, { store, logger: new Warnings() });
      const diff = await target.syncFrom(source, { flags: DiffSyncFlags.CONTINUE_ON_FAILURE });
      const [d1, d2] = diff.getChildren()[0]?.getChildren() ?? [];
      expect([d1?.status, d1?.message, d2?.status, d2?.message]).toEqual([
        'error',
        'no room',
        'success',
        'Created successfully',
      ]);
      expect(d1?.getChildren()[0]?.status).toBe('unknown');
      expect(await tree(target)).toEqual({ sites: { nyc: { d2: [] } }, orphans: [] });
      expect(await target.getOrNone(Device, 'd1')).toBeNull();
    } finally {
      await close(store);
    }
  });
});
