import { ObjectStoreException } from '../errors.js';
import { NestLogger } from '../logging/nest-logger.js';
import { BaseStore, type BaseStoreOptions } from '../store/base-store.js';
import { LocalStore } from '../store/local/local.store.js';
import { DEFAULTS, type DiffSyncStoreOptions } from './diffsync-store.options.js';

/** The store that the options describe, not open yet (an instance of the user's: as it is). Loads no engine but this one. */
export async function createStore(options: DiffSyncStoreOptions, name: string | undefined): Promise<BaseStore> {
  const { engine, verbosity = DEFAULTS.verbosity, retryAttempts, retryDelay, ...own } = options;
  void [retryAttempts, retryDelay];
  if (engine instanceof BaseStore) return engine;
  const given = {
    ...own,
    logger: new NestLogger(name ?? 'DiffSyncStore', verbosity),
    ...(name === undefined ? {} : { name }),
  };
  const storeClass = engine === 'local' ? LocalStore : engine === 'redis' ? (await loadRedis()).RedisStore : engine;
  return new (storeClass as new (options: BaseStoreOptions) => BaseStore)(given);
}

async function loadRedis(): Promise<typeof import('../store/redis/index.js')> {
  try {
    return await import('../store/redis/index.js');
  } catch (error) {
    throw new ObjectStoreException('The engine "redis" needs the package "ioredis": npm install ioredis', {
      code: 'STORE_PACKAGE_MISSING',
      cause: error,
    });
  }
}
