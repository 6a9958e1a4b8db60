// What must stay bounded: calls by the number of models, bytes by the size of objects, time by the number of pending links.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { Adapter, DiffSyncModel } from '../../../../src/index.js';
import { RedisStore } from '../../../../src/store/redis/index.js';
import { sized } from '../../../support/full.js';
import { sentCommands } from '../../../support/sent-commands.js';
import { startRedis, type RedisServer } from '../../../support/redis-server.js';

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string(), text: z.string().default(''), devices: z.array(z.string()).default(() => []) }),
  identifiers: ['name'],
  attributes: ['text'],
  children: { device: 'devices' },
}) {}
class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}
class Inventory extends Adapter {
  static override readonly models = [Site, Device];
  static override readonly topLevel = ['site'];
}

const MODELS = sized(1100, 300);
const modelOf = (name: string) =>
  class extends DiffSyncModel.define({ name, schema: z.object({ name: z.string() }), identifiers: ['name'] }) {};

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const connect = (storeId: string): Promise<RedisStore> => RedisStore.connect({ url: server.url, storeId });

describe('many models', () => {
  it('are counted, compared and verified in few calls for each', async () => {
    const models = Array.from({ length: MODELS }, (_, at) => modelOf(`m${at}`));
    class Wide extends Adapter {
      static override readonly models = models;
      static override readonly topLevel = models.map(({ modelName }) => modelName);
    }
    const [one, two] = await Promise.all([connect('one'), connect('two')]);
    const objs = models.flatMap((model) => [new model({ name: 'a' }), new model({ name: 'b' })]);
    for (const store of [one, two]) await store.addMany({ objs });
    const calls = async (work: () => Promise<unknown>): Promise<number> => (await sentCommands(redis, work)).length;
    expect(await calls(async () => expect(await one.count()).toBe(2 * MODELS))).toBeLessThanOrEqual(1 + 4);
    const [target, source] = [new Wide({ name: 'to', store: one }), new Wide({ name: 'from', store: two })];
    const diff = await calls(async () => expect((await target.diffFrom(source)).hasDiffs()).toBe(false));
    expect(diff).toBeLessThanOrEqual(2 * 3 * MODELS);
    expect(await calls(async () => expect((await one.verify()).clean).toBe(true))).toBeLessThanOrEqual(10 * MODELS);
    // Many callers at once are no overload.
    expect(await Promise.all(Array.from({ length: 40 }, () => one.count()))).toEqual(Array(40).fill(2 * MODELS));
    await Promise.all([one.close(), two.close()]);
  });
});

describe('large objects', () => {
  it('are read and changed a few at a time', async () => {
    const store = await connect('large');
    const text = 'x'.repeat(1024 * 1024);
    const names = Array.from({ length: 120 }, (_, at) => `s${at}`);
    await store.addMany({ objs: names.map((name) => new Site({ name, text })) });
    const other = await connect('large');
    /** The largest reply to one command: the server keeps it for the client until it is sent. */
    const largest = async (work: () => Promise<unknown>): Promise<number> => {
      let most = 0;
      const commands = await sentCommands(redis, async () => {
        await work();
      });
      for (const name of commands) if (['mget', 'exec', 'sort_ro'].includes(name)) most++;
      return most;
    };
    const reads = await largest(async () => {
      let count = 0;
      for await (const { text: found } of other.iterate({ model: Site })) count += found.length === text.length ? 1 : 0;
      expect(count).toBe(120);
    });
    // No more than 4 of them in one.
    expect(reads).toBeGreaterThanOrEqual(30);
    const byUid = await largest(() => other.getByUids({ model: Site, uids: names }));
    expect(byUid).toBeGreaterThanOrEqual(30);
    await store.clear();
    await Promise.all([store.close(), other.close()]);
  });
});

describe('many pending links', () => {
  it('of as many parents are flushed in steps that each have the time of one operation', async () => {
    const store = await connect('links');
    const inventory = new Inventory({ store });
    const count = sized(60_000, 20_000);
    const sites = Array.from({ length: count }, (_, at) => new Site({ name: `s${at}` }));
    await inventory.addMany(sites);
    for (const [at, site] of sites.entries()) site.addChild(new Device({ name: `d${at}` }));
    const deadlines = new Set<string>();
    let largest = 0;
    const monitor = await redis.monitor();
    monitor.on('monitor', (_time: string, args: string[], source: string) => {
      if (source === 'lua') return;
      const deadline = args.find((each) => /^\d{13}$/.test(each));
      if (deadline !== undefined) deadlines.add(deadline);
      largest = Math.max(largest, args.length);
    });
    await store.flush();
    monitor.disconnect();
    // One for the whole would be one, however long it takes; the links of all would be more arguments than there are parents.
    expect(deadlines.size).toBeGreaterThan(5);
    expect(largest).toBeLessThan(count);
    expect((await store.get({ model: Site, identifier: `s${count - 1}` })).devices).toEqual([`d${count - 1}`]);
    await store.clear();
    await store.close();
  });

  it('of one parent may make it larger than maxObjectBytes, which is a bound of what callers write', async () => {
    const store = await RedisStore.connect({ url: server.url, storeId: 'list', maxObjectBytes: 2000 });
    const inventory = new Inventory({ store });
    const site = new Site({ name: 's' });
    await inventory.add(site);
    for (let at = 0; at < 1000; at++) site.addChild(new Device({ name: `d${at}` }));
    expect((await store.get({ model: Site, identifier: 's' })).devices).toHaveLength(1000);
    await store.clear();
    await store.close();
  });
});

describe('what is removed', () => {
  it.each(['lost', 'whole'])('leaves no key behind, with an index that is %s', async (index) => {
    const store = await connect('cleared');
    await store.addMany({ objs: Array.from({ length: 1200 }, (_, at) => new Device({ name: `d*[${at}` })) });
    if (index === 'lost') await redis.del('diffsync.index:cleared:device');
    await store.clear();
    expect(await redis.keys('diffsync*cleared*')).toEqual([]);
    await store.add({ obj: new Device({ name: 'd*[0' }) });
    expect(await store.count()).toBe(1);
    await store.clear();
    await store.close();
  });
});

describe('a long time', () => {
  it('beyond the longest timer of Node is no short one', async () => {
    const days = 86_400_000;
    const store = await RedisStore.connect({ url: server.url, storeId: 'long', ttl: 90 * days, timeout: 60 * days });
    await store.add({ obj: new Device({ name: 'a' }) });
    const seen = await sentCommands(redis, async () => {
      for (let at = 0; at < 5; at++) await store.get({ model: Device, identifier: 'a' });
    });
    expect(seen).toEqual(Array(5).fill('mget'));
    await store.clear();
    await store.close();
  });
});
