import type { Redis } from 'ioredis';

/**
 * What is known of a client's link to its server, and the wait for it. One for each client, whoever uses the client, so
 * that an outage costs a few listeners and not some for each waiting operation.
 */
export class RedisLink {
  private static readonly links = new WeakMap<Redis, RedisLink>();

  /** The client's last 'error' event since the link was up: ioredis's own rejections carry no reason. */
  lastError: unknown;
  private users = 0;
  private waiting: Promise<void> | undefined;
  private readonly remember = (error: unknown): void => {
    this.lastError = error;
  };
  private readonly forget = (): void => {
    this.lastError = undefined;
  };

  private constructor(private readonly client: Redis) {}

  /** Watches a client until `release` has been called as often. */
  static watch(client: Redis): RedisLink {
    const link = RedisLink.links.get(client) ?? new RedisLink(client);
    RedisLink.links.set(client, link);
    if (link.users++ === 0) {
      client.on('error', link.remember);
      client.on('ready', link.forget);
    }
    return link;
  }

  release(): void {
    if (--this.users > 0) return;
    this.client.off('error', this.remember);
    this.client.off('ready', this.forget);
  }

  /** Settles when commands can be sent. @throws the reason when that is not within `timeout` milliseconds. */
  async ready(timeout: number): Promise<void> {
    if (this.client.status === 'ready') return;
    this.waiting ??= this.wait(timeout).finally(() => {
      this.waiting = undefined;
    });
    return this.waiting;
  }

  private async wait(timeout: number): Promise<void> {
    const { client } = this;
    if (client.status === 'end') throw this.lastError ?? new Error('the client has ended');
    await new Promise<void>((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        client.off('ready', up);
        client.off('end', ended);
        outcome();
      };
      const up = (): void => settle(resolve);
      const ended = (): void => settle(() => reject(this.lastError ?? new Error('the client has ended')));
      const timer = setTimeout(() => {
        settle(() => reject(this.lastError ?? new Error(`no connection within ${timeout} ms`)));
      }, timeout);
      client.once('ready', up);
      client.once('end', ended);
    });
  }
}
