import { doInSteps, type Steps } from '../../async/steps.js';
import { Diff, type DiffElement } from '../../diff/diff.js';
import { walk, type WalkEntry } from '../../diff/diff-walk.js';
import { DiffStale } from '../../errors.js';
import { compareSides, type DiffOptions } from './differ.js';
import { canonicalJson } from '../../values/extended-json.js';
import { checkAborted, type Side } from '../side.js';

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
  const check = (): void => checkAborted(signal);
  const [now, then] = [await doInSteps(again.digesting(), check), await doInSteps(diff.digesting(), check)];
  const changed = [
    ...(now.source === then.source ? [] : [source.name]),
    ...(now.target === then.target ? [] : [target.name]),
  ];
  if (changed.length === 0) return;
  const place = await doInSteps(findingDifference(diff, again), check);
  throw new DiffStale(
    `${changed.join(' and ')} changed since the diff was made${place === undefined ? '' : `, at ${place}`}: make it again, or ` +
      `pass allowStale to use it as it is`,
  );
}

/** Names the first change that is in one of two diffs alone, or another in each. */
function* findingDifference(diff: Diff, again: Diff): Steps<string | undefined> {
  let whole = diff;
  for (let original = diff.original; original !== undefined; original = original.original) whole = original;
  const places = new Places();
  const [then, now] = [yield* findingChanges(whole, places), yield* findingChanges(again, places)];
  for (const [place, change] of now) {
    yield;
    if (then.get(place) !== change) return places.text(place);
  }
  for (const place of then.keys()) {
    yield;
    if (!now.has(place)) return places.text(place);
  }
  return undefined;
}

/** @returns the changes by their places. */
function* findingChanges(diff: Diff, places: Places): Steps<ReadonlyMap<number, string>> {
  const changes = new Map<number, string>();
  const numbers = new Map<WalkEntry<DiffElement>, number>();
  for (const entry of walk(diff.getAddedChildren(), (each: DiffElement) => each.getAddedChildren())) {
    yield;
    const { element, parent } = entry;
    const name = `${element.linkOnly ? 'the link of ' : ''}${element.type} ${element.name}`;
    const place = places.numberOf(name, parent && numbers.get(parent));
    numbers.set(entry, place);
    if (element.action !== null) changes.set(place, canonicalJson([element.sourceAttrs, element.destAttrs]));
  }
  return changes;
}

/** The places of elements, as numbers: a text of each in a deep tree would name all that is above it. */
class Places {
  private readonly numbers = new Map<string, number>();
  private readonly all: { readonly name: string; readonly above: number | undefined }[] = [];

  /** @returns the number of what has this name below a place, the same in each diff. */
  numberOf(name: string, above: number | undefined): number {
    const key = `${above ?? ''} ${name}`;
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.all.push({ name, above }) - 1;
      this.numbers.set(key, number);
    }
    return number;
  }

  text(place: number): string {
    const names: string[] = [];
    for (let at: number | undefined = place; at !== undefined; at = this.all[at]?.above) {
      names.push(this.all[at]?.name ?? '');
    }
    return names.join(' below ');
  }
}
