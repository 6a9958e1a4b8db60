import type { Database } from 'better-sqlite3';
import { ObjectStoreException } from '../../errors.js';
import { TEXTS } from './migrations/texts.js';

/** "DSNC": identifies files of this package. */
const APPLICATION_ID = 0x44534e43;

/** Append only. The `user_version` of a file is the number of migrations applied to it. */
const MIGRATIONS: readonly string[] = ['0001_records.sql', '0002_leases.sql', '0003_changes.sql'];
/** From this format on a file keeps a log of changes. It gets it where that is asked for: older versions refuse it. */
export const LOGGED_FORMAT = 3;
/** Files of this version and later can be read without a migration. */
const OLDEST_READABLE = 1;

/** The format of a file that may be a store. */
interface Format {
  /** How many migrations have been applied. */
  readonly version: number;
  readonly empty: boolean;
}

/**
 * Migrates an opened database to a format of this version, in one transaction.
 * @param where - begins the message of an error.
 * @param changeLog - whether the file is to keep a log of changes. One that does goes on with it.
 * @throws {ObjectStoreException} (STORE_WRONG_DATABASE, STORE_NEWER_FORMAT) for a database of another application, or one in
 *   a newer format.
 */
export function migrate(db: Database, where: string, readonly: boolean, changeLog: boolean): void {
  const format = changeLog ? LOGGED_FORMAT : LOGGED_FORMAT - 1;
  if (readonly) {
    const { version, empty } = checkedFormat(db, where);
    if (!empty && version >= OLDEST_READABLE) return;
    throw new ObjectStoreException(
      `${where}: it is kept in format ${version}, and needs a change to ${format}: open it once without "readonly"`,
      { code: 'STORE_READ_ONLY' },
    );
  }
  checkedFormat(db, where); // Before the first write: the file may belong to another application.
  db.pragma('journal_mode = WAL');
  // Also without a migration to apply: a file that may not be written fails here.
  db.transaction(() => {
    const { version } = checkedFormat(db, where);
    if (version >= format) return;
    for (const name of MIGRATIONS.slice(version, format)) {
      db.exec(TEXTS[name] ?? '');
    }
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${format}`);
  }).immediate();
}

/** @throws {ObjectStoreException} for a file that is neither a store nor free to become one. */
function checkedFormat(db: Database, where: string): Format {
  const pragma = (name: string): number => db.pragma(name, { simple: true }) as number;
  const owner = pragma('application_id');
  const version = pragma('user_version');
  const empty = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
  if (owner !== APPLICATION_ID && (owner !== 0 || !empty)) {
    throw new ObjectStoreException(`${where}: this is a database of another application: choose another path`, {
      code: 'STORE_WRONG_DATABASE',
    });
  }
  // Whatever version it names is not ours.
  if (owner !== APPLICATION_ID) return { version: 0, empty };
  if (version > MIGRATIONS.length) {
    throw new ObjectStoreException(
      `${where}: it is kept in format ${version}, and this version of nestjs-diffsync knows formats up to ` +
        `${MIGRATIONS.length}: update it`,
      { code: 'STORE_NEWER_FORMAT' },
    );
  }
  if (empty && version > 0) {
    throw new ObjectStoreException(
      `${where}: the tables of this store are gone: restore the file from a backup, or remove it to begin anew`,
      { code: 'STORE_CORRUPT' },
    );
  }
  return { version, empty };
}
