import { ObjectNotFound } from '../../errors.js';
import type { ObjectView } from '../../record/record-view.js';
import type { TreePosition, VisitedObjects } from './visited.js';
import type { Side } from '../side.js';
import { viewByUids } from '../../store/engine-access.js';

/** The children of one type that a parent lists, as one side has them. */
export interface ChildUids {
  /** Those that have their place here, each once. */
  readonly owned: readonly string[];
  /** How often the list names those. */
  readonly occurrences: number;
  /** Those that have their place elsewhere; they must be there all the same. */
  readonly claimedElsewhere: readonly string[];
}

/** What a level reads of one type. */
interface Kind {
  readonly reading: RecordCursor;
  /** What lists name that have no place of their own in them. */
  readonly others: Set<string>;
  missing: ReadonlySet<string>;
}

/** The children of many parents on one side: listed first, then read together, in the order in which they are compared. */
export class ChildReader {
  private readonly kinds = new Map<string, Kind>();

  constructor(
    private readonly side: Side,
    private readonly places: VisitedObjects,
  ) {}

  /** Gives each that is met for the first time its place. */
  list(type: string, uids: readonly string[]): ChildUids {
    const owned = uids.filter((uid) => this.places.markVisited(type, uid));
    if (owned.length === uids.length) return { owned, occurrences: uids.length, claimedElsewhere: [] };
    const ownedSet = new Set(owned);
    const claimedElsewhere = uids.filter((uid) => !ownedSet.has(uid));
    const kind = this.kind(type);
    for (const uid of claimedElsewhere) kind.others.add(uid);
    return { owned, occurrences: uids.length - claimedElsewhere.length, claimedElsewhere };
  }

  /** The objects of a type: what is to be read of them, then what is. */
  cursor(type: string): RecordCursor {
    return this.kind(type).reading;
  }

  /** Looks for what has its place elsewhere. */
  async findClaimedElsewhere(): Promise<void> {
    for (const [type, kind] of this.kinds) {
      if (kind.others.size === 0) continue;
      const reading = new RecordCursor(this.side, type);
      reading.uids.push(...kind.others);
      kind.missing = await reading.missing();
    }
  }

  /** @throws ObjectNotFound; DiffCycle when an object stands above itself. */
  checkClaimedElsewhere(parent: TreePosition, type: string, { claimedElsewhere }: ChildUids): void {
    if (claimedElsewhere.length === 0) return;
    const { missing } = this.kind(type);
    for (const uid of claimedElsewhere) {
      if (missing.has(uid)) throw notFound(this.side, type, uid);
      this.places.checkBelow(parent, type, uid);
    }
  }

  /** Reads no more. */
  async close(): Promise<void> {
    for (const { reading } of this.kinds.values()) await reading.close();
  }

  private kind(type: string): Kind {
    let kind = this.kinds.get(type);
    if (kind === undefined) {
      kind = { reading: new RecordCursor(this.side, type), others: new Set(), missing: new Set() };
      this.kinds.set(type, kind);
    }
    return kind;
  }
}

/** Objects one after the other. They come in pages, so that what is compared can be let go before the rest is read. */
export class RecordCursor {
  /** Of the objects, each once, in the order in which they are taken. */
  readonly uids: string[] = [];
  private pages: AsyncGenerator<readonly (ObjectView | undefined)[], void, undefined> | undefined;
  private page: readonly (ObjectView | undefined)[] = [];
  private at = 0;
  private taken = 0;

  constructor(
    private readonly side: Side,
    private readonly type: string,
  ) {}

  /** Whether the next one is here, or there is none. */
  get isReady(): boolean {
    return this.at < this.page.length || this.taken === this.uids.length;
  }

  async fetch(): Promise<void> {
    if (this.isReady) return;
    this.pages ??= viewByUids(this.side.store, this.type, this.uids);
    const { value } = await this.pages.next();
    this.page = value ?? [];
    this.at = 0;
  }

  /** @throws ObjectNotFound */
  take(): ObjectView {
    const uid = this.uids[this.taken++] as string;
    const view = this.page[this.at++];
    if (view === undefined) throw notFound(this.side, this.type, uid);
    return view;
  }

  /** Those that are not there; takes all. */
  async missing(): Promise<ReadonlySet<string>> {
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

function notFound({ store }: Side, type: string, uid: string): ObjectNotFound {
  return new ObjectNotFound(`${type} ${uid} not present in ${String(store)}`);
}
