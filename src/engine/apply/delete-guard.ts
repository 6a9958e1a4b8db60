import { doInSteps, type Steps } from '../../async/steps.js';
import type { Diff } from '../../diff/diff.js';
import { walk } from '../../diff/diff-walk.js';
import { TooManyDeletes } from '../../errors.js';
import { requireAtLeast, type SyncerOptions } from './sync-options.js';

/**
 * Refuses a sync that would delete too much.
 * @param target the name of the target's adapter.
 * @param count counts what the sync deletes; it is called only where there is a limit.
 * @throws TooManyDeletes; ValueError for a limit that is negative or no number.
 */
export async function checkDeleteLimits(
  diff: Diff,
  target: string,
  { maxDeletes = Infinity, maxDeletePercent = Infinity }: Pick<SyncerOptions, 'maxDeletes' | 'maxDeletePercent'>,
  count: () => Promise<number>,
): Promise<void> {
  requireAtLeast('maxDeletes', maxDeletes, 0);
  requireAtLeast('maxDeletePercent', maxDeletePercent, 0);
  if (maxDeletes === Infinity && maxDeletePercent === Infinity) return;
  const deletes = await count();
  if (deletes <= maxDeletes && maxDeletePercent === Infinity) return;
  // The terms know how many objects were compared; a selection or a plan has lost the unchanged elements.
  const present = Math.max(diff.terms.compared ?? (await doInSteps(countingPresent(diff))), deletes);
  const percent = deletes === 0 ? 0 : (100 * deletes) / present;
  if (deletes <= maxDeletes && percent <= maxDeletePercent) return;
  const limit = deletes > maxDeletes ? `maxDeletes is ${maxDeletes}` : `maxDeletePercent is ${maxDeletePercent}`;
  throw new TooManyDeletes(
    `The sync would delete ${deletes} of ${present} objects of ${target}, but ${limit}; nothing was touched`,
  );
}

/** Returns how many elements are of objects that the target has. */
function* countingPresent(diff: Diff): Steps<number> {
  let present = 0;
  for (const { element } of walk(diff.getChildren())) {
    yield;
    if (element.destAttrs !== null && !element.linkOnly) present++;
  }
  return present;
}
