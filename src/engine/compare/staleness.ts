import { Diff } from '../../diff/diff.js';
import { DiffStale } from '../../errors.js';
import { compareSides, type DiffOptions } from './differ.js';
import type { Side } from '../side.js';

/**
 * Checks that a loaded diff is not stale: compares both sides again on its terms.
 * @throws DiffStale if a side has changed since, or if the diff was made with filters that are not given again.
 */
export async function checkStaleness(
  diff: Diff,
  source: Side,
  target: Side,
  { filters, signal }: Pick<DiffOptions, 'filters' | 'signal'>,
): Promise<void> {
  const { filtered = false, source: _, target: __, compared: ___, ...terms } = diff.terms;
  if (filtered && filters === undefined) {
    throw new DiffStale(
      'The diff was made with filters, which its JSON cannot hold: pass the same filters to the sync',
    );
  }
  const options: DiffOptions = {
    ...terms,
    ...(filtered && filters !== undefined ? { filters } : {}),
    ...(signal === undefined ? {} : { signal }),
  };
  const now = (await compareSides(source, target, options, new Diff(), Diff)).fingerprint();
  const then = diff.fingerprint();
  const changed = [
    ...(now.source === then.source ? [] : [source.name]),
    ...(now.target === then.target ? [] : [target.name]),
  ];
  if (changed.length === 0) return;
  throw new DiffStale(
    `${changed.join(' and ')} changed since the diff was made: make it again, or pass allowStale to use it as it is`,
  );
}
