// A queue and its stores on one cluster: all keys of the queue are in one slot, which another master may take over.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { Cluster } from 'ioredis';
import { SyncQueue } from '../../src/bullmq/index.js';
import { startCluster, type RedisCluster } from '../support/redis-cluster.js';
import { waitFor } from '../support/redis-client.js';
import { Cmdb, content, during, inventory } from './inventory.js';

let cluster: RedisCluster;
beforeAll(async () => void (cluster = await startCluster()));
afterAll(() => cluster.stop());

it('a run in parts goes on where the master of the queue fails over', async () => {
  const { nodes } = cluster;
  const connection = new Cluster([...nodes], { redisOptions: { maxRetriesPerRequest: null } });
  const queue = { connection, prefix: '{bull}', partJob: { attempts: 10 } };
  const app = await Test.createTestingModule({
    imports: [inventory({ store: { cluster: { nodes } }, queue, storeId: 'inv' })],
  }).compile();
  await app.init();
  const runs = app.get(SyncQueue);
  content.devices = 200;
  let calls = 0;
  during.create = async () => {
    if (++calls !== 20) return;
    await cluster.failover(await cluster.masterOf('{bull}'));
  };
  const { runId } = await runs.add({ source: 'network', target: 'cmdb', load: 'source', parts: 4 });
  const ended = await waitFor('the end of the run', async () => {
    const found = await runs.get(runId);
    return found?.state === 'completed' || found?.state === 'failed' ? found : undefined;
  });
  expect(ended).toMatchObject({ state: 'completed', run: { outcome: 'succeeded', changes: 200 } });
  expect(await app.get(Cmdb).count()).toBe(200);
  await app.close();
  connection.disconnect();
});
