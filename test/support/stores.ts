import { randomUUID } from 'node:crypto';
import { afterAll } from '@jest/globals';
import { LocalStore, type BaseStore } from '../../src/index.js';
import { RedisStore } from '../../src/store/redis/index.js';
import { startRedis, type RedisServer } from './redis-server.js';

/** A store under test. Every suite that holds for all stores runs over the table below. */
export interface StoreUnderTest {
  readonly name: string;
  /** Whether a second store opened with the same id sees the same objects. */
  readonly shared: boolean;
  /** Open; empty and shared with nobody, unless it is a second one of an id. */
  open(options?: { storeId?: string }): Promise<BaseStore>;
  /** Leaves nothing behind. */
  close(store: BaseStore): Promise<void>;
}

/** One server for the tests of a file, from its first use until its end. */
let redis: Promise<RedisServer> | undefined;

afterAll(async () => {
  await (await redis)?.stop();
});

export const stores: readonly StoreUnderTest[] = [
  {
    name: 'local',
    shared: false,
    open: async ({ storeId = randomUUID() } = {}) => new LocalStore({ storeId }),
    close: async (store) => store.close(),
  },
  {
    name: 'redis',
    shared: true,
    open: async ({ storeId = randomUUID() } = {}) => {
      redis ??= startRedis();
      return RedisStore.connect({ url: (await redis).url, storeId });
    },
    close: async (store) => {
      await store.clear();
      await store.close();
    },
  },
];
