import { forEachBatch, forEachYielding, mapBatches, SYNC_LIMIT } from '../../async/event-loop.js';
import type { ModelRecord } from '../../record/model-record.js';
import { BaseStore } from '../base-store.js';
import { ChangeLog, type ChangesSince } from '../change-log.js';
import { MemoryLeases, type LeaseTable } from '../lease-table.js';
import { PAGE_SIZE } from '../store-core.js';
import type { BaseStoreOptions } from '../store-options.js';
import type { RecordChange, StoreCapabilities } from '../store-backend.js';

/**
 * A store in the memory of this process. It is open from the start, and empty again once it is closed.
 *
 * @example
 * ```ts
 * const store = new LocalStore();
 * await store.add({ obj: new Device({ name: 'r1', role: 'spine' }) });
 * ```
 */
export class LocalStore extends BaseStore {
  readonly engine = 'local';
  protected override readonly capabilities: StoreCapabilities = { sharesRecords: true, hasDeadlines: true };
  /** The records by model and unique id. A Map keeps the insertion order, also when a value is replaced. */
  protected override readonly leases: LeaseTable = new MemoryLeases();
  private readonly models = new Map<string, Map<string, ModelRecord>>();
  /** The logs of the models that were asked for changes once: the others are spared the notes. */
  private readonly logs = new Map<string, ChangeLog>();

  /**
   * Creates an empty, open store.
   * @param options - options of every store; all are optional.
   * @throws {ValueError} for a store id, a `maxObjectBytes` or a `slowOperationMs` that is not allowed.
   */
  constructor(options: BaseStoreOptions = {}) {
    super(options);
    this.storeState = 'open';
  }

  /**
   * Returns another empty store with the same logger and the same bound on objects.
   * @param options - the id of the other store, and its name (default: the name of the class).
   * @returns an open store that shares no objects with this one.
   */
  override scope(options: { readonly storeId: string; readonly name?: string }): LocalStore {
    const { logger, maxObjectBytes, slowOperationMs } = this;
    return new LocalStore({ logger, maxObjectBytes, slowOperationMs, ...options });
  }

  protected override async connect(): Promise<void> {}

  protected override async disconnect(): Promise<void> {
    await this.clearRecords();
  }

  protected override async probe(): Promise<void> {}

  protected override async readRecords(model: string, uids: readonly string[]): Promise<(ModelRecord | undefined)[]> {
    return mapBatches(uids, (batch) => {
      const stored = this.models.get(model);
      return batch.map((uid) => stored?.get(uid));
    });
  }

  protected override async *readPages(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): AsyncGenerator<readonly (ModelRecord | undefined)[], void, undefined> {
    for (let at = 0; at < uids.length; at += PAGE_SIZE) {
      signal?.throwIfAborted();
      yield await this.readRecords(model, uids.slice(at, at + PAGE_SIZE));
    }
  }

  protected override async *scanRecords(
    model: string,
    pageSize: number,
    signal?: AbortSignal,
  ): AsyncGenerator<ModelRecord[], void, undefined> {
    // A snapshot: records that are added while the caller reads do not prolong the scan.
    const records = [...(this.models.get(model)?.values() ?? [])];
    for (let at = 0; at < records.length; at += pageSize) {
      signal?.throwIfAborted();
      yield records.slice(at, at + pageSize);
    }
  }

  protected override async *scanUids(
    model: string,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly string[], void, undefined> {
    const uids = [...(this.models.get(model)?.keys() ?? [])];
    for (let at = 0; at < uids.length; at += PAGE_SIZE) {
      signal?.throwIfAborted();
      yield uids.slice(at, at + PAGE_SIZE);
    }
  }

  protected override async orderUids(model: string, uids: readonly string[]): Promise<readonly string[]> {
    const stored = this.models.get(model);
    if (stored === undefined) return [];
    if (uids.length <= 1) return uids.filter((uid) => stored.has(uid));
    const wanted = new Set(uids);
    const ordered: string[] = [];
    await forEachYielding(stored.keys(), (uid) => {
      if (wanted.delete(uid)) ordered.push(uid);
    });
    return ordered;
  }

  protected override async readChanges(model: string, cursor: string | undefined): Promise<ChangesSince> {
    let log = this.logs.get(model);
    if (log === undefined) this.logs.set(model, (log = new ChangeLog()));
    return log.since(cursor);
  }

  protected override async countRecords(model: string): Promise<number> {
    return this.models.get(model)?.size ?? 0;
  }

  protected override async countAllRecords(): Promise<ReadonlyMap<string, number>> {
    return new Map([...this.models].map(([model, records]) => [model, records.size]));
  }

  protected override async insertRecords(
    model: string,
    records: readonly ModelRecord[],
  ): Promise<(ModelRecord | undefined)[]> {
    return mapBatches(records, (batch) => {
      const stored = this.recordsOf(model);
      const log = this.logs.get(model);
      return batch.map((record) => {
        const existing = stored.get(record.uid);
        if (existing === undefined) {
          stored.set(record.uid, record);
          log?.note(record.uid, stored.size);
        }
        return existing;
      });
    });
  }

  protected override async putRecords(model: string, records: readonly ModelRecord[]): Promise<void> {
    await forEachBatch(records, (batch) => {
      const stored = this.recordsOf(model);
      const log = this.logs.get(model);
      for (const record of batch) {
        stored.set(record.uid, record);
        log?.note(record.uid, stored.size);
      }
    });
  }

  protected override async modifyRecords(model: string, uids: readonly string[], change: RecordChange): Promise<void> {
    const modify = (uid: string): void => {
      const stored = this.models.get(model);
      const current = stored?.get(uid);
      const next = change(uid, current);
      if (stored === undefined || current === undefined || next === undefined) return;
      stored.set(uid, next);
      this.logs.get(model)?.note(uid, stored.size);
    };
    // The change of a long child list is no short work.
    if (uids.length > SYNC_LIMIT) await forEachYielding(uids, modify);
    else for (const uid of uids) modify(uid);
  }

  protected override async deleteRecords(model: string, uids: readonly string[]): Promise<boolean[]> {
    const present = await mapBatches(uids, (batch) => {
      const stored = this.models.get(model);
      const log = this.logs.get(model);
      return batch.map((uid) => {
        const was = stored?.delete(uid) ?? false;
        if (was) log?.note(uid, stored?.size ?? 0);
        return was;
      });
    });
    if (this.models.get(model)?.size === 0) this.models.delete(model);
    return present;
  }

  protected override async clearRecords(): Promise<void> {
    this.models.clear();
    this.logs.clear();
  }

  private recordsOf(model: string): Map<string, ModelRecord> {
    let records = this.models.get(model);
    if (records === undefined) this.models.set(model, (records = new Map()));
    return records;
  }
}
