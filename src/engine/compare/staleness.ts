import { Diff } from '../../diff/diff.js';
import { walk } from '../../diff/diff-walk.js';
import { DiffStale } from '../../errors.js';
import { compareSides, type DiffOptions } from './differ.js';
import { canonicalJson } from '../../values/extended-json.js';
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
  const again = await compareSides(source, target, options, new Diff(), Diff);
  const [now, then] = [again.fingerprint(), diff.fingerprint()];
  const changed = [
    ...(now.source === then.source ? [] : [source.name]),
    ...(now.target === then.target ? [] : [target.name]),
  ];
  if (changed.length === 0) return;
  const place = firstDifference(diff, again);
  throw new DiffStale(
    `${changed.join(' and ')} changed since the diff was made${place === undefined ? '' : `, at ${place}`}: make it again, or ` +
      `pass allowStale to use it as it is`,
  );
}

/** Names the first change that is in one of two diffs alone, or another in each. */
function firstDifference(diff: Diff, again: Diff): string | undefined {
  let whole = diff;
  for (let original = diff.original; original !== undefined; original = original.original) whole = original;
  const [then, now] = [changesByPlace(whole), changesByPlace(again)];
  for (const [place, change] of now) if (then.get(place) !== change) return place;
  for (const place of then.keys()) if (!now.has(place)) return place;
  return undefined;
}

function changesByPlace(diff: Diff): ReadonlyMap<string, string> {
  const changes = new Map<string, string>();
  for (const { element, parent } of walk(diff.getAddedChildren(), (each) => each.getAddedChildren())) {
    if (element.action === null) continue;
    const what = `${element.linkOnly ? 'the link of ' : ''}${element.type} ${element.name}`;
    const above: string[] = [];
    for (let at = parent; at !== undefined; at = at.parent) above.push(`${at.element.type} ${at.element.name}`);
    changes.set([what, ...above].join(' below '), canonicalJson([element.sourceAttrs, element.destAttrs]));
  }
  return changes;
}
