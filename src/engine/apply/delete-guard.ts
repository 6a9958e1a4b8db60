import { doInSteps, type Steps } from '../../async/steps.js';
import type { Diff } from '../../diff/diff.js';
import { walk } from '../../diff/diff-walk.js';
import { TooManyDeletes } from '../../errors.js';
import { requireAtLeast, type SyncerOptions } from './sync-options.js';

/** How much a sync may delete. */
export type DeleteLimits = Pick<SyncerOptions, 'maxDeletes' | 'maxDeletePercent'>;

/**
 * Refuses a sync that would delete too much.
 * @param target the name of the target's adapter.
 * @param count counts what the sync deletes; it is called only where there is a limit.
 * @throws TooManyDeletes; ValueError for a limit that is negative or no number.
 */
export async function checkDeleteLimits(
  diff: Diff,
  target: string,
  limits: DeleteLimits,
  count: () => Promise<number>,
): Promise<void> {
  if (!hasDeleteLimits(limits)) return;
  const { maxDeletes = Infinity, maxDeletePercent = Infinity } = limits;
  const deletes = await count();
  if (deletes <= maxDeletes && maxDeletePercent === Infinity) return;
  // The terms know how many objects were compared; a selection or a plan has lost the unchanged elements.
  const present = diff.terms.compared ?? (await doInSteps(countingPresent(diff)));
  checkDeletes(deletes, present, target, limits, 'nothing was touched');
}

/** Whether a sync may not delete everything. @throws ValueError for a limit that is negative or no number. */
export function hasDeleteLimits({ maxDeletes = Infinity, maxDeletePercent = Infinity }: DeleteLimits): boolean {
  requireAtLeast('maxDeletes', maxDeletes, 0);
  requireAtLeast('maxDeletePercent', maxDeletePercent, 0);
  return maxDeletes !== Infinity || maxDeletePercent !== Infinity;
}

/**
 * Refuses too many deletes.
 * @param compared how many objects of the target were compared.
 * @param done what was done until now, for the message.
 * @throws TooManyDeletes
 */
export function checkDeletes(
  deletes: number,
  compared: number,
  target: string,
  { maxDeletes = Infinity, maxDeletePercent = Infinity }: DeleteLimits,
  done: string,
): void {
  const present = Math.max(compared, deletes);
  const percent = deletes === 0 ? 0 : (100 * deletes) / present;
  if (deletes <= maxDeletes && percent <= maxDeletePercent) return;
  const limit = deletes > maxDeletes ? `maxDeletes is ${maxDeletes}` : `maxDeletePercent is ${maxDeletePercent}`;
  throw new TooManyDeletes(
    `The sync would delete ${deletes} of ${present} objects of ${target}, but ${limit}; ${done}`,
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
