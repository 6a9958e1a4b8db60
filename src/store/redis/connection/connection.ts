import type { Cluster, Redis } from 'ioredis';
import pRetry from 'p-retry';
import { ObjectStoreException } from '../../../errors.js';
import { BACKOFF } from '../../../async/backoff.js';
import { withTimeout } from '../../../async/with-timeout.js';
import { probeTarget, redisTarget, type RedisTarget } from './client-factory.js';
import { isClusterClient, loadDriver } from './driver.js';
import { addressOf } from './given-client.js';
import { HealthProbe } from './health-probe.js';
import { canSortGet, checkDatabase, checkMode, memoryPolicy, whenLoaded } from './server-checks.js';
import { ServerClock } from './server-clock.js';
import type { ServersHealth } from './server-health.js';
import {
  exceptionOf,
  failureOf,
  isFenced,
  refusedAt,
  RedisFailed,
  unreachable,
  type RedisFailure,
} from './reply-errors.js';
import { ConnectionState, isVague } from './connection-state.js';
import { SORT_PROBE } from '../layout/keys.js';
import { DEFAULT_TIMEOUT_MS, type AnyRedisOptions } from '../redis-options.js';
import { ReplicaConfirmation, takenOver } from './replication.js';
import type { WriteLease } from '../../lease-context.js';
import { defineScripts, type ScriptedRedis } from '../scripts/scripts.js';

/** Commands that wait for their reply or for the connection; the next one is refused. */
const MAX_WAITING = 1000;

/** One command of an operation, or several that are sent at once. */
export interface RedisCommand<T> {
  /** Begins the message of an error. */
  readonly store: string;
  /** The first key that is written, for a write. */
  readonly writes?: string;
  /** Whether a write is done once the master has it, whatever the store's durability; its keys may be on several nodes. */
  readonly unconfirmed?: boolean;
  /** Whether it is tried once, and not while attempts to connect fail: it asks how the server is now. */
  readonly probes?: boolean;
  /** As `performance.now()`. Default: the timeout of the store, from now. */
  readonly deadline?: number | undefined;
  /** Once it is aborted, nothing is sent any more. */
  readonly signal?: AbortSignal | undefined;
  /** The lease that a write is made under: the server must not do it once another run may have taken that. */
  readonly lease?: WriteLease | undefined;
  /**
   * Sends it. Is called again after a reply was lost: a write must be idempotent.
   * @param serverDeadlineMs - Of a write: the time of the server's clock, in milliseconds since 1970, from which on the
   *   server must not do it.
   */
  send(client: ScriptedRedis, serverDeadlineMs: string): Promise<T>;
}

/** A client with what is known of its server. */
interface Channel {
  readonly client: Redis | Cluster;
  readonly state: ConnectionState;
  readonly clock: ServerClock;
  /** Whether a write has succeeded, so that a server which refuses writes has become read-only. */
  wrote: boolean;
  /** When the connection was given up last, as `performance.now()`. */
  renewed: number;
}

/** Milliseconds between two times that a connection is given up. */
const RENEW_AFTER_MS = 200;

/**
 * The connection that stores share, and the execution of their commands: with deadlines, retries and reconnection. The first
 * store opens it, the last one closes it; a client that the user gave is never closed.
 */
export class RedisConnection {
  /** Where the server is, without secrets. */
  readonly address: string;
  readonly isCluster: boolean;
  /** Whether SORT may look up other keys: not on a cluster, nor for a user who may not read every key. Known once open. */
  canSortGet = false;
  /** How many replicas must confirm a write. */
  readonly wantedReplicas: number;
  private readonly timeout: number;
  private readonly failsOver: boolean;
  private readonly replicas: ReplicaConfirmation | undefined;
  // What contains a password is `#private`, so that inspecting a store shows none.
  /** The client that the user gave. */
  readonly #given: Redis | Cluster | undefined;
  readonly #target: RedisTarget | undefined;
  #open: { readonly reader: Channel; readonly writer: Channel } | undefined;
  #probe: HealthProbe | undefined;
  private toldMemoryPolicy = false;
  private connecting: Promise<void> | undefined;
  private users = 0;
  private waiting = 0;

  constructor(options: AnyRedisOptions) {
    this.timeout = options.timeout ?? DEFAULT_TIMEOUT_MS;
    this.#given = options.client as Redis | Cluster | undefined;
    if (this.#given === undefined) this.#target = redisTarget(options);
    this.isCluster = options.cluster !== undefined || this.#given?.isCluster === true;
    this.failsOver = this.#target?.failsOver ?? true;
    this.wantedReplicas = options.durability?.replicas ?? 0;
    this.replicas = options.durability && new ReplicaConfirmation(options.durability);
    this.address = this.#target?.address ?? addressOf(this.#given as Redis | Cluster);
  }

  /** Grows whenever another server may have taken over, which may not know all that was acknowledged. */
  get epoch(): number {
    return this.#open?.writer.state.epoch ?? 0;
  }

  /** Opens the connection for one more store. @param store - Begins the message of an error. */
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

  /** Closes the connection when the last of its stores releases it. */
  async release(): Promise<void> {
    if (--this.users > 0) return;
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#probe?.close();
    this.#probe = undefined;
    this.replicas?.release();
    for (const { client, state } of new Set([open.reader, open.writer])) {
      if (this.#given === undefined) await this.quit(client);
      state.release();
    }
  }

  /** @returns the deadline of an operation that begins now, as `performance.now()`. */
  deadline(): number {
    return performance.now() + this.timeout;
  }

  /**
   * Executes a command before its deadline. Reconnects, retries and waits for a failover as needed.
   * @throws {ObjectStoreException} (STORE_OUTCOME_UNKNOWN) for a write that may have been done, else the code of the failure; the
   * reason of the signal, which its operation does not see any more.
   */
  async run<T>(command: RedisCommand<T>): Promise<T> {
    command.signal?.throwIfAborted();
    const open = this.#open;
    if (open === undefined) throw new ObjectStoreException(`${command.store} is closed`, { code: 'STORE_CLOSED' });
    if (this.waiting >= MAX_WAITING) throw this.overloaded(command.store, 'commands');
    this.waiting++;
    const channel = command.writes === undefined ? open.reader : open.writer;
    const deadline = command.deadline ?? this.deadline();
    try {
      return await this.attempt(channel, command, deadline);
    } catch (error) {
      if (!(error instanceof RedisFailed)) throw error;
      if (command.probes === true) throw exceptionOf(`${command.store} at ${this.address}`, error.failure);
      return await this.retry(channel, command, deadline, error.failure);
    } finally {
      this.waiting--;
    }
  }

  private async retry<T>(
    channel: Channel,
    command: RedisCommand<T>,
    deadline: number,
    first: RedisFailure,
  ): Promise<T> {
    let last = first;
    let reason = first;
    let sent = first.sent;
    let refusals = 0;
    const isRetryable = ({ code, retryable }: RedisFailure): boolean => {
      if (code === 'STORE_AUTH' && this.#target?.asksCredentials === true) return true;
      if (code !== 'STORE_READ_ONLY' || this.failsOver) return retryable;
      this.renew();
      return refusals++ === 0 || channel.wrote;
    };
    try {
      if (!isRetryable(last)) throw new RedisFailed(last);
      return await pRetry(
        async (attempt) => {
          // The first attempt was made already, and the next one follows after a delay. A client that was released must not
          // connect again, because nothing would close it.
          command.signal?.throwIfAborted();
          if (attempt === 1 || !this.isOpen(channel)) throw new RedisFailed(last);
          return this.attempt(channel, command, deadline);
        },
        {
          ...BACKOFF.reconnect,
          retries: Infinity,
          maxRetryTime: Math.max(0, deadline - performance.now()),
          shouldRetry: ({ error }) => {
            if (!(error instanceof RedisFailed)) return false;
            last = error.failure;
            // That the time is over says less than what was wrong before.
            if (last.code !== 'STORE_TIMEOUT') reason = last;
            sent ||= last.sent;
            return this.isOpen(channel) && isRetryable(last);
          },
        },
      );
    } catch (error) {
      if (!(error instanceof RedisFailed)) throw error;
      // A write that the replicas do not have is done, and that is known.
      const failure = error.failure.code === 'STORE_TIMEOUT' ? reason : error.failure;
      const isKnown = failure.code === 'STORE_NOT_REPLICATED';
      const unknown = command.writes !== undefined && !isKnown && (sent || error.failure.sent);
      throw exceptionOf(`${command.store} at ${this.address}`, failure, unknown);
    }
  }

  /**
   * Gives up the connections: behind one address another server may have taken over, and the one that is connected has become
   * its read-only replica.
   */
  private renew(): void {
    const now = performance.now();
    for (const channel of new Set([this.#open?.reader, this.#open?.writer])) {
      if (channel === undefined || now - channel.renewed < RENEW_AFTER_MS) continue;
      channel.renewed = now;
      if (channel.client.status === 'ready') channel.client.disconnect(true);
    }
  }

  private isOpen(channel: Channel): boolean {
    return channel === this.#open?.reader || channel === this.#open?.writer;
  }

  private async attempt<T>(
    channel: Channel,
    { writes, unconfirmed, send, probes, lease }: RedisCommand<T>,
    deadline: number,
  ): Promise<T> {
    const { client, state, clock } = channel;
    let sent = false;
    const sendNow = (): Promise<T> => {
      lease?.checkNotLost();
      sent = true;
      const end = lease === undefined ? deadline : Math.min(deadline, lease.validUntil);
      const serverDeadlineMs = writes === undefined ? '' : clock.at(writes, end);
      const sendTo = (to: Redis | Cluster): Promise<T> => send(to as unknown as ScriptedRedis, serverDeadlineMs);
      if (writes === undefined || unconfirmed === true || this.replicas === undefined) return sendTo(client);
      return this.confirm(this.replicas, client, writes, sendTo);
    };
    const steady = writes === undefined ? undefined : this.#target?.watch?.steady;
    const isReady =
      client.status === 'ready' &&
      (writes === undefined || clock.knows(writes)) &&
      steady === undefined &&
      (lease === undefined || isValid(lease));
    const left = deadline - performance.now();
    const timedOut = (): Error => new Error(`no answer within ${this.timeout} ms`);
    const prepare = async (): Promise<T> => {
      // What the old master took from here on would be lost.
      await steady;
      await this.prepare(channel, writes);
      // The process may have been frozen, or the server out of reach: whether it is lost is not known yet.
      if (lease !== undefined && !isValid(lease)) await lease.renew();
      if (performance.now() >= deadline) throw timedOut();
      return sendNow();
    };
    try {
      if (left <= 0) throw timedOut();
      if (probes === true && state.failure !== undefined) throw new RedisFailed(unreachable(state.failure));
      const result = await withTimeout(left, isReady ? sendNow() : prepare(), timedOut);
      if (writes !== undefined) channel.wrote = true;
      return result;
    } catch (error) {
      if (error instanceof ObjectStoreException || error instanceof RedisFailed) throw error;
      const time = refusedAt(error);
      if (time !== undefined && writes !== undefined) clock.learn(writes, time);
      // The fence is known to be too low, whatever became of an earlier attempt.
      if (lease !== undefined && isFenced(error)) throw lease.lose(undefined, error);
      const failure = failureOf(error, state.reasonFor(error, this.timeout), this.failsOver);
      if (failure.code === 'STORE_CLUSTER_DOWN' && isClusterClient(client)) client.refreshSlotsCache();
      throw new RedisFailed({ ...failure, sent: sent && failure.sent });
    }
  }

  /** Makes a write that counts once replicas have it, and no failover has begun before they had it. */
  private async confirm<T>(
    replicas: ReplicaConfirmation,
    client: Redis | Cluster,
    key: string,
    write: (node: Redis) => Promise<T>,
  ): Promise<T> {
    const watch = this.#target?.watch;
    const failovers = watch?.failovers;
    const reply = await replicas.confirm(client, key, write);
    await watch?.caughtUp();
    if (watch?.failovers !== failovers) throw takenOver(new Error('a failover has begun'));
    return reply;
  }

  /** Waits for the connection, and before a write for the time of the server. */
  private async prepare({ client, state, clock }: Channel, writes: string | undefined): Promise<void> {
    try {
      // ioredis ends a client for good when a failover meets a lost connection.
      if (client.status === 'end' && this.#given === undefined) client.connect().catch(() => undefined);
      await state.ready();
    } catch (error) {
      throw new RedisFailed(unreachable(error));
    }
    if (writes !== undefined) await clock.measure(writes);
  }

  private async connect(where: string): Promise<void> {
    if (this.#open !== undefined) return;
    if (this.#given === undefined) await loadDriver(where);
    const reader = await this.connectOne(where);
    // WAIT blocks a connection, so that reads use another one.
    const separate = this.replicas !== undefined && this.#given === undefined;
    try {
      this.#open = { reader, writer: separate ? await this.connectOne(where) : reader };
    } catch (error) {
      await this.quit(reader.client);
      reader.state.release();
      throw error;
    }
  }

  private async connectOne(where: string): Promise<Channel> {
    const own = this.#target?.create();
    if (own !== undefined) this.#target?.watch?.acquire(own);
    const client: Redis | Cluster = own ?? (this.#given as Redis | Cluster);
    defineScripts(client);
    const state = ConnectionState.watch(client, this.#target?.why);
    const channel = { client, state, clock: new ServerClock(client, state), wrote: false, renewed: -Infinity };
    try {
      await withTimeout(
        this.timeout,
        this.check(channel, where),
        () => new Error(`no connection within ${this.timeout} ms`),
      );
      return channel;
    } catch (error) {
      own?.disconnect();
      if (own !== undefined) this.#target?.watch?.release(own);
      state.release();
      if (error instanceof ObjectStoreException) throw error;
      let failure = unreachable(isVague(state.lastError) ? error : state.lastError);
      const isOpenQuestion = failure.code === 'STORE_UNAVAILABLE' || failure.code === 'STORE_TIMEOUT';
      const why =
        isOpenQuestion && (isVague(state.lastError) || this.isCluster) ? await this.#target?.why?.() : undefined;
      if (why !== undefined) failure = unreachable(why);
      if (failure.code !== 'STORE_TIMEOUT' || this.#target?.encrypted !== true) throw exceptionOf(where, failure);
      // A server without TLS waits for the end of what it takes for a command, and sends no reply.
      const text = `${failure.text}; a server that does not speak TLS gives no answer either: is it "redis://"?`;
      throw exceptionOf(where, { ...failure, text });
    }
  }

  private async check({ client, state, clock }: Channel, where: string): Promise<void> {
    await (client.status === 'wait' ? client.connect() : state.ready());
    await whenLoaded(client, state);
    if (!this.isCluster) {
      const server = client as Redis;
      // Another question changes nothing in a client of our own.
      const mayAsk = this.#given === undefined;
      await Promise.all([checkDatabase(server, where, mayAsk), checkMode(server, where)]);
    }
    // By a script, so that a server without scripts is refused before anything is written.
    await (this.isCluster ? (client as unknown as ScriptedRedis).diffsyncTime(SORT_PROBE.index) : clock.measure(''));
    this.canSortGet = !this.isCluster && (await canSortGet(client));
  }

  /**
   * @returns the server's `maxmemory-policy`, the first time that it is asked for; undefined later, and where the server does
   *   not tell.
   */
  async memoryPolicyOnce(): Promise<string | undefined> {
    const client = this.#open?.reader.client;
    if (client === undefined || this.toldMemoryPolicy) return undefined;
    this.toldMemoryPolicy = true;
    return memoryPolicy(client);
  }

  /**
   * Asks the servers how they are, on a connection that is kept for this.
   * @param store - Begins the message of an error.
   * @param waitMs - For so long silent nodes of a cluster are waited for.
   * @throws {ObjectStoreException} (STORE_UNAVAILABLE, or the code of the reason) while they cannot be reached.
   */
  async health(store: string, waitMs: number): Promise<ServersHealth> {
    const open = this.#open;
    if (open === undefined) throw new ObjectStoreException(`${store} is closed`, { code: 'STORE_CLOSED' });
    const probe = (this.#probe ??= new HealthProbe(
      this.#target ?? probeTarget(this.#given as Redis | Cluster, this.timeout),
    ));
    try {
      // The server may take no more connections, which the probe, whose connection is there, does not notice.
      const connected = [open.reader, open.writer].map(({ state }) => state.readyNow());
      const [health] = await Promise.all([probe.ask(waitMs), ...connected]);
      if (health.moved === true) this.renew();
      return health;
    } catch (error) {
      const reason = probe.reasonFor(error, this.timeout);
      const failure = error instanceof RedisFailed ? error.failure : failureOf(error, reason, this.failsOver);
      throw exceptionOf(`${store} at ${this.address}`, failure);
    }
  }

  private async quit(client: Redis | Cluster): Promise<void> {
    if (client.status === 'ready') {
      const timer = globalThis.setTimeout(() => client.disconnect(), Math.min(this.timeout, 1000));
      try {
        await client.quit();
      } catch {
        // The connection is gone already, which is what was wanted.
      } finally {
        clearTimeout(timer);
      }
    }
    // An ended client would only start a timer.
    if (client.status !== 'end') client.disconnect();
    this.#target?.watch?.release(client);
  }

  /** @returns the error of what is refused because too much waits. */
  overloaded(store: string, what: 'commands' | 'operations'): ObjectStoreException {
    return new ObjectStoreException(
      `${store} at ${this.address}: too many ${what} wait for the server already; nothing was sent. Await operations ` +
        `before you start more, or use addMany`,
      { code: 'STORE_OVERLOADED' },
    );
  }
}

/** Whether no other run can have taken the lease yet. */
function isValid({ validUntil }: WriteLease): boolean {
  return performance.now() < validUntil;
}
