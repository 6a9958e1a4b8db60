import type { DiffSyncAction } from '../flags.js';
import type { Diff } from './diff.js';
import type { DiffElement } from './diff-element.js';
import { walkAdded, type Step } from './diff-walk.js';

/** Which changes of a diff: those that satisfy all that is given. */
export interface Selection {
  readonly actions?: readonly DiffSyncAction[];
  readonly modelTypes?: readonly string[];
}

export function selects({ actions, modelTypes }: Selection, { action, type }: DiffElement): boolean {
  return action !== null && (actions?.includes(action) ?? true) && (modelTypes?.includes(type) ?? true);
}

/**
 * Copies into `result` the elements with a change that is `wanted`, and those above them; a change on the way that is not
 * wanted is left out.
 */
export function copySelected<D extends Diff>(diff: Diff, wanted: (element: DiffElement) => boolean, result: D): D {
  const steps = [...walkAdded(diff)];
  const kept = new Set<DiffElement>();
  const changes = new Set<DiffElement>();
  for (const step of steps) {
    if (step.element.action === null || !wanted(step.element)) continue;
    changes.add(step.element);
    for (let at: Step | undefined = step; at !== undefined && !kept.has(at.element); at = at.parent)
      kept.add(at.element);
  }
  const copies = new Map<DiffElement, DiffElement>();
  for (const { element, parent } of steps) {
    if (!kept.has(element)) continue;
    const copy = element.copy(changes.has(element));
    copies.set(element, copy);
    const above = parent === undefined ? undefined : copies.get(parent.element);
    if (above === undefined) result.add(copy);
    else above.addChild(copy);
  }
  return result;
}
