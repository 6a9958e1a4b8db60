import { Cluster, type Redis } from 'ioredis';
import { RedisFailed } from './redis-errors.js';
import { DEFAULT_WAIT_MS, type RedisDurability } from './redis-options.js';
import { defineScripts } from './redis-scripts.js';

/** Waits until replicas have a write, by `WAIT` on the connection that made it, which blocks it meanwhile. */
export class RedisReplicas {
  private readonly wanted: number;
  private readonly timeout: number;
  /** How often the link of each node broke. `#private`, for inspecting a client shows its password. */
  readonly #breaks = new WeakMap<Redis, number>();
  private readonly slots = new Map<string, number>();

  constructor({ replicas, timeout = DEFAULT_WAIT_MS }: RedisDurability) {
    this.wanted = replicas;
    this.timeout = timeout;
  }

  /**
   * @param key what `write` writes.
   * @throws RedisFailed (STORE_NOT_REPLICATED) for a write that is done, but not confirmed.
   */
  async confirm<T>(client: Redis | Cluster, key: string, write: (node: Redis) => Promise<T>): Promise<T> {
    // On a cluster to the node itself: where the client redirects a command, nobody knows which one was written to.
    const node = client instanceof Cluster ? await this.masterOf(client, key) : client;
    if (!this.#breaks.has(node)) this.watch(node, client instanceof Cluster);
    const before = this.#breaks.get(node);
    let answer: T;
    try {
      answer = await write(node);
    } catch (error) {
      if (client instanceof Cluster) client.refreshSlotsCache();
      throw error;
    }
    const confirmed = await node.wait(this.wanted, this.timeout);
    // A new connection has made no write, so that all replicas have all of its writes.
    if (this.#breaks.get(node) !== before) throw new Error('Connection is closed.');
    if (confirmed >= this.wanted) return answer;
    throw new RedisFailed({
      code: 'STORE_NOT_REPLICATED',
      text: `written, but ${confirmed} of ${this.wanted} replicas said so within ${this.timeout} ms: a failover may lose it`,
      cause: undefined,
      sent: false,
      passing: false,
    });
  }

  private watch(node: Redis, cluster: boolean): void {
    defineScripts(node, { cluster });
    this.#breaks.set(node, 0);
    node.on('close', () => this.#breaks.set(node, (this.#breaks.get(node) ?? 0) + 1));
  }

  private async masterOf(cluster: Cluster, key: string): Promise<Redis> {
    const slot = this.slots.get(key) ?? (await cluster.cluster('KEYSLOT', key));
    this.slots.set(key, slot);
    const [address] = cluster.slots[slot] ?? [];
    const node = cluster.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === address);
    if (node === undefined) throw new Error("Cluster isn't ready");
    return node;
  }
}
