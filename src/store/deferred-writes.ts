import { LeaseLost, type ObjectAlreadyExists } from '../errors.js';
import { settleLists, type DiffSyncModel } from '../model/diffsync-model.js';
import { childUids } from '../model/model-fields.js';
import { isSameRecord } from '../record/record-equality.js';
import { FlushScheduler } from './flush-scheduler.js';
import { withLease, type WriteLease } from './lease-context.js';
import type { OperatedStore, OperationContext } from './operation-context.js';
import { logOperation } from './operation-log.js';
import { traceOperation } from './store-trace.js';
import type { InsertConflict } from './store-backend.js';
import { MAX_ATOMIC_FLUSH, WriteBehind, type RecordWriter } from './write-behind.js';

/** So many pending writes are flushed at once. */
const MAX_PENDING = 500;
/**
 * A child list is written as a whole. So of a long one more may be pending, a sixteenth of it: all writes of it together then take
 * time in proportion to its length.
 */
const LIST_PART = 16;

/** What deferred writes need to know of the models of a store. */
export interface DeferredObjects {
  /** Models before those of their children. */
  parentsFirst(models: readonly string[]): readonly string[];
  /** The error for the first of several conflicts. */
  alreadyExists(conflict: InsertConflict, conflicts: number): ObjectAlreadyExists;
}

/**
 * The deferred writes of one store, and when they are flushed: before an operation that must see them, when too many are
 * pending, and some time after a child link was recorded.
 */
export class DeferredWrites {
  readonly pending: WriteBehind;
  private readonly scheduler: FlushScheduler;
  /** What records the links in place of this. */
  private successor: DeferredWrites | undefined;
  /** Whether `flush` is being called before an operation, which must not fail by the writes of others. */
  private forOperation = false;
  /** How many callers have paused flushing. */
  private pauses = 0;
  /** The length of the longest child list that has pending changes. */
  private longestList = 0;
  /** Whose writes are deferred now; what waits is written under it. */
  private lease: WriteLease | undefined;
  /** Under which work is running: more than one where workers of one run have joined it. */
  private leases: WriteLease[] = [];
  /** Objects whose child lists have in memory what is unlinked: see `unlistLater`. */
  private readonly unsettled = new Set<DiffSyncModel>();

  constructor(
    private readonly store: OperatedStore,
    private readonly backend: RecordWriter,
    private readonly objects: DeferredObjects,
  ) {
    this.pending = new WriteBehind(
      (models) => objects.parentsFirst(models),
      (model, uid, error) =>
        this.store.logger.error(
          `${String(this.store)}: what waits to be saved of ${model} "${uid}" cannot be: until the object is replaced or ` +
            'removed, those who read it get this error',
          { model, uniqueId: uid, reason: String(error) },
        ),
    );
    this.scheduler = new FlushScheduler(
      () => this.drain(),
      () => !this.pending.isEmpty(),
      (error) => this.store.logger.warning(`${String(this.store)}: not all is saved yet`, { reason: String(error) }),
    );
  }

  /** Defers the change of a child list. It costs little while pending, so it is flushed after a delay only. */
  link(parent: DiffSyncModel, field: string, childUid: string, linked: boolean): void {
    if (this.successor !== undefined) return this.successor.link(parent, field, childUid, linked);
    this.pending.link(parent.getType(), parent.getUniqueId(), field, childUid, linked);
    this.longestList = Math.max(this.longestList, childUids(parent, field).length);
    if (this.pauses === 0) this.scheduler.schedule();
  }

  /** Notes an object whose child list is settled before the next flush. */
  settleLater(parent: DiffSyncModel): void {
    this.unsettled.add(parent);
  }

  /** Lets another store record all later links of objects that are bound to this one. */
  forwardLinks(successor: DeferredWrites): void {
    this.successor = successor;
  }

  /**
   * Writes all that is pending.
   * @throws {ObjectAlreadyExists} when a deferred insert met a different object.
   * @throws the error of a write that cannot be done, once.
   */
  async flush(): Promise<void> {
    const { failed } = this.pending;
    const { forOperation } = this;
    if (!forOperation) this.pending.retry(failed.all());
    await this.scheduler.flush();
    const failure = forOperation ? undefined : failed.takeUnthrown();
    if (failure !== undefined) throw failure;
  }

  /**
   * Writes what an operation must see, by the public method, which a subclass may override.
   * @throws the error of a write that the operation would see and that cannot be done.
   */
  async flushBefore(context: OperationContext): Promise<void> {
    const { failed } = this.pending;
    this.pending.retry(failed.seenBy(context));
    this.forOperation = true;
    const flushed = this.store.flush();
    this.forOperation = false;
    await flushed;
    const [first] = failed.seenBy(context);
    if (first !== undefined) throw failed.errorOf(...first);
  }

  /** Forgets writes that could not be done, of objects that have been replaced or removed. */
  forgetFailed(model: string, uids: readonly string[]): void {
    this.pending.failed.forget(model, uids);
  }

  /** Whether all is written. */
  get isSaved(): boolean {
    return this.pending.isEmpty() && this.pending.failed.isEmpty;
  }

  /** Whether the bound on pending writes is reached. */
  get isFull(): boolean {
    const most = this.pauses === 0 ? MAX_PENDING : MAX_ATOMIC_FLUSH;
    return this.pending.size >= Math.max(most, this.longestList / LIST_PART);
  }

  /**
   * Keeps deferred writes pending, so that those which belong together go into one atomic write. Flushing goes on when the
   * returned function is called, when more is pending than fits into one write, or when an operation must see it.
   */
  pause(): () => void {
    this.pauses++;
    this.scheduler.stop();
    let paused = true;
    return () => {
      if (paused) this.pauses--;
      paused = false;
      if (this.pauses === 0 && !this.pending.isEmpty()) this.scheduler.schedule();
    };
  }

  /**
   * Runs work under a lease: what waited before is written without it, and what waits from now on is written under it, the child
   * links that others change meanwhile too. After a lease is lost what waits is dropped: it must not be written any more.
   */
  async under<T>(lease: WriteLease, work: () => Promise<T>): Promise<T> {
    if (this.leases.length === 0) await this.store.flush();
    this.leases.push(lease);
    this.lease = lease;
    try {
      const result = await work();
      await this.store.flush();
      return result;
    } catch (error) {
      await this.store.flush().catch(() => undefined); // What is left stays pending, and belongs to the lease.
      throw error;
    } finally {
      this.leases.splice(this.leases.indexOf(lease), 1);
      this.settleLease();
    }
  }

  /** Cancels the scheduled flush. */
  stop(): void {
    this.scheduler.stop();
  }

  private async drain(): Promise<void> {
    for (const parent of this.unsettled) settleLists(parent);
    this.unsettled.clear();
    if (this.pending.isEmpty()) return;
    this.longestList = 0;
    const context = { size: this.pending.objects };
    const conflicts = await traceOperation(this.store, 'flush', context, () =>
      logOperation(this.store, 'flush', context, () => this.drainPending()),
    );
    const different = conflicts.filter(({ record, existing }) => !isSameRecord(record, existing));
    if (different[0] !== undefined) throw this.objects.alreadyExists(different[0], different.length);
  }

  private async drainPending(): Promise<readonly InsertConflict[]> {
    const { lease } = this;
    if (lease === undefined) return this.pending.drain(this.backend);
    try {
      lease.checkNotLost();
      const conflicts = await withLease(lease, () => this.pending.drain(this.backend), true);
      this.settleLease();
      return conflicts;
    } catch (error) {
      if (error instanceof LeaseLost) this.pending.clear();
      throw error;
    }
  }

  /** What still waits belongs to the last lease. */
  private settleLease(): void {
    this.lease = this.leases.at(-1) ?? (this.pending.isEmpty() ? undefined : this.lease);
  }
}
