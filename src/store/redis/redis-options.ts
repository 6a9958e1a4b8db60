import type { ConnectionOptions } from 'node:tls';
import { z } from 'zod';
import { ValueError } from '../../errors.js';
import { checkOptions } from '../check-options.js';
import type { BaseStoreOptions } from '../store-options.js';

/** The options of an ioredis client under which a store cannot use it. */
export interface RedisClientOptions {
  readonly keyPrefix?: string | undefined;
  readonly replyMapping?: string | undefined;
  readonly stringNumbers?: boolean | undefined;
}

/** An ioredis client, by the members that the store uses: these options may not name the types of an optional package. */
export interface RedisClient {
  /** The options that the client was made with. */
  readonly options: RedisClientOptions & {
    /** Of a cluster: the options of the client of each node. */
    readonly redisOptions?: RedisClientOptions | undefined;
  };
  /** Whether it is the client of a cluster. */
  readonly isCluster?: boolean | undefined;
  /**
   * Adds a Lua script to the client.
   * @param name - The name of the method.
   * @param definition - The script, and how many of its arguments are keys.
   */
  defineCommand(name: string, definition: { lua: string; numberOfKeys?: number }): void;
}

/** The address of a server. */
export interface RedisAddress {
  /** Name or IP address. */
  readonly host: string;
  /** Number of the TCP port. */
  readonly port: number;
}

/** How many replicas must confirm a write, by the command `WAIT`. */
export interface RedisDurability {
  /** Number of replicas that must have a write before it counts as done. */
  readonly replicas: number;
  /**
   * Milliseconds that a write waits for the replicas; less than half of the store's `timeout`, and than 2500.
   * @defaultValue 1000
   */
  readonly timeout?: number | undefined;
}

/** The options of a RedisStore that do not name the server. */
export interface RedisSharedOptions extends BaseStoreOptions {
  /** How many replicas must have a write before it counts as done. Default: a write is done once the master has it. */
  readonly durability?: RedisDurability | undefined;
  /**
   * Milliseconds after which all objects of a temporary store expire at once, unless the store is used. A use is noticed
   * within a third of this time. Default: never.
   */
  readonly ttl?: number | undefined;
  /**
   * Milliseconds within which an operation on one object ends, attempts to reconnect included, and a bulk operation after its
   * last progress. To bound a whole bulk operation, pass it a `signal`.
   * @defaultValue 5000
   */
  readonly timeout?: number | undefined;
}

/** The options that name the server, in each of the ways. */
export interface RedisServerOptions {
  /** The server as `redis://[[user]:password@]host[:port][/db]`, or `rediss://` for TLS. */
  readonly url?: string | undefined;
  /**
   * Name or IP address of the server.
   * @defaultValue 'localhost'
   */
  readonly host?: string | undefined;
  /**
   * Number of the TCP port of the server.
   * @defaultValue 6379
   */
  readonly port?: number | undefined;
  /** Path of the Unix socket of the server. */
  readonly path?: string | undefined;
  /**
   * Number of the database; overrides the one in `url`. A cluster has only number 0.
   * @defaultValue 0
   */
  readonly db?: number | undefined;
  /** User of the server's ACL; overrides the one in `url`. Default: the server's user `default`. */
  readonly username?: string | undefined;
  /** Password of the user; overrides the one in `url`. Default: none. */
  readonly password?: string | undefined;
  /** TLS as by `rediss://`, with certificates of your own where given: `ca`, `cert`, `key`, … as in Node's `tls.connect`. */
  readonly tls?: ConnectionOptions | undefined;
  /** Addresses of the sentinels that know where the master `masterName` is. */
  readonly sentinels?: readonly RedisAddress[] | undefined;
  /** Name of the master that the sentinels watch. */
  readonly masterName?: string | undefined;
  /** User of the sentinels' ACL. Default: none. */
  readonly sentinelUsername?: string | undefined;
  /** Password of the sentinels. Default: none. */
  readonly sentinelPassword?: string | undefined;
  /** TLS to the sentinels where it is not that to the master; false for none. Default: as `tls`. */
  readonly sentinelTls?: ConnectionOptions | false | undefined;
  /** A Redis Cluster, named by some of its nodes; the client finds the others. */
  readonly cluster?: { readonly nodes: readonly RedisAddress[] } | undefined;
  /**
   * Which nodes of a cluster serve reads. A replica may be behind: an object that was just written may be missing there.
   * @defaultValue 'master'
   */
  readonly scaleReads?: 'master' | 'slave' | 'all' | undefined;
  /**
   * Number of slots of a cluster over which each model is split, for models too large for one node. It costs one more command
   * for each chunk of new objects, a read of all objects merges the shards, and a write of many objects is atomic only for a
   * chunk of one shard. It must be the same in every process, and for ever.
   * @defaultValue 1
   */
  readonly shards?: number | undefined;
  /**
   * An ioredis client or cluster client of your own. The store never closes it, and the options of the client decide about
   * timeouts and repeated writes. It may have no `keyPrefix`, and excludes all options above that name the server.
   */
  readonly client?: RedisClient | undefined;
}

/** All options, also those that exclude each other. */
export type AnyRedisOptions = RedisSharedOptions & RedisServerOptions;

/** One way to name the server: by the option `Way`, with some that go with it, and without those of the other ways. */
export type RedisWay<Way extends keyof RedisServerOptions, With extends keyof RedisServerOptions = never> = {
  readonly [K in Way]: RedisServerOptions[K];
} & { readonly [K in With]?: RedisServerOptions[K] } & {
  readonly [K in Exclude<keyof RedisServerOptions, Way | With>]?: undefined;
};

/** The server of a Redis store, named in one way. */
export type RedisServer =
  | RedisWay<'url', 'db' | 'username' | 'password' | 'tls'>
  | RedisWay<'host', 'port' | 'db' | 'username' | 'password' | 'tls'>
  | RedisWay<'path', 'db' | 'username' | 'password'>
  | RedisWay<
      'sentinels' | 'masterName',
      'sentinelUsername' | 'sentinelPassword' | 'sentinelTls' | 'db' | 'username' | 'password' | 'tls'
    >
  | RedisWay<'cluster', 'username' | 'password' | 'tls' | 'scaleReads' | 'shards'>
  | RedisWay<'client', 'scaleReads' | 'shards'>;

/** The default server, localhost:6379, or another port of localhost. */
export type RedisLocalServer = RedisWay<never, 'port' | 'db' | 'username' | 'password' | 'tls'>;

/**
 * Says how a RedisStore reaches its data. The server is named in one of these ways: `url`; `host` and `port`; `path` of a Unix
 * socket; `sentinels` and `masterName`; `cluster`; a `client` that exists already. Default: localhost:6379.
 *
 * @example
 * ```ts
 * const options: RedisStoreOptions = { url: 'rediss://user:secret@redis.internal:6380/2', storeId: 'inventory', timeout: 2000 };
 * ```
 */
export type RedisStoreOptions = RedisSharedOptions & (RedisServer | RedisLocalServer);

export const DEFAULT_TIMEOUT_MS = 5000;
export const DEFAULT_WAIT_MS = 1000;

/** @returns milliseconds without a reply after which a connection counts as dead. @param timeout - That of the store. */
export function deadLinkAfter(timeout: number): number {
  return Math.ceil(Math.min(timeout, DEFAULT_TIMEOUT_MS) / 2);
}

/** Takes off the brackets that an IPv6 address has in a URL. */
export function bareHost(name: string): string {
  return name.replace(/^\[(.*)\]$/, '$1');
}

/** What a URL must be, else why not; never with a part of it, which may be a password. */
function urlFault(text: string): string | undefined {
  const [, authority = ''] = /^rediss?:\/\/(.*)@/s.exec(text) ?? [];
  const [raw] = /[#/?]/.exec(authority) ?? [];
  if (raw !== undefined) {
    const code = `%${raw.charCodeAt(0).toString(16).toUpperCase()}`;
    return `has a "${raw}" in its user name or password: percent-encode it as "${code}"`;
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol)) return 'not a redis:// or rediss:// URL';
  return url.hostname === '' ? 'names no host' : undefined;
}

const port = z.int().min(1).max(65535);
/** No URL: that may have a password, and a host is shown as part of the address. */
const host = z.string().regex(/^[^\s/@?#[\]]+$|^\[[\da-f:.]+\]$/i, 'not the name or address of a host');
const address = z.strictObject({ host, port });

/** A client of a cluster has those of its nodes besides its own. */
function optionsOf({ options }: RedisClient): readonly RedisClientOptions[] {
  return [options ?? {}, options?.redisOptions ?? {}];
}

const schema = z.strictObject({
  url: z
    .string()
    .superRefine((text, context) => {
      const fault = urlFault(text);
      if (fault !== undefined) context.addIssue(fault);
    })
    .optional(),
  host: host.optional(),
  port: port.optional(),
  path: z.string().min(1).optional(),
  db: z.int().min(0).optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  tls: z.looseObject({}).optional(),
  sentinels: z.array(address).min(1).optional(),
  masterName: z.string().min(1).optional(),
  sentinelUsername: z.string().optional(),
  sentinelPassword: z.string().optional(),
  sentinelTls: z.union([z.literal(false), z.looseObject({})]).optional(),
  cluster: z.strictObject({ nodes: z.array(address).min(1) }).optional(),
  scaleReads: z.enum(['master', 'slave', 'all']).optional(),
  shards: z.int().min(1).max(1024).optional(),
  durability: z.strictObject({ replicas: z.int().min(1), timeout: z.int().min(1).optional() }).optional(),
  ttl: z.int().min(1000).optional(),
  client: z
    .custom<RedisClient>(
      (value) => typeof (value as RedisClient | undefined)?.defineCommand === 'function',
      'not an ioredis client',
    )
    .refine(
      (client) => optionsOf(client).every(({ keyPrefix }) => !keyPrefix),
      'has a keyPrefix, which scripts would not see; use storeId instead',
    )
    .refine(
      (client) =>
        optionsOf(client).every(
          ({ stringNumbers, replyMapping = 'legacy' }) => stringNumbers !== true && replyMapping === 'legacy',
        ),
      'has stringNumbers or a replyMapping, under which answers would be misread',
    )
    .optional(),
  timeout: z.int().min(1).optional(),
});

type CheckedOptions = z.infer<typeof schema>;

/** The options that name the server, each with the options that go with it. */
const ENDPOINT_OPTIONS = {
  url: ['db', 'username', 'password', 'tls'],
  host: ['port', 'db', 'username', 'password', 'tls'],
  path: ['db', 'username', 'password'],
  sentinels: ['masterName', 'sentinelUsername', 'sentinelPassword', 'sentinelTls', 'db', 'username', 'password', 'tls'],
  cluster: ['username', 'password', 'tls'],
  client: [],
} as const satisfies Partial<Record<keyof CheckedOptions, readonly (keyof CheckedOptions)[]>>;

/** @throws {ValueError} (VALUE_ERROR) with the path of each wrong option; its message has no value of an option. */
export function checkRedisOptions(options: Omit<AnyRedisOptions, keyof BaseStoreOptions>): void {
  const checked = checkOptions('RedisStore', schema, options);
  const given = (option: keyof CheckedOptions): boolean => checked[option] !== undefined;
  const ways = Object.keys(ENDPOINT_OPTIONS) as (keyof typeof ENDPOINT_OPTIONS)[];
  const way = ways.find(given) ?? 'host';
  const fitting: readonly string[] = ENDPOINT_OPTIONS[way];
  for (const other of [...ways, ...ways.flatMap((each) => ENDPOINT_OPTIONS[each])]) {
    if (other === way || !given(other) || fitting.includes(other)) continue;
    if (given(way)) throw new ValueError(`RedisStore: "${way}" and "${other}" can't be specified together`);
    throw new ValueError(
      `RedisStore: "${other}" goes with ${ways.filter((each) => belongs(each, other)).join(' or ')} only`,
    );
  }
  if (given('sentinels') !== given('masterName')) {
    throw new ValueError('RedisStore: "sentinels" and "masterName" are specified together');
  }
  const { durability, timeout = DEFAULT_TIMEOUT_MS } = checked;
  if (durability !== undefined && (durability.timeout ?? DEFAULT_WAIT_MS) >= deadLinkAfter(timeout)) {
    throw new ValueError(
      `RedisStore: durability.timeout (default ${DEFAULT_WAIT_MS}) must be less than half of "timeout", and than ` +
        `${deadLinkAfter(Infinity)}: a link that is silent for so long counts as dead`,
    );
  }
  const isCluster = given('cluster') || checked.client?.isCluster === true;
  for (const option of ['scaleReads', 'shards'] as const) {
    if (given(option) && !isCluster) throw new ValueError(`RedisStore: "${option}" goes with a cluster only`);
  }
}

function belongs(way: keyof typeof ENDPOINT_OPTIONS, option: string): boolean {
  return (ENDPOINT_OPTIONS[way] as readonly string[]).includes(option);
}
