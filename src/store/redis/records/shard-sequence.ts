import type { ModelRecord } from '../../../record/model-record.js';
import type { RedisKeys } from '../layout/keys.js';
import type { ModelIndex } from './model-index.js';
import type { ScriptedRedis } from '../scripts/scripts.js';
import type { OperationLimits, CommandExecutor } from '../commands/command-executor.js';
import { KeyedQueue } from '../../../async/keyed-queue.js';
import { SerialQueue } from '../../../async/serial-queue.js';

/** What keeps the writes of one split model in order. */
interface ModelOrder {
  /** Gives sequence numbers in the order of the calls, whatever delays one of them. */
  readonly numbers: SerialQueue;
  /** Writes of one unique id, one after another. */
  readonly writes: KeyedQueue;
}

/**
 * Gives the objects of split models their sequence numbers, which are their scores in all shards. The objects of a model
 * that is not split get their scores from the scripts.
 */
export class ShardSequence {
  private readonly orders = new Map<string, ModelOrder>();

  constructor(
    private readonly keys: RedisKeys,
    private readonly commands: CommandExecutor,
    private readonly models: ModelIndex,
  ) {}

  /**
   * Reserves sequence numbers for records, and then writes them. Concurrent writes of the same unique ids are serialized, so
   * that one order of insertion wins in all shards. A write with a deadline does not wait for them: they may take longer.
   * @param write - Is called with the sequence number of the first record.
   */
  async inOrder<T>(
    model: string,
    records: readonly ModelRecord[],
    limits: OperationLimits,
    write: (firstScore: number) => Promise<T>,
  ): Promise<T> {
    const { numbers, writes } = this.orderOf(model);
    const reserve = (): Promise<number> =>
      numbers.run(async () => {
        await this.models.registerModel(model, limits);
        return this.reserve(model, records.length, limits);
      });
    if (limits.deadline !== undefined) return write(await reserve());
    const uids = records.map(({ uid }) => uid);
    return writes.run(uids, async (earlier) => {
      const firstScore = await reserve();
      await earlier;
      return write(firstScore);
    });
  }

  /** @returns the first of so many new sequence numbers. */
  async reserve(model: string, count: number, limits: OperationLimits = {}): Promise<number> {
    const counter = this.keys.sequence(model);
    const { ttl } = this.keys;
    const send = async (client: ScriptedRedis): Promise<number> => {
      const last = client.incrby(counter, count);
      // The renewals of the store put it off.
      const expiring = ttl === undefined ? undefined : client.pexpire(counter, 2 * ttl, 'NX');
      return (await Promise.all([last, expiring]))[0];
    };
    // A command that is sent twice leaves a gap, which does no harm.
    return (await this.commands.writeMetadata(counter, send, limits)) - count + 1;
  }

  private orderOf(model: string): ModelOrder {
    let order = this.orders.get(model);
    if (order === undefined) this.orders.set(model, (order = { numbers: new SerialQueue(), writes: new KeyedQueue() }));
    return order;
  }
}
