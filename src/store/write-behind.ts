import type { ModelRecord } from '../record/model-record.js';
import { isSameRecord } from '../record/record-equality.js';
import { withLinks, type LinkChange, type LinkChanges } from './link-changes.js';
import type { OperationContext } from './operation-context.js';
import { FailedWrites, findFailing, isItemError } from './failed-writes.js';
import { applyPatch, mergePatches, type RecordPatch } from './record-patch.js';
import type { InsertConflict, ModelChanges, RecordChange } from './store-backend.js';

/** How pending writes reach a backend: the primitives of `StoreBackend` with the same names. */
export interface RecordWriter {
  insertRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<readonly (ModelRecord | undefined)[]>;
  putRecords(model: string, records: readonly ModelRecord[], signal?: AbortSignal): Promise<void>;
  modifyRecords(model: string, uids: readonly string[], change: RecordChange, signal?: AbortSignal): Promise<void>;
  deleteRecords(model: string, uids: readonly string[], signal?: AbortSignal): Promise<readonly boolean[]>;
  saveTogether(changes: readonly ModelChanges[]): Promise<readonly InsertConflict[] | undefined>;
}

/** All that is pending for one object. Applied in the order of its members. */
interface PendingWrite {
  removed: boolean;
  write?: { readonly kind: 'insert' | 'put'; readonly record: ModelRecord };
  /**
   * Record that a failed flush may already have written (outcome unknown). A later removal must still be sent, and a conflict
   * with this record is not a conflict.
   */
  unconfirmed?: ModelRecord;
  /** The changed fields of a record that is stored; absent where `write` has the whole record. */
  patch?: RecordPatch;
  links?: LinkChanges;
}

const NONE: ReadonlyMap<string, PendingWrite> = new Map();

/** Objects in one atomic write: more would block other clients of the backend. */
export const MAX_ATOMIC_FLUSH = 2000;

/**
 * A write-behind buffer: pending writes that are sent many at a time. Later writes to an object merge with its earlier ones, so
 * a parent's child list is written once however many links were made. A reader of the store must drain the buffer first.
 */
export class WriteBehind {
  private pending = new Map<string, Map<string, PendingWrite>>();
  /** What the running drain has taken and not yet written. */
  private flushing:
    | { readonly entries: ReadonlyMap<string, ReadonlyMap<string, PendingWrite>>; readonly writes: number }
    | undefined;
  private writes = 0;
  /** What cannot be written, and is tried again only for those who would see it. */
  readonly failed: FailedWrites<PendingWrite>;

  /**
   * @param parentsFirst - sorts models before those of their children.
   * @param onFailed - is called once for each object whose pending write cannot be done.
   */
  constructor(
    private readonly parentsFirst: (models: readonly string[]) => readonly string[] = (models) => models,
    onFailed: (model: string, uid: string, error: unknown) => void = () => undefined,
  ) {
    this.failed = new FailedWrites(onFailed);
  }

  /** The number of inserts, puts, patches and removals that are pending or being written. Links cost little and do not count. */
  get size(): number {
    return this.writes + (this.flushing?.writes ?? 0);
  }

  /** The number of objects of which anything is pending. */
  get objects(): number {
    let objects = 0;
    for (const entries of this.pending.values()) objects += entries.size;
    return objects;
  }

  /** Whether nothing is pending and no drain is running. */
  isEmpty(): boolean {
    return this.pending.size === 0 && this.flushing === undefined;
  }

  /** Whether a write of the object is pending or being written. */
  has(model: string, uid: string): boolean {
    return this.pending.get(model)?.has(uid) === true || this.flushing?.entries.get(model)?.has(uid) === true;
  }

  /**
   * Whether pending writes must be flushed before an operation. A read must see all pending writes of what it reads. A write
   * comes after earlier writes, but child links of other objects may stay pending.
   */
  mustFlushBefore(context: OperationContext): boolean {
    const { model, reads, uids } = context;
    if (uids?.length === 0) return false; // `clear` drops what is pending.
    if (this.failed.seenBy(context).length > 0) return true;
    if (this.isEmpty()) return false;
    const touched = uids ?? reads;
    if (model === undefined || touched === undefined || (uids !== undefined && this.size > 0)) return true;
    return touched.some((uid) => this.has(model, uid));
  }

  /** Adds an insert. */
  insert(model: string, record: ModelRecord): void {
    const entries = this.entriesOf(model);
    const known = entries.get(record.uid);
    const entry: PendingWrite = { removed: known?.removed ?? false, write: { kind: 'insert', record } };
    if (known?.unconfirmed !== undefined) entry.unconfirmed = known.unconfirmed;
    // Re-inserted, because the insertion order is that of this call, not of an earlier removal.
    if (known !== undefined) entries.delete(record.uid);
    entries.set(record.uid, entry);
    this.writes++;
  }

  /** Adds a put, which merges into an earlier insert. */
  put(model: string, record: ModelRecord): void {
    const entry = this.entry(model, record.uid);
    entry.write = { kind: entry.write?.kind ?? 'put', record };
    delete entry.patch;
    this.writes++;
  }

  /**
   * Adds a change of some fields, by compare-and-set: the other fields stay as they are stored, and a record that was deleted
   * meanwhile stays deleted.
   */
  patch(model: string, uid: string, patch: RecordPatch): void {
    const entry = this.entry(model, uid);
    const { write } = entry;
    if (write !== undefined) entry.write = { kind: write.kind, record: applyPatch(write.record, patch) };
    else if (!entry.removed) entry.patch = mergePatches(entry.patch, patch);
    this.writes++;
  }

  /** Adds a removal. @returns false when nothing but a removal was pending already. */
  remove(model: string, uid: string): boolean {
    const entry = this.entry(model, uid);
    if (entry.removed && entry.write === undefined) return false;
    if (entry.write?.kind !== 'insert' || entry.unconfirmed !== undefined) entry.removed = true;
    delete entry.write;
    delete entry.patch;
    delete entry.links;
    this.writes++;
    return true;
  }

  /** Adds the change of a child list. */
  link(model: string, uid: string, field: string, childUid: string, linked: boolean): void {
    const links = (this.entry(model, uid).links ??= new Map());
    const changes = links.get(field) ?? new Map<string, LinkChange>();
    links.set(field, changes);
    const unlinked = !linked || (changes.get(childUid)?.unlinked ?? false);
    changes.delete(childUid); // Re-inserted below, so that the last call decides the order too.
    changes.set(childUid, { unlinked, linked });
  }

  /**
   * Writes all that is pending, in one atomic write where the backend can, so that a killed process leaves all of it or nothing.
   * Other backends receive one write after another: replaced objects and new ones, changed ones, links, and last the removals.
   * Children are then written before their parents and removed after them, so that a list never names a missing object; a kill
   * between two writes may leave objects that no parent lists. A change of a stored record that cannot be made is set aside.
   * After any other error all of it is pending again: every write may be sent twice.
   * @returns the inserts that were not done because a different object had the unique id.
   */
  async drain(writer: RecordWriter): Promise<readonly InsertConflict[]> {
    const { pending, writes } = this;
    this.pending = new Map();
    this.flushing = { entries: pending, writes };
    this.writes = 0;
    try {
      const conflicts = await this.save(writer, pending).catch(async (error: unknown) => {
        if (!isItemError(error) || !(await this.setFailingAside(writer, pending))) throw error;
        return this.save(writer, pending);
      });
      return await resolveOwnConflicts(writer, conflicts, pending);
    } catch (error) {
      this.restore(pending, writes);
      throw error;
    } finally {
      this.flushing = undefined;
    }
  }

  /** Makes failed writes pending again. */
  retry(failed: readonly (readonly [model: string, uid: string])[]): void {
    for (const [model, uid] of failed) this.entry(model, uid);
  }

  private async save(
    writer: RecordWriter,
    pending: ReadonlyMap<string, ReadonlyMap<string, PendingWrite>>,
  ): Promise<readonly InsertConflict[]> {
    const changes = this.changes(pending);
    const onInserted = (model: string, uid: string): void => {
      const entry = pending.get(model)?.get(uid);
      if (entry?.write !== undefined) entry.write = { kind: 'put', record: entry.write.record };
    };
    const atomic = needsAtomicWrite(changes) ? await writer.saveTogether(changes) : undefined;
    return atomic ?? saveModelByModel(writer, changes, onInserted);
  }

  private changes(pending: ReadonlyMap<string, ReadonlyMap<string, PendingWrite>>): readonly ModelChanges[] {
    const models = this.parentsFirst([...pending.keys()]);
    return models.map((model) => changesOf(model, pending.get(model) ?? NONE));
  }

  /**
   * Sets aside the changes of stored records that cannot be made. An insert that cannot be done is none of them: its parents
   * must not list it.
   * @returns whether there were any.
   */
  private async setFailingAside(
    writer: RecordWriter,
    pending: ReadonlyMap<string, Map<string, PendingWrite>>,
  ): Promise<boolean> {
    let found = false;
    for (const { model, modified, change } of this.changes(pending)) {
      const failures = await findFailing(modified, (uids) =>
        writer.modifyRecords(model, uids, (uid, current) => void change(uid, current)),
      );
      const entries = pending.get(model);
      for (const [uid, error] of failures) {
        const entry = entries?.get(uid);
        if (entry === undefined) continue;
        entries?.delete(uid);
        this.failed.add(model, uid, entry, error);
        found = true;
      }
    }
    return found;
  }

  /** Drops all that is pending. */
  clear(): void {
    this.pending.clear();
    this.failed.clear();
    this.writes = 0;
  }

  private entriesOf(model: string): Map<string, PendingWrite> {
    let entries = this.pending.get(model);
    if (entries === undefined) this.pending.set(model, (entries = new Map<string, PendingWrite>()));
    return entries;
  }

  private entry(model: string, uid: string): PendingWrite {
    const entries = this.entriesOf(model);
    let entry = entries.get(uid);
    if (entry === undefined) entries.set(uid, (entry = this.failed.take(model, uid) ?? { removed: false }));
    return entry;
  }

  /** Makes writes of a failed drain pending again, before those that came meanwhile. */
  private restore(undone: Map<string, Map<string, PendingWrite>>, writes: number): void {
    const since = this.pending;
    this.pending = undone;
    this.writes = writes;
    for (const entries of undone.values()) {
      for (const entry of entries.values())
        if (entry.write !== undefined) entry.unconfirmed = recordOf(entry.write, entry);
    }
    for (const [model, entries] of since) {
      for (const [uid, { removed, write, patch, links }] of entries) {
        if (removed) this.remove(model, uid);
        if (write !== undefined) this[write.kind](model, write.record);
        if (patch !== undefined) this.patch(model, uid, patch);
        for (const [field, children] of links ?? []) {
          for (const [child, { unlinked, linked }] of children) {
            if (unlinked) this.link(model, uid, field, child, false);
            if (linked) this.link(model, uid, field, child, true);
          }
        }
      }
    }
  }
}

/** The pending writes of one model as changes for the backend. */
function changesOf(model: string, entries: ReadonlyMap<string, PendingWrite>): ModelChanges {
  const replaced: string[] = [];
  const inserts: ModelRecord[] = [];
  const puts: ModelRecord[] = [];
  const modified = new Map<string, Pick<PendingWrite, 'patch' | 'links'>>();
  const gone: string[] = [];
  for (const [uid, entry] of entries) {
    const { removed, write, patch, links } = entry;
    if (write !== undefined) {
      if (removed) replaced.push(uid);
      (write.kind === 'insert' ? inserts : puts).push(recordOf(write, entry));
      continue;
    }
    if (removed) gone.push(uid);
    else if (patch !== undefined || links !== undefined) modified.set(uid, entry);
  }
  const change: RecordChange = (uid, current) => {
    const changes = modified.get(uid);
    if (current === undefined || changes === undefined) return undefined;
    const { patch, links } = changes;
    const patched = patch === undefined ? current : applyPatch(current, patch);
    return links === undefined ? patched : withLinks(patched, links);
  };
  return { model, replaced, inserts, puts, modified: [...modified.keys()], change, removed: gone };
}

/** Whether there is more than one write, and not too much for an atomic one. */
function needsAtomicWrite(changes: readonly ModelChanges[]): boolean {
  const writes = changes.flatMap(({ replaced, inserts, puts, modified, removed }) =>
    [replaced, inserts, puts, modified, removed].map(({ length }) => length).filter((length) => length > 0),
  );
  return writes.length > 1 && writes.reduce((sum, length) => sum + length, 0) <= MAX_ATOMIC_FLUSH;
}

/**
 * Writes changes model by model.
 * @param changes - parents first.
 * @param onInserted - is called with each object once it is inserted: should a later write fail, the second attempt must not
 *   take it for a conflict.
 */
async function saveModelByModel(
  writer: RecordWriter,
  changes: readonly ModelChanges[],
  onInserted: (model: string, uid: string) => void,
): Promise<readonly InsertConflict[]> {
  const conflicts: InsertConflict[] = [];
  for (const { model, replaced, inserts, puts } of changes.toReversed()) {
    if (replaced.length > 0) await writer.deleteRecords(model, replaced);
    if (inserts.length > 0) {
      const conflicting = await writer.insertRecords(model, inserts);
      for (const [index, record] of inserts.entries()) {
        const existing = conflicting[index];
        if (existing === undefined) onInserted(model, record.uid);
        else conflicts.push({ model, record, existing });
      }
    }
    if (puts.length > 0) await writer.putRecords(model, puts);
  }
  for (const { model, modified, change } of changes) {
    if (modified.length > 0) await writer.modifyRecords(model, modified, change);
  }
  for (const { model, removed } of changes) if (removed.length > 0) await writer.deleteRecords(model, removed);
  return conflicts;
}

/**
 * Replaces records that a failed drain had inserted after all. An object of another writer stays, but the links that were made
 * below ours are made below it: their children are stored already. @returns the conflicts with other objects.
 */
async function resolveOwnConflicts(
  writer: RecordWriter,
  conflicts: readonly InsertConflict[],
  entries: ReadonlyMap<string, ReadonlyMap<string, PendingWrite>>,
): Promise<readonly InsertConflict[]> {
  const others: InsertConflict[] = [];
  const own = new Map<string, ModelRecord[]>();
  for (const conflict of conflicts) {
    const { model, record, existing } = conflict;
    const unconfirmed = entries.get(model)?.get(record.uid)?.unconfirmed;
    if (unconfirmed === undefined || !isSameRecord(existing, unconfirmed)) others.push(conflict);
    else if (!isSameRecord(existing, record)) {
      const records = own.get(model);
      if (records === undefined) own.set(model, [record]);
      else records.push(record);
    }
  }
  for (const [model, records] of own) await writer.putRecords(model, records);
  for (const { model, record } of others) {
    const links = entries.get(model)?.get(record.uid)?.links;
    if (links === undefined) continue;
    await writer.modifyRecords(model, [record.uid], (_uid, current) => current && withLinks(current, links));
  }
  return others;
}

function recordOf({ record }: NonNullable<PendingWrite['write']>, { links }: PendingWrite): ModelRecord {
  return links === undefined ? record : withLinks(record, links);
}
