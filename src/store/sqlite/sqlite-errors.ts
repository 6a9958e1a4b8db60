import { closeSync, openSync, statSync } from 'node:fs';
import type { SqliteError } from 'better-sqlite3';
import { ObjectStoreException, type StoreErrorCode } from '../../errors.js';

/** The code of a failed query, and what to do about it. */
type Failure = readonly [code: StoreErrorCode, text: string];

/** Failures by SQLite's code. Of an extended code that is not listed, the longest listed prefix applies. */
const FAILURES: Readonly<Record<string, Failure>> = {
  SQLITE_BUSY: ['STORE_TIMEOUT', 'another process kept the file locked for longer than "timeout"'],
  SQLITE_PROTOCOL: ['STORE_TIMEOUT', 'other processes kept the file locked for longer than "timeout"'],
  SQLITE_READONLY: ['STORE_READ_ONLY', 'the file or its folder may not be written, or the store was opened "readonly"'],
  SQLITE_READONLY_DBMOVED: ['STORE_UNAVAILABLE', 'the file was moved or removed while it was open'],
  SQLITE_FULL: ['STORE_FULL', 'there is no room left: free some on the disk; nothing of this step was written'],
  SQLITE_CORRUPT: [
    'STORE_CORRUPT',
    'the file is damaged: restore it from a backup, or try ".recover" of the sqlite3 tool',
  ],
  SQLITE_NOTADB: ['STORE_WRONG_DATABASE', 'the file is no SQLite database, or an encrypted one'],
  SQLITE_CANTOPEN: ['STORE_UNAVAILABLE', 'the file cannot be opened'],
  SQLITE_PERM: ['STORE_PERMISSION', 'the operating system does not allow it'],
  SQLITE_NOMEM: ['STORE_OUT_OF_MEMORY', 'this process has no memory left'],
  SQLITE_IOERR: ['STORE_UNAVAILABLE', 'the disk has failed'],
};

/** Whether another process has locked the file. */
export function isBusy(error: unknown): boolean {
  return isSqliteError(error) && /^SQLITE_(BUSY|PROTOCOL)/.test(error.code);
}

/**
 * Returns an ObjectStoreException for an error of SQLite, and any other error as it is.
 * @param where - begins the message.
 */
export function exceptionOf(where: string, error: unknown): unknown {
  if (!isSqliteError(error)) return error;
  const [code, text] = failureOf(error.code);
  return new ObjectStoreException(`${where}: ${text} (${error.message})`, { code, cause: error });
}

/** Returns the error for a database that could not be opened. */
export function openExceptionOf(where: string, path: string, error: unknown): ObjectStoreException {
  // The driver throws a TypeError for a missing folder, and the loader of its binary throws plain errors.
  const [code, text] = isSqliteError(error) || error instanceof TypeError ? obstacleAt(path) : UNBUILT;
  return new ObjectStoreException(`${where}: ${text} (${(error as Error).message})`, { code, cause: error });
}

/** Returns the error for a database that was opened, and whose tables could not be reached; one of another kind as it is. */
export function setUpExceptionOf(where: string, error: unknown, readonly: boolean): unknown {
  if (!isSqliteError(error)) return error;
  const isReadOnly = readonly && error.code.startsWith('SQLITE_READONLY');
  const failure = isReadOnly ? NO_LOG : SET_UP_FAILURES[error.code];
  // The busy are tried again, by their code.
  if (failure === undefined) return error;
  const [code, text] = failure;
  return new ObjectStoreException(`${where}: ${text} (${error.message})`, { code, cause: error });
}

const WITHOUT_TABLES: Failure = [
  'STORE_CORRUPT',
  'the file is marked as one of this package, and its tables are not: restore it from a backup, or choose another path',
];

const NO_LOG: Failure = [
  'STORE_PERMISSION',
  'SQLite keeps a "-wal" and a "-shm" beside the file, for readers too, and cannot make them: let this user write to the ' +
    'folder, or copy the file to one where that is so',
];

/** Failures of an opened file, by SQLite's code, that mean something else later. */
const SET_UP_FAILURES: Readonly<Record<string, Failure>> = {
  SQLITE_ERROR: WITHOUT_TABLES,
  SQLITE_CANTOPEN: NO_LOG,
};

/** By its name: where modules are loaded anew, as in each file of a jest run, the driver's binary keeps its first class. */
function isSqliteError(error: unknown): error is InstanceType<typeof SqliteError> {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  return name === 'SqliteError' && typeof code === 'string';
}

const UNBUILT: Failure = [
  'STORE_PACKAGE_MISSING',
  'the package "better-sqlite3" has no binary for this version of Node: npm rebuild better-sqlite3',
];

function failureOf(sqliteCode: string): Failure {
  for (let code = sqliteCode; code !== ''; code = code.slice(0, Math.max(0, code.lastIndexOf('_')))) {
    const failure = FAILURES[code];
    if (failure !== undefined) return failure;
  }
  return ['STORE_FAILED', 'SQLite has failed'];
}

function obstacleAt(path: string): Failure {
  try {
    if (statSync(path).isDirectory()) return ['STORE_WRONG_DATABASE', 'this is a directory, not a file'];
    closeSync(openSync(path, 'r'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') {
      return ['STORE_PERMISSION', 'this user may not read the file: change its owner or its mode'];
    }
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      return ['STORE_UNAVAILABLE', 'it is not there and cannot be made: see that its folder exists and may be written'];
    }
  }
  return ['STORE_UNAVAILABLE', 'the file cannot be opened: see that its folder may be written'];
}
