import type { ConnectionOptions } from 'node:tls';
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { MAX_TIMER_MS } from '../../../async/with-timeout.js';
import { BACKOFF, backoffDelay } from '../../../async/backoff.js';
import { Credentials } from './credentials.js';
import { ioredis, isClusterClient, isReplyError } from './driver.js';
import { loginConnector } from './login-connector.js';
import { slotsFault } from './cluster-slots.js';
import { isVague } from './connection-state.js';
import { SentinelWatch } from './sentinel-watch.js';
import { whyClosed } from './why-closed.js';
import {
  bareHost,
  DEFAULT_TIMEOUT_MS,
  deadLinkAfter,
  type RedisAddress,
  type AnyRedisOptions,
} from '../redis-options.js';

/** What a probe needs of a target. */
export type ProbeTarget = Pick<RedisTarget, 'create' | 'failsOver' | 'watch' | 'why'>;

/** How to reach a server; its `address` contains no secret. */
export interface RedisTarget {
  readonly address: string;
  readonly db: number;
  readonly encrypted: boolean;
  /** Whether another server may take over, so that a refusal is retryable. */
  readonly failsOver: boolean;
  /** Whether the caller's function is asked for user and password, so that others may come after those that are wrong. */
  readonly asksCredentials: boolean;
  /** Makes a new client, which does not connect yet. */
  create(): Redis | Cluster;
  /** Behind Sentinel: is acquired for each client before it connects, and released when that has ended. */
  readonly watch?: SentinelWatch;
  /** Finds out why the server, or a node of a cluster, cannot be reached, where its client does not say. */
  why?(): Promise<unknown>;
}

/**
 * The store waits by itself for a server that loads its data, and knows why it waits: ioredis would ask by INFO, which a server
 * may have disabled. Behind Sentinel it also finds out by INFO whether the server is the master.
 */
const NO_READY_CHECK = { enableReadyCheck: false } as const;

/** Milliseconds between two times that a cluster is asked where its slots are. */
const SLOTS_REFRESH_MS = 5000;

/** For so long ioredis waits for a socket to close, which may be closed already, and keeps the process alive. */
const DISCONNECT_TIMEOUT_MS = 100;

/** The constructor of ioredis does not take its own `RedisOptions` under exactOptionalPropertyTypes. */
type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

export function redisTarget(options: AnyRedisOptions): RedisTarget {
  const { timeout = DEFAULT_TIMEOUT_MS, cluster, sentinels, path } = options;
  if (cluster !== undefined) return clusterTarget(cluster.nodes.map(bareAddress), options, timeout);
  const asked = options.credentials && new Credentials(options.credentials, timeout);
  if (sentinels !== undefined) return sentinelTarget(sentinels.map(bareAddress), options, timeout, asked);
  if (path !== undefined) {
    const db = options.db ?? 0;
    const own = { ...NO_READY_CHECK, path, db, ...login(options) };
    return target(`unix://${path}/${db}`, own, timeout, { asked, why: () => whyClosed({ path }) });
  }
  return serverTarget(options, timeout, asked);
}

function serverTarget(options: AnyRedisOptions, timeout: number, asked: Credentials | undefined): RedisTarget {
  const url = options.url === undefined ? undefined : new URL(options.url);
  const host = bareHost(options.host ?? (url?.hostname || 'localhost'));
  const port = options.port ?? Number(url?.port || 6379);
  const db = options.db ?? Number(url?.pathname.slice(1) ?? 0);
  const username = options.username ?? decoded(url?.username);
  const password = options.password ?? decoded(url?.password);
  const tls = options.tls ?? (url?.protocol === 'rediss:' ? {} : undefined);
  return target(
    `${tls === undefined ? 'redis' : 'rediss'}://${hostPort({ host, port })}/${db}`,
    { ...NO_READY_CHECK, host, port, db, ...login({ username, password, tls }) },
    timeout,
    { asked, why: tls === undefined ? () => whyClosed({ host, port }) : undefined },
  );
}

function sentinelTarget(
  sentinels: readonly RedisAddress[],
  options: AnyRedisOptions,
  timeout: number,
  asked: Credentials | undefined,
): RedisTarget {
  const { masterName = '', sentinelUsername, sentinelPassword, db = 0, tls, sentinelTls = tls } = options;
  const where = `redis-sentinel://${sentinels.map(hostPort).join(',')}/${masterName}/${db}`;
  const watch = new SentinelWatch({
    sentinels,
    masterName,
    client: {
      connectionName: 'nestjs-diffsync',
      ...NO_READY_CHECK,
      ...login({ username: sentinelUsername, password: sentinelPassword, tls: sentinelTls || undefined }),
      connectTimeout: Math.min(timeout, 1000),
      commandTimeout: Math.min(timeout, 1000),
      disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    },
    tls,
    credentials: asked,
  });
  const own = { db, ...login(options) };
  return {
    ...target(where, own, timeout, { asked }),
    failsOver: true,
    watch,
    // The driver is loaded by now.
    create: () => target(where, { ...own, Connector: watch.connector() }, timeout).create(),
  };
}

function clusterTarget(nodes: readonly RedisAddress[], options: AnyRedisOptions, timeout: number): RedisTarget {
  // The slots are asked for on connections of their own, one node after another.
  const slotsTimeout = options.credentials === undefined ? Math.min(timeout, 1000) : deadLinkAfter(timeout);
  const asked = options.credentials && new Credentials(options.credentials, slotsTimeout);
  const nodeOptions = (): ClientOptions => ({
    ...clientOptions(timeout),
    ...NO_READY_CHECK,
    ...login(options),
    ...connectorOf(asked),
  });
  const clusterOptions = (): Omit<ClusterOptions, 'redisOptions'> & { redisOptions: ClientOptions } => ({
    lazyConnect: true,
    enableOfflineQueue: false,
    // ioredis would send a write again whose reply was lost; only the store may, with the same idempotency token.
    retryDelayOnFailover: 0,
    // These errors must soon reach the retries of the store, which know the deadline and tell the reason.
    maxRedirections: 8,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 0,
    slotsRefreshTimeout: slotsTimeout,
    // refreshSlots has an interval of its own: that of ioredis can outlive the client, and hold the process.
    slotsRefreshInterval: 0,
    scaleReads: options.scaleReads ?? 'master',
    clusterRetryStrategy: reconnectDelay,
    redisOptions: nodeOptions(),
    // A server behind TLS is known by the name in its certificate, which is not the address that the cluster gives.
    ...(options.tls === undefined ? {} : { dnsLookup: (host, callback) => callback(null, host) }),
  });
  return {
    address: `redis-cluster://${nodes.map(hostPort).join(',')}`,
    db: 0,
    encrypted: options.tls !== undefined,
    failsOver: true,
    asksCredentials: asked !== undefined,
    create: () => refreshSlots(heedAsking(quiet(new (ioredis().Cluster)([...nodes], clusterOptions())))),
    why: () => whyUnreachable(nodes[0] as RedisAddress, { ...nodeOptions(), connectTimeout: Math.min(timeout, 1000) }),
  };
}

/** The driver is loaded by now. */
function connectorOf(asked: Credentials | undefined): Pick<ClientOptions, 'Connector'> {
  return asked === undefined ? {} : { Connector: loginConnector(asked) };
}

/**
 * How a client that the user gave is probed: by a second one with its address and credentials, and the time-outs of the store. A
 * client behind Sentinel goes on to find out by INFO whether the server is the master.
 */
export function probeTarget(given: Redis | Cluster, timeout: number): ProbeTarget {
  const hasSentinels =
    !isClusterClient(given) && given.options.sentinels !== undefined && given.options.sentinels !== null;
  const own = { ...clientOptions(timeout), ...(hasSentinels ? {} : NO_READY_CHECK) };
  const waits = { lazyConnect: true, enableOfflineQueue: false };
  const copy = (): Redis | Cluster =>
    isClusterClient(given)
      ? given.duplicate([], { ...waits, clusterRetryStrategy: reconnectDelay, redisOptions: own })
      : given.duplicate({ ...own, ...waits, retryStrategy: reconnectDelay });
  return { failsOver: true, create: () => quiet(copy()) };
}

async function whyUnreachable(node: RedisAddress, options: ClientOptions): Promise<unknown> {
  const client = new (ioredis().Redis)({ ...options, ...node, retryStrategy: () => null, lazyConnect: true });
  let reason: unknown;
  client.on('error', (error) => (reason ??= error));
  try {
    await client.connect();
    const fault = await slotsFault(client);
    if (fault !== undefined) reason ??= new Error(`CLUSTERDOWN ${fault}`);
  } catch (error) {
    // Of a connection that failed the listener has the reason.
    if (isReplyError(error)) reason ??= error;
  }
  if (client.status !== 'end') client.disconnect();
  return reason !== undefined && isVague(reason) && options.tls === undefined
    ? ((await whyClosed(node)) ?? reason)
    : reason;
}

function target(
  where: string,
  own: ClientOptions,
  timeout: number,
  { asked, why }: { readonly asked?: Credentials | undefined; readonly why?: RedisTarget['why'] } = {},
): RedisTarget {
  const common = { retryStrategy: reconnectDelay, lazyConnect: true };
  return {
    address: where,
    db: own.db ?? 0,
    encrypted: own.tls !== undefined,
    failsOver: false,
    asksCredentials: asked !== undefined,
    create: () => quiet(new (ioredis().Redis)({ ...clientOptions(timeout), ...connectorOf(asked), ...own, ...common })),
    ...(why === undefined ? {} : { why }),
  };
}

/** Makes a client print nothing: it reports errors of its socket even when it disconnects, and prints those without a listener. */
function quiet<C extends Redis | Cluster>(client: C): C {
  return client.on('error', () => undefined) as C;
}

/** Keeps a cluster's slots known while its client is connected, although nothing is redirected. */
function refreshSlots(cluster: Cluster): Cluster {
  let timer: NodeJS.Timeout | undefined;
  cluster.on('ready', () => {
    clearInterval(timer);
    timer = setInterval(() => cluster.refreshSlotsCache(), SLOTS_REFRESH_MS).unref();
  });
  return cluster.on('end', () => clearInterval(timer));
}

/**
 * Handles the failure of `ASKING`, which ioredis sends before a redirected command, to a node that goes, without waiting for it: an
 * unhandled rejection ends the process. The redirected command fails as well, and is sent again.
 */
function heedAsking(cluster: Cluster): Cluster {
  return cluster.on('+node', (node: Redis) => {
    const asking: () => Promise<'OK'> = node.asking.bind(node);
    node.asking = () => {
      const reply = asking();
      reply.catch(() => undefined);
      return reply;
    };
  });
}

/**
 * Options under which ioredis 6 neither repeats a write nor loses one silently: nothing is queued while the connection is
 * down, nothing is sent twice, a dead connection is noticed, and reconnecting never ends. Measured: its defaults re-send.
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
    connectTimeout: Math.min(timeout, MAX_TIMER_MS),
    // A dead connection is noticed while there is time to try another one.
    socketTimeout: deadLinkAfter(timeout),
    keepAlive: 5000,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
  };
}

function login({
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

/** @returns milliseconds before the next attempt to connect, which never ends. */
function reconnectDelay(attempt: number): number {
  return backoffDelay(attempt, BACKOFF.connect, 0.5);
}

function bareAddress({ host, port }: RedisAddress): RedisAddress {
  return { host: bareHost(host), port };
}

function hostPort({ host, port }: RedisAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Decodes a part of a URL; undefined where it is absent. */
function decoded(part: string | undefined): string | undefined {
  return part === undefined || part === '' ? undefined : decodeURIComponent(part);
}
