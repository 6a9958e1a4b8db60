// Leases between real processes: what is frozen or killed is followed, and changes nothing when it wakes.
import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { BaseStore, LeaseHolder } from '../../src/index.js';
import { Device, Site } from '../../src/testing/contract/models.js';
import { sized } from '../support/full.js';
import { waitFor } from '../support/redis-client.js';
import { ask, sharedEngines, type SharedEngine } from '../support/shared-engines.js';

const PROCESSES = sized(20, 8);
const WORKER = fileURLToPath(new URL('../support/lease-worker.mjs', import.meta.url));
/** Of a lease that is to be lost; and longer than any wait. */
const [TTL_MS, LONG_MS] = [1500, 180_000];

describe.each(Object.entries(sharedEngines))('processes and the lease of a store: %s', (_, start) => {
  const workers: ChildProcess[] = [];
  let engine: SharedEngine;
  let store: BaseStore;
  let storeId: string;

  beforeAll(async () => {
    if (!existsSync('dist/index.js')) throw new Error('There is no built package: npm run build');
    engine = await start();
  });
  afterAll(() => engine.stop());
  afterEach(async () => {
    for (const worker of workers.splice(0)) if (worker.exitCode === null) worker.kill('SIGKILL');
    await store.clear();
    await store.close();
  });

  async function begin(): Promise<void> {
    storeId = randomUUID();
    store = await engine.open(storeId);
  }

  function worker(): ChildProcess {
    const forked = fork(WORKER, { execArgv: [] });
    workers.push(forked);
    return forked;
  }

  function told(how: object): object {
    const { door, storeClass, options } = engine;
    return { door, storeClass, options: { ...options, storeId }, ...how };
  }

  const names = async (): Promise<string[]> => (await store.getAll({ model: Device })).map(({ name }) => name);

  it(
    `${PROCESSES} that ask at once: one gets it, and the others are told who`,
    async () => {
      await begin();
      const asking = Array.from({ length: PROCESSES }, worker);
      await Promise.all(asking.map((each, at) => ask(each, told({ task: 'ask', number: at }))));
      const answers = await Promise.all(asking.map((each) => ask<Answer>(each, 'go')));
      const granted = answers.flatMap((answer) => answer.granted ?? []);
      const refused = answers.filter((answer) => answer.granted === undefined);
      expect(granted).toHaveLength(1);
      expect(granted[0]?.runId).toMatch(/^run-\d+$/);
      expect(refused).toEqual(
        Array.from({ length: PROCESSES - 1 }, () => ({ code: 'SYNC_IN_PROGRESS', holder: granted[0] })),
      );
      expect(await store.leaseHolder()).toEqual(granted[0]);
      const ended = asking.map((each) => once(each, 'exit'));
      for (const each of asking) each.send('over');
      await Promise.all(ended);
      expect(await store.leaseHolder()).toBeUndefined();
    },
    LONG_MS,
  );

  it(
    'one that is frozen in the middle of its writes is followed, and writes no more when it wakes',
    async () => {
      await begin();
      const frozen = worker();
      expect(await ask(frozen, told({ task: 'write', runId: 'frozen', ttlMs: TTL_MS }))).toBe('writing');
      await freeze(frozen, engine);
      const lease = await store.acquireLease({ holder: { runId: 'next' }, waitMs: LONG_MS });
      await lease.run(async () => {
        await store.add({ obj: new Device({ name: 'of next' }) });
        await store.add({ obj: new Site({ name: 'of next' }) });
      });
      const before = await names();
      const answer = once(frozen, 'message');
      frozen.kill('SIGCONT');
      const lost = Array.from({ length: 4 }, () => 'LEASE_LOST');
      expect((await answer)[0]).toEqual({ failures: lost, late: 'LEASE_LOST', lost: true });
      expect(await names()).toEqual(before);
      expect((await store.leaseHolder())?.runId).toBe('next');
      await lease.release();
    },
    LONG_MS,
  );

  it(
    'one that is frozen and not followed goes on when it wakes',
    async () => {
      await begin();
      const frozen = worker();
      expect(await ask(frozen, told({ task: 'write', runId: 'frozen', ttlMs: TTL_MS }))).toBe('writing');
      await freeze(frozen, engine);
      const free = async (): Promise<true | undefined> =>
        (await store.leaseHolder()) === undefined ? true : undefined;
      await waitFor('the end of the lease', free);
      const before = (await names()).length;
      frozen.kill('SIGCONT');
      const more = async (): Promise<true | undefined> => ((await names()).length > before ? true : undefined);
      await waitFor('writes of the process that woke', more);
      const own = async (): Promise<true | undefined> =>
        (await store.leaseHolder())?.runId === 'frozen' ? true : undefined;
      await waitFor('its renewal', own);
    },
    LONG_MS,
  );

  it(
    'one that is killed is followed',
    async () => {
      await begin();
      const killed = worker();
      expect(await ask(killed, told({ task: 'write', runId: 'killed', ttlMs: TTL_MS }))).toBe('writing');
      killed.kill('SIGKILL');
      const lease = await store.acquireLease({ waitMs: LONG_MS });
      await lease.run(() => store.add({ obj: new Device({ name: 'of next' }) }));
      await lease.release();
      expect(await names()).toContain('of next');
    },
    LONG_MS,
  );
});

interface Answer {
  readonly granted?: LeaseHolder;
  readonly code?: string;
}

/** A signal takes effect later than it is sent. */
async function freeze(worker: ChildProcess, engine: SharedEngine): Promise<void> {
  const isStopped = async (): Promise<true | undefined> =>
    process.platform !== 'linux' || /\) T /.test(readFileSync(`/proc/${worker.pid}/stat`, 'utf8')) ? true : undefined;
  for (;;) {
    worker.kill('SIGSTOP');
    await waitFor('a stopped process', isStopped);
    if (!engine.isLocked()) return;
    worker.kill('SIGCONT');
    await setImmediate();
  }
}
