import type { ListedPart, ListWatch } from './child-lists.js';
import type { ObjectReader } from './object-reader.js';
import type { SideName } from './shared-children.js';
import type { TreeComparison } from './tree-comparison.js';
import type { ModelCounts } from './unlisted.js';

/** The objects that a comparison is restricted to: whichever of them it meets, it meets at all its places. */
export interface ComparedPart extends ListedPart {
  /** Read these objects alone. */
  readonly readers: Readonly<Record<SideName, ObjectReader>>;
  /** How many of these objects a side has. */
  readonly counts: Readonly<Record<SideName, ModelCounts>>;
  /** How many objects a side has at all. */
  readonly totals: Readonly<Record<SideName, ModelCounts>>;
  /** How many objects the two sides have beside these. */
  readonly others: number;
}

/** What a comparison has met, once it is over. */
export interface FinishedWalk {
  readonly tree: TreeComparison;
  /** The objects of both sides. */
  readonly counts: Readonly<Record<SideName, ModelCounts>>;
  /** Type -> unique ids of what a comparison of a part has left to one of the whole. */
  readonly crossing: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether objects were left out that may differ, or whose places may. */
  readonly leavesOut: boolean;
}

/** Gets what a comparison meets. */
export interface ComparisonWatch extends ListWatch {
  /** A walk begins: the first one, or another one in its place. */
  begin(): void;
  /** The comparison is over; the diff is not complete yet. */
  finish(walk: FinishedWalk): Promise<void>;
}
