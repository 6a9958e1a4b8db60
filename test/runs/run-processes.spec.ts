// Runs of real processes: one at a time, and what a killed one leaves to the next.
import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, DiffSyncModel, LocalStore, SyncRunner, type BaseStore } from '../../src/index.js';
import { bundle, type Bundled } from '../support/bundled.js';
import { sized } from '../support/full.js';
import { devicesOf } from '../support/run-content.mjs';
import { answerOf, sharedEngines, type SharedEngine } from '../support/shared-engines.js';

const WORKER = 'test/support/run-worker.mjs';
const PROCESSES = sized(20, 8);
const KILLS = 15;
/** The steps of a run in which its process is killed. The guards ask the filter first, and then the sync. */
const STEPS: readonly { readonly phase: string; readonly step: number }[] = [
  ...[1, 5, 10].map((step) => ({ phase: 'load-source', step })),
  ...[1, 200].map((step) => ({ phase: 'compare', step })),
  ...[1, 20, 21].map((step) => ({ phase: 'filter', step })),
  ...[1, 25, 150, 200].map((step) => ({ phase: 'apply', step })),
  ...[1, 100, 200].map((step) => ({ phase: 'verify', step })),
];

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string() }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

class System extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
  version = 0;

  override async load(): Promise<void> {
    await this.addMany(devicesOf(this.version).map((fields) => new Device(fields)));
  }
}

const { redis, sqlite } = sharedEngines;

describe.each(Object.entries({ redis, sqlite }))('runs of processes, on %s', (_, start) => {
  const workers: ChildProcess[] = [];
  let bundled: Bundled;
  let engine: SharedEngine;
  let store: BaseStore;
  let storeId: string;

  beforeAll(async () => {
    if (!existsSync('dist/index.js')) throw new Error('There is no built package: npm run build');
    bundled = await bundle(WORKER);
    engine = await start();
  });
  afterAll(async () => {
    await engine.stop();
    bundled.remove();
  });
  afterEach(async () => {
    for (const worker of workers.splice(0)) if (worker.exitCode === null) worker.kill('SIGKILL');
    await store.close();
  });

  async function begin(how: object): Promise<ChildProcess> {
    const worker = fork(bundled.path, { execArgv: [] });
    workers.push(worker);
    const { storeClass, options } = engine;
    worker.send({ storeClass, options: { ...options, storeId }, ...how });
    return worker;
  }

  it(`${PROCESSES} processes that begin a run at once: one runs, and the others say who does`, async () => {
    storeId = randomUUID();
    store = await engine.open(storeId);
    const all = await Promise.all(
      Array.from({ length: PROCESSES }, (_each, number) => begin({ task: 'start', version: 0, number })),
    );
    await Promise.all(all.map((worker) => answerOf(worker)));
    const answers = all.map((worker) => answerOf(worker));
    for (const worker of all) worker.send('go');
    const said = await Promise.all(answers);
    const winner = said.indexOf('loading');
    const others = said.filter((each) => each !== 'loading');
    expect(others).toEqual(
      Array.from({ length: PROCESSES - 1 }, () => ({ code: 'SYNC_IN_PROGRESS', by: `worker ${winner}` })),
    );
    const last = answerOf(all[winner] as ChildProcess);
    for (const worker of all) worker.send('over');
    expect(await last).toEqual({ outcome: 'succeeded' });
    expect(await store.count({ model: Device })).toBe(200);
  }, 300_000);

  it(`${KILLS} processes that are killed in the middle of a run, each in another place: the next run finds it, and converges`, async () => {
    storeId = randomUUID();
    store = await engine.open(storeId);
    const target = new System({ name: 'cmdb', store });
    const runner = new SyncRunner();
    const history = runner.history(target);
    for (const [version, where] of STEPS.entries()) {
      const worker = await begin({ task: 'die', version: version + 1, ...where });
      const [, signal] = (await once(worker, 'exit')) as [number | null, string | null];
      expect([where, signal]).toEqual([where, 'SIGKILL']);
      const killed = (await history.list({ limit: 1 })).runs[0];
      expect([where, killed?.outcome]).toEqual([where, 'running']);

      const source = new System({ name: 'network', store: new LocalStore() });
      source.version = version + 1;
      const run = await runner.run({
        source,
        target,
        load: 'source',
        verify: true,
        guards: false,
        exclusive: { waitMs: 60_000 },
      });
      expect([where, run.outcome, run.unsettled, run.previous]).toEqual([where, 'succeeded', 0, killed?.id]);
      expect((await history.get(killed?.id ?? '')).outcome).toBe('interrupted');
      const stored = await store.getAll({ model: Device });
      expect(stored.map(({ name, role }) => ({ name, role })).toSorted(byName)).toEqual(
        devicesOf(version + 1).toSorted(byName),
      );
    }
    expect(STEPS).toHaveLength(KILLS);
  }, 600_000);
});

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
