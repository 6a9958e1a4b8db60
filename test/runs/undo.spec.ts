// A run is taken back: afterwards the target is what it was before, or the run is refused before anything is changed.
import { afterEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { z } from 'zod';
import { Adapter, DiffStale, DiffSyncModel, DiffSyncModelFlags, SyncRunner, type SyncRun } from '../../src/index.js';
import { Device, fill, Interface, Inventory, Site, tree, Warnings } from '../fixtures/inventory.js';
import { sized } from '../support/full.js';
import { Platform } from '../support/platform.js';
import {
  inventoryPairs,
  keyOf,
  Network,
  pairsWithUnlisted,
  plantNetwork,
  storedState,
  TYPES,
} from '../support/shared-children.js';
import { engineStores } from '../support/stores.js';

/** A platform that has whatever it is asked for, and of which some calls fail. */
class Unreliable extends Platform {
  fails: (call: string) => boolean = () => false;
  override create(key: string): void {
    this.failFor(`create ${key}`);
  }
  override update(key: string): void {
    this.failFor(`update ${key}`);
  }
  override delete(key: string): void {
    this.failFor(`delete ${key}`);
  }
  override link(parent: string, child: string): void {
    this.failFor(`link ${parent} ${child}`);
  }
  override unlink(parent: string, child: string): void {
    this.failFor(`unlink ${parent} ${child}`);
  }
  private failFor(call: string): void {
    if (this.fails(call)) throw new Error(`no ${call} today`);
  }
}

/** Every object with its flags. */
async function flagsOf(adapter: Adapter): Promise<Map<string, number>> {
  const flags = new Map<string, number>();
  for (const type of TYPES) {
    for (const each of await adapter.getAll(type)) flags.set(keyOf(type, each.getUniqueId()), each.modelFlags);
  }
  return flags;
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const QUIET = { guards: false, load: 'none', exclusive: false } as const;
const { NONE, NATURAL_DELETION_ORDER, SKIP_CHILDREN_ON_DELETE } = DiffSyncModelFlags;

describe('undo() of a run over random inventories', () => {
  it.each([
    ['each object below any parents', inventoryPairs, 1],
    ['objects that no parent lists', pairsWithUnlisted, 1],
    ['several hooks at a time', inventoryPairs, 4],
  ] as const)('leaves the target as it was before: %s', async (_what, pairs, concurrency) => {
    let [undone, recreated, failed] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(
        pairs,
        fc.func(fc.integer({ min: 0, max: 9 })),
        fc.func(fc.constantFrom(NONE, NONE, NATURAL_DELETION_ORDER, SKIP_CHILDREN_ON_DELETE)),
        fc.boolean(),
        async (pair, chance, flagOf, reliable) => {
          const platform = new Unreliable([]);
          const logger = new Warnings();
          const source = new Network({ name: 'source', logger });
          const target = new Network({ name: 'target', logger }, platform);
          await plantNetwork(source, pair.source);
          await plantNetwork(target, pair.target);
          for (const type of TYPES) {
            for (const each of await target.getAll(type)) {
              each.modelFlags = flagOf(keyOf(type, each.getUniqueId()));
              await target.update(each);
            }
          }
          const [before, flags] = [await storedState(target), await flagsOf(target)];
          const runner = new SyncRunner();
          if (!reliable) platform.fails = (call) => chance(call) === 0;
          const run = await runner.run({ source, target, ...QUIET, continueOnFailure: true, concurrency });
          platform.fails = () => false;
          const between = await storedState(target);
          const looking = runner.undo(run.id, { target, dryRun: true, exclusive: false });
          // Of what went with its parent while hooks failed the history does not have all: such an undo may be refused.
          const mayLackChanges = !reliable && [...flags.values()].includes(SKIP_CHILDREN_ON_DELETE);
          if (mayLackChanges && (await errorOf(looking)) instanceof DiffStale) {
            expect(await errorOf(runner.undo(run.id, { target, exclusive: false }))).toBeInstanceOf(DiffStale);
            expect(await storedState(target)).toEqual(between);
            return;
          }
          const looked = await looking;
          const undo = await runner.undo(run.id, { target, exclusive: false });
          expect(undo).toMatchObject({
            kind: 'undo',
            of: run.id,
            outcome: 'succeeded',
            results: { failed: 0, leftOut: 0 },
          });
          expect(looked).toMatchObject({ kind: 'dry-run', of: run.id, changes: undo.changes });
          expect(looked.unrestored ?? []).toEqual(undo.unrestored ?? []);
          const after = await storedState(target);
          const lost = new Set((undo.unrestored ?? []).map(({ model, uid }) => keyOf(model, uid)));
          // What was below an object that is lost may be lost with it.
          const links = [...before.links].map((link) => link.split(' > '));
          for (const key of lost) for (const [parent, child = ''] of links) if (parent === key) lost.add(child);
          const kept = (links: ReadonlySet<string>): string[] =>
            [...links].filter((link) => !link.split(' > ').some((key) => lost.has(key))).toSorted();
          for (const [key, attrs] of before.objects)
            if (!lost.has(key)) expect([key, after.objects.get(key)]).toEqual([key, attrs]);
          for (const key of after.objects.keys()) expect([key, before.objects.has(key)]).toEqual([key, true]);
          expect(kept(after.links)).toEqual(kept(before.links));
          const now = await flagsOf(target);
          for (const [key, flag] of flags) if (!lost.has(key)) expect([key, now.get(key)]).toEqual([key, flag]);
          undone += undo.changes;
          recreated += (run.results?.done ?? 0) > 0 && between.objects.size < before.objects.size ? 1 : 0;
          failed += run.results?.failed ?? 0;
        },
      ),
      { numRuns: sized(100, 40) },
    );
    for (const count of [undone, recreated, failed]) expect(count).toBeGreaterThan(0);
  });
});

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

type Sites = Parameters<typeof fill>[1];
const BEFORE: Sites = { nyc: { d1: ['e0', 'e1'], d2: [] }, old: { d3: ['e3'] } };
const AFTER: Sites = { nyc: { d1: ['e0'], d2: ['e1'] }, ams: { d4: [] } };

describe.each(engineStores)('undo(), $name', ({ open, close }) => {
  async function synchronised(): Promise<{ target: Inventory; run: SyncRun; runner: SyncRunner }> {
    const [source, store] = [new Inventory({ name: 'network' }), await open()];
    opened.push(async () => close(store));
    const target = new Inventory({ name: 'cmdb', store });
    await fill(source, AFTER);
    await fill(target, BEFORE);
    await source.update(new Device({ name: 'd1', role: 'spine', interfaces: ['e0'] }));
    const runner = new SyncRunner();
    const run = await runner.run({ source, target, load: 'none', guards: false });
    expect(await tree(target)).toEqual({ sites: AFTER, orphans: [] });
    return { target, run, runner };
  }

  it('takes a run back, and then the undo', async () => {
    const { target, run, runner } = await synchronised();
    const undo = await runner.undo(run.id, { target, by: 'alice', label: 'back' });
    expect(undo).toMatchObject({ kind: 'undo', of: run.id, by: 'alice', label: 'back', outcome: 'succeeded' });
    expect(await tree(target)).toEqual({ sites: BEFORE, orphans: [] });
    expect(await target.get(Device, 'd1')).toMatchObject({ role: '' });
    const again = await runner.undo(undo.id, { target });
    expect(await tree(target)).toEqual({ sites: AFTER, orphans: [] });
    expect(await target.get(Device, 'd1')).toMatchObject({ role: 'spine' });
    const { runs } = await runner.history(target).list();
    expect(runs.map(({ id }) => id)).toEqual([again.id, undo.id, run.id]);
  });

  it('is refused where an object has changed since, and nothing is touched', async () => {
    const { target, run, runner } = await synchronised();
    await target.update(new Device({ name: 'd1', role: 'by hand', interfaces: ['e0'] }));
    const added = new Interface({ name: 'e9' });
    await target.add(added);
    (await target.get(Device, 'd4')).addChild(added);
    await target.add(new Site({ name: 'old' }));
    const before = await target.toDict();
    for (const dryRun of [false, true]) {
      const error = await errorOf(runner.undo(run.id, { target, dryRun }));
      expect(error).toBeInstanceOf(DiffStale);
      expect(error).toMatchObject({ code: 'DIFF_STALE', run: { outcome: 'refused' } });
      const { message, stale = [] } = error as DiffStale;
      expect(message).toMatch(/^The run \S+ cannot be undone: cmdb has changed since, at /);
      expect(stale.map(({ action, model, uid, reason }) => `${action} ${model} ${uid}: ${reason}`).toSorted()).toEqual([
        'create site old: there is one again',
        'delete device d4: it has the interface e9 below it',
        'update device d1: its role is another',
      ]);
    }
    expect(await target.toDict()).toEqual(before);
  });
});

describe('what is not undone', () => {
  it('a dry run, an unknown run, and the plan of an undo that is applied', async () => {
    const [source, target] = [new Inventory({ name: 'network' }), new Inventory({ name: 'cmdb' })];
    await fill(source, { nyc: {} });
    const runner = new SyncRunner();
    const dry = await runner.run({ source, target, load: 'none', dryRun: true });
    await expect(runner.undo(dry.id, { target })).rejects.toThrow('a dry run changes nothing');
    await expect(runner.undo('nothing', { target })).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    const run = await runner.run({ source, target, load: 'none' });
    const looked = await runner.undo(run.id, { target, dryRun: true });
    expect(await target.count(Site)).toBe(1);
    await expect(runner.apply(looked.id, { source, target, load: 'none' })).rejects.toThrow('call undo');
    const wrong = { target, source } as unknown as { target: Adapter };
    await expect(runner.undo(run.id, wrong)).rejects.toThrow('SyncRunner.undo has no option "source"');
  });

  it('secret values, which the run names', async () => {
    class Account extends DiffSyncModel.define({
      name: 'account',
      schema: z.object({
        name: z.string(),
        password: z.string().default(''),
        role: z.string(),
        note: z.string().default(''),
      }),
      identifiers: ['name'],
      attributes: ['role', 'password'],
      secret: ['password'],
    }) {}
    class Accounts extends Adapter {
      static override readonly models = [Account];
      static override readonly topLevel = ['account'];
    }
    const [source, target] = [new Accounts({ name: 'network' }), new Accounts({ name: 'cmdb' })];
    await source.addMany([
      new Account({ name: 'changed', password: 'p2', role: 'b' }),
      new Account({ name: 'rotated', password: 'p4', role: 'a' }),
    ]);
    await target.addMany([
      new Account({ name: 'changed', password: 'p1', role: 'a' }),
      new Account({ name: 'rotated', password: 'p3', role: 'a' }),
      new Account({ name: 'gone', password: 'p5', role: 'a', note: 'kept' }),
    ]);
    const runner = new SyncRunner();
    const run = await runner.run({ source, target, load: 'none', guards: false });
    const undo = await runner.undo(run.id, { target });
    expect(undo.unrestored?.map(({ uid, reason }) => `${uid}: ${reason}`)).toEqual([
      'changed: the history has no secret values, and so not the former password',
      'rotated: the history has no secret values, and so not the former password',
      'gone: the history has no secret values, and so not its password',
    ]);
    const found = await target.getAll(Account);
    expect(found.map(({ name, role, password, note }) => [name, role, password, note])).toEqual([
      ['changed', 'a', 'p2', ''],
      ['rotated', 'a', 'p4', ''],
      ['gone', 'a', '', 'kept'],
    ]);
    expect(await runner.history(target).get(undo.id)).toEqual(undo);
  });
});
