import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import { ValueError } from '../../../errors.js';
import { DEFAULT_TIMEOUT_MS, deadLinkAfter, type RedisAddress, type RedisStoreOptions } from '../redis-options.js';

/** How to reach the data; no secret is in its `address`. */
export interface RedisTarget {
  readonly address: string;
  readonly db: number;
  readonly encrypted: boolean;
  /** Whether another server may take over, so that a refusal may pass. */
  readonly failsOver: boolean;
  /** A new client, not yet connecting. */
  create(): Redis | Cluster;
  /** Why a node of a cluster cannot be reached, which its client does not tell; undefined when it can. */
  why?(): Promise<unknown>;
}

/** ioredis's constructor does not take its own `RedisOptions` under exactOptionalPropertyTypes. */
type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

export function redisTarget(options: RedisStoreOptions): RedisTarget {
  const { timeout = DEFAULT_TIMEOUT_MS, cluster, sentinels, path } = options;
  if (cluster !== undefined) return clusterTarget(cluster.nodes, options, timeout);
  if (sentinels !== undefined) return sentinelTarget(sentinels, options, timeout);
  if (path !== undefined) {
    const db = options.db ?? 0;
    return target(`unix://${path}/${db}`, { path, db, ...credentials(options) }, timeout);
  }
  return serverTarget(options, timeout);
}

function serverTarget(options: RedisStoreOptions, timeout: number): RedisTarget {
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
  const tls = options.tls ?? (url?.protocol === 'rediss:' ? {} : undefined);
  return target(
    `${tls === undefined ? 'redis' : 'rediss'}://${hostPort({ host, port })}/${db}`,
    { host, port, db, ...credentials({ username, password, tls }) },
    timeout,
  );
}

function sentinelTarget(sentinels: readonly RedisAddress[], options: RedisStoreOptions, timeout: number): RedisTarget {
  const { masterName, sentinelUsername, sentinelPassword, db = 0, tls } = options;
  const where = `redis-sentinel://${sentinels.map(hostPort).join(',')}/${masterName}/${db}`;
  return {
    ...target(
      where,
      {
        sentinels: [...sentinels],
        ...(masterName === undefined ? {} : { name: masterName }),
        ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
        ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
        ...(tls === undefined ? {} : { sentinelTLS: tls, enableTLSForSentinelMode: true }),
        db,
        ...credentials(options),
        // A master that was frozen while another took over is otherwise believed once it wakes: its writes are lost.
        failoverDetector: true,
        sentinelCommandTimeout: Math.min(timeout, 1000),
        sentinelRetryStrategy: backOff,
      },
      timeout,
    ),
    failsOver: true,
  };
}

function clusterTarget(nodes: readonly RedisAddress[], options: RedisStoreOptions, timeout: number): RedisTarget {
  const clusterOptions: Omit<ClusterOptions, 'redisOptions'> & { redisOptions: ClientOptions } = {
    lazyConnect: true,
    enableOfflineQueue: false,
    // ioredis sends a write again whose answer was lost; whoever may, must say that it is the second time.
    retryDelayOnFailover: 0,
    // The first of these errors must reach the store's own attempts, which know the deadline.
    maxRedirections: 8,
    slotsRefreshTimeout: Math.min(timeout, 1000),
    slotsRefreshInterval: 5000,
    scaleReads: options.scaleReads ?? 'master',
    clusterRetryStrategy: backOff,
    redisOptions: { ...clientOptions(timeout), ...credentials(options) },
    // A server behind TLS is known by its certificate's name, which is not the address that the cluster tells.
    ...(options.tls === undefined ? {} : { dnsLookup: (host, callback) => callback(null, host) }),
  };
  return {
    address: `redis-cluster://${nodes.map(hostPort).join(',')}`,
    db: 0,
    encrypted: options.tls !== undefined,
    failsOver: true,
    create: () => quiet(new Cluster([...nodes], clusterOptions)),
    why: () => whyUnreachable({ ...nodes[0], ...clusterOptions.redisOptions, connectTimeout: Math.min(timeout, 1000) }),
  };
}

async function whyUnreachable(options: ClientOptions): Promise<unknown> {
  const client = new Redis({ ...options, retryStrategy: () => null, lazyConnect: true });
  let reason: unknown;
  client.on('error', (error) => (reason ??= error));
  await client.connect().catch(() => undefined);
  if (client.status !== 'end') client.disconnect();
  return reason;
}

function target(where: string, own: ClientOptions, timeout: number): RedisTarget {
  return {
    address: where,
    db: own.db ?? 0,
    encrypted: own.tls !== undefined,
    failsOver: false,
    create: () => quiet(new Redis({ ...own, ...clientOptions(timeout), retryStrategy: backOff, lazyConnect: true })),
  };
}

/** A client reports errors of its socket even after it was told to disconnect; ioredis prints those that nobody hears. */
function quiet<C extends Redis | Cluster>(client: C): C {
  return client.on('error', () => undefined) as C;
}

/**
 * Options under which ioredis 6 neither repeats a write nor loses one silently: nothing is queued while the link is down,
 * nothing is sent twice, a dead link is noticed, and reconnecting never ends. Measured: ioredis's defaults re-send.
 */
function clientOptions(timeout: number): ClientOptions {
  return {
    connectionName: 'nestjs-diffsync',
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    reconnectOnError: null,
    enableReadyCheck: true,
    maxLoadingRetryTime: 500,
    connectTimeout: timeout,
    // A dead link is noticed while there is time to try another one.
    socketTimeout: deadLinkAfter(timeout),
    keepAlive: 5000,
    // ioredis waits so long, keeping the process, for a socket to close that may be closed already.
    disconnectTimeout: 100,
  };
}

function credentials({
  username,
  password,
  tls,
}: {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: ConnectionOptions | undefined;
}): Pick<ClientOptions, 'username' | 'password' | 'tls'> {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
  };
}

/** Milliseconds before the next attempt to connect: never given up, at most half a second, spread. */
function backOff(attempt: number): number {
  return Math.min(25 * 2 ** Math.min(attempt, 5), 500) * (0.5 + Math.random() / 2);
}

function hostPort({ host, port }: RedisAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
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
