/** A prepared statement, by what is asked of it here: what is public may not name the types of an optional package. */
export interface Query<Parameters extends unknown[], Result> {
  get(...parameters: Parameters): Result | undefined;
  all(...parameters: Parameters): Result[];
  run(...parameters: Parameters): { readonly changes: number };
}

export interface Preparer {
  /** For a query whose results are rows, or that has none. */
  rows<Parameters extends unknown[], Row = never>(sql: string): Query<Parameters, Row>;
  /** For a query whose results are lists of columns, which cost less than rows. */
  lists<Parameters extends unknown[], Columns extends unknown[]>(sql: string): Query<Parameters, Columns>;
  /** For a query of one column. */
  values<Parameters extends unknown[], Value>(sql: string): Query<Parameters, Value>;
}

/** A record as it is kept. */
export type StoredRecord = [uid: string, value: string];

type Model = [storeId: string, model: string];
/** `collection` is the id of a model of a store. */
type Place = [collection: number, uid: string];

export type SqliteStatements = ReturnType<typeof prepareStatements>;

/** Every query of a store. */
export function prepareStatements({ rows, lists, values }: Preparer) {
  return {
    probe: values<[], number>('SELECT count(*) FROM collections WHERE id = 0'),

    collection: values<Model, number>('SELECT id FROM collections WHERE store_id = ? AND model = ?'),
    addCollection: values<Model, number>('INSERT INTO collections (store_id, model) VALUES (?, ?) RETURNING id'),
    /** In the same transaction as the records that it counts. */
    addToCount: rows<[added: number, collection: number]>('UPDATE collections SET objects = objects + ? WHERE id = ?'),
    count: values<Model, number>('SELECT objects FROM collections WHERE store_id = ? AND model = ?'),
    counts: rows<[storeId: string], { readonly model: string; readonly objects: number }>(
      'SELECT model, objects FROM collections WHERE store_id = ? AND objects > 0',
    ),

    /** For a single read, which is in one state of the file without a transaction. */
    find: values<[...Model, uid: string], string>(
      'SELECT value FROM collections JOIN records ON collection = id WHERE store_id = ? AND model = ? AND uid = ?',
    ),
    get: values<Place, string>('SELECT value FROM records WHERE collection = ? AND uid = ?'),
    lastPlace: values<[collection: number], number>(
      'SELECT place FROM records WHERE collection = ? ORDER BY place DESC LIMIT 1',
    ),
    place: values<Place, number>('SELECT place FROM records WHERE collection = ? AND uid = ?'),
    page: lists<[collection: number, after: number, last: number, size: number], StoredRecord>(
      'SELECT uid, value FROM records WHERE collection = ? AND place > ? AND place <= ? ORDER BY place LIMIT ?',
    ),
    insert: rows<[...Place, value: string]>(
      'INSERT INTO records (collection, uid, value) VALUES (?, ?, ?) ON CONFLICT (collection, uid) DO NOTHING',
    ),
    replace: rows<[value: string, ...Place]>('UPDATE records SET value = ? WHERE collection = ? AND uid = ?'),
    remove: rows<Place>('DELETE FROM records WHERE collection = ? AND uid = ?'),

    clear: rows<[storeId: string]>('UPDATE collections SET store_id = NULL WHERE store_id = ?'),
    cleared: values<[], number>('SELECT id FROM collections WHERE store_id IS NULL LIMIT 1'),
    purge: rows<[collection: number, size: number]>(
      'DELETE FROM records WHERE place IN (SELECT place FROM records WHERE collection = ? LIMIT ?)',
    ),
    removeCollection: rows<[collection: number]>('DELETE FROM collections WHERE id = ?'),
  };
}
