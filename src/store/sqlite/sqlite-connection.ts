import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { ObjectStoreException } from '../../errors.js';
import { BACKOFF, backoffDelay } from '../../async/backoff.js';
import { yieldIfDue } from '../../async/event-loop.js';
import { SerialQueue } from '../../async/serial-queue.js';
import { exceptionOf, isBusy, openExceptionOf } from './sqlite-errors.js';
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
  close(): void;
  /** Identifies the file, whatever its name is now. */
  readonly inode: number | undefined;
}

/** One database connection that several stores share: opened by the first, closed by the last. */
export class SqliteConnection {
  /** The file; undefined for a database in memory. */
  readonly address: string | undefined;
  readonly path: string;
  private readonly timeout: number;
  private readonly readonly: boolean;
  private opened: Opened | undefined;
  private connecting: Promise<void> | undefined;
  private users = 0;
  /** Writes that wait for a lock of another process. Later writes queue behind them, so that the order stays. */
  private readonly lockedWrites = new SerialQueue();

  constructor({ path, readonly = false, timeout = DEFAULT_TIMEOUT_MS }: SqliteStoreOptions) {
    this.path = path === MEMORY ? path : resolve(path);
    this.address = path === MEMORY ? undefined : this.path;
    this.timeout = timeout;
    this.readonly = readonly;
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

  release(): void {
    if (--this.users > 0) return;
    this.opened?.close();
    this.opened = undefined;
  }

  /**
   * Reads by a single query, or by several that see one state of the file.
   * @throws {ObjectStoreException} (STORE_TIMEOUT, STORE_CORRUPT, …) by SQLite's code.
   */
  async read<T>(store: string, queries: SqliteQueries<T>, count: 'one' | 'several' = 'several'): Promise<T> {
    for (let next = yieldIfDue(); next !== undefined; next = yieldIfDue()) await next;
    const opened = this.openedFor(store);
    const run = count === 'one' ? (): T => queries(opened.sql) : (): T => opened.snapshot(() => queries(opened.sql));
    try {
      return run();
    } catch (error) {
      if (!isBusy(error)) throw this.exception(store, error);
      return await this.retry(store, run, performance.now() + this.timeout);
    }
  }

  /**
   * Writes in one transaction; transactions run in the order of the calls.
   * @throws {ObjectStoreException} (STORE_TIMEOUT) when another process keeps the file locked. Errors of `queries` that are
   *   not SQLite's are thrown as they are.
   */
  async write<T>(store: string, queries: SqliteQueries<T>): Promise<T> {
    for (let next = yieldIfDue(); next !== undefined; next = yieldIfDue()) await next;
    const opened = this.openedFor(store);
    const run = (): T => opened.transaction(() => queries(opened.sql));
    if (!this.lockedWrites.isIdle) return this.enqueue(store, run);
    try {
      return run();
    } catch (error) {
      if (!isBusy(error)) throw this.exception(store, error);
      return await this.enqueue(store, run);
    }
  }

  /** @throws {ObjectStoreException} (STORE_UNAVAILABLE) when the path no longer leads to the opened file. */
  checkFile(store: string): void {
    if (this.address === undefined || inodeOf(this.path) === this.openedFor(store).inode) return;
    throw new ObjectStoreException(
      `${this.where(store)}: the file was removed or replaced while it was open: what is written now is lost; start again`,
      { code: 'STORE_UNAVAILABLE' },
    );
  }

  private async connect(store: string): Promise<void> {
    if (this.opened !== undefined) return;
    try {
      this.opened = await retryWhileLocked(() => this.openFile(store), performance.now() + this.timeout);
    } catch (error) {
      throw this.exception(store, error);
    }
  }

  private openFile(store: string): Opened {
    const db = this.openDatabase(store);
    try {
      // A file of unknown origin may hold views and triggers.
      db.pragma('trusted_schema = OFF');
      migrate(db, this.where(store), this.readonly);
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
        close: () => void db.close(),
        inode: inodeOf(this.path),
      };
    } catch (error) {
      db.close();
      throw error;
    }
  }

  private openDatabase(store: string): Database.Database {
    const { path, readonly } = this;
    try {
      return new Database(path, { readonly, fileMustExist: readonly, timeout: BLOCKING_WAIT_MS });
    } catch (error) {
      throw openExceptionOf(this.where(store), path, error);
    }
  }

  private openedFor(store: string): Opened {
    if (this.opened === undefined) throw new ObjectStoreException(`${store} is closed`, { code: 'STORE_CLOSED' });
    return this.opened;
  }

  private enqueue<T>(store: string, run: () => T): Promise<T> {
    const deadline = performance.now() + this.timeout;
    return this.lockedWrites.run(() => this.retry(store, run, deadline));
  }

  private async retry<T>(store: string, run: () => T, deadline: number): Promise<T> {
    try {
      return await retryWhileLocked(run, deadline);
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
async function retryWhileLocked<T>(run: () => T, deadline: number): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
    }
    await setTimeout(backoffDelay(attempt, BACKOFF.locked));
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
