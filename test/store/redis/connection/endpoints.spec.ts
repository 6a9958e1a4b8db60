// One address behind which servers change, servers that lack commands or are full, loading, of TLS only, and how they are named.
import { createServer, connect as connectTo, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { afterEachTest, serve } from '../../../support/cleanups.js';
import { Redis } from 'ioredis';
import { DiffSyncModel, ValueError, type DiffSyncLogger } from '../../../../src/index.js';
import { SILENT_LOGGER } from '../../../../src/logging/logger.js';
import { RedisStore, type RedisStoreOptions } from '../../../../src/store/redis/index.js';
import { z } from 'zod';
import { call, waitFor } from '../../../support/redis-client.js';
import type { RedisServer } from '../../../support/redis-server.js';
import { startTlsRedis } from '../../../support/redis-tls.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

const device = (name: string): Device => new Device({ name });
const cleanup = afterEachTest();

async function connect(options: RedisStoreOptions): Promise<RedisStore> {
  const store = await RedisStore.connect({ storeId: 'e', ...options });
  cleanup(() => store.close().catch(() => undefined));
  return store;
}

/** An address that leads to a server that may be changed: connections that there are stay where they are. */
async function endpoint(first: RedisServer): Promise<{ url: string; lead(to: RedisServer): void; made(): number }> {
  let [target, made] = [first, 0];
  const proxy: Server = createServer((from) => {
    made++;
    const to = connectTo(target.port, target.host);
    from.pipe(to).pipe(from);
    for (const [side, other] of [
      [from, to],
      [to, from],
    ] as const) {
      side.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  cleanup(() => void proxy.close());
  const { port } = proxy.address() as AddressInfo;
  return { url: `redis://127.0.0.1:${port}`, lead: (to) => (target = to), made: () => made };
}

const replicaOf = (server: RedisServer, master?: RedisServer): Promise<unknown> =>
  master === undefined
    ? call(server, 'REPLICAOF', 'NO', 'ONE')
    : call(server, 'REPLICAOF', master.host, String(master.port));

describe('one address for several servers', () => {
  it('a write goes to the server that took over, once the one that is connected is read-only', async () => {
    const [before, after] = await Promise.all([serve(cleanup), serve(cleanup)]);
    const address = await endpoint(before);
    const store = await connect({ url: address.url });
    await store.add({ obj: device('before') });
    await replicaOf(after, before);
    await waitFor('a replica that is up to date', async () =>
      String(await call(after, 'INFO', 'replication')).includes('link_status:up') ? true : undefined,
    );
    await replicaOf(after);
    await replicaOf(before, after);
    // The address leads to the old server for a while: the write waits.
    const write = store.add({ obj: device('after') });
    address.lead(after);
    await write;
    expect(await call(after, 'EXISTS', 'diffsync:e:device:after')).toBe(1);
    expect((await store.getAll({ model: Device })).map(({ name }) => name)).toEqual(['before', 'after']);
    expect(address.made()).toBeGreaterThan(1);
  });

  it('a server that was read-only from the beginning is told at once, and is read', async () => {
    const server = await serve(cleanup);
    await replicaOf(server, await serve(cleanup));
    // A store that waited for another server would wait longer than a test may take.
    const store = await connect({ url: server.url, timeout: 600_000 });
    await expect(store.add({ obj: device('a') })).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
    expect(await store.count()).toBe(0);
  });
});

describe('a server without', () => {
  it('CLIENT is used all the same', async () => {
    const server = await serve(cleanup, '--rename-command', 'CLIENT', '');
    const store = await connect({ url: server.url });
    await store.add({ obj: device('a') });
    expect(await store.count()).toBe(1);
    await expect(connect({ url: `${server.url}/99` })).rejects.toMatchObject({ code: 'STORE_WRONG_DATABASE' });
    await expect(connect({ url: `${server.url}/3` })).resolves.toBeInstanceOf(RedisStore);
  });

  it.each([
    ['EVAL', 'STORE_SCRIPT_MISSING'],
    ['TIME', 'STORE_COMMAND_MISSING'],
  ])('%s is refused when the store opens: %s', async (command, code) => {
    const server = await serve(cleanup, '--rename-command', command, '');
    await expect(connect({ url: server.url })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(command, 'i')) as unknown,
    });
  });

  it('MSETNX fails those who add, and names it', async () => {
    const store = await connect({ url: (await serve(cleanup, '--rename-command', 'MSETNX', '')).url });
    await expect(store.add({ obj: device('a') })).rejects.toMatchObject({
      code: 'STORE_COMMAND_MISSING',
      message: expect.stringContaining('"msetnx"') as unknown,
    });
  });
});

describe('a server that', () => {
  it('is full says so, when the store opens and when it has lost its connection', async () => {
    const server = await serve(cleanup);
    const store = await connect({ url: server.url });
    const admin = new Redis(server.url);
    cleanup(() => admin.disconnect());
    await admin.config('SET', 'maxclients', '1');
    const full = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('maxclients') as unknown };
    await expect(connect({ url: server.url, timeout: 2000 })).rejects.toMatchObject(full);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
    const said = async (): Promise<unknown> => {
      const error = await store.ping().catch((reason: unknown) => reason);
      return String(error).includes('maxclients') ? error : undefined;
    };
    expect(await waitFor('a ping that says so', said)).toMatchObject(full);
    await admin.config('SET', 'maxclients', '100');
    await store.add({ obj: device('a') });
  });

  it('speaks TLS only says so to one who does not', async () => {
    const server = await startTlsRedis();
    cleanup(() => server.stop());
    await expect(connect({ url: server.url.replace('rediss:', 'redis:'), timeout: 5000 })).rejects.toMatchObject({
      code: 'STORE_TLS',
      message: expect.stringContaining('rediss://') as unknown,
    });
  });

  it('is loading its data is waited for, and says so when it takes too long', async () => {
    // It looks at its clients after each 1,024 commands that it loads.
    const server = await serve(cleanup, '--appendonly', 'yes', '--key-load-delay', '300');
    const redis = new Redis(server.url);
    // One command a key, for each of which the server waits when it loads them.
    await Promise.all(Array.from({ length: 20_000 }, (_, at) => redis.set(`k${at}`, '')));
    await redis.quit();
    server.kill('SIGKILL');
    await server.ended();
    const again = server.restart();
    const opened = waitFor('a server that says that it is loading', async () =>
      RedisStore.connect({ url: server.url, timeout: 1500 }).then(
        async (store) => store.close(),
        ({ message }: Error) => (message.includes('loading') ? true : undefined),
      ),
    );
    await Promise.all([opened, again.then((restarted) => cleanup(() => restarted.stop()))]);
  });

  it('evicts is a warning, once for each connection', async () => {
    const server = await serve(cleanup, '--maxmemory-policy', 'allkeys-lru');
    const warnings: string[] = [];
    const logger: DiffSyncLogger = { ...SILENT_LOGGER, warning: (message) => warnings.push(message) };
    const store = await connect({ url: server.url, logger });
    const scoped = store.scope({ storeId: 'other' });
    await scoped.open();
    await scoped.close();
    expect(warnings).toEqual([expect.stringContaining('"allkeys-lru"')]);
    await call(server, 'CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
    await connect({ url: server.url, logger });
    expect(warnings).toHaveLength(1);
    await connect({ url: server.url, logger, ttl: 60_000 });
    expect(warnings).toHaveLength(2);
  });
});

describe('an address', () => {
  it.each([
    ['redis://:pa#ss@localhost:6379', '%23'],
    ['redis://user:pa/ss@localhost', '%2F'],
    ['redis://:pa?ss@localhost/1', '%3F'],
  ])('with a raw character in the password is refused with a hint, and without the password', (url, hint) => {
    const make = (): RedisStore => new RedisStore({ url });
    expect(make).toThrow(ValueError);
    expect(make).toThrow(hint);
    expect(make).not.toThrow(/pa.ss/);
  });

  it.each([{ url: '' }, { url: 'redis:///0' }, { host: '' }, { path: '' }, { cluster: { nodes: [] } }])(
    'that is given and empty is refused: %j',
    (options) => {
      expect(() => new RedisStore(options)).toThrow(ValueError);
    },
  );

  it('may be an IPv6 address with or without brackets', () => {
    for (const host of ['[::1]', '::1']) expect(new RedisStore({ host }).address).toBe('redis://[::1]:6379/0');
    const nodes = [{ host: '[::1]', port: 7000 }];
    expect(new RedisStore({ cluster: { nodes } }).address).toBe('redis-cluster://[::1]:7000');
    expect(() => new RedisStore({ host: '[x' })).toThrow(ValueError);
  });
});
