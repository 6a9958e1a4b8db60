import { randomUUID } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { pMapIterable } from 'p-map';
import type { ModelRecord } from '../../record/model-record.js';
import { BaseStore } from '../base-store.js';
import { leaseOf, type WriteLease } from '../lease-context.js';
import type { ChangesSince } from '../change-log.js';
import type { LeaseTable } from '../lease-table.js';
import type { BackendHealth } from '../store-health.js';
import type { UidPage } from '../uid-page.js';
import { isDamage, type StoreReport } from '../verify-report.js';
import type {
  InsertConflict,
  ModelChanges,
  RecordChange,
  StoreCapabilities,
  VerifyRecordsOptions,
} from '../store-backend.js';
import { AutoBatcher, type BatchWork } from '../../async/auto-batcher.js';
import { throwFirstFailure, type Result } from '../../async/outcome.js';
import { objectsOf } from './admin/store-scan.js';
import { RedisVerification } from './admin/verify.js';
import { CommandExecutor } from './commands/command-executor.js';
import { RedisLeases } from './commands/redis-leases.js';
import { TtlRefresher } from './commands/ttl-refresher.js';
import { checkSlotsServed } from './connection/cluster-slots.js';
import { isClusterClient } from './connection/driver.js';
import { RedisConnection } from './connection/connection.js';
import { RedisKeys } from './layout/keys.js';
import { CHUNKS_IN_FLIGHT, READ_CHUNK, slices, WRITE_CHUNK } from './records/chunks.js';
import { RedisChangeLog } from './records/change-log.js';
import { CompareAndSet } from './records/compare-and-set.js';
import { ModelIndex } from './records/model-index.js';
import { ObjectSizes } from './records/object-sizes.js';
import { MultiModelWrite } from './records/multi-model-write.js';
import {
  indexedPages,
  listedPages,
  mergedPages,
  sortedPages,
  uidPages,
  type PageScan,
  type StoredRecord,
} from './records/page-scan.js';
import { uidsBehind } from './records/uid-page.js';
import { RecordReader } from './records/record-reader.js';
import { RecordWriter } from './records/record-writer.js';
import { ShardSequence } from './records/shard-sequence.js';
import { checkRedisOptions } from './check-redis-options.js';
import { evictionConcern, redisHealth } from './redis-health.js';
import type { AnyRedisOptions, RedisStoreOptions } from './redis-options.js';

/** The module loads the driver before it looks at the options, so that a missing package is the first error. */
export { loadDriver as loadRedisDriver } from './connection/driver.js';

/** The reads of single objects of one model that are batched. */
type ReadBatcher = AutoBatcher<{ readonly read: BatchWork<string, ModelRecord | undefined> }>;

/** The writes of single objects of one model that are batched. */
type WriteBatcher = AutoBatcher<
  {
    readonly insert: LeasedWork<ModelRecord, ModelRecord | undefined>;
    readonly put: LeasedWork<ModelRecord, undefined>;
    readonly delete: LeasedWork<string, boolean>;
  },
  WriteLease | undefined
>;
/** Of items that are written under one lease, or under none. */
type LeasedWork<I, R> = BatchWork<I, R, WriteLease | undefined>;

/** The connection of a store that shares that of another one, by the options of its constructor. */
const sharedConnections = new WeakMap<AnyRedisOptions, RedisConnection>();

/** Unique ids that are read at once, without their objects. */
const UIDS_AT_ONCE = 1000;

/**
 * Stores objects in Redis 7 or later: on one server, behind Sentinel, or on a cluster. All processes with the same store id
 * share them. Each object is readable JSON at the key `diffsync:<store id>:<model>:<unique id>`; a sorted set beside them keeps
 * the order of insertion.
 *
 * Each write is one atomic command on the server, for up to 500 objects and their index. Operations on single objects that are
 * started without awaiting each of them are batched.
 *
 * @example
 * ```ts
 * const store = await RedisStore.connect({ url: 'redis://localhost:6379/0', storeId: 'inventory' });
 * await store.add({ obj: new Device({ name: 'nyc-spine1' }) });
 * await store.close();
 * ```
 */
export class RedisStore extends BaseStore {
  readonly engine = 'redis';
  protected override readonly capabilities: StoreCapabilities = {
    keepsText: true,
    encodesLazily: true,
    hasDeadlines: true,
  };
  protected override readonly leases: LeaseTable;
  declare readonly storeId: string;
  private readonly keys: RedisKeys;
  private readonly connection: RedisConnection;
  private readonly ttlRefresher: TtlRefresher | undefined;
  private readonly commands: CommandExecutor;
  private readonly models: ModelIndex;
  private readonly sizes = new ObjectSizes();
  private readonly sequence: ShardSequence;
  private readonly reader: RecordReader;
  private readonly writer: RecordWriter;
  private readonly compareAndSet: CompareAndSet;
  private readonly multiModelWrite: MultiModelWrite;
  private readonly changeLog: RedisChangeLog;
  private readonly reads = new Map<string, ReadBatcher>();
  private readonly writes = new Map<string, WriteBatcher>();

  /**
   * Makes a store. It connects in `open`, not before.
   * @param options - How to reach the server, and the name of the store; by default localhost:6379 and a random `storeId`.
   * @throws {ValueError} (VALUE_ERROR) for wrong options, such as `url` and `host` together.
   * @example
   * ```ts
   * const store = new RedisStore({ url: 'redis://localhost:6379/0', storeId: 'inventory' });
   * await store.open();
   * ```
   */
  constructor(options: RedisStoreOptions = {}) {
    const { storeId = randomUUID(), name, logger, maxObjectBytes, slowOperationMs, ...own } = options;
    super({ storeId, name, logger, maxObjectBytes, slowOperationMs });
    const shared = sharedConnections.get(options);
    if (shared === undefined) checkRedisOptions(own);
    const connection = (this.connection = shared ?? new RedisConnection(own));
    const { shards = 1, ttl, changeLog = false } = own;
    const store = String(this);
    const keys = (this.keys = new RedisKeys(storeId, { cluster: connection.isCluster, shards, ttl, changeLog }));
    if (ttl !== undefined) {
      this.ttlRefresher = new TtlRefresher(store, connection, keys, ttl, (error) =>
        this.logger.warning(`${store}: its expiry is not put off yet`, { reason: String(error) }),
      );
    }
    const commands = (this.commands = new CommandExecutor(store, connection, keys, this.ttlRefresher));
    this.leases = new RedisLeases(keys, commands);
    const models = (this.models = new ModelIndex(keys, commands, this.ttlRefresher));
    const sequence = (this.sequence = new ShardSequence(keys, commands, models));
    const reader = (this.reader = new RecordReader(keys, commands, models, this.sizes, (...damage) =>
      this.damagedRecord(...damage),
    ));
    this.writer = new RecordWriter(keys, commands, models, sequence, reader, this.sizes);
    this.compareAndSet = new CompareAndSet(keys, commands, reader, this.sizes);
    this.changeLog = new RedisChangeLog(keys, commands, models);
    this.multiModelWrite = new MultiModelWrite(keys, commands, models, reader, this.compareAndSet);
  }

  /**
   * Makes a store and opens it.
   * @param options - As for the constructor.
   * @returns the store, open.
   * @throws {ValueError} (VALUE_ERROR) for wrong options.
   * @throws {ObjectStoreException} (STORE_UNAVAILABLE, or the code of the reason) when the server cannot be reached.
   * @example
   * ```ts
   * const store = await RedisStore.connect({ host: 'redis.internal', storeId: 'inventory' });
   * ```
   */
  static async connect(options: RedisStoreOptions = {}): Promise<RedisStore> {
    const store = new RedisStore(options);
    await store.open();
    return store;
  }

  /** @internal Makes a store on a connection that is open already or shared with others. */
  static onConnection(options: AnyRedisOptions, connection: RedisConnection): RedisStore {
    sharedConnections.set(options, connection);
    return new RedisStore(options as RedisStoreOptions);
  }

  /** Where the server is, without secrets: `redis://localhost:6379/0`. */
  override get address(): string {
    return this.connection.address;
  }

  /**
   * Makes a store with another id on the connection of this one, which the last of them closes.
   * @param scope - `storeId` of the new store, and its `name`, by default the name of its class.
   * @returns the store, not yet open.
   */
  override scope({ storeId, name }: { readonly storeId: string; readonly name?: string }): RedisStore {
    const { shards, ttl, changeLog } = this.keys;
    const { logger, maxObjectBytes, slowOperationMs } = this;
    const own = { storeId, name, logger, maxObjectBytes, slowOperationMs, shards, ttl, changeLog };
    return RedisStore.onConnection(own, this.connection);
  }

  protected override async connect(): Promise<void> {
    await this.connection.acquire(String(this));
    try {
      const plain = await this.models.checkLayout();
      if (this.keys.logsChanges) await this.models.logChangesOf(plain);
    } catch (error) {
      // Only an open store can be verified; an operation on what is damaged fails by itself.
      if (!isDamage(error)) {
        await this.connection.release();
        throw error;
      }
    }
    await this.warnOfEviction();
    await this.ttlRefresher?.start();
  }

  /** Warns of a server that removes objects by itself, once for each connection. */
  private async warnOfEviction(): Promise<void> {
    const policy = await this.connection.memoryPolicyOnce();
    const concern = evictionConcern(policy, this.keys.ttl !== undefined);
    if (concern !== undefined) this.logger.warning(`${String(this)} at ${this.address}: ${concern}`);
  }

  protected override async disconnect(): Promise<void> {
    await this.ttlRefresher?.stop();
    this.models.forget();
    await this.connection.release();
  }

  protected override async probe(): Promise<void> {
    await this.commands.probe<unknown>((client) => {
      const own = client as unknown as Redis | Cluster;
      return isClusterClient(own) ? checkSlotsServed(own) : own.ping();
    });
  }

  /** Not a use of the store that puts off its expiry. */
  protected override async probeHealth(timeoutMs: number): Promise<BackendHealth> {
    const { connection, keys } = this;
    // There must be time left to say which nodes were silent.
    const health = await connection.health(String(this), timeoutMs / 2);
    const where = `${String(this)} at ${this.address}`;
    const { format, ttl } = keys;
    return redisHealth(health, { where, replicas: connection.wantedReplicas, expires: ttl !== undefined, format });
  }

  protected override readRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<(ModelRecord | undefined)[]> {
    return this.readEach(model, uids, (record) => record, signal);
  }

  protected override async readEach<T>(
    model: string,
    uids: readonly string[],
    make: (record: ModelRecord) => T,
    signal?: AbortSignal,
  ): Promise<(T | undefined)[]> {
    const [only] = uids;
    const limits = this.commands.limits(signal);
    await this.written(model);
    if (uids.length !== 1 || only === undefined) {
      return throwFirstFailure(await this.reader.readMany(model, uids, make, { signal }));
    }
    const [record] = await this.readsOf(model).run('read', only, only, limits);
    return [record === undefined ? undefined : make(record)];
  }

  /** Prefetches the next page. */
  protected override async *readPages(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): AsyncGenerator<(ModelRecord | undefined)[], void, undefined> {
    await this.written(model);
    const read = (page: readonly string[]): Promise<Result<ModelRecord>[]> =>
      this.reader.readMany(model, page, (record) => record, { signal });
    const pages = pMapIterable(slices(uids, READ_CHUNK * this.keys.shards), read, { concurrency: CHUNKS_IN_FLIGHT });
    for await (const results of pages) yield throwFirstFailure(results);
  }

  protected override async *scanRecords(
    model: string,
    pageSize: number,
    signal?: AbortSignal,
  ): AsyncGenerator<ModelRecord[], void, undefined> {
    await this.written(model);
    this.ttlRefresher?.beginScan();
    try {
      for await (const page of this.pages(model, pageSize, signal)) yield await this.reader.recordsOf(model, page);
    } finally {
      this.ttlRefresher?.endScan();
    }
  }

  protected override async *scanUids(
    model: string,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly string[], void, undefined> {
    await this.written(model);
    const scans = this.scansOf(model, UIDS_AT_ONCE, signal);
    const [only] = scans;
    if (scans.length === 1 && only !== undefined) yield* uidPages(only);
    else for await (const page of this.merged(model, scans, indexedPages)) yield page.map(({ uid }) => uid);
  }

  protected override async readUidPage(
    model: string,
    limit: number,
    after: string | undefined,
    signal?: AbortSignal,
  ): Promise<UidPage> {
    await this.written(model);
    // It tells an index that is lost, expired or of another layout from one that is empty.
    await this.models.count(model);
    return uidsBehind(this.scansOf(model, limit, signal), limit, after);
  }

  protected override async countRecords(model: string, signal?: AbortSignal): Promise<number> {
    await this.written(model);
    signal?.throwIfAborted();
    return this.models.count(model);
  }

  protected override async countAllRecords(signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
    for (const model of this.writes.keys()) await this.written(model);
    signal?.throwIfAborted();
    const models = await this.models.list();
    const counts = await this.models.countAll(models);
    const all = models.map((model, at): [string, number] => [model, counts[at] ?? 0]);
    return new Map(all.filter(([, count]) => count > 0));
  }

  protected override async orderUids(model: string, uids: readonly string[], signal?: AbortSignal): Promise<string[]> {
    await this.written(model);
    return this.changeLog.inOrder(model, uids, signal);
  }

  protected override async readChanges(
    model: string,
    cursor: string | undefined,
    signal?: AbortSignal,
  ): Promise<ChangesSince> {
    await this.written(model);
    return this.changeLog.since(model, cursor, signal);
  }

  protected override insertRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<(ModelRecord | undefined)[]> {
    const only = records.length === 1 ? records[0] : undefined;
    if (only === undefined) return this.insertMany(model, records, signal);
    return this.writesOf(model).run('insert', only.uid, only, this.commands.limits(signal), leaseOf(this));
  }

  protected override async putRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<void> {
    const [only] = records;
    const lease = leaseOf(this);
    if (records.length === 1 && only !== undefined) {
      await this.writesOf(model).run('put', only.uid, only, this.commands.limits(signal), lease);
      return;
    }
    await this.written(model);
    await this.writer.put(model, records, { signal, lease });
  }

  protected override async modifyRecords(
    model: string,
    uids: readonly string[],
    change: RecordChange,
    signal?: AbortSignal,
  ): Promise<void> {
    const limits = this.commands.limits(signal, leaseOf(this));
    await this.written(model);
    await this.compareAndSet.modify(model, uids, change, limits);
  }

  protected override async deleteRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<boolean[]> {
    const [only] = uids;
    const lease = leaseOf(this);
    if (uids.length === 1 && only !== undefined) {
      return this.writesOf(model).run('delete', only, only, this.commands.limits(signal), lease);
    }
    await this.written(model);
    return this.writer.delete(model, uids, { signal, lease });
  }

  /** Not on a cluster, where a command has the keys of one model, nor where it would block the server for too long. */
  protected override async saveTogether(
    changes: readonly ModelChanges[],
  ): Promise<readonly InsertConflict[] | undefined> {
    if (this.connection.isCluster || this.keys.shards > 1) return undefined;
    const limits = this.commands.limits(undefined, leaseOf(this));
    for (const { model } of changes) await this.written(model);
    return this.multiModelWrite.write(changes, limits);
  }

  protected override async clearRecords(signal?: AbortSignal): Promise<void> {
    const limits = { signal, lease: leaseOf(this) };
    for (const model of await this.models.list()) {
      signal?.throwIfAborted();
      await this.written(model);
      await this.models.clear(model, (shard) => objectsOf(this.connection, String(this), shard), limits);
    }
  }

  protected override async verifyRecords(options: VerifyRecordsOptions): Promise<StoreReport> {
    const lease = leaseOf(this);
    for (const model of this.writes.keys()) await this.written(model);
    const { keys, commands, models, sequence, reader, sizes } = this;
    const validate = (model: string, record: ModelRecord): string | undefined => this.validateRecord(model, record);
    return new RedisVerification({ keys, commands, models, sequence, reader, sizes, lease, validate }, options).run();
  }

  private async insertMany(
    model: string,
    records: readonly ModelRecord[],
    signal: AbortSignal | undefined,
  ): Promise<(ModelRecord | undefined)[]> {
    const lease = leaseOf(this);
    await this.written(model);
    return throwFirstFailure(await this.writer.insert(model, records, { signal, lease }));
  }

  private async *pages(
    model: string,
    size: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly StoredRecord[], void, undefined> {
    const scans = this.scansOf(model, size, signal);
    const [only] = scans;
    if (scans.length !== 1 || only === undefined) yield* this.merged(model, scans, listedPages);
    // SORT replaces the first "*" of a pattern by the unique id.
    else if (this.connection.canSortGet && !only.keys.prefix.includes('*')) yield* sortedPages(only);
    else yield* listedPages(only);
  }

  private scansOf(model: string, size: number, signal: AbortSignal | undefined): PageScan[] {
    return this.keys.of(model).map((keys) => ({
      keys,
      model,
      layout: this.keys.format,
      size,
      sizes: this.sizes,
      seesObjects: !this.connection.isCluster,
      read: (commands) => this.commands.read(commands, { signal }),
      checkEmpty: () => this.models.checkEmpty(model, keys),
      checkExtent: (count) => this.models.checkExtent(model, keys, count),
    }));
  }

  private merged(
    model: string,
    scans: readonly PageScan[],
    pagesOf: typeof listedPages,
  ): AsyncGenerator<readonly StoredRecord[], void, undefined> {
    return mergedPages(scans, async () => void (await this.models.checkSplit([model])), pagesOf);
  }

  private readsOf(model: string): ReadBatcher {
    let batcher = this.reads.get(model);
    if (batcher === undefined) {
      const read: BatchWork<string, ModelRecord | undefined> = (uids, deadline) =>
        this.reader.readMany(model, uids, (record) => record, { deadline });
      batcher = new AutoBatcher({ read }, READ_CHUNK, CHUNKS_IN_FLIGHT, () => this.overloaded());
      this.reads.set(model, batcher);
    }
    return batcher;
  }

  private writesOf(model: string): WriteBatcher {
    let batcher = this.writes.get(model);
    if (batcher === undefined) {
      const { writer } = this;
      batcher = new AutoBatcher(
        {
          insert: (records: readonly ModelRecord[], deadline: number, lease: WriteLease | undefined) =>
            writer.insert(model, records, { deadline, lease }, true),
          put: (records: readonly ModelRecord[], deadline: number, lease: WriteLease | undefined) =>
            writer.put(model, records, { deadline, lease }, true),
          delete: (uids: readonly string[], deadline: number, lease: WriteLease | undefined) =>
            writer.delete(model, uids, { deadline, lease }),
        },
        WRITE_CHUNK,
        CHUNKS_IN_FLIGHT,
        () => this.overloaded(),
      );
      this.writes.set(model, batcher);
    }
    return batcher;
  }

  private overloaded(): Error {
    return this.connection.overloaded(String(this), 'operations');
  }

  /** @returns a promise that settles when the single writes that were asked for before are done. */
  private written(model: string): Promise<void> | undefined {
    return this.writes.get(model)?.settled();
  }
}
