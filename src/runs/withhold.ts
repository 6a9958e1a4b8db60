import { Pace } from '../async/event-loop.js';
import type { DiffElement } from '../diff/diff.js';
import { checkAborted } from '../engine/side.js';
import type { ModelClass } from '../model/model-class.js';
import { keyOf, type DiffTally } from './tally.js';

/** Elements whose changes are not made, and why. */
export type Withheld = ReadonlyMap<DiffElement, string>;

/** Returns the models and all that may stand below their objects. */
export function withModelsBelow(
  names: Iterable<string>,
  ...sides: readonly { readonly modelClasses: ReadonlyMap<string, ModelClass> }[]
): ReadonlySet<string> {
  const found = new Set(names);
  // A set that grows while it is walked is walked to its end.
  for (const name of found) {
    for (const { modelClasses } of sides) {
      for (const child of Object.keys(modelClasses.get(name)?.getChildrenMapping() ?? {})) found.add(child);
    }
  }
  return found;
}

/**
 * Finds the deletes that are not to be made so that no object of some models is deleted or unlinked: also those of the objects above
 * them, which would leave them without a parent. What moves is not deleted.
 * @param models - The names; `all` for every model.
 */
export async function deletesToWithhold(
  { changed, moved }: DiffTally,
  models: ReadonlySet<string> | 'all',
  signal: AbortSignal,
): Promise<ReadonlySet<DiffElement>> {
  const withheld = new Set<DiffElement>();
  const pace = new Pace();
  for (const { element, parent } of changed) {
    const due = pace.yieldIfDue();
    if (due !== undefined) {
      await due;
      checkAborted(signal);
    }
    if (element.action !== 'delete' || (models !== 'all' && !models.has(element.type))) continue;
    if (!element.linkOnly && moved.has(keyOf(element))) continue;
    withheld.add(element);
    for (let above = parent; above !== undefined; above = above.parent) {
      if (above.element.action === 'delete') withheld.add(above.element);
    }
  }
  return withheld;
}
