import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Diff, DiffStale, ValueError, type Adapter, type DiffOptions, type SyncOptions } from '../../../src/index.js';
import { Device, fill, Interface, Inventory, Site, tree, Warnings } from '../../fixtures/inventory.js';
import { sized } from '../../support/full.js';
import { elementsOf, plant, plantedPaths, treeEdits, treePairs } from '../../support/random-trees.js';

type Content = Parameters<typeof fill>[1];

async function filled(name: string, content: Content): Promise<Adapter> {
  const adapter = new Inventory({ name, logger: new Warnings() });
  await fill(adapter, content);
  return adapter;
}

async function link(adapter: Adapter, device: string, isLinked: boolean): Promise<void> {
  const [parent, child] = [await adapter.get(Device, device), await adapter.get(Interface, 'e0')];
  if (isLinked) parent.addChild(child);
  else parent.removeChild(child);
}

const both: Content = { nyc: { d1: ['e0'], d2: ['e0'] } };
const first: Content = { nyc: { d1: ['e0'], d2: [] } };

describe('a plan that is stale because of a link', () => {
  it.each([
    ['target', 'gained', both, first],
    ['source', 'gained', first, both],
    ['source', 'lost', both, first],
    ['target', 'lost', first, both],
  ] as const)('names the %s, which has %s it, and the link (%#)', async (side, change, here, there) => {
    const [source, target] = [await filled('source', here), await filled('target', there)];
    const plan = Diff.fromJSON(JSON.parse(JSON.stringify(await target.diffFrom(source))), { target });
    await link(side === 'source' ? source : target, 'd2', change === 'gained');
    await expect(target.syncFrom(source, { diff: plan })).rejects.toMatchObject({
      code: 'DIFF_STALE',
      message: expect.stringMatching(
        new RegExp(
          `^${side} changed since the diff was made, at the link of interface e0 below device d2 below site nyc:`,
        ),
      ),
    });
  });

  it.each([
    ['target', 'lost', both, both],
    ['target', 'gained', first, first],
    ['source', 'gained', first, first],
  ] as const)('is used when another link changes: the %s has %s it (%#)', async (side, change, here, there) => {
    const [source, target] = [await filled('source', here), await filled('target', there)];
    await source.update(new Site({ name: 'nyc', region: 'us', devices: ['d1', 'd2'] }));
    const plan = Diff.fromJSON(JSON.parse(JSON.stringify(await target.diffFrom(source))), { target });
    await link(side === 'source' ? source : target, 'd2', change === 'gained');
    await target.syncFrom(source, { diff: plan });
    expect(await target.get(Site, 'nyc')).toMatchObject({ region: 'us' });
  });

  it('names what has changed besides, and the object', async () => {
    const [source, target] = [await filled('source', both), await filled('target', first)];
    const plan = Diff.fromJSON(JSON.parse(JSON.stringify(await target.diffFrom(source))), { target });
    await target.update(new Device({ name: 'd2', role: 'x', interfaces: [] }));
    await expect(target.syncFrom(source, { diff: plan })).rejects.toThrow(
      "target changed since the diff was made, at device d2 below site nyc: make it again, or pass onStale: 'skip'",
    );
  });
});

async function planned(source: Adapter, target: Adapter, options: DiffOptions = {}): Promise<Diff> {
  return Diff.fromJSON(JSON.parse(JSON.stringify(await target.diffFrom(source, options))), { target });
}

describe("a plan with onStale: 'skip'", () => {
  it('leaves out by name what a person has changed, and makes all else', async () => {
    const logger = new Warnings();
    const source = await filled('source', { nyc: { d1: [], d2: ['e1'], d3: [] }, sfo: { d4: ['e2'] } });
    const target = new Inventory({ name: 'target', logger });
    await fill(target, { nyc: { d1: [], d2: [], d3: [] }, lon: { d9: ['e9'] } });
    for (const name of ['d1', 'd2', 'd3']) {
      const { interfaces } = await source.get(Device, name);
      await source.update(new Device({ name, role: 'leaf', interfaces }));
    }
    const plan = await planned(source, target);
    await target.update(new Device({ name: 'd1', role: 'by hand' }));
    await target.update(new Device({ name: 'd2', role: 'by hand' }));
    await target.update(new Interface({ name: 'e9', mtu: 9000 }));
    const stale = (await target.syncFrom(source, { diff: plan, onStale: 'skip' })).stale;
    expect(stale.map(({ action, model, uid, reason }) => `${action} ${model} ${uid}: ${reason}`)).toEqual([
      'update device d1: it has changed in target',
      'update device d2: it has changed in target',
      'create interface e1: device d2, its parent, is left out',
      'delete site lon: device d9 below it is left out',
      'delete device d9: interface e9 below it is left out',
      'delete interface e9: it has changed in target',
    ]);
    expect(stale[2]?.parents).toEqual([
      { model: 'site', uid: 'nyc' },
      { model: 'device', uid: 'd2' },
    ]);
    expect(logger.lines).toEqual([expect.stringMatching(/^Some changes of the plan are stale and left out: update/)]);
    expect(await tree(target)).toEqual({
      sites: { nyc: { d1: [], d2: [], d3: [] }, lon: { d9: ['e9'] }, sfo: { d4: ['e2'] } },
      orphans: [],
    });
    expect((await target.getAll(Device)).map(({ name, role }) => `${name} ${role}`)).toEqual([
      'd1 by hand',
      'd2 by hand',
      'd3 leaf',
      'd9 ',
      'd4 ',
    ]);
    const messages = elementsOf(plan).map(({ name, message }) => `${name}: ${message}`);
    expect(messages).toContain('d1: Stale: it has changed in target');
    expect(plan.operations.get('device')).toEqual({ create: ['d4'], update: ['d3'], delete: [] });
  });

  it('names ten changes in the error, with all of them beside it', async () => {
    const devices = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`d${at}`, []]));
    const [source, target] = [await filled('source', { nyc: devices }), await filled('target', { nyc: {} })];
    const plan = await planned(source, target);
    await source.store.removeMany({ objs: await source.getAll(Device) });
    const error = await target.syncFrom(source, { diff: plan }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DiffStale);
    const { message, stale } = error as DiffStale;
    expect(message).toMatch(/^source changed since .*d9 below site nyc; and at 2 more places: make it again/);
    expect(stale).toHaveLength(12);
    expect(plan.stale).toBe(stale);
    expect(Object.keys(error as object)).not.toContain('stale');
  });

  it('refuses other words, and allowStale beside it', async () => {
    const [source, target] = [await filled('source', {}), await filled('target', {})];
    const wrong = { onStale: 'ignore' } as unknown as SyncOptions;
    await expect(target.syncFrom(source, wrong)).rejects.toThrow(ValueError);
    await expect(target.syncFrom(source, { onStale: 'skip', allowStale: true })).rejects.toThrow('pass one of them');
  });

  it.each([
    ['the depth-first order', 1],
    ['several hooks at a time', 4],
  ])('keeps what was changed since, and fails nowhere, in %s', async (_order, concurrency) => {
    await fc.assert(
      fc.asyncProperty(treeEdits, async ({ source: before, target: there, laterSource, laterTarget }) => {
        const [source, target] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
        const logger = new Warnings();
        const quiet = new Inventory({ name: 'target', store: target.store, logger });
        await plant(source, before);
        await plant(quiet, there);
        const seen = await plantedPaths(quiet);
        const plan = await planned(source, quiet);
        const targets = new Set([...plan.changes()].map(({ model, uid }) => `${model} ${uid}`));
        await source.store.clear();
        await quiet.store.clear();
        await plant(source, laterSource);
        await plant(quiet, laterTarget);
        const [left, found] = [await plantedPaths(quiet), await objects(quiet)];
        await quiet.syncFrom(source, { diff: plan, onStale: 'skip', concurrency });
        expect(plan.errors).toEqual([]);
        expect(elementsOf(plan).filter(({ status }) => status === 'error' || status === 'failure')).toEqual([]);
        const after = await objects(quiet);
        // What the plan does not name is as it was left.
        for (const [key, value] of found) if (!targets.has(key)) expect([key, after.get(key)]).toEqual([key, value]);
        for (const key of after.keys()) expect(found.has(key) || targets.has(key)).toBe(true);
        // A place whose value someone has changed since has that value.
        const now = await plantedPaths(quiet);
        for (const [path, value] of left) {
          if (seen.has(path) && seen.get(path) !== value) expect([path, now.get(path)]).toEqual([path, value]);
        }
        expect((await tree(quiet)).orphans).toEqual([]);
      }),
      { numRuns: sized(100, 50) },
    );
  });

  it('leaves out nothing where nothing has changed', async () => {
    await fc.assert(
      fc.asyncProperty(treePairs, fc.constantFrom('refuse' as const, 'skip' as const), async (pair, onStale) => {
        const [source, target] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
        await plant(source, pair.source);
        await plant(target, pair.target);
        const diff = await target.diffFrom(source);
        const some = diff.filter({ actions: ['delete'] });
        const plan = Diff.fromJSON(JSON.parse(JSON.stringify(pair.source.sites.length % 2 === 0 ? diff : some)), {
          target,
        });
        await target.syncFrom(source, { diff: plan, onStale });
        expect(plan.stale).toEqual([]);
      }),
      { numRuns: sized(100, 50) },
    );
  });
});

async function objects(adapter: Adapter): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const model of [Site, Device, Interface]) {
    for (const each of await adapter.getAll(model)) {
      const { modelName } = model;
      const own = { ...each.getAttrs() };
      found.set(`${modelName} ${each.getUniqueId()}`, own);
    }
  }
  return found;
}
