import { Test } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';
import { type BaseStore, DiffSyncStoreModule, getStoreToken, type RedisEngineOptions } from '../../src/index.js';
import { Device, NetworkAdapter } from '../support/network-adapter.js';
import { startCluster } from '../support/redis-cluster.js';
import { startSentinel } from '../support/redis-sentinel.js';

const topologies: [string, () => Promise<{ options: Partial<RedisEngineOptions>; stop(): Promise<void> }>][] = [
  [
    'a cluster, with every option of one',
    async () => {
      const { nodes, stop } = await startCluster();
      const durability = { replicas: 1, timeout: 1000 };
      return { options: { cluster: { nodes }, shards: 2, scaleReads: 'master', durability, ttl: 60_000 }, stop };
    },
  ],
  [
    'a master behind Sentinel, with passwords',
    async () => {
      const secrets = { password: 'geheim', sentinelPassword: 'heimlich' };
      const { sentinels, masterName, stop } = await startSentinel(secrets);
      return { options: { sentinels, masterName, ...secrets }, stop };
    },
  ],
];

describe('forRoot and forFeature', () => {
  it.each(topologies)(
    'on %s',
    async (_topology, start) => {
      const { options, stop } = await start();
      try {
        const app = await Test.createTestingModule({
          imports: [
            DiffSyncStoreModule.forRoot({ engine: 'redis', storeId: 'inventory', ...options } as RedisEngineOptions),
            DiffSyncStoreModule.forFeature(['network']),
          ],
          providers: [NetworkAdapter],
        }).compile();
        await app.init();
        const network = app.get(NetworkAdapter);
        await network.add(new Device({ name: 'a' }));
        expect((await network.getAll(Device)).map(({ name }) => name)).toEqual(['a']);
        const store = app.get<BaseStore>(getStoreToken('network'));
        await store.clear();
        await app.close();
        expect(store.isOpen).toBe(false);
      } finally {
        await stop();
      }
    },
    60_000,
  );
});
