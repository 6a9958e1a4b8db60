// A cluster under load: what an acknowledged write is worth when nodes go and slots move.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { z } from 'zod';
import { Adapter, DiffSyncModel, ObjectStoreException } from '../../../../src/index.js';
import { RedisStore, type RedisSharedOptions } from '../../../../src/store/redis/index.js';
import { call } from '../../../support/redis-client.js';
import { startCluster, type MoveStep, type RedisCluster } from '../../../support/redis-cluster.js';
import type { RedisServer } from '../../../support/redis-server.js';
import { modelNamed, underLoad, WRITERS, type Loaded } from '../../../support/write-load.js';

const modelsOf = (load: string) => Array.from({ length: 8 }, (_, at) => modelNamed(`${load}${at}`));
const models = modelsOf('plain');
const [first = modelNamed('none')] = models;
/** Above any failover of a busy machine, so that every write must get through. */
const TIMEOUT_MS = 20_000;

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(async () => {
  await cluster.stop();
});

const connect = (
  options: RedisSharedOptions & { shards?: number; scaleReads?: 'all' | 'slave' },
): Promise<RedisStore> => RedisStore.connect({ cluster: { nodes: cluster.nodes }, timeout: TIMEOUT_MS, ...options });

/** An application that tries again, without a new store. */
async function untilItWorks(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof ObjectStoreException) || attempt === 20) throw error;
    }
  }
}

const plain: Loaded = { name: 'no durability', options: {}, models };
const durable: Loaded = {
  name: 'durability of 1 replica',
  options: { durability: { replicas: 1, timeout: 200 } },
  models: modelsOf('durable'),
  writers: 4, // Writes to one node wait for its replicas one after another.
};
const masterOf = (storeId: string): Promise<RedisServer> =>
  cluster.masterOf(`diffsync.index:{${storeId}:${first.modelName}}`);

describe('a master', () => {
  it('that is killed: with durability nothing is lost, without it nothing but the last moment', async () => {
    const loads = [{ ...plain, removes: false }, durable];
    const [lossy, sure] = await underLoad('cluster, kill -9', connect, loads, async (movesOn, storeId) => {
      const master = await masterOf(storeId);
      master.kill('SIGKILL');
      await master.ended();
      await movesOn();
      await cluster.restart(master);
      await cluster.settled();
    });
    expect(lossy).toMatchObject({ duplicates: 0, conflicts: 0, errors: {} });
    expect(lossy?.lost).toBeLessThanOrEqual(WRITERS);
    expect(sure).toMatchObject({ lost: 0, duplicates: 0, conflicts: 0 });
    // The promoted replica has none of its own until the killed one is back.
    expect(Object.keys(sure?.errors ?? {})).toEqual(['STORE_NOT_REPLICATED']);
  });

  it('that is frozen and wakes after another took over: nothing is lost, with durability and without', async () => {
    const loads = [plain, durable];
    const [outcome, sure] = await underLoad('cluster, frozen and woken', connect, loads, async (movesOn, storeId) => {
      const master = await masterOf(storeId);
      await master.pause();
      await movesOn();
      master.resume();
      await movesOn();
      await cluster.settled();
    });
    expect(outcome).toMatchObject({ lost: 0, duplicates: 0, conflicts: 0, errors: {} });
    expect(sure).toMatchObject({ lost: 0, duplicates: 0, conflicts: 0 });
    // The promoted replica has none of its own until the frozen one is back.
    expect(Object.keys(sure?.errors ?? {})).toEqual(['STORE_NOT_REPLICATED']);
  });
});

describe('a slot', () => {
  it.each<[MoveStep, number]>([
    ['opened', 1500],
    ['batch moved', 150],
    ['emptied', 1500],
  ])(
    'that moves, held when it is %s, for %d ms: nothing is lost or twice, no caller sees an error',
    async (step, ms) => {
      const [outcome] = await underLoad(`cluster, slot ${step}`, connect, [plain], async (movesOn, storeId) => {
        const client = new Cluster([...cluster.nodes]);
        const slot = await client.cluster('KEYSLOT', `diffsync.index:{${storeId}:${first.modelName}}`);
        client.disconnect();
        const to = await cluster.masterOf((slot + 6000) % 16_384);
        let holds = step === 'batch moved' ? 10 : 1;
        await cluster.moveSlot(slot, to, {
          batch: 5,
          during: async (now) => {
            if (now === step && holds-- > 0) await sleep(ms);
          },
        });
        await movesOn();
      });
      expect(outcome).toMatchObject({ lost: 0, duplicates: 0, conflicts: 0, errors: {} });
    },
  );
});

describe('all nodes', () => {
  it('that are down: every operation settles by its deadline, and works again once they are back', async () => {
    const store = await connect({ timeout: 3000 });
    await store.add({ obj: new first({ name: 'a' }) });
    for (const server of cluster.servers) server.kill('SIGKILL');
    for (const server of cluster.servers) await server.ended();
    const works: (() => Promise<unknown>)[] = [
      () => store.add({ obj: new first({ name: 'b' }) }),
      () => store.get({ model: first, identifier: 'a' }),
      () => store.getAll({ model: first }),
      () => store.count(),
      () => store.ping(),
    ];
    for (const outcome of await Promise.allSettled(works.map((work) => work()))) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(ObjectStoreException) as unknown });
    }
    for (const server of cluster.servers) await cluster.restart(server);
    await cluster.settled();
    await untilItWorks(() => store.add({ obj: new first({ name: 'c' }) }));
    expect(await store.count()).toBe(1); // These servers keep nothing on disk.
    await store.clear();
    await store.close();
  });
});

describe('durability', () => {
  it('goes with shards, and clear() with both', async () => {
    const store = await connect({ durability: { replicas: 1 }, shards: 3 });
    await store.addMany({ objs: Array.from({ length: 50 }, (_, at) => new first({ name: `d${at}` })) });
    expect(await store.count()).toBe(50);
    await store.clear();
    expect(await store.count()).toBe(0);
    await store.close();
  });
});

describe('models', () => {
  it('spread over all masters, and each has all its keys on one', async () => {
    const storeId = randomUUID();
    const store = await connect({ storeId });
    const many = Array.from({ length: 30 }, (_, at) => modelNamed(`spread${at}`));
    await store.addMany({ objs: many.flatMap((model) => [new model({ name: 'a' }), new model({ name: 'b' })]) });
    const client = new Cluster([...cluster.nodes]);
    await client.ping();
    const keys = await Promise.all(client.nodes('master').map((node) => node.keys(`*{${storeId}:*`)));
    client.disconnect();
    const modelsOf = (some: string[]): Set<string> => new Set(some.map((key) => /\{(.*)\}/.exec(key)?.[1] ?? ''));
    const homes = keys.map(modelsOf);
    expect(homes.map(({ size }) => size > 0)).toEqual([true, true, true]);
    expect(homes.reduce((sum, { size }) => sum + size, 0)).toBe(many.length);
    expect(keys.flat()).toHaveLength(4 * many.length);
    expect(await store.getAllModelNames()).toEqual(many.map(({ modelName }) => modelName).toSorted());
    await store.clear();
    await store.close();
  });
});

describe('reads from replicas', () => {
  class Parent extends DiffSyncModel.define({
    name: 'parent',
    schema: z.object({ name: z.string(), note: z.string().default(''), nodes: z.array(z.string()).default([]) }),
    identifiers: ['name'],
    attributes: ['note'],
    children: { parent: 'nodes' },
  }) {}
  class Tree extends Adapter {
    static override readonly models = [Parent];
    static override readonly topLevel = ['parent'];
  }

  it('what is written by what was read is right, though the replicas are behind', async () => {
    const storeId = randomUUID();
    const [store, reader] = await Promise.all([connect({ storeId, scaleReads: 'slave' }), connect({ storeId })]);
    const adapter = new Tree({ store });
    await adapter.add(new Parent({ name: 'old' }));
    const replicas = await cluster.replicasOf(await cluster.masterOf(`diffsync.index:{${storeId}:parent}`));
    for (const replica of replicas) {
      await call(replica, 'CONFIG', 'SET', 'masterauth', 'wrong');
      await call(replica, 'CLIENT', 'KILL', 'TYPE', 'master');
    }
    try {
      const parent = new Parent({ name: 'new' });
      await adapter.add(parent);
      parent.addChild((await adapter.getOrInstantiate(Parent, { name: 'old' }))[0]);
      await store.flush();
      await store.update({ obj: new Parent({ name: 'old', note: 'changed' }) });
      await store.updateOrInstantiate({ model: Parent, ids: { name: 'old' }, attrs: { note: 'again' } });
      expect((await reader.get({ model: Parent, identifier: 'new' })).nodes).toEqual(['old']);
      expect((await reader.get({ model: Parent, identifier: 'old' })).note).toBe('again');
    } finally {
      for (const replica of replicas) await call(replica, 'CONFIG', 'SET', 'masterauth', '');
      await cluster.settled();
    }
    await reader.clear();
    await Promise.all([store.close(), reader.close()]);
  });
});

describe('shards', () => {
  it('that have two objects with one score give both, at the end of a page too', async () => {
    const storeId = randomUUID();
    const store = await connect({ storeId, shards: 2 });
    const objs = Array.from({ length: 100 }, (_, at) => new first({ name: `d${at}` }));
    await store.addMany({ objs });
    const client = new Cluster([...cluster.nodes]);
    for (const shard of [0, 1]) {
      const index = `diffsync.index:{${storeId}:${first.modelName}:${shard}}`;
      const uids = await client.zrange(index, '0', '-1');
      await client.zadd(index, ...uids.flatMap((uid, at) => [Math.floor(at / 15), uid]));
    }
    client.disconnect();
    const seen: string[] = [];
    for await (const { name } of store.iterate({ model: first, batchSize: 10 })) seen.push(name);
    expect(seen.toSorted()).toEqual(objs.map(({ name }) => name).toSorted());
    await store.clear();
    await store.close();
  });
});
