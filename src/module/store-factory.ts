import { NestLogger } from '../logging/nest-logger.js';
import { BaseStore } from '../store/base-store.js';
import type { BaseStoreOptions } from '../store/store-options.js';
import { LocalStore } from '../store/local/local.store.js';
import { RedisStore } from '../store/redis/redis.store.js';
import { SqliteStore } from '../store/sqlite/sqlite.store.js';
import { DEFAULTS, type DiffSyncStoreOptions, type StoreClass } from './diffsync-store.options.js';

type EngineName = Extract<DiffSyncStoreOptions['engine'], string>;

/** Imported like any other file: by a dynamic import some loaders give the file a second time. A store loads its driver late. */
const ENGINES: Readonly<Record<EngineName, StoreClass>> = {
  local: LocalStore,
  redis: RedisStore,
  sqlite: SqliteStore,
};

/** @returns the store that the options describe, not open yet; an instance as it is. */
export function createStore(options: DiffSyncStoreOptions, name: string | undefined): BaseStore {
  const { engine, verbosity = DEFAULTS.verbosity, retryAttempts, retryDelay, ...own } = options;
  void [retryAttempts, retryDelay];
  if (engine instanceof BaseStore) return engine;
  const given = {
    ...own,
    logger: new NestLogger(name ?? 'DiffSyncStore', verbosity),
    ...(name === undefined ? {} : { name }),
  };
  const storeClass = typeof engine === 'string' ? ENGINES[engine] : engine;
  return new (storeClass as new (options: BaseStoreOptions) => BaseStore)(given);
}
