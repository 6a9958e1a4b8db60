import { encodeRecord } from '../../record/record-codec.js';
import type { ModelRecord } from '../../record/model-record.js';
import type { RecordChange } from '../store-backend.js';
import { isLogged, logChanges } from './sqlite-changes.js';
import type { RecordWrites, SqliteStatements } from './sqlite-statements.js';

/** Objects, and characters of their JSON text, in one transaction: more would block the event loop and other processes. */
export const CHUNK = 500;
const CHUNK_CHARS = 256 * 1024;

/** A record as its row stores it. */
export interface StoredItem {
  readonly uid: string;
  readonly json: string;
}

export function itemOf(record: ModelRecord): StoredItem {
  return { uid: record.uid, json: encodeRecord(record) };
}

/** Encodes as many records, from an index on, as fit into one transaction. */
export function chunkOf(records: readonly ModelRecord[], from: number): StoredItem[] {
  const items: StoredItem[] = [];
  for (let chars = 0; from + items.length < records.length && items.length < CHUNK && chars < CHUNK_CHARS;) {
    const record = records[from + items.length] as ModelRecord;
    const item = itemOf(record);
    items.push(item);
    chars += item.json.length;
  }
  return items;
}

/** Reads the JSON texts of as many unique ids, from an index on, as fit into one transaction. */
export function readChunk(
  sql: SqliteStatements,
  collection: number | undefined,
  uids: readonly string[],
  from: number,
): (string | undefined)[] {
  const values: (string | undefined)[] = [];
  for (let chars = 0; from + values.length < uids.length && values.length < CHUNK && chars < CHUNK_CHARS;) {
    const uid = uids[from + values.length] as string;
    const json = collection === undefined ? undefined : sql.get.get(collection, uid);
    values.push(json);
    chars += json?.length ?? 0;
  }
  return values;
}

/** A unique id that has a record, and where that stands in the order of insertion. */
export interface Placed {
  readonly uid: string;
  readonly place: number;
}

/** Returns those of the unique ids that have a record. */
export function placesOf(sql: SqliteStatements, storeId: string, model: string, uids: readonly string[]): Placed[] {
  const collection = sql.collection.get(storeId, model);
  if (collection === undefined) return [];
  return uids.flatMap((uid) => {
    const place = sql.position.get(collection, uid);
    return place === undefined ? [] : [{ uid, place }];
  });
}

/** Writes to one model in one transaction. `finish` ends it: it counts and logs what the others wrote. */
export class ModelWriter {
  private readonly records: RecordWrites;
  private readonly logged: boolean;
  private collection: number | undefined;
  private added = 0;
  /** The unique ids of what was written, where the file keeps a log. */
  private readonly written: string[] = [];

  /** @param decode - makes the record of a stored JSON text. */
  constructor(
    private readonly sql: SqliteStatements,
    private readonly storeId: string,
    private readonly model: string,
    private readonly decode: (model: string, uid: string, json: string) => ModelRecord,
  ) {
    this.logged = isLogged(sql);
    this.records = this.logged ? sql.loggedRecords : sql.records;
    this.collection = sql.collection.get(storeId, model);
  }

  /** Inserts each record whose unique id is free. @returns by position, the JSON text that had the unique id already. */
  insert(items: readonly StoredItem[]): (string | undefined)[] {
    if (items.length === 0) return [];
    const collection = this.collectionForWrites();
    const { insert } = this.records;
    const existing = items.map(({ uid, json }) =>
      insert.run(collection, uid, json).changes === 1 ? undefined : this.sql.get.get(collection, uid),
    );
    const inserted = items.filter((_, at) => existing[at] === undefined);
    this.added += inserted.length;
    this.note(inserted.map(({ uid }) => uid));
    return existing;
  }

  put(items: readonly StoredItem[]): void {
    if (items.length === 0) return;
    const collection = this.collectionForWrites();
    const { insert, replace } = this.records;
    for (const { uid, json } of items) {
      if (replace.run(json, collection, uid).changes === 0) this.added += insert.run(collection, uid, json).changes;
    }
    this.note(items.map(({ uid }) => uid));
  }

  /** Modifies records from an index on. @returns the number of unique ids that fitted into the transaction. */
  modify(uids: readonly string[], from: number, change: RecordChange): number {
    const { collection } = this;
    const values = readChunk(this.sql, collection, uids, from);
    const modified: string[] = [];
    for (const [index, json] of values.entries()) {
      const uid = uids[from + index] as string;
      const next = change(uid, json === undefined ? undefined : this.decode(this.model, uid, json));
      if (collection === undefined || json === undefined || next === undefined) continue;
      this.records.replace.run(encodeRecord(next), collection, uid);
      modified.push(uid);
    }
    this.note(modified);
    return values.length;
  }

  /** @returns by position, whether there was a record to delete. */
  delete(uids: readonly string[]): boolean[] {
    const { collection } = this;
    if (collection === undefined) return uids.map(() => false);
    const { remove } = this.records;
    const present = uids.map((uid) => remove.run(collection, uid).changes === 1);
    const removed = uids.filter((_, at) => present[at]);
    this.added -= removed.length;
    this.note(removed);
    return present;
  }

  finish(): void {
    const { sql, collection, added, written } = this;
    if (collection === undefined) return;
    if (added !== 0) sql.addToCount.run(added, collection);
    if (written.length > 0) logChanges(sql, collection, written);
  }

  private note(uids: readonly string[]): void {
    if (this.logged) for (const uid of uids) this.written.push(uid);
  }

  /** Returns the id of the model of this store, and creates it where there is none. */
  private collectionForWrites(): number {
    return (this.collection ??= this.sql.addCollection.get(this.storeId, this.model) as number);
  }
}
