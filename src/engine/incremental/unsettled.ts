import { yieldIfDue } from '../../async/event-loop.js';
import type { Diff, DiffElement } from '../../diff/diff.js';
import { walk, type WalkEntry } from '../../diff/diff-walk.js';
import type { FinishedWalk } from '../compare/compared-part.js';

const SIDES = ['src', 'dst'] as const;

/** The most objects that a baseline names as open. With more a comparison in full is hardly dearer. */
const MAX_OPEN = 50_000;

/** What a comparison has found open. */
export interface Unsettled {
  /** Model -> unique ids, see `Baseline.open`; undefined where it is not known of all objects whether they are open. */
  readonly open: Readonly<Record<string, readonly string[]>> | undefined;
  /** The elements, each before those below it. */
  readonly entries: readonly WalkEntry<DiffElement>[];
}

/**
 * Collects what a comparison has found open.
 * @param isWhole - whether each object was met of the types that only parents lead to.
 */
export async function findUnsettled(
  diff: Diff,
  { tree, leavesOut }: FinishedWalk,
  isWhole: boolean,
): Promise<Unsettled> {
  const open = new Map<string, Set<string>>();
  let count = 0;
  const add = (type: string, uid: string | undefined): void => {
    if (uid === undefined) return;
    let uids = open.get(type);
    if (uids === undefined) open.set(type, (uids = new Set()));
    if (uids.size !== uids.add(uid).size) count++;
  };
  const entries: WalkEntry<DiffElement>[] = [];
  for (const entry of walk(diff.getAddedChildren(), (element) => element.getAddedChildren())) {
    const due = yieldIfDue();
    if (due !== undefined) await due;
    entries.push(entry);
    const { element, parent } = entry;
    if (!isOpen(element)) continue;
    add(element.type, element.comparedUid);
    if (element.linkOnly && parent !== undefined) add(parent.element.type, parent.element.comparedUid);
  }
  for (const [type, uids] of tree.comparer.skippedPairs) for (const uid of uids) add(type, uid);
  for (const [type, uid] of tree.shared.skippedObjects()) add(type, uid);
  for (const side of SIDES) {
    for (const { model, uniqueId, child } of tree.dangling[side]) {
      add(model, uniqueId);
      add(child.model, child.uniqueId);
    }
  }
  // What is below a skipped object, and what no parent lists, was not met.
  const isKnown = isWhole && !leavesOut && tree.comparer.skippedParents.length === 0 && count <= MAX_OPEN;
  return {
    open: isKnown ? Object.fromEntries([...open].map(([type, uids]) => [type, [...uids]])) : undefined,
    entries,
  };
}

/** Whether an element has a change. One whose comparison throws is looked at again. */
export function isOpen(element: DiffElement): boolean {
  try {
    return element.action !== null;
  } catch {
    return true;
  }
}
