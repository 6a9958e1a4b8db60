import { z } from 'zod';
import { parseAddressList } from '../store/address-list.js';
import type { EngineName } from './diffsync-store.options.js';

/** What a variable of the environment stands for. */
export interface Variable {
  /** The option of the store, by its path. */
  readonly option: string;
  /** The engines that have the option. */
  readonly engines: readonly EngineName[];
  readonly meaning: string;
  /** What holds without it; undefined where nothing does. */
  readonly default?: string;
  /** Whether its text may stand in a file, which the variable with `_FILE` behind its name names. */
  readonly fromFile?: true;
}

const EVERY = ['local', 'sqlite', 'redis'] as const satisfies EngineName[];
const SQLITE = ['sqlite'] as const;
const REDIS = ['redis'] as const;

const variables = z.registry<Variable>();

const text = (): z.ZodString => z.string();
const whole = (): z.ZodType<number> =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'not a whole number, 0 or above')
    .transform(Number);
const flag = (): z.ZodType<boolean> =>
  z.stringbool({ truthy: ['true'], falsy: ['false'], error: 'neither true nor false' });
/** One or several `host:port`, joined by commas. */
const addresses = (): z.ZodType =>
  z.string().transform((list, context) => {
    const parsed = parseAddressList(list);
    if (parsed === undefined) context.addIssue('not host:port, several joined by commas');
    return parsed ?? z.NEVER;
  });

/**
 * The variables of a store, without the beginning that they share: `DIFFSYNC_STORE_`, or `DIFFSYNC_CMDB_STORE_` for the store
 * `cmdb`. Each says what its text becomes; whether that is right as an option says the engine.
 */
export const environment = z.object({
  ENGINE: z
    .enum(EVERY, { error: `not one of ${EVERY.join(', ')}` })
    .register(variables, { option: 'engine', engines: EVERY, meaning: EVERY.join(', '), default: 'required' }),
  ID: text().register(variables, { option: 'storeId', engines: EVERY, meaning: 'which store', default: 'by engine' }),
  MAX_OBJECT_BYTES: whole().register(variables, {
    option: 'maxObjectBytes',
    engines: EVERY,
    meaning: 'refuses larger objects; bytes',
    default: '16777216',
  }),
  VERBOSITY: whole().register(variables, {
    option: 'verbosity',
    engines: EVERY,
    meaning: 'what is logged: 0, 1 or 2',
    default: '0',
  }),
  SLOW_OPERATION_MS: whole().register(variables, {
    option: 'slowOperationMs',
    engines: EVERY,
    meaning: 'warns of slower ones; 0: never',
    default: '1000',
  }),
  RETRY_ATTEMPTS: whole().register(variables, {
    option: 'retryAttempts',
    engines: EVERY,
    meaning: 'attempts to open the store',
    default: '10',
  }),
  RETRY_DELAY: whole().register(variables, {
    option: 'retryDelay',
    engines: EVERY,
    meaning: 'between two of them; ms',
    default: '3000',
  }),
  TIMEOUT: whole().register(variables, {
    option: 'timeout',
    engines: ['sqlite', 'redis'],
    meaning: 'of one operation; ms',
    default: '5000',
  }),
  PATH: text().register(variables, {
    option: 'path',
    engines: SQLITE,
    meaning: 'the file, or `:memory:`',
    default: 'required',
  }),
  READONLY: flag().register(variables, {
    option: 'readonly',
    engines: SQLITE,
    meaning: '`true`: for reads alone',
    default: '`false`',
  }),
  CHANGE_LOG: flag().register(variables, {
    option: 'changeLog',
    engines: ['sqlite', 'redis'],
    meaning: '`true`: keeps a log of changes',
    default: '`false`',
  }),
  URL: text().register(variables, {
    option: 'url',
    engines: REDIS,
    meaning: 'one server, as a URL',
    fromFile: true,
  }),
  HOST: text().register(variables, { option: 'host', engines: REDIS, meaning: 'one server, with `PORT`' }),
  PORT: whole().register(variables, { option: 'port', engines: REDIS, meaning: 'its port', default: '6379' }),
  SOCKET: text().register(variables, { option: 'path', engines: REDIS, meaning: 'one server, by its socket' }),
  SENTINELS: addresses().register(variables, { option: 'sentinels', engines: REDIS, meaning: '`host:port,host:port`' }),
  MASTER_NAME: text().register(variables, {
    option: 'masterName',
    engines: REDIS,
    meaning: 'what they call the master',
  }),
  CLUSTER: addresses().register(variables, {
    option: 'cluster.nodes',
    engines: REDIS,
    meaning: '`host:port,host:port`',
  }),
  DB: whole().register(variables, { option: 'db', engines: REDIS, meaning: 'the database', default: '0' }),
  USERNAME: text().register(variables, {
    option: 'username',
    engines: REDIS,
    meaning: 'of the server',
    default: '`default`',
    fromFile: true,
  }),
  PASSWORD: text().register(variables, {
    option: 'password',
    engines: REDIS,
    meaning: 'of the server',
    fromFile: true,
  }),
  TLS: flag()
    .transform((on) => (on ? {} : undefined))
    .register(variables, { option: 'tls', engines: REDIS, meaning: '`true`: TLS', default: '`false`' }),
  ...tls('TLS', 'tls'),
  SENTINEL_USERNAME: text().register(variables, {
    option: 'sentinelUsername',
    engines: REDIS,
    meaning: 'of the sentinels',
    fromFile: true,
  }),
  SENTINEL_PASSWORD: text().register(variables, {
    option: 'sentinelPassword',
    engines: REDIS,
    meaning: 'of the sentinels',
    fromFile: true,
  }),
  SENTINEL_TLS: flag()
    .transform((on) => (on ? {} : false))
    .register(variables, {
      option: 'sentinelTls',
      engines: REDIS,
      meaning: 'TLS to the sentinels',
      default: 'as `TLS`',
    }),
  ...tls('SENTINEL_TLS', 'sentinelTls'),
  DURABILITY_REPLICAS: whole().register(variables, {
    option: 'durability.replicas',
    engines: REDIS,
    meaning: 'must have a write too',
  }),
  DURABILITY_TIMEOUT: whole().register(variables, {
    option: 'durability.timeout',
    engines: REDIS,
    meaning: 'for which it waits; ms',
    default: '1000',
  }),
  SCALE_READS: text().register(variables, {
    option: 'scaleReads',
    engines: REDIS,
    meaning: '`master`, `slave`, `all`',
    default: '`master`',
  }),
  SHARDS: whole().register(variables, { option: 'shards', engines: REDIS, meaning: 'slots of a model', default: '1' }),
  TTL: whole().register(variables, { option: 'ttl', engines: REDIS, meaning: 'expires unused; ms', default: 'never' }),
});

/** The name of a variable, without its beginning. */
export type VariableName = keyof typeof environment.shape;

/** The names of all variables, without their beginning. */
export const VARIABLES = Object.keys(environment.shape) as readonly VariableName[];

/** Returns what a variable stands for. */
export function variableOf(name: VariableName): Variable {
  return variables.get(environment.shape[name]) as Variable;
}

/** What Node's `tls.connect` takes, for one of the two connections. */
function tls<Name extends string>(
  name: Name,
  option: string,
): Record<`${Name}_${'CA' | 'CERT' | 'KEY' | 'PASSPHRASE' | 'SERVER_NAME'}`, z.ZodString> {
  const part = (of: string, meaning: string, fromFile?: true): z.ZodString =>
    text().register(variables, {
      option: `${option}.${of}`,
      engines: REDIS,
      meaning,
      ...(fromFile === undefined ? {} : { fromFile }),
    });
  return {
    [`${name}_CA`]: part('ca', 'trusted authorities, PEM', true),
    [`${name}_CERT`]: part('cert', 'own certificate, PEM', true),
    [`${name}_KEY`]: part('key', 'its key, PEM', true),
    [`${name}_PASSPHRASE`]: part('passphrase', 'of the key', true),
    [`${name}_SERVER_NAME`]: part('servername', 'name in its certificate'),
  } as ReturnType<typeof tls<Name>>;
}
