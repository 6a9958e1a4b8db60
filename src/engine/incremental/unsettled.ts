import { Pace } from '../../async/event-loop.js';
import type { Diff, DiffElement } from '../../diff/diff.js';
import { walk, type WalkEntry } from '../../diff/diff-walk.js';
import type { FinishedWalk } from '../compare/compared-part.js';
import { isOpen } from '../compare/open-elements.js';

/** Model -> the unique ids of the objects that a comparison has found open, see `Baseline.open`. */
type OpenObjects = Readonly<Record<string, readonly string[]>>;

/**
 * Collects what a comparison has found open.
 * @param isWhole - whether each object was met of the types that only parents lead to.
 * @param most - how many there may be: with more the next comparison is one of everything.
 * @returns undefined where there are more, or it is not known of all objects whether they are open.
 */
export async function findOpen(
  diff: Diff,
  { tree, leavesOut }: FinishedWalk,
  isWhole: boolean,
  most: number,
): Promise<OpenObjects | undefined> {
  // What is below a skipped object, and what no parent lists, was not met.
  if (!isWhole || leavesOut || tree.comparer.skippedParents.length > 0) return undefined;
  const open = new Map<string, Set<string>>();
  let count = 0;
  const add = (type: string, uid: string | undefined): void => {
    if (uid === undefined) return;
    let uids = open.get(type);
    if (uids === undefined) open.set(type, (uids = new Set()));
    if (uids.size !== uids.add(uid).size) count++;
  };
  const pace = new Pace();
  for (const { element, parent } of elementsOf(diff)) {
    const due = pace.yieldIfDue();
    if (due !== undefined) await due;
    if (!isOpen(element)) continue;
    add(element.type, element.comparedUid);
    if (element.linkOnly && parent !== undefined) add(parent.element.type, parent.element.comparedUid);
    if (count > most) return undefined;
  }
  for (const [type, uids] of tree.comparer.skippedPairs) for (const uid of uids) add(type, uid);
  for (const [type, uid] of tree.shared.skippedObjects()) add(type, uid);
  for (const side of ['src', 'dst'] as const) {
    for (const { model, uniqueId, child } of tree.dangling[side]) {
      add(model, uniqueId);
      add(child.model, child.uniqueId);
    }
  }
  if (count > most) return undefined;
  return Object.fromEntries([...open].map(([type, uids]) => [type, [...uids]]));
}

/**
 * Takes out the elements without a change at or below them.
 * @param pairs - model -> how many pairs of equal objects there are that have no element.
 * @returns model -> how many there are with those that were taken out.
 */
export function leaveOutUnchanged(diff: Diff, pairs: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const counts = new Map(pairs);
  const changed = new Set<DiffElement>();
  for (const { element, parent } of [...elementsOf(diff)].toReversed()) {
    if (changed.has(element) || isOpen(element)) {
      if (parent !== undefined) changed.add(parent.element);
      continue;
    }
    (parent === undefined ? diff : parent.element.childDiff).remove(element);
    counts.set(element.type, (counts.get(element.type) ?? 0) + 1);
  }
  return counts;
}

function elementsOf(diff: Diff): Iterable<WalkEntry<DiffElement>> {
  return walk(diff.getAddedChildren(), (element) => element.getAddedChildren());
}
