import type { ObjectView } from '../../record/record-view.js';
import type { ChildUids } from './child-claims.js';
import type { ObjectReader } from './object-reader.js';
import type { TreePosition, VisitedObjects } from './visited.js';

/** What is read of one type. */
interface TypeReads {
  readonly cursor: RecordCursor;
  readonly claimedElsewhere: Set<string>;
  /** Those of `claimedElsewhere` that do not exist. */
  missing: ReadonlySet<string>;
}

/** Reads the children of many parents of one side: all objects of a level in pages, in the order of comparison. */
export class ChildReader {
  private readonly reads = new Map<string, TypeReads>();

  constructor(
    private readonly objects: ObjectReader,
    private readonly visited: VisitedObjects,
  ) {}

  /** Queues the children of a list that are compared elsewhere, to be looked up. */
  queueElsewhere(type: string, { claimedElsewhere }: ChildUids): void {
    if (claimedElsewhere.length === 0) return;
    const reads = this.readsOf(type);
    for (const uid of claimedElsewhere) reads.claimedElsewhere.add(uid);
  }

  /** Returns the cursor of a type: the caller first queues unique ids in it, then takes the objects. */
  cursor(type: string): RecordCursor {
    return this.readsOf(type).cursor;
  }

  /** Looks up the children that are claimed elsewhere. */
  async findClaimedElsewhere(): Promise<void> {
    for (const [type, reads] of this.reads) {
      if (reads.claimedElsewhere.size === 0) continue;
      const cursor = this.newCursor(type);
      for (const uid of reads.claimedElsewhere) cursor.uids.push(uid);
      reads.missing = await cursor.takeMissing();
    }
  }

  /**
   * @returns those of the children that are claimed elsewhere that do not exist.
   * @throws DiffCycle for a child that is above its parent too.
   */
  checkClaimedElsewhere(parent: TreePosition, type: string, { claimedElsewhere }: ChildUids): readonly string[] {
    if (claimedElsewhere.length === 0) return claimedElsewhere;
    const { missing } = this.readsOf(type);
    const dangling: string[] = [];
    for (const uid of claimedElsewhere) {
      if (missing.has(uid)) dangling.push(uid);
      else this.visited.checkBelow(parent, type, uid);
    }
    return dangling;
  }

  /** Ends all reads. */
  async close(): Promise<void> {
    for (const { cursor } of this.reads.values()) await cursor.close();
  }

  private newCursor(type: string): RecordCursor {
    return new RecordCursor(this.objects, type);
  }

  private readsOf(type: string): TypeReads {
    let reads = this.reads.get(type);
    if (reads === undefined) {
      reads = { cursor: this.newCursor(type), claimedElsewhere: new Set(), missing: new Set() };
      this.reads.set(type, reads);
    }
    return reads;
  }
}

/** Takes objects one after the other. They are read in pages, so that compared pages can be freed before the rest is read. */
export class RecordCursor {
  /** The unique ids to read, each once, in the order in which the objects are taken. */
  readonly uids: string[] = [];
  private pages: AsyncGenerator<readonly (ObjectView | undefined)[], void, undefined> | undefined;
  private page: readonly (ObjectView | undefined)[] = [];
  private at = 0;
  private taken = 0;

  constructor(
    private readonly objects: ObjectReader,
    private readonly type: string,
  ) {}

  /** Whether `take` needs no `fetch`: the next object is in the page, or all are taken. */
  get isReady(): boolean {
    return this.at < this.page.length || this.taken === this.uids.length;
  }

  /** Reads the next page, unless the cursor is ready. */
  async fetch(): Promise<void> {
    if (this.isReady) return;
    this.pages ??= this.objects.byUids(this.type, this.uids);
    const { value } = await this.pages.next();
    this.page = value ?? [];
    this.at = 0;
  }

  /** Returns the next object; undefined if it does not exist. */
  take(): ObjectView | undefined {
    this.taken++;
    return this.page[this.at++];
  }

  /** Takes all objects. @returns the unique ids of those that do not exist. */
  async takeMissing(): Promise<ReadonlySet<string>> {
    const missing = new Set<string>();
    while (this.taken < this.uids.length) {
      await this.fetch();
      const uid = this.uids[this.taken++] as string;
      if (this.page[this.at++] === undefined) missing.add(uid);
    }
    return missing;
  }

  async close(): Promise<void> {
    await this.pages?.return();
  }
}
