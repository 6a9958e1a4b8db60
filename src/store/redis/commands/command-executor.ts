import type { WriteLease } from '../../lease-context.js';
import type { RedisConnection } from '../connection/connection.js';
import { undeclaredLog } from '../connection/reply-errors.js';
import type { RedisKeys } from '../layout/keys.js';
import { IdempotencyTokens } from './idempotency-tokens.js';
import type { TtlRefresher } from './ttl-refresher.js';
import type { ScriptedRedis } from '../scripts/scripts.js';

/** Until when an operation may run. */
export interface OperationLimits {
  /** As `performance.now()`. Default: for each command the timeout of the store, from its beginning. */
  readonly deadline?: number;
  /** Once it is aborted, no command is sent any more. */
  readonly signal?: AbortSignal | undefined;
  /** The lease that a write is made under. */
  readonly lease?: WriteLease | undefined;
}

/** The limits of a write, which says so where it is made under no lease. */
export type WriteLimits = OperationLimits & { readonly lease: WriteLease | undefined };

/** Sends a command. @param serverDeadlineMs - The deadline of a write: milliseconds since 1970, by the server's clock. */
export type SendCommand<T> = (client: ScriptedRedis, serverDeadlineMs: string) => Promise<T>;

/** Sends an idempotent write. @param token - The arguments of its script from the client id to the fence. */
type SendIdempotent<T> = (client: ScriptedRedis, ...token: string[]) => Promise<T>;

/** Executes the commands of one store. Each of them counts as a use of the store, which renews its ttl. */
export class CommandExecutor {
  private readonly tokens = new IdempotencyTokens();

  /** @param store - Begins the message of an error. */
  constructor(
    readonly store: string,
    readonly connection: RedisConnection,
    private readonly keys: RedisKeys,
    private readonly ttlRefresher?: TtlRefresher,
  ) {}

  /** @returns the limits of an operation that begins now. */
  limits(signal?: AbortSignal, lease?: WriteLease): WriteLimits & { readonly deadline: number } {
    return { deadline: this.connection.deadline(), signal, lease };
  }

  read<T>(send: (client: ScriptedRedis) => Promise<T>, { deadline, signal }: OperationLimits = {}): Promise<T> {
    this.ttlRefresher?.use();
    return this.connection.run({ store: this.store, send, deadline, signal });
  }

  /** Asks how the server is now: once, and not while attempts to connect fail. */
  probe<T>(send: (client: ScriptedRedis) => Promise<T>): Promise<T> {
    this.ttlRefresher?.use();
    return this.connection.run({ store: this.store, send, probes: true });
  }

  /** Executes a write. It may be sent again, so that it must not matter how often it is done. @param key - Is written. */
  write<T>(key: string, send: SendCommand<T>, limits: OperationLimits = {}): Promise<T> {
    this.ttlRefresher?.use();
    return this.connection.run({ store: this.store, writes: key, send, ...limits });
  }

  /** Executes a write of what is no object, as `write` does, but does not wait for the replicas of a durable store. */
  writeMetadata<T>(key: string, send: SendCommand<T>, limits: OperationLimits = {}): Promise<T> {
    this.ttlRefresher?.use();
    return this.connection.run({ store: this.store, writes: key, unconfirmed: true, send, ...limits });
  }

  /**
   * Executes an idempotent write: the states of its models keep a deduplication record of it, so that it is done once
   * however often it is sent.
   * @param key - The first key that is written.
   * @param send - Is called again, with the same token, where it was not known that a model has a log.
   */
  async executeIdempotent<T>(key: string, limits: WriteLimits, send: SendIdempotent<T>): Promise<T> {
    this.ttlRefresher?.use();
    const { format, ttl = 0 } = this.keys;
    const token = this.tokens.acquire();
    const { clientId, sequenceNumber } = token;
    const fence = fenceOf(limits);
    const sendDeclared: SendIdempotent<T> = async (...args) => {
      try {
        return await send(...args);
      } catch (error) {
        const model = undeclaredLog(error);
        if (model === undefined) throw error;
        this.keys.declareLog(model);
        return send(...args);
      }
    };
    try {
      return await this.connection.run({
        store: this.store,
        writes: key,
        send: (client, serverDeadlineMs) =>
          sendDeclared(client, clientId, sequenceNumber, serverDeadlineMs, format, String(ttl), fence),
        ...limits,
      });
    } finally {
      this.tokens.release(token);
    }
  }
}

/** @returns the argument of a script that names the fence of a write; '' for a write under no lease. */
export function fenceOf({ lease }: OperationLimits): string {
  return lease === undefined ? '' : String(lease.fence);
}
