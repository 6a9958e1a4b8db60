import type { ModelRecord } from '../model/model-record.js';

/** How waiting writes reach a backend; the primitives of `BaseStore` with the same names. */
export interface RecordWriter {
  insertRecords(model: string, records: readonly ModelRecord[]): Promise<readonly (ModelRecord | undefined)[]>;
  putRecords(model: string, records: readonly ModelRecord[]): Promise<void>;
  modifyRecords(model: string, uids: readonly string[], change: RecordChange): Promise<void>;
  deleteRecords(model: string, uids: readonly string[]): Promise<readonly boolean[]>;
}

/** Given the current record, answers the one to store instead, or undefined to leave it. Told too of one that is not there. */
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
  /** A failed drain may have inserted it, so that a removal must reach the backend. */
  attempted?: boolean;
  /** Child field -> child's unique id -> what is to become of it; in the order of the calls. */
  links?: Map<string, Map<string, LinkChange>>;
}

const NONE: ReadonlyMap<string, Waiting> = new Map();

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
  private waiting = new Map<string, Map<string, Waiting>>();
  /** What a drain has taken and not yet written. */
  private leaving:
    { readonly entries: ReadonlyMap<string, ReadonlyMap<string, Waiting>>; readonly writes: number } | undefined;
  private writes = 0;

  /** @param parentsFirst puts models before those of their children. */
  constructor(private readonly parentsFirst: (models: readonly string[]) => readonly string[] = (models) => models) {}

  /** How many inserts, puts and removals wait or are being done. Links do not count: they cost nothing more as they gather. */
  get size(): number {
    return this.writes + (this.leaving?.writes ?? 0);
  }

  /** Whether nothing waits and no drain is under way. */
  isEmpty(): boolean {
    return this.waiting.size === 0 && this.leaving === undefined;
  }

  has(model: string, uid: string): boolean {
    return [this.waiting, this.leaving?.entries].some((entries) => entries?.get(model)?.has(uid) ?? false);
  }

  insert(model: string, record: ModelRecord): void {
    const entry = this.entry(model, record.uid);
    entry.write = { kind: 'insert', record };
    delete entry.links;
    // Its place in the order is that of this call, not of an earlier removal.
    this.waiting.get(model)?.delete(record.uid);
    this.waiting.get(model)?.set(record.uid, entry);
    this.writes++;
  }

  put(model: string, record: ModelRecord): void {
    const entry = this.entry(model, record.uid);
    entry.write = { kind: entry.write?.kind ?? 'put', record };
    this.writes++;
  }

  remove(model: string, uid: string): void {
    const entry = this.entry(model, uid);
    if (entry.write?.kind !== 'insert' || entry.attempted) entry.removed = true;
    delete entry.write;
    delete entry.links;
    this.writes++;
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
   * Does all that waits: replaced objects and new ones, changed ones, links, and last the removals. Children are written
   * before their parents and removed after them: so a link is never written before its child nor a child removed before its
   * link, and a process that is killed between two steps leaves objects that no parent lists, but no list that names what is
   * not there. After an error all of it waits again: every step may be done twice.
   * @returns the inserts that met a different object, which were not done.
   */
  async drain(writer: RecordWriter): Promise<readonly InsertConflict[]> {
    const { waiting, writes } = this;
    this.waiting = new Map();
    this.leaving = { entries: waiting, writes };
    this.writes = 0;
    const conflicts: InsertConflict[] = [];
    try {
      const models = this.parentsFirst([...waiting.keys()]).map(
        (model) => [model, waiting.get(model) ?? NONE] as const,
      );
      for (const [model, entries] of models.toReversed()) await drainWrites(writer, model, entries, conflicts);
      for (const [model, entries] of models) await drainLinks(writer, model, entries);
      for (const [model, entries] of models) {
        const gone = [...entries]
          .filter(([, { removed, write }]) => removed && write === undefined)
          .map(([uid]) => uid);
        if (gone.length > 0) await writer.deleteRecords(model, gone);
      }
      return conflicts;
    } catch (error) {
      this.takeBack(waiting, writes);
      throw error;
    } finally {
      this.leaving = undefined;
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
    this.writes = writes;
    for (const entries of undone.values()) {
      for (const entry of entries.values()) entry.attempted = true;
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
      const entry = entries.get(record.uid);
      if (existing !== undefined) conflicts.push({ model, record, existing });
      // Our own from now on: should a later step fail, what is written the second time must not meet it as a stranger.
      else if (entry?.write !== undefined) entry.write = { kind: 'put', record: entry.write.record };
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
    const kept = before.filter((uid) => !changes.get(uid)?.unlinked);
    const present = new Set(kept);
    for (const [uid, { linked }] of changes) if (linked && !present.has(uid)) kept.push(uid);
    data[field] = kept;
  }
  const { uid, flags } = record;
  return flags === undefined ? { uid, data } : { uid, data, flags };
}
