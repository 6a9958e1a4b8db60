// What ends runs, and what is left of them: failures, signals, closed stores, killed processes.
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { LocalStore, SyncAborted, SyncInProgress, SyncRunner, type RunPhase, type SyncRun } from '../../src/index.js';
import { runsStoreOf } from '../../src/store/beside-store.js';
import { Device, fill, Hooks, Inventory, Site, watched } from '../fixtures/inventory.js';

class System extends Inventory {
  sites: Parameters<typeof fill>[1] = { nyc: { d1: ['e0'], d2: [] } };
  during: () => Promise<void> = async () => undefined;

  override async load(): Promise<void> {
    await fill(this, this.sites);
    this.progress(1, 2);
    await this.during();
    this.progress(2, 2);
  }
}

async function failed(work: Promise<SyncRun>): Promise<{ error: Error; run: SyncRun }> {
  const error = await work.then(
    () => Promise.reject(new Error('the run has not failed')),
    (thrown: Error & { run?: SyncRun }) => thrown,
  );
  return { error, run: (error as { run?: SyncRun }).run as SyncRun };
}

const sides = (): { source: System; target: System } => ({
  source: new System({ name: 'network' }),
  target: new System({ name: 'cmdb' }),
});

describe('a run', () => {
  it('tells its progress in all phases, that of the loads too', async () => {
    const { source, target } = sides();
    target.sites = {};
    const seen: [RunPhase, number, number | undefined][] = [];
    await new SyncRunner().run({ source, target, verify: true, onProgress: (...each) => seen.push(each) });
    expect(seen.filter(([phase]) => phase.startsWith('load'))).toEqual([
      ['load-target', 1, 2],
      ['load-target', 2, 2],
      ['load-source', 1, 2],
      ['load-source', 2, 2],
    ]);
    expect([...new Set(seen.map(([phase]) => phase))].slice(2)).toEqual(['compare', 'apply', 'verify']);
    expect(seen.filter(([phase]) => phase === 'apply').at(-1)).toEqual(['apply', 4, 4]);
  });

  it('is known to its caller once it has its target, and a run that does not get it is not', async () => {
    const { source, target } = sides();
    const runner = new SyncRunner();
    const begun: SyncRun[] = [];
    const onBegin = (run: SyncRun): void => void begun.push(run);
    let second: Promise<unknown> | undefined;
    source.during = async () => {
      second ??= runner.run({ source: new System(), target, onBegin }).catch((error: unknown) => error);
      await second;
    };
    const run = await runner.run({ source, target, by: 'alice', onBegin });
    expect(await second).toBeInstanceOf(SyncInProgress);
    const { id, startedAt } = run;
    expect(begun).toMatchObject([{ id, startedAt, outcome: 'running', by: 'alice', exclusive: 'lease' }]);
  });

  it('does all its work where the callback of the progress throws, and is rejected with that', async () => {
    const { source, target } = sides();
    target.sites = {};
    const onProgress = (): void => {
      throw new Error('the bar is broken');
    };
    const runner = new SyncRunner();
    await expect(runner.run({ source, target, onProgress })).rejects.toThrow('the bar is broken');
    expect(await target.count()).toBe(4);
    expect((await runner.history(target).list()).runs[0]?.outcome).toBe('succeeded');
  });

  it('ends the load of one side when the other one fails, with the first failure', async () => {
    const { source, target } = sides();
    let ended: unknown;
    let loading = (): void => undefined;
    const begun = new Promise<void>((resolve) => (loading = resolve));
    target.during = async () => {
      loading();
      await once(target.loadSignal, 'abort');
      ended = target.loadSignal.reason;
      await target.add(new Site({ name: 'late' })); // Throws: nothing more is stored.
    };
    source.during = async () => {
      await begun;
      throw new Error('502');
    };
    const { error, run } = await failed(new SyncRunner().run({ source, target }));
    expect([error.message, run.outcome, run.error]).toEqual(['502', 'failed', { name: 'Error', message: '502' }]);
    expect(ended).toBe(error);
    await new Promise(setImmediate);
    expect(await target.getOrNone(Site, 'late')).toBeNull();
    expect(target.loadSignal.aborted).toBe(false);
  });

  it('ends with its signal, in a load that does not look at it and in a hook', async () => {
    const { source, target } = sides();
    const controller = new AbortController();
    target.during = () => {
      controller.abort(new Error('SIGTERM'));
      return new Promise(() => undefined);
    };
    const { error, run } = await failed(new SyncRunner().run({ source, target, signal: controller.signal }));
    expect(error).toBeInstanceOf(SyncAborted);
    expect([run.outcome, run.error?.code]).toEqual(['aborted', 'SYNC_ABORTED']);

    const hooks = new Hooks();
    const cmdb = watched(hooks);
    const later = new AbortController();
    const second = await failed(
      new SyncRunner().run({
        source: new System({ name: 'network' }),
        target: cmdb,
        signal: later.signal,
        syncFilter: (_, model) => {
          if (model === 'device') later.abort();
          return true;
        },
      }),
    );
    expect([second.run.outcome, second.run.results?.done]).toEqual(['aborted', hooks.calls.length]);
    const history = new SyncRunner().history(cmdb);
    const results: string[] = [];
    for await (const { model, uid, result } of history.changes(second.run.id))
      results.push(`${model} ${uid} ${result}`);
    expect(results[0]).toBe('site nyc done');
    expect(results.at(-1)).toBe('device d2 planned');
  });

  it('has failures of hooks by object, and goes on where it is asked to', async () => {
    const hooks = new Hooks();
    hooks.failures.set('create device d1', new Error('quota exceeded'));
    const target = watched(hooks);
    const runner = new SyncRunner();
    const run = await runner.run({ source: new System({ name: 'network' }), target, continueOnFailure: true });
    expect(run.results).toEqual({ done: 2, failed: 1, stale: 0, leftOut: 1 });
    const changes = [];
    for await (const change of runner.history(target).changes(run.id, { results: ['failed', 'left-out'] }))
      changes.push(change);
    expect(changes.map(({ uid, result }) => [uid, result])).toEqual([
      ['d1', 'failed'],
      ['e0', 'left-out'],
    ]);
    expect(changes[0]?.message).toContain('quota exceeded');
  });

  it('is refused while another run of the target is under way, or waits for it', async () => {
    const { source, target } = sides();
    const runner = new SyncRunner();
    let release = (): void => undefined;
    target.during = () => new Promise((resolve) => (release = resolve));
    let loading = (): void => undefined;
    const begun = new Promise<void>((resolve) => (loading = resolve));
    const first = runner.run({ source, target, by: 'first', onProgress: () => loading() });
    await begun;
    const other = new System({ name: 'other' });
    await expect(runner.run({ source: other, target, load: 'none' })).rejects.toThrow(SyncInProgress);
    const waiting = runner.run({ source: other, target, load: 'none', exclusive: { waitMs: 60_000 }, guards: false });
    release();
    expect((await first).outcome).toBe('succeeded');
    const second = await waiting;
    expect(second.outcome).toBe('succeeded');
    expect((await runner.history(target).list()).runs.map(({ id }) => id)).toEqual([second.id, (await first).id]);
  });

  it('ends when the store of its target is closed, once it is recorded', async () => {
    const store = new LocalStore({ storeId: 'cmdb' });
    const target = new System({ name: 'cmdb', store });
    let closing: Promise<void> | undefined;
    target.during = async () => {
      closing = store.close();
      await once(target.loadSignal, 'abort');
    };
    const { error } = await failed(new SyncRunner().run({ source: new System({ name: 'network' }), target }));
    expect(error).toMatchObject({ code: 'STORE_CLOSED' });
    await closing;
    expect(store.isOpen).toBe(false);
  });

  it('names attributes that differ again after each of three runs, and shows both values', async () => {
    const { source, target } = sides();
    source.sites = { nyc: { d1: [] } };
    const runner = new SyncRunner();
    await runner.run({ source, target, load: 'source' });
    await source.update(new Device({ name: 'd1', role: 'Leaf' }));
    const flapping: number[] = [];
    for (let at = 0; at < 4; at++) {
      const run = await runner.run({ source, target, load: 'none' });
      flapping.push(run.flapping.length);
      if (at === 3) {
        expect(run.flapping).toEqual([
          {
            model: 'device',
            uid: 'd1',
            attribute: 'role',
            runs: 3,
            old: 'leaf',
            new: 'Leaf',
            hint: expect.stringContaining('compare: { role: (a, b) => … }') as unknown,
          },
        ]);
        expect((await runner.history(target).get(run.id)).flapping).toEqual(run.flapping);
      }
      await target.update(new Device({ name: 'd1', role: 'leaf' }));
    }
    expect(flapping).toEqual([0, 0, 0, 1]);
    await source.update(new Device({ name: 'd1', role: 'leaf' }));
    expect((await runner.run({ source, target, load: 'none' })).flapping).toEqual([]);
  });

  it('is not recorded without history, and then keeps no plan', async () => {
    const { source, target } = sides();
    const runner = new SyncRunner();
    expect((await runner.run({ source, target, history: false })).outcome).toBe('succeeded');
    expect((await runner.history(target).list()).runs).toEqual([]);
    const looked = await runner.run({ source, target, history: false, dryRun: true });
    expect((await runner.history(target).list()).runs).toEqual([]);
    await expect(runner.history(target).get(looked.id)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    await expect(runner.apply(looked.id, { source, target })).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });

  it('refuses a plan that is stale, and names what has changed, or makes the other changes', async () => {
    const { source, target } = sides();
    source.sites = { nyc: {}, ams: {} };
    target.sites = {};
    const runner = new SyncRunner();
    const plan = await runner.run({ source, target, dryRun: true });
    await target.add(new Site({ name: 'nyc', region: 'by hand' }));
    const { error, run } = await failed(runner.apply(plan.id, { source, target, load: 'none' }));
    expect(error).toMatchObject({ code: 'DIFF_STALE' });
    expect(error.message).toContain('site nyc');
    expect(run.outcome).toBe('refused');
    const applied = await runner.apply(plan.id, { source, target, load: 'none', onStale: 'skip' });
    expect(applied).toMatchObject({ outcome: 'succeeded', results: { done: 1, stale: 1, failed: 0, leftOut: 0 } });
    expect((await target.getAll(Site)).map(({ name, region }) => [name, region])).toEqual([
      ['nyc', 'by hand'],
      ['ams', ''],
    ]);
    const [change] = await runner.history(target).ofObject('site', 'nyc');
    expect([change?.result, change?.message]).toEqual(['stale', expect.stringMatching(/^Stale: /)]);
  });

  it('keeps as many runs as are wanted', async () => {
    const { source, target } = sides();
    const runner = new SyncRunner({ retention: { runs: 3 } });
    const ids: string[] = [];
    for (let at = 0; at < 6; at++) ids.push((await runner.run({ source, target })).id);
    const history = runner.history(target);
    expect((await history.list()).runs.map(({ id }) => id)).toEqual(ids.slice(-3).toReversed());
    expect(await history.prune({ runs: 1 })).toBe(2);
    expect((await history.list()).runs.map(({ id }) => id)).toEqual(ids.slice(-1));
    await expect(history.get(ids[0] as string)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    expect((await runner.run({ source, target })).previous).toBe(ids.at(-1));
  });

  it('keeps as many runs in parts as are wanted, each with all its parts', async () => {
    const { source, target } = sides();
    const runner = new SyncRunner({ retention: { runs: 2 } });
    const parts = 12;
    const ids: string[] = [];
    const history = runner.history(target);
    const recorded = async (): Promise<number> => (await runsStoreOf(target.store)).count({ model: 'run_entry' });
    const counts: number[] = [];
    for (let at = 0; at < 6; at++) {
      ids.push((await runner.run({ source, target, parts, guards: false })).id);
      expect((await history.list()).runs.map(({ id }) => id)).toEqual(ids.slice(-2).toReversed());
      counts.push(await recorded());
    }
    expect(counts).toEqual([13, 26, 26, 26, 26, 26]);
    expect((await history.get(ids.at(-1) as string)).parts).toHaveLength(parts);
    expect(await history.prune({ runs: 1 })).toBe(1);
    expect(await recorded()).toBe(13);
  });
});

describe('stop()', () => {
  it('ends the runs of a runner as aborted, resolves when they are recorded, and refuses later ones', async () => {
    const hooks = new Hooks();
    const target = watched(hooks);
    const runner = new SyncRunner();
    const source = new System({ name: 'network' });
    let stopping: Promise<void> | undefined;
    const { error, run } = await failed(
      runner.run({
        source,
        target,
        syncFilter: (_, model) => {
          if (model === 'device') stopping ??= runner.stop(new Error('enough'));
          return true;
        },
      }),
    );
    expect(error).toBeInstanceOf(SyncAborted);
    expect(error.cause).toMatchObject({ message: 'enough' });
    await stopping;
    const history = new SyncRunner().history(target);
    expect(await history.get(run.id)).toMatchObject({ outcome: 'aborted', results: { done: hooks.calls.length } });
    await expect(runner.run({ source, target })).rejects.toMatchObject({ code: 'SYNC_ABORTED' });
    expect((await history.list()).runs).toHaveLength(1);
    expect(await target.store.leaseHolder()).toBeUndefined();
  });

  it('of a run whose signal is aborted by the caller as well changes nothing', async () => {
    const { source, target } = sides();
    const controller = new AbortController();
    target.during = async () => controller.abort(new Error('the caller'));
    const runner = new SyncRunner();
    const { error } = await failed(runner.run({ source, target, signal: controller.signal }));
    expect(error.cause).toMatchObject({ message: 'the caller' });
    await runner.stop();
  });
});
