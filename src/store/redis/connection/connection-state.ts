import type { Cluster, Redis } from 'ioredis';

/**
 * What is known of a client's link to its server, and the wait for it. One for each client, whoever uses the client, so
 * that an outage costs a few listeners and not some for each waiting operation.
 */
export class ConnectionState {
  private static readonly links = new WeakMap<Redis | Cluster, ConnectionState>();

  /** The client's last 'error' event since the link was up: ioredis's own rejections carry no reason. */
  lastError: unknown;
  /** Grows whenever the link breaks, or that to one node of a cluster. */
  epoch = 0;
  private users = 0;
  private waiting: Promise<void> | undefined;
  private readonly remember = (error: unknown): void => {
    this.lastError = error;
  };
  private readonly forget = (): void => {
    this.lastError = undefined;
  };
  private readonly broken = (): void => {
    this.epoch++;
  };

  private constructor(private readonly client: Redis | Cluster) {}

  /** Watches a client until `release` has been called as often. */
  static watch(client: Redis | Cluster): ConnectionState {
    const link = ConnectionState.links.get(client) ?? new ConnectionState(client);
    ConnectionState.links.set(client, link);
    if (link.users++ === 0) link.listen('on');
    return link;
  }

  release(): void {
    if (--this.users === 0) this.listen('off');
  }

  /** Settles when commands can be sent. @throws the reason when the client ends before. */
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

  private whyEnded(): unknown {
    return this.lastError ?? new Error('the client has ended');
  }

  private listen(how: 'on' | 'off'): void {
    const emitter: NodeJS.EventEmitter = this.client;
    emitter[how]('error', this.remember);
    emitter[how]('node error', this.remember);
    emitter[how]('ready', this.forget);
    emitter[how]('close', this.broken);
    emitter[how]('-node', this.broken);
  }
}
