// Real processes: what one of them holds in memory the others do not have.
import { randomUUID } from 'node:crypto';
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Board, COUNTERS } from '../../src/testing/contract/models.js';
import type { BaseStore } from '../../src/index.js';
import { RedisStore } from '../../src/store/redis/index.js';
import { SqliteStore } from '../../src/store/sqlite/index.js';
import { sized } from '../support/full.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { ask } from '../support/shared-engines.js';

/** Each sets an attribute of its own, of which there are eight. */
const PROCESSES = sized(8, 4);
const WORKER = fileURLToPath(new URL('../support/store-worker.mjs', import.meta.url));

/** An engine that several processes may share. */
interface SharedEngine {
  readonly name: string;
  /** Where its class is, in the built package. */
  readonly door: string;
  readonly storeClass: string;
  start(): Promise<{ options: object; open(storeId: string): Promise<BaseStore>; stop(): Promise<void> }>;
}

const engines: readonly SharedEngine[] = [
  {
    name: 'redis',
    door: 'nestjs-diffsync/redis',
    storeClass: 'RedisStore',
    start: async () => {
      const { url, stop }: RedisServer = await startRedis();
      return { options: { url }, open: (storeId) => RedisStore.connect({ url, storeId }), stop };
    },
  },
  {
    name: 'sqlite',
    door: 'nestjs-diffsync/sqlite',
    storeClass: 'SqliteStore',
    start: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-processes-'));
      const options = { path: join(folder, 'shared.db'), timeout: 60_000 }; // So many of them on few cores wait for long.
      return {
        options,
        open: (storeId) => SqliteStore.connect({ ...options, storeId }),
        stop: () => rm(folder, { recursive: true }),
      };
    },
  },
];

describe.each(engines)(`${PROCESSES} processes at one store: $name`, ({ door, storeClass, start }) => {
  let engine: Awaited<ReturnType<SharedEngine['start']>>;

  beforeAll(async () => {
    if (!existsSync('dist/index.js')) throw new Error('There is no built package: npm run build');
    engine = await start();
  });
  afterAll(() => engine.stop());

  /** What the processes answer, in the order of their numbers, having begun together. */
  async function together<T>(storeId: string, task: string, how: object): Promise<T[]> {
    const options = { ...engine.options, storeId };
    const workers = Array.from({ length: PROCESSES }, () => fork(WORKER, { execArgv: [] }));
    try {
      await Promise.all(
        workers.map((worker, at) => ask(worker, { door, storeClass, options, task, number: at + 1, ...how })),
      );
      return await Promise.all(workers.map((worker) => ask<T>(worker, 'go')));
    } finally {
      for (const worker of workers) if (worker.exitCode === null) worker.kill('SIGKILL');
    }
  }

  async function onStore(work: (store: BaseStore, storeId: string) => Promise<void>): Promise<void> {
    const storeId = randomUUID();
    const store = await engine.open(storeId);
    try {
      await work(store, storeId);
      expect((await store.verify()).problems).toEqual([]);
    } finally {
      await store.clear();
      await store.close();
    }
  }

  it('add different objects under the same unique ids: each has one winner, and is the one that is stored', async () => {
    await onStore(async (store, storeId) => {
      const count = sized(1000, 300);
      const results = await together<{ won: string[]; refused: number }>(storeId, 'add', { count });
      const winners = new Map(results.flatMap(({ won }, at) => won.map((uid) => [uid, at + 1] as const)));
      const won = results.reduce((sum, each) => sum + each.won.length, 0);
      const refused = results.reduce((sum, each) => sum + each.refused, 0);
      expect({ won, refused, distinct: winners.size }).toEqual({
        won: count,
        refused: (PROCESSES - 1) * count,
        distinct: count,
      });
      const stored = await store.getAll({ model: Board });
      expect(new Map(stored.map(({ id, a }) => [id, a]))).toEqual(winners);
      expect(await store.count()).toBe(count);
    });
  });

  it('set different attributes of the same objects by updateOrInstantiate(): no update is lost', async () => {
    await onStore(async (store, storeId) => {
      const [count, rounds] = [sized(40, 20), 12];
      await together(storeId, 'update', { count, rounds });
      const stored = await store.getAll({ model: Board });
      expect(stored).toHaveLength(count);
      const last = Object.fromEntries(COUNTERS.map((name, at) => [name, at < PROCESSES ? rounds : 0]));
      for (const board of stored) expect(board.getAttrs()).toEqual(last);
    });
  });

  it('add and remove at random: what is there is what was added and not removed, index and objects alike', async () => {
    await onStore(async (store, storeId) => {
      const how = { count: 60, rounds: sized(60, 20) };
      const results = await together<{ added: number; removed: number }>(storeId, 'mix', how);
      const left = results.reduce((sum, { added, removed }) => sum + added - removed, 0);
      expect(results.every(({ added, removed }) => added > 0 && removed > 0)).toBe(true);
      expect(await store.count({ model: Board })).toBe(left);
      const uids = (await store.getAll({ model: Board })).map(({ id }) => id);
      expect(new Set(uids).size).toBe(left);
    });
  });
});
