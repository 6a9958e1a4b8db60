import { isSameRecord, type ModelRecord } from '../record/model-record.js';
import type { OperationContext } from './operation-context.js';
import type { InsertConflict, ModelChanges, RecordChange } from './store-backend.js';

/** How waiting writes reach a backend; the primitives of `BaseStore` with the same names. */
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

/** All that waits for one object. Applied in the order of its members. */
interface PendingWrite {
  removed: boolean;
  write?: { readonly kind: 'insert' | 'put'; readonly record: ModelRecord };
  /** What a failed drain may have inserted: a removal must then reach the backend, and met again it is our own. */
  attempted?: ModelRecord;
  /** Child field -> child's unique id -> what is to become of it; in the order of the calls. */
  links?: Map<string, Map<string, LinkChange>>;
}

const NONE: ReadonlyMap<string, PendingWrite> = new Map();

/** Objects in one atomic step of a drain: more would keep other users of the backend waiting. */
export const MAX_ATOMIC_FLUSH = 2000;

/** First taken out of the list, then put at its end. */
interface LinkChange {
  readonly unlinked: boolean;
  readonly linked: boolean;
}

/**
 * Writes that wait to be done many at a time. Later writes to an object merge with its earlier ones, so a parent's child
 * list is written once however many links were made. Whoever reads the store must drain this first.
 */
export class WriteBehind {
  private pending = new Map<string, Map<string, PendingWrite>>();
  /** What a drain has taken and not yet written. */
  private flushing:
    { readonly entries: ReadonlyMap<string, ReadonlyMap<string, PendingWrite>>; readonly writes: number } | undefined;
  private writes = 0;

  /** @param parentsFirst puts models before those of their children. */
  constructor(private readonly parentsFirst: (models: readonly string[]) => readonly string[] = (models) => models) {}

  /** How many inserts, puts and removals wait or are being done. Links do not count: they cost nothing more as they gather. */
  get size(): number {
    return this.writes + (this.flushing?.writes ?? 0);
  }

  /** Whether nothing waits and no drain is under way. */
  isEmpty(): boolean {
    return this.pending.size === 0 && this.flushing === undefined;
  }

  has(model: string, uid: string): boolean {
    return this.pending.get(model)?.has(uid) === true || this.flushing?.entries.get(model)?.has(uid) === true;
  }

  /**
   * Whether an operation must come after what waits. Reads see all that waits or is being written for what they read. A
   * write comes after earlier writes; others' child links go on waiting.
   */
  mustFlushBefore({ model, reads, uids }: OperationContext): boolean {
    if (this.isEmpty() || uids?.length === 0) return false; // `clear` drops what waits.
    const touched = uids ?? reads;
    if (model === undefined || touched === undefined || (uids !== undefined && this.size > 0)) return true;
    return touched.some((uid) => this.has(model, uid));
  }

  insert(model: string, record: ModelRecord): void {
    const entry = this.entry(model, record.uid);
    entry.write = { kind: 'insert', record };
    delete entry.links;
    // Its place in the order is that of this call, not of an earlier removal.
    this.pending.get(model)?.delete(record.uid);
    this.pending.get(model)?.set(record.uid, entry);
    this.writes++;
  }

  put(model: string, record: ModelRecord): void {
    const entry = this.entry(model, record.uid);
    entry.write = { kind: entry.write?.kind ?? 'put', record };
    this.writes++;
  }

  /** @returns false when nothing but its removal waits already. */
  remove(model: string, uid: string): boolean {
    const entry = this.entry(model, uid);
    if (entry.removed && entry.write === undefined) return false;
    if (entry.write?.kind !== 'insert' || entry.attempted !== undefined) entry.removed = true;
    delete entry.write;
    delete entry.links;
    this.writes++;
    return true;
  }

  link(model: string, uid: string, field: string, childUid: string, linked: boolean): void {
    const links = (this.entry(model, uid).links ??= new Map<string, Map<string, LinkChange>>());
    const changes = links.get(field) ?? new Map<string, LinkChange>();
    links.set(field, changes);
    const unlinked = !linked || (changes.get(childUid)?.unlinked ?? false);
    changes.delete(childUid); // Re-inserted below, so that the last call decides the order too.
    changes.set(childUid, { unlinked, linked });
  }

  /**
   * Does all that waits, in one atomic step where the backend can, so that a process that is killed leaves all of it or
   * nothing. Else step by step: replaced objects and new ones, changed ones, links, and last the removals. Children are then
   * written before their parents and removed after them, so that a list never names what is not there; a kill between two
   * steps may leave objects that no parent lists. After an error all of it waits again: every step may be done twice.
   * @returns the inserts that met a different object, which were not done.
   */
  async drain(writer: RecordWriter): Promise<readonly InsertConflict[]> {
    const { pending, writes } = this;
    this.pending = new Map();
    this.flushing = { entries: pending, writes };
    this.writes = 0;
    const inserted = (model: string, uid: string): void => {
      const entry = pending.get(model)?.get(uid);
      if (entry?.write !== undefined) entry.write = { kind: 'put', record: entry.write.record };
    };
    try {
      const models = this.parentsFirst([...pending.keys()]);
      const changes = models.map((model) => changesOf(model, pending.get(model) ?? NONE));
      const together = isWorthOneStep(changes) ? await writer.saveTogether(changes) : undefined;
      const conflicts = together ?? (await saveInSteps(writer, changes, inserted));
      return await putOwn(writer, conflicts, pending);
    } catch (error) {
      this.takeBack(pending, writes);
      throw error;
    } finally {
      this.flushing = undefined;
    }
  }

  clear(): void {
    this.pending.clear();
    this.writes = 0;
  }

  private entry(model: string, uid: string): PendingWrite {
    let entries = this.pending.get(model);
    if (entries === undefined) this.pending.set(model, (entries = new Map<string, PendingWrite>()));
    let entry = entries.get(uid);
    if (entry === undefined) entries.set(uid, (entry = { removed: false }));
    return entry;
  }

  /** Puts undone work before what came in meanwhile. */
  private takeBack(undone: Map<string, Map<string, PendingWrite>>, writes: number): void {
    const since = this.pending;
    this.pending = undone;
    this.writes = writes;
    for (const entries of undone.values()) {
      for (const entry of entries.values())
        if (entry.write !== undefined) entry.attempted = recordOf(entry.write, entry);
    }
    for (const [model, entries] of since) {
      for (const [uid, { removed, write, links }] of entries) {
        if (removed) this.remove(model, uid);
        if (write !== undefined) this[write.kind](model, write.record);
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

function changesOf(model: string, entries: ReadonlyMap<string, PendingWrite>): ModelChanges {
  const replaced: string[] = [];
  const inserts: ModelRecord[] = [];
  const puts: ModelRecord[] = [];
  const linked = new Map<string, NonNullable<PendingWrite['links']>>();
  const gone: string[] = [];
  for (const [uid, entry] of entries) {
    const { removed, write, links } = entry;
    if (write !== undefined) {
      if (removed) replaced.push(uid);
      (write.kind === 'insert' ? inserts : puts).push(recordOf(write, entry));
      continue;
    }
    if (removed) gone.push(uid);
    else if (links !== undefined) linked.set(uid, links);
  }
  const change: RecordChange = (uid, current) => {
    const links = linked.get(uid);
    return current === undefined || links === undefined ? undefined : withLinks(current, links);
  };
  return { model, replaced, inserts, puts, modified: [...linked.keys()], change, removed: gone };
}

function isWorthOneStep(changes: readonly ModelChanges[]): boolean {
  const steps = changes.flatMap(({ replaced, inserts, puts, modified, removed }) =>
    [replaced, inserts, puts, modified, removed].map(({ length }) => length).filter((length) => length > 0),
  );
  return steps.length > 1 && steps.reduce((sum, length) => sum + length, 0) <= MAX_ATOMIC_FLUSH;
}

/**
 * @param changes parents first.
 * @param inserted told of each object that is our own from now on: should a later step fail, what is written the second time
 * must not meet it as a stranger.
 */
async function saveInSteps(
  writer: RecordWriter,
  changes: readonly ModelChanges[],
  inserted: (model: string, uid: string) => void,
): Promise<readonly InsertConflict[]> {
  const conflicts: InsertConflict[] = [];
  for (const { model, replaced, inserts, puts } of changes.toReversed()) {
    if (replaced.length > 0) await writer.deleteRecords(model, replaced);
    if (inserts.length > 0) {
      const there = await writer.insertRecords(model, inserts);
      for (const [index, record] of inserts.entries()) {
        const existing = there[index];
        if (existing === undefined) inserted(model, record.uid);
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

/** Replaces what a failed drain had inserted after all. @returns the conflicts with objects of others. */
async function putOwn(
  writer: RecordWriter,
  conflicts: readonly InsertConflict[],
  entries: ReadonlyMap<string, ReadonlyMap<string, PendingWrite>>,
): Promise<readonly InsertConflict[]> {
  const others: InsertConflict[] = [];
  const own = new Map<string, ModelRecord[]>();
  for (const conflict of conflicts) {
    const { model, record, existing } = conflict;
    const attempted = entries.get(model)?.get(record.uid)?.attempted;
    if (attempted === undefined || !isSameRecord(existing, attempted)) others.push(conflict);
    else if (!isSameRecord(existing, record)) own.set(model, [...(own.get(model) ?? []), record]);
  }
  for (const [model, records] of own) await writer.putRecords(model, records);
  return others;
}

function recordOf({ record }: NonNullable<PendingWrite['write']>, { links }: PendingWrite): ModelRecord {
  return links === undefined ? record : withLinks(record, links);
}

function withLinks(record: ModelRecord, links: NonNullable<PendingWrite['links']>): ModelRecord {
  const data = { ...record.data };
  for (const [field, changes] of links) {
    const before: readonly string[] = Array.isArray(data[field]) ? (data[field] as string[]) : [];
    const missing = new Map(changes);
    const kept = before.filter((uid) => {
      const change = changes.get(uid);
      if (change?.unlinked === true) return false;
      if (change !== undefined) missing.delete(uid);
      return true;
    });
    for (const [uid, { linked }] of missing) if (linked) kept.push(uid);
    data[field] = kept;
  }
  const { uid, flags } = record;
  return flags === undefined ? { uid, data } : { uid, data, flags };
}
