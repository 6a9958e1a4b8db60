import { KEPT_CHANGES, type ChangesSince } from '../change-log.js';
import { LOGGED_FORMAT } from './sqlite-schema.js';
import type { SqliteStatements } from './sqlite-statements.js';

/** The log is shortened once in so many unique ids. */
const TRIMMED_EVERY = 1024;
/** Rows of the log that one transaction reads. */
const ROWS_AT_ONCE = 50;

/** Whether the file keeps a log. Asked in each transaction: another process may have upgraded the file since the last one. */
export function isLogged(sql: SqliteStatements): boolean {
  return (sql.format.get() ?? 0) >= LOGGED_FORMAT;
}

/** Logs what a transaction has written to a model, in that transaction, after the objects are counted. */
export function logChanges(sql: SqliteStatements, collection: number, uids: readonly string[]): void {
  const { changes } = sql;
  const isTooLong = uids.length > KEPT_CHANGES && uids.length > (changes.kept.get(collection) ?? 0);
  const before = changes.number.get(collection) ?? 0;
  const number = before + uids.length;
  changes.add.run(collection, number, isTooLong ? null : JSON.stringify(uids));
  if (Math.floor(before / TRIMMED_EVERY) === Math.floor(number / TRIMMED_EVERY)) return;
  changes.trim.run(collection, number - (changes.kept.get(collection) ?? 0));
}

/** Reads in a transaction. */
type Read = <T>(queries: (sql: SqliteStatements) => T, signal?: AbortSignal) => Promise<T>;

/** What a model's log is asked for: the rows after the one of a cursor, up to the last one. */
interface Part {
  readonly collection: number;
  /** The number of the cursor; undefined for a cursor that names no state of this model. */
  readonly from: number | undefined;
  readonly end: number;
  /** Of the end. */
  readonly cursor: string;
}

/** Returns what was written to a model since a cursor. */
export async function readChanges(
  read: Read,
  storeId: string,
  model: string,
  cursor: string | undefined,
  signal?: AbortSignal,
): Promise<ChangesSince> {
  const part = await read((sql) => partOf(sql, storeId, model, cursor), signal);
  if (part === undefined) return { cursor: undefined, uids: undefined };
  if (part.from === undefined) return { cursor: part.cursor, uids: undefined };
  const uids = new Set<string>();
  let logged = 0;
  for (let after = part.from; after < part.end;) {
    const rows = await read((sql) => sql.changes.page.all(part.collection, after, part.end, ROWS_AT_ONCE), signal);
    // Dropped since the transaction before.
    if (rows.length === 0) break;
    for (const [number, text] of rows) {
      for (const uid of JSON.parse(text ?? '[]') as string[]) {
        uids.add(uid);
        logged++;
      }
      after = number;
    }
  }
  // Fewer than have been numbered: a part of the log was dropped.
  return { cursor: part.cursor, uids: logged === part.end - part.from ? [...uids] : undefined };
}

/** Returns undefined where the file keeps no log. */
function partOf(sql: SqliteStatements, storeId: string, model: string, cursor: string | undefined): Part | undefined {
  if (!isLogged(sql)) return undefined;
  const { changes } = sql;
  const collection = sql.collection.get(storeId, model) ?? NO_COLLECTION;
  const start = `0 ${changes.start.get(storeId)} ${model} ${storeId}`;
  const [end, stamp] = changes.last.get(collection) ?? [0];
  return {
    collection,
    from: cursor === start ? 0 : numberOf(sql, collection, cursor),
    end,
    cursor: stamp === undefined ? start : `${end} ${stamp}`,
  };
}

/** Of a model that no object was ever added to. */
const NO_COLLECTION = 0;

/** Returns the number of the row that a cursor names; undefined where there is none. */
function numberOf(sql: SqliteStatements, collection: number, cursor: string | undefined): number | undefined {
  const [text, stamp] = cursor?.split(' ') ?? [];
  const number = Number(text);
  return stamp !== undefined && sql.changes.stamp.get(collection, number) === stamp ? number : undefined;
}
