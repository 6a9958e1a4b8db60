// Not in the contract suite: how a store is damaged is its own business.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { LocalStore, ObjectStoreException, type ModelRecord, type StoreReport } from '../../../../src/index.js';
import { RedisStore } from '../../../../src/store/redis/index.js';
import { RedisKeys } from '../../../../src/store/redis/layout/keys.js';
import { Box, Device, devices, Site } from '../../../../src/testing/contract/models.js';
import { call } from '../../../support/redis-client.js';
import { startCluster, type RedisCluster } from '../../../support/redis-cluster.js';
import { startRedis, type RedisServer } from '../../../support/redis-server.js';
import { stores } from '../../../support/stores.js';

const NOTHING = {
  dangling: 0,
  unindexed: 0,
  misplaced: 0,
  'wrong-type': 0,
  undecodable: 0,
  miscounted: 0,
  unnamed: 0,
  unlisted: 0,
  'dangling-link': 0,
};
const clean = (objects: number): object => ({ clean: true, objects, found: 0, repaired: 0, counts: NOTHING });

/** Kind -> the unique ids, or keys, at which it was found. */
const found = ({ problems }: StoreReport): Record<string, string[]> => {
  const byKind: Record<string, string[]> = {};
  for (const { kind, uniqueId, at, model } of problems) (byKind[kind] ??= []).push(uniqueId ?? at ?? model ?? '');
  for (const each of Object.values(byKind)) each.sort();
  return byKind;
};

describe.each(stores)('verify() of $name', ({ open, close }) => {
  it('finds nothing wrong after writes of every kind, nor beside them', async () => {
    const store = await open();
    try {
      expect(await store.verify()).toMatchObject(clean(0));
      await store.addMany({ objs: [...devices(1200), new Site({ name: 's:*?[a]\n\u0000\u{1F600}\uFFFD' })] });
      await store.removeMany({ objs: devices(300) });
      await store.updateMany({ objs: devices(100) });
      await store.updateOrInstantiate({ model: Box, ids: { id: '' }, attrs: { value: new Map([[1n, undefined]]) } });
      const writing = Promise.all([store.removeMany({ objs: devices(900) }).catch(() => undefined), store.verify()]);
      expect((await writing)[1]).toMatchObject({ clean: true, found: 0 });
      await store.addMany({ objs: devices(50) });
      expect(await store.verify({ repair: true })).toMatchObject(clean(352));
      expect(await store.count()).toBe(352);
    } finally {
      await close(store);
    }
  });
});

describe('verify() while others write', () => {
  it('does not report a model that gets its first objects meanwhile', async () => {
    const server = await startRedis();
    const [one, two] = await Promise.all([1, 2].map(() => RedisStore.connect({ url: server.url, storeId: 'shared' })));
    const redis = new Redis(server.url);
    try {
      // The scan takes a while, so that it meets what is written after it began.
      for (let at = 0; at < 50_000; at += 10_000) {
        await redis.mset(Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`other:${at + n}`, ''])));
      }
      const monitor = await redis.monitor();
      const scanning = new Promise<void>((resolve) => {
        monitor.on('monitor', (_time: string, [name]: string[]) => name?.toLowerCase() === 'scan' && resolve());
      });
      const report = one?.verify();
      await scanning;
      await two?.addMany({ objs: devices(500) });
      expect(await report).toMatchObject({ clean: true, counts: NOTHING });
      monitor.disconnect();
    } finally {
      redis.disconnect();
      await Promise.all([one?.close(), two?.close()]);
      await server.stop();
    }
  });
});

describe('verify() of a store without an index', () => {
  it('tells of records that are no objects of their model', async () => {
    class Damaged extends LocalStore {
      protected override readonly capabilities = {};
      protected override async *scanRecords(model: string): AsyncGenerator<ModelRecord[]> {
        if (model === 'site') throw new ObjectStoreException('site "s" is no stored object', { code: 'STORE_CORRUPT' });
        yield [
          { uid: 'r0', data: { name: 'r0' } },
          { uid: 'r1', data: { name: 'other' } },
        ];
      }
    }
    const store = new Damaged();
    await store.addMany({ objs: [...devices(2), new Site({ name: 's' })] });
    const report = await store.verify({ repair: true });
    expect(report).toMatchObject({ clean: false, objects: 1, found: 2, repaired: 0 });
    expect(report.problems).toEqual([
      {
        kind: 'undecodable',
        model: 'device',
        uniqueId: 'r1',
        reason: 'has identifiers of another unique id',
        repaired: false,
      },
      { kind: 'undecodable', model: 'site', reason: 'site "s" is no stored object', repaired: false },
    ]);
  });
});

describe('verify() of a RedisStore', () => {
  let server: RedisServer;
  let redis: Redis;

  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
  });

  afterAll(async () => {
    await redis.quit();
    await server.stop();
  });

  /** On a store of its own, which is emptied; all that is left of it is a failure. */
  async function onStore(work: (store: RedisStore, key: (kind: string, rest?: string) => string) => Promise<void>) {
    const store = await RedisStore.connect({ url: server.url, storeId: 'a*[b]?\\' });
    try {
      await work(store, (kind, rest = '') => `diffsync${kind}:${store.storeId}${rest}`);
      await store.clear();
      expect(await redis.keys('*')).toEqual([]);
    } finally {
      await redis.flushall();
      await store.close();
    }
  }

  it('tells of all that is wrong, repairs it on request but for values, and finds the rest again', async () => {
    await onStore(async (store, key) => {
      await store.addMany({ objs: [...devices(8), new Site({ name: 's' })] });
      await redis.del(key('', ':device:r1'));
      await redis.zrem(key('.index', ':device'), 'r2');
      await redis.del(key('', ':device:r3'));
      await redis.rpush(key('', ':device:r3'), 'x');
      await redis.rpush(key('', ':device:foreign'), 'x');
      await redis.set(key('', ':device:r4'), '{"name":"r4","interfaces":"not a list"}');
      await redis.set(key('', ':device:r5'), '{"na');
      await redis.set(key('', ':device:r6'), Buffer.from('{"name":"r6","role":"\xff"}', 'latin1'));
      await redis.srem(key('.models'), 'site');
      await redis.sadd(key('.models'), 'not a name');
      await redis.set(Buffer.from(`${key('', ':device:')}\xff`, 'latin1'), '{}');
      await redis.zadd(key('.index', ':device'), 1000, Buffer.from([0xfe]));

      const wrong = {
        dangling: ['r1'],
        unindexed: ['r2'],
        'wrong-type': [key('.models'), 'foreign', 'r3', '\uFFFD', '\uFFFD'],
        undecodable: ['r4', 'r5', 'r6'],
        unnamed: [key('.models')],
      };
      const before = await store.verify();
      expect(found(before)).toEqual({ ...wrong, 'wrong-type': wrong['wrong-type'].toSorted() });
      expect(before).toMatchObject({ clean: false, objects: 3, found: 11, repaired: 0 });
      expect(before.problems.filter(({ uniqueId }) => uniqueId === 'r5')).toEqual([
        {
          kind: 'undecodable',
          model: 'device',
          uniqueId: 'r5',
          at: key('', ':device:r5'),
          reason: 'not JSON',
          repaired: false,
        },
      ]);
      expect(found(await store.verify())).toEqual(found(before));

      expect(await store.verify({ repair: true })).toMatchObject({ clean: false, found: 11, repaired: 8 });
      const after = await store.verify();
      expect(found(after)).toEqual({ undecodable: ['r4', 'r5', 'r6'] });
      await store.update({ obj: new Device({ name: 'r4' }) });
      await store.removeMany({ objs: ['r5', 'r6'].map((name) => new Device({ name })) });
      expect(await store.verify()).toMatchObject(clean(5));
      const order = (await store.getAll({ model: Device })).map(({ name }) => name);
      expect(order).toEqual(['r0', 'r4', 'r7', 'r2']);
    });
  });

  it('skips nothing where many scores go, or are equal', async () => {
    await onStore(async (store, key) => {
      await store.addMany({ objs: devices(2100) });
      // Where pages of the index end, and begin.
      const gone = [498, 499, 500, 501, 998, 999, 1000, 1499, 1500];
      await redis.del(gone.map((at) => key('', `:device:r${at}`)));
      await redis.zadd(key('.index', ':device'), ...devices(700).flatMap(({ name }) => ['7', name]));
      const misplaced = 699 - gone.filter((at) => at < 700).length;
      expect((await store.verify()).counts).toEqual({ ...NOTHING, dangling: 9, misplaced });
      expect((await store.verify({ repair: true })).counts).toEqual({ ...NOTHING, dangling: 9, misplaced });
      expect(await store.verify()).toMatchObject(clean(2091));
      expect(await store.getAll({ model: Device })).toHaveLength(2091);
    });
  });

  it('moves objects that share a score, or have no valid one, to the end', async () => {
    await onStore(async (store, key) => {
      await store.addMany({ objs: devices(6) });
      await redis.zadd(key('.index', ':device'), 1, 'r1', '2.5', 'r2', 'inf', 'r3', '-inf', 'r4');
      expect(found(await store.verify())).toEqual({ misplaced: ['r1', 'r2', 'r3', 'r4'] });
      expect(await store.verify({ repair: true })).toMatchObject({ clean: true, objects: 6, repaired: 4 });
      expect(await store.verify()).toMatchObject(clean(6));
      await store.add({ obj: new Device({ name: 'new' }) });
      const order = (await store.getAll({ model: Device })).map(({ name }) => name);
      expect([order[0], order[1], order.at(-1)]).toEqual(['r0', 'r5', 'new']);
      expect(order.toSorted()).toEqual(['new', 'r0', 'r1', 'r2', 'r3', 'r4', 'r5']);
    });
  });

  it.each(['.index', '.state', '.models'])(
    'repairs a key diffsync%s of another type, without which the store opens and fails with STORE_WRONG_KEY_TYPE',
    async (kind) => {
      await onStore(async (store, key) => {
        await store.addMany({ objs: devices(3) });
        const at = key(kind, kind === '.models' ? '' : ':device');
        await redis.del(at);
        await redis.set(at, 'x');
        const other = await RedisStore.connect({ url: server.url, storeId: store.storeId });
        await expect(other.add({ obj: new Device({ name: 'new' }) })).rejects.toMatchObject({
          code: 'STORE_WRONG_KEY_TYPE',
          message: expect.stringContaining('verify()'),
        });
        expect(await redis.exists(key('', ':device:new'))).toBe(0);
        expect(found(await other.verify())['wrong-type']).toEqual([at]);
        expect((await other.verify({ repair: true })).clean).toBe(true);
        await other.add({ obj: new Device({ name: 'new' }) });
        expect(await other.verify()).toMatchObject(clean(4));
        await other.close();
      });
    },
  );

  it('of a model whose index is gone, which all reads and writes refuse, makes a new one of the objects', async () => {
    await onStore(async (store, key) => {
      await store.addMany({ objs: [...devices(3), new Site({ name: 's' })] });
      await redis.del(key('.index', ':device'), key('', ':device:r0'));
      const calls: Record<string, () => Promise<unknown>> = {
        get: () => store.get({ model: Device, identifier: 'r0' }),
        getAll: () => store.getAll({ model: Device }),
        'count of the model': () => store.count({ model: Device }),
        count: () => store.count(),
        getAllModelNames: () => store.getAllModelNames(),
        iterate: async () => {
          for await (const _ of store.iterate({ model: Device })) break;
        },
        add: () => store.add({ obj: new Device({ name: 'r9' }) }),
        update: () => store.update({ obj: new Device({ name: 'r9' }) }),
        remove: () => store.remove({ obj: new Device({ name: 'r1' }) }),
      };
      const codes: Record<string, unknown> = {};
      for (const [name, work] of Object.entries(calls)) {
        codes[name] = await work().then(
          () => 'done',
          (error: ObjectStoreException) => [error.code, error.message.includes('verify()')],
        );
      }
      expect(codes).toEqual(Object.fromEntries(Object.keys(calls).map((name) => [name, ['STORE_CORRUPT', true]])));
      expect((await store.get({ model: Device, identifier: 'r1' })).name).toBe('r1');
      expect(found(await store.verify())).toEqual({ dangling: [key('.index', ':device')], unindexed: ['r1', 'r2'] });
      expect((await store.verify({ repair: true })).clean).toBe(true);
      expect(await store.verify()).toMatchObject(clean(3));
      expect(await store.getAll({ model: Device })).toHaveLength(2);
    });
  });

  it('of a store from which the server evicted: reads say to verify, and a repair leaves what is there', async () => {
    const small = await startRedis({ args: ['--maxmemory-policy', 'allkeys-random'] });
    try {
      const store = await RedisStore.connect({ url: small.url, storeId: 'inv' });
      await store.addMany({ objs: devices(2000) });
      const used = Number(/used_memory:(\d+)/.exec(String(await call(small, 'INFO', 'memory')))?.[1]);
      await call(small, 'CONFIG', 'SET', 'maxmemory', used - 100_000);
      await call(small, 'SET', 'other', 'x');
      await call(small, 'CONFIG', 'SET', 'maxmemory', 0);
      // Whichever of the store's own keys went too.
      const names = await call(small, 'KEYS', 'diffsync:inv:device:*');
      const left = (names as string[]).length;
      expect(left).toBeLessThan(2000);
      expect(left).toBeGreaterThan(0);
      // The model's state remembers that there were objects, unless it was evicted as well as the index.
      if ((await call(small, 'EXISTS', 'diffsync.index:inv:device', 'diffsync.state:inv:device')) !== 0) {
        await expect(store.getAll({ model: Device })).rejects.toMatchObject({
          code: 'STORE_CORRUPT',
          message: expect.stringContaining('verify()'),
        });
      }
      expect((await store.verify({ repair: true })).clean).toBe(true);
      expect(await store.verify()).toMatchObject(clean(left));
      expect(await store.getAll({ model: Device })).toHaveLength(left);
      await store.close();
    } finally {
      await small.stop();
    }
  });

  it('of a store with a ttl gives what it repairs the expiry of its model', async () => {
    const store = await RedisStore.connect({ url: server.url, storeId: 'short', ttl: 60_000 });
    await store.addMany({ objs: devices(3) });
    await redis.del('diffsync.index:short:device');
    expect(await store.verify({ repair: true })).toMatchObject({ clean: true, repaired: 3 });
    const keys = ['diffsync.index:short:device', 'diffsync:short:device:r0', 'diffsync:short:device:r2'];
    const expiries = await Promise.all(keys.map((key) => redis.pexpiretime(key)));
    expect(expiries[0]).toBeGreaterThan(Date.now());
    expect(new Set(expiries).size).toBe(1);
    await store.clear();
    await store.close();
  });
});

describe('verify() of a RedisStore on a cluster', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster.stop());

  it.each([1, 3])('finds and repairs on every node, with %d shards', async (shards) => {
    const store = await RedisStore.connect({ cluster: { nodes: cluster.nodes }, storeId: `inv${shards}`, shards });
    const admin = new (await import('ioredis')).Cluster([...cluster.nodes]);
    try {
      await store.addMany({
        objs: [...devices(40), ...Array.from({ length: 9 }, (_, at) => new Box({ id: `b${at}` }))],
      });
      const keys = new RedisKeys(`inv${shards}`, { cluster: true, shards, ttl: undefined, changeLog: false });
      const tag = (uid: string): string => keys.holding('device', uid).index.replace('diffsync.index:', '');
      await admin.del(`diffsync:${tag('r1')}:r1`);
      await admin.zrem(`diffsync.index:${tag('r2')}`, 'r2');
      await admin.srem(`diffsync.models:inv${shards}`, 'box');
      if (shards > 1) await admin.set(`diffsync.places:{inv${shards}:device}`, 7);
      expect(found(await store.verify())).toEqual({
        dangling: ['r1'],
        unindexed: ['r2'],
        unnamed: [`diffsync.models:inv${shards}`],
        ...(shards > 1 && { misplaced: [`diffsync.places:{inv${shards}:device}`] }),
      });
      expect((await store.verify({ repair: true })).clean).toBe(true);
      expect(await store.verify()).toMatchObject(clean(48));
      await store.add({ obj: new Device({ name: 'new' }) });
      const order = (await store.getAll({ model: Device })).map(({ name }) => name);
      expect(order).toEqual([
        'r0',
        ...devices(40)
          .slice(3)
          .map(({ name }) => name),
        'r2',
        'new',
      ]);
      expect(await store.verify()).toMatchObject(clean(49));
    } finally {
      await store.clear();
      await store.close();
      admin.disconnect();
    }
  });
});
