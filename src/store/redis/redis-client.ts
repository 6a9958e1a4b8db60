import type { RedisOptions } from 'ioredis';
import { ValueError } from '../../errors.js';
import type { RedisStoreOptions } from './redis-options.js';

/** Where the server is; no secret is in its `address`. */
export interface RedisTarget {
  readonly address: string;
  readonly options: ClientOptions;
}

/** ioredis's constructor does not take its own `RedisOptions` under exactOptionalPropertyTypes. */
type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

export function redisTarget(options: RedisStoreOptions): RedisTarget {
  const url = options.url === undefined ? undefined : new URL(options.url);
  if (url !== undefined && (url.search !== '' || url.hash !== '')) {
    throw new ValueError('RedisStore: url: nothing may follow the number of the database');
  }
  const host = options.host ?? (url?.hostname.replace(/^\[|\]$/g, '') || 'localhost');
  const port = options.port ?? Number(url?.port || 6379);
  const path = url?.pathname.slice(1) ?? '';
  if (!/^\d*$/.test(path)) throw new ValueError('RedisStore: url: the path is not the number of a database');
  const db = options.db ?? Number(path);
  const username = options.username ?? decoded(url?.username);
  const password = options.password ?? decoded(url?.password);
  const tls = url?.protocol === 'rediss:';
  return {
    address: `${tls ? 'rediss' : 'redis'}://${host.includes(':') ? `[${host}]` : host}:${port}/${db}`,
    options: {
      host,
      port,
      db,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls ? { tls: {} } : {}),
    },
  };
}

/**
 * Options under which ioredis 6 neither repeats a write nor loses one silently: nothing is queued while the link is down,
 * nothing is sent twice, a dead link is noticed, and reconnecting never ends. Measured: ioredis's defaults re-send.
 */
export function clientOptions({ options }: RedisTarget, timeout: number): ClientOptions {
  return {
    ...options,
    lazyConnect: true,
    connectionName: 'nestjs-diffsync',
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    reconnectOnError: null,
    enableReadyCheck: true,
    maxLoadingRetryTime: 500,
    connectTimeout: timeout,
    // A dead link is given up before its commands are, so that they fail with its reason.
    socketTimeout: Math.ceil(timeout * 0.8),
    commandTimeout: timeout,
    keepAlive: 5000,
    // ioredis waits so long, keeping the process, for a socket to close that may be closed already.
    disconnectTimeout: 100,
    retryStrategy: (attempt) => Math.min(25 * 2 ** Math.min(attempt, 5), 500) * (0.5 + Math.random() / 2),
  };
}

/** A part of a URL; undefined where it is absent. @throws ValueError that does not show it: it may be a password. */
function decoded(part: string | undefined): string | undefined {
  if (part === undefined || part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    throw new ValueError('RedisStore: url: user name or password is not percent-encoded; write "%" as "%25"');
  }
}
