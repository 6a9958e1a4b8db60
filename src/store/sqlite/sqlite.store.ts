import { ObjectStoreException } from '../../errors.js';
import { decodeRecord, encodeRecord } from '../../record/record-codec.js';
import type { ModelRecord } from '../../record/model-record.js';
import { BaseStore } from '../base-store.js';
import type { InsertConflict, ModelChanges, RecordChange, StoreCapabilities } from '../store-backend.js';
import { SqliteConnection } from './sqlite-connection.js';
import { checkSqliteOptions, type SqliteStoreOptions } from './sqlite-options.js';
import type { SqliteStatements } from './sqlite-statements.js';

/** Objects, and characters of text, in one step: more would keep the event loop and other processes waiting. */
const CHUNK = 500;
const CHUNK_CHARS = 256 * 1024;

/**
 * Objects in a SQLite file, shared by all processes of one machine that open it with the same store id. The file holds many
 * stores; each object is a row of readable JSON. Every write is one transaction for up to 500 objects; more are written
 * chunk by chunk, in order, and others go on in between.
 */
export class SqliteStore extends BaseStore {
  readonly engine = 'sqlite';
  protected override readonly capabilities: StoreCapabilities = { keepsText: true };
  declare readonly storeId: string;
  private readonly connection: SqliteConnection;

  /**
   * Opens the file only in `open`.
   * @throws ValueError for wrong options.
   */
  constructor(options: SqliteStoreOptions, connection?: SqliteConnection) {
    const { storeId = 'default', name, logger, maxObjectBytes, ...own } = options;
    super({ storeId, name, logger, maxObjectBytes });
    if (connection === undefined) checkSqliteOptions(own);
    this.connection = connection ?? new SqliteConnection(own);
  }

  /** A new store, open. @throws ObjectStoreException when the file cannot be used. */
  static async connect(options: SqliteStoreOptions): Promise<SqliteStore> {
    const store = new SqliteStore(options);
    await store.open();
    return store;
  }

  override get address(): string | undefined {
    return this.connection.address;
  }

  override scope({ storeId, name }: { readonly storeId: string; readonly name?: string }): SqliteStore {
    const { path } = this.connection;
    const { logger, maxObjectBytes } = this;
    return new SqliteStore({ path, storeId, name, logger, maxObjectBytes }, this.connection);
  }

  protected override async connect(): Promise<void> {
    await this.connection.acquire(String(this));
  }

  protected override async disconnect(): Promise<void> {
    this.connection.release();
  }

  protected override async probe(): Promise<void> {
    await this.connection.read(String(this), (sql) => sql.probe.get(), 'one');
    this.connection.checkFile(String(this));
  }

  protected override async readRecords(model: string, uids: readonly string[]): Promise<(ModelRecord | undefined)[]> {
    const [only] = uids;
    if (uids.length === 1 && only !== undefined) {
      const text = await this.connection.read(String(this), (sql) => sql.find.get(this.storeId, model, only), 'one');
      return [text === undefined ? undefined : this.decode(model, only, text)];
    }
    const records: (ModelRecord | undefined)[] = [];
    while (records.length < uids.length) {
      const texts = await this.read((sql) => this.textsOf(sql, model, uids, records.length));
      for (const text of texts) {
        const uid = uids[records.length] as string;
        records.push(text === undefined ? undefined : this.decode(model, uid, text));
      }
    }
    return records;
  }

  protected override async *scanRecords(
    model: string,
    pageSize: number,
  ): AsyncGenerator<ModelRecord[], void, undefined> {
    // As far as it reaches when the reading begins: what others add meanwhile does not keep it going.
    const last = await this.read((sql) => {
      const collection = sql.collection.get(this.storeId, model);
      return collection === undefined ? undefined : sql.lastPlace.get(collection);
    });
    if (last === undefined) return;
    const size = Math.min(pageSize, CHUNK);
    for (let after = 0; after < last;) {
      const page = await this.read((sql) => {
        // Looked up for each page: somebody may have cleared the store.
        const collection = sql.collection.get(this.storeId, model);
        const records = collection === undefined ? [] : sql.page.all(collection, after, last, size);
        const [end] = records.at(-1) ?? [];
        if (collection === undefined || end === undefined) return undefined;
        return { records, end: sql.place.get(collection, end) ?? last };
      });
      if (page === undefined) return;
      after = page.end;
      yield page.records.map(([uid, value]) => this.decode(model, uid, value));
    }
  }

  protected override async countRecords(model: string): Promise<number> {
    return this.connection.read(String(this), (sql) => sql.count.get(this.storeId, model) ?? 0, 'one');
  }

  protected override async countAllRecords(): Promise<ReadonlyMap<string, number>> {
    const counts = await this.connection.read(String(this), (sql) => sql.counts.all(this.storeId), 'one');
    return new Map(counts.map(({ model, objects }) => [model, objects]));
  }

  protected override async insertRecords(
    model: string,
    records: readonly ModelRecord[],
  ): Promise<(ModelRecord | undefined)[]> {
    const inTheWay: (ModelRecord | undefined)[] = [];
    while (inTheWay.length < records.length) {
      const chunk = chunkOf(records, inTheWay.length);
      const there = await this.write((sql) => this.insertChunk(sql, model, chunk));
      for (const [at, text] of there.entries()) {
        const item = chunk[at] as Item;
        // Nobody need decode it to see that it is equal.
        if (text === item.text) inTheWay.push(records[inTheWay.length]);
        else inTheWay.push(text === undefined ? undefined : this.decode(model, item.uid, text));
      }
    }
    return inTheWay;
  }

  protected override async putRecords(model: string, records: readonly ModelRecord[]): Promise<void> {
    for (let at = 0; at < records.length;) {
      const chunk = chunkOf(records, at);
      await this.write((sql) => this.putChunk(sql, model, chunk));
      at += chunk.length;
    }
  }

  protected override async modifyRecords(model: string, uids: readonly string[], change: RecordChange): Promise<void> {
    for (let at = 0; at < uids.length;) {
      const from = at;
      at += await this.write((sql) => this.modifyChunk(sql, model, uids, from, change));
    }
  }

  protected override async deleteRecords(model: string, uids: readonly string[]): Promise<boolean[]> {
    const present: boolean[] = [];
    while (present.length < uids.length) {
      const chunk = uids.slice(present.length, present.length + CHUNK);
      present.push(...(await this.write((sql) => this.deleteChunk(sql, model, chunk))));
    }
    return present;
  }

  protected override saveTogether(changes: readonly ModelChanges[]): Promise<readonly InsertConflict[]> {
    return this.write((sql) =>
      changes.flatMap(({ model, replaced, inserts, puts, modified, change, removed }) => {
        this.deleteChunk(sql, model, replaced);
        const there = this.insertChunk(sql, model, inserts.map(itemOf));
        this.putChunk(sql, model, puts.map(itemOf));
        for (let at = 0; at < modified.length;) at += this.modifyChunk(sql, model, modified, at, change);
        this.deleteChunk(sql, model, removed);
        return inserts.flatMap((record, at): InsertConflict[] => {
          const text = there[at];
          return text === undefined ? [] : [{ model, record, existing: this.decode(model, record.uid, text) }];
        });
      }),
    );
  }

  /** One step takes all of it away; the room is freed after it, little by little, also what a process that ended had left. */
  protected override async clearRecords(): Promise<void> {
    await this.write((sql) => sql.clear.run(this.storeId));
    const purge = (sql: SqliteStatements): boolean => {
      const collection = sql.cleared.get();
      if (collection === undefined) return false;
      if (sql.purge.run(collection, CHUNK).changes < CHUNK) sql.removeCollection.run(collection);
      return true;
    };
    while (await this.write(purge));
  }

  // ---- Steps. They run in a transaction.

  /** Of the unique ids from this position on, as many as fit into a step. */
  private textsOf(sql: SqliteStatements, model: string, uids: readonly string[], from: number): (string | undefined)[] {
    const collection = sql.collection.get(this.storeId, model);
    const texts: (string | undefined)[] = [];
    for (let chars = 0; from + texts.length < uids.length && texts.length < CHUNK && chars < CHUNK_CHARS;) {
      const uid = uids[from + texts.length] as string;
      const text = collection === undefined ? undefined : sql.get.get(collection, uid);
      texts.push(text);
      chars += text?.length ?? 0;
    }
    return texts;
  }

  /** @returns by position, the text that was in the way. */
  private insertChunk(sql: SqliteStatements, model: string, items: readonly Item[]): (string | undefined)[] {
    if (items.length === 0) return [];
    const collection = this.collectionOf(sql, model);
    let added = 0;
    const there = items.map(({ uid, text }) => {
      const { changes } = sql.insert.run(collection, uid, text);
      added += changes;
      return changes === 0 ? sql.get.get(collection, uid) : undefined;
    });
    if (added > 0) sql.addToCount.run(added, collection);
    return there;
  }

  private putChunk(sql: SqliteStatements, model: string, items: readonly Item[]): void {
    if (items.length === 0) return;
    const collection = this.collectionOf(sql, model);
    let added = 0;
    for (const { uid, text } of items) {
      if (sql.replace.run(text, collection, uid).changes === 0) added += sql.insert.run(collection, uid, text).changes;
    }
    if (added > 0) sql.addToCount.run(added, collection);
  }

  /** @returns how many unique ids from this position on it has dealt with. */
  private modifyChunk(
    sql: SqliteStatements,
    model: string,
    uids: readonly string[],
    from: number,
    change: RecordChange,
  ): number {
    const collection = sql.collection.get(this.storeId, model);
    const texts = this.textsOf(sql, model, uids, from);
    for (const [at, text] of texts.entries()) {
      const uid = uids[from + at] as string;
      const next = change(uid, text === undefined ? undefined : this.decode(model, uid, text));
      if (collection === undefined || text === undefined || next === undefined) continue;
      sql.replace.run(encodeRecord(next), collection, uid);
    }
    return texts.length;
  }

  private deleteChunk(sql: SqliteStatements, model: string, uids: readonly string[]): boolean[] {
    const collection = sql.collection.get(this.storeId, model);
    if (collection === undefined) return uids.map(() => false);
    let removed = 0;
    const present = uids.map((uid) => {
      const { changes } = sql.remove.run(collection, uid);
      removed += changes;
      return changes === 1;
    });
    if (removed > 0) sql.addToCount.run(-removed, collection);
    return present;
  }

  /** Made where it is not there. */
  private collectionOf(sql: SqliteStatements, model: string): number {
    return sql.collection.get(this.storeId, model) ?? (sql.addCollection.get(this.storeId, model) as number);
  }

  private decode(model: string, uid: string, text: string): ModelRecord {
    try {
      return decodeRecord(uid, text);
    } catch (error) {
      throw new ObjectStoreException(
        `${String(this)} at ${this.connection.path}: the value of ${model} "${uid}" is no stored object`,
        { code: 'STORE_CORRUPT', cause: error },
      );
    }
  }

  private read<T>(step: (sql: SqliteStatements) => T): Promise<T> {
    return this.connection.read(String(this), step);
  }

  private write<T>(step: (sql: SqliteStatements) => T): Promise<T> {
    return this.connection.write(String(this), step);
  }
}

/** A record as it is to be kept. */
interface Item {
  readonly uid: string;
  readonly text: string;
}

function itemOf(record: ModelRecord): Item {
  return { uid: record.uid, text: encodeRecord(record) };
}

/** As many of the records from this position on as fit into a step. */
function chunkOf(records: readonly ModelRecord[], from: number): Item[] {
  const items: Item[] = [];
  for (let chars = 0; from + items.length < records.length && items.length < CHUNK && chars < CHUNK_CHARS;) {
    const record = records[from + items.length] as ModelRecord;
    const item = itemOf(record);
    items.push(item);
    chars += item.text.length;
  }
  return items;
}
