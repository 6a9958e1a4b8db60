import type { Steps } from '../async/steps.js';
import type { DiffSyncAction } from '../flags.js';

/** An element and its depth below the elements at which the walk began. */
export interface WalkEntry<E> {
  readonly element: E;
  readonly parent: WalkEntry<E> | undefined;
  readonly depth: number;
}

/** What a walk in the diff's order needs to know of an element. */
export interface OrderedElement<E> {
  getChildren(): readonly E[];
}

/** A diff or an element, to a walk in the order of insertion. */
export interface InsertionOrdered<E> {
  getAddedChildren(): readonly E[];
}

/**
 * Walks elements depth first without recursion, so that only memory bounds the depth. Each element comes before its children.
 * @param below returns the children of an element; by default in the diff's order.
 */
export function* walk<E extends OrderedElement<E>>(
  roots: Iterable<E>,
  below = (element: E): readonly E[] => element.getChildren(),
): Generator<WalkEntry<E>, void, undefined> {
  const stack: { parent: WalkEntry<E> | undefined; rest: Iterator<E> }[] = [
    { parent: undefined, rest: roots[Symbol.iterator]() },
  ];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.rest.next();
    if (next.done === true) {
      stack.pop();
      continue;
    }
    const entry: WalkEntry<E> = { element: next.value, parent: top.parent, depth: stack.length - 1 };
    yield entry;
    const children = below(next.value);
    if (children.length > 0) stack.push({ parent: entry, rest: children[Symbol.iterator]() });
  }
}

/** Walks in the order of `add`. Copies and plans are made in it, because the class of the new diff orders them again. */
export function walkAdded<E extends OrderedElement<E> & InsertionOrdered<E>>(
  diff: InsertionOrdered<E>,
): Generator<WalkEntry<E>, void, undefined> {
  return walk(diff.getAddedChildren(), (element: E) => element.getAddedChildren());
}

/** Finds the elements that have an action or lie above one that has. */
export function* findingChanged<E extends { readonly action: DiffSyncAction | null }>(
  entries: Iterable<WalkEntry<E>>,
): Steps<ReadonlySet<E>> {
  const changed = new Set<E>();
  for (const entry of entries) {
    yield;
    if (entry.element.action === null) continue;
    for (let at: WalkEntry<E> | undefined = entry; at !== undefined && !changed.has(at.element); at = at.parent) {
      changed.add(at.element);
    }
  }
  return changed;
}
