import { Redis } from 'ioredis';
import { ObjectStoreException } from '../../errors.js';
import { clientOptions, redisTarget, type RedisTarget } from './redis-client.js';
import { answerError, unreachableError } from './redis-errors.js';
import { RedisLink } from './redis-link.js';
import { DEFAULT_TIMEOUT_MS, type RedisStoreOptions } from './redis-options.js';
import { defineScripts, type ScriptedRedis } from './redis-scripts.js';

/** One client for all the stores on it: opened by the first, closed by the last. A client of the user's is never closed. */
export class RedisConnection {
  /** Where the server is, without secrets. */
  readonly address: string;
  private readonly timeout: number;
  // What holds a password is `#private`, so that inspecting a store shows none.
  /** The user's own client. */
  readonly #given: Redis | undefined;
  readonly #target: RedisTarget | undefined;
  #open: { readonly client: ScriptedRedis; readonly link: RedisLink } | undefined;
  private connecting: Promise<void> | undefined;
  private users = 0;

  constructor(options: RedisStoreOptions) {
    this.timeout = options.timeout ?? DEFAULT_TIMEOUT_MS;
    this.#given = options.client as Redis | undefined;
    if (this.#given === undefined) this.#target = redisTarget(options);
    const { host, port, db, path } = this.#given?.options ?? {};
    this.address = this.#target?.address ?? `redis://${path ?? `${host}:${port}`}/${db ?? 0}`;
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
    if (this.#given === undefined) await this.quit(open.client);
    open.link.release();
  }

  /**
   * Runs commands once the link is up. Nothing is sent twice.
   * @param writes whether the commands may change something, for the error of a lost answer.
   */
  async run<T>(store: string, writes: boolean, commands: (client: ScriptedRedis) => Promise<T>): Promise<T> {
    if (this.#open === undefined) throw new ObjectStoreException(`${store} is closed`, { code: 'STORE_CLOSED' });
    const { client, link } = this.#open;
    const where = `${store} at ${this.address}`;
    try {
      await link.ready(this.timeout);
    } catch (error) {
      throw unreachableError(where, error);
    }
    try {
      return await commands(client);
    } catch (error) {
      throw answerError(where, error, link.lastError, writes);
    }
  }

  private async connect(where: string): Promise<void> {
    if (this.#open !== undefined) return;
    const own = this.#target === undefined ? undefined : new Redis(clientOptions(this.#target, this.timeout));
    const client = defineScripts(own ?? (this.#given as Redis));
    const link = RedisLink.watch(client);
    try {
      if (client.status === 'wait') await client.connect();
      else await link.ready(this.timeout);
      await this.checkDatabase(client, where);
      this.#open = { client, link };
    } catch (error) {
      own?.disconnect();
      link.release();
      throw unreachableError(where, link.lastError ?? error);
    }
  }

  /** A server that asks for a password is "ready" without one, and an unknown database is silently database 0. */
  private async checkDatabase(client: Redis, where: string): Promise<void> {
    const wanted = client.options.db ?? 0;
    const db = /\bdb=(\d+)/.exec(await client.client('INFO'))?.[1];
    if (db === undefined || Number(db) === wanted) return;
    throw new ObjectStoreException(
      `${where}: the server has no database ${wanted}; its "databases" setting says how many`,
      { code: 'STORE_WRONG_DATABASE' },
    );
  }

  private async quit(client: Redis): Promise<void> {
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
}
