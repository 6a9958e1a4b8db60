// Passwords, certificates and URLs with credentials show in nothing that this package makes.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger, type LoggerService } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { z } from 'zod';
import {
  diffSyncStoreConfig,
  DiffSyncModel,
  DiffSyncStoreHealthIndicator,
  DiffSyncStoreModule,
  DiffSyncStoreRegistry,
  type DiffSyncLogger,
} from '../../src/index.js';
import { RedisStore, type RedisStoreOptions } from '../../src/store/redis/index.js';
import { call } from '../support/redis-client.js';
import { startCluster, type RedisCluster } from '../support/redis-cluster.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { startTlsRedis, type TlsRedisServer } from '../support/redis-tls.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

/** No part of it may show, in whatever form. */
const SECRET = 'gEh31m-PaSsWoRt';
const FORMS = [
  SECRET,
  encodeURIComponent(SECRET),
  Buffer.from(SECRET).toString('base64'),
  Buffer.from(SECRET).toString('hex'),
];

/** Everything that printing shows of it, in every way of printing. */
function shown(value: unknown, raw = true): string {
  const texts = [String(value)];
  for (const customInspect of raw ? [true, false] : [true]) {
    const everything = {
      depth: Infinity,
      showHidden: true,
      customInspect,
      maxStringLength: Infinity,
      maxArrayLength: Infinity,
    };
    texts.push(inspect(value, everything));
  }
  const seen = new WeakSet<object>();
  texts.push(
    JSON.stringify(value, (_, each: unknown) => {
      if (typeof each !== 'object' || each === null) return each;
      if (seen.has(each)) return undefined;
      seen.add(each);
      return each;
    }) ?? '',
  );
  for (let error = value; error instanceof Error; error = error.cause) {
    texts.push(
      error.message,
      error.stack ?? '',
      JSON.stringify(error),
      JSON.stringify(Object.getOwnPropertyNames(error)),
    );
  }
  return texts.join('\n');
}

function expectNoSecret(what: string, value: unknown, raw = true): void {
  const text = shown(value, raw);
  for (const form of FORMS) {
    const at = text.indexOf(form);
    if (at !== -1) throw new Error(`${what} shows the secret: …${text.slice(Math.max(0, at - 200), at + 20)}…`);
  }
}

let plain: RedisServer;
let guarded: RedisServer;
let tls: TlsRedisServer;
let cluster: RedisCluster;
const web = createServer((socket) => void socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')));

beforeAll(async () => {
  [plain, guarded, tls, cluster] = await Promise.all([
    startRedis(),
    startRedis({ password: 'another' }),
    startTlsRedis({ clientCertificates: true }),
    startCluster({ replicas: 0 }),
  ]);
  await call(guarded, 'ACL', 'SETUSER', 'weak', 'on', `>${SECRET}`, 'resetkeys', '+ping', '+client');
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
});

afterAll(async () => {
  web.close();
  await Promise.all([plain, guarded, tls, cluster].map((server) => server.stop()));
});

const quick = { timeout: 400, storeId: 'inv' };
const local = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port });
const webPort = (): number => (web.address() as AddressInfo).port;

/** Failure -> the options that fail so; each has the secret in it. */
const FAILURES: Record<string, () => RedisStoreOptions> = {
  'a wrong password': () => ({ url: `redis://:${SECRET}@127.0.0.1:${guarded.port}` }),
  'a wrong password in an option': () => ({ ...local(guarded.port), password: SECRET }),
  'a wrong password that is asked for': () => ({ ...local(guarded.port), credentials: () => ({ password: SECRET }) }),
  'credentials that are none': () => ({
    ...local(plain.port),
    credentials: () => ({ password: { text: SECRET }, [SECRET]: SECRET }) as never,
  }),
  'a wrong password of a cluster that is asked for': () => ({
    cluster: { nodes: cluster.nodes },
    credentials: async () => ({ username: 'app', password: SECRET }),
  }),
  'a wrong user': () => ({ ...local(guarded.port), username: 'app', password: SECRET }),
  'a password where none is asked for': () => ({ url: `redis://user:${SECRET}@127.0.0.1:${plain.port}` }),
  'a user who may nothing': () => ({ url: `redis://weak:${SECRET}@127.0.0.1:${guarded.port}` }),
  'a host that there is not': () => ({ url: `redis://:${SECRET}@no-such-host.invalid` }),
  'no server at the port': () => ({ url: `redis://:${SECRET}@127.0.0.1:1` }),
  'no server at the socket': () => ({ path: '/nowhere/redis.sock', password: SECRET }),
  'a web server at the port': () => ({ url: `redis://:${SECRET}@127.0.0.1:${webPort()}` }),
  'a wrong database': () => ({ url: `redis://127.0.0.1:${plain.port}/99`, tls: undefined, username: undefined }),
  'TLS to a server without': () => ({ url: `rediss://:${SECRET}@127.0.0.1:${plain.port}` }),
  'no TLS to a server with it': () => ({ url: `redis://:${SECRET}@127.0.0.1:${tls.port}` }),
  'a certificate that is not trusted': () => ({ url: tls.url.replace('//', `//:${SECRET}@`) }),
  'a certificate that is none': () => ({ url: tls.url, tls: { ca: SECRET, cert: SECRET, key: SECRET } }),
  'a key with a wrong passphrase': () => ({ url: tls.url, tls: { key: tls.key, cert: SECRET, passphrase: SECRET } }),
  'sentinels that are none': () => ({
    sentinels: [local(plain.port)],
    masterName: 'mymaster',
    sentinelPassword: SECRET,
    password: SECRET,
  }),
  'sentinels that are not there': () => ({ sentinels: [local(1)], masterName: 'm', sentinelPassword: SECRET }),
  'a wrong password of a cluster': () => ({ cluster: { nodes: cluster.nodes }, username: 'app', password: SECRET }),
  'a cluster that is not there': () => ({ cluster: { nodes: [local(1)] }, username: SECRET, password: SECRET }),
  'a cluster that is none': () => ({ cluster: { nodes: [local(plain.port)] }, password: SECRET }),
  'a client of your own': () => ({
    client: new Redis({ ...local(guarded.port), password: SECRET, lazyConnect: true, retryStrategy: () => null }),
  }),
};

/** Options that are refused before anything is connected. */
const REFUSED: Record<string, object> = {
  'a URL of another protocol': { url: `http://:${SECRET}@localhost` },
  'a URL that is none': { url: `redis//:${SECRET}@localhost` },
  'a URL with a slash in the password': { url: `redis://user:1/${SECRET}@localhost` },
  'a URL with a hash in the password': { url: `redis://user:1#${SECRET}@localhost/1` },
  'a URL with a question mark in the password': { url: `redis://user:1?${SECRET}@localhost/1` },
  'a URL that is not percent-encoded': { url: `redis://:100%${SECRET}@localhost` },
  'a URL with a wrong port': { url: `redis://:${SECRET}@localhost:70000` },
  'a URL as host': { host: `redis://:${SECRET}@localhost` },
  'credentials as host': { host: `user:${SECRET}@localhost` },
  'a URL as node': { cluster: { nodes: [{ host: `redis://:${SECRET}@a`, port: 1 }] } },
  'a URL as sentinel': { sentinels: [{ host: `:${SECRET}@a`, port: 1 }], masterName: 'm' },
  'a password that is no text': { password: { text: SECRET } },
  'two addresses': { url: `redis://:${SECRET}@a`, host: 'a', password: SECRET },
  'an option that there is not': { passwort: SECRET },
  'a wrong number of databases': { db: SECRET },
};

/** All that is logged, at verbosity 2. */
function listener(): { logged: unknown[]; logger: DiffSyncLogger } {
  const logged: unknown[] = [];
  const log = (...line: unknown[]): void => void logged.push(line);
  return { logged, logger: { isEnabled: () => true, debug: log, info: log, warning: log, error: log } };
}

describe('no secret shows', () => {
  it.each(Object.entries(FAILURES))('when a store meets %s', async (what, options) => {
    const { logged, logger } = listener();
    const warned = jest.spyOn(console, 'warn').mockImplementation((...line) => void logged.push(line)); // ioredis does.
    const given = options();
    const store = new RedisStore({ ...given, ...quick, logger });
    expectNoSecret('a new store', store);
    const errors: unknown[] = [];
    const collect = (error: unknown): void => void errors.push(error);
    await store
      .open()
      .then(() => expect(['a user who may nothing', 'a password where none is asked for']).toContain(what), collect);
    await store.add({ obj: new Device({ name: 'a' }) }).catch(collect);
    await store.getAll({ model: Device }).catch(collect);
    await store.ping().catch(collect);
    expect(errors.length).toBeGreaterThan(1);
    for (const error of errors) expectNoSecret('an error', error);
    expectNoSecret('the store', store);
    expectNoSecret('a scope of it', store.scope({ storeId: 'other' }));
    expectNoSecret('what is logged', logged);
    await store.close();
    if (given.client !== undefined) (given.client as Redis).disconnect();
    warned.mockRestore();
  });

  it.each(Object.entries(REFUSED))('when options are refused: %s', (_, options) => {
    let error: unknown;
    try {
      void new RedisStore(options);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: 'VALUE_ERROR' });
    expectNoSecret('the error', error);
  });

  it('in an open store, nor when its server is gone', async () => {
    const own = await startRedis({ password: SECRET });
    const { logged, logger } = listener();
    const store = await RedisStore.connect({
      url: own.url,
      ...quick,
      timeout: 3000,
      logger,
      durability: { replicas: 1, timeout: 50 },
    });
    try {
      const error: unknown = await store.add({ obj: new Device({ name: 'a' }) }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'STORE_NOT_REPLICATED' });
      expectNoSecret('the error', error);
      expectNoSecret('the open store', store);
      own.kill('SIGKILL');
      await own.ended();
      expectNoSecret('the error', await store.getAll({ model: Device }).catch((reason: unknown) => reason));
      expectNoSecret('what is logged', logged);
    } finally {
      await store.close();
      await own.stop();
    }
  });

  describe('in a Nest application', () => {
    const logged: unknown[] = [];
    const record = (...line: unknown[]): void => void logged.push(line);
    const logger: LoggerService = {
      log: record,
      error: record,
      warn: record,
      debug: record,
      verbose: record,
      fatal: record,
    };

    beforeAll(() => Logger.overrideLogger(logger));
    afterAll(() => Logger.overrideLogger(true));

    it('that cannot start: neither in its options, nor in its module, its error and its log', async () => {
      const options = {
        engine: 'redis' as const,
        url: `redis://:${SECRET}@127.0.0.1:1`,
        verbosity: 2 as const,
        retryAttempts: 2,
        retryDelay: 1,
        timeout: 200,
      };
      const module = DiffSyncStoreModule.forRoot(options);
      expectNoSecret('the module', module, false);
      const error: unknown = await Test.createTestingModule({ imports: [module] })
        .setLogger(logger)
        .compile()
        .then(
          () => undefined,
          (reason: unknown) => reason,
        );
      expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expectNoSecret('the error', error);
      expect(shown(logged)).toContain('Unable to connect');
      expectNoSecret('what is logged', logged);
    });

    it('that runs: neither in its registry, its health report up and down, and its log', async () => {
      const own = await startRedis({ password: SECRET });
      const options = { engine: 'redis' as const, url: own.url, storeId: 'inv', verbosity: 2 as const, timeout: 3000 };
      const app = await Test.createTestingModule({
        imports: [DiffSyncStoreModule.forRoot(options), DiffSyncStoreModule.forFeature(['network'])],
      })
        .setLogger(logger)
        .compile();
      await app.init();
      try {
        const registry = app.get(DiffSyncStoreRegistry);
        const health = app.get(DiffSyncStoreHealthIndicator);
        expectNoSecret('the registry', registry);
        expectNoSecret('its list', registry.list());
        const up = await health.isHealthy();
        expect(up.store.status).toBe('up');
        own.kill('SIGKILL');
        await own.ended();
        const down = await health.isHealthy();
        expect(down.store.status).toBe('down');
        expectNoSecret('the health reports', [up, down, health]);
        expectNoSecret('what is logged', logged);
      } finally {
        await app.close();
        await own.stop();
      }
    });

    it('nor in the options that are read from the environment', () => {
      const before = { ...process.env };
      Object.assign(process.env, {
        DIFFSYNC_STORE_ENGINE: 'redis',
        DIFFSYNC_STORE_URL: `redis://:${SECRET}@localhost/1`,
      });
      try {
        const options = diffSyncStoreConfig();
        expect((options as { url: string }).url).toContain(SECRET);
        const text = [inspect(options, { depth: Infinity, showHidden: true }), JSON.stringify(options)].join('\n');
        expect(text).not.toContain(SECRET);
        expect(text).toContain('localhost');
        expect({ ...options }).toEqual({ engine: 'redis', url: `redis://:${SECRET}@localhost/1` });
        process.env['DIFFSYNC_STORE_ENGINE'] = SECRET;
        expect(() => diffSyncStoreConfig()).toThrow(/ENGINE/);
        expect(() => diffSyncStoreConfig()).not.toThrow(SECRET);
      } finally {
        process.env = before;
      }
    });
  });
});
