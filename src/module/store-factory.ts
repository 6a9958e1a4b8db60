import { ObjectStoreException } from '../errors.js';
import { NestLogger } from '../logging/nest-logger.js';
import { BaseStore } from '../store/base-store.js';
import type { BaseStoreOptions } from '../store/store-options.js';
import { LocalStore } from '../store/local/local.store.js';
import { DEFAULTS, type DiffSyncStoreOptions, type StoreClass } from './diffsync-store.options.js';

/** @returns the store that the options describe, not open yet; an instance as it is. Loads no package of another engine. */
export async function createStore(options: DiffSyncStoreOptions, name: string | undefined): Promise<BaseStore> {
  const { engine, verbosity = DEFAULTS.verbosity, retryAttempts, retryDelay, ...own } = options;
  void [retryAttempts, retryDelay];
  if (engine instanceof BaseStore) return engine;
  const given = {
    ...own,
    logger: new NestLogger(name ?? 'DiffSyncStore', verbosity),
    ...(name === undefined ? {} : { name }),
  };
  const storeClass = typeof engine === 'string' ? await LOADERS[engine]() : engine;
  return new (storeClass as new (options: BaseStoreOptions) => BaseStore)(given);
}

type EngineName = Extract<DiffSyncStoreOptions['engine'], string>;

/** Engine name -> loader of its store class. */
const LOADERS: Readonly<Record<EngineName, () => Promise<StoreClass>>> = {
  local: () => Promise.resolve(LocalStore),
  redis: () => loadOptional('redis', 'ioredis', async () => (await import('../store/redis/index.js')).RedisStore),
  sqlite: () =>
    loadOptional('sqlite', 'better-sqlite3', async () => (await import('../store/sqlite/index.js')).SqliteStore),
};

async function loadOptional(
  engine: EngineName,
  packageName: string,
  load: () => Promise<StoreClass>,
): Promise<StoreClass> {
  try {
    return await load();
  } catch (error) {
    throw new ObjectStoreException(
      `The engine "${engine}" needs the package "${packageName}": npm install ${packageName}`,
      { code: 'STORE_PACKAGE_MISSING', cause: error },
    );
  }
}
