import type { Cluster, Redis } from 'ioredis';
import type { ProbeTarget } from './client-factory.js';
import { ConnectionState } from './connection-state.js';
import { isClusterClient } from './driver.js';
import { clusterHealth, isReadOnly, serverHealth, type ServersHealth } from './server-health.js';

/**
 * Asks how the servers are, on a connection of its own, so that the answer waits for no other command. The connection is made by
 * the first question, and kept.
 */
export class HealthProbe {
  /** `#private`, because inspecting a client shows its password. */
  readonly #client: Redis | Cluster;
  private readonly state: ConnectionState;
  private asking: Promise<ServersHealth> | undefined;

  /** @param target - How the client is made. Where no other server may take over by itself, the address may lead to another one. */
  constructor(private readonly target: ProbeTarget) {
    this.#client = target.create();
    target.watch?.acquire(this.#client);
    this.state = ConnectionState.watch(this.#client, target.why);
  }

  /** All who ask at the same time get one answer. @param waitMs - For so long silent nodes of a cluster are waited for. */
  ask(waitMs: number): Promise<ServersHealth> {
    this.asking ??= this.askNow(waitMs).finally(() => (this.asking = undefined));
    return this.asking;
  }

  /** Why an answer did not come, where its error says only that the connection ended. @param ms - As `reasonFor` takes it. */
  reasonFor(error: unknown, ms: number): unknown {
    return this.state.reasonFor(error, ms);
  }

  close(): void {
    // An ended client would only start a timer.
    if (this.#client.status !== 'end') this.#client.disconnect();
    this.target.watch?.release(this.#client);
    this.state.release();
  }

  private async askNow(waitMs: number): Promise<ServersHealth> {
    const health = await this.answer(waitMs);
    if (this.target.failsOver || !isReadOnly(health)) return health;
    await this.reconnect();
    const again = await this.answer(waitMs);
    return { ...again, moved: !isReadOnly(again) };
  }

  private async answer(waitMs: number): Promise<ServersHealth> {
    const client = this.#client;
    if (client.status === 'wait' || client.status === 'end') {
      await client.connect().catch((error: unknown) => {
        throw this.state.lastError ?? error;
      });
    } else {
      await this.state.readyNow();
    }
    if (isClusterClient(client)) return clusterHealth(client, waitMs);
    return { servers: [await serverHealth(client)], silent: 0 };
  }

  /** The client says that it is ready until its socket is closed. */
  private async reconnect(): Promise<void> {
    const client: NodeJS.EventEmitter = this.#client;
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    this.#client.disconnect(true);
    await closed;
  }
}
