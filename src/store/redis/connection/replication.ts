import { Cluster, type Redis } from 'ioredis';
import { RedisFailed } from './reply-errors.js';
import { DEFAULT_WAIT_MS, type RedisDurability } from '../redis-options.js';
import { defineScripts } from '../scripts/scripts.js';

interface NodeLink {
  /** Grows whenever it breaks. */
  breaks: number;
  readonly forget: () => void;
}

/** Waits until replicas have a write, by `WAIT` on the connection that made it, which blocks it meanwhile. */
export class ReplicaConfirmation {
  private readonly wanted: number;
  private readonly timeout: number;
  /** `#private`, for inspecting a client shows its password. */
  readonly #links = new Map<Redis, NodeLink>();
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
    const link = this.#links.get(node) ?? this.watch(node, client instanceof Cluster);
    const before = link.breaks;
    let answer: T;
    try {
      answer = await write(node);
    } catch (error) {
      if (client instanceof Cluster) client.refreshSlotsCache();
      throw error;
    }
    const confirmed = await node.wait(this.wanted, this.timeout);
    // A new connection has made no write, so that all replicas have all of its writes.
    if (link.breaks !== before) throw new Error('Connection is closed.');
    if (confirmed >= this.wanted) return answer;
    throw new RedisFailed({
      code: 'STORE_NOT_REPLICATED',
      text: `written, but ${confirmed} of ${this.wanted} replicas said so within ${this.timeout} ms: a failover may lose it`,
      cause: undefined,
      sent: false,
      retryable: false,
    });
  }

  /** Leaves no listener on a client. */
  release(): void {
    for (const { forget } of this.#links.values()) forget();
  }

  private watch(node: Redis, cluster: boolean): NodeLink {
    defineScripts(node, { cluster });
    const broken = (): void => void link.breaks++;
    const forget = (): void => {
      broken(); // Nobody would notice it any more.
      node.off('close', broken);
      node.off('end', forget);
      this.#links.delete(node);
    };
    const link: NodeLink = { breaks: 0, forget };
    node.on('close', broken);
    node.on('end', forget);
    this.#links.set(node, link);
    return link;
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
