// A cluster under load: what an acknowledged write is worth when nodes go and slots move.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { z } from 'zod';
import { Adapter, DiffSyncModel } from '../../src/index.js';
import { RedisStore, type RedisStoreOptions } from '../../src/store/redis/index.js';
import { call } from '../support/redis-client.js';
import { startCluster, type MoveStep, type RedisCluster } from '../support/redis-cluster.js';
import { modelNamed, printOutcome, WriteLoad, type Outcome } from '../support/write-load.js';

const LIMIT_MS = 120_000;
const WRITERS = 12;
const models = Array.from({ length: 8 }, (_, at) => modelNamed(`model${at}`));
const [first = modelNamed('none')] = models;
/** Above any failover of a busy machine, so that every write must get through. */
const TIMEOUT_MS = 20_000;

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startCluster();
}, LIMIT_MS);

afterAll(async () => {
  await cluster.stop();
});

const connect = (options: Partial<RedisStoreOptions>): Promise<RedisStore> =>
  RedisStore.connect({ cluster: { nodes: cluster.nodes }, timeout: TIMEOUT_MS, ...options });

/** Runs `fault` under load; the counts are those of another store. */
async function underLoad(
  test: string,
  fault: (load: WriteLoad, storeId: string) => Promise<void>,
  options: Partial<RedisStoreOptions> & { removes?: boolean } = {},
): Promise<Outcome> {
  const { removes = true, ...own } = options;
  const storeId = randomUUID();
  const store = await connect({ storeId, ...own });
  const load = new WriteLoad(store, models, { writers: WRITERS, removes });
  try {
    await load.movesOn();
    await fault(load, storeId);
    await load.movesOn();
  } finally {
    await load.stop();
    await store.close();
  }
  const reader = await connect({ storeId });
  const outcome = await load.outcome(reader);
  printOutcome(`cluster, ${test}`, outcome);
  await reader.clear();
  await reader.close();
  expect(load.firstErrors).toEqual([]);
  return outcome;
}

describe('a master', () => {
  it(
    'that is killed: nothing but the last moment is lost, no caller sees an error',
    async () => {
      const outcome = await underLoad(
        'kill -9 of a master',
        async (load, storeId) => {
          const master = await cluster.masterOf(`diffsync.index:{${storeId}:${first.modelName}}`);
          master.kill('SIGKILL');
          await master.ended();
          await load.movesOn();
          await cluster.restart(master);
          await cluster.settled();
        },
        { removes: false },
      );
      expect(outcome).toMatchObject({ duplicates: 0, conflicts: 0, errors: {} });
      expect(outcome.lost).toBeLessThanOrEqual(WRITERS);
    },
    LIMIT_MS,
  );

  it(
    'that is frozen and wakes after another took over: nothing is lost',
    async () => {
      const outcome = await underLoad('a master frozen and woken', async (load, storeId) => {
        const master = await cluster.masterOf(`diffsync.index:{${storeId}:${first.modelName}}`);
        await master.pause();
        await load.movesOn();
        master.resume();
        await load.movesOn();
        await cluster.settled();
      });
      expect(outcome).toMatchObject({ lost: 0, duplicates: 0, conflicts: 0, errors: {} });
    },
    LIMIT_MS,
  );
});

describe('a slot', () => {
  it.each<[MoveStep, number]>([
    ['opened', 1500],
    ['batch moved', 150],
    ['emptied', 1500],
  ])(
    'that moves, held when it is %s, for %d ms: nothing is lost or twice, no caller sees an error',
    async (step, ms) => {
      const outcome = await underLoad(`a slot that moves, held when ${step}`, async (load, storeId) => {
        const key = `diffsync.index:{${storeId}:${first.modelName}}`;
        const client = new Cluster([...cluster.nodes]);
        const slot = await client.cluster('KEYSLOT', key);
        client.disconnect();
        const to = await cluster.masterOf((slot + 6000) % 16_384);
        let holds = step === 'batch moved' ? 10 : 1;
        await cluster.moveSlot(slot, to, {
          batch: 5,
          during: async (now) => {
            if (now === step && holds-- > 0) await sleep(ms);
          },
        });
        await load.movesOn();
      });
      expect(outcome).toMatchObject({ lost: 0, duplicates: 0, conflicts: 0, errors: {} });
    },
    LIMIT_MS,
  );
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

  it(
    'what is written by what was read is right, though the replicas are behind',
    async () => {
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
    },
    LIMIT_MS,
  );
});

describe('shards', () => {
  it('that have two objects at one place give both, at the end of a page too', async () => {
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
