import type { ConnectionOptions } from 'node:tls';
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

/** The user of a server's ACL, with the password. */
export interface RedisCredentials {
  /**
   * Name of the user.
   * @defaultValue 'default'
   */
  readonly username?: string | undefined;
  /** Password of the user, or a token that counts as one. */
  readonly password: string;
}

/**
 * Returns the credentials for a new connection.
 * @param context - `signal`: is aborted when the time is over, or the connection is not needed any more.
 */
export type RedisCredentialsProvider = (context: {
  readonly signal: AbortSignal;
}) => RedisCredentials | Promise<RedisCredentials>;

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
   * Whether the store keeps a log of which objects were written, for `changesSince`. Its models are raised to format 2 when it is opened
   * and when it writes to them; versions of this package that know format 1 alone are refused then (STORE_NEWER_FORMAT). Once a model
   * is in format 2, every writer logs its changes, with or without this option. With a `ttl` no log is kept.
   * @defaultValue false
   */
  readonly changeLog?: boolean | undefined;
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
  /**
   * Returns user and password, in place of `username` and `password`. It is asked again for every connection: the first one,
   * each after that was lost, and those to the nodes of a cluster; so that a password may change, and a token expire. It has
   * the store's `timeout` to answer. Where it fails, the connection does (STORE_CREDENTIALS), and is tried again.
   */
  readonly credentials?: RedisCredentialsProvider | undefined;
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

/** How the store authenticates: by what it is given, or by what it asks for. */
export type RedisLogin =
  | { readonly credentials?: undefined }
  | {
      readonly credentials: RedisServerOptions['credentials'];
      readonly username?: undefined;
      readonly password?: undefined;
    };

/** The server of a Redis store, named in one way. */
export type RedisServer = RedisLogin &
  (
    | RedisWay<'url', 'db' | 'username' | 'password' | 'credentials' | 'tls'>
    | RedisWay<'host', 'port' | 'db' | 'username' | 'password' | 'credentials' | 'tls'>
    | RedisWay<'path', 'db' | 'username' | 'password' | 'credentials'>
    | RedisWay<
        'sentinels' | 'masterName',
        'sentinelUsername' | 'sentinelPassword' | 'sentinelTls' | 'db' | 'username' | 'password' | 'credentials' | 'tls'
      >
    | RedisWay<'cluster', 'username' | 'password' | 'credentials' | 'tls' | 'scaleReads' | 'shards'>
    | RedisWay<'client', 'scaleReads' | 'shards'>
  );

/** The default server, localhost:6379, or another port of localhost. */
export type RedisLocalServer = RedisLogin &
  RedisWay<never, 'port' | 'db' | 'username' | 'password' | 'credentials' | 'tls'>;

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
