import type { Cluster, Redis } from 'ioredis';

/**
 * The state of the connection of a client, and the wait until it is ready. All users of a client share one, so that an outage
 * costs a few listeners and not some for each waiting operation.
 */
export class ConnectionState {
  private static readonly states = new WeakMap<Redis | Cluster, ConnectionState>();

  /** The last 'error' event of the client since it was ready: the rejections of ioredis carry no reason. */
  lastError: unknown;
  private lastErrorAt = -Infinity;
  /** Grows whenever the connection breaks, or that to one node of a cluster. */
  epoch = 0;
  /** How often the connection was closed since it was ready: the first time it broke, then an attempt failed. */
  private closes = 0;
  private users = 0;
  private waiting: Promise<void> | undefined;
  private changing: Promise<void> | undefined;
  private readonly remember = (error: unknown): void => {
    this.lastError = error;
    this.lastErrorAt = performance.now();
  };
  private readonly forget = (): void => {
    this.lastError = undefined;
    this.closes = 0;
  };
  private readonly broken = (): void => {
    this.epoch++;
  };
  private readonly closed = (): void => {
    this.broken();
    if (++this.closes > 1) void this.findReason();
  };
  private findingReason = false;

  /** @param why - Finds out why the server cannot be reached, where the client does not say. */
  private constructor(
    private readonly client: Redis | Cluster,
    private readonly why: (() => Promise<unknown>) | undefined,
  ) {}

  /**
   * @param why - As in the constructor; of the first one who watches the client.
   * @returns the state of a client, which is watched until `release` has been called as often as this.
   */
  static watch(client: Redis | Cluster, why?: () => Promise<unknown>): ConnectionState {
    const state = ConnectionState.states.get(client) ?? new ConnectionState(client, why);
    ConnectionState.states.set(client, state);
    if (state.users++ === 0) state.listen('on');
    return state;
  }

  release(): void {
    if (--this.users === 0) this.listen('off');
  }

  /** Resolves when commands can be sent. @throws the reason when the client ends before. */
  ready(): Promise<void> {
    if (this.client.status === 'ready') return Promise.resolve();
    if (this.client.status === 'end') return Promise.reject(this.whyEnded());
    this.waiting ??= new Promise<void>((resolve, reject) => {
      const { client } = this;
      const settle = (outcome: () => void): void => {
        client.off('ready', up);
        client.off('end', ended);
        this.waiting = undefined;
        outcome();
      };
      const up = (): void => settle(resolve);
      const ended = (): void => settle(() => reject(this.whyEnded()));
      client.once('ready', up);
      client.once('end', ended);
    });
    return this.waiting;
  }

  /** As `ready`, but does not wait while attempts to connect fail. @throws the reason, also when the client ends before. */
  async readyNow(): Promise<void> {
    while (this.client.status !== 'ready') {
      if (this.failure !== undefined) throw this.failure;
      if (this.client.status === 'end') throw this.whyEnded();
      await this.changed();
    }
  }

  /** Why the last attempt to connect failed; undefined while there was none since the connection broke. */
  get failure(): unknown {
    if (this.client.status === 'ready' || this.closes < 2) return undefined;
    return this.lastError;
  }

  /**
   * Why a command was not answered, where its own error says only that the connection ended: the last error since it was ready,
   * of a cluster, which is ready while one of its nodes is, that of a node in the last `ms` milliseconds.
   */
  reasonFor(error: unknown, ms: number): unknown {
    if (this.client.status !== 'ready') return this.lastError;
    const isRecent = this.client.isCluster && performance.now() - this.lastErrorAt < ms;
    return isRecent && isVague(error) ? this.lastError : undefined;
  }

  /** Resolves when the connection is made, breaks, or could not be made. */
  private changed(): Promise<void> {
    this.changing ??= new Promise<void>((resolve) => {
      const events = ['ready', 'close', 'end'] as const;
      const emitter: NodeJS.EventEmitter = this.client;
      const settle = (): void => {
        for (const event of events) emitter.off(event, settle);
        this.changing = undefined;
        resolve();
      };
      for (const event of events) emitter.on(event, settle);
    });
    return this.changing;
  }

  /** Servers that are full, or speak TLS, say so only to one who reads what comes without a question. */
  private async findReason(): Promise<void> {
    if (this.why === undefined || this.findingReason || !isVague(this.lastError)) return;
    this.findingReason = true;
    const reason = await this.why().catch(() => undefined);
    this.findingReason = false;
    if (reason !== undefined && this.client.status !== 'ready' && isVague(this.lastError)) this.lastError = reason;
  }

  private whyEnded(): unknown {
    return this.lastError ?? new Error('the client has ended');
  }

  private listen(how: 'on' | 'off'): void {
    const emitter: NodeJS.EventEmitter = this.client;
    emitter[how]('error', this.remember);
    emitter[how]('node error', this.remember);
    emitter[how]('ready', this.forget);
    emitter[how]('close', this.closed);
    emitter[how]('-node', this.broken);
  }
}

/** Whether an error says only that the connection ended. */
export function isVague(error: unknown): boolean {
  if (error === undefined) return true;
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === 'EPIPE' || code === 'ECONNRESET' || String(message).startsWith('Connection is closed');
}
