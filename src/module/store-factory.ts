import { NestLogger } from '../logging/nest-logger.js';
import { BaseStore } from '../store/base-store.js';
import type { BaseStoreOptions } from '../store/store-options.js';
import { LocalStore } from '../store/local/local.store.js';
import { redisProblems, type OptionSource } from '../store/redis/check-redis-options.js';
import { loadRedisDriver, RedisStore } from '../store/redis/redis.store.js';
import { sqliteProblems } from '../store/sqlite/sqlite-options.js';
import { SqliteStore } from '../store/sqlite/sqlite.store.js';
import type { Problem } from '../values/zod-issues.js';
import {
  checkRedisAddress,
  DEFAULTS,
  engineOptions,
  sharedProblems,
  type DiffSyncStoreOptions,
  type EngineName,
  type StoreClass,
} from './diffsync-store.options.js';

/** Imported like any other file: by a dynamic import some loaders give the file a second time. A store loads its driver late. */
const ENGINES: Readonly<Record<EngineName, StoreClass>> = {
  local: LocalStore,
  redis: RedisStore,
  sqlite: SqliteStore,
};

/**
 * Creates the store that the options describe.
 * @returns the store, not open yet; an instance as it is.
 * @throws {ObjectStoreException} (STORE_PACKAGE_MISSING) when the package of the engine cannot be loaded, whatever the options.
 * @throws {ValueError} (VALUE_ERROR) for the engine `redis` without an address.
 */
export async function createStore(options: DiffSyncStoreOptions, name: string | undefined): Promise<BaseStore> {
  const { engine, verbosity = DEFAULTS.verbosity, retryAttempts, retryDelay, ...own } = options;
  void [retryAttempts, retryDelay];
  if (engine instanceof BaseStore) return engine;
  const given = {
    ...own,
    logger: new NestLogger(name ?? 'DiffSyncStore', verbosity),
    ...(name === undefined ? {} : { name }),
  };
  if (options.engine === 'redis') {
    if (options.client === undefined) await loadRedisDriver('RedisStore');
    checkRedisAddress(options);
  }
  const storeClass = typeof engine === 'string' ? ENGINES[engine] : engine;
  return new (storeClass as new (options: BaseStoreOptions) => BaseStore)(given);
}

/**
 * Returns all that is wrong with the options of an engine; with those of every engine, where it is not known.
 * @param source - Where they come from: it names them in messages.
 */
export function engineProblems(engine: EngineName | undefined, options: object, source: OptionSource): Problem[] {
  const shared = sharedProblems(options);
  const own = engineOptions(options);
  if (engine === 'redis') return [...shared, ...redisProblems(own, source)];
  return engine === 'sqlite' ? [...shared, ...sqliteProblems(own)] : shared;
}
