import type { Steps } from '../async/steps.js';
import type { DiffSyncAction } from '../flags.js';
import { walkAdded, type InsertionOrdered, type OrderedElement, type WalkEntry } from './diff-walk.js';

/** Selects changes of a diff; a change is selected if it satisfies every condition that is given. */
export interface Selection {
  /** The change is one of these actions. Default: any action. */
  actions?: readonly DiffSyncAction[] | undefined;
  /** The changed object is of one of these models, by name. Default: any model. */
  modelTypes?: readonly string[] | undefined;
}

/** What a selection needs to know of an element. */
interface SelectableElement<E> extends OrderedElement<E>, InsertionOrdered<E> {
  readonly action: DiffSyncAction | null;
  readonly type: string;
  /** Returns a copy without children, and without the change where `withChange` is false. */
  copy(withChange: boolean): E;
  addChild(element: E): void;
}

/** Returns whether the element has a change that the selection selects. */
export function isSelected(
  { actions, modelTypes }: Selection,
  { action, type }: { readonly action: DiffSyncAction | null; readonly type: string },
): boolean {
  return action !== null && (actions?.includes(action) ?? true) && (modelTypes?.includes(type) ?? true);
}

/**
 * Copies the changed elements that `isWanted` selects, and those above them, into `result`. An element above that has an
 * unselected change is copied without it.
 */
export function* copyingSelected<E extends SelectableElement<E>>(
  diff: InsertionOrdered<E>,
  isWanted: (element: E) => boolean,
  result: { add(element: E): void },
): Steps<void> {
  const copied = new Set<E>();
  const changes = new Set<E>();
  for (const entry of walkAdded<E>(diff)) {
    yield;
    if (entry.element.action === null || !isWanted(entry.element)) continue;
    changes.add(entry.element);
    for (let at: WalkEntry<E> | undefined = entry; at !== undefined && !copied.has(at.element); at = at.parent)
      copied.add(at.element);
  }
  /** The copies above the next element: what is above a copied one is copied. */
  const above: E[] = [];
  for (const { element, depth } of walkAdded<E>(diff)) {
    yield;
    if (!copied.has(element)) continue;
    const copy = element.copy(changes.has(element));
    const parent = depth === 0 ? undefined : above[depth - 1];
    if (parent === undefined) result.add(copy);
    else parent.addChild(copy);
    above[depth] = copy;
  }
}
