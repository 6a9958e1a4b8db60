import type { ModelRecord } from '../model/model-record.js';

/** How waiting writes reach a backend; the primitives of `BaseStore` with the same names. */
export interface RecordWriter {
  insertRecords(model: string, records: readonly ModelRecord[]): Promise<readonly (ModelRecord | undefined)[]>;
  putRecords(model: string, records: readonly ModelRecord[]): Promise<void>;
  modifyRecords(model: string, uids: readonly string[], change: RecordChange): Promise<void>;
  deleteRecords(model: string, uids: readonly string[]): Promise<readonly boolean[]>;
}

/** Given the current record (undefined: none), answers the one to store instead, or undefined to leave it as it is. */
export type RecordChange = (uid: string, current: ModelRecord | undefined) => ModelRecord | undefined;

/** A record that was to be inserted, and the different one that was there already. */
export interface InsertConflict {
  readonly model: string;
  readonly record: ModelRecord;
  readonly existing: ModelRecord;
}

/** All that waits for one object. Applied in the order of its members. */
interface Waiting {
  removed: boolean;
  write?: { readonly kind: 'insert' | 'put'; readonly record: ModelRecord };
  /** Child field -> child's unique id -> whether it is to be linked; in the order of the calls. */
  links?: Map<string, Map<string, boolean>>;
}

/**
 * Writes that wait to be done many at a time. Later writes to an object merge with its earlier ones, so a parent's child
 * list is written once however many links were made. Whoever reads the store must drain this first.
 */
export class WriteBehind {
  private waiting = new Map<string, Map<string, Waiting>>();
  private writes = 0;

  /** How many inserts, puts and removals wait. Links do not count: they cost nothing more as they gather. */
  get size(): number {
    return this.writes;
  }

  isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  has(model: string, uid: string): boolean {
    return this.waiting.get(model)?.has(uid) ?? false;
  }

  insert(model: string, record: ModelRecord): void {
    const entry = this.entry(model, record.uid);
    entry.write = { kind: 'insert', record };
    delete entry.links;
    this.writes++;
  }

  put(model: string, record: ModelRecord): void {
    const entry = this.entry(model, record.uid);
    entry.write = { kind: entry.write?.kind ?? 'put', record };
    this.writes++;
  }

  remove(model: string, uid: string): void {
    const entry = this.entry(model, uid);
    if (entry.write?.kind !== 'insert') entry.removed = true;
    delete entry.write;
    delete entry.links;
    this.writes++;
  }

  link(model: string, uid: string, field: string, childUid: string, linked: boolean): void {
    const links = (this.entry(model, uid).links ??= new Map<string, Map<string, boolean>>());
    const field_ = links.get(field) ?? new Map<string, boolean>();
    links.set(field, field_);
    field_.delete(childUid); // Re-inserted below, so that the last call decides the order too.
    field_.set(childUid, linked);
  }

  /**
   * Does all that waits: replaced objects and new ones, changed ones, links, and last the removals, so that a link is
   * never written before its child nor a child removed before its link. After an error all of it waits again: every step
   * may be done twice.
   * @returns the inserts that met a different object, which were not done.
   */
  async drain(writer: RecordWriter): Promise<readonly InsertConflict[]> {
    const { waiting, writes } = this;
    this.waiting = new Map();
    this.writes = 0;
    const conflicts: InsertConflict[] = [];
    try {
      for (const [model, entries] of waiting) await drainWrites(writer, model, entries, conflicts);
      for (const [model, entries] of waiting) await drainLinks(writer, model, entries);
      for (const [model, entries] of waiting) {
        const gone = [...entries]
          .filter(([, { removed, write }]) => removed && write === undefined)
          .map(([uid]) => uid);
        if (gone.length > 0) await writer.deleteRecords(model, gone);
      }
      return conflicts;
    } catch (error) {
      this.takeBack(waiting, writes);
      throw error;
    }
  }

  clear(): void {
    this.waiting.clear();
    this.writes = 0;
  }

  private entry(model: string, uid: string): Waiting {
    let entries = this.waiting.get(model);
    if (entries === undefined) this.waiting.set(model, (entries = new Map<string, Waiting>()));
    let entry = entries.get(uid);
    if (entry === undefined) entries.set(uid, (entry = { removed: false }));
    return entry;
  }

  /** Puts undone work before what came in meanwhile. */
  private takeBack(undone: Map<string, Map<string, Waiting>>, writes: number): void {
    const since = this.waiting;
    this.waiting = undone;
    this.writes += writes;
    for (const [model, entries] of since) {
      for (const [uid, { removed, write, links }] of entries) {
        if (removed) this.remove(model, uid);
        if (write !== undefined) this[write.kind](model, write.record);
        for (const [field, children] of links ?? []) {
          for (const [child, linked] of children) this.link(model, uid, field, child, linked);
        }
      }
    }
  }
}

async function drainWrites(
  writer: RecordWriter,
  model: string,
  entries: ReadonlyMap<string, Waiting>,
  conflicts: InsertConflict[],
): Promise<void> {
  const replaced: string[] = [];
  const inserts: ModelRecord[] = [];
  const puts: ModelRecord[] = [];
  for (const [uid, { removed, write, links }] of entries) {
    if (write === undefined) continue;
    if (removed) replaced.push(uid);
    const record = links === undefined ? write.record : withLinks(write.record, links);
    (write.kind === 'insert' ? inserts : puts).push(record);
  }
  if (replaced.length > 0) await writer.deleteRecords(model, replaced);
  if (inserts.length > 0) {
    const there = await writer.insertRecords(model, inserts);
    for (const [index, record] of inserts.entries()) {
      const existing = there[index];
      if (existing !== undefined) conflicts.push({ model, record, existing });
    }
  }
  if (puts.length > 0) await writer.putRecords(model, puts);
}

async function drainLinks(writer: RecordWriter, model: string, entries: ReadonlyMap<string, Waiting>): Promise<void> {
  const links = new Map<string, NonNullable<Waiting['links']>>();
  for (const [uid, entry] of entries) {
    if (entry.links !== undefined && entry.write === undefined) links.set(uid, entry.links);
  }
  if (links.size === 0) return;
  await writer.modifyRecords(model, [...links.keys()], (uid, current) => {
    const changes = links.get(uid);
    return current === undefined || changes === undefined ? undefined : withLinks(current, changes);
  });
}

function withLinks(record: ModelRecord, links: NonNullable<Waiting['links']>): ModelRecord {
  const data = { ...record.data };
  for (const [field, changes] of links) {
    const before: readonly string[] = Array.isArray(data[field]) ? (data[field] as string[]) : [];
    const kept = before.filter((uid) => changes.get(uid) !== false);
    const present = new Set(kept);
    for (const [uid, linked] of changes) if (linked && !present.has(uid)) kept.push(uid);
    data[field] = kept;
  }
  return { ...record, data };
}
