import type { ModelRecord } from '../../model/model-record.js';
import type { RedisKeys } from './redis-keys.js';
import type { RedisModels } from './redis-models.js';
import type { Limit, RedisSteps } from './redis-steps.js';
import { Turns } from './turns.js';

/** Gives the objects of split models their places in the order; those of others get theirs from the scripts. */
export class RedisPlaces {
  /** Settles when the writes that were asked for before have their places. */
  private readonly beginning = new Map<string, Promise<void>>();
  private readonly turns = new Map<string, Turns>();

  constructor(
    private readonly keys: RedisKeys,
    private readonly steps: RedisSteps,
    private readonly models: RedisModels,
  ) {}

  /**
   * Of two calls with equal objects, one must not be the first in one shard and the other in the next: the order would be
   * that of neither. What has a deadline does not wait for calls that may take longer.
   */
  inTurn<T>(
    model: string,
    records: readonly ModelRecord[],
    { deadline }: Limit,
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
  async begin(model: string, count: number, limit: Limit): Promise<number | undefined> {
    if (this.keys.shards === 1) {
      await this.models.nameFirst(model, limit);
      return undefined;
    }
    // One write after the other, whose places then are in the order of the calls whatever delays one of them.
    const before = this.beginning.get(model);
    const begun = (before ?? Promise.resolve()).then(async () => {
      await this.models.nameFirst(model, limit);
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
  async reserve(model: string, count: number, limit: Limit = {}): Promise<number> {
    const places = this.keys.places(model);
    // Sent twice it leaves a gap, which is no harm.
    return (await this.steps.writeAbout(places, (client) => client.incrby(places, count), limit)) - count + 1;
  }
}
