import type { Steps } from '../../async/steps.js';
import type { SharedLink } from '../../diff/fingerprint.js';
import { walk } from '../../diff/diff-walk.js';
import type { DiffElement } from '../../diff/diff.js';
import type { PairNode } from './pair-node.js';

/** A parent that lists an object which is compared under another parent, and the sides on which it does. */
export interface OtherListing {
  readonly node: PairNode;
  src: boolean;
  dst: boolean;
}

/** An element and those above it. */
export interface ElementPath {
  readonly element: DiffElement;
  readonly parent: ElementPath | undefined;
}

/** An object that was met on one side alone: where, and its element unless it was skipped. */
export interface OneSided {
  readonly element: DiffElement | undefined;
  readonly parent: ElementPath | undefined;
}

/** Type -> unique id -> the key of the parent under which both sides' objects are compared; see `parentKey`. */
export type Homes = ReadonlyMap<string, ReadonlyMap<string, string>>;

export type SideName = 'src' | 'dst';

type ByUid<T> = Map<string, Map<string, T>>;

/**
 * What a comparison learns of objects that stand at several places: the parents besides the one under which an object is
 * compared, and the objects that were met on one side alone and skipped. Most objects stand at one place on both sides, and
 * leave no trace here.
 */
export class SharedChildren {
  private readonly others: ByUid<OtherListing[]> = new Map();
  private readonly skipped: Readonly<Record<SideName, ByUid<OneSided>>> = { src: new Map(), dst: new Map() };
  /** Set by `index`. */
  private readonly oneSided: Readonly<Record<SideName, ByUid<OneSided>>> = { src: new Map(), dst: new Map() };

  /** Records that a parent lists an object which is compared elsewhere. */
  addListing(type: string, uid: string, node: PairNode, side: SideName): void {
    const byUid = entry(this.others, type, () => new Map<string, OtherListing[]>());
    const listings = entry(byUid, uid, (): OtherListing[] => []);
    // Both sides' lists of one parent come one after the other. There may be any number of parents.
    let listing = listings.at(-1);
    if (listing?.node !== node) listings.push((listing = { node, src: false, dst: false }));
    listing[side] = true;
  }

  /** Takes back that a parent lists an object on a side: the object does not exist there. */
  dropListing(type: string, uid: string, node: PairNode, side: SideName): void {
    const listing = this.others
      .get(type)
      ?.get(uid)
      ?.find((each) => each.node === node);
    if (listing !== undefined) listing[side] = false;
  }

  /** Records an object that was met on one side alone and skipped. */
  addSkipped(side: SideName, type: string, uid: string, parent: PairNode | undefined): void {
    entry(this.skipped[side], type, () => new Map<string, OneSided>()).set(uid, { parent, element: undefined });
  }

  /** The objects that were met on one side alone and skipped. */
  *skippedObjects(): Generator<readonly [type: string, uid: string], void, undefined> {
    for (const side of ['src', 'dst'] as const) {
      for (const [type, byUid] of this.skipped[side]) for (const uid of byUid.keys()) yield [type, uid];
    }
  }

  /** Whether an object may be on both sides and was met as two; else the objects of one side are not looked up. */
  get needsIndex(): boolean {
    return this.others.size + this.skipped.dst.size > 0;
  }

  /** Makes the objects that were met on one side alone known, once the walk is over. @param roots the top elements. */
  *indexing(roots: Iterable<DiffElement>): Steps<void> {
    for (const side of ['src', 'dst'] as const) {
      for (const [type, found] of this.skipped[side]) this.oneSided[side].set(type, new Map(found));
    }
    for (const { element, parent } of walk(roots, (each) => each.getAddedChildren())) {
      yield;
      const { onlySide, type, comparedUid } = element;
      if (onlySide === undefined || comparedUid === undefined) continue;
      const side = onlySide === 'source' ? 'src' : 'dst';
      entry(this.oneSided[side], type, () => new Map<string, OneSided>()).set(comparedUid, { element, parent });
    }
  }

  listings(type: string, uid: string): readonly OtherListing[] {
    return this.others.get(type)?.get(uid) ?? [];
  }

  onlyOn(side: SideName, type: string, uid: string): OneSided | undefined {
    return this.oneSided[side].get(type)?.get(uid);
  }

  /** The types of which objects were met on one side alone. */
  oneSidedTypes(side: SideName): Iterable<string> {
    return this.oneSided[side].keys();
  }

  /** The objects of a type that were met on one side alone. */
  oneSidedObjects(side: SideName, type: string): ReadonlyMap<string, OneSided> {
    return this.oneSided[side].get(type) ?? new Map<string, OneSided>();
  }

  *allListings(): Generator<readonly [type: string, uid: string, listings: readonly OtherListing[]], void, undefined> {
    for (const [type, byUid] of this.others) for (const [uid, listings] of byUid) yield [type, uid, listings];
  }

  /** Returns all listings, without the objects. */
  *listingLinks(): Steps<SharedLink[]> {
    const links: SharedLink[] = [];
    for (const [type, uid, listings] of this.allListings()) {
      for (const { node, src, dst } of listings) {
        yield;
        links.push({ parent: parentKey(node), child: `${type} ${uid}`, source: src, target: dst });
      }
    }
    return links;
  }

  /**
   * Finds the objects that both sides have, under different parents, and that are no simple move: several parents list them
   * on some side. Each is to be compared as one object, under a parent that both sides share where there is one.
   * @returns type -> unique id -> the key of that parent.
   */
  *findingHomes(): Steps<Map<string, Map<string, string>>> {
    const homes: ByUid<string> = new Map();
    for (const [type, uid, listings] of this.allListings()) {
      yield;
      const [src, dst] = [this.onlyOn('src', type, uid), this.onlyOn('dst', type, uid)];
      if (src === undefined || dst === undefined) continue;
      const keysOf = (side: SideName, first: ElementPath | undefined): string[] =>
        [first, ...listings.filter((each) => each[side]).map(({ node }) => node)].map(parentKey);
      const inSource = keysOf('src', src.parent);
      const inTarget = new Set(keysOf('dst', dst.parent));
      const home = inSource.find((key) => inTarget.has(key)) ?? parentKey(src.parent);
      entry(homes, type, () => new Map<string, string>()).set(uid, home);
    }
    return homes;
  }
}

/** Names a parent, the same on both sides; '' for the top. */
export function parentKey(parent: ElementPath | undefined): string {
  return parent === undefined ? '' : `${parent.element.type} ${parent.element.comparedUid ?? ''}`;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
