import pMap from 'p-map';
import { DiffSyncError, ObjectStoreException } from '../../errors.js';
import type { StoreReport } from '../verify-report.js';
import { findStores, objectsOf, scanKeys, type FoundModels } from './admin/store-scan.js';
import { CommandExecutor } from './commands/command-executor.js';
import { RedisConnection } from './connection/connection.js';
import { formatMismatch, isNewerFormat, parseFormat } from './layout/format.js';
import {
  keysOfName,
  leaseKey,
  modelsKey,
  objectPatterns,
  parseObjectKey,
  RedisKeys,
  sequenceKey,
  type ModelKeys,
} from './layout/keys.js';
import { ModelIndex } from './records/model-index.js';
import { ANY_LAYOUT, clearModel, clearObjects } from './records/clear-model.js';
import { checkRedisOptions } from './check-redis-options.js';
import type { AnyRedisOptions } from './redis-options.js';
import type { ScriptedRedis } from './scripts/scripts.js';
import { RedisStore } from './redis.store.js';

export interface ModelEntry {
  readonly name: string;
  /** Whether the model is registered in its store. The store does not find the keys of a model that is not. */
  readonly named: boolean;
  readonly objects: number;
  /** Bytes of memory on the server, for all shards: an estimate by a sample of the objects. */
  readonly bytes: number;
  /** The layout that the state of the model names. */
  readonly format: string | undefined;
  /** Milliseconds since 1970, by the server's clock. */
  readonly changed: number | undefined;
}

export interface StoreEntry {
  readonly id: string;
  /** By name; never empty. */
  readonly models: readonly ModelEntry[];
}

/** Objects of each index whose memory is measured. */
const SAMPLE_SIZE = 100;
/** Stores, and shards of a model, that are measured at a time. */
const MEASURED_AT_ONCE = 8;
/** The `ttl` of a store that expires and whose index is gone. */
const MIN_TTL_MS = 1000;
/** Begins the message of an error that is not about one store. */
const OWNER = 'RedisStore';

/** All stores of a database of a server, or of a cluster, with whatever options they were made. */
export class RedisCatalog {
  private constructor(private readonly connection: RedisConnection) {}

  /**
   * Connects to the server.
   * @throws {ValueError} (VALUE_ERROR) for wrong options.
   * @throws {ObjectStoreException} (STORE_UNAVAILABLE, or the code of the reason) when the server cannot be reached;
   *   (STORE_WRONG_TOPOLOGY) for one node of a cluster, which has only a part.
   */
  static async open(options: AnyRedisOptions): Promise<RedisCatalog> {
    checkRedisOptions(options);
    const catalog = new RedisCatalog(new RedisConnection(options));
    await catalog.connection.acquire(OWNER);
    return catalog;
  }

  /** Where the server is, without secrets. */
  get address(): string {
    return this.connection.address;
  }

  /** Measures stores. @param only - Store ids; by default all. @returns by store id. */
  async list(only?: ReadonlySet<string>): Promise<StoreEntry[]> {
    const found = [...(await findStores(this.connection, OWNER))].filter(([id]) => only?.has(id) ?? true);
    const entries = await pMap(found, ([id, models]) => this.entry(id, models), { concurrency: MEASURED_AT_ONCE });
    // A store that expired or was removed meanwhile has no model left.
    return entries.filter(({ models }) => models.length > 0).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** @returns the ids of all stores. */
  async ids(): Promise<ReadonlySet<string>> {
    return new Set((await findStores(this.connection, OWNER)).keys());
  }

  /** Verifies a store as `BaseStore#verify` does, with the options that its keys name. */
  async verify(id: string, options: { readonly repair: boolean }): Promise<StoreReport> {
    const store = RedisStore.onConnection({ storeId: id, ...(await this.layoutOf(id)) }, this.connection);
    await store.open();
    try {
      return await store.verify(options);
    } finally {
      await store.close();
    }
  }

  /**
   * Raises all models of a store to the format in which their changes are logged; versions that do not know it are refused then.
   * @throws {DiffSyncError} (DIFFSYNC_ERROR) for a store that expires, of which no log is kept.
   * @throws {ObjectStoreException} (STORE_NEWER_FORMAT) for a store that a newer version wrote.
   */
  async upgrade(id: string): Promise<void> {
    const layout = await this.layoutOf(id);
    if (layout.ttl !== undefined) {
      throw new DiffSyncError(`${owner(id)} at ${this.address}: expires by itself, and keeps no log of changes`);
    }
    const found = (await findStores(this.connection, OWNER)).get(id)?.keys() ?? [];
    const names = [...new Set([...(await this.registered(id)), ...found])];
    const keys = new RedisKeys(id, { ...layout, ttl: undefined, cluster: this.connection.isCluster, changeLog: true });
    const models = new ModelIndex(keys, new CommandExecutor(owner(id), this.connection, keys), undefined);
    await models.checkLayout(names);
    await models.logChangesOf(names);
  }

  /**
   * Removes all that a store has, in chunks, also what was added since it was listed. What is left after a failure is still
   * listed.
   * @returns the number of objects that were removed.
   * @throws {ObjectStoreException} (STORE_NEWER_FORMAT), before it removes anything, for a store that a newer version wrote,
   *   which may have keys that this version does not know.
   */
  async remove(id: string): Promise<number> {
    const found: FoundModels = (await findStores(this.connection, OWNER)).get(id) ?? new Map();
    await this.checkFormats(id, found);
    const keys = this.keysOf(id);
    const commands = this.commands(id);
    let removed = 0;
    for (const name of new Set([...(await this.registered(id)), ...found.keys()])) {
      const parts = [...(found.get(name) ?? [])];
      const shards = parts.map(keysOfName);
      const others = parts.map((part) => [sequenceKey(part)]);
      const scan = (shard: ModelKeys): AsyncGenerator<Buffer[]> => objectsOf(this.connection, owner(id), shard);
      removed += await clearModel(
        commands,
        keys,
        { name, models: modelsKey(id), shards, others, layout: ANY_LAYOUT },
        scan,
      );
    }
    await commands.writeMetadata(leaseKey(id), (client) => client.unlink(leaseKey(id)));
    return removed + (await this.removeUnindexed(id, commands));
  }

  async close(): Promise<void> {
    await this.connection.release();
  }

  private async entry(id: string, found: FoundModels): Promise<StoreEntry> {
    const registered = new Set(await this.registered(id));
    const models: ModelEntry[] = [];
    for (const name of [...new Set([...registered, ...found.keys()])].toSorted()) {
      const parts = await pMap(found.get(name) ?? [], (part) => this.measure(id, part), {
        concurrency: MEASURED_AT_ONCE,
      });
      const changes = parts.flatMap(({ changed }) => changed ?? []);
      models.push({
        name,
        named: registered.has(name),
        objects: parts.reduce((sum, { objects }) => sum + objects, 0),
        bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
        format: parts.find(({ format }) => format !== undefined)?.format,
        changed: changes.length === 0 ? undefined : changes.reduce((last, each) => Math.max(last, each)),
      });
    }
    return { id, models };
  }

  private measure(id: string, part: string): Promise<Omit<ModelEntry, 'name' | 'named'>> {
    const { index, state, log, prefix } = keysOfName(part);
    return this.commands(id).read(async (client) => {
      const [objects, [format, changed], sample, own] = await Promise.all([
        client.zcard(index),
        client.hmget(state, 'format', 'changed'),
        client.zrandmember(index, SAMPLE_SIZE),
        memoryOf(client, [index, state, log, sequenceKey(part)]),
      ]);
      const sampleKeys = sample.map((uid) => prefix + uid);
      const sampled = await memoryOf(client, sampleKeys);
      return {
        objects,
        bytes: own + Math.round((sampled / Math.max(sample.length, 1)) * objects),
        format: format ?? undefined,
        changed: /^\d{1,15}$/.test(changed ?? '') ? Number(changed) : undefined,
      };
    });
  }

  /** The options that a store must be opened with. What is left of a `ttl` suffices for a verification, and shortens no life. */
  private async layoutOf(id: string): Promise<{ shards: number; ttl?: number }> {
    const commands = this.commands(id);
    let text = '';
    let left = 0;
    for (const parts of (await findStores(this.connection, OWNER)).get(id)?.values() ?? []) {
      for (const { index, state } of [...parts].map(keysOfName)) {
        // A verification reports a key of another type.
        if ((await commands.read((client) => client.type(state))) === 'hash') {
          text = (await commands.read((client) => client.hget(state, 'format'))) ?? text;
        }
        left = Math.max(left, await commands.read((client) => client.pttl(index)));
      }
    }
    const { shards, expires } = parseFormat(text);
    return left > 0 || expires ? { shards, ttl: Math.max(left, MIN_TTL_MS) } : { shards };
  }

  private async checkFormats(id: string, found: FoundModels): Promise<void> {
    for (const [model, parts] of found) {
      for (const { state } of [...parts].map(keysOfName)) {
        const format = await this.commands(id).read((client) => client.hget(state, 'format'));
        if (format === null || !isNewerFormat(format)) continue;
        const { code, text } = formatMismatch(format, model);
        throw new ObjectStoreException(`${owner(id)} at ${this.address}: ${text}`, { code });
      }
    }
  }

  private registered(id: string): Promise<string[]> {
    return this.commands(id).read((client) => client.smembers(modelsKey(id)));
  }

  /** Removes the objects that no index lists. @returns how many there were. */
  private async removeUnindexed(id: string, commands: CommandExecutor): Promise<number> {
    let removed = 0;
    for (const pattern of objectPatterns(id)) {
      for await (const batch of scanKeys(this.connection, owner(id), pattern)) {
        for (const [name, uids] of uidsByName(batch)) {
          removed += await clearObjects(commands, this.keysOf(id), keysOfName(name), uids, ANY_LAYOUT);
        }
      }
    }
    return removed;
  }

  private keysOf(id: string): RedisKeys {
    return new RedisKeys(id, { cluster: this.connection.isCluster, shards: 1, ttl: undefined, changeLog: false });
  }

  private commands(id = ''): CommandExecutor {
    return new CommandExecutor(owner(id === '' ? undefined : id), this.connection, this.keysOf(id));
  }
}

/** Groups keys of objects by what names their model or shard. */
function uidsByName(keys: readonly Buffer[]): ReadonlyMap<string, Buffer[]> {
  const groups = new Map<string, Buffer[]>();
  for (const key of keys) {
    const { name, uid } = parseObjectKey(key) ?? {};
    if (name === undefined || uid === undefined) continue;
    const uids = groups.get(name) ?? [];
    groups.set(name, uids);
    uids.push(uid);
  }
  return groups;
}

async function memoryOf(client: ScriptedRedis, keys: readonly string[]): Promise<number> {
  const usages = await Promise.all(keys.map((key) => client.memory('USAGE', key)));
  return usages.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
}

function owner(id: string | undefined): string {
  return id === undefined ? OWNER : `${OWNER} (${id})`;
}
