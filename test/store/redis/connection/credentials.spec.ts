// Credentials that are asked for on every connection: on servers whose passwords change while a store is used.
import { describe, expect, it } from '@jest/globals';
import { afterEachTest } from '../../../support/cleanups.js';
import { z } from 'zod';
import { DiffSyncModel, type ObjectStoreException } from '../../../../src/index.js';
import {
  RedisStore,
  type RedisCredentials,
  type RedisCredentialsProvider,
  type RedisStoreOptions,
} from '../../../../src/store/redis/index.js';
import { call, waitFor } from '../../../support/redis-client.js';
import { startCluster } from '../../../support/redis-cluster.js';
import { startSentinel } from '../../../support/redis-sentinel.js';
import { startRedis, type RedisServer } from '../../../support/redis-server.js';
import { startTlsRedis } from '../../../support/redis-tls.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

const device = (name: string): Device => new Device({ name });
const cleanup = afterEachTest();

async function serve(): Promise<RedisServer> {
  const server = await startRedis();
  cleanup(() => server.stop());
  return server;
}

async function connect(options: RedisStoreOptions): Promise<RedisStore> {
  const store = await RedisStore.connect({ storeId: 'c', timeout: 20_000, ...options });
  cleanup(() => store.close().catch(() => undefined));
  return store;
}

/** The user `app` with this password alone. */
const setPassword = (servers: readonly RedisServer[], password: string): Promise<unknown> =>
  Promise.all(
    servers.map((server) =>
      call(server, 'ACL', 'SETUSER', 'app', 'reset', 'on', `>${password}`, '~*', '&*', '+@all', '-acl'),
    ),
  );

/** Ends the connections of `app`. @returns their number. */
const killAll = async (server: RedisServer): Promise<number> =>
  Number(await call(server, 'CLIENT', 'KILL', 'USER', 'app'));

/** What knows the password, and counts how often it is asked. */
function vault(password: string): { password: string; asked: number; credentials: () => Promise<RedisCredentials> } {
  const self = {
    password,
    asked: 0,
    credentials: async () => {
      self.asked++;
      return { username: 'app', password: self.password };
    },
  };
  return self;
}

const failure = (work: Promise<unknown>): Promise<ObjectStoreException> =>
  work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as ObjectStoreException,
  );

describe('credentials', () => {
  it.each<[string, (server: RedisServer) => RedisStoreOptions]>([
    ['a URL', ({ host, port }) => ({ url: `redis://${host}:${port}/3` })],
    ['host and port', ({ host, port }) => ({ host, port })],
    ['a Unix socket', ({ socket }) => ({ path: socket })],
  ])('of a server by %s are asked again when the connection is lost, and the password has changed', async (_, way) => {
    const server = await serve();
    await setPassword([server], 'first');
    const secrets = vault('first');
    const store = await connect({ ...way(server), credentials: secrets.credentials } as RedisStoreOptions);
    const { asked } = secrets;
    expect(asked).toBeGreaterThan(0);
    await store.add({ obj: device('a') });
    await setPassword([server], 'second');
    secrets.password = 'second';
    // The connection stays as it is until it is lost.
    await store.add({ obj: device('b') });
    expect(secrets.asked).toBe(asked);
    expect(await killAll(server)).toBe(asked);
    await store.add({ obj: device('c') });
    expect(secrets.asked).toBeGreaterThan(asked);
    expect((await store.getAll({ model: Device })).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('are waited for while the ones that come are still the old ones', async () => {
    const server = await serve();
    await setPassword([server], 'first');
    const secrets = vault('first');
    const store = await connect({ host: server.host, port: server.port, credentials: secrets.credentials });
    await setPassword([server], 'second');
    await killAll(server);
    const write = store.add({ obj: device('a') });
    while (secrets.asked < 3) await new Promise(setImmediate);
    secrets.password = 'second';
    await write;
  });

  it('are those of both connections of a store with durability, and of TLS', async () => {
    const server = await startTlsRedis();
    cleanup(() => server.stop());
    await setPassword([server], 'first');
    const secrets = vault('first');
    const { url, ca } = server;
    const durability = { replicas: 1, timeout: 50 };
    const store = await connect({ url, tls: { ca }, durability, credentials: secrets.credentials });
    expect(secrets.asked).toBeGreaterThan(1);
    await setPassword([server], 'second');
    secrets.password = 'second';
    const { asked } = secrets;
    expect(await killAll(server)).toBe(asked);
    expect(await store.count()).toBe(0);
    expect((await failure(store.add({ obj: device('a') }))).code).toBe('STORE_NOT_REPLICATED');
    expect(secrets.asked).toBeGreaterThan(asked + 1);
  });

  it('are those of the connection that health is asked on', async () => {
    const server = await serve();
    await setPassword([server], 'first');
    const secrets = vault('first');
    const store = await connect({ host: server.host, port: server.port, credentials: secrets.credentials });
    const opened = secrets.asked;
    await store.health({ timeoutMs: 20_000 });
    const { asked } = secrets;
    expect(asked).toBeGreaterThan(opened);
    await setPassword([server], 'second');
    secrets.password = 'second';
    expect(await killAll(server)).toBe(asked);
    // A probe says how it is now: the first one may find the connections lost.
    await waitFor('health', () => store.health({ timeoutMs: 20_000 }).catch(() => undefined));
    expect(secrets.asked).toBeGreaterThan(asked + 1);
  });

  it('need no user name', async () => {
    const server = await startRedis({ password: 'geheim' });
    cleanup(() => server.stop());
    const { host, port } = server;
    await (await connect({ host, port, credentials: () => ({ password: 'geheim' }) })).ping();
  });

  it('of a master behind Sentinel are asked again, also after a failover', async () => {
    const sentinel = await startSentinel({ sentinelPassword: 'heimlich' });
    cleanup(() => sentinel.stop());
    await setPassword(sentinel.servers, 'first');
    const secrets = vault('first');
    const { sentinels, masterName } = sentinel;
    const store = await connect({
      sentinels,
      masterName,
      sentinelPassword: 'heimlich',
      credentials: secrets.credentials,
      timeout: 60_000,
    });
    await store.add({ obj: device('a') });
    await setPassword(sentinel.servers, 'second');
    secrets.password = 'second';
    const asked = secrets.asked;
    await killAll(await sentinel.master());
    await store.add({ obj: device('b') });
    expect(secrets.asked).toBeGreaterThan(asked);
    await setPassword(sentinel.servers, 'third');
    secrets.password = 'third';
    const before = secrets.asked;
    await sentinel.failover();
    await store.add({ obj: device('c') });
    expect(secrets.asked).toBeGreaterThan(before);
  }, 240_000);

  it('of a cluster are asked for by each of its nodes', async () => {
    const cluster = await startCluster({ replicas: 0 });
    cleanup(() => cluster.stop());
    await setPassword(cluster.servers, 'first');
    const secrets = vault('first');
    const store = await connect({
      cluster: { nodes: cluster.nodes },
      shards: 16,
      timeout: 60_000,
      credentials: secrets.credentials,
    });
    const objs = Array.from({ length: 50 }, (_, at) => device(`d${at}`));
    await store.addMany({ objs });
    expect(secrets.asked).toBeGreaterThanOrEqual(cluster.servers.length);
    await setPassword(cluster.servers, 'second');
    const asked = secrets.asked;
    await Promise.all(cluster.servers.map(killAll));
    // What is asked still gives the old one for a while.
    const removed = store.removeMany({ objs });
    while (secrets.asked < asked + 6) await new Promise(setImmediate);
    secrets.password = 'second';
    await removed;
    await store.addMany({ objs });
    expect(await store.count()).toBe(50);
    // The same of one node.
    const [first] = cluster.servers;
    await setPassword([first as RedisServer], 'third');
    const before = secrets.asked;
    await killAll(first as RedisServer);
    const read = store.getAll({ model: Device });
    while (secrets.asked < before + 3) await new Promise(setImmediate);
    await setPassword(cluster.servers, 'third');
    secrets.password = 'third';
    expect(await read).toHaveLength(50);
  }, 240_000);
});

describe('credentials that do not come', () => {
  const thrown = Object.assign(new Error('the vault says geheim'), { code: 'EVAULT' });
  const wrong: [string, RedisCredentialsProvider, string, unknown][] = [
    ['an error', () => Promise.reject(thrown), '"credentials" failed (Error EVAULT)', thrown],
    [
      'an error at once',
      () => {
        throw thrown;
      },
      '"credentials" failed (Error EVAULT)',
      thrown,
    ],
    ['no error', () => Promise.reject('geheim'), '"credentials" failed (it threw no error)', 'geheim'],
    ['no password', () => ({}) as never, '"credentials" gave a wrong answer: password: ', undefined],
    ['nothing', () => undefined as never, '"credentials" gave a wrong answer: ', undefined],
    ['an empty password', () => ({ password: '' }), 'password: Too small', undefined],
    ['a wrong user', () => ({ username: ['geheim'], password: 'geheim' }) as never, 'answer: username: ', undefined],
    ['no answer', () => new Promise(() => undefined), '"credentials" gave no answer within 4900 ms', undefined],
  ];

  it.each(wrong)('%s: the store does not open, and says so', async (_, credentials, words, cause) => {
    const { host, port } = await serve();
    const error = await failure(connect({ host, port, timeout: 5000, credentials }));
    expect(error).toMatchObject({
      code: 'STORE_CREDENTIALS',
      cause,
      message: expect.stringContaining(words) as unknown,
    });
    expect(error.message).not.toContain('geheim');
  });

  it('on a cluster and behind Sentinel too', async () => {
    const cluster = await startCluster({ replicas: 0 });
    cleanup(() => cluster.stop());
    const credentials = (): never => {
      throw thrown;
    };
    const { nodes } = cluster;
    const secrets = vault('first');
    await setPassword(cluster.servers, 'first');
    let isSealed = false;
    const store = await connect({
      cluster: { nodes },
      timeout: 2000,
      credentials: async () => (isSealed ? credentials() : secrets.credentials()),
    });
    isSealed = true;
    await Promise.all(cluster.servers.map(killAll));
    expect(await failure(store.count())).toMatchObject({ code: 'STORE_CREDENTIALS', cause: thrown });
    expect(await failure(connect({ cluster: { nodes }, timeout: 2000, credentials }))).toMatchObject({
      code: 'STORE_CREDENTIALS',
      cause: thrown,
    });
    const sentinels = [{ host: '127.0.0.1', port: 1 }];
    expect(await failure(connect({ sentinels, masterName: 'm', timeout: 5000, credentials }))).toMatchObject({
      code: 'STORE_CREDENTIALS',
      cause: thrown,
    });
  });

  it('are asked for again, as a server that is away is tried again', async () => {
    const server = await serve();
    const { host, port } = server;
    const secrets = vault('first');
    let isSealed = false;
    await setPassword([server], 'first');
    const store = await connect({
      host,
      port,
      timeout: 20_000,
      credentials: async () => {
        const answer = await secrets.credentials();
        if (isSealed) throw thrown;
        return answer;
      },
    });
    isSealed = true;
    await killAll(server);
    const write = store.add({ obj: device('a') });
    while (secrets.asked < 4) await new Promise(setImmediate);
    expect(await failure(store.ping())).toMatchObject({ code: 'STORE_CREDENTIALS' });
    isSealed = false;
    await write;
    await store.ping();
  });

  it('hold up no close', async () => {
    const server = await serve();
    const { host, port } = server;
    await setPassword([server], 'first');
    const signals: AbortSignal[] = [];
    const store = await connect({
      host,
      port,
      timeout: 60_000,
      credentials: async ({ signal }) => {
        signals.push(signal);
        return signals.length === 1 ? { username: 'app', password: 'first' } : new Promise(() => undefined);
      },
    });
    await killAll(server);
    while (signals.length < 2) await new Promise(setImmediate);
    await store.close();
    expect(signals[1]?.aborted).toBe(true);
    expect(signals[0]?.aborted).toBe(false);
  });
});
