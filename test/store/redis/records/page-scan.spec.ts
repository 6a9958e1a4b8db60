import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { DiffSyncModel } from '../../../../src/index.js';
import { RedisStore } from '../../../../src/store/redis/index.js';
import { scanUids } from '../../../../src/store/engine-access.js';
import { startRedis, type RedisServer } from '../../../support/redis-server.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

/** More than two pages of the index. */
const SIZE = 22_500;
const nameOf = (at: number): string => `d"\\\u2028é\u0000${String(at).padStart(6, '0')}`;

let server: RedisServer;
let redis: Redis;
let store: RedisStore;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  store = await RedisStore.connect({ url: server.url, storeId: 'one' });
});

afterAll(async () => {
  await store.close();
  redis.disconnect();
  await server.stop();
});

async function scanned(): Promise<string[]> {
  const uids: string[] = [];
  for await (const page of scanUids(store, 'device')) for (const uid of page) uids.push(uid);
  return uids;
}

describe('the unique ids of a model', () => {
  const names = Array.from({ length: SIZE }, (_, at) => nameOf(at));

  it('come in order, each once, whatever characters they have', async () => {
    await store.addMany({ objs: names.map((name) => new Device({ name })) });
    expect(await scanned()).toEqual(names);
  });

  it('come in order, each once, where pages end between objects of one score', async () => {
    const index = 'diffsync.index:one:device';
    const uids = await redis.zrange(index, '0', '-1');
    await redis.zadd(index, ...uids.flatMap((uid, at) => [1 + Math.floor(at / 7), uid]));
    expect(await scanned()).toEqual(names);
  });
});
