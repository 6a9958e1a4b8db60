// What Redis keeps of a lease, and that its scripts check the fence: also where a failover has lost the lease itself.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import type { Lease } from '../../../src/index.js';
import { RedisStore } from '../../../src/store/redis/index.js';
import { RedisCatalog } from '../../../src/store/redis/redis-catalog.js';
import { adapterOf, loggerInto } from '../../../src/testing/contract/contract-context.js';
import { Device, Site } from '../../../src/testing/contract/models.js';
import { startCluster, type RedisCluster } from '../../support/redis-cluster.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';
import { sentCommands } from '../../support/sent-commands.js';

let server: RedisServer;
let cluster: RedisCluster;
let client: Redis;
let clusterClient: Cluster;
const stores: RedisStore[] = [];

beforeAll(async () => {
  server = await startRedis();
  cluster = await startCluster();
  client = new Redis(server.port, server.host);
  clusterClient = new Cluster([...cluster.nodes]);
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});
afterAll(async () => {
  client.disconnect();
  clusterClient.disconnect();
  await server.stop();
  await cluster.stop();
});

async function connect(options: object, storeId: string): Promise<RedisStore> {
  const store = await RedisStore.connect({ ...options, storeId });
  stores.push(store);
  return store;
}

const single = (): object => ({ url: server.url });
const onCluster = (): object => ({ cluster: { nodes: cluster.nodes.map(({ host, port }) => ({ host, port })) } });
const layouts = [
  ['one server', single, () => client],
  ['one server, with a ttl', () => ({ ...single(), ttl: 600_000 }), () => client],
  ['a cluster', onCluster, () => clusterClient],
  ['a cluster, each model in 2 shards', () => ({ ...onCluster(), shards: 2 }), () => clusterClient],
] as const;

const devices = (count: number, role = 'leaf', prefix = 'd'): Device[] =>
  Array.from({ length: count }, (_, at) => new Device({ name: `${prefix}${at}`, role }));
const obj = (role = 'late'): Device => new Device({ name: 'd0', role });

/** Every way to write. */
const writes: Readonly<Record<string, (store: RedisStore) => Promise<unknown>>> = {
  add: (store) => store.add({ obj: new Device({ name: 'n0' }) }),
  'many adds at once': (store) => Promise.all(devices(3, 'late', 'n').map((each) => store.add({ obj: each }))),
  addMany: (store) => store.addMany({ objs: devices(700, 'late', 'n') }),
  update: (store) => store.update({ obj: obj() }),
  updateMany: (store) => store.updateMany({ objs: [obj(), new Device({ name: 'd1', role: 'late' })] }),
  updateOrInstantiate: (store) =>
    store.updateOrInstantiate({ model: Device, ids: { name: 'd0' }, attrs: { role: 'late' } }),
  remove: (store) => store.remove({ obj: obj() }),
  removeMany: (store) => store.removeMany({ objs: devices(10) }),
  clear: (store) => store.clear(),
};

describe.each(layouts)('a run whose lease is lost, unknown to it: %s', (_, options, redis) => {
  /** Two stores: the lease of the first is lost by the server, and the second has taken the next one. */
  async function followed(): Promise<{ old: RedisStore; lease: Lease; second: RedisStore; next: Lease }> {
    const storeId = randomUUID();
    const old = await connect(options(), storeId);
    await old.addMany({ objs: devices(10) });
    const lease = await old.acquireLease({ holder: { runId: 'old' } });
    await lease.run(() => old.update({ obj: obj('of old') }));
    await redis().del(`diffsync.lease:${storeId}`);
    const second = await connect(options(), storeId);
    const next = await second.acquireLease({ holder: { runId: 'next' } });
    expect(next.fence).toBeGreaterThan(lease.fence);
    return { old, lease, second, next };
  }

  it.each(Object.entries(writes))('%s is refused in a slot that the next one has written to', async (_name, write) => {
    const { old, lease, second, next } = await followed();
    // Each shard has an object of the next one.
    await next.run(() => second.updateMany({ objs: devices(10, 'of next') }));
    const before = await second.getAll({ model: Device });
    await expect(lease.run(() => write(old))).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(lease.lost.aborted).toBe(true);
    expect((await second.getAll({ model: Device })).map((each) => each.toDict())).toEqual(
      before.map((each) => each.toDict()),
    );
    // Under no lease it is as ever.
    await old.update({ obj: obj('under none') });
    expect((await second.get({ model: Device, identifier: 'd0' })).role).toBe('under none');
  });

  it('the fence outlasts the objects that the next one clears', async () => {
    const { old, lease, second, next } = await followed();
    await next.run(() => second.updateMany({ objs: devices(10, 'of next') }));
    await next.run(() => second.clear());
    await expect(lease.run(() => old.addMany({ objs: devices(20, 'late', 'n') }))).rejects.toMatchObject({
      code: 'LEASE_LOST',
    });
    expect(await second.count()).toBe(0);
    expect(await second.getAllModelNames()).toEqual([]);
    await next.run(() => second.add({ obj: obj('new') }));
    expect(await old.count()).toBe(1);
    expect((await second.verify()).problems).toEqual([]);
  });

  it('child links that wait are dropped with it', async () => {
    const { old, lease, second, next } = await followed();
    await second.add({ obj: new Site({ name: 'nyc' }) });
    const errors: string[] = [];
    old.bindAdapter(adapterOf(old), [Site, Device], loggerInto(errors));
    const site = await old.get({ model: Site, identifier: 'nyc' });
    await next.run(() => second.update({ obj: new Site({ name: 'nyc' }) }));
    await expect(
      lease.run(async () => {
        site.addChild(new Device({ name: 'd0' }));
      }),
    ).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await old.flush();
    expect((await second.get({ model: Site, identifier: 'nyc' })).devices).toEqual([]);
    expect(errors).toEqual([expect.stringContaining('the lease of run "old"')]);
  });
});

describe('what is kept of a lease', () => {
  it('is a hash, of which the fence stays; on a store with a ttl it expires', async () => {
    for (const ttl of [undefined, 600_000]) {
      const storeId = randomUUID();
      const key = `diffsync.lease:${storeId}`;
      const store = await connect({ ...single(), ttl }, storeId);
      const lease = await store.acquireLease({ holder: { runId: 'run-1', by: 'alice' } });
      const { expires, ...fields } = await client.hgetall(key);
      const { fence, token, holder } = lease;
      expect(fields).toEqual({
        fence: String(fence),
        token,
        run: 'run-1',
        by: 'alice',
        process: holder.process,
        since: String(Date.parse(holder.since)),
      });
      expect(Number(expires) - Date.parse(holder.since)).toBe(30_000);
      expect((await client.pttl(key)) > 600_000).toBe(ttl !== undefined);
      await lease.run(() => store.add({ obj: obj() }));
      const state = `diffsync.state:${storeId}:device`;
      expect(await client.hget(state, 'fence')).toBe(String(fence));
      await lease.run(() => store.clear());
      expect(await client.hgetall(state)).toEqual({ fence: String(fence) });
      expect((await client.pttl(state)) > 0).toBe(ttl !== undefined);
      await lease.release();
      expect(await client.hgetall(key)).toEqual({ fence: String(fence) });
      expect((await store.acquireLease()).fence).toBeGreaterThan(fence);
    }
  });

  it('is removed with the store, by the command line', async () => {
    const storeId = randomUUID();
    const store = await connect(single(), storeId);
    const lease = await store.acquireLease();
    await lease.run(() => store.add({ obj: obj() }));
    await lease.run(() => store.clear());
    await lease.run(() => store.add({ obj: obj() }));
    await lease.release();
    const catalog = await RedisCatalog.open({ url: server.url });
    try {
      expect((await catalog.list(new Set([storeId]))).map(({ id }) => id)).toEqual([storeId]);
      await catalog.remove(storeId);
    } finally {
      await catalog.close();
    }
    expect(await client.keys(`diffsync*${storeId}*`)).toEqual([]);
  });

  it('by another program is taken for none, or refused', async () => {
    const storeId = randomUUID();
    const key = `diffsync.lease:${storeId}`;
    const store = await connect(single(), storeId);
    await client.hset(key, { fence: 'x', token: 't', expires: 'y', since: 'z', run: '\u001b[31m' });
    expect(await store.leaseHolder()).toBeUndefined();
    await (await store.acquireLease()).release();
    await client.hset(key, { token: 't', expires: '99999999999999', since: 'z', run: '\u001b[31m' });
    const error = await store.acquireLease().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'SYNC_IN_PROGRESS', holder: { since: '' } });
    expect((error as Error).message).toContain('\\x1b[31m');
    await client.del(key);
    await client.rpush(key, 'x');
    await expect(store.acquireLease()).rejects.toMatchObject({ code: 'STORE_WRONG_KEY_TYPE' });
  });
});

it('a write sends the same commands under a lease, and under none', async () => {
  const store = await connect(single(), randomUUID());
  const lease = await store.acquireLease();
  for (const [write, work] of Object.entries(writes)) {
    const sent: string[][] = [];
    // The first one sends a script as it is.
    for (const run of [() => work(store), () => work(store), () => lease.run(() => work(store))]) {
      await store.clear();
      await store.addMany({ objs: devices(10) });
      sent.push(await sentCommands(client, run));
    }
    expect({ write, commands: sent[2] }).toEqual({ write, commands: sent[1] });
  }
  await lease.release();
});
