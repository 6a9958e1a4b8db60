/// <reference types="node" preserve="true" />
export { RedisStore } from './redis.store.js';
export type {
  AnyRedisOptions,
  RedisAddress,
  RedisClient,
  RedisClientOptions,
  RedisCredentials,
  RedisCredentialsProvider,
  RedisDurability,
  RedisLocalServer,
  RedisLogin,
  RedisServer,
  RedisServerOptions,
  RedisSharedOptions,
  RedisStoreOptions,
  RedisWay,
} from './redis-options.js';
