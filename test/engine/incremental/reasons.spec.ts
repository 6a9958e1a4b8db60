// Why an incremental comparison reads everything, and that the next one does not once there is no reason any more.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { DiffSyncFlags, LocalStore, type Adapter, type BaseStore, type DiffOptions } from '../../../src/index.js';
import type { ChangesSince } from '../../../src/store/change-log.js';
import { SqliteStore } from '../../../src/store/sqlite/index.js';
import { Device, fill, Interface, Inventory, Site, Warnings } from '../../fixtures/inventory.js';
import { howOf, sayings } from './histories.js';

const logger = new Warnings();
const TREE = { s0: { d0: ['e0', 'e1'], d1: ['e2'] }, s1: { d2: [] } };

interface Pair {
  readonly source: Adapter;
  readonly target: Adapter;
}

const inventory = (name: string, store: BaseStore = new LocalStore()): Adapter =>
  new Inventory({ name, store, logger });

/** Compares incrementally, and in full, which must say the same. @returns how. */
async function compare({ source, target }: Pair, options: DiffOptions = {}): Promise<string> {
  const diff = await target.diffFrom(source, { ...options, incremental: true });
  const full = await target.diffFrom(source, options);
  expect(sayings(diff)).toEqual(sayings(full));
  expect([full.incremental, full.fullBecause]).toEqual([false, undefined]);
  return howOf(diff);
}

async function sync({ source, target }: Pair, options: DiffOptions = {}): Promise<string> {
  return howOf(await target.syncFrom(source, { ...options, incremental: true }));
}

const sameText = (a: unknown, b: unknown): boolean => String(a) === String(b);

/** Two inventories that are the same, with a baseline after which nothing was written. */
async function settled(source = inventory('source'), target = inventory('target')): Promise<Pair> {
  const pair = { source, target };
  await fill(source, TREE);
  await sync(pair);
  expect([await sync(pair), await compare(pair)]).toEqual(['incremental', 'incremental']);
  return pair;
}

/** Expects that a sync leaves a baseline that the next comparison goes on from. */
async function expectToGoOn(pair: Pair): Promise<void> {
  await sync(pair);
  await sync(pair);
  expect(await compare(pair)).toBe('incremental');
}

/** Replaces the source by an adapter of another class, with the same objects. */
async function withSource(pair: Pair, [site, device]: readonly [typeof Site, typeof Device]): Promise<Pair> {
  class Other extends Inventory {
    static override readonly models = [site, device, Interface];
  }
  const source: Adapter = new Other({ name: pair.source.name, logger });
  await fill(source, TREE);
  return { ...pair, source };
}

describe('why an incremental comparison reads everything', () => {
  it('no-baseline: before a sync, and after syncs without the option', async () => {
    const pair = { source: inventory('source'), target: inventory('target') };
    await fill(pair.source, TREE);
    expect(await compare(pair)).toBe('no-baseline');
    await pair.target.syncFrom(pair.source);
    await pair.target.syncFrom(pair.source, { diff: await pair.target.diffFrom(pair.source) });
    expect(await compare(pair)).toBe('no-baseline');
    await expectToGoOn(pair);
  });

  it.each<[string, DiffOptions, DiffOptions]>([
    ['flags', {}, { flags: DiffSyncFlags.SKIP_UNMATCHED_DST }],
    ['modelTypes', {}, { modelTypes: ['site', 'device'] }],
    ['other modelTypes', { modelTypes: ['site', 'device'] }, { modelTypes: ['site'] }],
    ['syncAttrs', {}, { syncAttrs: { device: ['role'] } }],
    ['excludeAttrs', {}, { excludeAttrs: { device: ['role'] } }],
    ['unlisted', {}, { unlisted: 'delete' }],
  ])('no-baseline: one of other %s is another one, and each stays', async (_, first, second) => {
    const pair = await settled();
    for (const terms of [first, second]) {
      if (terms === second) expect(await compare(pair, second)).toBe('no-baseline');
      await sync(pair, terms);
    }
    expect([await compare(pair, first), await compare(pair, second)]).toEqual(['incremental', 'incremental']);
    await pair.source.update(new Device({ name: 'd0', role: 'spine', interfaces: ['e0'] }));
    expect([await compare(pair, first), await compare(pair, second)]).toEqual(['incremental', 'incremental']);
  });

  it('no-baseline: one of another source or target is another one', async () => {
    const { source, target } = await settled();
    const other = inventory('another');
    await fill(other, TREE);
    expect(await compare({ source: other, target })).toBe('no-baseline');
    expect(await compare({ source: target, target: source })).toBe('no-baseline');
    expect(await compare({ source, target })).toBe('incremental');
  });

  it('no-baseline: a sync leaves none where the target cannot hold some children of the source', async () => {
    class Flat extends Site.variant({ children: {} as never }) {}
    class Sites extends Inventory {
      static override readonly models = [Flat, Device, Interface];
    }
    const pair = { source: inventory('source'), target: new Sites({ name: 'target', logger }) };
    await fill(pair.source, TREE);
    for (let each = 0; each < 3; each++) {
      const diff = await pair.target.syncFrom(pair.source, { incremental: true });
      expect([howOf(diff), diff.hasDiffs()]).toEqual(['no-baseline', each === 0]);
    }
  });

  it('definitions: a class reads its objects in another way, or compares them so', async () => {
    const pair = await settled();
    class Loud extends Device {
      override getAttrs(): { role: string } {
        return { role: this.role.toUpperCase() };
      }
    }
    const louder = await withSource(pair, [Site, Loud]);
    expect(await compare(louder)).toBe('definitions');
    await expectToGoOn(louder);
    expect(await compare(pair)).toBe('definitions');
    await expectToGoOn(pair);
  });

  it('definitions: a function that compares an attribute is another one', async () => {
    const pair = await settled();
    for (const role of [Object.is, sameText]) {
      const other = await withSource(pair, [Site, Device.variant({ compare: { role } })]);
      expect(await compare(other)).toBe('definitions');
      await expectToGoOn(other);
    }
  });

  it('source-unknown: the log of the source does not go back as far', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-reasons-'));
    try {
      const store = await SqliteStore.connect({ path: join(folder, 'source.db'), changeLog: true });
      const pair = await settled(inventory('source', store));
      await store.clear();
      await fill(pair.source, TREE);
      await pair.source.update(new Device({ name: 'd1', role: 'spine', interfaces: ['e2'] }));
      expect(await compare(pair)).toBe('source-unknown');
      await expectToGoOn(pair);
      await store.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('target-unknown: the log of the target does not go back as far', async () => {
    const pair = await settled();
    await pair.target.store.clear();
    await fill(pair.target, { ...TREE, s2: {} });
    expect(await compare(pair)).toBe('target-unknown');
    await expectToGoOn(pair);
  });

  it('target-unknown: the target keeps no log', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-reasons-'));
    try {
      const store = await SqliteStore.connect({ path: join(folder, 'target.db') });
      const pair = { source: inventory('source'), target: inventory('target', store) };
      await fill(pair.source, TREE);
      await pair.target.syncFrom(pair.source, { incremental: true });
      expect(await compare(pair)).toBe('target-unknown');
      await store.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('many-changes: a large part of all was written', async () => {
    const pair = await settled();
    const devices = (role: string): Device[] =>
      Array.from({ length: 1001 }, (_, at) => new Device({ name: `many${at}`, role }));
    await pair.source.addMany([
      ...devices(''),
      new Site({ name: 'full', devices: devices('').map(({ name }) => name) }),
    ]);
    expect(await compare(pair)).toBe('many-changes');
    await expectToGoOn(pair);
    await pair.target.store.updateMany({ objs: devices('changed').slice(1) });
    expect(await compare(pair)).toBe('incremental');
    await pair.target.store.updateMany({ objs: devices('changed') });
    expect(await compare(pair)).toBe('many-changes');
  });

  it.each([0, -1, Number.NaN, '10'])('fullCompareEvery: %p is refused', async (fullCompareEvery) => {
    const { source, target } = await settled();
    const options = { incremental: true, fullCompareEvery: fullCompareEvery as number };
    await expect(target.diffFrom(source, options)).rejects.toThrow(/^fullCompareEvery is /);
  });

  it('due: fullCompareEvery counts the comparisons that a sync has followed', async () => {
    const pair = { source: inventory('source'), target: inventory('target') };
    await fill(pair.source, TREE);
    const how: string[] = [];
    for (let each = 0; each < 8; each++) {
      how.push(await sync(pair, { fullCompareEvery: 3 }));
      // Without a sync it counts for nothing.
      await compare(pair);
    }
    const three = ['incremental', 'incremental', 'due'];
    expect(how).toEqual(['no-baseline', ...three, ...three, 'incremental']);
    expect(await compare(pair, { fullCompareEvery: 1 })).toBe('due');
    expect(await compare(pair)).toBe('incremental');
  });

  it('filters: what they let pass may be others now', async () => {
    const pair = await settled();
    const filters = { device: () => true };
    expect(await compare(pair, { filters })).toBe('filters');
    await sync(pair, { filters });
    expect(await compare(pair)).toBe('incremental');
  });

  it('identities: the target may make other unique ids of what the source has', async () => {
    const pair = await settled();
    class Renamed extends Device.variant({
      schema: z.object({
        name: z.string().transform((name) => name.trim()),
        role: z.string().default(''),
        interfaces: z.array(z.string()).default([]),
      }),
    }) {}
    const renamed = await withSource(pair, [Site, Renamed as unknown as typeof Device]);
    const back = { source: pair.target, target: renamed.source };
    expect(await compare(back)).toBe('identities');
    await sync(back);
    expect([await compare(back), await compare(pair)]).toEqual(['identities', 'incremental']);
  });

  it('children: a class makes its child lists itself', async () => {
    const pair = await settled();
    class Lister extends Site {}
    Lister.prototype.getChildrenMapping = () => ({ device: 'devices' });
    expect(await compare(await withSource(pair, [Lister, Device]))).toBe('children');
    expect(await compare(pair)).toBe('incremental');
  });

  it('lost-children: a parent does not list a child any more, on either side', async () => {
    const pair = await settled();
    for (const side of [pair.source, pair.target]) {
      await side.update(new Device({ name: 'd0', interfaces: ['e0'] }));
    }
    expect(await compare(pair)).toBe('lost-children');
    await sync(pair);
    expect(await compare(pair)).toBe('lost-children');
    for (const side of [pair.source, pair.target]) {
      await side.update(new Device({ name: 'd1', interfaces: ['e1', 'e2'] }));
    }
    await expectToGoOn(pair);
  });

  it('lost-children: also of a parent with more children than one record of the baseline holds', async () => {
    const target = inventory('target', new LocalStore({ maxObjectBytes: 16 * 1024 }));
    const pair = await settled(inventory('source'), target);
    const devices = Array.from({ length: 900 }, (_, at) => `x${at}`);
    await pair.source.addMany(devices.map((name) => new Device({ name })));
    await pair.source.add(new Site({ name: 'wide', devices }));
    await expectToGoOn(pair);
    await pair.source.update(new Site({ name: 'wide', region: 'changed', devices }));
    const { incremental } = await pair.target.diffFrom(pair.source, { incremental: true });
    expect(incremental).toMatchObject({ candidates: 1 });
    for (const side of [pair.source, pair.target]) {
      await side.update(new Site({ name: 'wide', devices: devices.slice(1) }));
    }
    expect(await compare(pair)).toBe('lost-children');
  });

  it('counts: there is an object that no log has named', async () => {
    class Forgetful extends LocalStore {
      forgets = false;
      protected override async readChanges(model: string, cursor: string | undefined): Promise<ChangesSince> {
        const changes = await super.readChanges(model, cursor);
        return this.forgets && changes.uids !== undefined ? { ...changes, uids: [] } : changes;
      }
    }
    const store = new Forgetful();
    const pair = await settled(inventory('source'), inventory('target', store));
    store.forgets = true;
    await pair.target.add(new Site({ name: 's2' }));
    expect(await compare(pair)).toBe('counts');
    store.forgets = false;
    await expectToGoOn(pair);
  });
});
