import { NestLogger } from '../logging/nest-logger.js';
import { BaseStore } from '../store/base-store.js';
import type { BaseStoreOptions } from '../store/store-options.js';
import { LocalStore } from '../store/local/local.store.js';
import { loadRedisDriver, RedisStore } from '../store/redis/redis.store.js';
import { SqliteStore } from '../store/sqlite/sqlite.store.js';
import { checkRedisAddress, DEFAULTS, type DiffSyncStoreOptions, type StoreClass } from './diffsync-store.options.js';

type EngineName = Extract<DiffSyncStoreOptions['engine'], string>;

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
