import { z } from 'zod';
import { BaseStore } from '../store/base-store.js';
import type { BaseStoreOptions } from '../store/store-options.js';
import { checkOptions } from '../store/check-options.js';
import { checkStoreId } from '../store/store-id.js';
import type { RedisStoreOptions } from '../store/redis/redis-options.js';
import type { SqliteStoreOptions } from '../store/sqlite/sqlite-options.js';
import type { Verbosity } from '../logging/logger.js';

/** A store class of your own: it gets all options but the module's own ones. */
export type StoreClass = new (options: never) => BaseStore;

interface SharedOptions {
  /** Which store of the backend. `forFeature(['a'])` below it gives `<storeId>.a`. Default: as the engine says. */
  readonly storeId?: string | undefined;
  /** Objects whose text is larger are refused; bytes. @default 16 MiB */
  readonly maxObjectBytes?: number | undefined;
  /** 0 warnings, 1 information, 2 debug with every store operation. @default 0 */
  readonly verbosity?: Verbosity | undefined;
  /** How often the application tries to open the store before it fails to start. @default 10 */
  readonly retryAttempts?: number | undefined;
  /** Milliseconds between two attempts. @default 3000 */
  readonly retryDelay?: number | undefined;
}

/** In this process's memory. */
export interface LocalEngineOptions extends SharedOptions {
  readonly engine: 'local';
}

/** In Redis; needs the package `ioredis`. */
export interface RedisEngineOptions extends SharedOptions, Omit<RedisStoreOptions, keyof BaseStoreOptions> {
  readonly engine: 'redis';
}

/** In a file; needs the package `better-sqlite3`. */
export interface SqliteEngineOptions extends SharedOptions, Omit<SqliteStoreOptions, 'storeId' | 'name' | 'logger'> {
  readonly engine: 'sqlite';
}

/** A store of your own: a class, made and closed by the module, or an instance, closed by whoever opened it. */
export interface CustomEngineOptions extends SharedOptions {
  readonly engine: StoreClass | BaseStore;
  readonly [option: string]: unknown;
}

export type DiffSyncStoreOptions = LocalEngineOptions | RedisEngineOptions | SqliteEngineOptions | CustomEngineOptions;

/** What `useClass` and `useExisting` of `forRootAsync` name. */
export interface DiffSyncStoreOptionsFactory {
  createDiffSyncStoreOptions(): DiffSyncStoreOptions | Promise<DiffSyncStoreOptions>;
}

/** A store of `forFeature`: its name, and its store id where that is not to be `<root's store id>.<name>`. */
export interface FeatureStore {
  readonly name: string;
  readonly storeId?: string;
}

export const DEFAULTS = Object.freeze({ verbosity: 0, retryAttempts: 10, retryDelay: 3000 } as const);

const shared = {
  storeId: z.string().optional(),
  maxObjectBytes: z.int().optional(),
  verbosity: z.literal([0, 1, 2]).optional(),
  retryAttempts: z.int().min(1).optional(),
  retryDelay: z.int().min(0).optional(),
};

const isStoreClass = (value: unknown): boolean => typeof value === 'function' && value.prototype instanceof BaseStore;

/** Options of another engine are checked by its own constructor, where they are known. */
const LOCAL = z.strictObject({ ...shared, engine: z.literal('local') });
const OTHER = z.looseObject(shared);
/** What a store that is there already has been made with cannot be changed. */
const INSTANCE = z.strictObject({
  engine: z.unknown(),
  retryAttempts: shared.retryAttempts,
  retryDelay: shared.retryDelay,
});

const KINDS = '"local", "redis", "sqlite", or a BaseStore class or instance';

const ENGINES = z.looseObject({
  engine: z.union(
    [z.literal(['local', 'redis', 'sqlite']), z.custom((value) => isStoreClass(value) || value instanceof BaseStore)],
    {
      error: ({ input }) =>
        input === undefined
          ? `missing: ${KINDS}`
          : `${typeof input === 'string' ? `"${input}"` : 'this'} is no engine: ${KINDS}`,
    },
  ),
});

const OWNER = 'DiffSyncStoreModule';

/** @throws ValueError, path by path. */
export function checkModuleOptions(options: unknown): DiffSyncStoreOptions {
  const { engine } = checkOptions(OWNER, ENGINES, options);
  const schema: z.ZodType = engine === 'local' ? LOCAL : engine instanceof BaseStore ? INSTANCE : OTHER;
  checkOptions(OWNER, schema, options);
  const { storeId } = options as DiffSyncStoreOptions;
  if (storeId !== undefined) checkStoreId(storeId);
  return options as DiffSyncStoreOptions;
}

const FEATURES = z
  .array(z.union([z.string().min(1), z.strictObject({ name: z.string().min(1), storeId: z.string().optional() })]))
  .min(1);

/** @throws ValueError, path by path. */
export function checkFeatures(features: unknown): FeatureStore[] {
  return checkOptions(`${OWNER}.forFeature`, FEATURES, features).map((feature) => {
    const { name, storeId } = typeof feature === 'string' ? { name: feature } : feature;
    checkStoreId(storeId ?? name);
    return storeId === undefined ? { name } : { name, storeId };
  });
}
