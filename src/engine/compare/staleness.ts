import { withHidden } from '../../values/hidden-property.js';
import { doInSteps, type Steps } from '../../async/steps.js';
import { Diff, type DiffElement } from '../../diff/diff.js';
import { findingMoved } from '../../diff/diff-changes.js';
import { walkAdded } from '../../diff/diff-walk.js';
import { hasHiddenValues } from '../../diff/plan-secrets.js';
import type { StaleChange } from '../../diff/sync-outcome.js';
import { DiffStale } from '../../errors.js';
import { HiddenValue } from '../../values/secret.js';
import { checkAborted, type Side } from '../side.js';
import { compareSides, type DiffOptions } from './differ.js';
import { meetingElements, objectKey, placeText, type PlannedElement } from './planned-elements.js';
import { changedSides, type ChangedSide } from './seen-change.js';
import { StaleChanges } from './stale-changes.js';

/** So many changes are named in an error; all are in the diff's `stale`. */
const MAX_NAMED = 10;

/** How a loaded diff is checked. */
export interface StalenessOptions extends Pick<DiffOptions, 'filters' | 'signal'> {
  readonly onStale?: 'refuse' | 'skip' | undefined;
  readonly allowStale?: boolean | undefined;
}

/**
 * Checks a loaded diff against both sides as they are now: compares them again, on its terms, and looks for each change at its
 * place. Secret values, which no plan has, are taken from there.
 * @returns the changes that are left out -> why.
 * @throws DiffStale for changes that are stale, unless they are skipped; for filters that are not given again; and for a secret value
 * that the source does not have any more.
 */
export async function settlePlan(
  plan: Diff,
  source: Side,
  target: Side,
  options: StalenessOptions,
): Promise<ReadonlyMap<DiffElement, string>> {
  const { signal, onStale = 'refuse', allowStale = false } = options;
  Object.assign(plan, { stale: [] });
  const check = (): void => checkAborted(signal);
  if (allowStale && !(await doInSteps(hidesValues(plan), check))) return new Map();
  const again = await compareAgain(plan, source, target, options);
  const planned = await doInSteps(meetingElements(plan, again), check);
  const stale = new StaleChanges(planned);
  if (!allowStale) {
    const names = { source: source.name, target: target.name };
    const found = await doInSteps(findingChanged(planned, plan, again), check);
    await doInSteps(stale.finding(changesOf(found, names)), check);
    Object.assign(plan, { stale: await doInSteps(stale.listing(), check) });
    if (onStale === 'refuse' && found.size > 0) throw staleError(planned, found, names, plan.stale);
  }
  await doInSteps(revealing(planned, stale.reasons, source), check);
  return stale.reasons;
}

async function compareAgain(
  plan: Diff,
  source: Side,
  target: Side,
  { filters, signal }: StalenessOptions,
): Promise<Diff> {
  const { filtered = false, source: _, target: __, compared: ___, secret: ____, ...terms } = plan.terms;
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
  return compareSides(source, target, options, new Diff(), Diff);
}

/** Finds the elements that are no longer as the plan saw them. @returns index -> the sides that have changed. */
function* findingChanged(
  planned: readonly PlannedElement[],
  plan: Diff,
  again: Diff,
): Steps<ReadonlyMap<number, readonly ChangedSide[]>> {
  const changed = new Map<number, readonly ChangedSide[]>();
  const links = new Map(again.sharedLinks.map((link) => [`${link.parent} / ${link.child}`, link]));
  /** The elements with a change below them, of which they are the parents. */
  const parents = new Set<number>();
  for (const { element, parent } of planned) if (element.action !== null) parents.add(parent);
  const [then, nowMoved] = [
    yield* findingMoved<DiffElement>(plan.getAddedChildren()),
    yield* findingMoved<DiffElement>(again.getAddedChildren()),
  ];
  for (const [at, { element, now, parent }] of planned.entries()) {
    yield;
    if (element.action === null && !parents.has(at)) continue;
    const [above, key] = [objectKey(planned[parent]?.element), objectKey(element)];
    const sides = changedSides(element, now, {
      link: links.get(`${above} / ${key}`),
      moved: then.has(key) || element.seenState()?.moves === true,
      moves: element.action !== 'update' && nowMoved.has(key),
    });
    if (sides.length > 0) changed.set(at, sides);
  }
  return changed;
}

function changesOf(
  found: ReadonlyMap<number, readonly ChangedSide[]>,
  names: Readonly<Record<ChangedSide, string>>,
): ReadonlyMap<number, string> {
  return new Map(
    [...found].map(([at, sides]) => [at, `has changed in ${sides.map((side) => names[side]).join(' and ')}`]),
  );
}

function staleError(
  planned: readonly PlannedElement[],
  found: ReadonlyMap<number, readonly ChangedSide[]>,
  names: Readonly<Record<ChangedSide, string>>,
  stale: readonly StaleChange[],
): DiffStale {
  const sides = (['source', 'target'] as const).filter((side) => [...found.values()].some((all) => all.includes(side)));
  const places = [...found.keys()].slice(0, MAX_NAMED).map((at) => placeText(planned, at));
  const more = found.size > MAX_NAMED ? `; and at ${found.size - MAX_NAMED} more places` : '';
  const changed = sides.map((side) => names[side]).join(' and ');
  const message =
    `${changed} changed since the diff was made, at ${places.join('; at ')}${more}: make it again, or pass onStale: 'skip' to ` +
    `make all other changes, or allowStale to use it as it is`;
  return withHidden(new DiffStale(message), 'stale', stale);
}

function* hidesValues(plan: Diff): Steps<boolean> {
  for (const { element } of walkAdded<DiffElement>(plan)) {
    yield;
    if (element.secret !== undefined && hasHiddenValues(element.getAttrsDiffs()['+'] ?? {})) return true;
  }
  return false;
}

/** Sets the secret values of changes as both sides have them now. */
function* revealing(
  planned: readonly PlannedElement[],
  left: ReadonlyMap<DiffElement, string>,
  source: Side,
): Steps<void> {
  for (const [at, { element, now }] of planned.entries()) {
    yield;
    if (element.secret === undefined || left.has(element)) continue;
    const diffs = element.getAttrsDiffs()['+'];
    if (diffs === undefined || !hasHiddenValues(diffs)) continue;
    const [ours, theirs] = [{ ...element.sourceAttrs }, element.destAttrs && { ...element.destAttrs }];
    for (const name of Object.keys(diffs)) {
      if (!(diffs[name] instanceof HiddenValue)) continue;
      const found = now?.sourceAttrs;
      if (found === null || found === undefined || !Object.hasOwn(found, name)) {
        throw new DiffStale(
          `A plan has no secret values, and ${source.name} does not have "${name}" of ${placeText(planned, at)} any more: make the ` +
            `plan again`,
        );
      }
      ours[name] = found[name];
      if (theirs !== null) theirs[name] = now?.destAttrs?.[name];
    }
    element.sourceAttrs = ours;
    element.destAttrs = theirs;
  }
}
