import type { DynamicModule } from '@nestjs/common';
import { ValueError } from '../errors.js';
import { packageException } from '../store/optional-package.js';
import type { DiffSyncStoreOptions } from './diffsync-store.options.js';
import { EnvironmentReader } from './environment-reader.js';

const NAMESPACE = 'diffsyncStore';

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

/** The configuration factory of the unnamed store, which also makes those of stores with names. */
export interface DiffSyncStoreConfigs extends DiffSyncStoreConfig {
  /**
   * Returns the configuration factory of a named store, which reads `DIFFSYNC_CMDB_STORE_…` for the name `cmdb`.
   * @param name - the name of the store: letters, digits, `-` and `_`, and none of its words is "store".
   * @throws {@link ValueError} (VALUE_ERROR) for a name that is no part of a variable.
   */
  (name: string): DiffSyncStoreConfig;
}

/**
 * Reads the options of a store from the environment, and from the env files that `ConfigModule` has loaded: from the variables
 * `DIFFSYNC_STORE_…`, or of a named store from `DIFFSYNC_<NAME>_STORE_…`. `docs/configuration.md` lists them.
 *
 * - `DIFFSYNC_STORE_ENGINE` is `local`, `redis` or `sqlite`; required. Variables of the other engines are ignored.
 * - `sqlite` needs `_PATH`; `redis` one of `_URL`, `_HOST`, `_SOCKET`, `_CLUSTER` and `_SENTINELS`, and none may be empty. Any
 *   other variable that is empty counts as absent.
 * - `_URL`, user names, passwords, certificates and keys may stand in files: `DIFFSYNC_STORE_PASSWORD_FILE` is the path of one. A
 *   line break at its end is taken off.
 *
 * @returns the options.
 * @throws {@link ValueError} (VALUE_ERROR) with a line `variable: message` for each wrong, missing or unknown variable. Values
 *   are in none of them.
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     ConfigModule.forRoot(),
 *     DiffSyncStoreModule.forRootAsync(diffSyncStoreConfig.asProvider()),
 *     DiffSyncStoreModule.forRootAsync({ name: 'cmdb', ...diffSyncStoreConfig('cmdb').asProvider() }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 */
export const diffSyncStoreConfig = configOf(
  // ConfigModule calls it without arguments.
  (name?: string) => (name === undefined ? new EnvironmentReader('DIFFSYNC_STORE_').options() : namedConfig(name)),
  NAMESPACE,
) as DiffSyncStoreConfigs;

function namedConfig(name: string): DiffSyncStoreConfig {
  const prefix = `DIFFSYNC_${variablePart(name)}_STORE_`;
  return configOf(() => new EnvironmentReader(prefix).options(), `${NAMESPACE}:${name}`) as DiffSyncStoreConfig;
}

/** @returns the name of a store as a part of a variable. @throws {ValueError} (VALUE_ERROR) for one that is none. */
function variablePart(name: string): string {
  // It is not shown: a URL in place of a name may hold a password.
  if (!/^[a-z][\w-]*$/i.test(name)) {
    throw new ValueError('diffSyncStoreConfig: name: a letter, and then letters, digits, "-" and "_"');
  }
  const words = name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase();
  if (words.split('_').includes('STORE')) {
    throw new ValueError(
      'diffSyncStoreConfig: name: has the word "store", so that its variables could be those of another store',
    );
  }
  return words;
}

/** Adds what `registerAs` sets on a factory. Calling that would load @nestjs/config where it is not used. */
function configOf(read: (name?: string) => unknown, namespace: string): object {
  const key = `CONFIGURATION(${namespace})`;
  return Object.defineProperties(read, {
    PARTIAL_CONFIGURATION_KEY: { value: namespace },
    KEY: { value: key },
    asProvider: {
      value: () => ({
        imports: [loadConfigModule(read as DiffSyncStoreConfig)],
        useFactory: (options: DiffSyncStoreOptions) => options,
        inject: [key],
      }),
    },
  });
}

/** By a dynamic import of the package alone, which a bundler does not need. */
async function loadConfigModule(config: DiffSyncStoreConfig): Promise<DynamicModule> {
  const { ConfigModule } = await import('@nestjs/config').catch((error: unknown) => {
    throw packageException('diffSyncStoreConfig', '@nestjs/config', error);
  });
  return ConfigModule.forFeature(config);
}
