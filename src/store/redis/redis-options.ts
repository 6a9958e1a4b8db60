import { z } from 'zod';
import { ValueError } from '../../errors.js';
import { checkOptions } from '../check-options.js';
import type { BaseStoreOptions } from '../base-store.js';

/** An ioredis client, by what is asked of it here: these options may not name the types of an optional package. */
export interface RedisClient {
  readonly options: {
    readonly keyPrefix?: string | undefined;
    readonly replyMapping?: string | undefined;
    readonly stringNumbers?: boolean | undefined;
  };
  defineCommand(name: string, definition: { lua: string; numberOfKeys?: number }): void;
}

/** How RedisStore reaches its server: `url`, or `host` and `port`, or a `client` of your own. Default: localhost:6379. */
export interface RedisStoreOptions extends BaseStoreOptions {
  /** `redis://[[user]:password@]host[:port][/db]`, or `rediss://` for TLS. Not together with `host`. */
  readonly url?: string | undefined;
  readonly host?: string | undefined;
  /** @default 6379 */
  readonly port?: number | undefined;
  /** A whole number; overrides the one in `url`. @default 0 */
  readonly db?: number | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /**
   * An ioredis client that stays yours: it is never closed, and its own options decide about time-outs and repeated
   * writes. It may have no `keyPrefix`. Not together with any option above.
   */
  readonly client?: RedisClient | undefined;
  /** Milliseconds after which an operation fails rather than waiting on. @default 5000 */
  readonly timeout?: number | undefined;
}

export const DEFAULT_TIMEOUT_MS = 5000;

const schema = z.strictObject({
  url: z.url({ protocol: /^rediss?$/, error: 'not a redis:// or rediss:// URL' }).optional(),
  host: z.string().min(1).optional(),
  port: z.int().min(1).max(65535).optional(),
  db: z.int().min(0).optional(),
  username: z.string().optional(),
  password: z.string().optional(),
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

/** @throws ValueError, path by path; no value of an option is in its message. */
export function checkRedisOptions(options: Omit<RedisStoreOptions, keyof BaseStoreOptions>): void {
  const checked = checkOptions('RedisStore', schema, options);
  const clash = (a: string, b: string): never => {
    throw new ValueError(`RedisStore: "${a}" and "${b}" can't be specified together`);
  };
  for (const other of ['host', 'port'] as const)
    if (checked.url !== undefined && checked[other] !== undefined) clash('url', other);
  if (checked.client === undefined) return;
  for (const other of ['url', 'host', 'port', 'db', 'username', 'password'] as const) {
    if (checked[other] !== undefined) clash('client', other);
  }
}
