// Each code of a store's error, by its real cause; and that docs/errors.md has a row for each.
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { afterEachTest, serve } from '../support/cleanups.js';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  LocalStore,
  ObjectStoreException,
  type ModelRecord,
  type StoreErrorCode,
} from '../../src/index.js';
import { RedisStore, type RedisStoreOptions } from '../../src/store/redis/index.js';
import { call, waitFor } from '../support/redis-client.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { startTlsRedis } from '../support/redis-tls.js';
import { LEAST_RIGHTS } from '../support/stores.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

class Inventory extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
}

/** A server that does not reply makes a test take as long. One that does may take its time on a busy machine. */
const TIMEOUT_MS = 3000;
const SECRET = 'geheim';
const device = (role = 'leaf'): Device => new Device({ name: 'a', role });
const cleanup = afterEachTest();

async function connect(options: RedisStoreOptions): Promise<RedisStore> {
  const store = await RedisStore.connect({ storeId: 'errors', timeout: TIMEOUT_MS, ...options });
  cleanup(() => store.close().catch(() => undefined));
  return store;
}

/** A store on a server of its own. */
async function served(...args: string[]): Promise<{ readonly server: RedisServer; readonly store: RedisStore }> {
  const server = await serve(cleanup, ...args);
  return { server, store: await connect({ url: server.url }) };
}

async function frozen(): Promise<RedisStore> {
  const { server, store } = await served();
  await store.add({ obj: device() });
  await server.pause();
  return store;
}

async function asUser(rights: readonly string[]): Promise<RedisStore> {
  const server = await serve(cleanup);
  await call(server, 'ACL', 'SETUSER', 'app', 'on', `>${SECRET}`, ...rights);
  return connect({ host: server.host, port: server.port, username: 'app', password: SECRET });
}

const get = (store: RedisStore): Promise<Device> => store.get({ model: Device, identifier: 'a' });

/** What fails with the code. Where it must also say something, that is beside it. */
const causes: Record<
  Exclude<StoreErrorCode, 'STORE_PACKAGE_MISSING' | 'STORE_FULL'>,
  readonly [fail: () => Promise<unknown>, words?: string]
> = {
  STORE_UNAVAILABLE: [
    async () => {
      const server = await serve(cleanup);
      await server.stop();
      await connect({ url: server.url });
    },
  ],
  STORE_TIMEOUT: [async () => get(await frozen())],
  STORE_ABORTED: [async () => (await served()).store.count({ signal: AbortSignal.abort() })],
  STORE_OUTCOME_UNKNOWN: [async () => (await frozen()).update({ obj: device() })],
  STORE_AUTH: [
    async () => {
      const server = await startRedis({ password: SECRET });
      cleanup(() => server.stop());
      await connect({ host: server.host, port: server.port, password: `${SECRET}2` });
    },
  ],
  STORE_CREDENTIALS: [
    async () => {
      const { host, port } = await serve(cleanup);
      await connect({ host, port, credentials: () => Promise.reject(new RangeError('no vault')) });
    },
    'RangeError',
  ],
  STORE_PERMISSION: [async () => get(await asUser([...LEAST_RIGHTS, '-mget'])), '"mget"'],
  STORE_READ_ONLY: [
    async () => {
      const { server, store } = await served();
      await call(server, 'REPLICAOF', '127.0.0.1', '1');
      await store.add({ obj: device() });
    },
  ],
  STORE_OUT_OF_MEMORY: [async () => (await served('--maxmemory', '1')).store.add({ obj: device() })],
  STORE_MISCONFIGURED: [
    async () => {
      const { server, store } = await served('--save', '3600 1');
      rmSync(server.folder, { recursive: true });
      const ask = (...command: [string, ...string[]]): Promise<unknown> => askByPort(server, command);
      await ask('BGSAVE');
      await waitFor('a failed save', async () =>
        /bgsave_status:err/.test(String(await ask('INFO'))) ? true : undefined,
      );
      await store.add({ obj: device() });
    },
  ],
  STORE_NO_REPLICAS: [async () => (await served('--min-replicas-to-write', '1')).store.add({ obj: device() })],
  STORE_NOT_REPLICATED: [
    async () => {
      const server = await serve(cleanup);
      const store = await connect({ url: server.url, durability: { replicas: 1, timeout: 50 } });
      await store.add({ obj: device() });
    },
  ],
  STORE_WRONG_DATABASE: [async () => connect({ url: `${(await serve(cleanup)).url}/99` })],
  STORE_WRONG_TOPOLOGY: [
    async () => {
      const { host, port } = await serve(cleanup);
      await connect({ cluster: { nodes: [{ host, port }] } });
    },
  ],
  STORE_CLUSTER_DOWN: [
    async () => {
      const { host, port } = await serve(cleanup, '--cluster-enabled', 'yes');
      await connect({ cluster: { nodes: [{ host, port }] } });
    },
  ],
  STORE_TLS: [
    async () => {
      const server = await startTlsRedis();
      cleanup(() => server.stop());
      await connect({ url: server.url });
    },
    'certificate',
  ],
  STORE_SCRIPT_MISSING: [async () => served('--rename-command', 'EVAL', '')],
  STORE_COMMAND_MISSING: [async () => get((await served('--rename-command', 'MGET', '')).store), '"mget"'],
  STORE_WRONG_KEY_TYPE: [
    async () => {
      const { server, store } = await served();
      await call(server, 'RPUSH', 'diffsync:errors:device:a', SECRET);
      await store.add({ obj: device() });
    },
  ],
  STORE_CORRUPT: [
    async () => {
      const { server, store } = await served();
      await call(server, 'SET', 'diffsync:errors:device:a', SECRET);
      await get(store);
    },
    'diffsync:errors:device:a',
  ],
  STORE_NEWER_FORMAT: [
    async () => {
      const { server, store } = await served();
      await call(server, 'HSET', 'diffsync.state:errors:device', 'format', '99');
      await store.add({ obj: device() });
    },
  ],
  STORE_OTHER_LAYOUT: [
    async () => {
      const { server, store } = await served();
      await call(server, 'HSET', 'diffsync.state:errors:device', 'format', '1, 4 shards');
      await store.add({ obj: device() });
    },
  ],
  STORE_EXPIRED: [
    async () => {
      const server = await serve(cleanup);
      const store = await connect({ url: server.url, ttl: 60_000 });
      await store.add({ obj: device() });
      await call(server, 'DEL', 'diffsync.index:errors:device', 'diffsync:errors:device:a');
      await store.count();
    },
  ],
  STORE_OVERLOADED: [
    async () => {
      const store = await frozen();
      const pings = Array.from({ length: 1001 }, () => store.ping());
      for (const ping of pings) ping.catch(() => undefined);
      await pings.at(-1);
    },
  ],
  STORE_CONTENTION: [
    async () => {
      // Another writer adds the object each time that this one has found none, and removes it at once.
      class Racing extends LocalStore {
        protected override async insertRecords(model: string, records: readonly ModelRecord[]) {
          await super.insertRecords(model, records);
          const existing = await super.insertRecords(model, records);
          const uids = records.map(({ uid }) => uid);
          await super.deleteRecords(model, uids);
          return existing;
        }
      }
      await new Racing().updateOrInstantiate({ model: Device, ids: { name: 'a' }, attrs: { role: 'leaf' } });
    },
    'device "a" was added and removed by others at each of 10 attempts',
  ],
  STORE_CLOSED: [
    async () => {
      const { store } = await served();
      await store.close();
      await store.count();
    },
  ],
  STORE_ALREADY_BOUND: [
    async () => {
      const store = new LocalStore();
      return [new Inventory({ store }), new Inventory({ store, name: 'another' })];
    },
  ],
  STORE_FAILED: [
    async () => {
      class Failing extends LocalStore {
        protected override async probe(): Promise<void> {
          throw new Error('the backend has words that nobody knows');
        }
      }
      await new Failing().ping();
    },
    'words that nobody knows',
  ],
  LEASE_LOST: [async () => new LocalStore().acquireLease({ joins: 'run-7' }), '"run-7"'],
  OBJECT_NOT_FOUND: [async () => get((await served()).store)],
  OBJECT_ALREADY_EXISTS: [
    async () => {
      const { store } = await served();
      await store.add({ obj: device() });
      await store.add({ obj: device('spine') });
    },
  ],
  OBJECT_STORE_WRONG_TYPE: [async () => device().addChild(new Device({ name: 'b' }))],
};

/** By the port: the server's socket may be gone with its folder. */
async function askByPort(server: RedisServer, [name, ...args]: [string, ...string[]]): Promise<unknown> {
  const { Redis } = await import('ioredis');
  const client = new Redis(server.port, server.host);
  await once(client, 'ready');
  try {
    return await client.call(name, args);
  } finally {
    client.disconnect();
  }
}

describe('each code has its cause', () => {
  it.each(Object.entries(causes))(
    '%s',
    async (code, [fail, words = '']) => {
      const error: unknown = await fail().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(ObjectStoreException);
      const { code: found, message, cause } = error as ObjectStoreException;
      expect([found, message]).toEqual([code, expect.stringContaining(words)]);
      expect(message).not.toContain(SECRET);
      expect(String(cause)).not.toContain(SECRET);
    },
    20_000,
  );

  it('a command that is forbidden inside a script is named too', async () => {
    const store = await asUser([...LEAST_RIGHTS, '-msetnx']);
    await expect(store.add({ obj: device() })).rejects.toMatchObject({
      code: 'STORE_PERMISSION',
      message: expect.stringContaining('"msetnx"'),
    });
  });
});

it('docs/errors.md has a row for each code, and for nothing else', () => {
  const union = /export type StoreErrorCode =([^;]*);/.exec(readFileSync('src/errors.ts', 'utf8'))?.[1] ?? '';
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
  const [ofStores = '', ofSyncs = ''] = readFileSync('docs/errors.md', 'utf8').split('\n## ');
  const codesOf = (page: string): (string | undefined)[] => [...page.matchAll(/^\| `(\w+)`/gm)].map(([, code]) => code);
  const rows = codesOf(ofStores);
  const others = readFileSync('src/errors.ts', 'utf8').matchAll(/'((?:SYNC|RELOAD|DIFF|RUN|ADAPTER|QUEUE)_\w+)'/g);
  expect(new Set(codesOf(ofSyncs))).toEqual(new Set([...others].map(([, code]) => code)));
  expect(new Set(rows)).toEqual(new Set(codes));
  expect(rows).toHaveLength(codes.length);
  // By other means: without the package in test/cli, with a full disk in test/store/sqlite.store.spec.ts.
  const elsewhere = ['STORE_PACKAGE_MISSING', 'STORE_FULL'];
  expect(new Set([...Object.keys(causes), ...elsewhere])).toEqual(new Set(codes));
});
