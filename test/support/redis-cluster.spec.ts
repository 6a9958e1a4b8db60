import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { call } from './redis-client.js';
import { startCluster, type MoveStep, type RedisCluster } from './redis-cluster.js';
import { gone, startTestProcess, until, type Remains } from './test-process.js';

// One cluster for all tests, in their order: each start takes 2 s.
let cluster: RedisCluster;
let client: Cluster;
const KEYS = Array.from({ length: 100 }, (_, index) => `key ${index}`);

beforeAll(async () => {
  cluster = await startCluster();
  client = new Cluster([...cluster.nodes]);
  client.on('error', () => {}); // the command that fails says it
  for (const key of KEYS) await client.set(key, key);
});
afterAll(async () => {
  client.disconnect();
  await cluster.stop();
});

const values = () => Promise.all(KEYS.map((key) => client.get(key)));

describe('startCluster()', () => {
  it('gives three masters with one replica each, which serve all slots', async () => {
    expect(cluster.nodes).toEqual(cluster.servers.map(({ host, port }) => ({ host, port })));
    expect(cluster.nodes).toHaveLength(6);
    for (const server of cluster.servers) {
      const info = String(await call(server, 'CLUSTER', 'INFO'));
      expect(info).toContain('cluster_state:ok');
      expect(info).toContain('cluster_slots_ok:16384');
      expect(info).toContain('cluster_known_nodes:6');
    }
    const masters = await Promise.all([0, 8_000, 16_383].map((slot) => cluster.masterOf(slot)));
    expect(new Set(masters)).toEqual(new Set(cluster.servers.slice(0, 3)));
    const replicas = await Promise.all(masters.map((master) => cluster.replicasOf(master)));
    expect(replicas.map(({ length }) => length)).toEqual([1, 1, 1]);
    expect(new Set(replicas.flat())).toEqual(new Set(cluster.servers.slice(3)));
    expect(await cluster.masterOf('foo')).toBe(await cluster.masterOf(12_182)); // the slot that the Redis manual gives
  });

  it('is a cluster for a client that is given its nodes', async () => {
    expect(await values()).toEqual(KEYS);
    expect(client.nodes('master')).toHaveLength(3);
  });
});

describe('failover()', () => {
  it('promotes a replica, and the data stays', async () => {
    const master = await cluster.masterOf('key 1');
    const [replica] = await cluster.replicasOf(master);
    expect(await cluster.failover(master)).toBe(replica);
    expect(await cluster.masterOf('key 1')).toBe(replica);
    expect(await cluster.replicasOf(replica as typeof master)).toEqual([master]);
    expect(await values()).toEqual(KEYS);
  });
});

describe('moveSlot()', () => {
  it('gives the slot and its keys to another master, while they are written', async () => {
    const slot = await client.cluster('KEYSLOT', 'tag');
    const from = await cluster.masterOf(slot);
    const to = await cluster.masterOf((slot + 8_192) % 16_384);
    const keys = Array.from({ length: 50 }, (_, index) => `{tag}${index}`);
    for (const key of keys) await client.set(key, 0);

    const moved = new AbortController();
    let written = 0;
    const write = async (): Promise<void> => {
      for (; !moved.signal.aborted; written++) await Promise.all(keys.map((key) => client.incr(key)));
    };
    const writer = write();
    const steps: MoveStep[] = [];
    const held = async (step: MoveStep) => {
      steps.push(step);
      await sleep(20);
    };
    await cluster.moveSlot(slot, to, { batch: 20, during: held });
    moved.abort();
    await writer;

    expect(from).not.toBe(to);
    expect(await cluster.masterOf(slot)).toBe(to);
    expect(steps).toEqual(['opened', 'batch moved', 'batch moved', 'batch moved', 'emptied']);
    expect(await call(to, 'CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe(50);
    expect(await call(from, 'CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe(0);
    expect(written).toBeGreaterThan(0);
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys.map(() => String(written)));
  });
});

describe('a killed or paused master', () => {
  it('is replaced by its replica, and becomes one itself when it is restarted', async () => {
    const master = await cluster.masterOf(0);
    const [replica] = await cluster.replicasOf(master);
    master.kill('SIGKILL');
    expect(await cluster.masterOf(0)).toBe(replica);
    const restarted = await cluster.restart(master);
    await cluster.settled();
    expect(cluster.servers).toContain(restarted);
    expect(cluster.servers).not.toContain(master);
    expect(restarted.port).toBe(master.port);
    expect(await cluster.replicasOf(replica as typeof master)).toEqual([restarted]);
  });

  it('is no longer the master when it wakes', async () => {
    const master = await cluster.masterOf(16_383);
    const [replica] = await cluster.replicasOf(master);
    await master.pause();
    expect(await cluster.masterOf(16_383)).toBe(replica);
    master.resume();
    await cluster.settled();
    expect(await cluster.masterOf(16_383)).toBe(replica);
    expect(await cluster.replicasOf(replica as typeof master)).toEqual([master]);
    expect(await values()).toEqual(KEYS);
  });

  it('is replaced by force before the others notice', async () => {
    const master = await cluster.masterOf(16_383);
    await master.pause();
    const promoted = await cluster.failover(master, 'TAKEOVER');
    expect(await cluster.masterOf(16_383)).toBe(promoted);
    master.resume();
    await cluster.settled();
  });
});

describe('nothing is left', () => {
  it('after stop()', async () => {
    await cluster.stop();
    await cluster.stop();
    expect(gone(cluster.servers)).toBe(true);
  });

  it('2 s after SIGKILL of the test process', async () => {
    const test = await startTestProcess(`
      import { startCluster } from './redis-cluster.js';
      const { servers } = await startCluster();
      const report = servers.map(({ pid, folder }) => ({ pid, folder }));`);
    try {
      const servers = test.report as Remains[];
      expect(servers).toHaveLength(6);
      expect(gone(servers)).toBe(false);
      test.main.kill('SIGKILL');
      await test.exited;
      await until(() => gone(servers), 2_000);
    } finally {
      test.cleanup();
    }
  });
});
