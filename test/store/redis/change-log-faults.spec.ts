// What the log of changes in Redis must not miss, whoever writes and whatever is lost, and what it must not claim to know.
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { DiffSyncModel, type BaseStore } from '../../../src/index.js';
import { RedisStore, type AnyRedisOptions, type RedisStoreOptions } from '../../../src/store/redis/index.js';
import type { CommandExecutor } from '../../../src/store/redis/commands/command-executor.js';
import { RedisKeys } from '../../../src/store/redis/layout/keys.js';
import { RedisChangeLog } from '../../../src/store/redis/records/change-log.js';
import type { ModelIndex } from '../../../src/store/redis/records/model-index.js';
import { defineScripts, type ScriptedRedis } from '../../../src/store/redis/scripts/scripts.js';
import { Board } from '../../../src/testing/contract/models.js';
import { call, waitFor } from '../../support/redis-client.js';
import { startCluster, type RedisCluster } from '../../support/redis-cluster.js';
import { startSentinel } from '../../support/redis-sentinel.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';
import { ask } from '../../support/shared-engines.js';
import { LEAST_RIGHTS } from '../../support/stores.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

const WORKER = fileURLToPath(new URL('../../support/store-worker.mjs', import.meta.url));
/** What a log keeps at least, and the length at which it is looked at again. */
const KEPT = 16_384;
const MOST = KEPT + 1024;

const device = (name: string, role = ''): Device => new Device({ name, role });
const devices = (count: number, role = ''): Device[] =>
  Array.from({ length: count }, (_, at) => device(`d${at}`, role));

let server: RedisServer;
let redis: Redis;
let scripted: ScriptedRedis;
const open: RedisStore[] = [];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  defineScripts(redis);
  scripted = redis as unknown as ScriptedRedis;
});

afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  await redis.flushall();
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

async function connect(options: AnyRedisOptions = {}): Promise<RedisStore> {
  const elsewhere = options.url ?? options.host ?? options.cluster ?? options.sentinels;
  const all = { storeId: 'inv', changeLog: true, ...(elsewhere === undefined ? { url: server.url } : {}), ...options };
  const store = await RedisStore.connect(all as RedisStoreOptions);
  open.push(store);
  return store;
}

async function cursorOf(store: BaseStore): Promise<string | undefined> {
  return (await store.changesSince({ model: 'device' })).cursor;
}

/** What was written since a cursor, sorted; 'unknown' where that is not known. */
async function since(store: BaseStore, cursor: string | undefined): Promise<readonly string[] | 'unknown'> {
  return (await store.changesSince({ model: 'device', cursor })).uids?.toSorted() ?? 'unknown';
}

/** Two processes write at once; a third one goes by the log alone, and has at the end what the store has. */
async function expectMirrored(where: AnyRedisOptions, logs: readonly boolean[]): Promise<void> {
  if (!existsSync('dist/index.js')) throw new Error('There is no built package: npm run build');
  const storeId = randomUUID();
  const store = await connect({ ...where, storeId });
  await store.add({ obj: new Board({ id: 'first' }) });
  const mirror = new Map<string, string>();
  let { cursor } = await store.changesSince({ model: Board });
  mirror.set('first', JSON.stringify(await store.get({ model: Board, identifier: 'first' })));
  let polls = 0;
  const follow = async (): Promise<void> => {
    const { cursor: next, uids } = await store.changesSince({ model: Board, cursor });
    expect(uids).toBeDefined();
    cursor = next;
    if (uids?.length !== 0) polls++;
    const found = await store.find({ model: Board, uids: uids ?? [] });
    for (const [at, uid] of (uids ?? []).entries()) {
      if (found[at] === undefined) mirror.delete(uid);
      else mirror.set(uid, JSON.stringify(found[at]));
    }
  };
  const workers = logs.map(() => fork(WORKER, { execArgv: [] }));
  const how = { door: 'nestjs-diffsync/redis', storeClass: 'RedisStore', task: 'mix', count: 40, rounds: 60 };
  const progress = { running: true };
  try {
    await Promise.all(
      workers.map((worker, at) => {
        const own = { ...where, storeId, changeLog: logs[at] };
        return ask(worker, { ...how, options: own, number: at + 1 });
      }),
    );
    const done = Promise.all(workers.map((worker) => ask(worker, 'go'))).finally(() => (progress.running = false));
    while (progress.running) await follow();
    await done;
  } finally {
    for (const worker of workers) if (worker.exitCode === null) worker.kill('SIGKILL');
  }
  await follow();
  const all = await store.getAll({ model: Board });
  expect(Object.fromEntries(mirror)).toEqual(Object.fromEntries(all.map((each) => [each.id, JSON.stringify(each)])));
  expect(polls).toBeGreaterThan(5);
}

const LOG = 'diffsync.changes:inv:device';
const STATE = 'diffsync.state:inv:device';

describe('the length of a log', () => {
  it('is bounded: a cursor before what it keeps is not known, one after it is', async () => {
    const store = await connect();
    const first = await cursorOf(store);
    await store.addMany({ objs: devices(12_000) });
    // In several pages.
    expect(await since(store, first)).toHaveLength(12_000);
    const second = await cursorOf(store);
    await store.updateMany({ objs: devices(12_000, 'a') });
    const third = await cursorOf(store);
    await store.updateMany({ objs: devices(10, 'b') });
    expect(await redis.llen(LOG)).toBeLessThanOrEqual(MOST);
    expect(await redis.llen(LOG)).toBeGreaterThanOrEqual(KEPT);
    expect([await since(store, first), await since(store, third)]).toEqual([
      'unknown',
      devices(10).map(({ name }) => name),
    ]);
    expect(await since(store, second)).toHaveLength(12_000);
    await store.updateMany({ objs: devices(6000, 'c') });
    expect(await since(store, second)).toBe('unknown');
    expect(await redis.llen(LOG)).toBeLessThanOrEqual(MOST);
  });

  it('grows with the model', async () => {
    const store = await connect();
    const objs = devices(160_000);
    await store.addMany({ objs });
    expect(await redis.llen(LOG)).toBeGreaterThanOrEqual(20_000);
    expect(await redis.llen(LOG)).toBeLessThanOrEqual(20_000 + 1024);
  });
});

it('a clear that ended in between has made every cursor unknown', async () => {
  const store = await connect();
  const empty = await cursorOf(store);
  await store.addMany({ objs: devices(600) });
  const cursor = await cursorOf(store);
  const deadline = String(Date.now() + 60_000);
  const keys = ['diffsync.index:inv:device', STATE];
  await scripted.diffsyncClear([2, ...keys], 'diffsync:inv:device:', 500, deadline, '2', '', []);
  expect(await store.count()).toBe(100);
  expect([await since(store, empty), await since(store, cursor)]).toEqual(['unknown', 'unknown']);
  await store.add({ obj: device('more') });
  expect([await since(store, empty), await since(store, cursor)]).toEqual(['unknown', 'unknown']);
  expect(await since(store, await cursorOf(store))).toEqual([]);
});

it('a clear leaves the log of a client that has written before it ended', async () => {
  const store = await connect();
  await store.add({ obj: device('a') });
  const cursor = await cursorOf(store);
  const drop = (): Promise<number> => scripted.diffsyncDropLog(STATE, LOG, String(Date.now() + 60_000));
  expect(await drop()).toBe(0);
  expect(await since(store, cursor)).toEqual([]);
  await redis.del(STATE);
  expect(await drop()).toBe(1);
});

it('a log that another server took over between two pages of an answer is not known', async () => {
  const store = await connect();
  await store.add({ obj: device('before') });
  const cursor = await cursorOf(store);
  await store.addMany({ objs: devices(6000) });
  const before = await redis.hget(STATE, 'logged');
  await store.addMany({ objs: devices(6100).slice(6000) });
  const keys = new RedisKeys('inv', { cluster: false, shards: 1, ttl: undefined, changeLog: true });
  let pages = 0;
  const read = async <T>(send: (client: ScriptedRedis) => Promise<T>): Promise<T> => {
    if (++pages === 2) {
      // It lacks the last write, and has another one of as many objects.
      await redis.ltrim(LOG, 0, -102);
      await redis.hset(STATE, 'logged', before ?? '');
      await store.addMany({ objs: devices(6200).slice(6100) });
    }
    return send(scripted);
  };
  const log = new RedisChangeLog(
    keys,
    { read } as CommandExecutor,
    { checkSplit: async () => [] } as unknown as ModelIndex,
  );
  expect((await log.since('device', cursor)).uids).toBeUndefined();
  expect(pages).toBe(2);
  expect((await log.since('device', cursor)).uids).toHaveLength(6100);
});

it('a write that is sent twice is logged once', async () => {
  const proxy = await startTcpProxy(server);
  const store = await connect({ url: proxy.url });
  await store.add({ obj: device('before') });
  const cursor = await cursorOf(store);
  const length = await redis.llen(LOG);
  let lost = 0;
  proxy.loseReplies((request) => /\r\neval(sha)?\r\n/i.test(request) && lost++ === 0);
  await store.addMany({ objs: [device('a'), device('b')] });
  proxy.loseReplies(undefined);
  expect(lost).toBeGreaterThan(1);
  expect(await since(store, cursor)).toEqual(['a', 'b']);
  expect(await redis.llen(LOG)).toBe(length + 3);
  await store.close();
  await proxy.close();
});

it('a user without the rights that a log takes writes nothing', async () => {
  const rights = LEAST_RIGHTS.filter((right) => right !== '+llen');
  await call(server, 'ACL', 'SETUSER', 'app', 'on', '>secret', ...rights);
  const { host, port } = server;
  const own = { host, port, username: 'app', password: 'secret' };
  const store = await connect(own);
  await expect(store.add({ obj: device('a') })).rejects.toMatchObject({ code: 'STORE_PERMISSION' });
  expect(await redis.exists('diffsync:inv:device:a', 'diffsync.index:inv:device')).toBe(0);
});

it('a model with a ttl keeps no log, and stays in format 1', async () => {
  const store = await connect({ ttl: 60_000 });
  await store.add({ obj: device('a') });
  expect(await store.changesSince({ model: Device })).toEqual({ cursor: undefined, uids: undefined });
  expect([await redis.exists(LOG), await redis.hget(STATE, 'format')]).toEqual([0, '1, expires']);
});

describe('the format', () => {
  it('of every model is raised when a store with a log is opened, or by its first write', async () => {
    const plain = await connect({ changeLog: false });
    await plain.add({ obj: device('a') });
    const format = (): Promise<string | null> => redis.hget(STATE, 'format');
    const late = await connect({ changeLog: true, storeId: 'late' });
    expect(await format()).toBe('1');
    await connect();
    expect(await format()).toBe('2');
    await (await connect({ changeLog: false, storeId: 'late' })).add({ obj: device('a') });
    expect(await late.changesSince({ model: Device })).toEqual({ cursor: undefined, uids: undefined });
    await late.add({ obj: device('b') });
    expect(await redis.hget('diffsync.state:late:device', 'format')).toBe('2');
  });

  it('of a cursor that was given before does not hide what was written in format 1', async () => {
    const [store, plain] = await Promise.all([connect(), connect({ changeLog: false })]);
    const empty = await cursorOf(store);
    await plain.add({ obj: device('a') });
    expect(await since(store, empty)).toBe('unknown');
    await store.add({ obj: device('b') });
    const cursor = await cursorOf(store);
    expect([await since(store, empty), await since(store, cursor)]).toEqual(['unknown', []]);
    await plain.add({ obj: device('c') });
    expect(await since(store, cursor)).toEqual(['c']);
  });
});

describe('of what others did to the keys', () => {
  it.each<[what: string, harm: () => Promise<unknown>]>([
    ['the log removed', () => redis.del(LOG)],
    ['the log cut', () => redis.ltrim(LOG, 0, -2)],
    ['the state removed', () => redis.del(STATE)],
    ['the state overwritten', () => redis.hset(STATE, 'logged', 'x')],
  ])('nothing is claimed: %s', async (_what, harm) => {
    const store = await connect();
    const empty = await cursorOf(store);
    await store.addMany({ objs: devices(3) });
    const cursor = await cursorOf(store);
    await store.add({ obj: device('x') });
    const last = await cursorOf(store);
    await harm();
    expect([await since(store, empty), await since(store, cursor)]).toEqual(['unknown', 'unknown']);
    await store.add({ obj: device('y') });
    for (const old of [empty, cursor, last]) expect(await since(store, old)).toBe('unknown');
    const now = await cursorOf(store);
    await store.add({ obj: device('z') });
    expect(await since(store, now)).toEqual(['z']);
  });

  it('a log of another type fails a write that has done nothing, and verify repairs it', async () => {
    const store = await connect();
    await store.add({ obj: device('a') });
    const cursor = await cursorOf(store);
    await redis.set(LOG, 'x');
    await expect(store.add({ obj: device('b') })).rejects.toMatchObject({ code: 'STORE_WRONG_KEY_TYPE' });
    expect(await redis.exists('diffsync:inv:device:b')).toBe(0);
    const { problems } = await store.verify({ repair: true });
    expect(problems).toEqual([{ kind: 'wrong-type', model: 'device', at: LOG, repaired: true }]);
    await store.add({ obj: device('b') });
    expect(await since(store, cursor)).toBe('unknown');
    expect(await since(store, await cursorOf(store))).toEqual([]);
  });

  it('what verify repairs is in the log; after a lost index nothing is known', async () => {
    const store = await connect();
    await store.addMany({ objs: devices(4) });
    const cursor = await cursorOf(store);
    await redis.del('diffsync:inv:device:d1');
    await redis.zrem('diffsync.index:inv:device', 'd2');
    await store.verify({ repair: true });
    expect(await since(store, cursor)).toEqual(['d1', 'd2']);

    const next = await cursorOf(store);
    await redis.del('diffsync.index:inv:device', 'diffsync:inv:device:d0');
    expect(await since(store, next)).toBe('unknown');
    await store.verify({ repair: true });
    expect(await since(store, next)).toBe('unknown');
    expect(await store.count()).toBe(2);
  });

  it('an object that was not listed is logged by the add that lists it, and an entry without object by its removal', async () => {
    const store = await connect();
    await store.addMany({ objs: devices(4) });
    const cursor = await cursorOf(store);
    await redis.zrem('diffsync.index:inv:device', 'd2');
    await store.addMany({ objs: devices(4) });
    expect(await since(store, cursor)).toContain('d2');
    const next = await cursorOf(store);
    await redis.del('diffsync:inv:device:d3');
    await store.removeMany({ objs: devices(4).slice(3) }).catch(() => {});
    expect(await since(store, next)).toEqual(['d3']);
  });
});

describe('two processes that write at once', () => {
  it.each([
    ['both with the option', [true, true]],
    ['one of them without it', [true, false]],
  ])('hide nothing from a third one: %s', (_how, logs) => expectMirrored({ url: server.url }, logs));
});

describe('a failover to a replica that was behind', () => {
  it('makes a cursor of what was lost unknown, and leaves an earlier one', async () => {
    const sentinel = await startSentinel();
    try {
      const { sentinels, masterName } = sentinel;
      const store = await connect({ sentinels, masterName, timeout: 60_000 });
      await store.addMany({ objs: devices(10) });
      const kept = await cursorOf(store);
      const old = await sentinel.master();
      const replicas = sentinel.servers.filter((each) => each !== old);
      await call(old, 'WAIT', replicas.length, 10_000);
      // No replica can log in any more.
      for (const replica of replicas) {
        await call(replica, 'CONFIG', 'SET', 'masteruser', 'nobody');
        await call(replica, 'CONFIG', 'SET', 'masterauth', 'wrong');
      }
      await call(old, 'CLIENT', 'KILL', 'TYPE', 'replica');
      await waitFor('a master without replicas', async () =>
        /connected_slaves:0/.test(String(await call(old, 'INFO', 'replication'))) ? true : undefined,
      );
      await store.updateMany({ objs: devices(2, 'lost') });
      const lost = await cursorOf(store);
      expect([await since(store, kept), await since(store, lost)]).toEqual([['d0', 'd1'], []]);

      old.kill('SIGKILL');
      await sentinel.waitForMaster(old);
      expect((await store.get({ model: Device, identifier: 'd0' })).role).toBe('');
      expect([await since(store, kept), await since(store, lost)]).toEqual([[], 'unknown']);
      // As many as were lost.
      await store.updateMany({ objs: devices(9, 'new').slice(7) });
      expect([await since(store, kept), await since(store, lost)]).toEqual([['d7', 'd8'], 'unknown']);
    } finally {
      for (const store of open.splice(0)) await store.close();
      await sentinel.stop();
    }
  });
});

describe('on a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => void (cluster = await startCluster({ replicas: 0 })));
  afterAll(() => cluster.stop());

  it('two processes that write to a model in shards hide nothing from a third one', () =>
    expectMirrored({ cluster: { nodes: cluster.nodes }, shards: 3 }, [true, false]));

  it('a slot that moves loses nothing of the log, and keeps neither reads nor writes of format 1 waiting', async () => {
    const options = { cluster: { nodes: cluster.nodes }, storeId: randomUUID(), timeout: 60_000 };
    const plain = await connect({ ...options, storeId: 'plain', changeLog: false, timeout: 2000 });
    const store = await connect(options);
    const move = async (tag: string, during: () => Promise<unknown>): Promise<void> => {
      const key = `diffsync.index:{${tag}:device}`;
      const slot = Number(await call(cluster.servers[0] as RedisServer, 'CLUSTER', 'KEYSLOT', key));
      const from = await cluster.masterOf(slot);
      const to = cluster.servers.find((each) => each !== from) as RedisServer;
      let moved = false;
      await cluster.moveSlot(slot, to, {
        during: async (step) => {
          if (step === 'opened' && !moved) {
            moved = true;
            await during();
          }
        },
      });
    };
    await plain.addMany({ objs: devices(10) });
    // All keys are on one side.
    await move('plain', async () => {
      await plain.updateMany({ objs: devices(10, 'a') });
      await plain.removeMany({ objs: devices(1) });
      expect(await since(plain, '0')).toBe('unknown');
    });

    await store.addMany({ objs: devices(100) });
    const cursor = await cursorOf(store);
    let writing: Promise<unknown> = Promise.resolve();
    await move(options.storeId, async () => {
      writing = store.addMany({ objs: devices(200) });
    });
    await writing;
    await store.update({ obj: device('d1', 'after') });
    expect(await since(store, cursor)).toHaveLength(101);
  });
});
