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
export function copySelected<E extends SelectableElement<E>>(
  diff: InsertionOrdered<E>,
  isWanted: (element: E) => boolean,
  result: { add(element: E): void },
): void {
  const entries = [...walkAdded<E>(diff)];
  const copied = new Set<E>();
  const changes = new Set<E>();
  for (const entry of entries) {
    if (entry.element.action === null || !isWanted(entry.element)) continue;
    changes.add(entry.element);
    for (let at: WalkEntry<E> | undefined = entry; at !== undefined && !copied.has(at.element); at = at.parent)
      copied.add(at.element);
  }
  const copies = new Map<E, E>();
  for (const { element, parent } of entries) {
    if (!copied.has(element)) continue;
    const copy = element.copy(changes.has(element));
    copies.set(element, copy);
    const above = parent === undefined ? undefined : copies.get(parent.element);
    if (above === undefined) result.add(copy);
    else above.addChild(copy);
  }
}
