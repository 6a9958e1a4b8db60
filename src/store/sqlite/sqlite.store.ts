import { ObjectStoreException } from '../../errors.js';
import { decodeRecord } from '../../record/record-codec.js';
import type { ModelRecord } from '../../record/model-record.js';
import { BaseStore } from '../base-store.js';
import type { ChangesSince } from '../change-log.js';
import type {
  InsertConflict,
  ModelChanges,
  RecordChange,
  StoreCapabilities,
  VerifyRecordsOptions,
} from '../store-backend.js';
import type { LeaseTable } from '../lease-table.js';
import type { BackendHealth } from '../store-health.js';
import { wrongNext, type UidPage } from '../uid-page.js';
import { isLogged, readChanges } from './sqlite-changes.js';
import { SqliteConnection } from './sqlite-connection.js';
import { holderOf, SqliteLeases } from './sqlite-leases.js';
import { withProblems, type StoreProblem, type StoreReport } from '../verify-report.js';
import { diskHealth } from './sqlite-health.js';
import { checkSqliteOptions, type SqliteStoreOptions } from './sqlite-options.js';
import {
  chunkOf,
  CHUNK,
  itemOf,
  ModelWriter,
  placesOf,
  readChunk,
  type Placed,
  type StoredItem,
} from './sqlite-records.js';
import type { SqliteStatements } from './sqlite-statements.js';

/**
 * A store in a SQLite file, shared by all processes of one machine that open it with the same store id. The file holds many
 * stores; each object is a row of readable JSON. Every write is one transaction for up to 500 objects; larger writes are
 * several transactions, in order, and other writers may run in between. Needs the package `better-sqlite3`.
 *
 * @example
 * ```ts
 * const store = await SqliteStore.connect({ path: './inventory.db', storeId: 'network' });
 * await store.add({ obj: new Device({ name: 'r1', role: 'spine' }) });
 * await store.close();
 * ```
 */
export class SqliteStore extends BaseStore {
  readonly engine = 'sqlite';
  protected override readonly capabilities: StoreCapabilities = { keepsText: true, hasDeadlines: true };
  protected override readonly leases: LeaseTable;
  declare readonly storeId: string;
  private readonly connection: SqliteConnection;

  /**
   * Creates a store that is not open yet. The file is opened in `open`.
   * @param options - the path of the file, and more.
   * @throws {ValueError} for wrong options.
   */
  constructor(options: SqliteStoreOptions);
  /** @internal Creates a store on the connection of another one. */
  constructor(options: SqliteStoreOptions, connection: SqliteConnection);
  constructor(options: SqliteStoreOptions, connection?: SqliteConnection) {
    const { storeId = 'default', name, logger, maxObjectBytes, slowOperationMs, ...own } = options;
    super({ storeId, name, logger, maxObjectBytes, slowOperationMs });
    if (connection === undefined) checkSqliteOptions(own);
    this.connection = connection ?? new SqliteConnection(own);
    this.leases = new SqliteLeases(this.connection, storeId, () => String(this));
  }

  /**
   * Creates a store and opens it.
   * @param options - the path of the file, and more.
   * @returns the open store.
   * @throws {ValueError} for wrong options.
   * @throws {ObjectStoreException} (STORE_UNAVAILABLE, STORE_PERMISSION, STORE_WRONG_DATABASE, STORE_NEWER_FORMAT, …) when the
   *   file cannot be used.
   */
  static async connect(options: SqliteStoreOptions): Promise<SqliteStore> {
    const store = new SqliteStore(options);
    await store.open();
    return store;
  }

  /** The path of the file; undefined for a database in memory. */
  override get address(): string | undefined {
    return this.connection.address;
  }

  /**
   * Returns another store of the same file, on the same connection.
   * @param options - the id of the other store, and its name (default: the name of the class).
   * @returns a store that is not open yet. The connection closes with the last store on it.
   */
  override scope(options: { readonly storeId: string; readonly name?: string }): SqliteStore {
    const { storeId, name } = options;
    const { path } = this.connection;
    const { logger, maxObjectBytes, slowOperationMs } = this;
    return new SqliteStore({ path, storeId, name, logger, maxObjectBytes, slowOperationMs }, this.connection);
  }

  protected override async connect(): Promise<void> {
    await this.connection.acquire(String(this));
  }

  protected override async disconnect(): Promise<void> {
    this.connection.release(String(this));
  }

  protected override async probe(): Promise<void> {
    await this.connection.read(String(this), (sql) => sql.probe.get(), undefined, 'one');
    this.connection.checkFile(String(this));
  }

  protected override async probeHealth(): Promise<BackendHealth> {
    const started = performance.now();
    await this.probe();
    const roundTripMs = Math.round((performance.now() - started) * 1000) / 1000;
    const format = await this.connection.read(String(this), (sql) => sql.format.get(), undefined, 'one');
    const disk = this.address === undefined ? undefined : await diskHealth(this.address);
    return { details: { roundTripMs, format, disk }, concerns: [] };
  }

  protected override async readRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<(ModelRecord | undefined)[]> {
    const [only] = uids;
    if (uids.length === 1 && only !== undefined) {
      const find = (sql: SqliteStatements): string | undefined => sql.find.get(this.storeId, model, only);
      const json = await this.connection.read(String(this), find, signal, 'one');
      return [json === undefined ? undefined : this.decode(model, only, json)];
    }
    const records: (ModelRecord | undefined)[] = [];
    while (records.length < uids.length) {
      const values = await this.read(
        (sql) => readChunk(sql, sql.collection.get(this.storeId, model), uids, records.length),
        signal,
      );
      for (const json of values) {
        const uid = uids[records.length] as string;
        records.push(json === undefined ? undefined : this.decode(model, uid, json));
      }
    }
    return records;
  }

  protected override async *scanRecords(
    model: string,
    pageSize: number,
    signal?: AbortSignal,
  ): AsyncGenerator<ModelRecord[], void, undefined> {
    // Ends at the record that is last when the scan begins: records that are added meanwhile do not prolong it.
    const last = await this.read((sql) => {
      const collection = sql.collection.get(this.storeId, model);
      return collection === undefined ? undefined : sql.lastPosition.get(collection);
    }, signal);
    if (last === undefined) return;
    const size = Math.min(pageSize, CHUNK);
    for (let after = 0; after < last;) {
      const page = await this.read((sql) => {
        // Looked up for each page: another process may have cleared the store.
        const collection = sql.collection.get(this.storeId, model);
        const records = collection === undefined ? [] : sql.page.all(collection, after, last, size);
        const [end] = records.at(-1) ?? [];
        if (collection === undefined || end === undefined) return undefined;
        return { records, end: sql.position.get(collection, end) ?? last };
      }, signal);
      if (page === undefined) return;
      after = page.end;
      yield page.records.map(([uid, value]) => this.decode(model, uid, value));
    }
  }

  protected override async *scanUids(
    model: string,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly string[], void, undefined> {
    const last = await this.read((sql) => {
      const collection = sql.collection.get(this.storeId, model);
      return collection === undefined ? undefined : sql.lastPosition.get(collection);
    }, signal);
    for (let after = 0; after < (last ?? 0);) {
      const page = await this.read((sql) => {
        const collection = sql.collection.get(this.storeId, model);
        return collection === undefined ? [] : sql.uids.all(collection, after, last ?? 0, CHUNK);
      }, signal);
      const [, end] = page.at(-1) ?? [];
      if (end === undefined) return;
      after = end;
      yield page.map(([uid]) => uid);
    }
  }

  protected override async readUidPage(
    model: string,
    limit: number,
    after: string | undefined,
    signal?: AbortSignal,
  ): Promise<UidPage> {
    if (after !== undefined && !/^\d{1,15}$/.test(after)) throw wrongNext(after);
    const found = await this.read((sql) => {
      const collection = sql.collection.get(this.storeId, model);
      const all = Number.MAX_SAFE_INTEGER;
      return collection === undefined ? [] : sql.uids.all(collection, Number(after ?? 0), all, limit + 1);
    }, signal);
    const [, end] = found[limit - 1] ?? [];
    return {
      uids: found.slice(0, limit).map(([uid]) => uid),
      next: found.length > limit ? String(end) : undefined,
    };
  }

  protected override async countRecords(model: string, signal?: AbortSignal): Promise<number> {
    return this.connection.read(String(this), (sql) => sql.count.get(this.storeId, model) ?? 0, signal, 'one');
  }

  protected override async countAllRecords(signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const counts = await this.connection.read(String(this), (sql) => sql.counts.all(this.storeId), signal, 'one');
    return new Map(counts.map(({ model, objects }) => [model, objects]));
  }

  protected override async orderUids(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly string[]> {
    const found: Placed[] = [];
    for (let at = 0; at < uids.length; at += CHUNK) {
      const chunk = uids.slice(at, at + CHUNK);
      for (const placed of await this.read((sql) => placesOf(sql, this.storeId, model, chunk), signal))
        found.push(placed);
    }
    return found.toSorted((a, b) => a.place - b.place).map(({ uid }) => uid);
  }

  protected override async readChanges(
    model: string,
    cursor: string | undefined,
    signal?: AbortSignal,
  ): Promise<ChangesSince> {
    return readChanges((...query) => this.read(...query), this.storeId, model, cursor, signal);
  }

  protected override async insertRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<(ModelRecord | undefined)[]> {
    const conflicts: (ModelRecord | undefined)[] = [];
    while (conflicts.length < records.length) {
      const chunk = chunkOf(records, conflicts.length);
      const existing = await this.writeTo(model, (writer) => writer.insert(chunk), signal);
      for (const [index, json] of existing.entries()) {
        const item = chunk[index] as StoredItem;
        // The same JSON text is an equal record, which need not be decoded.
        if (json === item.json) conflicts.push(records[conflicts.length]);
        else conflicts.push(json === undefined ? undefined : this.decode(model, item.uid, json));
      }
    }
    return conflicts;
  }

  protected override async putRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<void> {
    for (let at = 0; at < records.length;) {
      const chunk = chunkOf(records, at);
      await this.writeTo(model, (writer) => writer.put(chunk), signal);
      at += chunk.length;
    }
  }

  protected override async modifyRecords(
    model: string,
    uids: readonly string[],
    change: RecordChange,
    signal?: AbortSignal,
  ): Promise<void> {
    for (let at = 0; at < uids.length;) {
      const from = at;
      at += await this.writeTo(model, (writer) => writer.modify(uids, from, change), signal);
    }
  }

  protected override async deleteRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<boolean[]> {
    const present: boolean[] = [];
    while (present.length < uids.length) {
      const chunk = uids.slice(present.length, present.length + CHUNK);
      const removed = await this.writeTo(model, (writer) => writer.delete(chunk), signal);
      for (const was of removed) present.push(was);
    }
    return present;
  }

  protected override saveTogether(changes: readonly ModelChanges[]): Promise<readonly InsertConflict[]> {
    return this.write((sql) =>
      changes.flatMap(({ model, replaced, inserts, puts, modified, change, removed }) => {
        const existing = this.writeModel(sql, model, (writer) => {
          writer.delete(replaced);
          const answers = writer.insert(inserts.map(itemOf));
          writer.put(puts.map(itemOf));
          for (let at = 0; at < modified.length;) at += writer.modify(modified, at, change);
          writer.delete(removed);
          return answers;
        });
        return inserts.flatMap((record, index): InsertConflict[] => {
          const json = existing[index];
          return json === undefined ? [] : [{ model, record, existing: this.decode(model, record.uid, json) }];
        });
      }),
    );
  }

  /**
   * One transaction detaches all records of the store. Further ones free their space, chunk by chunk, also the space that a
   * killed process left behind.
   */
  protected override async clearRecords(signal?: AbortSignal): Promise<void> {
    await this.write((sql) => sql.clear.run(this.storeId), signal);
    const purge = (sql: SqliteStatements): boolean => {
      const collection = sql.cleared.get();
      if (collection === undefined) return false;
      const records = isLogged(sql) ? sql.loggedRecords : sql.records;
      if (records.purge.run(collection, CHUNK).changes === CHUNK) return true;
      if (isLogged(sql) && sql.changes.purge.run(collection, collection, CHUNK).changes === CHUNK) return true;
      sql.removeCollection.run(collection);
      return true;
    };
    while (await this.write(purge, signal));
  }

  protected override async verifyRecords(options: VerifyRecordsOptions): Promise<StoreReport> {
    const { repair, signal } = options;
    const problems: StoreProblem[] = [];
    for (const { id, model } of await this.read((sql) => sql.collections.all(this.storeId), signal)) {
      const counted = await this.connection.read(String(this), (sql) => sql.miscounted.get(id), signal, 'one');
      if (counted === undefined) continue;
      if (repair) await this.write((sql) => sql.recount.run(id), signal);
      const reason = `there are ${counted} objects`;
      problems.push({ kind: 'miscounted', model, at: 'collections.objects', reason, repaired: repair });
    }
    // A model whose number is 0 is read once it is corrected.
    return withProblems(await super.verifyRecords(options), problems);
  }

  // ---- Queries of one transaction

  /** Writes to a model within a transaction, and logs it in the same. */
  private writeModel<T>(sql: SqliteStatements, model: string, work: (writer: ModelWriter) => T): T {
    const writer = new ModelWriter(sql, this.storeId, model, (...stored) => this.decode(...stored));
    const result = work(writer);
    writer.finish();
    return result;
  }

  private decode(model: string, uid: string, json: string): ModelRecord {
    try {
      return decodeRecord(uid, json);
    } catch (error) {
      throw new ObjectStoreException(
        `${String(this)} at ${this.connection.path}: the value of ${model} "${uid}" is no stored object`,
        { code: 'STORE_CORRUPT', cause: error },
      );
    }
  }

  private writeTo<T>(model: string, work: (writer: ModelWriter) => T, signal?: AbortSignal): Promise<T> {
    return this.write((sql) => this.writeModel(sql, model, work), signal);
  }

  private read<T>(queries: (sql: SqliteStatements) => T, signal?: AbortSignal): Promise<T> {
    return this.connection.read(String(this), queries, signal);
  }

  /** In the same transaction as the check of the fence: the next holder raises it as it takes the lease. */
  private write<T>(queries: (sql: SqliteStatements) => T, signal?: AbortSignal): Promise<T> {
    const fence = this.writeFence;
    if (fence === undefined) return this.connection.write(String(this), queries, signal);
    const fenced = (sql: SqliteStatements): T => {
      const lease = sql.leases.find.get(this.storeId);
      if (lease !== undefined && lease.fence > fence) throw this.leaseLost(holderOf(lease));
      return queries(sql);
    };
    return this.connection.write(String(this), fenced, signal);
  }
}
