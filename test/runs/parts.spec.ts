// Runs in parts: the guards look at the whole, the parts do the work, and what only the whole can tell is settled after them.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  SyncRunner,
  type RunPart,
  type RunPartResult,
  type SyncRun,
  type SyncRunOptions,
} from '../../src/index.js';
import { tree } from '../fixtures/inventory.js';
import { all, shown, systemsOn, type Sites, System } from '../support/run-systems.js';
import { engineStores, loggedStores } from '../support/stores.js';

const NAMES = Array.from({ length: 12 }, (_, at) => `s${at}`);
const BEFORE: Sites = Object.fromEntries(NAMES.map((name) => [name, { [`d-${name}`]: [`e-${name}`] }]));
/** Two sites are new, one has lost its device, and another device stands at another site. */
const AFTER: Sites = {
  ...BEFORE,
  s3: {},
  s5: {},
  s6: { 'd-s6': ['e-s6'], 'd-s5': ['e-s5'] },
  new0: { 'd-new0': ['e0', 'e1'] },
  new1: { 'd-new1': [] },
};

describe.each(loggedStores)('a run in parts, $name', ({ open, close }) => {
  const system = systemsOn({ open, close });

  async function both(): Promise<{ source: System; target: System }> {
    return { source: await system('network', AFTER), target: await system('cmdb', BEFORE) };
  }

  it('leaves what a run as one leaves, and its history says the same', async () => {
    const runner = new SyncRunner();
    const [one, parted] = [await both(), await both()];
    const whole = await runner.run({ ...one });
    const run = await runner.run({ ...parted, parts: 4, label: 'nightly', by: 'alice' });

    expect(await tree(parted.target)).toEqual(await tree(one.target));
    expect(run).toMatchObject({ kind: 'sync', outcome: 'succeeded', label: 'nightly', by: 'alice', guards: [] });
    expect(run.counts).toEqual(whole.counts);
    expect(run.models).toEqual(whole.models);
    expect(run.results).toEqual(whole.results);
    expect(run.changes).toBe(whole.changes);
    expect(run.parts?.map(({ index, outcome }) => `${index} ${outcome}`)).toEqual(
      [0, 1, 2, 3].map((index) => `${index} succeeded`),
    );

    const history = runner.history(parted.target);
    const changes = await all(history.changes(run.id));
    const expected = await all(runner.history(one.target).changes(whole.id));
    expect(changes.map(shown).toSorted()).toEqual(expected.map(shown).toSorted());
    expect(changes.map(({ index }) => index)).toEqual(changes.map((_, at) => at));
    for (const from of [1, 5, changes.length - 1, changes.length]) {
      expect(await all(history.changes(run.id, { from }))).toEqual(changes.slice(from));
    }
    expect(new Set(changes.map((change) => change.run))).toEqual(new Set([run.id]));
    // The parts are no runs of their own to a reader of the list.
    expect((await history.list()).runs.map(({ id }) => id)).toEqual([run.id]);
    for (const change of changes) {
      expect(await history.ofObject(change.model, change.uid)).toContainEqual(change);
    }
  });

  it('can be undone as one', async () => {
    const runner = new SyncRunner();
    const { source, target } = await both();
    await target.load();
    const before = await tree(target);
    const run = await runner.run({ source, target, parts: 3, load: 'source' });
    expect(await tree(target)).not.toEqual(before);
    await runner.undo(run.id, { target });
    expect(await tree(target)).toEqual(before);
  });

  it('is refused by a guard before any part has changed anything', async () => {
    const runner = new SyncRunner();
    const { target } = await both();
    const source = await system('network', { s0: BEFORE['s0'] ?? {} });
    await target.load();
    const before = await tree(target);
    const refused = runner.run({ source, target, parts: 4, load: 'source' });
    await expect(refused).rejects.toMatchObject({
      code: 'SYNC_TOO_MANY_DELETES',
      run: { outcome: 'refused', guards: [{ at: 'sync', count: 33, of: 36 }] },
    });
    expect(await tree(target)).toEqual(before);

    const kept = await runner.run({
      source,
      target,
      parts: 4,
      load: 'none',
      guards: { onExceeded: 'skip-deletes' },
    });
    expect(kept.outcome).toBe('succeeded');
    expect(kept.results).toMatchObject({ done: 0 });
    expect(await tree(target)).toEqual(before);
  });

  it('compares no part beforehand where the target is as good as empty, unless the source was known to have more', async () => {
    const runner = new SyncRunner();
    let source = await system('network', AFTER);
    const target = await system('cmdb', { s0: {} });
    await target.load();
    const steps: string[] = [];
    const perform = async (part: RunPart): Promise<RunPartResult> => {
      steps.push(part.step);
      return runner.performPart(part, { source, target });
    };
    const run = (): Promise<SyncRun> => runner.run({ source, target, parts: { of: 2, perform }, load: 'source' });
    await run();
    expect(steps.splice(0)).toEqual(['sync', 'sync']);
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);

    // The target has more objects than `minObjects` now, and is equal.
    await run();
    expect(steps.splice(0)).toEqual(['compare', 'compare']);

    // It was emptied, and the source has lost most of what its last good run had.
    await target.store.clear();
    source = await system('network', { s0: {} });
    await expect(run()).rejects.toMatchObject({ code: 'SYNC_BASELINE_DROP' });
    expect(steps.splice(0)).toEqual(['compare', 'compare']);
  });

  it('applies in each part the objects alone that were found to differ, and no part without any', async () => {
    const runner = new SyncRunner();
    const { source, target } = await both();
    await target.load();
    const performed: RunPart[] = [];
    const perform = async (part: RunPart): Promise<RunPartResult> => {
      performed.push(part);
      return runner.performPart(JSON.parse(JSON.stringify(part)) as RunPart, { source, target });
    };
    const run = (): Promise<SyncRun> => runner.run({ source, target, parts: { of: 4, perform }, load: 'source' });
    const first = await run();
    const applied = performed.splice(0).filter(({ step }) => step === 'sync');
    // s5 loses what has moved to s6, in another part or in the same.
    expect(
      applied
        .flatMap(({ found }) => found?.changed?.['site'] ?? [])
        .filter((uid) => !/^s[56]$/.test(uid))
        .toSorted(),
    ).toEqual(['new0', 'new1', 's3']);
    expect(first.parts?.map(({ index, outcome }) => [index, outcome])).toEqual(
      [0, 1, 2, 3].map((index) => [index, 'succeeded']),
    );
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);

    const second = await run();
    expect(performed.map(({ step }) => step)).toEqual(['compare', 'compare', 'compare', 'compare']);
    expect(second.parts).toEqual([0, 1, 2, 3].map((index) => ({ index, runs: [], outcome: 'succeeded', changes: 0 })));
    expect(second).toMatchObject({ outcome: 'succeeded', changes: 0, counts: { create: 0, update: 0, delete: 0 } });
  });

  it('that another process goes on with counts what was done before', async () => {
    const runner = new SyncRunner();
    const [one, target] = [await system('cmdb', {}), await system('cmdb', {})];
    const source = await system('network', AFTER);
    const whole = await runner.run({ source, target: one });
    // As a queue does: a part that has ended is not performed again.
    const ended = new Map<string, RunPartResult>();
    let isKilled = true;
    const perform = async (part: RunPart): Promise<RunPartResult> => {
      const key = `${part.step} ${part.index}`;
      if (isKilled && key === 'sync 2') throw new Error('killed');
      const result = ended.get(key) ?? (await runner.performPart(part, { source, target }));
      ended.set(key, result);
      return result;
    };
    const run = (): Promise<SyncRun> =>
      runner.run({ source, target, parts: { of: 3, perform }, load: 'none', id: 'run-1' });
    await expect(run()).rejects.toMatchObject({ code: 'RUN_PART_FAILED' });
    isKilled = false;
    const again = await run();
    expect([...ended.keys()].filter((key) => key.startsWith('compare'))).toHaveLength(3);
    expect(again.counts?.create).toBe(whole.counts?.create);
    expect(again).toMatchObject({ changes: whole.changes, results: whole.results, models: whole.models });
    expect(await tree(target)).toEqual(await tree(one));
  });

  it('deletes no more than maxDeletes and maxDeletePercent, with all parts and what is settled after them', async () => {
    const runner = new SyncRunner();
    const { source, target } = await both();
    await target.load();
    const before = await tree(target);
    const limits = (options: Partial<SyncRunOptions>): Promise<SyncRun> =>
      runner.run({ source, target, parts: 4, load: 'source', guards: false, ...options });
    const whole = await runner.run({ source, target, dryRun: true, load: 'source' });
    const gone = whole.models?.['device']?.delete ?? 0;
    expect(gone).toBe(1);
    for (const options of [{ maxDeletes: 1 }, { maxDeletePercent: 5 }]) {
      await expect(limits(options)).rejects.toMatchObject({
        code: 'SYNC_TOO_MANY_DELETES',
        message: expect.stringContaining('nothing was touched'),
        run: { outcome: 'refused' },
      });
      expect(await tree(target)).toEqual(before);
    }
    // A device and its interface.
    await limits({ maxDeletes: 2 });
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
  });

  it('keeps what the other parts have done where one fails, and says which one failed', async () => {
    const runner = new SyncRunner();
    const { source, target } = await both();
    const performed: RunPart[] = [];
    const perform = async (part: RunPart): Promise<RunPartResult> => {
      performed.push(part);
      if (part.step === 'sync' && part.index === 2) throw new Error('the worker is gone');
      return runner.performPart(JSON.parse(JSON.stringify(part)) as RunPart, { source, target });
    };
    const failed = runner.run({ source, target, parts: { of: 3, perform }, id: 'run-1' });
    await expect(failed).rejects.toMatchObject({
      code: 'RUN_PART_FAILED',
      message: expect.stringContaining('Part 3 of 3'),
      run: { id: 'run-1', outcome: 'failed' },
    });
    const { parts = [] } = await runner.history(target).get('run-1');
    expect(parts.map(({ outcome, error }) => [outcome, error?.message])).toEqual([
      ['succeeded', undefined],
      ['succeeded', undefined],
      ['failed', 'the worker is gone'],
    ]);
    expect(parts[0]?.changes).toBe(2);
    expect(performed.map(({ step }) => step).filter((step) => step === 'compare')).toHaveLength(3);

    // It is begun again under its id, and ends.
    const again = await runner.run({ source, target, parts: 3, id: 'run-1', load: 'none' });
    expect(again).toMatchObject({ id: 'run-1', outcome: 'succeeded' });
    expect((await runner.history(target).list()).runs.map(({ id }) => id)).toEqual(['run-1']);
    const diff = await target.diffFrom(source);
    expect(diff.hasDiffs()).toBe(false);
  });
});

describe.each(engineStores)('a run in parts of objects without any below them, $name', ({ open, close }) => {
  class Device extends DiffSyncModel.define({
    name: 'device',
    schema: z.object({ name: z.string(), role: z.string() }),
    identifiers: ['name'],
    attributes: ['role'],
  }) {}
  class Devices extends Adapter.define({ models: [Device], topLevel: ['device'] }) {}

  it('compares the whole afterwards only where the next comparison goes on from that, or to verify it', async () => {
    const runner = new SyncRunner();
    const source = new Devices({ name: 'network' });
    const stores = [await open(), await open()];
    const [one, parted] = stores.map((store) => new Devices({ name: 'cmdb', store })) as [Devices, Devices];
    const devices = (from: number, to: number, role: string): Device[] =>
      Array.from({ length: to - from }, (_, at) => new Device({ name: `d${from + at}`, role }));
    await source.addMany([...devices(0, 40, 'leaf'), ...devices(40, 60, 'spine')]);
    for (const target of [one, parted]) await target.addMany(devices(5, 70, 'leaf'));
    const whole = await runner.run({ source, target: one, load: 'none' });
    const keepsLog = (await parted.store.changesSince({ model: Device })).cursor !== undefined;
    const phasesOf = ({ phases }: SyncRun): string[] => phases.map(({ phase }) => phase).slice(2);
    const settling = ['compare', 'guard', 'record', 'apply'];

    const run = await runner.run({ source, target: parted, parts: 3, load: 'none' });
    expect(phasesOf(run)).toEqual(['parts', ...(keepsLog ? settling : [])]);
    const { counts, models, results, changes } = whole;
    expect({ ...run.counts, 'no-change': 0 }).toEqual({ ...counts, 'no-change': 0 });
    expect(run).toMatchObject({ results, changes, outcome: 'succeeded' });
    if (!keepsLog) expect(run).toMatchObject({ counts, models });
    expect((await parted.diffFrom(source)).hasDiffs()).toBe(false);

    for (const device of devices(0, 2, 'leaf')) await source.remove(device);
    const again = await runner.run({ source, target: parted, parts: 3, load: 'none', incremental: false });
    expect(phasesOf(again)).toEqual(['parts']);
    expect(again).toMatchObject({ changes: 2, counts: { delete: 2, 'no-change': 58 }, results: { done: 2 } });
    const verified = await runner.run({ source, target: parted, parts: 3, load: 'none', verify: true });
    expect(phasesOf(verified)).toEqual(['parts', ...settling, 'verify']);
    for (const store of stores) await close(store);
  });
});

describe('the parts of a run', () => {
  it.each([0, -1, 1.5, 5000, '4', { of: 0 }])('are a number: %p is refused', async (parts) => {
    const runner = new SyncRunner();
    const [source, target] = [new System({ name: 'a' }), new System({ name: 'b' })];
    await expect(runner.run({ source, target, parts: parts as number })).rejects.toMatchObject({ code: 'VALUE_ERROR' });
  });

  it('need the functions of the run again', async () => {
    const runner = new SyncRunner();
    const [source, target] = [new System({ name: 'a' }), new System({ name: 'b' })];
    const perform = (part: RunPart): Promise<RunPartResult> => runner.performPart(part, { source, target });
    const run = runner.run({ source, target, parts: { of: 2, perform }, syncFilter: () => true });
    await expect(run).rejects.toMatchObject({
      code: 'RUN_PART_FAILED',
      message: expect.stringContaining('syncFilter'),
      cause: { code: 'VALUE_ERROR' },
    });
  });

  it.each(['', 'a.b', 'a/b', 'x'.repeat(200), 7])('belong to a run of a plain id: %p is refused', async (id) => {
    const runner = new SyncRunner();
    const [source, target] = [new System({ name: 'a' }), new System({ name: 'b' })];
    await expect(runner.run({ source, target, id: id as string })).rejects.toMatchObject({ code: 'VALUE_ERROR' });
  });

  it('are not begun again where the run has succeeded: its record stays', async () => {
    const runner = new SyncRunner();
    const [source, target] = [new System({ name: 'a' }), new System({ name: 'b' })];
    source.sites = { s0: {} };
    const run = await runner.run({ source, target, id: 'once', parts: 2 });
    await expect(runner.run({ source, target, id: 'once' })).rejects.toMatchObject({
      code: 'VALUE_ERROR',
      message: expect.stringContaining('once'),
    });
    expect(await runner.history(target).get('once')).toEqual(run);
  });

  it('are guarded by model whatever the name of the model', async () => {
    class Constructor extends DiffSyncModel.define({
      name: 'constructor',
      schema: z.object({ name: z.string(), text: z.string().default('') }),
      identifiers: ['name'],
      attributes: ['text'],
    }) {}
    class Named extends Adapter.define({ models: [Constructor], topLevel: ['constructor'] }) {}
    const filled = async (name: string, count: number, text: string): Promise<Named> => {
      const adapter = new Named({ name });
      await adapter.addMany(Array.from({ length: count }, (_, at) => new Constructor({ name: `c${at}`, text })));
      return adapter;
    };
    const few = await filled('few', 1, 'a');
    const others = await filled('others', 30, 'b');
    const target = await filled('target', 30, 'a');
    const runner = new SyncRunner();
    for (const parts of [undefined, 3]) {
      await expect(runner.run({ source: few, target, load: 'none', parts })).rejects.toMatchObject({
        code: 'SYNC_TOO_MANY_DELETES',
        run: { guards: [{ model: 'constructor', count: 29, of: 30 }] },
      });
      const guards = { maxUpdatePercent: 10 };
      await expect(runner.run({ source: others, target, load: 'none', parts, guards })).rejects.toMatchObject({
        code: 'SYNC_TOO_MANY_UPDATES',
        run: {
          guards: expect.arrayContaining([expect.objectContaining({ model: 'constructor', count: 30, of: 30 })]),
        },
      });
    }
  });

  it('end with their signal while a side is loaded for them', async () => {
    class Slow extends System {
      override load(): Promise<void> {
        return new Promise(() => undefined);
      }
    }
    const [source, target] = [new Slow({ name: 'a' }), new System({ name: 'b' })];
    const ended = new AbortController();
    const part: RunPart = {
      run: 'elsewhere',
      source: 'a',
      target: 'b',
      step: 'compare',
      index: 0,
      of: 2,
      options: {},
      functions: [],
      withoutDeletes: [],
      load: 'both',
      history: false,
    };
    const performed = new SyncRunner().performPart(part, { source, target, signal: ended.signal });
    ended.abort(new Error('enough'));
    await expect(performed).rejects.toMatchObject({ code: 'SYNC_ABORTED' });
  });
});
