import type { RedisConnection } from '../connection/connection.js';
import type { RedisKeys } from '../layout/keys.js';
import type { ScriptedRedis } from '../scripts/scripts.js';

/** Objects whose expiry is put off in one step. */
const RENEW_CHUNK = 1000;

/** Puts off the expiry of a store with a `ttl` for as long as it is used. */
export class TtlRefresher {
  private used = false;
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param store begins the message of an error.
   * @param failed told of a renewal that failed; it is tried again while the store is used.
   */
  constructor(
    private readonly store: string,
    private readonly connection: RedisConnection,
    private readonly keys: RedisKeys,
    private readonly ttl: number,
    private readonly failed: (error: unknown) => void,
  ) {}

  use(): void {
    this.used = true;
  }

  start(): void {
    this.timer ??= setInterval(() => void this.tick(), this.ttl / 3).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    await this.running;
  }

  private async tick(): Promise<void> {
    if (!this.used || this.running !== undefined) return;
    this.used = false;
    this.running = this.renew().catch((error: unknown) => {
      this.used = true;
      this.failed(error);
    });
    await this.running;
    this.running = undefined;
  }

  /** By steps that are no use of the store. */
  private async renew(): Promise<void> {
    const { store, connection, ttl } = this;
    const { models } = this.keys;
    for (const model of await connection.run({ store, send: (client) => client.smembers(models) })) {
      for (const { index, state, prefix } of this.keys.of(model)) {
        let after = '-inf';
        do {
          const from = after;
          const send = (client: ScriptedRedis): Promise<string> =>
            client.diffsyncRenew(index, state, prefix, from, ttl, RENEW_CHUNK);
          after = await connection.run({ store, writes: index, send });
        } while (after !== '');
      }
    }
    await connection.run({ store, writes: models, send: (client) => client.pexpire(models, 2 * ttl) });
  }
}
