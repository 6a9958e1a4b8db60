import type { DynamicModule } from '@nestjs/common';
import { z } from 'zod';
import { ValueError } from '../errors.js';
import { parseAddressList } from '../store/address-list.js';
import { checkOptions } from '../store/check-options.js';
import type { DiffSyncStoreOptions } from './diffsync-store.options.js';
import { hideSecrets } from './redact-options.js';

const NAMESPACE = 'diffsyncStore';
const KEY = `CONFIGURATION(${NAMESPACE})`;

/** `host:port`, several joined by commas. */
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

/** A configuration of `@nestjs/config`, as its `registerAs` makes them. */
export interface DiffSyncStoreConfig {
  (): DiffSyncStoreOptions;
  /** Injects the options: `@Inject(diffSyncStoreConfig.KEY)`. */
  readonly KEY: string;
  /** For `DiffSyncStoreModule.forRootAsync`. */
  asProvider(): {
    imports: Promise<DynamicModule>[];
    useFactory: (options: DiffSyncStoreOptions) => DiffSyncStoreOptions;
    inject: string[];
  };
}

/**
 * The store's options from the environment, and from the env files that `ConfigModule` has loaded:
 * `DIFFSYNC_STORE_ENGINE` (`local`, `redis` or `sqlite`), `DIFFSYNC_STORE_URL`, `_CLUSTER`, `_SENTINELS`, `_MASTER_NAME`, `_PASSWORD`, `_SENTINEL_PASSWORD` (redis only), `DIFFSYNC_STORE_PATH` (sqlite
 * only), `DIFFSYNC_STORE_ID`, `DIFFSYNC_STORE_VERBOSITY` (0, 1, 2). Use: `forRootAsync(diffSyncStoreConfig.asProvider())`.
 * @throws ValueError, variable by variable, when it is called with wrong or missing ones.
 */
export const diffSyncStoreConfig: DiffSyncStoreConfig = Object.defineProperties(readEnvironment, {
  // What `registerAs` puts on a factory; calling it would load @nestjs/config for those who do not use it.
  PARTIAL_CONFIGURATION_KEY: { value: NAMESPACE },
  KEY: { value: KEY },
  asProvider: {
    value: () => ({
      imports: [import('@nestjs/config').then(({ ConfigModule }) => ConfigModule.forFeature(diffSyncStoreConfig))],
      useFactory: (options: DiffSyncStoreOptions) => options,
      inject: [KEY],
    }),
  },
}) as typeof readEnvironment & DiffSyncStoreConfig;

function readEnvironment(): DiffSyncStoreOptions {
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
  const env = checkOptions('diffSyncStoreConfig', environment, given);
  return hideSecrets({
    ...placeOf(env),
    ...(env.DIFFSYNC_STORE_ID === undefined ? {} : { storeId: env.DIFFSYNC_STORE_ID }),
    ...(env.DIFFSYNC_STORE_VERBOSITY === undefined ? {} : { verbosity: env.DIFFSYNC_STORE_VERBOSITY }),
  });
}

/** A variable of another engine is left alone: it may be there for another program. */
function placeOf(env: z.output<typeof environment>): DiffSyncStoreOptions {
  const { DIFFSYNC_STORE_ENGINE: engine, DIFFSYNC_STORE_URL: url, DIFFSYNC_STORE_PATH: path } = env;
  if (engine === 'redis') {
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
    };
  }
  if (engine !== 'sqlite') return { engine };
  if (path === undefined) throw new ValueError('diffSyncStoreConfig: DIFFSYNC_STORE_PATH: missing, for sqlite');
  return { engine, path };
}
