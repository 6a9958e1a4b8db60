// Not shared with other stores: keys, commands, connections and errors are Redis's own.
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { z } from 'zod';
import {
  Adapter,
  type CreateContext,
  DiffSyncModel,
  LocalStore,
  ObjectStoreException,
  ValueError,
} from '../../../src/index.js';
import { RedisStore, type RedisSharedOptions, type RedisStoreOptions } from '../../../src/store/redis/index.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

const devices = (count: number): Device[] =>
  Array.from({ length: count }, (_, at) => new Device({ name: `d${String(at).padStart(5, '0')}` }));

let server: RedisServer;
let redis: Redis;
const open: RedisStore[] = [];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});

afterEach(async () => {
  for (const store of open.splice(0)) if (store.isOpen) await store.close();
  await redis.flushall();
});

afterAll(async () => {
  await redis.quit();
  await server.stop();
});

async function connect(options: RedisSharedOptions = {}): Promise<RedisStore> {
  const store = await RedisStore.connect({ url: server.url, storeId: 'inv', ...options });
  open.push(store);
  return store;
}

/** How often each command was called while `work` ran, without those that a connection or a test calls. */
async function calls(work: () => Promise<unknown>): Promise<Record<string, number>> {
  await redis.config('RESETSTAT');
  await work();
  const stats = await redis.info('commandstats');
  const counts = [...stats.matchAll(/cmdstat_([^:|]+)[^:]*:calls=(\d+)/g)].map(([, name, count]) => [
    name,
    Number(count),
  ]);
  const { config, info, ...rest } = Object.fromEntries(counts) as Record<string, number>;
  void [config, info];
  return rest;
}

/** The first call of a script after a start of the server is an EVAL. */
const scripts = ({ eval: first = 0, evalsha = 0 }: Record<string, number>): number => first + evalsha;

async function failure(work: Promise<unknown>): Promise<ObjectStoreException> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ObjectStoreException);
  return error as ObjectStoreException;
}

describe('keys', () => {
  it('an object is readable JSON at diffsync:<store id>:<model>:<unique id>, its score in a sorted set beside', async () => {
    const store = await connect();
    await store.addMany({ objs: [new Device({ name: 'b:1', role: 'spine' }), new Device({ name: 'a' })] });
    expect((await redis.keys('*')).toSorted()).toEqual([
      'diffsync.index:inv:device',
      'diffsync.models:inv',
      'diffsync.state:inv:device',
      'diffsync:inv:device:a',
      'diffsync:inv:device:b:1',
    ]);
    expect(await redis.get('diffsync:inv:device:b:1')).toBe('{"name":"b:1","role":"spine"}');
    expect(await redis.zrange('diffsync.index:inv:device', '0', '-1')).toEqual(['b:1', 'a']);
    expect(await redis.smembers('diffsync.models:inv')).toEqual(['device']);
  });

  it('clear() leaves no key of the store, and all of another', async () => {
    const store = await connect();
    const other = await connect({ storeId: 'inv2' });
    await store.addMany({ objs: devices(1200) });
    await other.add({ obj: new Device({ name: 'kept' }) });
    await store.clear();
    expect((await redis.keys('*')).toSorted()).toEqual([
      'diffsync.index:inv2:device',
      'diffsync.models:inv2',
      'diffsync.state:inv2:device',
      'diffsync:inv2:device:kept',
    ]);
  });

  it('the default store id is a random UUID', () => {
    const [a, b] = [new RedisStore({ url: server.url }), new RedisStore({ url: server.url })];
    expect(a.storeId).toMatch(/^[0-9a-f-]{36}$/);
    expect(a.storeId).not.toBe(b.storeId);
  });
});

describe('commands', () => {
  it('count() and getAllModelNames() call the same few commands beside 100,000 foreign keys as alone', async () => {
    const store = await connect();
    await store.addMany({ objs: devices(3) });
    const ask = (): Promise<Record<string, number>> =>
      calls(async () => {
        expect(await store.count()).toBe(3);
        expect(await store.count({ model: Device })).toBe(3);
        expect(await store.getAllModelNames()).toEqual(['device']);
      });
    await ask(); // The server keeps the script from now on.
    const alone = await ask();
    for (let at = 0; at < 100_000; at += 10_000) {
      await redis.mset(new Map(Array.from({ length: 10_000 }, (_, n) => [`diffsync:foreign:device:${at + n}`, '{}'])));
    }
    expect(await ask()).toEqual(alone);
    expect(scripts(alone)).toBe(2);
    expect(alone).toMatchObject({ smembers: 2, zcard: 3 });
  });

  it('addMany() of 1,200 objects is three atomic commands, and a read of all of them never one command an object', async () => {
    const store = await connect();
    const written = await calls(() => store.addMany({ objs: devices(1200) }));
    expect(scripts(written)).toBe(3);
    const read = await calls(async () => expect(await store.getAll({ model: Device })).toHaveLength(1200));
    expect(scripts(read)).toBe(1);
    expect(read).toMatchObject({ multi: 2, sort_ro: 2, exec: 2 });
  });

  it('addMany() of 1,200 objects of which one cannot be stored writes none', async () => {
    const store = await connect();
    const objs = devices(1200);
    const odd = objs[1199] as Device;
    for (const role of [Symbol('role'), 'x'.repeat(500)]) {
      const limited = await connect({ maxObjectBytes: 400 });
      const wrong = Object.assign(odd, { role });
      await expect(limited.addMany({ objs: [...objs.slice(0, 1199), wrong] })).rejects.toThrow(ValueError);
    }
    expect(await store.count()).toBe(0);
  });

  it('large objects go in chunks of about 256 KiB', async () => {
    const store = await connect();
    const objs = Array.from({ length: 10 }, (_, at) => new Device({ name: `d${at}`, role: 'x'.repeat(100_000) }));
    expect(scripts(await calls(() => store.addMany({ objs })))).toBe(5);
    expect(await store.count()).toBe(10);
  });

  it('survives SCRIPT FLUSH', async () => {
    const store = await connect();
    await store.add({ obj: new Device({ name: 'a' }) });
    await redis.script('FLUSH');
    await store.add({ obj: new Device({ name: 'b' }) });
    expect(await store.count()).toBe(2);
  });
});

describe('damage', () => {
  it('getAll() and iterate() of an object whose key is gone reject with STORE_CORRUPT naming it', async () => {
    const store = await connect();
    await store.addMany({ objs: devices(3) });
    await redis.del('diffsync:inv:device:d00001');
    const error = await failure(store.getAll({ model: Device }));
    expect(error.code).toBe('STORE_CORRUPT');
    expect(error.message).toContain('device "d00001"');
    expect(await redis.zcard('diffsync.index:inv:device')).toBe(3);
  });

  it('get() of a value that is no object rejects with STORE_CORRUPT naming the key, not the value', async () => {
    const store = await connect();
    for (const text of ['{"name":', 'null', '[]', '7', '{"$diffsync":"future","v":1}', '\u0080pickle-secret']) {
      await redis.set('diffsync:inv:device:a', text);
      const error = await failure(store.get({ model: Device, identifier: 'a' }));
      expect(error.code).toBe('STORE_CORRUPT');
      expect(error.message).toContain('diffsync:inv:device:a');
      expect(error.message).not.toContain('pickle');
    }
  });

  it('add() and update() over a key of another type reject with STORE_WRONG_KEY_TYPE and leave it alone', async () => {
    const store = await connect();
    await redis.rpush('diffsync:inv:device:a', 'mine');
    const objs = [new Device({ name: 'b' }), new Device({ name: 'a' })];
    expect((await failure(store.addMany({ objs }))).code).toBe('STORE_WRONG_KEY_TYPE');
    expect((await failure(store.updateMany({ objs }))).code).toBe('STORE_WRONG_KEY_TYPE');
    expect(await redis.lrange('diffsync:inv:device:a', 0, -1)).toEqual(['mine']);
    expect(await redis.exists('diffsync:inv:device:b')).toBe(0);
  });
});

describe('options', () => {
  it.each([
    [{ url: 'redis://a', host: 'b' }, `host: can't be specified together with "url"`],
    [{ url: 'redis://a', port: 1 }, `port: can't be specified together with "url"`],
    [{ url: 'http://:geheim@a' }, 'url: not a redis:// or rediss:// URL'],
    [{ url: 'redis://:geheim@a/x' }, 'the path is not the number of a database'],
    [{ db: -1 }, 'db: '],
    [{ db: Number.NaN }, 'db: '],
    [{ port: 70_000 }, 'port: '],
    [{ storeId: 'a:b' }, 'storeId is not allowed'],
    [{ clinet: 1 }, 'clinet: no such option'],
    [{ client: {} }, 'client: not an ioredis client'],
    [{ url: 'redis://:100%geheim@a' }, 'not percent-encoded'],
    [{ url: 'redis://a/1?db=2' }, 'nothing may follow'],
    [{ client: { options: { stringNumbers: true }, defineCommand() {} } }, 'client: has stringNumbers'],
    [{ client: { options: { replyMapping: 'resp3' }, defineCommand() {} } }, 'or a replyMapping'],
  ])('new RedisStore(%j) throws a ValueError that says which', (options, message) => {
    const make = (): RedisStore => new RedisStore(options as RedisStoreOptions);
    expect(make).toThrow(ValueError);
    expect(make).toThrow(message);
    expect(make).not.toThrow('geheim');
  });

  it('a client with a keyPrefix is refused, for scripts would not see it', () => {
    const client = new Redis({ lazyConnect: true, keyPrefix: 'mine:' });
    expect(() => new RedisStore({ client })).toThrow('keyPrefix');
  });

  it('host, port, db, password and user name are those of the url, decoded', async () => {
    const guarded = await startRedis({ password: 'ge:h@im' });
    try {
      const url = `redis://default:${encodeURIComponent('ge:h@im')}@127.0.0.1:${guarded.port}/3`;
      const store = await RedisStore.connect({ url });
      await store.add({ obj: new Device({ name: 'a' }) });
      expect(store.address).toBe(`redis://127.0.0.1:${guarded.port}/3`);
      const same = await RedisStore.connect({
        host: '127.0.0.1',
        port: guarded.port,
        db: 3,
        password: 'ge:h@im',
        storeId: store.storeId,
      });
      expect(await same.count()).toBe(1);
      await store.close();
      await same.close();
    } finally {
      await guarded.stop();
    }
  });
});

describe('two processes', () => {
  it('clear() beside another that adds never hides what it added', async () => {
    const [mine, other] = [await connect(), await connect()];
    for (let round = 0; round < 20; round++) {
      await mine.addMany({ objs: devices(30) });
      await Promise.all([mine.clear(), other.add({ obj: new Device({ name: `late${round}` }) })]);
      const there = await other.count({ model: Device });
      expect(await mine.count()).toBe(there);
      await mine.clear();
      expect(await redis.keys('*')).toEqual([]);
    }
  });

  it('getAll() beside another that removes and adds again gives no object twice, and ends', async () => {
    const [mine, other] = [await connect(), await connect()];
    const objs = devices(3000);
    await mine.addMany({ objs });
    const reading = mine.getAll({ model: Device });
    for (let round = 0; round < 5; round++) {
      await other.removeMany({ objs: objs.slice(0, 50) });
      await other.addMany({ objs: objs.slice(0, 50) });
    }
    const names = (await reading).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    let seen = 0;
    for await (const { name } of mine.iterate({ model: Device })) {
      if (seen++ < 5000) await other.add({ obj: new Device({ name: `${name}+` }) });
    }
    expect(seen).toBe(3000);
  });
});

describe('connections', () => {
  const clients = async (): Promise<number> =>
    String(await redis.client('LIST'))
      .trim()
      .split('\n').length;

  it('scoped stores share one connection, which closes with the last of them', async () => {
    const before = await clients();
    const root = await connect();
    const scoped = root.scope({ storeId: 'inv.a', name: 'a' });
    await scoped.open();
    expect(await clients()).toBe(before + 1);
    await root.close();
    await scoped.add({ obj: new Device({ name: 'a' }) });
    expect(await scoped.count()).toBe(1);
    await scoped.close();
    expect(await clients()).toBe(before);
  });

  it("a client of the user's own is used and never closed", async () => {
    const client = new Redis(server.url);
    await client.ping();
    const listeners = (): number[] =>
      ['error', 'ready', 'close', 'end', '-node'].map((event) => client.listenerCount(event));
    const before = listeners();
    const store = await RedisStore.connect({ client, storeId: 'inv', durability: { replicas: 1, timeout: 1 } });
    expect((await failure(store.add({ obj: new Device({ name: 'a' }) }))).code).toBe('STORE_NOT_REPLICATED');
    expect(listeners()).not.toEqual(before);
    await store.close();
    expect(await client.get('diffsync:inv:device:a')).toContain('"a"');
    expect(listeners()).toEqual(before);
    await client.quit();
  });

  it('close() lets running operations end, refuses later ones, and loses no child link', async () => {
    const store = await connect();
    const adding = store.addMany({ objs: devices(20_000) });
    const closing = store.close();
    expect((await failure(store.count())).code).toBe('STORE_CLOSED');
    await Promise.all([adding, closing]);
    expect(await redis.zcard('diffsync.index:inv:device')).toBe(20_000);
    const reopening = store.open();
    await reopening;
    await Promise.all([store.close(), store.open()]);
    expect(await store.count()).toBe(20_000);
  });

  it('a closed store can be opened again', async () => {
    const store = await connect();
    await store.add({ obj: new Device({ name: 'a' }) });
    await store.close();
    await store.open();
    expect(await store.count()).toBe(1);
  });
});

describe('failures', () => {
  it('open() where no server listens rejects with STORE_UNAVAILABLE: store, address and cause, no password', async () => {
    const gone = await startRedis();
    await gone.stop();
    const store = new RedisStore({ url: `redis://:geheim@127.0.0.1:${gone.port}/0`, storeId: 'inv' });
    const error = await failure(store.open());
    expect(error.code).toBe('STORE_UNAVAILABLE');
    expect(error.message).toContain(`RedisStore (inv) at redis://127.0.0.1:${gone.port}/0`);
    expect(inspect(error.cause)).toContain('ECONNREFUSED');
    expect(inspect(error, { depth: Infinity })).not.toContain('geheim');
    expect(inspect(store, { depth: Infinity })).not.toContain('geheim');
  });

  it('open() with a wrong or missing password rejects with STORE_AUTH and tells neither', async () => {
    const guarded = await startRedis({ password: 'geheim' });
    try {
      for (const secret of ['falsch', '']) {
        const auth = secret === '' ? '' : `:${secret}@`;
        const error = await failure(RedisStore.connect({ url: `redis://${auth}127.0.0.1:${guarded.port}` }));
        expect(error.code).toBe('STORE_AUTH');
        expect(inspect(error, { depth: Infinity })).not.toMatch(/geheim|falsch/);
      }
    } finally {
      await guarded.stop();
    }
  });

  it('open() of a database that the server does not have rejects with STORE_WRONG_DATABASE', async () => {
    expect((await failure(RedisStore.connect({ url: `${server.url.replace(/\/\d*$/, '')}/99` }))).code).toBe(
      'STORE_WRONG_DATABASE',
    );
  });

  it('a frozen server: reads reject with STORE_TIMEOUT, writes with STORE_OUTCOME_UNKNOWN; later all works again', async () => {
    const frozen = await startRedis();
    try {
      const store = await RedisStore.connect({ url: frozen.url, timeout: 3000 });
      await frozen.pause();
      const [read, write] = await Promise.all([
        failure(store.count({ model: Device })),
        failure(store.add({ obj: new Device({ name: 'a' }) })),
      ]);
      expect([read.code, write.code]).toEqual(['STORE_TIMEOUT', 'STORE_OUTCOME_UNKNOWN']);
      frozen.resume();
      await store.update({ obj: new Device({ name: 'b' }) });
      expect(await store.get({ model: Device, identifier: 'b' })).toBeInstanceOf(Device);
      await store.close();
    } finally {
      await frozen.stop();
    }
  });

  it('an outage: every operation, close() too, ends within its deadline, with the reason and no listener left', async () => {
    const lost = await startRedis();
    const store = await RedisStore.connect({ url: lost.url, timeout: 3000 });
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    await lost.stop();
    const errors = await Promise.all(Array.from({ length: 20 }, () => failure(store.count({ model: Device }))));
    for (const error of errors) {
      expect(error.code).toBe('STORE_UNAVAILABLE');
      expect(inspect(error.cause)).toContain('ECONNREFUSED');
    }
    expect((await failure(store.add({ obj: new Device({ name: 'a' }) }))).code).toBe('STORE_UNAVAILABLE');
    await store.close();
    process.off('warning', warned);
    expect(warnings).toEqual([]);
  });

  it('a client of your own for a database that the server does not have is refused too', async () => {
    const client = new Redis(`${server.url.replace(/\/\d*$/, '')}/99`);
    client.on('error', () => undefined);
    const error = await failure(RedisStore.connect({ client }));
    expect(error.code).toBe('STORE_WRONG_DATABASE');
    client.disconnect();
  });

  it('a server that is at its maxmemory: STORE_OUT_OF_MEMORY, nothing stored', async () => {
    const full = await startRedis({ args: ['--maxmemory', '1'] });
    try {
      const store = await RedisStore.connect({ url: full.url });
      expect((await failure(store.add({ obj: new Device({ name: 'a' }) }))).code).toBe('STORE_OUT_OF_MEMORY');
      expect(await store.count()).toBe(0);
      await store.close();
    } finally {
      await full.stop();
    }
  });
});

it('a sync that fails, and cannot save what it did before, says so with the code of the store', async () => {
  const own = await startRedis();
  let hooks = 0;
  class Port extends Device {
    static override async create(context: CreateContext<{ name: string }, { role?: string }>) {
      if (++hooks === 1) return super.create(context);
      own.kill('SIGKILL');
      await own.ended();
      throw new Error('the hook failed');
    }
  }
  class Flat extends Adapter {
    static override models = [Port];
    static override topLevel = ['device'];
  }
  const store = await RedisStore.connect({ url: own.url, storeId: 'inv', timeout: 3000 });
  const [source, target] = [new Flat({ store: new LocalStore() }), new Flat({ store })];
  for (const name of ['a', 'b']) await source.add(new Port({ name }));
  const error = await target.syncFrom(source).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ObjectStoreException);
  expect(error).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(/could not be saved.*the hook failed.*ECONNREFUSED/) as unknown,
  });
  await store.close().catch(() => undefined);
  await own.stop();
});
