import { MAX_TIMER_MS } from '../../../async/with-timeout.js';
import type { RedisConnection } from '../connection/connection.js';
import type { RedisKeys } from '../layout/keys.js';
import type { ScriptedRedis } from '../scripts/scripts.js';

/** Objects whose expiry is renewed in one command. */
const RENEW_CHUNK = 1000;
/** The part of a `ttl` that is left when a use renews it; where less than half of that is left, `start` waits for it. */
const RENEWED_BELOW = 2 / 3;
/** The part of a `ttl` after which a renewal that failed is tried again. */
const RETRIED_AFTER = 1 / 10;

/**
 * Renews the expiry of a store with a `ttl` while it is used, before anything can expire, and knows which of its models must
 * not have expired.
 */
export class TtlRefresher {
  private used = false;
  /** As `performance.now()`. */
  private lastUse = -Infinity;
  /** From when on a use renews the expiry, as `performance.now()`. */
  private dueAt = Infinity;
  private scans = 0;
  /** The models that had objects, as far as the store was used without a pause of a `ttl`. */
  private readonly seen = new Set<string>();
  private renewing: Promise<void> | undefined;
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
    const now = performance.now();
    if (this.scans === 0 && now - this.lastUse > this.ttl) this.seen.clear();
    this.lastUse = now;
    this.used = true;
    if (now >= this.dueAt) this.begin();
  }

  /** Notes that a model has objects. */
  saw(model: string): void {
    this.seen.add(model);
  }

  /** Whether a model had objects, and the store was used ever since, so that it must not have expired. */
  mustLive(model: string): boolean {
    return this.seen.has(model);
  }

  /** The store counts as used until the scan ends, however long its reader pauses between two pages. */
  beginScan(): void {
    this.scans++;
  }

  endScan(): void {
    this.scans--;
  }

  /** Opening is a use. Learns what is left, and resolves when nothing of it is about to expire. */
  async start(): Promise<void> {
    const now = performance.now();
    const left = await this.timeLeft().catch((error: unknown) => {
      this.onError(error);
      return 0;
    });
    this.schedule(now + left - RENEWED_BELOW * this.ttl);
    this.use();
    if (left < (RENEWED_BELOW / 2) * this.ttl) await this.renewing;
  }

  async stop(): Promise<void> {
    this.schedule(Infinity);
    await this.renewing;
    this.schedule(Infinity);
    this.lastUse = -Infinity;
  }

  /** @param dueAt - When the expiry is renewed, if the store was used since the last time, or else is used then. */
  private schedule(dueAt: number): void {
    clearTimeout(this.timer);
    this.dueAt = dueAt;
    if (dueAt === Infinity) return;
    const due = (): void => {
      if (performance.now() < dueAt) this.schedule(dueAt);
      else if (this.used || this.scans > 0) this.begin();
    };
    const wait = Math.min(Math.max(Math.ceil(dueAt - performance.now()), 1), MAX_TIMER_MS);
    this.timer = setTimeout(due, wait).unref();
  }

  private begin(): void {
    if (this.renewing !== undefined) return;
    this.used = false;
    const started = performance.now();
    const renewed = (): void => this.schedule(started + (1 - RENEWED_BELOW) * this.ttl);
    const failed = (error: unknown): void => {
      this.used = true;
      this.schedule(performance.now() + RETRIED_AFTER * this.ttl);
      this.onError(error);
    };
    this.renewing = this.renew()
      .then(renewed, failed)
      .finally(() => (this.renewing = undefined));
  }

  /** @returns the milliseconds until the first model expires; at most the `ttl`. */
  private async timeLeft(): Promise<number> {
    const parts = (await this.models()).flatMap((model) => this.keys.of(model));
    const lefts = await Promise.all(parts.map(({ index }) => this.run((client) => client.diffsyncTimeLeft(index))));
    return Math.min(this.ttl, ...lefts.filter((left) => left >= 0));
  }

  private models(): Promise<string[]> {
    return this.run((client) => client.smembers(this.keys.models));
  }

  private async renew(): Promise<void> {
    const { keys, ttl } = this;
    // What names the models and their layout must outlast them.
    const others = [keys.models];
    for (const model of await this.models()) {
      for (const part of keys.of(model)) {
        let [expiry, after, uids] = ['', '-inf', [] as string[]];
        do {
          const [until, from, page] = [expiry, after, uids];
          [expiry, after, ...uids] = await this.run((client) =>
            client.diffsyncRenew(
              keys.declared(part, page),
              part.prefix,
              keys.format,
              ttl,
              until,
              from,
              RENEW_CHUNK,
              page,
            ),
          );
        } while (uids.length > 0);
      }
      if (keys.shards > 1) others.push(keys.formatKey(model), keys.sequence(model));
    }
    for (const key of others) await this.run((client) => client.pexpire(key, 2 * ttl, 'GT'));
  }

  /** By the connection itself: a renewal is no use of the store. As a read: it waits for no replica, and need not. */
  private run<T>(send: (client: ScriptedRedis) => Promise<T>): Promise<T> {
    const { store, connection } = this;
    return connection.run({ store, send });
  }
}
