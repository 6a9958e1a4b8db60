import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { ObjectStoreException } from '../../errors.js';
import { yieldIfDue } from '../../async/event-loop.js';
import { exceptionOf, isBusy, openExceptionOf } from './sqlite-errors.js';
import { DEFAULT_TIMEOUT_MS, MEMORY, type SqliteStoreOptions } from './sqlite-options.js';
import { migrate } from './sqlite-schema.js';
import { prepareStatements, type SqliteStatements } from './sqlite-statements.js';

/** Milliseconds that SQLite itself waits for a lock, which keeps the event loop waiting too. */
const BLOCKING_WAIT_MS = 2;
const MAX_PAUSE_MS = 20;

/** One step of an operation: synchronous, so that nothing of this process comes between its queries. */
export type SqliteStep<T> = (sql: SqliteStatements) => T;

interface Opened {
  readonly sql: SqliteStatements;
  /** Runs a step that reads in one state of the file. */
  snapshot<T>(step: () => T): T;
  /** Runs a step that writes: all of it is done, or nothing. */
  transaction<T>(step: () => T): T;
  close(): void;
  /** Which file it is, whatever its name is now. */
  readonly inode: number | undefined;
}

/** One database connection for all the stores on it: opened by the first, closed by the last. */
export class SqliteConnection {
  /** The file; undefined for a database in memory. */
  readonly address: string | undefined;
  readonly path: string;
  private readonly timeout: number;
  private readonly readonly: boolean;
  private opened: Opened | undefined;
  private connecting: Promise<void> | undefined;
  private users = 0;
  /** The last of the writes that wait for another process: whoever comes later waits behind it. */
  private waiting: Promise<unknown> | undefined;

  constructor({ path, readonly = false, timeout = DEFAULT_TIMEOUT_MS }: SqliteStoreOptions) {
    this.path = path === MEMORY ? path : resolve(path);
    this.address = path === MEMORY ? undefined : this.path;
    this.timeout = timeout;
    this.readonly = readonly;
  }

  /** @param store begins the message of an error. */
  async acquire(store: string): Promise<void> {
    // Counted before it waits, so that another store's release meanwhile does not close what this one is about to use.
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

  /** Of a single query, or of several in one state of the file. @throws ObjectStoreException */
  async read<T>(store: string, step: SqliteStep<T>, queries: 'one' | 'several' = 'several'): Promise<T> {
    for (let next = yieldIfDue(); next !== undefined; next = yieldIfDue()) await next;
    const opened = this.openedFor(store);
    const run = queries === 'one' ? (): T => step(opened.sql) : (): T => opened.snapshot(() => step(opened.sql));
    try {
      return run();
    } catch (error) {
      if (!isBusy(error)) throw this.exception(store, error);
      return await this.retry(store, run, performance.now() + this.timeout);
    }
  }

  /**
   * All of the step or nothing, in the order of the calls.
   * @throws ObjectStoreException; STORE_TIMEOUT when another process keeps the file locked. What the step throws, as it is.
   */
  async write<T>(store: string, step: SqliteStep<T>): Promise<T> {
    for (let next = yieldIfDue(); next !== undefined; next = yieldIfDue()) await next;
    const opened = this.openedFor(store);
    const run = (): T => opened.transaction(() => step(opened.sql));
    if (this.waiting !== undefined) return this.waitBehind(this.waiting, store, run);
    try {
      return run();
    } catch (error) {
      if (!isBusy(error)) throw this.exception(store, error);
      return await this.waitBehind(Promise.resolve(), store, run);
    }
  }

  /** @throws ObjectStoreException (STORE_UNAVAILABLE) when the file's name leads to another one by now, or to none. */
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
      this.opened = await patiently(() => this.openFile(store), performance.now() + this.timeout);
    } catch (error) {
      throw this.exception(store, error);
    }
  }

  private openFile(store: string): Opened {
    const db = this.openDatabase(store);
    try {
      // A file from elsewhere may hold views and triggers of its own.
      db.pragma('trusted_schema = OFF');
      migrate(db, this.where(store), this.readonly);
      const run = db.transaction((step: () => unknown) => step());
      return {
        sql: prepareStatements({
          rows: (text) => db.prepare(text),
          // These change what a statement answers, not its type.
          lists: (text) => db.prepare(text).raw() as never,
          values: (text) => db.prepare(text).pluck() as never,
        }),
        snapshot: <T>(step: () => T) => run.deferred(step) as T,
        transaction: <T>(step: () => T) => run.immediate(step) as T,
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

  private waitBehind<T>(before: Promise<unknown>, store: string, run: () => T): Promise<T> {
    const deadline = performance.now() + this.timeout;
    const mine = before.then(() => this.retry(store, run, deadline));
    const settled = mine
      .catch(() => undefined)
      .finally(() => {
        if (this.waiting === settled) this.waiting = undefined;
      });
    this.waiting = settled;
    return mine;
  }

  private async retry<T>(store: string, run: () => T, deadline: number): Promise<T> {
    try {
      return await patiently(run, deadline);
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

/** Waits for a lock without keeping the event loop waiting. @throws what `run` throws, once the time is over. */
async function patiently<T>(run: () => T, deadline: number): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
    }
    // Full jitter, so that processes which meet do not meet again.
    await setTimeout(Math.random() * Math.min(2 ** attempt, MAX_PAUSE_MS));
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
