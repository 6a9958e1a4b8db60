/** Engines whose stores several processes share, and messages to such processes. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { BaseStore } from '../../src/index.js';
import { RedisStore } from '../../src/store/redis/index.js';
import { SqliteStore } from '../../src/store/sqlite/index.js';
import { startCluster } from './redis-cluster.js';
import { startRedis } from './redis-server.js';

/** Longer than any wait. */
const LONG_MS = 180_000;

export interface SharedEngine {
  /** The door of the built package that has the class of the stores. */
  readonly door: string;
  readonly storeClass: string;
  /** Without the store id. */
  readonly options: object;
  open(storeId: string): Promise<BaseStore>;
  /** Whether a process that is frozen keeps all others from writing: SQLite's lock of the file goes with the process. */
  isLocked(): boolean;
  stop(): Promise<void>;
}

const redis = (options: object, stop: () => Promise<void>): SharedEngine => ({
  door: 'nestjs-diffsync/redis',
  storeClass: 'RedisStore',
  options,
  open: (storeId) => RedisStore.connect({ ...options, storeId }),
  isLocked: () => false,
  stop,
});

export const sharedEngines = {
  redis: async (): Promise<SharedEngine> => {
    const { url, stop } = await startRedis();
    return redis({ url }, stop);
  },
  'redis cluster, each model in 3 shards': async (): Promise<SharedEngine> => {
    const { nodes, stop } = await startCluster();
    return redis({ cluster: { nodes: nodes.map(({ host, port }) => ({ host, port })) }, shards: 3 }, stop);
  },
  sqlite: async (): Promise<SharedEngine> => {
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-processes-'));
    const options = { path: join(folder, 'shared.db'), timeout: LONG_MS };
    return {
      door: 'nestjs-diffsync/sqlite',
      storeClass: 'SqliteStore',
      options,
      open: (storeId) => SqliteStore.connect({ ...options, storeId }),
      isLocked: () => {
        const db = new Database(options.path, { timeout: 0 });
        try {
          db.exec('BEGIN IMMEDIATE; ROLLBACK');
          return false;
        } catch {
          return true;
        } finally {
          db.close();
        }
      },
      stop: () => rm(folder, { recursive: true }),
    };
  },
} as const;

/** Returns what a process answers next. @throws when it ends before. */
export async function answerOf<T>(worker: ChildProcess): Promise<T> {
  const ended = once(worker, 'exit').then(([code]) => {
    throw new Error(`a process ended with ${code} before it answered`);
  });
  ended.catch(() => undefined);
  const [answer] = (await Promise.race([once(worker, 'message'), ended])) as [T];
  return answer;
}

/** Sends a message to a process. @returns its answer. @throws when it ends before. */
export function ask<T>(worker: ChildProcess, message: object | string): Promise<T> {
  const answer = answerOf<T>(worker);
  worker.send(message);
  return answer;
}
