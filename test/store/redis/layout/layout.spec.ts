// Not shared with other stores: how a store is kept in Redis, and what is refused because it is kept otherwise.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { DiffSyncModel, ObjectStoreException, ValueError } from '../../../../src/index.js';
import { RedisStore, type AnyRedisOptions, type RedisStoreOptions } from '../../../../src/store/redis/index.js';
import { startCluster, type RedisCluster } from '../../../support/redis-cluster.js';
import { startRedis, type RedisServer } from '../../../support/redis-server.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

class Rack extends DiffSyncModel.define({
  name: 'rack',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

const devices = (count: number, first = 0): Device[] =>
  Array.from({ length: count }, (_, at) => new Device({ name: `d${String(first + at).padStart(5, '0')}` }));

let server: RedisServer;
let redis: Redis;
let servers: RedisCluster;
let cluster: { nodes: RedisCluster['nodes'] };
let nodes: Cluster;

beforeAll(async () => {
  [server, servers] = await Promise.all([startRedis(), startCluster()]);
  cluster = { nodes: servers.nodes };
  redis = new Redis(server.url);
  nodes = new Cluster([...servers.nodes]);
});

afterAll(async () => {
  nodes.disconnect();
  redis.disconnect();
  await Promise.all([server.stop(), servers.stop()]);
});

const connect = (options: AnyRedisOptions): Promise<RedisStore> => {
  const address = options.cluster === undefined && options.client === undefined ? { url: server.url } : {};
  return RedisStore.connect({ ...address, ...options } as RedisStoreOptions);
};

const failure = (work: Promise<unknown>): Promise<ObjectStoreException> =>
  work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: ObjectStoreException) => error,
  );

async function clusterKeys(): Promise<string[]> {
  const keys = await Promise.all(nodes.nodes('master').map((node) => node.keys('*')));
  return keys.flat().toSorted();
}

const LOOKS = ['count', 'getAll', 'get', 'verify', 'repair', 'clear', 'add'] as const;

/** What a store says when it looks at what another one keeps, and how many objects that one then counts and gets. */
async function looks(
  store: RedisStore,
  mine: RedisStore,
  objs: readonly Device[],
): Promise<{ codes: string[]; counts: number[] }> {
  const uids = objs.map(({ name }) => name);
  const work: Record<(typeof LOOKS)[number], () => Promise<unknown>> = {
    count: () => store.count(),
    getAll: () => store.getAll({ model: Device }),
    get: () => store.find({ model: Device, uids }),
    verify: () => store.verify(),
    repair: () => store.verify({ repair: true }),
    clear: () => store.clear(),
    add: () => store.add({ obj: new Device({ name: 'more' }) }),
  };
  const codes: string[] = [];
  for (const look of LOOKS) codes.push((await failure(work[look]())).code);
  return { codes, counts: [await mine.count(), (await mine.getAll({ model: Device })).length] };
}

it('an object costs at most 130 bytes beside its key and its JSON text', async () => {
  const objs = devices(20_000);
  const used = async (): Promise<number> =>
    Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1] ?? Number.NaN);
  const grown = async (work: () => Promise<unknown>): Promise<number> => {
    await redis.flushall();
    const before = await used();
    await work();
    return (await used()) - before;
  };
  const store = await connect({ storeId: 'inv' });
  const ours = await grown(() => store.addMany({ objs }));
  const keys = objs.map(({ name }) => `diffsync:inv:device:${name}`);
  const texts = await redis.mget(keys);
  const bare = await grown(() => redis.mset(keys.flatMap((key, at) => [key, texts[at] as string])));
  expect(bare / objs.length).toBeGreaterThan(50);
  expect((ours - bare) / objs.length).toBeLessThanOrEqual(130);
  await store.clear();
  await store.close();
});

describe('on a cluster', () => {
  it("a model's objects, index and state share a slot, and the models spread", async () => {
    const store = await connect({ cluster, storeId: 'inv' });
    await store.addMany({ objs: devices(2) });
    expect(await clusterKeys()).toEqual([
      'diffsync.index:{inv:device}',
      'diffsync.models:inv',
      'diffsync.state:{inv:device}',
      'diffsync:{inv:device}:d00000',
      'diffsync:{inv:device}:d00001',
    ]);
    await store.clear();
    expect(await clusterKeys()).toEqual([]);
    await store.close();
  });

  it('a model in shards spreads over slots, keeps its order, and clear() leaves nothing', async () => {
    const store = await connect({ cluster, storeId: 'wide', shards: 4 });
    const objs = devices(2500).toReversed();
    await store.addMany({ objs: objs.slice(0, 1200) });
    for (const obj of objs.slice(1200, 1210)) await store.add({ obj });
    await store.addMany({ objs: objs.slice(1210) });
    const names = (await store.getAll({ model: Device })).map(({ name }) => name);
    expect(names).toEqual(objs.map(({ name }) => name));
    const sizes = await Promise.all([0, 1, 2, 3].map((shard) => nodes.zcard(`diffsync.index:{wide:device:${shard}}`)));
    expect(Math.min(...sizes)).toBeGreaterThan(500);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(2500);
    await store.clear();
    expect(await clusterKeys()).toEqual([]);
    await store.close();
  });

  it('single adds that are not awaited keep their order over the shards, also over several batches', async () => {
    const objs = devices(8);
    for (let round = 0; round < 20; round++) {
      const store = await connect({ cluster, storeId: `order${round}`, shards: 3 });
      const adding: Promise<void>[] = [];
      for (const obj of objs) {
        adding.push(store.add({ obj }));
        await new Promise(setImmediate);
      }
      await Promise.all(adding);
      const names = (await store.getAll({ model: Device })).map(({ name }) => name);
      expect(names).toEqual(objs.map(({ name }) => name));
      await store.clear();
      await store.close();
    }
  });

  it('equal objects of calls at the same time keep the order of these calls over the shards', async () => {
    const store = await connect({ cluster, storeId: 'racing', shards: 3 });
    const objs = devices(3000).toReversed();
    const some = objs.slice(0, 1000);
    await Promise.all([some, objs, objs, some].map((each) => store.addMany({ objs: each })));
    const names = (await store.getAll({ model: Device })).map(({ name }) => name);
    expect(names).toEqual(objs.map(({ name }) => name));
    await store.clear();
    await store.close();
  });

  it('a store opened with another number of shards is refused, before it reads or writes anything', async () => {
    const store = await connect({ cluster, storeId: 'wide', shards: 4 });
    const late = await connect({ cluster, storeId: 'wide' });
    await store.add({ obj: new Device({ name: 'a' }) });
    const error = await failure(connect({ cluster, storeId: 'wide', shards: 2 }));
    expect([error.code, error.message]).toEqual(['STORE_OTHER_LAYOUT', expect.stringContaining('1, 4 shards')]);
    expect((await failure(late.add({ obj: new Device({ name: 'b' }) }))).code).toBe('STORE_OTHER_LAYOUT');
    expect(await store.count()).toBe(1);
    await store.clear();
    await Promise.all([store.close(), late.close()]);
  });

  // Some of the objects are found in spite of another number of shards: those that are not must not count as gone.
  it.each<[mine: Partial<RedisStoreOptions>, others: Partial<RedisStoreOptions>]>([
    [{ shards: 4 }, { shards: 3 }],
    [{ shards: 3 }, {}],
    [{}, { shards: 3 }],
    [{ shards: 2, ttl: 60_000 }, { shards: 2 }],
  ])('what is kept with %j is refused, by a store that was open before with %j, to all that looks', async (...both) => {
    const [mine, others] = await Promise.all(both.map((each) => connect({ cluster, storeId: 'late', ...each })));
    const objs = devices(40);
    await (mine as RedisStore).addMany({ objs });
    const { codes, counts } = await looks(others as RedisStore, mine as RedisStore, [...objs, ...devices(1, 99)]);
    expect(codes).toEqual(LOOKS.map(() => 'STORE_OTHER_LAYOUT'));
    expect(counts).toEqual([40, 40]);
    await (mine as RedisStore).clear();
    expect(await clusterKeys()).toEqual([]);
    await Promise.all([mine?.close(), others?.close()]);
  });

  it("a cluster client of the user's own is used and never closed", async () => {
    const store = await connect({ client: nodes, storeId: 'own' });
    await store.add({ obj: new Device({ name: 'a' }) });
    await store.close();
    expect(await nodes.get('diffsync:{own:device}:a')).toContain('"a"');
    const again = await connect({ client: nodes, storeId: 'own' });
    await again.clear();
    await again.close();
  });
});

describe('the format', () => {
  it('of a newer version is refused by open(), and by a store that is open already', async () => {
    const open = await connect({ storeId: 'new' });
    await redis.sadd('diffsync.models:new', 'device');
    await redis.hset('diffsync.state:new:device', 'format', '3');
    const error = await failure(connect({ storeId: 'new' }));
    expect([error.code, error.message]).toEqual(['STORE_NEWER_FORMAT', expect.stringContaining('format 3')]);
    const refused = await failure(open.add({ obj: new Device({ name: 'a' }) }));
    expect(refused.code).toBe('STORE_NEWER_FORMAT');
    expect(await redis.exists('diffsync:new:device:a')).toBe(0);
    await redis.zadd('diffsync.index:new:device', 1, 'b');
    expect((await failure(open.count())).message).toContain('model "device" is kept in format 3');
    expect((await failure(open.getAll({ model: Device }))).code).toBe('STORE_NEWER_FORMAT');
    await open.close();
    await redis.flushall();
  });

  it('of a store written before formats were kept is taken for the first', async () => {
    await redis.sadd('diffsync.models:old', 'device');
    await redis.zadd('diffsync.index:old:device', 1, 'a');
    await redis.set('diffsync:old:device:a', '{"name":"a","role":"spine"}');
    const store = await connect({ storeId: 'old' });
    expect((await store.get({ model: Device, identifier: 'a' })).role).toBe('spine');
    await store.add({ obj: new Device({ name: 'b' }) });
    expect(await redis.hget('diffsync.state:old:device', 'format')).toBe('1');
    await store.clear();
    await store.close();
    expect(await redis.keys('*')).toEqual([]);
  });
});

describe('a ttl', () => {
  const expiries = async (): Promise<number[]> =>
    Promise.all((await redis.keys('diffsync*')).map((key) => redis.pexpiretime(key)));

  it('makes every key expire, the objects with their index or after it, whatever way they were written', async () => {
    const store = await connect({ storeId: 'brief', ttl: 60_000 });
    const before = Date.now();
    await store.addMany({ objs: devices(1200) });
    await store.add({ obj: new Device({ name: 'single' }) });
    await store.updateMany({ objs: devices(20, 1190) });
    await store.updateOrInstantiate({ model: Device, ids: { name: 'single' }, attrs: { role: 'spine' } });
    const index = await redis.pexpiretime('diffsync.index:brief:device');
    expect(index).toBeGreaterThanOrEqual(before + 60_000);
    expect(index).toBeLessThanOrEqual(Date.now() + 60_000);
    expect(Math.min(...(await expiries()))).toBe(index);
    await store.clear();
    await store.close();
  });

  it('is renewed while the store is used, and not when it is not used', async () => {
    const ttl = 1500;
    const [filled, left] = await Promise.all([connect({ storeId: 'used', ttl }), connect({ storeId: 'left', ttl })]);
    await Promise.all([filled.addMany({ objs: devices(1200) }), left.addMany({ objs: devices(10) })]);
    await filled.close();
    // There is no replica that a renewal could wait for.
    const used = await connect({ storeId: 'used', ttl, durability: { replicas: 1, timeout: 100 } });
    const gone = async (): Promise<boolean> => (await redis.exists('diffsync.index:left:device')) === 0;
    while (!(await gone())) {
      expect(await used.count({ model: Device })).toBe(1200);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await left.count()).toBe(0);
    expect(await left.getAll({ model: Device })).toEqual([]);
    expect(await used.getAll({ model: Device })).toHaveLength(1200);
    await redis.flushall();
    await Promise.all([used.close(), left.close()]);
  });

  it('is renewed when the store is opened and little is left; a shorter one of another process takes nothing away', async () => {
    const ttl = 60_000;
    const filled = await connect({ storeId: 'brief', ttl });
    await filled.addMany({ objs: devices(2100) });
    const keys = await redis.keys('diffsync*:brief*');
    for (const key of keys) await redis.pexpire(key, 15_000);
    await (await connect({ storeId: 'brief', ttl })).close();
    const renewed = Math.min(...(await expiries()));
    expect(renewed - Date.now()).toBeGreaterThan(50_000);
    const before = Math.min(...(await expiries()));
    await (await connect({ storeId: 'brief', ttl: 1000 })).close();
    expect(Math.min(...(await expiries()))).toBe(before);
    await filled.clear();
    await filled.close();
  });

  it('makes every key of a split model expire', async () => {
    const store = await connect({ cluster, storeId: 'brief', shards: 2, ttl: 60_000 });
    await store.addMany({ objs: devices(10) });
    const ttls = await Promise.all((await clusterKeys()).map((key) => nodes.pttl(key)));
    expect(ttls).toHaveLength(17);
    expect(Math.min(...ttls)).toBeGreaterThan(0);
    await store.clear();
    await store.close();
  });

  it('that ends while the store is used fails every read, and a scan that has begun; who comes later finds it empty', async () => {
    const store = await connect({ storeId: 'brief', ttl: 60_000 });
    await store.addMany({ objs: devices(3000) });
    const other = await connect({ storeId: 'brief', ttl: 60_000 });
    const pages = store.iterate({ model: Device, batchSize: 500 });
    await pages.next();
    // As the server does it: the state outlives the objects and their index.
    const keys = (await redis.keys('diffsync*:brief:*')).filter((key) => !key.startsWith('diffsync.state'));
    await redis.del(keys);
    const rest = async (): Promise<void> => {
      for await (const _ of pages);
    };
    const find = { model: Device, uids: ['d00000'] };
    for (const read of [rest(), store.count(), store.getAll({ model: Device }), store.find(find)]) {
      expect((await failure(read)).code).toBe('STORE_EXPIRED');
    }
    expect([await other.count(), await other.getAll({ model: Device }), await other.find(find)]).toEqual([
      0,
      [],
      [undefined],
    ]);
    await store.add({ obj: new Device({ name: 'again' }) });
    expect(await store.count()).toBe(1);
    await store.clear();
    await Promise.all([store.close(), other.close()]);
  });

  it('of another process never makes a store expire that has none, nor its names', async () => {
    const [lasting, brief] = await Promise.all([
      connect({ storeId: 'lasting' }),
      connect({ storeId: 'lasting', ttl: 1000 }),
    ]);
    await lasting.addMany({ objs: devices(10) });
    expect((await failure(brief.add({ obj: new Rack({ name: 'r' }) }))).code).toBe('STORE_OTHER_LAYOUT');
    // Its renewal comes after a third of its ttl.
    await new Promise((resolve) => setTimeout(resolve, 450));
    expect(new Set(await expiries())).toEqual(new Set([-1]));
    await lasting.clear();
    await Promise.all([lasting.close(), brief.close()]);
  });

  it('is part of the layout: without it the store is refused', async () => {
    const brief = await connect({ storeId: 'mixed', ttl: 60_000 });
    await brief.add({ obj: new Device({ name: 'a' }) });
    expect((await failure(connect({ storeId: 'mixed' }))).code).toBe('STORE_OTHER_LAYOUT');
    await brief.clear();
    await brief.close();
  });
});

describe('damage', () => {
  it('a key of another type fails every read, with the name of the key', async () => {
    const store = await connect({ storeId: 'hurt' });
    await store.addMany({ objs: devices(3) });
    await redis.del('diffsync:hurt:device:d00001');
    await redis.rpush('diffsync:hurt:device:d00001', 'mine');
    const reads = [
      store.getAll({ model: Device }),
      store.get({ model: Device, identifier: 'd00001' }),
      store.getByUids({ model: Device, uids: ['d00000', 'd00001'] }),
    ];
    for (const read of reads) {
      const error = await failure(read);
      expect([error.code, error.message]).toEqual([
        'STORE_WRONG_KEY_TYPE',
        expect.stringContaining('diffsync:hurt:device:d00001'),
      ]);
    }
    await redis.del('diffsync:hurt:device:d00001');
    expect((await failure(store.get({ model: Device, identifier: 'd00001' }))).code).toBe('STORE_CORRUPT');
    await store.close();
  });
});

describe('options', () => {
  const credentials = () => ({ password: 'p' });
  const nodesOf = [{ host: 'a', port: 1 }];
  it.each<[string, AnyRedisOptions]>([
    [`cluster: can't be specified together with "url"`, { url: 'redis://a', cluster: { nodes: nodesOf } }],
    [`db: can't be specified together with "cluster"`, { cluster: { nodes: nodesOf }, db: 1 }],
    [`tls: can't be specified together with "path"`, { path: '/a', tls: {} }],
    ['masterName: missing: "sentinels" watch masters by name', { sentinels: nodesOf }],
    ['masterName: goes with "sentinels" only', { masterName: 'a' }],
    ['shards: goes with a cluster only', { shards: 2 }],
    ['scaleReads: goes with a cluster only', { scaleReads: 'all' }],
    [`credentials: can't be specified together with "password"`, { password: 'p', credentials }],
    [
      `credentials: can't be specified together with a user name or password in "url"`,
      { url: 'redis://u@a', credentials },
    ],
    [
      `credentials: can't be specified together with "client"`,
      { client: new Redis({ lazyConnect: true }), credentials },
    ],
    ['credentials: not a function', { url: 'redis://a', credentials: 'geheim' as never }],
    ['port: Invalid input: expected number, received string; db: Too small', { host: 'a', port: '1' as never, db: -1 }],
    ['cluster.nodes', { cluster: { nodes: [] } }],
    ['durability.replicas', { durability: { replicas: 0 } }],
    ['ttl', { ttl: 10 }],
    ['keyPrefix', { client: new Cluster(nodesOf, { lazyConnect: true, keyPrefix: 'mine:' }) }],
    ['keyPrefix', { client: new Cluster(nodesOf, { lazyConnect: true, redisOptions: { keyPrefix: 'mine:' } }) }],
    ['stringNumbers', { client: new Cluster(nodesOf, { lazyConnect: true, redisOptions: { stringNumbers: true } }) }],
  ])('%s', (message, options) => {
    const make = (): RedisStore => new RedisStore(options as RedisStoreOptions);
    expect(make).toThrow(ValueError);
    expect(make).toThrow(message);
  });
});
