// TLS, users of the server, and what is refused before anything is sent.
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { DiffSyncModel, ObjectStoreException } from '../../src/index.js';
import { RedisStore, type RedisStoreOptions } from '../../src/store/redis/index.js';
import { call } from '../support/redis-client.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { startTlsRedis, type TlsRedisServer } from '../support/redis-tls.js';
import { LEAST_RIGHTS } from '../support/stores.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

let plain: RedisServer;
let tls: TlsRedisServer;
let stranger: TlsRedisServer;

beforeAll(async () => {
  [plain, tls, stranger] = await Promise.all([
    startRedis(),
    startTlsRedis({ clientCertificates: true }),
    startTlsRedis(),
  ]);
});

afterAll(async () => {
  await Promise.all([plain.stop(), tls.stop(), stranger.stop()]);
});

async function refused(options: RedisStoreOptions): Promise<ObjectStoreException> {
  const error: unknown = await RedisStore.connect({ timeout: 2000, ...options }).then(
    async (store) => store.close(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ObjectStoreException);
  return error as ObjectStoreException;
}

describe('TLS', () => {
  it('rediss:// with a certificate of the client reaches the server', async () => {
    const { url, ca, cert, key } = tls;
    const store = await RedisStore.connect({ url, tls: { ca, cert, key } });
    await store.add({ obj: new Device({ name: 'a' }) });
    expect(store.address).toBe(`rediss://127.0.0.1:${tls.port}/0`);
    await store.clear();
    await store.close();
  });

  it('an authority that is not trusted, or none at all: STORE_TLS', async () => {
    expect((await refused({ url: tls.url, tls: { ca: stranger.ca } })).code).toBe('STORE_TLS');
    expect((await refused({ url: stranger.url })).code).toBe('STORE_TLS');
  });

  it('TLS to a plain port: an error by the deadline, for a server may wait for more of what it takes for a command', async () => {
    const { code } = await refused({ url: plain.url.replace('redis:', 'rediss:'), timeout: 500 });
    expect(code).toMatch(/^STORE_(TLS|TIMEOUT|UNAVAILABLE)$/);
  });

  it('no certificate of the client where the server asks for one, and no TLS where it speaks nothing else', async () => {
    const none = await refused({ url: tls.url, tls: { ca: tls.ca } });
    const unencrypted = await refused({ url: tls.url.replace('rediss:', 'redis:') });
    for (const { code } of [none, unencrypted]) expect(code).toMatch(/^STORE_(TLS|UNAVAILABLE|TIMEOUT)$/);
    expect(inspect([none, unencrypted], { depth: Infinity })).not.toContain('PRIVATE KEY');
  });
});

describe('a user of the server', () => {
  it.each([
    ['eval', '-eval -evalsha'],
    ['mget', '-mget'],
    ['smembers', '-smembers'],
    ['msetnx', '-msetnx'],
  ])('that may not run %s: STORE_PERMISSION, which names it', async (command, rights) => {
    const rules = LEAST_RIGHTS.filter((right) => !rights.includes(`-${right.slice(1)}`));
    const user = `no_${command}`;
    await call(plain, 'ACL', 'SETUSER', user, 'on', '>secret', ...rules);
    const options = { host: plain.host, port: plain.port, username: user, password: 'secret' };
    const work = async (): Promise<void> => {
      const store = await RedisStore.connect(options);
      try {
        await store.add({ obj: new Device({ name: 'a' }) });
        await store.find({ model: Device, uids: ['a', 'b'] });
      } finally {
        await store.close();
      }
    };
    const error = await work().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'STORE_PERMISSION', message: expect.stringContaining(command) as unknown });
    expect(inspect(error, { depth: Infinity })).not.toContain('secret');
  });
});
