import { ReplyError, type Cluster, type Redis } from 'ioredis';
import pRetry from 'p-retry';
import { ObjectStoreException } from '../../errors.js';
import { redisTarget, type RedisTarget } from './redis-client.js';
import { exceptionOf, failureOf, RedisFailed, unreachable, type RedisFailure } from './redis-errors.js';
import { RedisLink } from './redis-link.js';
import { DEFAULT_TIMEOUT_MS, type RedisStoreOptions } from './redis-options.js';
import { RedisReplicas } from './redis-replicas.js';
import { defineScripts, type ScriptedRedis } from './redis-scripts.js';

/** Steps that wait for their answer or for a link; the next one is refused. */
const MAX_WAITING = 1000;

/** One step of an operation. */
export interface RedisStep<T> {
  /** Begins the message of an error. */
  readonly store: string;
  /** The first key that is written, for a step that writes. */
  readonly writes?: string;
  /** Called again after an answer was lost: a write must know by itself whether it has been done. */
  send(client: ScriptedRedis): Promise<T>;
}

interface Linked {
  readonly client: Redis | Cluster;
  readonly link: RedisLink;
}

/** One client for all the stores on it: opened by the first, closed by the last. A client of the user's is never closed. */
export class RedisConnection {
  /** Where the server is, without secrets. */
  readonly address: string;
  readonly isCluster: boolean;
  /** Whether SORT may look up other keys: not on a cluster, nor for users who may not read every key. Known once open. */
  sorts = false;
  private readonly timeout: number;
  private readonly failsOver: boolean;
  private readonly replicas: RedisReplicas | undefined;
  // What holds a password is `#private`, so that inspecting a store shows none.
  /** The user's own client. */
  readonly #given: Redis | Cluster | undefined;
  readonly #target: RedisTarget | undefined;
  #open: { readonly reader: Linked; readonly writer: Linked } | undefined;
  private connecting: Promise<void> | undefined;
  private users = 0;
  private waiting = 0;

  constructor(options: RedisStoreOptions) {
    this.timeout = options.timeout ?? DEFAULT_TIMEOUT_MS;
    this.#given = options.client as Redis | Cluster | undefined;
    if (this.#given === undefined) this.#target = redisTarget(options);
    this.isCluster = options.cluster !== undefined || this.#given?.isCluster === true;
    this.failsOver = this.#target?.failsOver ?? true;
    this.replicas = options.durability && new RedisReplicas(options.durability);
    this.address = this.#target?.address ?? addressOf(this.#given as Redis | Cluster);
  }

  /** @param store begins the message of an error. */
  async acquire(store: string): Promise<void> {
    // Counted before it waits, so that another store's release meanwhile does not close what this one is about to use.
    this.users++;
    try {
      this.connecting ??= this.connect(`${store} at ${this.address}`).finally(() => {
        this.connecting = undefined;
      });
      await this.connecting;
    } catch (error) {
      this.users--;
      throw error;
    }
  }

  async release(): Promise<void> {
    if (--this.users > 0) return;
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    for (const { client, link } of new Set([open.reader, open.writer])) {
      if (this.#given === undefined) await this.quit(client);
      link.release();
    }
  }

  /**
   * Does a step within the time-out, reconnecting and waiting for a failover as need be.
   * @throws ObjectStoreException; STORE_OUTCOME_UNKNOWN for a write that may have been done.
   */
  async run<T>(step: RedisStep<T>): Promise<T> {
    const open = this.#open;
    if (open === undefined) throw new ObjectStoreException(`${step.store} is closed`, { code: 'STORE_CLOSED' });
    if (this.waiting >= MAX_WAITING) throw this.overloaded(step.store);
    this.waiting++;
    const linked = step.writes === undefined ? open.reader : open.writer;
    const deadline = performance.now() + this.timeout;
    try {
      return await this.attempt(linked, step, deadline);
    } catch (error) {
      if (!(error instanceof RedisFailed)) throw error;
      return await this.retry(linked, step, deadline, error.failure);
    } finally {
      this.waiting--;
    }
  }

  private async retry<T>(linked: Linked, step: RedisStep<T>, deadline: number, first: RedisFailure): Promise<T> {
    let last = first;
    let sent = first.sent;
    try {
      if (!last.passing) throw new RedisFailed(last);
      return await pRetry(
        async (attempt) => {
          if (attempt === 1) throw new RedisFailed(last); // So that there is a pause before the next one.
          return this.attempt(linked, step, deadline);
        },
        {
          retries: Infinity,
          minTimeout: 2,
          maxTimeout: 100,
          randomize: true,
          maxRetryTime: Math.max(0, deadline - performance.now()),
          shouldRetry: ({ error }) => {
            if (!(error instanceof RedisFailed)) return false;
            last = error.failure;
            sent ||= last.sent;
            return last.passing;
          },
        },
      );
    } catch (error) {
      if (!(error instanceof RedisFailed)) throw error;
      const unknown = step.writes !== undefined && (sent || error.failure.sent);
      throw exceptionOf(`${step.store} at ${this.address}`, error.failure, unknown);
    }
  }

  private async attempt<T>({ client, link }: Linked, { writes, send }: RedisStep<T>, deadline: number): Promise<T> {
    if (client.status !== 'ready') await this.wakeUp({ client, link }, deadline - performance.now());
    const left = Math.ceil(deadline - performance.now());
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${this.timeout} ms`)), Math.max(left, 1));
    });
    const sendTo = (to: Redis | Cluster): Promise<T> => send(to as unknown as ScriptedRedis);
    const answer =
      writes === undefined || this.replicas === undefined
        ? sendTo(client)
        : this.replicas.confirm(client, writes, sendTo);
    try {
      return await Promise.race([answer, late]);
    } catch (error) {
      answer.catch(() => undefined); // Told already, if it was this one that came too late.
      if (error instanceof ObjectStoreException || error instanceof RedisFailed) throw error;
      throw new RedisFailed(failureOf(error, client.status === 'ready' ? undefined : link.lastError, this.failsOver));
    } finally {
      clearTimeout(timer);
    }
  }

  private async wakeUp({ client, link }: Linked, timeout: number): Promise<void> {
    try {
      // ioredis ends a client for good when a failover meets a lost connection.
      if (client.status === 'end' && this.#given === undefined) client.connect().catch(() => undefined);
      await link.ready(Math.max(timeout, 1));
    } catch (error) {
      throw new RedisFailed(unreachable(error));
    }
  }

  private async connect(where: string): Promise<void> {
    if (this.#open !== undefined) return;
    const reader = await this.connectOne(where);
    // WAIT blocks a connection: what others read meanwhile goes by another one.
    const separate = this.replicas !== undefined && this.#given === undefined;
    try {
      this.#open = { reader, writer: separate ? await this.connectOne(where) : reader };
    } catch (error) {
      await this.quit(reader.client);
      reader.link.release();
      throw error;
    }
  }

  private async connectOne(where: string): Promise<Linked> {
    const own = this.#target?.create();
    const client: Redis | Cluster = own ?? (this.#given as Redis | Cluster);
    defineScripts(client);
    const link = RedisLink.watch(client);
    try {
      if (client.status === 'wait') await this.firstConnect(client);
      else await link.ready(this.timeout);
      await this.checkDatabase(client, where);
      this.sorts = !this.isCluster && (await maySort(client));
      return { client, link };
    } catch (error) {
      own?.disconnect();
      link.release();
      if (error instanceof ObjectStoreException) throw error;
      throw exceptionOf(where, unreachable(link.lastError ?? error));
    }
  }

  private async firstConnect(client: Redis | Cluster): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no connection within ${this.timeout} ms`)), this.timeout);
    });
    const connecting = client.connect();
    connecting.catch(() => undefined);
    try {
      await Promise.race([connecting, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A server that asks for a password is "ready" without one, and an unknown database is silently database 0. */
  private async checkDatabase(client: Redis | Cluster, where: string): Promise<void> {
    if (this.isCluster) return void (await client.ping());
    const wanted = (client as Redis).options.db ?? 0;
    const db = /\bdb=(\d+)/.exec(await client.client('INFO'))?.[1];
    if (db === undefined || Number(db) === wanted) return;
    throw new ObjectStoreException(
      `${where}: the server has no database ${wanted}; its "databases" setting says how many`,
      { code: 'STORE_WRONG_DATABASE' },
    );
  }

  private async quit(client: Redis | Cluster): Promise<void> {
    if (client.status === 'ready') {
      const timer = setTimeout(() => client.disconnect(), Math.min(this.timeout, 1000));
      try {
        await client.quit();
      } catch {
        // The link is gone already, which is what was wanted.
      } finally {
        clearTimeout(timer);
      }
    }
    // An ended client would only start a timer.
    if (client.status !== 'end') client.disconnect();
  }

  private overloaded(store: string): ObjectStoreException {
    return new ObjectStoreException(
      `${store} at ${this.address}: ${MAX_WAITING} steps wait for the server already; nothing was sent. Await operations ` +
        `before you start more, or use addMany`,
      { code: 'STORE_OVERLOADED' },
    );
  }
}

function addressOf(client: Redis | Cluster): string {
  if (client.isCluster) return 'redis-cluster://(the nodes of the client given)';
  const { host, port, path, db } = (client as Redis).options;
  return `redis://${path ?? `${host}:${port}`}/${db ?? 0}`;
}

/** The server answers by the rights of the user, though the key is not there. */
async function maySort(client: Redis | Cluster): Promise<boolean> {
  try {
    await client.call('SORT_RO', 'diffsync.index:', 'BY', 'nosort', 'GET', 'diffsync:*');
    return true;
  } catch (error) {
    if (error instanceof ReplyError) return false;
    throw error;
  }
}
