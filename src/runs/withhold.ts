import { doInSteps, type Steps } from '../async/steps.js';
import type { Diff, DiffElement } from '../diff/diff.js';
import { walk, type WalkEntry } from '../diff/diff-walk.js';
import type { ModelClass } from '../model/model-class.js';
import { findingMoved, keyOf } from './tally.js';

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
  diff: Diff,
  models: ReadonlySet<string> | 'all',
  signal: AbortSignal,
): Promise<ReadonlySet<DiffElement>> {
  return doInSteps(findingWithheld(diff, models), () => signal.throwIfAborted());
}

function* findingWithheld(diff: Diff, models: ReadonlySet<string> | 'all'): Steps<ReadonlySet<DiffElement>> {
  const moved = yield* findingMoved(diff);
  const withheld = new Set<DiffElement>();
  for (const entry of walk(diff.getAddedChildren(), (each: DiffElement) => each.getAddedChildren())) {
    yield;
    const { element } = entry;
    if (element.action !== 'delete' || (models !== 'all' && !models.has(element.type))) continue;
    if (!element.linkOnly && moved.has(keyOf(element))) continue;
    withheld.add(element);
    for (let above: WalkEntry<DiffElement> | undefined = entry.parent; above !== undefined; above = above.parent) {
      if (above.element.action === 'delete') withheld.add(above.element);
    }
  }
  return withheld;
}
