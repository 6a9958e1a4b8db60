import type { ModelRecord } from '../../../record/model-record.js';
import type { RedisKeys } from '../layout/keys.js';
import type { ModelIndex } from './model-index.js';
import type { OperationLimits, CommandExecutor } from '../commands/command-executor.js';
import { Turns } from '../../../async/keyed-queue.js';

/** Gives the objects of split models their places in the order; those of others get theirs from the scripts. */
export class ShardSequence {
  /** Settles when the writes that were asked for before have their places. */
  private readonly beginning = new Map<string, Promise<void>>();
  private readonly turns = new Map<string, Turns>();

  constructor(
    private readonly keys: RedisKeys,
    private readonly steps: CommandExecutor,
    private readonly models: ModelIndex,
  ) {}

  /**
   * Of two calls with equal objects, one must not be the first in one shard and the other in the next: the order would be
   * that of neither. What has a deadline does not wait for calls that may take longer.
   */
  inTurn<T>(
    model: string,
    records: readonly ModelRecord[],
    { deadline }: OperationLimits,
    work: (before?: Promise<unknown>) => Promise<T>,
  ): Promise<T> {
    if (this.keys.shards === 1 || deadline !== undefined) return work();
    const turns = this.turns.get(model) ?? new Turns();
    this.turns.set(model, turns);
    return turns.take(
      records.map(({ uid }) => uid),
      work,
    );
  }

  /** Before a write. @returns the place of the first record, where places are given and not found. */
  async begin(model: string, count: number, limit: OperationLimits): Promise<number | undefined> {
    if (this.keys.shards === 1) {
      await this.models.registerModel(model, limit);
      return undefined;
    }
    // One write after the other, whose places then are in the order of the calls whatever delays one of them.
    const before = this.beginning.get(model);
    const begun = (before ?? Promise.resolve()).then(async () => {
      await this.models.registerModel(model, limit);
      return this.reserve(model, count, limit);
    });
    const ended = begun.then(
      () => undefined,
      () => undefined,
    );
    this.beginning.set(model, ended);
    return begun;
  }

  /** @returns the first of so many new places. */
  async reserve(model: string, count: number, limit: OperationLimits = {}): Promise<number> {
    const places = this.keys.places(model);
    // Sent twice it leaves a gap, which is no harm.
    return (await this.steps.writeMetadata(places, (client) => client.incrby(places, count), limit)) - count + 1;
  }
}
