import { randomUUID } from 'node:crypto';
import { ObjectStoreException } from '../../errors.js';
import type { ModelRecord } from '../../record/model-record.js';
import { BaseStore } from '../base-store.js';
import { forEachYielding } from '../../async/event-loop.js';
import { isDamage, type StoreReport } from '../verify-report.js';
import type { InsertConflict, ModelChanges, RecordChange, StoreCapabilities } from '../store-backend.js';
import { AutoBatcher } from '../../async/auto-batcher.js';
import { Failed } from '../../async/outcome.js';
import {
  mapChunks,
  READ_CHUNK,
  withPerItemFallback,
  uidChunks,
  CHUNKS_IN_FLIGHT,
  WRITE_CHUNK,
  writeChunks,
  type Chunk,
  type WriteChunk,
} from './records/chunks.js';
import { RedisConnection } from './connection/connection.js';
import { RedisKeys, type ModelKeys } from './layout/keys.js';
import { ModelIndex } from './records/model-index.js';
import { checkRedisOptions, type RedisStoreOptions } from './redis-options.js';
import {
  startEager,
  listedPages,
  mergedPages,
  sortedPages,
  type PageScan,
  type StoredText,
} from './records/page-scan.js';
import { ShardSequence } from './records/shard-sequence.js';
import { TtlRefresher } from './commands/ttl-refresher.js';
import { MultiModelWrite } from './records/multi-model-write.js';
import { CommandExecutor, type OperationLimits } from './commands/command-executor.js';
import { CompareAndSet } from './records/compare-and-set.js';
import { asItIs, RecordReader, throwFirstFailure, type Result } from './records/record-reader.js';
import { RedisVerification } from './admin/verify.js';

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
  protected override readonly capabilities: StoreCapabilities = { keepsText: true, encodesLazily: true };
  declare readonly storeId: string;
  private readonly keys: RedisKeys;
  private readonly connection: RedisConnection;
  private readonly renewal: TtlRefresher | undefined;
  private readonly steps: CommandExecutor;
  private readonly models: ModelIndex;
  private readonly places: ShardSequence;
  private readonly texts: RecordReader;
  private readonly swaps: CompareAndSet;
  private readonly saves: MultiModelWrite;
  private readonly writing = new Map<string, AutoBatcher<Piece, unknown>>();
  private readonly reading = new Map<string, AutoBatcher<Piece, unknown>>();

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
    if (ttl !== undefined) this.renewal = new TtlRefresher(store, this.connection, this.keys, ttl, failed);
    this.steps = new CommandExecutor(store, this.connection, this.keys, this.renewal);
    this.models = new ModelIndex(this.keys, this.steps);
    this.places = new ShardSequence(this.keys, this.steps, this.models);
    this.texts = new RecordReader(this.keys, this.steps, this.models, (...damage) => this.damagedRecord(...damage));
    this.swaps = new CompareAndSet(this.keys, this.steps, this.texts, this.maxObjectBytes);
    this.saves = new MultiModelWrite(this.keys, this.steps, this.models, this.texts, this.swaps);
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
    const limit = this.steps.limits(signal);
    await this.written(model);
    if (uids.length !== 1 || only === undefined)
      return throwFirstFailure(await this.readMany(model, uids, make, { signal }));
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
      ahead.push(startEager(this.readMany(model, uids.slice(at, at + size), asItIs, {})));
      if (ahead.length >= CHUNKS_IN_FLIGHT) yield throwFirstFailure(await (ahead.shift() as Promise<Result[]>));
    }
    for (const last of ahead) yield throwFirstFailure(await last);
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
    const inserted = this.gatherer(this.writing, model).do('insert', only.uid, only, this.steps.limits(signal));
    return inserted as Promise<[ModelRecord | undefined]>;
  }

  protected override async putRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<void> {
    const [only] = records;
    if (records.length === 1 && only !== undefined) {
      await this.gatherer(this.writing, model).do('put', only.uid, only, this.steps.limits(signal));
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
    const limit = this.steps.limits(signal);
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
      const deleted = this.gatherer(this.writing, model).do('delete', only, only, this.steps.limits(signal));
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
    const limit = this.steps.limits();
    for (const { model } of changes) await this.written(model);
    return this.saves.write(changes, limit);
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
    const misfitOf = (model: string, record: ModelRecord): string | undefined => this.validateRecord(model, record);
    return new RedisVerification({ keys, steps, models, places, texts, misfitOf }, repair).run();
  }

  // ---- Many at once

  /** @param make gets each record as soon as its chunk is there, so that few of them are held at a time. */
  private async readMany<T>(
    model: string,
    uids: readonly string[],
    make: (record: ModelRecord) => T,
    limit: OperationLimits,
  ): Promise<Result<T>[]> {
    const found: Result<T>[] = Array.from({ length: uids.length });
    const chunks = uidChunks(uids, (uid) => this.keys.holding(model, uid), READ_CHUNK);
    const resultOf = this.texts.decoder(model, make);
    const read = async ({ keys, positions, items }: Chunk<string>): Promise<void> => {
      const texts = await this.texts.read(model, keys, items, limit);
      let at = 0;
      await forEachYielding(texts, (text) => {
        found[positions[at] as number] = resultOf(items[at] as string, text);
        at++;
      });
    };
    await mapChunks(chunks, uids.length, read, limit.signal);
    return found;
  }

  private async insertAll(
    model: string,
    records: readonly ModelRecord[],
    signal: AbortSignal | undefined,
  ): Promise<(ModelRecord | undefined)[]> {
    await this.written(model);
    return throwFirstFailure(await this.insertMany(model, records, { signal }));
  }

  /** @param each whether an object that cannot be written fails alone, and not its whole chunk. */
  private async insertMany(
    model: string,
    records: readonly ModelRecord[],
    limit: OperationLimits,
    each = false,
  ): Promise<Result[]> {
    const inTheWay: Result[] = Array.from({ length: records.length });
    const resultOf = this.texts.decoder(model, asItIs);
    const insert = async ({ keys, positions, items, places }: WriteChunk): Promise<boolean> => {
      const answer = await this.steps.executeIdempotent(keys.index, limit, (client, ...ledger) =>
        client.diffsyncInsert(keys.index, keys.state, keys.prefix, ...ledger, places, items),
      );
      if (answer.length === 1) return answer[0] === 1;
      const uids = items.filter((_, at) => at % 2 === 0);
      for (const { position, text } of await this.texts.conflicts(model, keys, uids, answer)) {
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
    limit: OperationLimits,
    each = false,
  ): Promise<(Failed | undefined)[]> {
    const failures: (Failed | undefined)[] = Array.from({ length: records.length });
    const put = async ({ keys, items, places }: WriteChunk): Promise<boolean> => {
      const created = await this.steps.executeIdempotent(keys.index, limit, (client, ...ledger) =>
        client.diffsyncPut(keys.index, keys.state, keys.prefix, ...ledger, places, items),
      );
      return created === 1;
    };
    await this.writeMany(model, records, limit, put, each ? failures : undefined);
    return failures;
  }

  private async deleteMany(model: string, uids: readonly string[], limit: OperationLimits): Promise<boolean[]> {
    const present = Array.from({ length: uids.length }, () => true);
    const chunks = uidChunks(uids, (uid) => this.keys.holding(model, uid), WRITE_CHUNK);
    const remove = async ({ keys, positions, items }: Chunk<string>): Promise<void> => {
      const missing = await this.steps.executeIdempotent(keys.index, limit, (client, ...ledger) =>
        client.diffsyncDelete(keys.index, keys.state, keys.prefix, ...ledger, ...items),
      );
      for (const position of missing) present[positions[position - 1] as number] = false;
    };
    await mapChunks(chunks, uids.length, remove, limit.signal);
    return present;
  }

  /**
   * @param write answers whether it put the first object into its keys.
   * @param failures gets, by position, what one object is at fault for; without it, all fail with that one.
   */
  private async writeMany(
    model: string,
    records: readonly ModelRecord[],
    limit: OperationLimits,
    write: (chunk: WriteChunk) => Promise<boolean>,
    failures?: Result[],
  ): Promise<void> {
    if (records.length === 0) return;
    const fail = failures && ((position: number, error: unknown) => void (failures[position] = new Failed(error)));
    const one = fail === undefined ? write : withPerItemFallback(write, isOfOne, fail);
    const shards = this.keys.of(model);
    const created = await this.places.inTurn(model, records, limit, async (before) => {
      const firstPlace = await this.places.begin(model, records.length, limit);
      await before;
      const chunks = writeChunks(records, (uid) => shards[this.keys.shardOf(uid)] as ModelKeys, firstPlace);
      return mapChunks(chunks, records.length, one, limit.signal);
    });
    await this.models.ensureRegistered(model, created.includes(true), limit);
  }

  // ---- Pages

  private async *pages(model: string, size: number): AsyncGenerator<readonly StoredText[], void, undefined> {
    const readings = this.keys.of(model).map((keys): PageScan => ({
      keys,
      size,
      read: (commands) => this.steps.read(commands),
      empty: () => this.models.checkEmpty(model, keys),
    }));
    const [only] = readings;
    if (readings.length !== 1 || only === undefined) yield* mergedPages(readings);
    // SORT takes the first "*" of a pattern for the place of the unique id.
    else if (this.connection.canSortGet && !only.keys.prefix.includes('*')) yield* sortedPages(only);
    else yield* listedPages(only);
  }

  // ---- One by one, gathered

  private gatherer(gatherers: Map<string, AutoBatcher<Piece, unknown>>, model: string): AutoBatcher<Piece, unknown> {
    let gatherer = gatherers.get(model);
    if (gatherer === undefined) {
      const most = gatherers === this.writing ? WRITE_CHUNK : READ_CHUNK;
      const work = (kind: string, items: readonly Piece[], deadline: number): Promise<readonly unknown[]> =>
        this.together(kind, model, items, { deadline });
      gatherer = new AutoBatcher(work, most, CHUNKS_IN_FLIGHT, () =>
        this.connection.overloaded(String(this), 'operations'),
      );
      gatherers.set(model, gatherer);
    }
    return gatherer;
  }

  private async together(
    kind: string,
    model: string,
    items: readonly Piece[],
    limit: OperationLimits,
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
