import { KEPT_CHANGES, KEPT_PART } from '../change-log.js';

/** A prepared statement. Public types may not name those of an optional package, so this one stands for the driver's. */
interface Query<Parameters extends unknown[], Result> {
  get(...parameters: Parameters): Result | undefined;
  all(...parameters: Parameters): Result[];
  run(...parameters: Parameters): { readonly changes: number };
}

export interface Preparer {
  /** Prepares a query that returns rows, or nothing. */
  rows<Parameters extends unknown[], Row = never>(sql: string): Query<Parameters, Row>;
  /** Prepares a query that returns rows as lists of columns, which cost less. */
  lists<Parameters extends unknown[], Columns extends unknown[]>(sql: string): Query<Parameters, Columns>;
  /** Prepares a query that returns one column. */
  values<Parameters extends unknown[], Value>(sql: string): Query<Parameters, Value>;
}

/** A stored record: its unique id and its JSON text. */
export type StoredRecord = [uid: string, value: string];

/** The lease of a store; without a token once it is released. */
export interface StoredLease {
  readonly fence: number;
  readonly token: string | null;
  readonly run_id: string | null;
  readonly started_by: string | null;
  readonly process: string | null;
  readonly since: string | null;
  readonly expires: number | null;
}

type Model = [storeId: string, model: string];
/** Identifies a stored record. `collection` is the id of a model of a store. */
type RecordKey = [collection: number, uid: string];

export type SqliteStatements = ReturnType<typeof prepareStatements>;

/** Every query of a store. */
export function prepareStatements(preparer: Preparer) {
  const { rows, lists, values } = preparer;
  let leases: ReturnType<typeof prepareLeases> | undefined;
  let changes: ReturnType<typeof prepareChanges> | undefined;
  let records: RecordWrites | undefined;
  let loggedRecords: RecordWrites | undefined;
  return {
    /** Prepared on first use: a file that is open for reads only may lack the table. */
    get leases() {
      return (leases ??= prepareLeases(preparer));
    },
    /** Of a file that keeps a log; prepared on first use. */
    get changes() {
      return (changes ??= prepareChanges(preparer));
    },
    /** Of a file that keeps no log. */
    get records() {
      return (records ??= prepareRecordWrites(preparer, 'records'));
    },
    /** Of a file that keeps a log. */
    get loggedRecords() {
      return (loggedRecords ??= prepareRecordWrites(preparer, 'logged_records'));
    },
    leaseTable: values<[], string>("SELECT name FROM sqlite_schema WHERE name = 'leases'"),

    probe: values<[], number>('SELECT count(*) FROM collections WHERE id = 0'),
    format: values<[], number>('PRAGMA user_version'),

    collection: values<Model, number>('SELECT id FROM collections WHERE store_id = ? AND model = ?'),
    addCollection: values<Model, number>('INSERT INTO collections (store_id, model) VALUES (?, ?) RETURNING id'),
    /** Runs in the same transaction as the inserts and deletes that it counts. */
    addToCount: rows<[added: number, collection: number]>('UPDATE collections SET objects = objects + ? WHERE id = ?'),
    count: values<Model, number>('SELECT objects FROM collections WHERE store_id = ? AND model = ?'),
    counts: rows<[storeId: string], { readonly model: string; readonly objects: number }>(
      'SELECT model, objects FROM collections WHERE store_id = ? AND objects > 0',
    ),

    collections: rows<[storeId: string], { readonly id: number; readonly model: string }>(
      'SELECT id, model FROM collections WHERE store_id = ? ORDER BY model',
    ),
    /** Compares the two numbers in one state of the file. */
    miscounted: values<[collection: number], number>(
      'WITH both AS MATERIALIZED (SELECT objects, (SELECT count(*) FROM records WHERE collection = id) AS counted ' +
        'FROM collections WHERE id = ?) SELECT counted FROM both WHERE counted <> objects',
    ),
    recount: rows<[collection: number]>(
      'UPDATE collections SET objects = (SELECT count(*) FROM records WHERE collection = id) WHERE id = ?',
    ),

    /** A single query sees one state of the file without a transaction. */
    find: values<[...Model, uid: string], string>(
      'SELECT value FROM collections JOIN records ON collection = id WHERE store_id = ? AND model = ? AND uid = ?',
    ),
    get: values<RecordKey, string>('SELECT value FROM records WHERE collection = ? AND uid = ?'),
    lastPosition: values<[collection: number], number>(
      'SELECT place FROM records WHERE collection = ? ORDER BY place DESC LIMIT 1',
    ),
    position: values<RecordKey, number>('SELECT place FROM records WHERE collection = ? AND uid = ?'),
    page: lists<[collection: number, after: number, last: number, size: number], StoredRecord>(
      'SELECT uid, value FROM records WHERE collection = ? AND place > ? AND place <= ? ORDER BY place LIMIT ?',
    ),
    uids: lists<[collection: number, after: number, last: number, size: number], [uid: string, place: number]>(
      'SELECT uid, place FROM records WHERE collection = ? AND place > ? AND place <= ? ORDER BY place LIMIT ?',
    ),

    clear: rows<[storeId: string]>('UPDATE collections SET store_id = NULL WHERE store_id = ?'),
    cleared: values<[], number>('SELECT id FROM collections WHERE store_id IS NULL LIMIT 1'),
    removeCollection: rows<[collection: number]>('DELETE FROM collections WHERE id = ?'),
  };
}

export type RecordWrites = ReturnType<typeof prepareRecordWrites>;

/** @param table - `records` is a view where the file keeps a log, so that no writer can leave it out. */
function prepareRecordWrites({ rows }: Preparer, table: 'records' | 'logged_records') {
  return {
    insert: rows<[...RecordKey, value: string]>(
      `INSERT INTO ${table} (collection, uid, value) VALUES (?, ?, ?) ON CONFLICT (collection, uid) DO NOTHING`,
    ),
    replace: rows<[value: string, ...RecordKey]>(`UPDATE ${table} SET value = ? WHERE collection = ? AND uid = ?`),
    remove: rows<RecordKey>(`DELETE FROM ${table} WHERE collection = ? AND uid = ?`),
    purge: rows<[collection: number, size: number]>(
      `DELETE FROM ${table} WHERE place IN (SELECT place FROM ${table} WHERE collection = ? LIMIT ?)`,
    ),
  };
}

function prepareChanges({ rows, lists, values }: Preparer) {
  return {
    add: rows<[collection: number, number: number, uids: string | null]>(
      'INSERT INTO changes VALUES (?, ?, lower(hex(randomblob(8))), ?)',
    ),
    number: values<[collection: number], number>('SELECT max(number) FROM changes WHERE collection = ?'),
    /** How many unique ids are kept. */
    kept: values<[collection: number], number>(
      `SELECT max(${KEPT_CHANGES}, CAST(objects * ${KEPT_PART} AS INTEGER)) FROM collections WHERE id = ?`,
    ),
    trim: rows<[collection: number, number: number]>('DELETE FROM changes WHERE collection = ? AND number <= ?'),
    last: lists<[collection: number], [number: number, stamp: string]>(
      'SELECT number, stamp FROM changes WHERE collection = ? ORDER BY number DESC LIMIT 1',
    ),
    stamp: values<[collection: number, number: number], string>(
      'SELECT stamp FROM changes WHERE collection = ? AND number = ?',
    ),
    page: lists<[collection: number, after: number, last: number, size: number], [number: number, uids: string | null]>(
      'SELECT number, uids FROM changes WHERE collection = ? AND number > ? AND number <= ? ORDER BY number LIMIT ?',
    ),
    start: values<[storeId: string], string>(
      "SELECT stamp FROM log_starts WHERE store_id IN (?, '') ORDER BY store_id DESC LIMIT 1",
    ),
    purge: rows<[collection: number, collection: number, size: number]>(
      'DELETE FROM changes WHERE collection = ? AND number IN (SELECT number FROM changes WHERE collection = ? LIMIT ?)',
    ),
  };
}

function prepareLeases({ rows }: Preparer) {
  return {
    find: rows<[storeId: string], StoredLease>('SELECT * FROM leases WHERE store_id = ?'),
    take: rows<
      [
        storeId: string,
        fence: number,
        token: string,
        runId: string,
        by: string,
        process: string,
        since: string,
        expires: number,
      ]
    >('INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    renew: rows<[expires: number, storeId: string, token: string]>(
      'UPDATE leases SET expires = max(expires, ?) WHERE store_id = ? AND token = ?',
    ),
    release: rows<[storeId: string, token: string]>('UPDATE leases SET token = NULL WHERE store_id = ? AND token = ?'),
  };
}
