import pMap from 'p-map';
import { ObjectStoreException } from '../../errors.js';
import type { StoreReport } from '../verify-report.js';
import { WRITE_CHUNK } from './records/chunks.js';
import { RedisConnection } from './connection/connection.js';
import { layoutFailure } from './connection/reply-errors.js';
import { findStores, type FoundModels } from './admin/store-scan.js';
import { FORMAT_VERSION, type ModelKeys } from './layout/keys.js';
import { checkRedisOptions, type RedisStoreOptions } from './redis-options.js';
import type { ScriptedRedis } from './scripts/scripts.js';
import { RedisStore } from './redis.store.js';

export interface ModelEntry {
  readonly name: string;
  /** Whether the store's set of models names it. One that it does not name has keys that no store would find. */
  readonly named: boolean;
  readonly objects: number;
  /** Memory on the server, of all shards: an estimate by a sample of the objects. */
  readonly bytes: number;
  /** The layout that its state names. */
  readonly format: string | undefined;
  /** Milliseconds since 1970, by the server's clock. */
  readonly changed: number | undefined;
}

export interface StoreEntry {
  readonly id: string;
  /** By name; never empty. */
  readonly models: readonly ModelEntry[];
}

interface PartKeys extends ModelKeys {
  readonly places: string;
}

/** Objects whose memory is asked for, of each index. */
const SAMPLE = 100;
/** Stores, and shards of a model, that are measured at a time. */
const WINDOW = 8;
/** Of a store that expires and whose index is gone. */
const MIN_TTL_MS = 1000;
/** Begins the message of an error that is not about one store. */
const OWNER = 'RedisStore';

/** All the stores of a server's database or of a cluster, whoever made them and with whatever options. */
export class RedisCatalog {
  private constructor(private readonly connection: RedisConnection) {}

  /** @throws ValueError for wrong options; ObjectStoreException when the server cannot be reached, or has but a part. */
  static async open(options: RedisStoreOptions): Promise<RedisCatalog> {
    checkRedisOptions(options);
    const inventory = new RedisCatalog(new RedisConnection(options));
    await inventory.connection.acquire(OWNER);
    try {
      await inventory.checkMode();
    } catch (error) {
      await inventory.close();
      throw error;
    }
    return inventory;
  }

  /** Where the server is, without secrets. */
  get address(): string {
    return this.connection.address;
  }

  /** @param only ids of those that are wanted. @returns by id. */
  async list(only?: ReadonlySet<string>): Promise<StoreEntry[]> {
    const found = [...(await findStores(this.connection, OWNER))].filter(([id]) => only?.has(id) ?? true);
    const entries = await pMap(found, ([id, models]) => this.entry(id, models), { concurrency: WINDOW });
    // What expired or was removed meanwhile has no model left.
    return entries.filter(({ models }) => models.length > 0).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The ids of all stores. */
  async ids(): Promise<ReadonlySet<string>> {
    return new Set((await findStores(this.connection, OWNER)).keys());
  }

  /** As `BaseStore#verify`, with the options that the store's keys name. */
  async verify(id: string, options: { readonly repair: boolean }): Promise<StoreReport> {
    const store = new RedisStore({ storeId: id, ...(await this.layoutOf(id)) }, this.connection);
    await store.open();
    try {
      return await store.verify(options);
    } finally {
      await store.close();
    }
  }

  /**
   * Removes all that a store has, also what was added since it was listed, in chunks: what is left after a failure is still
   * listed. @returns how many objects.
   * @throws ObjectStoreException STORE_NEWER_FORMAT, before it removes anything, for one that may have keys unknown here.
   */
  async remove(id: string): Promise<number> {
    const found: FoundModels = (await findStores(this.connection, OWNER)).get(id) ?? new Map();
    await this.checkFormats(id, found);
    const names = namesKey(id);
    let removed = 0;
    for (const model of new Set([...(await this.namesOf(id)), ...found.keys()])) {
      const parts = [...(found.get(model) ?? [])].map(keysOf);
      for (const part of parts) removed += await this.clear(id, part);
      await this.write(id, names, async (client) => {
        await client.srem(names, model);
        // What others added meanwhile is not hidden: they name their model again only when it was empty.
        const counts = await Promise.all(parts.map(({ index }) => client.zcard(index)));
        if (counts.some((count) => count > 0)) await client.sadd(names, model);
      });
    }
    return removed;
  }

  async close(): Promise<void> {
    await this.connection.release();
  }

  private async entry(id: string, found: FoundModels): Promise<StoreEntry> {
    const named = new Set(await this.namesOf(id));
    const models: ModelEntry[] = [];
    for (const name of [...new Set([...named, ...found.keys()])].toSorted()) {
      const parts = await pMap(found.get(name) ?? [], (part) => this.measure(id, keysOf(part)), {
        concurrency: WINDOW,
      });
      const changes = parts.flatMap(({ changed }) => changed ?? []);
      models.push({
        name,
        named: named.has(name),
        objects: parts.reduce((sum, { objects }) => sum + objects, 0),
        bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
        format: parts.find(({ format }) => format !== undefined)?.format,
        changed: changes.length === 0 ? undefined : Math.max(...changes),
      });
    }
    return { id, models };
  }

  private measure(id: string, keys: PartKeys): Promise<Omit<ModelEntry, 'name' | 'named'>> {
    const { index, state, places, prefix } = keys;
    return this.read(id, async (client) => {
      const [objects, [format, changed], sample, own] = await Promise.all([
        client.zcard(index),
        client.hmget(state, 'format', 'changed'),
        client.zrandmember(index, SAMPLE),
        memoryOf(client, [index, state, places]),
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

  /** What a store must be opened with. What is left of a `ttl` is enough for a look at it, and shortens no object's life. */
  private async layoutOf(id: string): Promise<{ shards: number; ttl?: number }> {
    let format = '';
    let left = 0;
    for (const parts of (await findStores(this.connection, OWNER)).get(id)?.values() ?? []) {
      for (const { index, state } of [...parts].map(keysOf)) {
        // A key of another type is what a verification is for.
        if ((await this.read(id, (client) => client.type(state))) === 'hash') {
          format = (await this.read(id, (client) => client.hget(state, 'format'))) ?? format;
        }
        left = Math.max(left, await this.read(id, (client) => client.pttl(index)));
      }
    }
    const shards = Number(/, (\d+) shards/.exec(format)?.[1] ?? 1);
    return left > 0 || format.endsWith(', expires') ? { shards, ttl: Math.max(left, MIN_TTL_MS) } : { shards };
  }

  private async clear(id: string, { index, state, places, prefix }: PartKeys): Promise<number> {
    let removed = 0;
    for (let some = -1; some !== 0;) {
      some = await this.write(id, index, (client, limit) =>
        client.diffsyncClear(index, state, prefix, WRITE_CHUNK, limit),
      );
      removed += some;
    }
    await this.write(id, places, (client) => client.unlink(places));
    return removed;
  }

  private async checkFormats(id: string, found: FoundModels): Promise<void> {
    for (const [model, parts] of found) {
      for (const { state } of [...parts].map(keysOf)) {
        const format = (await this.read(id, (client) => client.hget(state, 'format'))) ?? `${FORMAT_VERSION}`;
        if (Number.parseInt(format, 10) <= FORMAT_VERSION) continue;
        const { code, text } = layoutFailure(format);
        throw new ObjectStoreException(`${owner(id)} at ${this.address}: model "${model}": ${text}`, { code });
      }
    }
  }

  /** One node of a cluster would show a part of the stores as if it were all. */
  private async checkMode(): Promise<void> {
    if (this.connection.isCluster) return;
    const about = await this.read(undefined, (client) => client.hello());
    const mode = about[about.indexOf('mode') + 1];
    if (mode !== 'cluster' && mode !== 'sentinel') return;
    const [what, way] = mode === 'cluster' ? ['a node of a cluster', 'cluster'] : ['a sentinel', 'sentinels'];
    throw new ObjectStoreException(`${OWNER} at ${this.address}: this is ${what}: connect by "${way}" instead`, {
      code: 'STORE_WRONG_TOPOLOGY',
    });
  }

  private namesOf(id: string): Promise<string[]> {
    return this.read(id, (client) => client.smembers(namesKey(id)));
  }

  private read<T>(id: string | undefined, send: (client: ScriptedRedis) => Promise<T>): Promise<T> {
    return this.connection.run({ store: owner(id), send });
  }

  private write<T>(id: string, key: string, send: (client: ScriptedRedis, limit: string) => Promise<T>): Promise<T> {
    return this.connection.run({ store: owner(id), writes: key, send });
  }
}

function namesKey(id: string): string {
  return `diffsync.models:${id}`;
}

/** The keys that belong to one that was found, by what follows the kind in it: `RedisKeys` would build the same. */
function keysOf(name: string): PartKeys {
  return {
    index: `diffsync.index:${name}`,
    state: `diffsync.state:${name}`,
    places: `diffsync.places:${name}`,
    prefix: `diffsync:${name}:`,
  };
}

async function memoryOf(client: ScriptedRedis, keys: readonly string[]): Promise<number> {
  const usages = await Promise.all(keys.map((key) => client.memory('USAGE', key)));
  return usages.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
}

function owner(id: string | undefined): string {
  return id === undefined ? OWNER : `${OWNER} (${id})`;
}
