import type { Cluster, Redis } from 'ioredis';
import { masterAddress } from './cluster-slots.js';
import { isClusterClient, isReplyError } from './driver.js';
import { RedisFailed } from './reply-errors.js';
import { DEFAULT_WAIT_MS, type RedisDurability } from '../redis-options.js';
import { defineScripts } from '../scripts/scripts.js';

/** The connection to one node. */
interface NodeState {
  /** Grows whenever the connection breaks. */
  epoch: number;
  readonly forget: () => void;
}

/** Waits until replicas have a write: by `WAIT` on the connection that made it, which is blocked meanwhile. */
export class ReplicaConfirmation {
  private readonly wanted: number;
  private readonly timeout: number;
  /** `#private`, because inspecting a client shows its password. */
  readonly #nodes = new Map<Redis, NodeState>();

  constructor({ replicas, timeout = DEFAULT_WAIT_MS }: RedisDurability) {
    this.wanted = replicas;
    this.timeout = timeout;
  }

  /**
   * @param key - The key that `write` writes.
   * @returns what `write` resolves to.
   * @throws {RedisFailed} (STORE_NOT_REPLICATED) for a write that is done, but not confirmed.
   */
  async confirm<T>(client: Redis | Cluster, key: string, write: (node: Redis) => Promise<T>): Promise<T> {
    // On a cluster the write goes to the node itself: where the client redirects a command, the node is not known.
    const node = isClusterClient(client) ? this.masterOf(client, key) : client;
    const state = this.#nodes.get(node) ?? this.watch(node);
    const before = state.epoch;
    let reply: T;
    try {
      reply = await write(node);
    } catch (error) {
      if (isClusterClient(client)) client.refreshSlotsCache();
      throw error;
    }
    const confirmed = await this.wait(node);
    // A new connection has made no write, so that WAIT counts all replicas.
    if (state.epoch !== before) throw new Error('Connection is closed.');
    if (confirmed >= this.wanted) return reply;
    throw new RedisFailed({
      code: 'STORE_NOT_REPLICATED',
      text: `written, but ${confirmed} of ${this.wanted} replicas said so within ${this.timeout} ms: a failover may lose it`,
      cause: undefined,
      sent: false,
      retryable: false,
    });
  }

  /** @returns the number of replicas that have all writes of the connection. */
  private async wait(node: Redis): Promise<number> {
    try {
      return await node.wait(this.wanted, this.timeout);
    } catch (error) {
      if (!isReplyError(error) || !/UNBLOCKED|replica instances/.test(error.message)) throw error;
      throw takenOver(error);
    }
  }

  /** Removes the listeners from all clients. */
  release(): void {
    for (const { forget } of this.#nodes.values()) forget();
  }

  private watch(node: Redis): NodeState {
    defineScripts(node);
    const broken = (): void => void state.epoch++;
    const forget = (): void => {
      broken(); // A later break would not be noticed.
      node.off('close', broken);
      node.off('end', forget);
      this.#nodes.delete(node);
    };
    const state: NodeState = { epoch: 0, forget };
    node.on('close', broken);
    node.on('end', forget);
    this.#nodes.set(node, state);
    return state;
  }

  private masterOf(cluster: Cluster, key: string): Redis {
    const address = masterAddress(cluster, key);
    const node = cluster.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === address);
    if (node === undefined) throw new Error("Cluster isn't ready");
    return node;
  }
}

/** A write was confirmed while another server takes over as planned. That may not have it, and so the write is sent again. */
export function takenOver(cause: Error): RedisFailed {
  return new RedisFailed({
    code: 'STORE_NOT_REPLICATED',
    text: `written, but another server took over meanwhile, which may not have it (${cause.message})`,
    cause,
    sent: true,
    retryable: true,
  });
}
