// What a store does when nodes of a cluster change their parts, and what it says when they cannot be reached.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Cluster, type Redis } from 'ioredis';
import { redisTarget } from '../../../../src/store/redis/connection/client-factory.js';
import { slotOf } from '../../../../src/store/redis/connection/cluster-slots.js';
import { loadDriver } from '../../../../src/store/redis/connection/driver.js';
import { RedisStore, type RedisSharedOptions } from '../../../../src/store/redis/index.js';
import { call, waitFor } from '../../../support/redis-client.js';
import { startCluster, type RedisCluster } from '../../../support/redis-cluster.js';
import type { RedisServer } from '../../../support/redis-server.js';
import { modelNamed } from '../../../support/write-load.js';

const Device = modelNamed('device');
const devices = (count: number) => Array.from({ length: count }, (_, at) => new Device({ name: `d${at}` }));

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(async () => {
  await cluster.stop();
});

const connect = (options: RedisSharedOptions = {}): Promise<RedisStore> =>
  RedisStore.connect({ cluster: { nodes: cluster.nodes }, storeId: randomUUID(), ...options });
const keyOf = ({ storeId }: RedisStore): string => `diffsync.index:{${storeId}:device}`;
const masterOf = (store: RedisStore): Promise<RedisServer> => cluster.masterOf(keyOf(store));

it.each(['a', '{a:b}', 'x{a:b}', '{}', 'x{}{a}', '{a', 'ä{ö}', '{{a}}', 'diffsync.index:{inv:device:3}'])(
  'the slot of %j is that of the server',
  async (key) => {
    expect(slotOf(key)).toBe(await call(cluster.servers[0] as RedisServer, 'CLUSTER', 'KEYSLOT', key));
  },
);

it('the url of one node is refused, whichever slots that has', async () => {
  for (const { host, port } of cluster.nodes) {
    const opening = RedisStore.connect({ url: `redis://${host}:${port}`, storeId: 'a' });
    await expect(opening).rejects.toMatchObject({ code: 'STORE_WRONG_TOPOLOGY' });
  }
});

it('the clients of two clusters have two addresses', () => {
  const [one, other] = [7001, 'redis://:secret@10.0.0.1:7002', { host: '10.0.0.1', port: 7002 }].map((node) => {
    const client = new Cluster([node], { lazyConnect: true });
    return new RedisStore({ client, storeId: 'a' }).address;
  });
  expect([one, other]).toEqual(['redis-cluster://127.0.0.1:7001', 'redis-cluster://10.0.0.1:7002']);
});

it('a redirected command to a node that goes leaves no unhandled rejection, which would end the process', async () => {
  await loadDriver('test');
  const client = redisTarget({ cluster: { nodes: cluster.nodes } }).create() as Cluster;
  await client.connect();
  const [node] = client.nodes('master');
  const ended = once(node as Redis, 'end');
  node?.disconnect();
  await ended;
  void node?.asking(); // As ioredis does.
  await client.ping(); // By then Node has told of a rejection.
  client.disconnect();
});

it('a slot that stays half moved is read, and is the reason that a write of all gives', async () => {
  const store = await connect({ timeout: 3000 });
  await store.addMany({ objs: devices(40) });
  const from = await masterOf(store);
  const to = cluster.servers.slice(0, 3).find((server) => server !== from) as RedisServer;
  const reasons: unknown[] = [];
  await cluster.moveSlot(slotOf(keyOf(store)), to, {
    batch: 20,
    during: async (step) => {
      if (step === 'batch moved' && reasons.length === 0) {
        reasons.push((await store.getAll({ model: Device })).length);
        const writing = store.updateMany({ objs: devices(40) }).then(() => 'done');
        reasons.push(await writing.catch((error: Error) => error.message));
      }
    },
  });
  expect(reasons).toEqual([40, expect.stringContaining('the slot is being moved')]);
  expect(await store.getAll({ model: Device })).toHaveLength(40);
  await store.close();
});

it('a right that a cluster needs and the user lacks is STORE_PERMISSION', async () => {
  for (const [missing, named] of [
    ['-cluster|slots', 'cluster|slots'],
    ['-cluster|info', 'cluster|info'],
  ] as const) {
    for (const server of cluster.servers)
      await call(server, 'ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '+@all', missing);
    const user = { username: 'app', password: 'pw', timeout: 5000 };
    await expect(RedisStore.connect({ cluster: { nodes: cluster.nodes }, ...user })).rejects.toMatchObject({
      code: 'STORE_PERMISSION',
      message: expect.stringContaining(named) as unknown,
    });
  }
});

it('a client of another copy of ioredis is known for one of a cluster: its writes wait for replicas', async () => {
  jest.resetModules();
  const { Cluster: Other } = await import('ioredis');
  expect(Other).not.toBe(Cluster);
  const client = new Other([...cluster.nodes]);
  const store = await RedisStore.connect({ client, storeId: 'other', durability: { replicas: 1, timeout: 100 } });
  const [replica] = await cluster.replicasOf(await masterOf(store));
  await store.add({ obj: new Device({ name: 'a' }) });
  await replica?.pause();
  for (const obj of devices(4)) {
    await expect(store.add({ obj })).rejects.toMatchObject({ code: 'STORE_NOT_REPLICATED' });
  }
  replica?.resume();
  await store.close();
  client.disconnect();
});

describe('a planned failover', () => {
  it('has the clock of the new master read, although no connection broke', async () => {
    const store = await connect();
    await store.add({ obj: new Device({ name: 'a' }) });
    const promoted = await cluster.failover(await masterOf(store));
    const reads = async (): Promise<number> =>
      Number(/cmdstat_time:calls=(\d+)/.exec(String(await call(promoted, 'INFO', 'commandstats')))?.[1]);
    await store.add({ obj: new Device({ name: 'b' }) });
    await store.add({ obj: new Device({ name: 'c' }) });
    // One for the deadline of each write; a look at the clock takes three.
    expect(await reads()).toBeGreaterThanOrEqual(5);
    await store.close();
  });

  it('while a write waits for replicas leaves it written, and says how many have it', async () => {
    const store = await connect({ durability: { replicas: 2, timeout: 1500 } });
    const master = await masterOf(store);
    const adding = store.add({ obj: new Device({ name: 'a' }) });
    await expect(Promise.all([adding, sleep(100).then(() => cluster.failover(master))])).rejects.toMatchObject({
      code: 'STORE_NOT_REPLICATED',
    });
    await cluster.settled();
    expect(await store.count()).toBe(1);
    await store.close();
  });
});

describe('a master that is killed', () => {
  it('ends no verification: that goes on with the one that takes over', async () => {
    const store = await connect({ timeout: 15_000 });
    await store.addMany({ objs: devices(3000) });
    const master = await masterOf(store);
    const verifying = store.verify();
    master.kill('SIGKILL');
    expect(await verifying).toMatchObject({ clean: true, objects: 3000 });
    await store.close();
  });

  it('and has no replica is named: by reads, by writes, and by ping', async () => {
    const store = await connect({ timeout: 3000 });
    await store.add({ obj: new Device({ name: 'a' }) });
    const master = await masterOf(store);
    const killed = [master, ...(await cluster.replicasOf(master))];
    for (const server of killed) {
      server.kill('SIGKILL');
      await server.ended();
    }
    const others = cluster.servers.filter((server) => !killed.includes(server));
    const info = (): Promise<string> => Promise.any(others.map((each) => call(each, 'CLUSTER', 'INFO'))).then(String);
    await waitFor('a cluster that is down', async () => (await info()).includes('state:fail') || undefined);
    const reason = { message: expect.stringMatching(/CLUSTERDOWN|ECONNREFUSED/) };
    await expect(store.get({ model: Device, identifier: 'a' })).rejects.toMatchObject(reason);
    await expect(store.add({ obj: new Device({ name: 'b' }) })).rejects.toMatchObject(reason);
    await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_CLUSTER_DOWN' });
    await store.close();
  });
});
