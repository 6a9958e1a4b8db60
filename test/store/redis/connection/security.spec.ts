// TLS, users of the server, and what is refused before anything is sent.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, DiffSyncModel, ObjectStoreException } from '../../../../src/index.js';
import { RedisStore, type RedisStoreOptions } from '../../../../src/store/redis/index.js';
import { call } from '../../../support/redis-client.js';
import { startCluster } from '../../../support/redis-cluster.js';
import { startRedis, type RedisServer } from '../../../support/redis-server.js';
import { startTlsRedis, tlsFiles, type TlsRedisServer } from '../../../support/redis-tls.js';
import { LEAST_RIGHTS } from '../../../support/stores.js';

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}
class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}
class Devices extends Adapter {
  static override readonly models = [Site, Device];
  static override readonly topLevel = ['site', 'device'];
}

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

  it('TLS to a plain port, where the server waits for more of what it takes for a command: the time-out says so', async () => {
    const options = { url: plain.url.replace('redis:', 'rediss:'), timeout: 3000 };
    expect(await refused(options)).toMatchObject({
      code: 'STORE_TIMEOUT',
      message: expect.stringContaining('a server that does not speak TLS') as unknown,
    });
    await plain.pause();
    const { message } = await refused({ url: plain.url, timeout: 3000 });
    plain.resume();
    expect(message).not.toContain('TLS');
  });

  it('TLS to a server that answers with anything else: STORE_TLS, at once', async () => {
    let connections = 0;
    const speaker = createServer((socket) => {
      connections++;
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('-ERR Protocol error: too big inline request\r\n'));
    }).listen(0, '127.0.0.1');
    await once(speaker, 'listening');
    const { port } = speaker.address() as AddressInfo;
    try {
      expect((await refused({ url: `rediss://127.0.0.1:${port}` })).code).toBe('STORE_TLS');
      expect(connections).toBe(1);
    } finally {
      speaker.close();
    }
  });

  it('a cluster is reached by TLS, node by node: STORE_TLS where its authority is not the one that is trusted', async () => {
    const files = await tlsFiles();
    const cluster = await startCluster({ replicas: 0, tls: files });
    const options = { cluster: { nodes: cluster.nodes }, tls: { ca: files.ca } };
    try {
      const [store, other] = await Promise.all([RedisStore.connect(options), RedisStore.connect(options)]);
      const [source, target] = [new Devices({ store }), new Devices({ store: other })];
      const objs = Array.from({ length: 20 }, (_, at) => new Device({ name: `d${at}`, role: `${at}` }));
      await store.addMany({ objs: [...objs, new Site({ name: 's' })] });
      await other.addMany({ objs: objs.slice(1).map(({ name }) => new Device({ name, role: 'other' })) });
      await store.update({ obj: new Device({ name: 'd1', role: 'other' }) });
      await store.remove({ obj: new Device({ name: 'd2' }) });
      const names = (await store.getAll({ model: Device })).map(({ name }) => name);
      expect(names).toEqual(objs.map(({ name }) => name).filter((name) => name !== 'd2'));
      const diff = await target.diffFrom(source);
      expect(diff.summary()).toMatchObject({ create: 2, update: 17, delete: 1, 'no-change': 1 });
      await target.syncFrom(source, { diff });
      expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
      expect((await refused({ ...options, tls: { ca: stranger.ca } })).code).toBe('STORE_TLS');
      for (const each of [store, other]) {
        await each.clear();
        await each.close();
      }
    } finally {
      await cluster.stop();
    }
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
