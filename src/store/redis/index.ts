/// <reference types="node" preserve="true" />
export { RedisStore } from './redis.store.js';
export type {
  AnyRedisOptions,
  RedisAddress,
  RedisClient,
  RedisClientOptions,
  RedisDurability,
  RedisLocalServer,
  RedisServer,
  RedisServerOptions,
  RedisSharedOptions,
  RedisStoreOptions,
  RedisWay,
} from './redis-options.js';
