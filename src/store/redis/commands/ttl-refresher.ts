import { MAX_TIMER_MS } from '../../../async/with-timeout.js';
import type { RedisConnection } from '../connection/connection.js';
import type { RedisKeys } from '../layout/keys.js';
import type { ScriptedRedis } from '../scripts/scripts.js';

/** Objects whose expiry is renewed in one command. */
const RENEW_CHUNK = 1000;

/** Renews the expiry of a store with a `ttl` for as long as it is used. */
export class TtlRefresher {
  private used = false;
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param store - Begins the message of an error.
   * @param ttl - Milliseconds.
   * @param onError - Is called with the error of a renewal; the store tries again while it is used.
   */
  constructor(
    private readonly store: string,
    private readonly connection: RedisConnection,
    private readonly keys: RedisKeys,
    private readonly ttl: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Notes that the store is used. */
  use(): void {
    this.used = true;
  }

  start(): void {
    this.timer ??= setInterval(() => void this.tick(), Math.min(this.ttl / 3, MAX_TIMER_MS)).unref();
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
      this.onError(error);
    });
    await this.running;
    this.running = undefined;
  }

  /** Sends its commands by the connection itself: a renewal is no use of the store. */
  private async renew(): Promise<void> {
    const { store, connection, ttl } = this;
    const { models } = this.keys;
    for (const model of await connection.run({ store, send: (client) => client.smembers(models) })) {
      for (const keys of this.keys.of(model)) {
        let from = '-inf';
        for (let full = true; full;) {
          const start = from;
          const flat = await connection.run({
            store,
            send: (client) =>
              client.zrange(keys.index, start, '+inf', 'BYSCORE', 'LIMIT', 0, RENEW_CHUNK, 'WITHSCORES'),
          });
          const uids = flat.filter((_, at) => at % 2 === 0);
          full = uids.length === RENEW_CHUNK;
          const part = start === '-inf' ? (full ? 'first' : 'only') : full ? 'middle' : 'last';
          const declared = this.keys.declared(keys, uids);
          const send = (client: ScriptedRedis): Promise<number> =>
            client.diffsyncRenew(declared, keys.prefix, part, ttl, uids);
          await connection.run({ store, writes: keys.index, send });
          from = `(${flat.at(-1)}`;
        }
      }
    }
    await connection.run({ store, writes: models, send: (client) => client.pexpire(models, 2 * ttl) });
  }
}
