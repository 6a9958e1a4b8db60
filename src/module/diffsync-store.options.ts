import { z } from 'zod';
import { ValueError } from '../errors.js';
import { BaseStore } from '../store/base-store.js';
import { checkMaxObjectBytes, type BaseStoreOptions } from '../store/store-options.js';
import { refuseOtherCopy } from '../values/package-copy.js';
import { problemsOf, type Problem } from '../values/zod-issues.js';
import { checkOptions } from '../store/check-options.js';
import { checkStoreId } from '../store/store-id.js';
import type { RedisServer, RedisServerOptions, RedisSharedOptions } from '../store/redis/redis-options.js';
import type { SqliteStoreOptions } from '../store/sqlite/sqlite-options.js';
import type { Verbosity } from '../logging/logger.js';

/** A store class of your own. The module calls its constructor with all options but the module's own ones. */
export type StoreClass = new (options: never) => BaseStore;

/** Options of every engine. */
export interface SharedOptions {
  /** The id of the store in its backend. `forFeature(['a'])` on it opens `<storeId>.a`. Default: the engine's. */
  readonly storeId?: string | undefined;
  /** The largest object that the store takes, as JSON text; bytes. @default 16 MiB */
  readonly maxObjectBytes?: number | undefined;
  /**
   * How long an operation takes before a warning names it, with its model and the number of objects; milliseconds, 0 for never.
   * @default 1000
   */
  readonly slowOperationMs?: number | undefined;
  /** What is logged: 0 warnings and errors, 1 also information, 2 also every store operation. @default 0 */
  readonly verbosity?: Verbosity | undefined;
  /** How often the application tries to open the store before its start fails; attempts. @default 10 */
  readonly retryAttempts?: number | undefined;
  /** Time between two attempts; milliseconds. @default 3000 */
  readonly retryDelay?: number | undefined;
}

/** Options of a store in the memory of this process. */
export interface LocalEngineOptions extends SharedOptions {
  /** Selects `LocalStore`. */
  readonly engine: 'local';
}

/** Options of a store in Redis, which needs the package `ioredis`. The server is named in one way. */
export type RedisEngineOptions = SharedOptions &
  Omit<RedisSharedOptions, keyof BaseStoreOptions> &
  RedisServer & {
    /** Selects `RedisStore`. */
    readonly engine: 'redis';
  };

/** Options of a store in a file, which needs the package `better-sqlite3`. */
export interface SqliteEngineOptions extends SharedOptions, Omit<SqliteStoreOptions, 'storeId' | 'name' | 'logger'> {
  /** Selects `SqliteStore`. */
  readonly engine: 'sqlite';
}

/** Options of a store of your own class: those of its constructor. The module creates and closes the store. */
export type ClassEngineOptions<C extends StoreClass> = SharedOptions &
  OwnOptions<C> & {
    /** The class of the store. */
    readonly engine: C;
  };

/** The options of a class's constructor that the module does not give itself; any of a class that is not known. */
export type OwnOptions<C extends StoreClass> = [ConstructorParameters<C>[0]] extends [never]
  ? Readonly<Record<string, unknown>>
  : OmitOf<NonNullable<ConstructorParameters<C>[0]>, 'engine' | keyof BaseStoreOptions>;

/** The options of a constructor but some, of each member of a union. */
export type OmitOf<Options, Names extends PropertyKey> = Options extends unknown ? Omit<Options, Names> : never;

/** Options of a store that you have made. One that is open already is closed by the caller. */
export interface InstanceEngineOptions extends Pick<SharedOptions, 'retryAttempts' | 'retryDelay'> {
  /** The store. */
  readonly engine: BaseStore;
}

/** Options of a store of your own, where its class is not known before the application starts. */
export interface CustomEngineOptions extends SharedOptions {
  /** The class of the store, or an instance. */
  readonly engine: StoreClass | BaseStore;
  /** An option of the class's constructor. */
  readonly [option: string]: unknown;
}

/** Options of the engines of this package, and of a store that you have made. */
export type BuiltInEngineOptions =
  | LocalEngineOptions
  | RedisEngineOptions
  | SqliteEngineOptions
  | InstanceEngineOptions;

/** The options of one store: its engine, and what that engine takes. */
export type DiffSyncStoreOptions = LocalEngineOptions | RedisEngineOptions | SqliteEngineOptions | CustomEngineOptions;

/** The name of an engine of this package. */
export type EngineName = Extract<DiffSyncStoreOptions['engine'], string>;

/** What a factory returns: the options of the store, without those of the module, which stand beside the factory. */
export type FactoryOptions = DiffSyncStoreOptions & {
  readonly name?: undefined;
  readonly isGlobal?: undefined;
  readonly extraProviders?: undefined;
};

/** A provider of options, for `useClass` and `useExisting` of `forRootAsync`. */
export interface DiffSyncStoreOptionsFactory {
  /** Returns the options of the store. The module calls this once, when the application starts. */
  createDiffSyncStoreOptions(): FactoryOptions | Promise<FactoryOptions>;
}

/** A store of `forFeature`. */
export interface FeatureStore {
  /** The name of the store, for `@InjectStore(name)`. */
  readonly name: string;
  /** The id of the store in its backend. Default: `<root's store id>.<name>`. */
  readonly storeId?: string | undefined;
}

export const DEFAULTS = Object.freeze({ verbosity: 0, retryAttempts: 10, retryDelay: 3000 } as const);

const shared = {
  storeId: z.string().optional(),
  maxObjectBytes: z.int().optional(),
  slowOperationMs: z.number().min(0).optional(),
  verbosity: z.literal([0, 1, 2]).optional(),
  retryAttempts: z.int().min(1).optional(),
  retryDelay: z.int().min(0).optional(),
};

const isStoreClass = (value: unknown): boolean => typeof value === 'function' && value.prototype instanceof BaseStore;

/** Options of other engines are checked by the constructor of their store, which knows them. */
const LOCAL = z.strictObject({ ...shared, engine: z.literal('local') });
const OTHER = z.looseObject(shared);
/** An instance has its options already, so the module takes none but its own. */
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
      // Not shown: what stands in the wrong option may hold a password.
      error: ({ input }) => (input === undefined ? `missing: ${KINDS}` : `this is no engine: ${KINDS}`),
    },
  ),
});

const OWNER = 'DiffSyncStoreModule';

/** Of these, `redis` needs one: an application whose configuration lacks the address must not reach another server. */
export const REDIS_ADDRESSES = [
  'url',
  'host',
  'path',
  'client',
  'cluster',
  'sentinels',
] as const satisfies (keyof RedisServerOptions)[];

/** @throws {ValueError} (VALUE_ERROR), path by path. */
export function checkModuleOptions(options: unknown): DiffSyncStoreOptions {
  const given = (options as { readonly engine?: unknown } | null | undefined)?.engine;
  refuseOtherCopy(`${OWNER}: engine: this`, typeof given === 'function' ? given.prototype : given);
  const { engine } = checkOptions(OWNER, ENGINES, options);
  const misplaced = ['name', 'isGlobal', 'extraProviders'].find((option) => Object.hasOwn(options as object, option));
  if (misplaced !== undefined) {
    throw new ValueError(`${OWNER}: ${misplaced}: belongs beside "useFactory", not among the options that it returns`);
  }
  const schema: z.ZodType = engine === 'local' ? LOCAL : engine instanceof BaseStore ? INSTANCE : OTHER;
  checkOptions(OWNER, schema, options);
  const { storeId } = options as DiffSyncStoreOptions;
  if (storeId !== undefined) checkStoreId(storeId);
  return options as DiffSyncStoreOptions;
}

/** Returns all that is wrong with the options of every engine. */
export function sharedProblems(options: SharedOptions): Problem[] {
  const { error } = OTHER.safeParse(options);
  const { storeId, maxObjectBytes } = options;
  return [
    ...(error === undefined ? [] : problemsOf(error)),
    ...(storeId === undefined ? [] : problemOf('storeId', () => checkStoreId(storeId))),
    ...(maxObjectBytes === undefined ? [] : problemOf('maxObjectBytes', () => checkMaxObjectBytes(maxObjectBytes))),
  ];
}

/** Returns the options that only the engine knows. */
export function engineOptions(options: object): Record<string, unknown> {
  const own = Object.entries(options).filter(([name]) => name !== 'engine' && !Object.hasOwn(shared, name));
  return Object.fromEntries(own);
}

function problemOf(path: string, check: () => void): Problem[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    return [{ path, message: error.message }];
  }
}

/** @throws {ValueError} (VALUE_ERROR) for a name that is none. It is not shown: a URL may hold a password. */
export function checkStoreName(name: unknown): void {
  if (name === undefined || (typeof name === 'string' && name !== '' && !name.includes('://'))) return;
  throw new ValueError(
    `${OWNER}: name: this is no name of a store, but ${typeof name === 'string' ? 'a URL or empty' : 'no text'}`,
  );
}

/** @throws {ValueError} (VALUE_ERROR) when nothing says where the server is. */
export function checkRedisAddress(options: RedisEngineOptions): void {
  const given = REDIS_ADDRESSES.filter((option) => options[option] !== undefined);
  if (given.length === 0) {
    const names = REDIS_ADDRESSES.map((option) => `"${option}"`).join(', ');
    throw new ValueError(`${OWNER}: the engine "redis" needs the address of the server, as one of ${names}`);
  }
}

const FEATURES = z
  .array(z.union([z.string().min(1), z.strictObject({ name: z.string().min(1), storeId: z.string().optional() })]))
  .min(1);

/** @throws {ValueError} (VALUE_ERROR), path by path. */
export function checkFeatures(features: unknown): FeatureStore[] {
  return checkOptions(`${OWNER}.forFeature`, FEATURES, features).map((feature) => {
    const { name, storeId } = typeof feature === 'string' ? { name: feature } : feature;
    checkStoreName(name);
    checkStoreId(storeId ?? name);
    return storeId === undefined ? { name } : { name, storeId };
  });
}
