import type { ConnectionOptions } from 'node:tls';
import { z } from 'zod';
import { ValueError } from '../../errors.js';
import { checkOptions } from '../check-options.js';
import type { BaseStoreOptions } from '../store-options.js';

/** An ioredis client, by what is asked of it here: these options may not name the types of an optional package. */
export interface RedisClient {
  readonly options: {
    readonly keyPrefix?: string | undefined;
    readonly replyMapping?: string | undefined;
    readonly stringNumbers?: boolean | undefined;
  };
  readonly isCluster?: boolean;
  defineCommand(name: string, definition: { lua: string; numberOfKeys?: number }): void;
}

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Waiting for replicas, by `WAIT`. */
export interface RedisDurability {
  /** How many replicas must have a write before it counts as done. */
  readonly replicas: number;
  /** Milliseconds that a write waits for them; less than half of the store's `timeout`, and than 2500. @default 1000 */
  readonly timeout?: number | undefined;
}

/**
 * How RedisStore reaches its data. One of: `url`; `host` and `port`; `path` of a Unix socket; `sentinels` and `masterName`;
 * `cluster`; a `client` of your own. Default: localhost:6379.
 */
export interface RedisStoreOptions extends BaseStoreOptions {
  /** `redis://[[user]:password@]host[:port][/db]`, or `rediss://` for TLS. */
  readonly url?: string | undefined;
  readonly host?: string | undefined;
  /** @default 6379 */
  readonly port?: number | undefined;
  /** Of the server's Unix socket. */
  readonly path?: string | undefined;
  /** A whole number; overrides the one in `url`. A cluster has none but 0. @default 0 */
  readonly db?: number | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** TLS as by `rediss://`, with certificates of your own where given: `ca`, `cert`, `key`, … as in Node's `tls.connect`. */
  readonly tls?: ConnectionOptions | undefined;
  /** The sentinels that know where the master `masterName` is. */
  readonly sentinels?: readonly RedisAddress[] | undefined;
  readonly masterName?: string | undefined;
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** A Redis Cluster, by some of its nodes; the others are found. */
  readonly cluster?: { readonly nodes: readonly RedisAddress[] } | undefined;
  /**
   * Of a cluster: which nodes answer reads. What a replica answers may be behind: an object just written may be missing.
   * @default 'master'
   */
  readonly scaleReads?: 'master' | 'slave' | 'all' | undefined;
  /**
   * Of a cluster: splits each model over so many slots, for models too large for one node. Costs another call for each
   * chunk of new objects, a read of all merges the shards, and a write of many objects is atomic for a chunk of one shard
   * only. The same in every process, and for ever. @default 1
   */
  readonly shards?: number | undefined;
  /** Writes count as done once replicas have them too. Default: once the master has them. */
  readonly durability?: RedisDurability | undefined;
  /**
   * For throw-away stores: milliseconds after which everything expires, together, unless the store is used. Use is noticed
   * within a third of it. Default: never.
   */
  readonly ttl?: number | undefined;
  /**
   * An ioredis client or cluster client that stays yours: it is never closed, and its own options decide about time-outs
   * and repeated writes. It may have no `keyPrefix`. Not together with any option above that says where the server is.
   */
  readonly client?: RedisClient | undefined;
  /**
   * Milliseconds within which an operation on one object ends, attempts to reconnect included, and a bulk one after its
   * last progress. For an operation as a whole pass it a `signal`. @default 5000
   */
  readonly timeout?: number | undefined;
}

export const DEFAULT_TIMEOUT_MS = 5000;
export const DEFAULT_WAIT_MS = 1000;

/** Milliseconds without an answer after which a link counts as dead. @param timeout of a step */
export function deadLinkAfter(timeout: number): number {
  return Math.ceil(Math.min(timeout, DEFAULT_TIMEOUT_MS) / 2);
}

const port = z.int().min(1).max(65535);
/** A URL in this place, perhaps with a password, would be shown as an address. */
const host = z.string().regex(/^[^\s/@?#]+$/, 'not the name or address of a host');
const address = z.strictObject({ host, port });

const schema = z.strictObject({
  url: z.url({ protocol: /^rediss?$/, error: 'not a redis:// or rediss:// URL' }).optional(),
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
    .refine((client) => !client.options?.keyPrefix, 'has a keyPrefix, which scripts would not see; use storeId instead')
    .refine(
      ({ options }) => options?.stringNumbers !== true && (options?.replyMapping ?? 'legacy') === 'legacy',
      'has stringNumbers or a replyMapping, under which answers would be misread',
    )
    .optional(),
  timeout: z.int().min(1).optional(),
});

type CheckedOptions = z.infer<typeof schema>;

/** Ways to say where the server is, each with the options that go with it. */
const ENDPOINT_OPTIONS = {
  url: ['db', 'username', 'password', 'tls'],
  host: ['port', 'db', 'username', 'password', 'tls'],
  path: ['db', 'username', 'password'],
  sentinels: ['masterName', 'sentinelUsername', 'sentinelPassword', 'db', 'username', 'password', 'tls'],
  cluster: ['username', 'password', 'tls'],
  client: [],
} as const satisfies Partial<Record<keyof CheckedOptions, readonly (keyof CheckedOptions)[]>>;

/** @throws ValueError, path by path; no value of an option is in its message. */
export function checkRedisOptions(options: Omit<RedisStoreOptions, keyof BaseStoreOptions>): void {
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
