import type { DynamicModule } from '@nestjs/common';
import { z } from 'zod';
import { ValueError } from '../errors.js';
import { parseAddressList } from '../store/address-list.js';
import { packageException } from '../store/optional-package.js';
import { checkOptions } from '../store/check-options.js';
import type { DiffSyncStoreOptions, RedisEngineOptions } from './diffsync-store.options.js';
import { redactSecrets } from './redact-options.js';

const NAMESPACE = 'diffsyncStore';
const KEY = `CONFIGURATION(${NAMESPACE})`;

/** One or several `host:port`, joined by commas. */
const addresses = z
  .string()
  .transform((text, context) => {
    const list = parseAddressList(text);
    if (list === undefined) context.addIssue('not host:port, several joined by commas');
    return list ?? z.NEVER;
  })
  .optional();

const environment = z.object({
  DIFFSYNC_STORE_ENGINE: z.enum(['local', 'redis', 'sqlite']),
  DIFFSYNC_STORE_URL: z.string().optional(),
  DIFFSYNC_STORE_CLUSTER: addresses,
  DIFFSYNC_STORE_SENTINELS: addresses,
  DIFFSYNC_STORE_MASTER_NAME: z.string().optional(),
  DIFFSYNC_STORE_PASSWORD: z.string().optional(),
  DIFFSYNC_STORE_SENTINEL_PASSWORD: z.string().optional(),
  DIFFSYNC_STORE_PATH: z.string().optional(),
  DIFFSYNC_STORE_ID: z.string().optional(),
  DIFFSYNC_STORE_VERBOSITY: z
    .enum(['0', '1', '2'])
    .transform((text) => Number(text) as 0 | 1 | 2)
    .optional(),
});

/** Of these, redis needs one. */
const ADDRESSES = ['DIFFSYNC_STORE_URL', 'DIFFSYNC_STORE_CLUSTER', 'DIFFSYNC_STORE_SENTINELS'] as const;

/** A configuration factory of `@nestjs/config`, of the form that its `registerAs` returns. */
export interface DiffSyncStoreConfig {
  /** Reads the options from the environment. */
  (): DiffSyncStoreOptions;
  /** The token of the options: `@Inject(diffSyncStoreConfig.KEY)`. */
  readonly KEY: string;
  /** Returns the argument for `DiffSyncStoreModule.forRootAsync`. Loads `@nestjs/config`. */
  asProvider(): {
    imports: Promise<DynamicModule>[];
    useFactory: (options: DiffSyncStoreOptions) => DiffSyncStoreOptions;
    inject: string[];
  };
}

/**
 * Reads the options of a store from the environment, and from the env files that `ConfigModule` has loaded.
 *
 * - `DIFFSYNC_STORE_ENGINE`: `local`, `redis` or `sqlite`; required.
 * - `DIFFSYNC_STORE_ID`, `DIFFSYNC_STORE_VERBOSITY` (0, 1 or 2): for every engine.
 * - `DIFFSYNC_STORE_URL`, `_CLUSTER`, `_SENTINELS`, `_MASTER_NAME`, `_PASSWORD`, `_SENTINEL_PASSWORD`: for redis; a cluster and
 *   sentinels are lists of `host:port`, joined by commas. One of `_URL`, `_CLUSTER` and `_SENTINELS` is required, and none may be
 *   empty.
 * - `DIFFSYNC_STORE_PATH`: for sqlite; required there.
 *
 * @returns the options.
 * @throws {@link ValueError} (VALUE_ERROR), variable by variable, for wrong or missing ones.
 * @example
 * ```ts
 * @Module({
 *   imports: [ConfigModule.forRoot(), DiffSyncStoreModule.forRootAsync(diffSyncStoreConfig.asProvider())],
 * })
 * export class AppModule {}
 * ```
 */
export const diffSyncStoreConfig: DiffSyncStoreConfig = Object.defineProperties(readEnvironment, {
  // The properties that `registerAs` sets on a factory. Calling it would load @nestjs/config where it is not used.
  PARTIAL_CONFIGURATION_KEY: { value: NAMESPACE },
  KEY: { value: KEY },
  asProvider: {
    value: () => ({
      imports: [loadConfigModule()],
      useFactory: (options: DiffSyncStoreOptions) => options,
      inject: [KEY],
    }),
  },
}) as typeof readEnvironment & DiffSyncStoreConfig;

/** By a dynamic import of the package alone, which a bundler does not need. */
async function loadConfigModule(): Promise<DynamicModule> {
  const { ConfigModule } = await import('@nestjs/config').catch((error: unknown) => {
    throw packageException('diffSyncStoreConfig', '@nestjs/config', error);
  });
  return ConfigModule.forFeature(diffSyncStoreConfig);
}

function readEnvironment(): DiffSyncStoreOptions {
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
  const env = checkOptions('diffSyncStoreConfig', environment, given);
  return redactSecrets({
    ...engineOptionsOf(env),
    ...(env.DIFFSYNC_STORE_ID === undefined ? {} : { storeId: env.DIFFSYNC_STORE_ID }),
    ...(env.DIFFSYNC_STORE_VERBOSITY === undefined ? {} : { verbosity: env.DIFFSYNC_STORE_VERBOSITY }),
  });
}

/** @throws {ValueError} (VALUE_ERROR) when no variable says where the server is, or one does with an empty text. */
function checkAddress(): void {
  const given = ADDRESSES.filter((name) => process.env[name] !== undefined);
  const empty = given.find((name) => process.env[name] === '');
  if (empty !== undefined) throw new ValueError(`diffSyncStoreConfig: ${empty}: empty, and no address is guessed`);
  if (given.length === 0)
    throw new ValueError(`diffSyncStoreConfig: one of ${ADDRESSES.join(', ')}: missing, for redis`);
}

/** Variables of other engines are ignored: they may be set for another program. */
function engineOptionsOf(env: z.output<typeof environment>): DiffSyncStoreOptions {
  const { DIFFSYNC_STORE_ENGINE: engine, DIFFSYNC_STORE_URL: url, DIFFSYNC_STORE_PATH: path } = env;
  if (engine === 'redis') {
    checkAddress();
    const password = env.DIFFSYNC_STORE_PASSWORD;
    const sentinelPassword = env.DIFFSYNC_STORE_SENTINEL_PASSWORD;
    return {
      engine,
      ...(url === undefined ? {} : { url }),
      ...(env.DIFFSYNC_STORE_CLUSTER === undefined ? {} : { cluster: { nodes: env.DIFFSYNC_STORE_CLUSTER } }),
      ...(env.DIFFSYNC_STORE_SENTINELS === undefined ? {} : { sentinels: env.DIFFSYNC_STORE_SENTINELS }),
      ...(env.DIFFSYNC_STORE_MASTER_NAME === undefined ? {} : { masterName: env.DIFFSYNC_STORE_MASTER_NAME }),
      ...(password === undefined ? {} : { password }),
      ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    } as object as RedisEngineOptions; // The store checks which of them go together.
  }
  if (engine !== 'sqlite') return { engine };
  if (path === undefined) throw new ValueError('diffSyncStoreConfig: DIFFSYNC_STORE_PATH: missing, for sqlite');
  return { engine, path };
}
