import { ObjectStoreException } from '../../../errors.js';
import { WRITE_CHUNK } from './chunks.js';
import { layoutFailure } from '../connection/reply-errors.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { ScriptedRedis } from '../scripts/scripts.js';
import type { OperationLimits, CommandExecutor } from '../commands/command-executor.js';

/** The models of a store, each as a whole: the server's list of them, their layout, and how many objects they have. */
export class ModelIndex {
  /** Models that the server has been told of -> how often the connection had broken then: another server may not know. */
  private readonly registered = new Map<string, number>();

  constructor(
    private readonly keys: RedisKeys,
    private readonly steps: CommandExecutor,
  ) {}

  async list(): Promise<string[]> {
    return this.steps.read((client) => client.smembers(this.keys.models));
  }

  async count(model: string): Promise<number> {
    const parts = this.keys.of(model);
    const counts = await this.steps.read((client) => Promise.all(parts.map(({ index }) => client.zcard(index))));
    for (const [at, keys] of parts.entries()) if (counts[at] === 0) await this.checkEmpty(model, keys);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** @throws ObjectStoreException when it only looks as if there were none. */
  async checkEmpty(model: string, keys: ModelKeys): Promise<void> {
    const lost = await this.steps.read((client) => client.diffsyncIsIndexLost(keys.index, keys.state));
    if (lost === 1) throw this.lost(model, keys);
  }

  lost(model: string, { index }: ModelKeys): ObjectStoreException {
    return new ObjectStoreException(
      `${this.steps.store} is damaged: the order of its model "${model}" at the key "${index}" is lost, and with it ` +
        `which objects there are. verify() with repair makes a new one of those that are left`,
      { code: 'STORE_CORRUPT' },
    );
  }

  /** @throws ObjectStoreException for models that are kept otherwise than these options say. */
  async checkLayout(models?: readonly string[]): Promise<void> {
    for (const model of models ?? (await this.list())) {
      const found = await this.steps.read((client) => client.hget(this.keys.layoutOf(model), 'format'));
      if (found === null || found === this.keys.layout) continue;
      const { code, text } = layoutFailure(found);
      const { store, connection } = this.steps;
      throw new ObjectStoreException(`${store} at ${connection.address}: model "${model}": ${text}`, { code });
    }
  }

  /** Before the first write, so that no crash leaves a model that has objects and no name. */
  async registerModel(model: string, limit: OperationLimits): Promise<void> {
    if (!this.registered.has(model)) await this.register(model, limit);
  }

  /**
   * After a write: another process may have found the model empty meanwhile, and taken its name away.
   * @param created whether it put the first object into its keys.
   */
  async ensureRegistered(model: string, created: boolean, limit: OperationLimits): Promise<void> {
    if (!created && this.registered.get(model) === this.steps.connection.epoch) return;
    try {
      await this.register(model, limit);
    } catch (error) {
      throw new ObjectStoreException(
        `${this.steps.store}: objects of ${model} are stored, but the store's list of models may not name it: ${String(error)}`,
        { code: 'STORE_OUTCOME_UNKNOWN', cause: error },
      );
    }
  }

  async register(model: string, limit: OperationLimits = {}): Promise<void> {
    const { models, layout, shards, ttl } = this.keys;
    const layoutKey = this.keys.layoutOf(model);
    const { epoch } = this.steps.connection;
    const name = async (client: ScriptedRedis): Promise<void> => {
      const found =
        shards === 1
          ? [client.sadd(models, model)]
          : [client.sadd(models, model), client.hsetnx(layoutKey, 'format', layout), client.hget(layoutKey, 'format')];
      if (ttl !== undefined) found.push(client.pexpire(models, 2 * ttl));
      await Promise.all(found);
    };
    await this.steps.writeMetadata(models, name, limit);
    if (shards > 1) await this.checkLayout([model]);
    this.registered.set(model, epoch);
  }

  /** Removes all objects of a model, and then its name. */
  async clear(model: string): Promise<void> {
    const { steps } = this;
    const parts = this.keys.of(model);
    for (const keys of parts) await this.clearPart(keys);
    const { models, shards } = this.keys;
    await steps.writeMetadata(models, (client, limit) => client.diffsyncUnregisterModel(models, model, limit));
    if (shards > 1) {
      const places = this.keys.places(model);
      const layout = this.keys.layoutOf(model);
      await steps.writeMetadata(places, (client, limit) => client.diffsyncDropSequence(2, places, layout, limit));
    }
    await steps.writeMetadata(models, async (client) => {
      // What others added meanwhile is not hidden: they name their model again only when it was empty.
      const counts = await Promise.all(parts.map(({ index }) => client.zcard(index)));
      if (counts.some((count) => count > 0)) await client.sadd(models, model);
    });
    this.registered.delete(model);
  }

  /** What the server was told by a connection that is gone is to be told again. */
  forget(): void {
    this.registered.clear();
  }

  private async clearPart({ index, state, prefix }: ModelKeys): Promise<void> {
    const clearSome = (client: ScriptedRedis, limit: string): Promise<number> =>
      client.diffsyncClear(index, state, prefix, WRITE_CHUNK, limit);
    while ((await this.steps.write(index, clearSome)) > 0);
  }
}
