import type { Cluster, Redis } from 'ioredis';
import { masterAddress } from './cluster-slots.js';
import { isClusterClient } from './driver.js';
import type { ConnectionState } from './connection-state.js';
import { SORT_PROBE } from '../layout/keys.js';
import type { ScriptedRedis } from '../scripts/scripts.js';

const MEASUREMENTS = 3;

/**
 * A lower bound of the server's clock at a moment of this process. With it a write carries its deadline, so that a server
 * that was frozen does not do later what its caller has given up. There is one clock for each connection; on a cluster one
 * for each node, as the client knows who holds a key. A slow reply makes a deadline earlier, never later.
 */
export class ServerClock {
  /** Address of a node ('' for the one server) -> lower bound of the server's time minus `performance.now()`. */
  private offsets = new Map<string, number>();
  private measured = -1;
  private measuring = new Map<string, Promise<void>>();

  constructor(
    private readonly client: Redis | Cluster,
    private readonly state: ConnectionState,
  ) {}

  knows(key: string): boolean {
    return this.measured === this.state.epoch && this.offsets.has(this.nameOf(key));
  }

  /** Asks the server that holds `key`; again after every break of the connection, because another server may answer. */
  async measure(key: string): Promise<void> {
    if (this.knows(key)) return;
    if (this.measured !== this.state.epoch) {
      this.measured = this.state.epoch;
      this.offsets = new Map();
      this.measuring = new Map();
    }
    const { measuring } = this;
    const name = this.nameOf(key);
    const running = measuring.get(name) ?? this.ask(key).finally(() => measuring.delete(name));
    measuring.set(name, running);
    await running;
  }

  /** @returns a lower bound of the server's time, in ms since 1970, when `performance.now()` is `moment`. */
  at(key: string, moment: number): string {
    return Math.floor(moment + (this.offsets.get(this.nameOf(key)) ?? 0)).toFixed(0);
  }

  /** Notes that the server that holds `key` showed `time` before now. */
  learn(key: string, time: number): void {
    const offset = time - performance.now();
    const name = this.nameOf(key);
    this.offsets.set(name, Math.max(this.offsets.get(name) ?? -Infinity, offset));
  }

  private async ask(key: string): Promise<void> {
    const client = this.client as unknown as ScriptedRedis;
    for (let at = 0; at < MEASUREMENTS; at++) {
      const [seconds, micros] = await client.diffsyncTime(key === '' ? SORT_PROBE.index : key);
      this.learn(key, Number(seconds) * 1000 + Math.floor(Number(micros) / 1000));
    }
  }

  private nameOf(key: string): string {
    return isClusterClient(this.client) ? masterAddress(this.client, key) : '';
  }
}
