// What waits for several models is saved in one atomic step: whoever looks in between sees all of it or nothing.
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { ObjectAlreadyExists, type BaseStore } from '../../src/index.js';
import { RedisStore, type RedisSharedOptions } from '../../src/store/redis/index.js';
import { Device, fill, Hooks, Interface, Inventory, Site, tree, Warnings, watched } from '../fixtures/inventory.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { sentCommands } from '../support/sent-commands.js';
import { stores, type StoreUnderTest } from '../support/stores.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { deferAdd, deferPatch, deferRemove, snapshotOf } from '../../src/store/engine-access.js';

const shared = stores.filter((store) => store.shared);
/** Those that have one step for all models. */
const atomic = shared.filter(({ name }) => !name.includes('cluster'));

async function withStores(
  { open, close }: StoreUnderTest,
  work: (mine: BaseStore, others: BaseStore) => Promise<void>,
): Promise<void> {
  const storeId = randomUUID();
  const [mine, others] = [await open({ storeId }), await open({ storeId })];
  try {
    await work(mine, others);
  } finally {
    await others.close();
    await close(mine);
  }
}

/** An adapter on a store, with one site. */
async function withSite(store: BaseStore): Promise<{ adapter: Inventory; site: Site }> {
  const adapter = new Inventory({ store, logger: new Warnings() });
  await adapter.add(new Site({ name: 'nyc' }));
  return { adapter, site: await adapter.get(Site, 'nyc') };
}

/** As a sync does it: a device below a site, which waits. */
async function defer(store: BaseStore, site: Site, device: Device): Promise<void> {
  site.addChild(device);
  deferAdd(store, device);
}

describe.each(atomic)('$name: a sync', (under) => {
  it('leaves a whole tree at every moment', async () => {
    await withStores(under, async (mine, others) => {
      // More than a batch, so that the store would write in the middle of what belongs together.
      const large = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`d${at}`, [`e${at}`]]));
      const onlooker = new Inventory({ store: others });
      const seen: string[] = [];
      const look = async (): Promise<void> => {
        // The store may write between its own reads, but not for ever.
        let [before, after] = [await tree(onlooker), await tree(onlooker)];
        while (!isDeepStrictEqual(before, after)) [before, after] = [after, await tree(onlooker)];
        const { sites, orphans } = after;
        const counts = Object.entries(sites).map(([site, devices]) => {
          expect(Object.values(devices).filter(([first]) => first === 'MISSING')).toEqual([]);
          return `${site}: ${Object.keys(devices).length}`;
        });
        expect(orphans).toEqual([]);
        if (seen.at(-1) !== counts.join(', ')) seen.push(counts.join(', '));
      };
      class Looking extends Hooks {
        override async run<T>(call: string, standard: () => Promise<T>): Promise<T> {
          if (this.calls.length % 100 === 0 || call === 'delete interface e599') await look();
          return super.run(call, standard);
        }
      }
      const target = watched(new Looking(), { store: mine });
      const source = new Inventory();
      await fill(target, { nyc: large, sfo: { d: ['e'] } });
      await fill(source, {
        sfo: { d: ['e'] },
        rdu: Object.fromEntries(Object.keys(large).map((d) => [`new ${d}`, []])),
      });
      await target.syncFrom(source);
      await look();
      expect([seen[0], seen.at(-1)]).toEqual(['nyc: 600, sfo: 1', 'sfo: 1, rdu: 600']);
      expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
    });
  });
});

describe.each(shared)('$name: what waits for several models', (under) => {
  it('of two processes is all done, also to one parent', async () => {
    await withStores(under, async (mine, others) => {
      const lanes = [mine, others].map((store) => new Inventory({ store }));
      await mine.add({ obj: new Site({ name: 'nyc' }) });
      for (let round = 0; round < 10; round++) {
        await Promise.all(
          lanes.map(async ({ store }, lane) => {
            const site = await store.get({ model: Site, identifier: 'nyc' });
            for (let at = 0; at < 5; at++) await defer(store, site, new Device({ name: `${lane}-${round}-${at}` }));
            await store.flush();
          }),
        );
      }
      const [lane] = lanes as [Inventory];
      const { sites, orphans } = await tree(lane);
      expect([Object.keys(sites['nyc'] ?? {}).length, orphans]).toEqual([100, []]);
    });
  });

  it('meets a different object: ObjectAlreadyExists, the others are stored', async () => {
    await withStores(under, async (mine, others) => {
      const { site } = await withSite(mine);
      await others.add({ obj: new Device({ name: 'd', role: 'theirs' }) });
      await defer(mine, site, new Device({ name: 'd', role: 'mine' }));
      await defer(mine, site, new Device({ name: 'e', role: 'mine' }));
      deferAdd(mine, new Interface({ name: 'i' }));
      await expect(mine.flush()).rejects.toThrow(ObjectAlreadyExists);
      expect((await others.getAll({ model: Device })).map(({ name, role }) => [name, role])).toEqual([
        ['d', 'theirs'],
        ['e', 'mine'],
      ]);
      expect(await others.count({ model: Interface })).toBe(1);
      await mine.flush();
    });
  });

  it('is done in the order of each model: replaced objects go last', async () => {
    await withStores(under, async (mine, others) => {
      const { adapter, site } = await withSite(mine);
      const [first, second] = [new Device({ name: 'first' }), new Device({ name: 'second' })];
      for (const device of [first, second]) await adapter.add(device, { parent: site });
      await mine.flush();
      deferRemove(mine, first);
      deferPatch(mine, snapshotOf(second), new Device({ name: 'second', role: 'new' }));
      deferAdd(mine, new Device({ name: 'first', role: 'again' }));
      deferAdd(mine, new Interface({ name: 'i' }));
      await mine.flush();
      expect((await others.getAll({ model: Device })).map(({ name, role }) => [name, role])).toEqual([
        ['second', 'new'],
        ['first', 'again'],
      ]);
      // The interface is listed by no device; nothing else is wrong.
      expect(await mine.verify()).toMatchObject({ found: 1, counts: { unlisted: 1 } });
    });
  });

  it('may be larger than an atomic write', async () => {
    await withStores(under, async (mine, others) => {
      const { site } = await withSite(mine);
      for (const name of ['d', 'e']) await defer(mine, site, new Device({ name, role: 'x'.repeat(2.5 * 1024 * 1024) }));
      await mine.flush();
      const [found] = await others.getAll({ model: Site });
      expect([found?.devices, await others.count({ model: Device })]).toEqual([['d', 'e'], 2]);
    });
  });
});

describe('RedisStore: what waits for several models', () => {
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

  async function withStore(
    { url = server.url, ...options }: RedisSharedOptions & { url?: string },
    work: (store: RedisStore, keysOf: (model: string) => string, site: Site) => Promise<void>,
  ): Promise<void> {
    const store = await RedisStore.connect({ url, ...options });
    try {
      const { site } = await withSite(store);
      // So that every model has its name already.
      await store.add({ obj: new Device({ name: 'named' }) });
      await work(store, (model) => `diffsync:${store.storeId}:${model}:`, site);
    } finally {
      await redis.config('SET', 'maxmemory', '0');
      await store.clear();
      await store.close();
    }
  }

  it('takes one read of the parents and one atomic write', async () => {
    await withStore({}, async (store, _, site) => {
      // The first call of a script on a connection is an EVAL.
      await defer(store, site, new Device({ name: 'a' }));
      await store.flush();
      const sent = await sentCommands(redis, async () => {
        await defer(store, site, new Device({ name: 'b' }));
        deferRemove(store, new Device({ name: 'a' }));
        await store.flush();
      });
      expect(sent).toEqual(['mget', 'evalsha']);
    });
  });

  it('is sent again after a lost reply, and done once', async () => {
    const proxy = await startTcpProxy(server);
    try {
      await withStore({ url: proxy.url }, async (store, _, site) => {
        let lost = 0;
        proxy.loseReplies(
          (request) => /\r\neval(sha)?\r\n/i.test(request) && /\r\nlost \d\r\n/.test(request) && ++lost <= 2,
        );
        for (let at = 0; at < 3; at++) {
          deferRemove(store, new Device({ name: 'named' }));
          deferAdd(store, new Device({ name: 'named', role: String(at) }));
          await defer(store, site, new Device({ name: `lost ${at}` }));
          await store.flush();
        }
        expect(lost).toBeGreaterThan(2);
        const [found] = await store.getAll({ model: Site });
        expect(found?.devices).toEqual(['lost 0', 'lost 1', 'lost 2']);
        const devices = await store.getAll({ model: Device });
        expect(devices.map(({ name }) => name)).toEqual(['lost 0', 'lost 1', 'named', 'lost 2']);
        // No site lists "named"; nothing else is wrong.
        expect(await store.verify()).toMatchObject({ found: 1, counts: { unlisted: 1 } });
      });
    } finally {
      await proxy.close();
    }
  });

  it('is not done again when others have written meanwhile', async () => {
    const proxy = await startTcpProxy(server);
    try {
      await withStore({ url: proxy.url, timeout: 10_000 }, async (store, keysOf, site) => {
        await defer(store, site, new Device({ name: 'd' }));
        const lost = new Promise<void>((resolve) =>
          proxy.loseReplies((request) => {
            if (!/\r\neval(sha)?\r\n/i.test(request)) return false;
            proxy.loseReplies(undefined);
            proxy.refuse();
            resolve();
            return true;
          }),
        );
        const flushed = store.flush();
        await lost;
        const others = await RedisStore.connect({ url: server.url, storeId: store.storeId });
        await others.remove({ obj: new Device({ name: 'd' }) });
        await others.update({ obj: new Site({ name: 'nyc', region: 'theirs' }) });
        await others.close();
        proxy.flow();
        await flushed;
        expect(await redis.exists(`${keysOf('device')}d`)).toBe(0);
        expect(await redis.get(`${keysOf('site')}nyc`)).toContain('theirs');
      });
    } finally {
      await proxy.close();
    }
  });

  it('writes nothing where a key holds something else, and all of it when that is mended', async () => {
    await withStore({}, async (store, keysOf, site) => {
      await redis.rpush(`${keysOf('device')}d`, 'a list');
      deferAdd(store, new Interface({ name: 'i' }));
      await defer(store, site, new Device({ name: 'd' }));
      await expect(store.flush()).rejects.toMatchObject({ code: 'STORE_WRONG_KEY_TYPE' });
      expect(await redis.exists(`${keysOf('interface')}i`)).toBe(0);
      expect(await redis.get(`${keysOf('site')}nyc`)).not.toContain('"d"');
      await redis.del(`${keysOf('device')}d`);
      await store.flush();
      const [found] = await store.getAll({ model: Site });
      expect([found?.devices, await store.count({ model: Interface })]).toEqual([['d'], 1]);
    });
  });

  it('on a full server: what only removes is done, of anything else nothing', async () => {
    await withStore({}, async (store, keysOf, site) => {
      await defer(store, site, new Device({ name: 'd' }));
      deferAdd(store, new Interface({ name: 'i' }));
      await store.flush();
      await redis.config('SET', 'maxmemory', '1');
      site.removeChild(new Device({ name: 'd' }));
      deferRemove(store, new Device({ name: 'd' }));
      deferRemove(store, new Interface({ name: 'i' }));
      await store.flush();
      expect(await redis.exists(`${keysOf('device')}d`, `${keysOf('interface')}i`)).toBe(0);
      deferAdd(store, new Interface({ name: 'j' }));
      deferRemove(store, new Device({ name: 'named' }));
      await expect(store.flush()).rejects.toMatchObject({ code: 'STORE_OUT_OF_MEMORY' });
      expect(await redis.exists(`${keysOf('device')}named`)).toBe(1);
      await redis.config('SET', 'maxmemory', '0');
      await store.flush();
      expect(await redis.exists(`${keysOf('device')}named`, `${keysOf('interface')}j`)).toBe(1);
    });
  });

  it('expires with the store', async () => {
    await withStore({ ttl: 60_000 }, async (store, keysOf, site) => {
      await defer(store, site, new Device({ name: 'd' }));
      deferAdd(store, new Interface({ name: 'i' }));
      await store.flush();
      for (const key of [`${keysOf('device')}d`, `${keysOf('interface')}i`, `${keysOf('site')}nyc`]) {
        expect([key, (await redis.pttl(key)) > 0]).toEqual([key, true]);
      }
      expect(await redis.pttl(`diffsync.index:${store.storeId}:interface`)).toBeGreaterThan(0);
    });
  });
});
