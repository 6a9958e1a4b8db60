import { once } from 'node:events';
import { Redis } from 'ioredis';
import { ObjectStoreException } from '../../errors.js';
import { storeError } from './redis-errors.js';
import { clientOptions, redisTarget, type RedisTarget } from './redis-client.js';
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
  #client: ScriptedRedis | undefined;
  private connecting: Promise<ScriptedRedis> | undefined;
  private users = 0;
  #lastError: unknown;
  private readonly remember = (error: unknown): void => {
    this.#lastError = error;
  };
  private readonly forget = (): void => {
    this.#lastError = undefined;
  };

  constructor(options: RedisStoreOptions) {
    this.timeout = options.timeout ?? DEFAULT_TIMEOUT_MS;
    this.#given = options.client as Redis | undefined;
    if (this.#given === undefined) this.#target = redisTarget(options);
    const { host, port, db, path } = this.#given?.options ?? {};
    this.address = this.#target?.address ?? `redis://${path ?? `${host}:${port}`}/${db ?? 0}`;
  }

  /** @param store begins the message of an error. */
  async acquire(store: string): Promise<void> {
    this.connecting ??= this.connect(store);
    try {
      this.#client = await this.connecting;
      this.users++;
    } finally {
      this.connecting = undefined;
    }
  }

  async release(): Promise<void> {
    if (--this.users > 0) return;
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    if (this.#given === undefined) await this.quit(client);
    client.off('error', this.remember);
    client.off('ready', this.forget);
  }

  /**
   * Runs commands once the link is up. Nothing is sent twice.
   * @param writes whether the commands may change something, for the error of a lost answer.
   */
  async run<T>(store: string, writes: boolean, commands: (client: ScriptedRedis) => Promise<T>): Promise<T> {
    const client = this.#client;
    if (client === undefined) throw new ObjectStoreException(`${store} is closed`, { code: 'STORE_CLOSED' });
    try {
      if (client.status !== 'ready') await this.ready(client);
      return await commands(client);
    } catch (error) {
      throw storeError(error, { where: `${store} at ${this.address}`, lastError: this.#lastError }, writes);
    }
  }

  private async connect(store: string): Promise<ScriptedRedis> {
    if (this.#client !== undefined) return this.#client;
    const target = this.#target;
    const client = defineScripts(
      target === undefined ? (this.#given as Redis) : new Redis(clientOptions(target, this.timeout)),
    );
    this.#lastError = undefined;
    client.on('error', this.remember);
    client.on('ready', this.forget);
    try {
      if (client.status === 'wait') await client.connect();
      else if (client.status !== 'ready') await this.ready(client);
      // A server that asks for a password is "ready" without one, and an unknown database is silently database 0.
      const info = await client.client('INFO');
      const db = /\bdb=(\d+)/.exec(info)?.[1];
      if (target !== undefined && db !== undefined && Number(db) !== target.options.db) {
        throw new ObjectStoreException(
          `${store} at ${this.address}: the server has no database ${target.options.db}; its "databases" setting says how many`,
          { code: 'STORE_WRONG_DATABASE', cause: this.#lastError },
        );
      }
      return client;
    } catch (error) {
      const failed = storeError(error, { where: `${store} at ${this.address}`, lastError: this.#lastError }, false);
      if (this.#given === undefined) client.disconnect();
      else {
        client.off('error', this.remember);
        client.off('ready', this.forget);
      }
      throw failed;
    }
  }

  private async ready(client: Redis): Promise<void> {
    const signal = AbortSignal.timeout(this.timeout);
    try {
      await once(client, 'ready', { signal });
    } catch (error) {
      // `once` also rejects with an 'error' event: one failed attempt, after which the client tries again.
      if (!signal.aborted && client.status !== 'end') return this.ready(client);
      throw this.#lastError ?? error;
    }
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
