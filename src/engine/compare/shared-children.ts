import type { DiffElement } from '../../diff/diff.js';
import type { PairNode } from './pair-node.js';

/** A parent that lists an object which is compared under another parent, and the sides on which it does. */
export interface OtherListing {
  readonly node: PairNode;
  src: boolean;
  dst: boolean;
}

/** An object that was met on one side alone: where, and its element unless it was skipped. */
export interface OneSided {
  readonly parent: PairNode | undefined;
  readonly element: DiffElement | undefined;
}

/** Type -> unique id -> the key of the parent under which both sides' objects are compared; see `parentKey`. */
export type Homes = ReadonlyMap<string, ReadonlyMap<string, string>>;

export type SideName = 'src' | 'dst';

/**
 * What a comparison learns of objects that stand at several places: the parents besides the one under which an object is
 * compared, and the objects that it met on one side alone. Most objects stand at one place on both sides, and leave no trace
 * here.
 */
export class SharedChildren {
  private readonly others = new Map<string, Map<string, OtherListing[]>>();
  private readonly oneSided = {
    src: new Map<string, Map<string, OneSided>>(),
    dst: new Map<string, Map<string, OneSided>>(),
  };

  /** Records that a parent lists an object which is compared elsewhere. */
  addListing(type: string, uid: string, node: PairNode, side: SideName): void {
    const byUid = entry(this.others, type, () => new Map<string, OtherListing[]>());
    const listings = entry(byUid, uid, (): OtherListing[] => []);
    let listing = listings.find((each) => each.node === node);
    if (listing === undefined) listings.push((listing = { node, src: false, dst: false }));
    listing[side] = true;
  }

  /** Records an object that was met on one side alone. */
  addOneSided(side: SideName, type: string, uid: string, found: OneSided): void {
    entry(this.oneSided[side], type, () => new Map<string, OneSided>()).set(uid, found);
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

  /**
   * Finds the objects that both sides have, under different parents, and that are no simple move: several parents list them
   * on some side. Each is to be compared as one object, under a parent that both sides share where there is one.
   * @returns type -> unique id -> the key of that parent.
   */
  findHomes(): Map<string, Map<string, string>> {
    const homes = new Map<string, Map<string, string>>();
    for (const [type, found] of this.oneSided.src) {
      for (const [uid, src] of found) {
        const dst = this.onlyOn('dst', type, uid);
        const listings = dst === undefined ? [] : this.listings(type, uid);
        if (dst === undefined || listings.length === 0) continue;
        const inSource = [src.parent, ...listings.filter((each) => each.src).map(({ node }) => node)].map(parentKey);
        const inTarget = new Set(
          [dst.parent, ...listings.filter((each) => each.dst).map(({ node }) => node)].map(parentKey),
        );
        const home = inSource.find((key) => inTarget.has(key)) ?? parentKey(src.parent);
        entry(homes, type, () => new Map<string, string>()).set(uid, home);
      }
    }
    return homes;
  }
}

/** Names a parent, the same on both sides; '' for the top. */
export function parentKey(node: PairNode | undefined): string {
  return node === undefined ? '' : `${node.element.type} ${node.uid}`;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
