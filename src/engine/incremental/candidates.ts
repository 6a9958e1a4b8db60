import { giveWay } from '../../async/event-loop.js';
import { doInSteps } from '../../async/steps.js';
import { childUidsOf, type ObjectView } from '../../record/record-view.js';
import { orderUids } from '../../store/engine-access.js';
import type { DiffSyncFlags } from '../../flags.js';
import { skipReason } from '../compare/compare-pair.js';
import type { ComparedPart } from '../compare/compared-part.js';
import type { ObjectReader } from '../compare/object-reader.js';
import type { Scope } from '../compare/scope.js';
import type { SideName } from '../compare/shared-children.js';
import { checkAborted, type Side } from '../side.js';
import { childHash, type ChildIndex } from './child-index.js';

const SIDES = ['src', 'dst'] as const;

/** Type -> unique id -> the object, or undefined for one that a side does not have. */
type ReadObjects = Map<string, Map<string, ObjectView | undefined>>;

/** Where the candidates are looked for. */
export interface CandidateContext {
  readonly sides: Readonly<Record<SideName, Side>>;
  readonly readers: Readonly<Record<SideName, ObjectReader>>;
  readonly index: ChildIndex;
  /** The models that are compared. */
  readonly types: ReadonlySet<string>;
  readonly counts: Readonly<Record<SideName, ReadonlyMap<string, number>>>;
  /** How many objects there are that are not compared, but count as looked at. */
  readonly uncompared: number;
  readonly flags: DiffSyncFlags;
  readonly scope: Scope;
  readonly signal: AbortSignal | undefined;
}

/**
 * The objects that a comparison has to read, for every other object is the same on both sides, at the same places:
 * - what was written, and what differed before;
 * - of a parent that was written, the children that only one side's list names, or that it did not list before;
 * - everything below what stands under different parents, or on one side alone, or is skipped;
 * - every object that listed one of these at the time of the baseline, on either side: a parent that lists one since was written;
 * - the parents of those, up to the top.
 */
export class Candidates implements ComparedPart {
  readonly readers: Readonly<Record<SideName, ObjectReader>>;
  readonly counts: Readonly<Record<SideName, Map<string, number>>> = { src: new Map(), dst: new Map() };
  private readonly members = new Map<string, Set<string>>();
  private readonly objects: Readonly<Record<SideName, ReadObjects>> = { src: new Map(), dst: new Map() };
  /** Objects whose children are looked at: those that were written or open. */
  private readonly changed = new Map<string, Set<string>>();
  /** Objects below which everything is a candidate. */
  private readonly whole = new Map<string, Set<string>>();
  /** What is to be read. */
  private pending = new Map<string, Set<string>>();

  constructor(private readonly context: CandidateContext) {
    this.readers = { src: this.readerOf('src'), dst: this.readerOf('dst') };
  }

  get totals(): CandidateContext['counts'] {
    return this.context.counts;
  }

  /** How many there are. */
  get size(): number {
    let size = 0;
    for (const uids of this.members.values()) size += uids.size;
    return size;
  }

  get others(): number {
    let pairs = 0;
    for (const count of this.countOthers()?.values() ?? []) pairs += count;
    return 2 * pairs + this.context.uncompared;
  }

  has(type: string, uid: string): boolean {
    return this.members.get(type)?.has(uid) ?? false;
  }

  /** Adds objects that were written, or that differed before. */
  addChanged(type: string, uids: Iterable<string>): void {
    if (!this.context.types.has(type)) return;
    for (const uid of uids) {
      addTo(this.changed, type, uid);
      this.add(type, uid);
    }
  }

  /**
   * Finds all other candidates, and reads them.
   * @returns false where an object may have lost its parents without being written, so that it is not known which one.
   */
  async complete(): Promise<boolean> {
    while (this.pending.size > 0) {
      checkAborted(this.context.signal);
      const wave = this.pending;
      this.pending = new Map();
      for (const [type, uids] of wave) await this.read(type, [...uids]);
      for (const [type, uids] of wave) for (const uid of uids) this.addChildren(type, uid);
      const wanted = [...wave].flatMap(([type, uids]) => [...uids].map((uid) => [type, uid] as const));
      const { signal } = this.context;
      for (const [type, uid] of await doInSteps(this.context.index.findingParents(wanted), () =>
        checkAborted(signal),
      )) {
        this.add(type, uid);
      }
    }
    this.count();
    return this.knowsAllLost();
  }

  /**
   * Counts, by model, the objects that both sides have beside the candidates: pairs of equal objects.
   * @returns undefined where the two sides do not have as many.
   */
  countOthers(): ReadonlyMap<string, number> | undefined {
    const { counts, types } = this.context;
    const pairs = new Map<string, number>();
    for (const type of types) {
      const [src, dst] = SIDES.map((side) => (counts[side].get(type) ?? 0) - (this.counts[side].get(type) ?? 0));
      if (src !== dst || src === undefined || src < 0) return undefined;
      if (src > 0) pairs.set(type, src);
    }
    return pairs;
  }

  private add(type: string, uid: string): void {
    if (this.has(type, uid)) return;
    addTo(this.members, type, uid);
    addTo(this.pending, type, uid);
  }

  private async read(type: string, uids: readonly string[]): Promise<void> {
    await Promise.all(
      SIDES.map(async (side) => {
        const known = this.objectsOf(side, type);
        let at = 0;
        for await (const page of this.context.readers[side].byUids(type, uids)) {
          for (const view of page) known.set(uids[at++] as string, view);
          await giveWay();
        }
      }),
    );
  }

  private addChildren(type: string, uid: string): void {
    const [src, dst] = SIDES.map((side) => this.objectsOf(side, type).get(uid));
    const { flags, scope } = this.context;
    const isWhole =
      src === undefined ||
      dst === undefined ||
      has(this.whole, type, uid) ||
      skipReason(type, { src, dst }, flags, scope) !== undefined;
    if (!isWhole && !has(this.changed, type, uid)) return;
    const [ours, theirs] = [childrenOf(src), childrenOf(dst)];
    const before = isWhole ? undefined : new Set(this.context.index.childrenOf(type, uid));
    for (const child of new Set([...ours.keys(), ...theirs.keys()])) {
      if (!this.context.types.has(child)) continue;
      const [here, there] = [new Set(ours.get(child)), new Set(theirs.get(child))];
      for (const each of new Set([...here, ...there])) {
        if (isWhole || here.has(each) !== there.has(each)) this.addWhole(child, each);
        else if (before?.has(childHash(child, each)) !== true) this.add(child, each);
      }
    }
  }

  /** Adds an object with everything below it. One that was read before as part of a path is looked at again. */
  private addWhole(type: string, uid: string): void {
    if (has(this.whole, type, uid)) return;
    addTo(this.whole, type, uid);
    if (this.has(type, uid)) addTo(this.pending, type, uid);
    else this.add(type, uid);
  }

  private count(): void {
    for (const side of SIDES) {
      for (const [type, known] of this.objects[side]) {
        let count = 0;
        for (const view of known.values()) if (view !== undefined) count++;
        this.counts[side].set(type, count);
      }
    }
  }

  /** Whether every child that a changed parent listed is listed by it still, or is a candidate. */
  private knowsAllLost(): boolean {
    const { index } = this.context;
    let members: Set<number> | undefined;
    for (const [type, uids] of this.changed) {
      for (const uid of uids) {
        const before = index.childrenOf(type, uid);
        if (before.length === 0) continue;
        const now = new Set<number>();
        for (const side of SIDES) {
          for (const [child, listed] of childrenOf(this.objectsOf(side, type).get(uid))) {
            for (const each of listed) now.add(childHash(child, each));
          }
        }
        if (before.every((hash) => now.has(hash))) continue;
        members ??= new Set(
          [...this.members].flatMap(([model, all]) => [...all].map((each) => childHash(model, each))),
        );
        if (!before.every((hash) => now.has(hash) || members?.has(hash) === true)) return false;
      }
    }
    return true;
  }

  private readerOf(side: SideName): ObjectReader {
    const { signal, sides, readers } = this.context;
    const byUids = this.knownByUids.bind(this, side);
    return {
      all: async (type) => {
        const known = this.objectsOf(side, type);
        const present = [...known].filter(([, view]) => view !== undefined).map(([uid]) => uid);
        const ordered = await orderUids(sides[side].store, type, present, signal);
        return ordered.flatMap((uid) => known.get(uid) ?? []);
      },
      byUids: (type, uids) =>
        uids.every((uid) => this.has(type, uid)) ? byUids(type, uids) : readers[side].byUids(type, uids),
    };
  }

  private async *knownByUids(
    side: SideName,
    type: string,
    uids: readonly string[],
  ): AsyncGenerator<readonly (ObjectView | undefined)[], void, undefined> {
    const known = this.objectsOf(side, type);
    if (uids.length > 0) yield uids.map((uid) => known.get(uid));
  }

  private objectsOf(side: SideName, type: string): Map<string, ObjectView | undefined> {
    let known = this.objects[side].get(type);
    if (known === undefined) this.objects[side].set(type, (known = new Map()));
    return known;
  }
}

/** Returns the children that an object lists, by type. */
function childrenOf(view: ObjectView | undefined): Map<string, readonly string[]> {
  const mapping = view?.getChildrenMapping() ?? {};
  return new Map(Object.entries(mapping).map(([type, field]) => [type, childUidsOf(view as ObjectView, field)]));
}

function addTo(sets: Map<string, Set<string>>, type: string, uid: string): void {
  const uids = sets.get(type);
  if (uids === undefined) sets.set(type, new Set([uid]));
  else uids.add(uid);
}

function has(sets: ReadonlyMap<string, ReadonlySet<string>>, type: string, uid: string): boolean {
  return sets.get(type)?.has(uid) ?? false;
}
