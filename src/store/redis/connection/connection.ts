import { ReplyError, type Cluster, type Redis } from 'ioredis';
import pRetry from 'p-retry';
import { ObjectStoreException } from '../../../errors.js';
import { withTimeout } from '../../../async/with-timeout.js';
import { redisTarget, type RedisTarget } from './client-factory.js';
import { ServerClock } from './server-clock.js';
import { exceptionOf, failureOf, lateAt, RedisFailed, unreachable, type RedisFailure } from './reply-errors.js';
import { ConnectionState } from './connection-state.js';
import { DEFAULT_TIMEOUT_MS, type RedisStoreOptions } from '../redis-options.js';
import { ReplicaConfirmation } from './replication.js';
import { defineScripts, type ScriptedRedis } from '../scripts/scripts.js';

/** Steps that wait for their answer or for a link; the next one is refused. */
const MAX_WAITING = 1000;

/** One step of an operation. */
export interface RedisCommand<T> {
  /** Begins the message of an error. */
  readonly store: string;
  /** The first key that is written, for a step that writes. */
  readonly writes?: string;
  /** Whether it is done once the master has it, whatever the store's durability; then its keys may be on several nodes. */
  readonly unconfirmed?: boolean;
  /** As `performance.now()`. Default: when the time-out has passed from now. */
  readonly deadline?: number | undefined;
  /**
   * Called again after an answer was lost: a write must know by itself whether it has been done.
   * @param limit of a write: by the server's clock, in ms since 1970, from when on it may not be done any more.
   */
  send(client: ScriptedRedis, limit: string): Promise<T>;
}

interface Linked {
  readonly client: Redis | Cluster;
  readonly link: ConnectionState;
  readonly clock: ServerClock;
}

/** One client for all the stores on it: opened by the first, closed by the last. A client of the user's is never closed. */
export class RedisConnection {
  /** Where the server is, without secrets. */
  readonly address: string;
  readonly isCluster: boolean;
  /** Whether SORT may look up other keys: not on a cluster, nor for users who may not read every key. Known once open. */
  canSortGet = false;
  private readonly timeout: number;
  private readonly failsOver: boolean;
  private readonly replicas: ReplicaConfirmation | undefined;
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
    this.replicas = options.durability && new ReplicaConfirmation(options.durability);
    this.address = this.#target?.address ?? addressOf(this.#given as Redis | Cluster);
  }

  /** Grows whenever a server may have been replaced by another one, which may not know all that was acknowledged. */
  get epoch(): number {
    return this.#open?.writer.link.epoch ?? 0;
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
    this.replicas?.release();
    for (const { client, link } of new Set([open.reader, open.writer])) {
      if (this.#given === undefined) await this.quit(client);
      link.release();
    }
  }

  /** Of an operation that begins now, as `performance.now()`. */
  deadline(): number {
    return performance.now() + this.timeout;
  }

  /**
   * Does a step within the time-out, reconnecting and waiting for a failover as need be.
   * @throws ObjectStoreException; STORE_OUTCOME_UNKNOWN for a write that may have been done.
   */
  async run<T>(step: RedisCommand<T>): Promise<T> {
    const open = this.#open;
    if (open === undefined) throw new ObjectStoreException(`${step.store} is closed`, { code: 'STORE_CLOSED' });
    if (this.waiting >= MAX_WAITING) throw this.overloaded(step.store, 'steps');
    this.waiting++;
    const linked = step.writes === undefined ? open.reader : open.writer;
    const deadline = step.deadline ?? this.deadline();
    try {
      return await this.attempt(linked, step, deadline);
    } catch (error) {
      if (!(error instanceof RedisFailed)) throw error;
      return await this.retry(linked, step, deadline, error.failure);
    } finally {
      this.waiting--;
    }
  }

  private async retry<T>(linked: Linked, step: RedisCommand<T>, deadline: number, first: RedisFailure): Promise<T> {
    let last = first;
    let sent = first.sent;
    try {
      if (!last.retryable) throw new RedisFailed(last);
      return await pRetry(
        async (attempt) => {
          // So that there is a pause before the next one. A client that was released stays ended: nobody would end it again.
          if (attempt === 1 || !this.holds(linked)) throw new RedisFailed(last);
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
            return last.retryable && this.holds(linked);
          },
        },
      );
    } catch (error) {
      if (!(error instanceof RedisFailed)) throw error;
      // That replicas do not have it is an answer: the write is done.
      const answered = error.failure.code === 'STORE_NOT_REPLICATED';
      const unknown = step.writes !== undefined && !answered && (sent || error.failure.sent);
      throw exceptionOf(`${step.store} at ${this.address}`, error.failure, unknown);
    }
  }

  private holds(linked: Linked): boolean {
    return linked === this.#open?.reader || linked === this.#open?.writer;
  }

  private async attempt<T>(
    linked: Linked,
    { writes, unconfirmed, send }: RedisCommand<T>,
    deadline: number,
  ): Promise<T> {
    const { client, link, clock } = linked;
    let sent = false;
    const now = (): Promise<T> => {
      sent = true;
      const limit = writes === undefined ? '' : clock.at(writes, deadline);
      const sendTo = (to: Redis | Cluster): Promise<T> => send(to as unknown as ScriptedRedis, limit);
      if (writes === undefined || unconfirmed === true || this.replicas === undefined) return sendTo(client);
      return this.replicas.confirm(client, writes, sendTo);
    };
    const prepared = client.status === 'ready' && (writes === undefined || clock.knows(writes));
    const left = deadline - performance.now();
    const late = (): Error => new Error(`no answer within ${this.timeout} ms`);
    const prepare = async (): Promise<T> => {
      await this.prepare(linked, writes);
      if (performance.now() >= deadline) throw late();
      return now();
    };
    try {
      if (left <= 0) throw late();
      return await withTimeout(left, prepared ? now() : prepare(), late);
    } catch (error) {
      if (error instanceof ObjectStoreException || error instanceof RedisFailed) throw error;
      const time = lateAt(error);
      if (time !== undefined && writes !== undefined) clock.learn(writes, time);
      const failure = failureOf(error, client.status === 'ready' ? undefined : link.lastError, this.failsOver);
      throw new RedisFailed({ ...failure, sent: sent && failure.sent });
    }
  }

  /** Waits for the link, and before a write for the time of the server behind it. */
  private async prepare({ client, link, clock }: Linked, writes: string | undefined): Promise<void> {
    try {
      // ioredis ends a client for good when a failover meets a lost connection.
      if (client.status === 'end' && this.#given === undefined) client.connect().catch(() => undefined);
      await link.ready();
    } catch (error) {
      throw new RedisFailed(unreachable(error));
    }
    if (writes !== undefined) await clock.measure(writes);
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
    defineScripts(client, { cluster: this.isCluster });
    const link = ConnectionState.watch(client);
    const linked = { client, link, clock: new ServerClock(client, link) };
    try {
      await withTimeout(
        this.timeout,
        this.check(linked, where),
        () => new Error(`no connection within ${this.timeout} ms`),
      );
      return linked;
    } catch (error) {
      own?.disconnect();
      link.release();
      if (error instanceof ObjectStoreException) throw error;
      let failure = unreachable(link.lastError ?? error);
      const why = failure.code === 'STORE_UNAVAILABLE' ? await this.#target?.why?.() : undefined;
      if (why !== undefined) failure = unreachable(why);
      if (failure.code !== 'STORE_TIMEOUT' || this.#target?.encrypted !== true) throw exceptionOf(where, failure);
      // A server without TLS waits for the end of what it takes for a command, and says nothing.
      const text = `${failure.text}; a server that does not speak TLS gives no answer either: is it "redis://"?`;
      throw exceptionOf(where, { ...failure, text });
    }
  }

  private async check({ client, link, clock }: Linked, where: string): Promise<void> {
    await (client.status === 'wait' ? client.connect() : link.ready());
    await this.checkDatabase(client, where);
    this.canSortGet = !this.isCluster && (await maySort(client));
    if (!this.isCluster) await clock.measure('');
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

  overloaded(store: string, what: 'steps' | 'operations'): ObjectStoreException {
    return new ObjectStoreException(
      `${store} at ${this.address}: too many ${what} wait for the server already; nothing was sent. Await operations ` +
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
