import type { Attrs } from '../../diff/compared-object.js';
import type { SharedLink } from '../../diff/fingerprint.js';
import type { DiffElement } from '../../diff/diff.js';
import { secretMarks } from '../../diff/plan-secrets.js';
import { seenAttributes, seenChildren } from '../../diff/seen-state.js';
import { isDeepEqual } from '../../values/deep-equal.js';
import { withoutSecrets } from '../../values/secret.js';

export type ChangedSide = 'source' | 'target';

const BOTH: readonly ChangedSide[] = ['source', 'target'];

/** What an object is part of. */
export interface Surroundings {
  /** Of a link-only element, the sides that list the child there now; undefined where none does. */
  readonly link: SharedLink | undefined;
  /** Whether the object moves by the plan, and now. */
  readonly moved: boolean;
  readonly moves: boolean;
}

/**
 * Returns the sides on which an object is no longer as a plan saw it; both where it cannot be told.
 * @param now what stands at its place now: any object that a side has there has an element.
 */
export function changedSides(
  planned: DiffElement,
  now: DiffElement | undefined,
  { link, moved, moves }: Surroundings,
): readonly ChangedSide[] {
  if (planned.linkOnly) return linkSides(planned, now, link);
  if (planned.action === null) return contextSides(planned, now);
  const [source, target] = [now?.sourceAttrs ?? null, now?.destAttrs ?? null];
  const isSame = { source: (source === null) === (planned.sourceAttrs === null), target: false };
  isSame.target = (target === null) === (planned.destAttrs === null);
  const isWhole = isSame.source && isSame.target;
  const { secret } = planned;
  isSame.source &&= isSameAttrs(planned.sourceAttrs, source, secret, isWhole);
  isSame.target &&= isSameAttrs(planned.destAttrs, target, secret, isWhole);
  const sides = BOTH.filter((side) => !isSame[side]);
  if (sides.length > 0 || now === undefined) return sides;
  // Whose secret values have changed, the plan cannot tell.
  if (!isDeepEqual(secretMarks(planned), secretMarks(now))) return BOTH;
  // What is to be created, the target has elsewhere by now; or what is to be deleted, the source has.
  if (moved !== moves) return [planned.action === 'create' ? 'target' : 'source'];
  const children = planned.action === 'delete' ? planned.seenState()?.children : undefined;
  return children === undefined || children === seenChildren(now).children ? [] : ['target'];
}

/** A link that is still wanted has its element. Else a side has gained or lost it. */
function linkSides(
  planned: DiffElement,
  now: DiffElement | undefined,
  link: SharedLink | undefined,
): readonly ChangedSide[] {
  if (now !== undefined && now.action === planned.action) return [];
  if (now !== undefined) return BOTH;
  const [has, lacks]: readonly ChangedSide[] =
    planned.action === 'create' ? ['source', 'target'] : ['target', 'source'];
  return link === undefined ? [has as ChangedSide] : [lacks as ChangedSide];
}

function contextSides(planned: DiffElement, now: DiffElement | undefined): readonly ChangedSide[] {
  if (now === undefined) return BOTH;
  const [then, seen] = [planned.seenState() ?? {}, seenAttributes(now)];
  // A plan of an older version does not say what it saw.
  if (then.source === undefined && then.target === undefined) return now.action === null ? [] : BOTH;
  return BOTH.filter((side) => then[side] !== seen[side]);
}

/** @param isWhole whether both have all attributes, or both the compared ones; else those are compared that both have. */
function isSameAttrs(
  then: Attrs | null,
  now: Attrs | null,
  secret: ReadonlySet<string> | undefined,
  isWhole: boolean,
): boolean {
  if (then === null || now === null) return then === now;
  const [seen, found] = [withoutSecrets(then, secret), withoutSecrets(now, secret)];
  if (isWhole) return isDeepEqual(seen, found);
  return Object.keys(seen).every((name) => !Object.hasOwn(found, name) || isDeepEqual(seen[name], found[name]));
}
