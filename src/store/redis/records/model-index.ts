import { ObjectStoreException } from '../../../errors.js';
import { clearModel } from './clear-model.js';
import { formatMismatch } from '../layout/format.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { ScriptedRedis } from '../scripts/scripts.js';
import type { OperationLimits, CommandExecutor } from '../commands/command-executor.js';

/** The models of a store, each as a whole: which of them are registered, their layout, and how many objects they have. */
export class ModelIndex {
  /** Models that this process has registered -> the epoch of the connection then: another server may not know them. */
  private readonly registered = new Map<string, number>();

  constructor(
    private readonly keys: RedisKeys,
    private readonly commands: CommandExecutor,
  ) {}

  async list(): Promise<string[]> {
    return this.commands.read((client) => client.smembers(this.keys.models));
  }

  async count(model: string): Promise<number> {
    const shards = this.keys.of(model);
    const counts = await this.commands.read((client) => Promise.all(shards.map(({ index }) => client.zcard(index))));
    for (const [at, keys] of shards.entries()) if (counts[at] === 0) await this.checkEmpty(model, keys);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** @throws {ObjectStoreException} (STORE_CORRUPT) when an index looks empty because it is lost. */
  async checkEmpty(model: string, keys: ModelKeys): Promise<void> {
    const lost = await this.commands.read((client) => client.diffsyncIsIndexLost(keys.index, keys.state));
    if (lost === 1) throw this.lost(model, keys);
  }

  lost(model: string, { index }: ModelKeys): ObjectStoreException {
    return new ObjectStoreException(
      `${this.commands.store} is damaged: the order of its model "${model}" at the key "${index}" is lost, and with it ` +
        `which objects there are. verify() with repair makes a new one of those that are left`,
      { code: 'STORE_CORRUPT' },
    );
  }

  /**
   * @param models - Default: all that are registered.
   * @throws {ObjectStoreException} (STORE_NEWER_FORMAT, STORE_OTHER_LAYOUT) for a model in another layout than the store's.
   */
  async checkLayout(models?: readonly string[]): Promise<void> {
    for (const model of models ?? (await this.list())) {
      const found = await this.commands.read((client) => client.hget(this.keys.formatKey(model), 'format'));
      if (found === null || found === this.keys.format) continue;
      const { code, text } = formatMismatch(found);
      const { store, connection } = this.commands;
      throw new ObjectStoreException(`${store} at ${connection.address}: model "${model}": ${text}`, { code });
    }
  }

  /** Registers a model before its first write, so that no crash leaves objects of a model that is not registered. */
  async registerModel(model: string, limits: OperationLimits): Promise<void> {
    if (!this.registered.has(model)) await this.register(model, limits);
  }

  /**
   * Registers a model again after a write, because another process may have found it empty meanwhile and unregistered it.
   * @param created - Whether the write put the first object into its keys.
   */
  async ensureRegistered(model: string, created: boolean, limits: OperationLimits): Promise<void> {
    if (!created && this.registered.get(model) === this.commands.connection.epoch) return;
    try {
      await this.register(model, limits);
    } catch (error) {
      throw new ObjectStoreException(
        `${this.commands.store}: objects of ${model} are stored, but the store's list of models may not name it: ${String(error)}`,
        { code: 'STORE_OUTCOME_UNKNOWN', cause: error },
      );
    }
  }

  async register(model: string, limits: OperationLimits = {}): Promise<void> {
    const { models, format, shards, ttl } = this.keys;
    const formatKey = this.keys.formatKey(model);
    const { epoch } = this.commands.connection;
    const send = async (client: ScriptedRedis): Promise<void> => {
      const sent =
        shards === 1
          ? [client.sadd(models, model)]
          : [client.sadd(models, model), client.hsetnx(formatKey, 'format', format), client.hget(formatKey, 'format')];
      if (ttl !== undefined) sent.push(client.pexpire(models, 2 * ttl));
      await Promise.all(sent);
    };
    await this.commands.writeMetadata(models, send, limits);
    if (shards > 1) await this.checkLayout([model]);
    this.registered.set(model, epoch);
  }

  /** Removes all objects of a model, and unregisters it. */
  async clear(model: string): Promise<void> {
    const { keys } = this;
    const others = keys.shards === 1 ? [] : [[keys.sequence(model), keys.formatKey(model)]];
    await clearModel(this.commands, { name: model, models: keys.models, shards: keys.of(model), others });
    this.registered.delete(model);
  }

  /** Forgets what is registered, because the store is closed: the next connection may be one to another server. */
  forget(): void {
    this.registered.clear();
  }
}
