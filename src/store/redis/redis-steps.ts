import type { RedisConnection } from './redis-connection.js';
import type { RedisKeys } from './redis-keys.js';
import { RedisLanes } from './redis-lanes.js';
import type { RedisRenewal } from './redis-renewal.js';
import type { ScriptedRedis } from './redis-scripts.js';

/** When a step is given up: by default at the time-out from its beginning, for what is gathered by that of the operation. */
export interface Limit {
  readonly deadline?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Sends the steps of one store; each of them is a use of the store. */
export class RedisSteps {
  private readonly lanes = new RedisLanes();

  /** @param store begins the message of an error. */
  constructor(
    readonly store: string,
    readonly connection: RedisConnection,
    private readonly keys: RedisKeys,
    private readonly renewal: RedisRenewal | undefined,
  ) {}

  /** Of an operation that begins now. */
  limit(signal?: AbortSignal): Limit & { readonly deadline: number } {
    return { deadline: this.connection.deadline(), signal };
  }

  read<T>(send: (client: ScriptedRedis) => Promise<T>, { deadline }: Limit = {}): Promise<T> {
    this.renewal?.use();
    return this.connection.run({ store: this.store, send, deadline });
  }

  /** @param send gets the limit by the server's clock. */
  write<T>(
    key: string,
    send: (client: ScriptedRedis, limit: string) => Promise<T>,
    { deadline }: Limit = {},
  ): Promise<T> {
    this.renewal?.use();
    return this.connection.run({ store: this.store, writes: key, send, deadline });
  }

  /** Of what is no object: no caller is told that replicas have it. */
  writeAbout<T>(
    key: string,
    send: (client: ScriptedRedis, limit: string) => Promise<T>,
    { deadline }: Limit = {},
  ): Promise<T> {
    this.renewal?.use();
    return this.connection.run({ store: this.store, writes: key, unconfirmed: true, send, deadline });
  }

  /**
   * A write that the states of its models remember, so that it is done once however often it is sent.
   * @param key the first one that is written.
   */
  ledgered<T>(key: string, limit: Limit, send: (client: ScriptedRedis, ...ledger: string[]) => Promise<T>): Promise<T> {
    const { layout, ttl = 0 } = this.keys;
    return this.lanes.lend(({ name, number }) => {
      const marked = (client: ScriptedRedis, time: string): Promise<T> =>
        send(client, name, number, time, layout, String(ttl));
      return this.write(key, marked, limit);
    });
  }
}
