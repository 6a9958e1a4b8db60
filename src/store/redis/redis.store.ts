import { randomUUID } from 'node:crypto';
import { ObjectStoreException } from '../../errors.js';
import type { ModelRecord } from '../../model/model-record.js';
import { BaseStore, isDamage } from '../base-store.js';
import { inTurns } from '../event-loop.js';
import type { StoreReport } from '../store-report.js';
import type { InsertConflict, ModelChanges, RecordChange } from '../write-behind.js';
import { Failed, Gatherer } from './gatherer.js';
import {
  inWindow,
  READ_CHUNK,
  singly,
  uidChunks,
  WINDOW,
  WRITE_CHUNK,
  writeChunks,
  type Chunk,
  type WriteChunk,
} from './redis-chunks.js';
import { RedisConnection } from './redis-connection.js';
import { RedisKeys, type ModelKeys } from './redis-keys.js';
import { RedisModels } from './redis-models.js';
import { checkRedisOptions, type RedisStoreOptions } from './redis-options.js';
import { early, listedPages, mergedPages, sortedPages, type Reading, type StoredText } from './redis-pages.js';
import { RedisPlaces } from './redis-places.js';
import { RedisRenewal } from './redis-renewal.js';
import { RedisSave } from './redis-save.js';
import { RedisSteps, type Limit } from './redis-steps.js';
import { RedisSwaps } from './redis-swaps.js';
import { asItIs, RedisTexts, whole, type Result } from './redis-texts.js';
import { RedisVerification } from './redis-verify.js';

/** What `Gatherer` gathers: records to write, unique ids to read or remove. */
type Piece = ModelRecord | string;

/**
 * Objects in Redis 7, shared by all processes with the same store id: on one server, behind Sentinel, or on a cluster.
 * Each object is readable JSON at `diffsync:<store id>:<model>:<unique id>`; a sorted set beside them keeps their order.
 * Every write is one atomic step on the server for up to 500 objects and their places. Operations that are started
 * without awaiting each one go together.
 */
export class RedisStore extends BaseStore {
  readonly engine = 'redis';
  protected override readonly keepsTexts: boolean = true;
  protected override readonly encodesInTurn: boolean = true;
  declare readonly storeId: string;
  private readonly keys: RedisKeys;
  private readonly connection: RedisConnection;
  private readonly renewal: RedisRenewal | undefined;
  private readonly steps: RedisSteps;
  private readonly models: RedisModels;
  private readonly places: RedisPlaces;
  private readonly texts: RedisTexts;
  private readonly swaps: RedisSwaps;
  private readonly saves: RedisSave;
  private readonly writing = new Map<string, Gatherer<Piece, unknown>>();
  private readonly reading = new Map<string, Gatherer<Piece, unknown>>();

  /**
   * Connects only in `open`. Default `storeId`: a random UUID.
   * @throws ValueError for wrong options, such as `url` and `host` together.
   */
  constructor(options: RedisStoreOptions = {}, connection?: RedisConnection) {
    const { storeId = randomUUID(), name, logger, maxObjectBytes, ...own } = options;
    super({ storeId, name, logger, maxObjectBytes });
    if (connection === undefined) checkRedisOptions(own);
    this.connection = connection ?? new RedisConnection(own);
    const { shards = 1, ttl } = own;
    this.keys = new RedisKeys(storeId, { cluster: this.connection.isCluster, shards, ttl });
    const store = String(this);
    const failed = (error: unknown): void =>
      this.logger.warning(`${store}: its expiry is not put off yet`, { reason: String(error) });
    if (ttl !== undefined) this.renewal = new RedisRenewal(store, this.connection, this.keys, ttl, failed);
    this.steps = new RedisSteps(store, this.connection, this.keys, this.renewal);
    this.models = new RedisModels(this.keys, this.steps);
    this.places = new RedisPlaces(this.keys, this.steps, this.models);
    this.texts = new RedisTexts(this.keys, this.steps, this.models, (...damage) => this.objects.corrupt(...damage));
    this.swaps = new RedisSwaps(this.keys, this.steps, this.texts, this.maxObjectBytes);
    this.saves = new RedisSave(this.keys, this.steps, this.models, this.texts, this.swaps);
  }

  /** A new store, open. @throws ObjectStoreException when the server cannot be reached. */
  static async connect(options: RedisStoreOptions = {}): Promise<RedisStore> {
    const store = new RedisStore(options);
    await store.open();
    return store;
  }

  override get address(): string {
    return this.connection.address;
  }

  override scope({ storeId, name }: { readonly storeId: string; readonly name?: string }): RedisStore {
    const { shards, ttl } = this.keys;
    const { logger, maxObjectBytes } = this;
    return new RedisStore({ storeId, name, logger, maxObjectBytes, shards, ttl }, this.connection);
  }

  protected override async connect(): Promise<void> {
    await this.connection.acquire(String(this));
    try {
      await this.models.checkLayout();
    } catch (error) {
      // Only an open store can be verified; whatever uses what is damaged fails by itself.
      if (!isDamage(error)) {
        await this.connection.release();
        throw error;
      }
    }
    this.renewal?.start();
  }

  protected override async disconnect(): Promise<void> {
    await this.renewal?.stop();
    this.models.forget();
    await this.connection.release();
  }

  protected override async probe(): Promise<void> {
    await this.steps.read((client) => client.ping());
  }

  protected override readRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<(ModelRecord | undefined)[]> {
    return this.readEach(model, uids, asItIs, signal);
  }

  protected override async readEach<T>(
    model: string,
    uids: readonly string[],
    make: (record: ModelRecord) => T,
    signal?: AbortSignal,
  ): Promise<(T | undefined)[]> {
    const [only] = uids;
    const limit = this.steps.limit(signal);
    await this.written(model);
    if (uids.length !== 1 || only === undefined) return whole(await this.readMany(model, uids, make, { signal }));
    const [record] = await this.gatherer(this.reading, model).do('read', only, only, limit);
    return [record === undefined ? undefined : make(record as ModelRecord)];
  }

  /** Some are asked for before they are needed. */
  protected override async *readPages(
    model: string,
    uids: readonly string[],
  ): AsyncGenerator<(ModelRecord | undefined)[], void, undefined> {
    await this.written(model);
    const size = READ_CHUNK * this.keys.shards;
    const ahead: Promise<Result[]>[] = [];
    for (let at = 0; at < uids.length; at += size) {
      ahead.push(early(this.readMany(model, uids.slice(at, at + size), asItIs, {})));
      if (ahead.length >= WINDOW) yield whole(await (ahead.shift() as Promise<Result[]>));
    }
    for (const last of ahead) yield whole(await last);
  }

  protected override async *scanRecords(
    model: string,
    pageSize: number,
  ): AsyncGenerator<ModelRecord[], void, undefined> {
    await this.written(model);
    for await (const page of this.pages(model, pageSize)) yield await this.texts.recordsOf(model, page);
  }

  protected override async countRecords(model: string): Promise<number> {
    await this.written(model);
    return this.models.count(model);
  }

  protected override async countAllRecords(): Promise<ReadonlyMap<string, number>> {
    for (const model of this.writing.keys()) await this.written(model);
    const models = await this.models.list();
    const counts = await Promise.all(models.map((model) => this.models.count(model)));
    const all = models.map((model, at): [string, number] => [model, counts[at] ?? 0]);
    return new Map(all.filter(([, count]) => count > 0));
  }

  protected override insertRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<(ModelRecord | undefined)[]> {
    const only = records.length === 1 ? records[0] : undefined;
    if (only === undefined) return this.insertAll(model, records, signal);
    const inserted = this.gatherer(this.writing, model).do('insert', only.uid, only, this.steps.limit(signal));
    return inserted as Promise<[ModelRecord | undefined]>;
  }

  protected override async putRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<void> {
    const [only] = records;
    if (records.length === 1 && only !== undefined) {
      await this.gatherer(this.writing, model).do('put', only.uid, only, this.steps.limit(signal));
      return;
    }
    await this.written(model);
    await this.putMany(model, records, { signal });
  }

  protected override async modifyRecords(
    model: string,
    uids: readonly string[],
    change: RecordChange,
    signal?: AbortSignal,
  ): Promise<void> {
    const limit = this.steps.limit(signal);
    await this.written(model);
    await this.swaps.modify(model, uids, change, limit);
  }

  protected override async deleteRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<boolean[]> {
    const [only] = uids;
    if (uids.length === 1 && only !== undefined) {
      const deleted = this.gatherer(this.writing, model).do('delete', only, only, this.steps.limit(signal));
      return deleted as Promise<[boolean]>;
    }
    await this.written(model);
    return this.deleteMany(model, uids, { signal });
  }

  /** Not on a cluster, where a step has the keys of one model; nor where it would keep the server too long. */
  protected override async saveTogether(
    changes: readonly ModelChanges[],
  ): Promise<readonly InsertConflict[] | undefined> {
    if (this.connection.isCluster || this.keys.shards > 1) return undefined;
    const limit = this.steps.limit();
    for (const { model } of changes) await this.written(model);
    return this.saves.together(changes, limit);
  }

  protected override async clearRecords(signal?: AbortSignal): Promise<void> {
    for (const model of await this.models.list()) {
      signal?.throwIfAborted();
      await this.written(model);
      await this.models.clear(model);
    }
  }

  protected override async verifyRecords({ repair }: { readonly repair: boolean }): Promise<StoreReport> {
    for (const model of this.writing.keys()) await this.written(model);
    const { keys, steps, models, places, texts } = this;
    const misfitOf = (model: string, record: ModelRecord): string | undefined => this.objects.misfitOf(model, record);
    return new RedisVerification({ keys, steps, models, places, texts, misfitOf }, repair).run();
  }

  // ---- Many at once

  /** @param make gets each record as soon as its chunk is there, so that few of them are held at a time. */
  private async readMany<T>(
    model: string,
    uids: readonly string[],
    make: (record: ModelRecord) => T,
    limit: Limit,
  ): Promise<Result<T>[]> {
    const found: Result<T>[] = Array.from({ length: uids.length });
    const chunks = uidChunks(uids, (uid) => this.keys.holding(model, uid), READ_CHUNK);
    const resultOf = this.texts.decoder(model, make);
    const read = async ({ keys, positions, items }: Chunk<string>): Promise<void> => {
      const texts = await this.texts.read(model, keys, items, limit);
      let at = 0;
      await inTurns(texts, (text) => {
        found[positions[at] as number] = resultOf(items[at] as string, text);
        at++;
      });
    };
    await inWindow(chunks, uids.length, read, limit.signal);
    return found;
  }

  private async insertAll(
    model: string,
    records: readonly ModelRecord[],
    signal: AbortSignal | undefined,
  ): Promise<(ModelRecord | undefined)[]> {
    await this.written(model);
    return whole(await this.insertMany(model, records, { signal }));
  }

  /** @param each whether an object that cannot be written fails alone, and not its whole chunk. */
  private async insertMany(
    model: string,
    records: readonly ModelRecord[],
    limit: Limit,
    each = false,
  ): Promise<Result[]> {
    const inTheWay: Result[] = Array.from({ length: records.length });
    const resultOf = this.texts.decoder(model, asItIs);
    const insert = async ({ keys, positions, items, places }: WriteChunk): Promise<boolean> => {
      const answer = await this.steps.ledgered(keys.index, limit, (client, ...ledger) =>
        client.diffsyncInsert(keys.index, keys.state, keys.prefix, ...ledger, places, items),
      );
      if (answer.length === 1) return answer[0] === 1;
      const uids = items.filter((_, at) => at % 2 === 0);
      for (const { position, text } of await this.texts.inTheWay(model, keys, uids, answer)) {
        const given = positions[position] as number;
        // Nobody need decode it to see that it is equal.
        const same = text === items[2 * position + 1];
        inTheWay[given] = same ? records[given] : resultOf(uids[position] as string, text);
      }
      return answer[0] === 1;
    };
    await this.writeMany(model, records, limit, insert, each ? inTheWay : undefined);
    return inTheWay;
  }

  private async putMany(
    model: string,
    records: readonly ModelRecord[],
    limit: Limit,
    each = false,
  ): Promise<(Failed | undefined)[]> {
    const failures: (Failed | undefined)[] = Array.from({ length: records.length });
    const put = async ({ keys, items, places }: WriteChunk): Promise<boolean> => {
      const created = await this.steps.ledgered(keys.index, limit, (client, ...ledger) =>
        client.diffsyncPut(keys.index, keys.state, keys.prefix, ...ledger, places, items),
      );
      return created === 1;
    };
    await this.writeMany(model, records, limit, put, each ? failures : undefined);
    return failures;
  }

  private async deleteMany(model: string, uids: readonly string[], limit: Limit): Promise<boolean[]> {
    const present = Array.from({ length: uids.length }, () => true);
    const chunks = uidChunks(uids, (uid) => this.keys.holding(model, uid), WRITE_CHUNK);
    const remove = async ({ keys, positions, items }: Chunk<string>): Promise<void> => {
      const missing = await this.steps.ledgered(keys.index, limit, (client, ...ledger) =>
        client.diffsyncDelete(keys.index, keys.state, keys.prefix, ...ledger, ...items),
      );
      for (const position of missing) present[positions[position - 1] as number] = false;
    };
    await inWindow(chunks, uids.length, remove, limit.signal);
    return present;
  }

  /**
   * @param write answers whether it put the first object into its keys.
   * @param failures gets, by position, what one object is at fault for; without it, all fail with that one.
   */
  private async writeMany(
    model: string,
    records: readonly ModelRecord[],
    limit: Limit,
    write: (chunk: WriteChunk) => Promise<boolean>,
    failures?: Result[],
  ): Promise<void> {
    if (records.length === 0) return;
    const fail = failures && ((position: number, error: unknown) => void (failures[position] = new Failed(error)));
    const one = fail === undefined ? write : singly(write, isOfOne, fail);
    const shards = this.keys.of(model);
    const created = await this.places.inTurn(model, records, limit, async (before) => {
      const firstPlace = await this.places.begin(model, records.length, limit);
      await before;
      const chunks = writeChunks(records, (uid) => shards[this.keys.shardOf(uid)] as ModelKeys, firstPlace);
      return inWindow(chunks, records.length, one, limit.signal);
    });
    await this.models.nameAgain(model, created.includes(true), limit);
  }

  // ---- Pages

  private async *pages(model: string, size: number): AsyncGenerator<readonly StoredText[], void, undefined> {
    const readings = this.keys.of(model).map((keys): Reading => ({
      keys,
      size,
      read: (commands) => this.steps.read(commands),
      empty: () => this.models.checkEmpty(model, keys),
    }));
    const [only] = readings;
    if (readings.length !== 1 || only === undefined) yield* mergedPages(readings);
    // SORT takes the first "*" of a pattern for the place of the unique id.
    else if (this.connection.sorts && !only.keys.prefix.includes('*')) yield* sortedPages(only);
    else yield* listedPages(only);
  }

  // ---- One by one, gathered

  private gatherer(gatherers: Map<string, Gatherer<Piece, unknown>>, model: string): Gatherer<Piece, unknown> {
    let gatherer = gatherers.get(model);
    if (gatherer === undefined) {
      const most = gatherers === this.writing ? WRITE_CHUNK : READ_CHUNK;
      const work = (kind: string, items: readonly Piece[], deadline: number): Promise<readonly unknown[]> =>
        this.together(kind, model, items, { deadline });
      gatherer = new Gatherer(work, most, WINDOW, () => this.connection.overloaded(String(this), 'operations'));
      gatherers.set(model, gatherer);
    }
    return gatherer;
  }

  private async together(
    kind: string,
    model: string,
    items: readonly Piece[],
    limit: Limit,
  ): Promise<readonly unknown[]> {
    switch (kind) {
      case 'read':
        return this.readMany(model, items as string[], asItIs, limit);
      case 'insert':
        return this.insertMany(model, items as ModelRecord[], limit, true);
      case 'delete':
        return this.deleteMany(model, items as string[], limit);
      default:
        return this.putMany(model, items as ModelRecord[], limit, true);
    }
  }

  /** Settles when the single writes that were asked for before are done. */
  private written(model: string): Promise<void> | undefined {
    return this.writing.get(model)?.settled();
  }
}

function isOfOne(error: unknown): boolean {
  return error instanceof ObjectStoreException && error.code === 'STORE_WRONG_KEY_TYPE';
}
