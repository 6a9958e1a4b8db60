export { RedisStore } from './redis.store.js';
export type { RedisAddress, RedisClient, RedisDurability, RedisStoreOptions } from './redis-options.js';
