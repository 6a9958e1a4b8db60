import { mapYielding } from '../async/event-loop.js';
import {
  DiffSyncError,
  ObjectStoreException,
  type LeaseHolder,
  type LeaseLost,
  type StoreErrorCode,
} from '../errors.js';
import { copyRecord, type ModelRecord } from '../record/model-record.js';
import type { ChangesSince } from './change-log.js';
import type { LeaseTable } from './lease-table.js';
import type { BackendHealth } from './store-health.js';
import { pageOfScan, type UidPage } from './uid-page.js';
import type { StoreReport } from './verify-report.js';

/** What a backend can do beyond the primitives. Every capability is false where it is not given. */
export interface StoreCapabilities {
  /**
   * Reads may return the very records that the backend keeps. The store then copies each record before a caller can change
   * it. Without this capability every record that a read returns must be a copy.
   */
  readonly sharesRecords?: boolean | undefined;
  /** The backend keeps records as the JSON text of `encodeRecord`. Writes then receive records that are encoded already. */
  readonly keepsText?: boolean | undefined;
  /**
   * The backend sends one part of a large write while it encodes the next. Large writes then receive records that are encoded
   * on first use, so that not all encoded records are in memory at once.
   */
  readonly encodesLazily?: boolean | undefined;
  /**
   * Every primitive ends by itself, by a deadline of the backend's own. Without this capability `close` waits 5 seconds for what
   * is still running, and then gives up with STORE_TIMEOUT.
   */
  readonly hasDeadlines?: boolean | undefined;
}

/**
 * Returns the record to store in place of `current`, or undefined to leave it as it is. It is called also for a unique id
 * that has no record; the result of such a call is ignored.
 */
export type RecordChange = (uid: string, current: ModelRecord | undefined) => ModelRecord | undefined;

/** The changes of one model in an atomic write of several models, in the order in which they are applied. */
export interface ModelChanges {
  readonly model: string;
  /** Unique ids to delete first. Their records are among `inserts` or `puts` and move to the end of the order. */
  readonly replaced: readonly string[];
  readonly inserts: readonly ModelRecord[];
  readonly puts: readonly ModelRecord[];
  /** Unique ids whose records `change` replaces, as in `modifyRecords`. */
  readonly modified: readonly string[];
  readonly change: RecordChange;
  /** Unique ids to delete last. */
  readonly removed: readonly string[];
}

/** A record that was not inserted, and the record that had its unique id already. */
export interface InsertConflict {
  readonly model: string;
  readonly record: ModelRecord;
  readonly existing: ModelRecord;
}

/** Records that `orderUids` reads at a time. */
const ORDERED_AT_ONCE = 1000;

/** Options of `verifyRecords`. */
export interface VerifyRecordsOptions {
  /** Whether to repair what is found. */
  readonly repair: boolean;
  /** Once it is aborted, nothing more is begun. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The primitives of a store: all that the author of a store writes. `BaseStore` builds every public operation on them.
 *
 * For each primitive:
 * - `uids` and `records` hold each unique id at most once, and every id in them is valid.
 * - A record that is passed in belongs to the backend. A record that is returned belongs to the caller, see
 *   `StoreCapabilities`.
 * - Every failure of the backend is an `ObjectStoreException` with a fitting code; `backendError` makes one.
 * - Once `signal` is aborted the caller waits no longer: a backend that does many things in one call starts no more. What it
 *   throws then is ignored; `signal.throwIfAborted()` between two steps will do.
 */
export abstract class StoreBackend {
  /** The backend's short name, as in the `engine` option of the module. Health reports and log lines show it. */
  abstract readonly engine: string;
  /** What the backend can do beyond the primitives. Read on use: a subclass assigns it after its base class is constructed. */
  protected readonly capabilities: StoreCapabilities = {};

  // ---- Leases

  /**
   * The lease of the store. Optional: where it is undefined, a lease holds within this process only. A backend that keeps leases
   * refuses in each of its writes one whose `writeFence` is lower than the highest that it knows, by `leaseLost`, and keeps a
   * higher one.
   */
  protected readonly leases: LeaseTable | undefined = undefined;

  // ---- Connection

  /** Connects to the backend. Called before any other primitive, and again after `disconnect`. */
  protected abstract connect(): Promise<void>;

  /** Releases all that `connect` acquired. Never called while another primitive runs. */
  protected abstract disconnect(): Promise<void>;

  /** Resolves once the backend has replied to a request without an effect. */
  protected abstract probe(): Promise<void>;

  /**
   * Asks the backend how it is: at little cost, and without waiting for other primitives where that can be had. Optional: the
   * default probes the backend, and tells no details.
   * @param _timeoutMs - the caller waits no longer.
   * @returns what the backend tells of itself. One that does not reply rejects, as `probe` does.
   */
  protected async probeHealth(_timeoutMs: number): Promise<BackendHealth> {
    await this.probe();
    return { details: {}, concerns: [] };
  }

  /**
   * Returns another store of the same backend, on the same connection.
   * @param options - the id of the other store, and its name (default: the name of the class).
   * @returns a store that is not open yet. The connection closes with the last store on it.
   */
  abstract scope(options: { readonly storeId: string; readonly name?: string }): StoreBackend;

  // ---- Reads

  /**
   * Reads records by unique id.
   * @returns by position of `uids`, the record, or undefined where there is none.
   */
  protected abstract readRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly (ModelRecord | undefined)[]>;

  /**
   * Reads records by unique id and converts each of them. Optional: override it where records arrive in parts, to convert
   * one part while the next is on its way.
   * @param uids - may hold a unique id more than once.
   * @param convert - is called with a record of its own for each position, which it may keep. Its error rejects the read.
   * @returns by position of `uids`, the result of `convert`, or undefined where there is no record.
   */
  protected async readEach<T>(
    model: string,
    uids: readonly string[],
    convert: (record: ModelRecord) => T,
    signal?: AbortSignal,
  ): Promise<(T | undefined)[]> {
    const distinct = [...new Set(uids)];
    const records = await this.readRecords(model, distinct, signal);
    if (distinct.length === uids.length) return mapYielding(records, (record) => record && convert(record));
    const byUid = new Map(distinct.map((uid, index) => [uid, records[index]]));
    const seen = new Set<string>();
    return mapYielding(uids, (uid) => {
      const record = byUid.get(uid);
      const repeated = seen.size === seen.add(uid).size;
      return record && convert(repeated ? copyRecord(record) : record);
    });
  }

  /**
   * Reads records by unique id, in pages of one or more, by position as `readRecords`. Optional: override it so that a
   * caller need not hold all records at once. The default yields one page.
   */
  protected async *readPages(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): AsyncGenerator<readonly (ModelRecord | undefined)[], void, undefined> {
    if (uids.length > 0) yield await this.readRecords(model, uids, signal);
  }

  /**
   * Reads all records of a model in insertion order, in pages of about `pageSize`. It holds no more than a few pages in
   * memory, and ends although other processes go on adding records.
   */
  protected abstract scanRecords(
    model: string,
    pageSize: number,
    signal?: AbortSignal,
  ): AsyncIterable<readonly ModelRecord[]>;

  /** Returns the number of records of a model; 0 for an unknown model. */
  protected abstract countRecords(model: string, signal?: AbortSignal): Promise<number>;

  /** Returns the number of records of every model that has records, by model name, in any order. */
  protected abstract countAllRecords(signal?: AbortSignal): Promise<ReadonlyMap<string, number>>;

  /**
   * Returns those of the unique ids that have a record, in insertion order. Optional: override it where that takes less than
   * the default, which reads all records of the model.
   */
  protected async orderUids(model: string, uids: readonly string[], signal?: AbortSignal): Promise<readonly string[]> {
    if (uids.length === 0) return [];
    const wanted = new Set(uids);
    const ordered: string[] = [];
    for await (const page of this.scanRecords(model, ORDERED_AT_ONCE, signal)) {
      for (const { uid } of page) if (wanted.has(uid)) ordered.push(uid);
    }
    return ordered;
  }

  /**
   * Yields the unique ids of all records of a model in insertion order, in pages. Optional: override it where that takes less than the
   * default, which reads all records of the model. A unique id whose record is gone meanwhile may be among them.
   */
  protected async *scanUids(model: string, signal?: AbortSignal): AsyncGenerator<readonly string[], void, undefined> {
    for await (const page of this.scanRecords(model, ORDERED_AT_ONCE, signal)) yield page.map(({ uid }) => uid);
  }

  /**
   * Returns a page of unique ids in insertion order, as `scanUids` yields them. Optional: override it where the backend can begin
   * anywhere; the default scans them all.
   * @param after - the `next` of the page before; undefined for the first one.
   * @throws ValueError for what no page has given as `next`: `wrongNext` makes it.
   */
  protected async readUidPage(
    model: string,
    limit: number,
    after: string | undefined,
    signal?: AbortSignal,
  ): Promise<UidPage> {
    return pageOfScan(this.scanUids(model, signal), limit, after);
  }

  /**
   * Returns what was written to a model since a cursor. Optional: the default keeps no log of changes, and knows nothing.
   *
   * A write and its entry in the log are one atomic step, whichever process makes it. Whatever the cursor does not surely name a
   * moment of, is not known: one that is too old, or of another backend, or from before the backend lost writes.
   * @param _cursor - of an earlier answer; undefined for a first question.
   */
  protected async readChanges(
    _model: string,
    _cursor: string | undefined,
    _signal?: AbortSignal,
  ): Promise<ChangesSince> {
    return { cursor: undefined, uids: undefined };
  }

  // ---- Writes

  /**
   * Inserts each record whose unique id is free, at the end of the insertion order. The check and the insert of one record
   * are one atomic step.
   * @returns by position, the record that had the unique id already (nothing was inserted), or undefined.
   */
  protected abstract insertRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<readonly (ModelRecord | undefined)[]>;

  /** Replaces each record where its unique id stands in the insertion order, or appends it. Each of them atomically. */
  protected abstract putRecords(model: string, records: readonly ModelRecord[], signal?: AbortSignal): Promise<void>;

  /**
   * Compare-and-set: replaces each record by the result of `change`, unless it has changed since `change` saw it. `change`
   * is then called again with the new record. Its result belongs to the backend.
   */
  protected abstract modifyRecords(
    model: string,
    uids: readonly string[],
    change: RecordChange,
    signal?: AbortSignal,
  ): Promise<void>;

  /**
   * Deletes records by unique id.
   * @returns by position, whether there was a record to delete.
   */
  protected abstract deleteRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly boolean[]>;

  /**
   * Writes the changes of several models in one atomic write, so that a killed process leaves all of it or nothing. Optional:
   * the default returns undefined, and the store calls the other primitives one after another. It is one step, which no signal
   * ends.
   * @param _changes - models before those of their children.
   * @returns the inserts that were not done because another record had the unique id; undefined where nothing was written.
   */
  protected async saveTogether(_changes: readonly ModelChanges[]): Promise<readonly InsertConflict[] | undefined> {
    return undefined;
  }

  /** Deletes every record of this store, and of no other. */
  protected abstract clearRecords(signal?: AbortSignal): Promise<void>;

  /**
   * Compares what the backend keeps beside the records, such as an index, with the records. Optional: `BaseStore` reads all
   * records and reports those that it cannot read.
   * @param options - `repair`: whether to repair what is found, as `StoreProblemKind` says for each kind.
   */
  protected abstract verifyRecords(options: VerifyRecordsOptions): Promise<StoreReport>;

  // ---- For use in primitives

  /**
   * The fence of the lease under which a write is made; undefined for one under no lease, which no fence refuses. To be read
   * when a primitive is called, before it waits for anything.
   * @throws {LeaseLost} (LEASE_LOST) when the lease is lost already.
   */
  protected abstract get writeFence(): number | undefined;

  /**
   * Notes that the lease of the write is lost, which ends its run.
   * @param holder - who holds it now, where the backend knows.
   * @returns the error to throw.
   */
  protected abstract leaseLost(holder?: LeaseHolder): LeaseLost;

  /** Returns the name of the store, which begins every error message. */
  abstract toString(): string;

  /** Returns why a record is no object of its model, or undefined where it is one or the model's class is not known. */
  protected abstract validateRecord(model: string, record: ModelRecord): string | undefined;

  /** Returns the error for a stored object that is damaged. `code` is STORE_CORRUPT where it is not given. */
  protected abstract damagedRecord(
    model: string,
    uid: string,
    reason: string,
    cause?: unknown,
    code?: StoreErrorCode,
  ): ObjectStoreException;

  /** Returns errors of this package as they are, and an `ObjectStoreException` (STORE_FAILED) with any other as its cause. */
  protected backendError(error: unknown): DiffSyncError | ObjectStoreException {
    if (error instanceof DiffSyncError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return new ObjectStoreException(`${String(this)} failed: ${reason}`, { cause: error });
  }
}
