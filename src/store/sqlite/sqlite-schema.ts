import { readFileSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { ObjectStoreException } from '../../errors.js';

/** "DSNC": identifies files of this package. */
const APPLICATION_ID = 0x44534e43;

/** Append only. The `user_version` of a file is the number of migrations applied to it. */
const MIGRATIONS: readonly string[] = ['0001_records.sql'];

/** The format of a file. */
interface Format {
  readonly version: number;
  readonly empty: boolean;
  readonly ours: boolean;
}

/**
 * Migrates an opened database to the format of this version, in one transaction.
 * @param where - begins the message of an error.
 * @throws {ObjectStoreException} (STORE_WRONG_DATABASE, STORE_NEWER_FORMAT) for a database of another application, or one in
 *   a newer format.
 */
export function migrate(db: Database, where: string, readonly: boolean): void {
  if (readonly) {
    const { version, empty } = checkedFormat(db, where);
    if (!empty && version === MIGRATIONS.length) return;
    throw new ObjectStoreException(
      `${where}: it is kept in format ${version}, and needs a change to ${MIGRATIONS.length}: open it once without "readonly"`,
      { code: 'STORE_READ_ONLY' },
    );
  }
  checkedFormat(db, where); // Before the first write: the file may belong to another application.
  db.pragma('journal_mode = WAL');
  // Also without a migration to apply: a file that may not be written fails here.
  db.transaction(() => {
    const { version } = checkedFormat(db, where);
    if (version === MIGRATIONS.length) return;
    for (const name of MIGRATIONS.slice(version)) {
      db.exec(readFileSync(new URL(`./migrations/${name}`, import.meta.url), 'utf8'));
    }
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
  }).immediate();
}

function checkedFormat(db: Database, where: string): Format {
  const format = formatOf(db);
  if (!format.ours && !format.empty) {
    throw new ObjectStoreException(`${where}: this is a database of another application: choose another path`, {
      code: 'STORE_WRONG_DATABASE',
    });
  }
  if (format.version > MIGRATIONS.length) {
    throw new ObjectStoreException(
      `${where}: it is kept in format ${format.version}, and this version of nestjs-diffsync knows formats up to ` +
        `${MIGRATIONS.length}: update it`,
      { code: 'STORE_NEWER_FORMAT' },
    );
  }
  return format;
}

function formatOf(db: Database): Format {
  const pragma = (name: string): number => db.pragma(name, { simple: true }) as number;
  return {
    version: pragma('user_version'),
    empty: db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0,
    ours: pragma('application_id') === APPLICATION_ID,
  };
}
