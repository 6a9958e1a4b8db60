import type { Diff } from '../../diff/diff.js';
import { walk } from '../../diff/diff-walk.js';
import { TooManyDeletes } from '../../errors.js';
import { requireAtLeast, type SyncerOptions } from './sync-options.js';

/**
 * Refuses a sync that would delete too much.
 * @param deletes how many objects of the target are deleted and not created elsewhere.
 * @param target the name of the target's adapter.
 * @throws TooManyDeletes; ValueError for a limit that is negative or no number.
 */
export function checkDeleteLimits(
  diff: Diff,
  deletes: number,
  target: string,
  { maxDeletes = Infinity, maxDeletePercent = Infinity }: Pick<SyncerOptions, 'maxDeletes' | 'maxDeletePercent'>,
): void {
  requireAtLeast('maxDeletes', maxDeletes, 0);
  requireAtLeast('maxDeletePercent', maxDeletePercent, 0);
  if (deletes <= maxDeletes && maxDeletePercent === Infinity) return;
  // The terms know how many objects were compared; a selection or a plan has lost the unchanged elements.
  const present = diff.terms.compared ?? countPresent(diff);
  const percent = deletes === 0 ? 0 : (100 * deletes) / present;
  if (deletes <= maxDeletes && percent <= maxDeletePercent) return;
  const limit = deletes > maxDeletes ? `maxDeletes is ${maxDeletes}` : `maxDeletePercent is ${maxDeletePercent}`;
  throw new TooManyDeletes(
    `The sync would delete ${deletes} of ${present} objects of ${target}, but ${limit}; nothing was touched`,
  );
}

/** Returns how many elements are of objects that the target has. */
function countPresent(diff: Diff): number {
  let present = 0;
  for (const { element } of walk(diff.getChildren())) if (element.destAttrs !== null && !element.linkOnly) present++;
  return present;
}
