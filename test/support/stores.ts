import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { LocalStore, type BaseStore } from '../../src/index.js';
import { RedisStore, type AnyRedisOptions, type RedisStoreOptions } from '../../src/store/redis/index.js';
import { SqliteStore } from '../../src/store/sqlite/index.js';
import { isFull } from './full.js';
import { call } from './redis-client.js';
import { startCluster } from './redis-cluster.js';
import { startSentinel } from './redis-sentinel.js';
import { startRedis } from './redis-server.js';
import { startTlsRedis } from './redis-tls.js';

/** A store under test. Every suite that holds for all stores runs over a table below. */
export interface StoreUnderTest {
  readonly name: string;
  /** Whether a second store opened with the same id sees the same objects. */
  readonly shared: boolean;
  /** Whether it keeps a log of changes. Default: no. */
  readonly changes?: boolean;
  /** Open; empty and not shared, unless it is a second one of an id. */
  open(options?: { storeId?: string }): Promise<BaseStore>;
  /** Leaves nothing behind. */
  close(store: BaseStore): Promise<void>;
}

type Options = AnyRedisOptions;

/** Started (a folder: made) by the first store of a file that needs them, and stopped at its end. */
const servers = new Map<string, Promise<{ stop(): Promise<void> }>>();

afterAll(async () => {
  for (const server of servers.values()) await (await server).stop();
});

function once<S extends { stop(): Promise<void> }>(name: string, start: () => Promise<S>): Promise<S> {
  const server = servers.get(name) ?? start();
  servers.set(name, server);
  return server as Promise<S>;
}

function sqliteStore(name: string, options: { readonly changeLog?: boolean } = {}): StoreUnderTest {
  return {
    name,
    shared: true,
    changes: options.changeLog === true,
    open: async ({ storeId = randomUUID() } = {}) => {
      const { path } = await once(name, emptyFolder);
      return SqliteStore.connect({ path: join(path, 'stores.db'), storeId, ...options });
    },
    close: clearAndClose,
  };
}

function redisStore(name: string, options: () => Promise<Options>, changes = false): StoreUnderTest {
  return {
    name,
    shared: true,
    changes,
    open: async ({ storeId = randomUUID() } = {}) =>
      RedisStore.connect({ ...(await options()), storeId, changeLog: changes } as RedisStoreOptions),
    close: clearAndClose,
  };
}

async function clearAndClose(store: BaseStore): Promise<void> {
  await store.clear();
  await store.close();
}

async function emptyFolder(): Promise<{ path: string; stop(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-sqlite-'));
  return { path, stop: () => rm(path, { recursive: true }) };
}

const onOneServer = async (): Promise<Options> => ({ url: (await once('redis', () => startRedis())).url });

const behindSentinel = async (): Promise<Options> => {
  const { sentinels, masterName } = await once('sentinel', () => startSentinel());
  return { sentinels, masterName };
};

const clusterNodes = async (): Promise<Options['cluster']> => {
  const { nodes } = await once('cluster', () => startCluster());
  return { nodes };
};

/** The stores as most users have them. */
export const stores: readonly StoreUnderTest[] = [
  {
    name: 'local',
    shared: false,
    changes: true,
    open: async ({ storeId = randomUUID() } = {}) => new LocalStore({ storeId }),
    close: async (store) => store.close(),
  },
  sqliteStore('sqlite'),
  redisStore('redis', onOneServer),
  redisStore('redis cluster', async () => ({ cluster: await clusterNodes() })),
  redisStore('redis behind sentinel', behindSentinel),
];

const TOPOLOGIES = /cluster|sentinel/;

/**
 * For tests of what is above the stores: one store of each engine, with `TEST_FULL=1` all of the table above. What a topology of Redis
 * may change is looked at by the contract suite and by the tests of the stores.
 */
export const engineStores = stores.filter(({ name }) => isFull || !TOPOLOGIES.test(name));

const loggedSqlite = sqliteStore('sqlite with a log of changes', { changeLog: true });
const loggedRedis = redisStore('redis with a log of changes', onOneServer, true);
const loggedCluster = redisStore(
  'redis cluster, each model in 4 shards, with a log of changes',
  async () => ({ cluster: await clusterNodes(), shards: 4 }),
  true,
);
const withLeastRights = redisStore(
  'redis as a user with the least rights',
  async () => {
    const server = await once('acl', () => startRedis());
    await call(server, 'ACL', 'SETUSER', 'app', 'on', '>secret', ...LEAST_RIGHTS);
    return { host: server.host, port: server.port, username: 'app', password: 'secret' };
  },
  true,
);

/** Stores whose parts are done by others of the tables, and by tests of their own. */
const combined: readonly StoreUnderTest[] = [
  loggedRedis,
  redisStore('redis with a ttl', async () => ({ ...(await onOneServer()), ttl: 60_000 })),
  redisStore('redis cluster, each model in 3 shards', async () => ({ cluster: await clusterNodes(), shards: 3 })),
  redisStore('redis over TLS, with a client certificate', async () => {
    const { url, ca, cert, key } = await once('tls', () => startTlsRedis({ clientCertificates: true }));
    return { url, tls: { ca, cert, key } };
  }),
  redisStore('redis through a Unix socket', async () => ({ path: (await once('redis', () => startRedis())).socket })),
  redisStore('redis that waits for a replica', async () => {
    const { sentinels, masterName } = await once('sentinel', () => startSentinel());
    return { sentinels, masterName, durability: { replicas: 1 } };
  }),
];

/** And with options that change how a store works, but nothing that it does. */
export const storesWithOptions: readonly StoreUnderTest[] = [
  ...stores,
  loggedSqlite,
  loggedCluster,
  withLeastRights,
  ...(isFull ? combined : []),
];

/** Stores that keep a log of changes. */
export const loggedStores: readonly StoreUnderTest[] = [
  ...stores.filter(({ changes }) => changes === true),
  loggedSqlite,
  loggedRedis,
  loggedCluster,
  ...(isFull ? [withLeastRights, redisStore('redis behind sentinel with a log of changes', behindSentinel, true)] : []),
];

/** As the documentation lists them. */
export const LEAST_RIGHTS: readonly string[] = [
  'resetkeys',
  '~diffsync:*',
  '~diffsync.*',
  'nocommands',
  ...[
    'eval',
    'evalsha',
    'exec',
    'multi',
    'get',
    'mget',
    'set',
    'mset',
    'msetnx',
    'strlen',
    'exists',
    'unlink',
    'hget',
    'hmget',
    'hgetall',
    'hset',
    'hsetnx',
    'hdel',
    'hlen',
    'sadd',
    'srem',
    'smembers',
    'zadd',
    'zcard',
    'zrange',
    'zrem',
    'zscore',
    'rpush',
    'ltrim',
    'llen',
    'lrange',
    'lindex',
    'incrby',
    'pexpire',
    'pexpireat',
    'persist',
    'pexpiretime',
    'time',
    'wait',
    'info',
    'ping',
    'quit',
    'client|info',
    'client|setname',
  ].map((command) => `+${command}`),
];
