import type { RedisConnection } from '../connection/connection.js';
import type { RedisKeys } from '../layout/keys.js';
import { IdempotencyTokens } from './idempotency-tokens.js';
import type { TtlRefresher } from './ttl-refresher.js';
import type { ScriptedRedis } from '../scripts/scripts.js';

/** When a step is given up: by default at the time-out from its beginning, for what is gathered by that of the operation. */
export interface OperationLimits {
  readonly deadline?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Sends the steps of one store; each of them is a use of the store. */
export class CommandExecutor {
  private readonly tokens = new IdempotencyTokens();

  /** @param store begins the message of an error. */
  constructor(
    readonly store: string,
    readonly connection: RedisConnection,
    private readonly keys: RedisKeys,
    private readonly renewal: TtlRefresher | undefined,
  ) {}

  /** Of an operation that begins now. */
  limits(signal?: AbortSignal): OperationLimits & { readonly deadline: number } {
    return { deadline: this.connection.deadline(), signal };
  }

  read<T>(send: (client: ScriptedRedis) => Promise<T>, { deadline }: OperationLimits = {}): Promise<T> {
    this.renewal?.use();
    return this.connection.run({ store: this.store, send, deadline });
  }

  /** @param send gets the limit by the server's clock. */
  write<T>(
    key: string,
    send: (client: ScriptedRedis, limit: string) => Promise<T>,
    { deadline }: OperationLimits = {},
  ): Promise<T> {
    this.renewal?.use();
    return this.connection.run({ store: this.store, writes: key, send, deadline });
  }

  /** Of what is no object: no caller is told that replicas have it. */
  writeMetadata<T>(
    key: string,
    send: (client: ScriptedRedis, limit: string) => Promise<T>,
    { deadline }: OperationLimits = {},
  ): Promise<T> {
    this.renewal?.use();
    return this.connection.run({ store: this.store, writes: key, unconfirmed: true, send, deadline });
  }

  /**
   * A write that the states of its models remember, so that it is done once however often it is sent.
   * @param key the first one that is written.
   */
  executeIdempotent<T>(
    key: string,
    limit: OperationLimits,
    send: (client: ScriptedRedis, ...ledger: string[]) => Promise<T>,
  ): Promise<T> {
    const { layout, ttl = 0 } = this.keys;
    return this.tokens.use(({ clientId, sequenceNumber }) => {
      const marked = (client: ScriptedRedis, time: string): Promise<T> =>
        send(client, clientId, sequenceNumber, time, layout, String(ttl));
      return this.write(key, marked, limit);
    });
  }
}
