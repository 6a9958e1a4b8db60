import pMap from 'p-map';
import { ObjectStoreException } from '../../../errors.js';
import { slices } from './chunks.js';
import { clearModel, type ScanObjects } from './clear-model.js';
import { formatMismatch, isSameLayout, logsChanges } from '../layout/format.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { ScriptedRedis } from '../scripts/scripts.js';
import type { OperationLimits, CommandExecutor, WriteLimits } from '../commands/command-executor.js';
import type { TtlRefresher } from '../commands/ttl-refresher.js';

/** Models, or shards of them, that are counted in one call. */
const COUNT_CHUNK = 500;
/** What the scripts return in the place of a count, for an index that is not there and should be. */
const LOST = -1;
const EXPIRED = -2;
/** Of a cluster, where each has its own call. */
const COUNTS_IN_FLIGHT = 50;

/** The models of a store, each as a whole: which of them are registered, their layout, and how many objects they have. */
export class ModelIndex {
  /** Models that this process has registered -> the epoch of the connection then: another server may not know them. */
  private readonly registered = new Map<string, number>();

  constructor(
    private readonly keys: RedisKeys,
    private readonly commands: CommandExecutor,
    private readonly ttlRefresher: TtlRefresher | undefined,
  ) {}

  async list(): Promise<string[]> {
    return this.commands.read((client) => client.smembers(this.keys.models));
  }

  async count(model: string): Promise<number> {
    const [keys, ...otherShards] = this.keys.of(model);
    if (keys === undefined || otherShards.length > 0) return (await this.countAll([model]))[0] ?? 0;
    return this.countPart(model, keys);
  }

  /**
   * Counts the objects of models: in few calls where their keys need not lie in one slot.
   * @returns by position.
   * @throws {ObjectStoreException} (STORE_CORRUPT) when the index of one is lost; (STORE_EXPIRED) for one that expired while it was
   *   used; (STORE_NEWER_FORMAT, STORE_OTHER_LAYOUT) for one in another layout than the store's.
   */
  async countAll(models: readonly string[]): Promise<number[]> {
    const parts = models.flatMap((model, at) => this.keys.of(model).map((keys) => ({ model, at, keys })));
    const { isCluster } = this.commands.connection;
    const totals = models.map(() => 0);
    const countSome = async (some: readonly (typeof parts)[number][]): Promise<void> => {
      const keys = some.flatMap(({ keys: { index, state } }) => [index, state]);
      const counts = await this.commands.read((client) => client.diffsyncCount(keys.length, keys, this.keys.format));
      for (const [number, { model, at, keys: part }] of some.entries()) {
        const count = counts[number] ?? 0;
        this.checkExtent(model, part, count);
        totals[at] = (totals[at] ?? 0) + Math.max(count, 0);
      }
    };
    const size = isCluster ? 1 : COUNT_CHUNK;
    const counting = pMap(slices(parts, size), countSome, { concurrency: isCluster ? COUNTS_IN_FLIGHT : 1 });
    await Promise.all([counting, this.checkSplit(models)]);
    return totals;
  }

  /**
   * Notes that a model has objects, or finds out why its index is not there.
   * @param count - Of objects, as `count.lua` and `extent-2.lua` return it.
   * @throws {ObjectStoreException} as `countAll`.
   */
  checkExtent(model: string, keys: Pick<ModelKeys, 'index'>, count: number): void {
    if (count > 0) this.saw(model);
    if (count === LOST) throw this.lost(model, keys);
    const why = count === EXPIRED ? this.whyGone(model) : undefined;
    if (why !== undefined) throw why;
  }

  /** Notes that a model has objects: one that has a `ttl` must not expire while the store is used. */
  saw(model: string): void {
    this.ttlRefresher?.saw(model);
  }

  /** @returns why the objects of an expired model are not there; undefined when it expired unused, and so is empty. */
  whyGone(model: string): ObjectStoreException | undefined {
    if (this.ttlRefresher?.mustLive(model) !== true) return undefined;
    return new ObjectStoreException(
      `${this.commands.store} at ${this.commands.connection.address}: the objects of its model "${model}" expired while they ` +
        `were used: its ttl of ${this.keys.ttl} ms could not be renewed in time. Load them again, or give a longer ttl`,
      { code: 'STORE_EXPIRED' },
    );
  }

  /**
   * Is called by a scan that has begun with objects, and finds none.
   * @throws {ObjectStoreException} (STORE_CORRUPT, STORE_EXPIRED) when the index is lost or has expired.
   */
  async checkEmpty(model: string, keys: ModelKeys): Promise<void> {
    await Promise.all([this.countPart(model, keys), this.checkSplit([model])]);
  }

  /** Counts the objects of one model that is not split, or of one of its shards. @throws {ObjectStoreException} as `countAll`. */
  private async countPart(model: string, { index, state }: ModelKeys): Promise<number> {
    const { format } = this.keys;
    // Two plain commands take less than a script. What they say of a model without objects may be of two moments.
    const [found, size] = await this.commands.read((client) =>
      Promise.all([client.hget(state, 'format'), client.zcard(index)]),
    );
    if (size > 0 && (found === null || isSameLayout(found, format))) {
      this.saw(model);
      return size;
    }
    const [count = 0] = await this.commands.read((client) => client.diffsyncCount(2, [index, state], format));
    this.checkExtent(model, { index }, count);
    return Math.max(count, 0);
  }

  lost(model: string, { index }: Pick<ModelKeys, 'index'>): ObjectStoreException {
    return new ObjectStoreException(
      `${this.commands.store} is damaged: the order of its model "${model}" at the key "${index}" is lost, and with it ` +
        `which objects there are. verify() with repair makes a new one of those that are left`,
      { code: 'STORE_CORRUPT' },
    );
  }

  /**
   * @param models - Default: all that are registered.
   * @returns those whose changes are not logged.
   * @throws {ObjectStoreException} (STORE_NEWER_FORMAT, STORE_OTHER_LAYOUT) for a model in another layout than the store's.
   */
  async checkLayout(models?: readonly string[]): Promise<string[]> {
    const all = models ?? (await this.list());
    const formatOf = (model: string): Promise<string | null> =>
      this.commands.read((client) => client.hget(this.keys.formatKey(model), 'format'));
    const formats = await pMap(all, formatOf, { concurrency: COUNTS_IN_FLIGHT });
    for (const [at, model] of all.entries()) {
      const found = formats[at];
      if (found === null || found === undefined || isSameLayout(found, this.keys.format)) continue;
      const { code, text } = formatMismatch(found, model);
      const { store, connection } = this.commands;
      throw new ObjectStoreException(`${store} at ${connection.address}: ${text}`, { code });
    }
    return all.filter((_, at) => !logsChanges(formats[at] ?? ''));
  }

  /** Has the changes of models be logged from now on, by every process. */
  async logChangesOf(models: readonly string[]): Promise<void> {
    const { keys } = this;
    for (const model of models) {
      // The shards first: once the whole says so, it holds for each of them.
      const parts = keys.shards === 1 ? keys.of(model) : [...keys.of(model), keys.whole(model)];
      for (const part of parts) await this.beginLog(part);
    }
  }

  /** @param limits - Where given, the log knows nothing any more of what was written before. */
  async beginLog({ index, state, log }: ModelKeys, limits?: WriteLimits): Promise<void> {
    const anew = limits === undefined ? '' : '1';
    await this.commands.executeIdempotent(
      state,
      limits ?? { lease: undefined },
      (client, id, sequence, deadline, format) =>
        client.diffsyncBeginLog([3, index, state, log], id, sequence, deadline, format, anew),
    );
  }

  /**
   * Checks the layout of split models: that of each as a whole, because a shard without objects names none. The scripts check
   * the layout of every shard, and of a model that is not split.
   * @returns as `checkLayout`; none where models are not split.
   */
  async checkSplit(models: readonly string[]): Promise<string[]> {
    return this.keys.shards > 1 ? this.checkLayout(models) : [];
  }

  /** Registers a model before its first write, so that no crash leaves objects of a model that is not registered. */
  async registerModel(model: string, limits: OperationLimits): Promise<void> {
    if (!this.registered.has(model)) await this.register(model, limits);
  }

  /**
   * Registers a model again after a write, because another process may have found it empty meanwhile and unregistered it.
   * @param created - Whether the write put the first object into its keys.
   */
  async ensureRegistered(model: string, created: boolean, { deadline }: OperationLimits): Promise<void> {
    this.saw(model);
    if (!created && this.registered.get(model) === this.commands.connection.epoch) return;
    try {
      // The objects are stored: no signal ends it.
      await this.register(model, deadline === undefined ? {} : { deadline });
    } catch (error) {
      throw new ObjectStoreException(
        `${this.commands.store}: objects of ${model} are stored, but the store's list of models may not name it: ${String(error)}`,
        { code: 'STORE_OUTCOME_UNKNOWN', cause: error },
      );
    }
  }

  async register(model: string, limits: OperationLimits = {}): Promise<void> {
    const { models, format, shards, ttl } = this.keys;
    // The names of all models expire together: not those of a store that lasts.
    if (ttl !== undefined) await this.checkLayout();
    const formatKey = this.keys.formatKey(model);
    const { epoch } = this.commands.connection;
    let [expires, created] = [false, false];
    const send = async (client: ScriptedRedis): Promise<void> => {
      const named = shards > 1 ? client.hsetnx(formatKey, 'format', format) : undefined;
      const sent: Promise<unknown>[] = [client.pexpiretime(models), client.sadd(models, model)];
      if (ttl !== undefined) {
        for (const key of shards > 1 ? [models, formatKey] : [models]) {
          sent.push(client.pexpire(key, 2 * ttl, 'NX'), client.pexpire(key, 2 * ttl, 'GT'));
        }
      }
      const [expiry] = await Promise.all(sent);
      expires = Number(expiry) > 0;
      if ((await named) === 1) created = true;
    };
    await this.commands.writeMetadata(models, send, limits);
    if (ttl === undefined && expires) {
      await this.checkLayout();
      await this.commands.writeMetadata(models, (client) => client.persist(models), limits);
    }
    const plain = await this.checkSplit([model]);
    // A writer that keeps no logs finds none in a shard that has no format yet.
    if (shards > 1 && this.keys.logsChanges) await this.logChangesOf(created ? [model] : plain);
    this.registered.set(model, epoch);
  }

  /**
   * Removes all objects of a model, and unregisters it.
   * @param scan - Scans the keys of the store, for a model whose index does not tell its objects.
   */
  async clear(model: string, scan: ScanObjects, limits: OperationLimits): Promise<void> {
    const { keys } = this;
    await this.checkSplit([model]);
    const others = keys.shards === 1 ? [] : [[keys.sequence(model), keys.formatKey(model)]];
    const cleared = { name: model, models: keys.models, shards: keys.of(model), others, layout: keys.format };
    await clearModel(this.commands, keys, cleared, scan, limits);
    this.registered.delete(model);
  }

  /** Forgets what is registered, because the store is closed: the next connection may be one to another server. */
  forget(): void {
    this.registered.clear();
  }
}
