import type { Steps } from '../async/steps.js';
import type { DiffSyncAction } from '../flags.js';
import { toExtendedJson } from '../values/extended-json.js';
import type { Attrs, AttrsDiffs, SourceInput } from './compared-object.js';
import { changeKey } from './diff-changes.js';
import { findingChanged, walkAdded, type InsertionOrdered, type OrderedElement } from './diff-walk.js';
import { written, type Fingerprint } from './fingerprint.js';
import { PlanDigest } from './plan-digest.js';
import { secretMarks, withoutValues, type SecretMarks } from './plan-secrets.js';
import type { SeenState } from './seen-state.js';

/** The terms on which a diff was made, as far as JSON can carry them. */
export interface DiffTerms {
  /** The name of the source's adapter. */
  readonly source: string;
  /** The name of the target's adapter. */
  readonly target: string;
  /** The flags, combined with `|`. */
  readonly flags: number;
  /** See `ScopeOptions`. */
  readonly modelTypes?: readonly string[];
  /** See `ScopeOptions`. */
  readonly syncAttrs?: Readonly<Record<string, readonly string[]>>;
  /** See `ScopeOptions`. */
  readonly excludeAttrs?: Readonly<Record<string, readonly string[]>>;
  /** Whether there were filters too, which JSON cannot carry. */
  readonly filtered?: boolean;
  /** How many objects of the target were compared. */
  readonly compared?: number;
  /** See `DiffOptions`. */
  readonly unlisted?: 'ignore' | 'delete';
  /** See `DiffOptions`. */
  readonly partition?: { readonly index: number; readonly of: number };
  /** The secret attributes of both sides' classes, by model name; absent where there are none. */
  readonly secret?: Readonly<Record<string, readonly string[]>>;
}

/** The head of a plan: all but its elements. */
export interface PlanHeader {
  readonly format: 'nestjs-diffsync.diff';
  readonly version: 1;
  readonly terms: DiffTerms;
  readonly fingerprint: Fingerprint;
  /** How many elements follow, so that a text that was cut short is refused. */
  readonly length: number;
}

/**
 * One element of a plan. Elements come depth first, in the order of `add`. An unchanged element is there only if a changed
 * one lies below it, and then without attributes.
 */
export interface PlanElement {
  /** 0 at the top. */
  readonly depth: number;
  readonly type: string;
  readonly name: string;
  /** The unique id in the target; absent where no comparison has said it. */
  readonly uid?: string;
  readonly keys: Attrs;
  readonly source: Attrs | null;
  readonly dest: Attrs | null;
  /** Present, and true, for an element that stands for a link alone. */
  readonly linkOnly?: boolean;
  /** Present where the target's schema makes other identifiers of the source's: the source's own. */
  readonly ids?: Attrs;
  /** Present where the target's schema refuses values of the source: attribute -> why. */
  readonly refused?: Readonly<Record<string, string>>;
  /** What the changes of this element and of those below it rest on. */
  readonly seen?: SeenState;
  /** Present where attributes are secret: attribute -> whether its values differ. `source` and `dest` have null for them. */
  readonly secret?: SecretMarks;
}

/** A diff as JSON. Values that JSON lacks are in tagged form. */
export interface Plan extends PlanHeader {
  readonly elements: readonly PlanElement[];
  /** SHA-256 of all the rest, whatever the order of keys: what was changed by mistake shows. */
  readonly digest: string;
}

/** What a plan needs to know of an element. */
interface PlannedElement<E> extends OrderedElement<E>, InsertionOrdered<E> {
  readonly type: string;
  readonly name: string;
  readonly keys: Attrs;
  readonly action: DiffSyncAction | null;
  readonly linkOnly: boolean;
  readonly input: SourceInput | undefined;
  readonly comparedUid: string | undefined;
  readonly secret: ReadonlySet<string> | undefined;
  getAttrsDiffs(): AttrsDiffs;
  seenState(): SeenState | undefined;
  readonly sourceAttrs: Attrs | null;
  readonly destAttrs: Attrs | null;
}

/** One line of a plan: its header, one of its elements, or last the digest of all lines before. */
export type PlanLine = PlanHeader | PlanElement | { readonly digest: string };

/** What a plan says of all that was compared, whatever was selected of it. */
interface WholeDiff {
  /** Digests what the comparison read. */
  readonly digesting: Steps<Fingerprint>;
  /** Finds the objects that move. */
  readonly moving: Steps<ReadonlySet<string>>;
}

/** Yields the lines of a diff's plan; undefined in a step without one. */
export function* planLines<E extends PlannedElement<E>>(
  diff: InsertionOrdered<E>,
  terms: DiffTerms,
  { digesting, moving }: WholeDiff,
): Generator<PlanLine | undefined, void, undefined> {
  const digest = new PlanDigest();
  const changed = yield* findingChanged(walkAdded<E>(diff));
  const fingerprint = yield* digesting;
  const header: PlanHeader = {
    format: 'nestjs-diffsync.diff',
    version: 1,
    terms,
    fingerprint,
    length: changed.size,
  };
  digest.add(header);
  yield header;
  for (const element of planElements(diff, changed, yield* moving)) {
    if (element !== undefined) digest.add(element);
    yield element;
  }
  yield { digest: digest.finish() };
}

/** Makes one value of the lines of a plan. */
export function* makingPlan(lines: Iterable<PlanLine | undefined>): Steps<Plan> {
  const all: PlanLine[] = [];
  for (const line of lines) {
    if (line === undefined) yield;
    else all.push(line);
  }
  const [header, { digest }] = [all[0] as PlanHeader, all.at(-1) as { readonly digest: string }];
  return { ...header, elements: all.slice(1, -1) as PlanElement[], digest };
}

/** Yields the elements of a diff's plan; undefined in a step without one. @param moved the keys of objects that move. */
function* planElements<E extends PlannedElement<E>>(
  diff: InsertionOrdered<E>,
  changed: ReadonlySet<E>,
  moved: ReadonlySet<string>,
): Generator<PlanElement | undefined, void, undefined> {
  const attrs = (element: E, side: Attrs | null): Attrs | null =>
    side === null
      ? null
      : element.action === null
        ? {}
        : (written(element, withoutValues(side, element.secret), toExtendedJson) as Attrs);
  for (const { element, depth } of walkAdded<E>(diff)) {
    yield undefined;
    if (!changed.has(element)) continue;
    const { type, name, keys, comparedUid } = element;
    const uid: { readonly uid?: string } = comparedUid === undefined ? {} : { uid: comparedUid };
    const [source, dest] = [attrs(element, element.sourceAttrs), attrs(element, element.destAttrs)];
    const link = element.linkOnly ? { linkOnly: true } : {};
    const { ids, refused } = (element.action === null ? undefined : element.input) ?? {};
    const input = {
      ...(ids === undefined ? {} : { ids: toExtendedJson(ids) as Attrs }),
      ...(refused === undefined ? {} : { refused }),
    };
    const marks = element.action === null ? undefined : secretMarks(element);
    const isHalf = (element.action === 'create' || element.action === 'delete') && !element.linkOnly;
    const moves = isHalf && uid.uid !== undefined && moved.has(changeKey({ model: type, uid: uid.uid }));
    const noted = { ...element.seenState(), ...(moves ? { moves } : {}) };
    const own = { type, name, ...uid, keys: toExtendedJson(keys) as Attrs };
    const beside = {
      ...(marks === undefined ? {} : { secret: marks }),
      ...(Object.keys(noted).length === 0 ? {} : { seen: noted }),
    };
    yield { depth, ...own, source, dest, ...link, ...input, ...beside };
  }
}
