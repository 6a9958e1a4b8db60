import { statSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import { ObjectStoreException } from '../../errors.js';
import { BACKOFF, backoffDelay } from '../../async/backoff.js';
import { yieldIfDue } from '../../async/event-loop.js';
import { SerialQueue } from '../../async/serial-queue.js';
import { loadDriver, type Driver } from './sqlite-driver.js';
import { exceptionOf, isBusy, openExceptionOf, setUpExceptionOf } from './sqlite-errors.js';
import { DEFAULT_TIMEOUT_MS, MEMORY, type SqliteStoreOptions } from './sqlite-options.js';
import { migrate } from './sqlite-schema.js';
import { prepareStatements, type SqliteStatements } from './sqlite-statements.js';

/** Milliseconds that SQLite itself waits for a lock, which blocks the event loop. */
const BLOCKING_WAIT_MS = 2;

/** The queries of one transaction: synchronous, so that no other query of this process comes between them. */
export type SqliteQueries<T> = (sql: SqliteStatements) => T;

interface Opened {
  readonly sql: SqliteStatements;
  /** Runs queries in a read transaction: all of them see one state of the file. */
  snapshot<T>(queries: () => T): T;
  /** Runs queries in a write transaction: all of them take effect, or none. */
  transaction<T>(queries: () => T): T;
  /** Writes what only the write-ahead log holds into the file. */
  saveLog(): void;
  close(): void;
  /** Which files the path leads to. */
  readonly files: FileIdentity;
}

/** Identifies the file and its log, whatever their names are now. Undefined: it is not there. */
interface FileIdentity {
  readonly device: number | undefined;
  readonly inode: number | undefined;
  /** Of the write-ahead log; undefined where none is written. */
  readonly log: number | undefined;
}

/** One database connection that several stores share: opened by the first, closed by the last. */
export class SqliteConnection {
  /** The file; undefined for a database in memory. */
  readonly address: string | undefined;
  readonly path: string;
  private readonly timeout: number;
  private readonly readonly: boolean;
  private readonly changeLog: boolean;
  private opened: Opened | undefined;
  private connecting: Promise<void> | undefined;
  private users = 0;
  /** The stores that a write has told of the loss of the file. */
  private readonly told = new Set<string>();
  /** Writes that wait for a lock of another process. Later writes queue behind them, so that the order stays. */
  private readonly lockedWrites = new SerialQueue();

  constructor({ path, readonly = false, changeLog = false, timeout = DEFAULT_TIMEOUT_MS }: SqliteStoreOptions) {
    this.path = path === MEMORY ? path : resolve(path);
    this.address = path === MEMORY ? undefined : this.path;
    this.timeout = timeout;
    this.readonly = readonly;
    this.changeLog = changeLog;
  }

  /** @param store - begins the message of an error. */
  async acquire(store: string): Promise<void> {
    // Counted before it waits: another store's release meanwhile must not close the connection that this one will use.
    this.users++;
    try {
      this.connecting ??= this.connect(store).finally(() => (this.connecting = undefined));
      await this.connecting;
    } catch (error) {
      this.users--;
      throw error;
    }
  }

  /**
   * @param store - begins the message of an error.
   * @throws {ObjectStoreException} (STORE_UNAVAILABLE) when the path no longer leads to the file that was written, and no write of
   * this store has said so yet; released all the same.
   */
  release(store: string): void {
    const { opened } = this;
    const lost = opened !== undefined && !this.readonly && this.isFileLost(opened);
    if (--this.users === 0) {
      this.opened = undefined;
      // What is in the log alone would be lost with it: its name no longer belongs to the file.
      if (lost) opened.saveLog();
      opened?.close();
    }
    if (!this.told.delete(store) && lost) throw this.fileLost(store);
  }

  /**
   * Reads by a single query, or by several that see one state of the file. Begins nothing once the signal is aborted.
   * @throws {ObjectStoreException} (STORE_TIMEOUT, STORE_CORRUPT, …) by SQLite's code.
   */
  async read<T>(
    store: string,
    queries: SqliteQueries<T>,
    signal?: AbortSignal,
    count: 'one' | 'several' = 'several',
  ): Promise<T> {
    const next = yieldIfDue();
    if (next !== undefined) await next;
    signal?.throwIfAborted();
    const opened = this.openedFor(store);
    const run = count === 'one' ? (): T => queries(opened.sql) : (): T => opened.snapshot(() => queries(opened.sql));
    try {
      return run();
    } catch (error) {
      if (!isBusy(error)) throw this.exception(store, error);
      return await this.retry(store, run, performance.now() + this.timeout, signal);
    }
  }

  /**
   * Writes in one transaction; transactions run in the order of the calls. Begins nothing once the signal is aborted.
   * @throws {ObjectStoreException} (STORE_TIMEOUT) when another process keeps the file locked. Errors of `queries` that are
   *   not SQLite's are thrown as they are.
   */
  async write<T>(store: string, queries: SqliteQueries<T>, signal?: AbortSignal): Promise<T> {
    const next = yieldIfDue();
    if (next !== undefined) await next;
    signal?.throwIfAborted();
    const opened = this.openedFor(store);
    const run = (): T => {
      if (this.isFileLost(opened)) {
        this.told.add(store);
        throw this.fileLost(store);
      }
      return opened.transaction(() => queries(opened.sql));
    };
    if (!this.lockedWrites.isIdle) return this.enqueue(store, run, signal);
    try {
      return run();
    } catch (error) {
      if (!isBusy(error)) throw this.exception(store, error);
      return await this.enqueue(store, run, signal);
    }
  }

  /** @throws {ObjectStoreException} (STORE_UNAVAILABLE) when the path no longer leads to the opened file. */
  checkFile(store: string): void {
    if (this.isFileLost(this.openedFor(store))) throw this.fileLost(store);
  }

  private isFileLost({ files }: Opened): boolean {
    if (this.address === undefined) return false;
    const now = filesAt(this.path, files.log !== undefined);
    return now.inode !== files.inode || now.device !== files.device || now.log !== files.log;
  }

  private fileLost(store: string): ObjectStoreException {
    return new ObjectStoreException(
      `${this.where(store)}: the file, or its "-wal", was moved, replaced or removed while it was open. What was written before is ` +
        `in the file that was opened, wherever it is now: put it back, or open the path again`,
      { code: 'STORE_UNAVAILABLE' },
    );
  }

  private async connect(store: string): Promise<void> {
    if (this.opened !== undefined) return;
    const driver = await loadDriver(store);
    try {
      this.opened = await retryWhileLocked(() => this.openFile(store, driver), performance.now() + this.timeout);
    } catch (error) {
      throw this.exception(store, error);
    }
  }

  private openFile(store: string, driver: Driver): Opened {
    const db = this.openDatabase(store, driver);
    try {
      // A file of unknown origin may hold views and triggers.
      db.pragma('trusted_schema = OFF');
      migrate(db, this.where(store), this.readonly, this.changeLog);
      const run = db.transaction((queries: () => unknown) => queries());
      return {
        sql: prepareStatements({
          rows: (text) => db.prepare(text),
          // `raw` and `pluck` change what a statement returns, not its type.
          lists: (text) => db.prepare(text).raw() as never,
          values: (text) => db.prepare(text).pluck() as never,
        }),
        snapshot: <T>(queries: () => T) => run.deferred(queries) as T,
        transaction: <T>(queries: () => T) => run.immediate(queries) as T,
        saveLog: () => void db.pragma('wal_checkpoint(PASSIVE)'),
        close: () => void db.close(),
        files: filesAt(this.path, !this.readonly),
      };
    } catch (error) {
      db.close();
      throw setUpExceptionOf(this.where(store), error, this.readonly);
    }
  }

  private openDatabase(store: string, driver: Driver): Database {
    const { path, readonly } = this;
    try {
      return new driver(path, { readonly, fileMustExist: readonly, timeout: BLOCKING_WAIT_MS });
    } catch (error) {
      throw openExceptionOf(this.where(store), path, error);
    }
  }

  private openedFor(store: string): Opened {
    if (this.opened === undefined) throw new ObjectStoreException(`${store} is closed`, { code: 'STORE_CLOSED' });
    return this.opened;
  }

  private enqueue<T>(store: string, run: () => T, signal: AbortSignal | undefined): Promise<T> {
    const deadline = performance.now() + this.timeout;
    return this.lockedWrites.run(() => this.retry(store, run, deadline, signal));
  }

  private async retry<T>(store: string, run: () => T, deadline: number, signal: AbortSignal | undefined): Promise<T> {
    try {
      return await retryWhileLocked(run, deadline, signal);
    } catch (error) {
      throw this.exception(store, error);
    }
  }

  private exception(store: string, error: unknown): unknown {
    return exceptionOf(this.where(store), error);
  }

  private where(store: string): string {
    return `${store} at ${this.path}`;
  }
}

/**
 * Calls `run` at once, and again with backoff while the file is locked, without blocking the event loop. p-retry would
 * refuse the driver's errors where modules are loaded anew, as in a jest run: see `isSqliteError`.
 * @throws the error of the last attempt, once the deadline is over.
 */
async function retryWhileLocked<T>(run: () => T, deadline: number, signal?: AbortSignal): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
    }
    await setTimeout(backoffDelay(attempt, BACKOFF.locked));
  }
}

/** @param withLog - whether the write-ahead log is looked at too. */
function filesAt(path: string, withLog: boolean): FileIdentity {
  const file = statusOf(path);
  return { device: file?.dev, inode: file?.ino, log: withLog ? statusOf(`${path}-wal`)?.ino : undefined };
}

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // The folder may not be entered any more: the path leads nowhere.
  }
}
