// What other clients do on the same server between two commands of a store, and what one bad object does to its neighbours.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { DiffSyncModel, ObjectStoreException, ValueError } from '../../../src/index.js';
import { RedisStore, type RedisStoreOptions } from '../../../src/store/redis/index.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

const nameOf = (at: number): string => `d${String(at).padStart(3, '0')}`;
const devices = (count: number): Device[] => Array.from({ length: count }, (_, at) => new Device({ name: nameOf(at) }));

let server: RedisServer;
let redis: Redis;
const open: RedisStore[] = [];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});

afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  await redis.flushall();
});

afterAll(async () => {
  await redis.quit();
  await server.stop();
});

async function connect(options: RedisStoreOptions = { url: server.url }): Promise<RedisStore> {
  const store = await RedisStore.connect({ storeId: 'inv', ...options });
  open.push(store);
  return store;
}

describe('a read of all beside removals', () => {
  it.each([
    ['the last object that was read', [9]],
    ['all that was read', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['what was read, and what comes next', [8, 9, 10, 11]],
    ['more than a page ahead', Array.from({ length: 40 }, (_, at) => at)],
  ])('of %s ends, passes nothing over and gives nothing twice', async (_which, removed) => {
    const store = await connect();
    const other = await connect();
    const objs = devices(100);
    await store.addMany({ objs });
    const seen: string[] = [];
    for await (const { name } of store.iterate({ model: Device, batchSize: 10 })) {
      seen.push(name);
      if (seen.length === 10) await other.removeMany({ objs: removed.map((at) => objs[at] as Device) });
    }
    const expected = objs.map(({ name }) => name);
    expect(seen.toSorted()).toEqual([...new Set(seen)].toSorted());
    // Two pages may have been asked for before.
    const gone = new Set(removed.map(nameOf));
    expect(seen.filter((name) => !gone.has(name))).toEqual(expected.filter((name) => !gone.has(name)));
  });

  it('of all the time, by others, ends too', async () => {
    const store = await connect();
    const other = await connect();
    const objs = devices(300);
    await store.addMany({ objs });
    const removing = (async () => {
      for (const obj of objs.slice(0, 250)) await other.remove({ obj });
    })();
    const seen = new Set<string>();
    for await (const { name } of store.iterate({ model: Device, batchSize: 5 })) seen.add(name);
    await removing;
    for (const { name } of objs.slice(250)) expect(seen).toContain(name);
  });
});

describe('single operations of one batch', () => {
  const outcomes = (work: readonly Promise<unknown>[]): Promise<(string | undefined)[]> =>
    Promise.all(
      work.map((each) =>
        each.then(
          () => undefined,
          (error: ObjectStoreException | ValueError) => error.code,
        ),
      ),
    );
  const but = (codes: Readonly<Record<number, string>>): (string | undefined)[] =>
    Array.from({ length: 20 }, (_, at) => codes[at]);

  it('one that meets a key of another type fails alone, and so does one that is too large', async () => {
    const store = await connect();
    await redis.rpush('diffsync:inv:device:d005', 'mine');
    const objs = devices(20).map(({ name }, at) => new Device({ name, role: at === 7 ? 'é'.repeat(9 << 20) : 'leaf' }));
    for (const work of [() => objs.map((obj) => store.add({ obj })), () => objs.map((obj) => store.update({ obj }))]) {
      expect(await outcomes(work())).toEqual(but({ 5: 'STORE_WRONG_KEY_TYPE', 7: 'VALUE_ERROR' }));
      expect(await store.count()).toBe(18);
      expect(await redis.lrange('diffsync:inv:device:d005', 0, -1)).toEqual(['mine']);
    }
    await expect(store.add({ obj: objs[7] as Device })).rejects.toThrow(/device "d007": it takes 18\d{6} bytes/);
  });

  it('reads of what is damaged fail alone, and an add() that meets it', async () => {
    const store = await connect();
    const objs = devices(20);
    await store.addMany({ objs });
    await redis.set('diffsync:inv:device:d003', '{"name":');
    await redis.del('diffsync:inv:device:d004');
    const reads = objs.map(({ name }) => store.get({ model: Device, identifier: name }));
    expect(await outcomes(reads)).toEqual(but({ 3: 'STORE_CORRUPT', 4: 'STORE_CORRUPT' }));
    const adds = objs.map((obj) => store.add({ obj }));
    expect(await outcomes(adds)).toEqual(but({ 3: 'STORE_CORRUPT' }));
  });
});

describe('the list of models', () => {
  it('names a model again whose first objects were written without an answer, while another process cleared it', async () => {
    const client = new Redis(server.url);
    const store = await connect({ client });
    const scripted = client as unknown as Record<'diffsyncInsert', (...args: unknown[]) => Promise<unknown>>;
    const insert = scripted.diffsyncInsert.bind(client);
    scripted.diffsyncInsert = async (...args) => {
      scripted.diffsyncInsert = insert;
      await redis.del('diffsync.models:inv'); // as clear() does, when it has found the model empty
      await insert(...args);
      throw new Error('Connection is closed.');
    };
    await store.add({ obj: new Device({ name: 'a' }) });
    expect(await redis.smembers('diffsync.models:inv')).toEqual(['device']);
    await client.quit();
  });

  it('names a model again after the connection broke: the server that is reached then may not have it', async () => {
    const store = await connect();
    await store.addMany({ objs: devices(2) });
    await redis.del('diffsync.models:inv');
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal');
    await store.add({ obj: new Device({ name: 'a' }) });
    expect(await store.count()).toBe(3);
  });
});
