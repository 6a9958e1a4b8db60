import { createHash } from 'node:crypto';
import { z } from 'zod';
import { yieldIfDue } from '../async/event-loop.js';
import type { Steps } from '../async/steps.js';
import { DiffInvalid, ValueError } from '../errors.js';
import type { DiffSyncAction } from '../flags.js';
import { canonicalJson, fromExtendedJson, toExtendedJson } from '../values/extended-json.js';
import { isPlainObject } from '../values/own-property.js';
import { withoutSecrets } from '../values/secret.js';
import { issueLines } from '../values/zod-issues.js';
import type { Attrs, AttrsDiffs, ElementKind, ElementParts, SourceInput } from './compared-object.js';
import { changeKey } from './diff-changes.js';
import { findingChanged, walkAdded, type InsertionOrdered, type OrderedElement } from './diff-walk.js';
import type { SeenState } from './seen-state.js';
import { hideValues, secretMarks, withoutValues, type SecretMarks } from './plan-secrets.js';

/** SHA-256 digests of what a diff read on either side, unchanged objects included. */
export interface Fingerprint {
  readonly source: string;
  readonly target: string;
}

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

/** A plan as it was read. */
export interface SavedPlan {
  readonly header: PlanHeader;
  /** The header as it was read, with what is no part of it. */
  readonly asRead: unknown;
  readonly elements: readonly unknown[];
  readonly digest: string;
}

/** What a plan needs to know of an adapter: its models by name, because they decide how attributes compare. */
export interface PlanSide {
  readonly name: string;
  readonly modelClasses: ReadonlyMap<
    string,
    {
      readonly definition: {
        readonly compare: Readonly<Record<string, (a: unknown, b: unknown) => boolean>>;
        readonly secret?: ReadonlySet<string>;
      };
    }
  >;
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
  addChild(element: E): void;
}

/** How the elements of a loaded plan are made and where the top ones go. `D` is the class of the diff. */
interface PlanTarget<E, D> {
  readonly diff: { add(element: E): void };
  readonly diffClass: new () => D;
  createElement(kind: ElementKind<D>, name: string, keys: Attrs, parts: ElementParts): E;
}

/** Checked as a whole, because `z.record` drops names that `values` must refuse. */
const record = z.custom<Record<string, unknown>>(isRecord, 'expected an object');
const names = z.array(z.string());
const HEADER = z.object({
  format: z.literal('nestjs-diffsync.diff'),
  version: z.literal(1),
  terms: z.object({
    source: z.string(),
    target: z.string(),
    flags: z.int(),
    modelTypes: names.exactOptional(),
    syncAttrs: z.record(z.string(), names).exactOptional(),
    excludeAttrs: z.record(z.string(), names).exactOptional(),
    filtered: z.boolean().exactOptional(),
    compared: z.int().min(0).exactOptional(),
    unlisted: z.enum(['ignore', 'delete']).exactOptional(),
    secret: z.record(z.string(), names).exactOptional(),
  }),
  fingerprint: z.object({ source: z.string(), target: z.string() }),
  length: z.int().min(0),
});
const ELEMENT = z.object({
  depth: z.int().min(0),
  type: z.string(),
  name: z.string(),
  uid: z.string().exactOptional(),
  keys: record,
  source: record.nullable(),
  dest: record.nullable(),
  linkOnly: z.boolean().exactOptional(),
  ids: record.exactOptional(),
  refused: z.record(z.string(), z.string()).exactOptional(),
  secret: z.record(z.string(), z.boolean()).exactOptional(),
  seen: z
    .object({
      source: z.string().exactOptional(),
      target: z.string().exactOptional(),
      children: z.string().exactOptional(),
      moves: z.boolean().exactOptional(),
    })
    .exactOptional(),
});

const DIGEST = z.string();
const LAST_LINE = z.strictObject({ digest: DIGEST });

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

/** Returns the parsed lines of JSON Lines text, which may come in any chunks. @throws DiffInvalid for a line that is not JSON. */
export async function readJsonLines(text: Iterable<string> | AsyncIterable<string>): Promise<unknown[]> {
  const lines: unknown[] = [];
  /** The parts of a line whose end has not come yet: joined once, so that a line of many chunks takes time in proportion. */
  let rest: string[] = [];
  const parse = (line: string): void => {
    try {
      if (line.trim() !== '') lines.push(JSON.parse(line));
    } catch (error) {
      throw invalid(`line ${lines.length + 1} is not JSON`, error);
    }
  };
  for await (const chunk of text) {
    const [first = '', ...others] = chunk.split('\n');
    rest.push(first);
    for (const part of others) {
      const next = yieldIfDue();
      if (next !== undefined) await next;
      parse(rest.join(''));
      rest = [part];
    }
  }
  parse(rest.join(''));
  return lines;
}

/** Reads a plan that is one JSON value; its elements are unchecked. @throws DiffInvalid, path by path. */
export function planOf(json: unknown): SavedPlan {
  const header = read(HEADER, json, 'header');
  const { elements, digest, ...asRead } = json as { elements?: unknown; digest?: unknown };
  if (!Array.isArray(elements)) throw invalid('elements: not a list');
  if (digest === undefined) throw undigested('an older version of nestjs-diffsync saved it');
  return { header, asRead, elements, digest: read(DIGEST, digest, 'digest') };
}

/** Reads a plan of which the first line is the header and the last one has the digest. @throws DiffInvalid, path by path. */
export function planOfLines([asRead, ...lines]: readonly unknown[]): SavedPlan {
  const header = read(HEADER, asRead, 'header');
  const last = lines.at(-1);
  // All elements are there: older versions ended with them.
  if (lines.length === header.length && !hasDigest(last))
    throw undigested('an older version of nestjs-diffsync saved it, or its last line was cut off');
  const { digest } = read(LAST_LINE, last, 'last line');
  return { header, asRead, elements: lines.slice(0, -1), digest };
}

function hasDigest(line: unknown): boolean {
  return typeof line === 'object' && line !== null && Object.hasOwn(line, 'digest');
}

/** Digests a plan: its header, and then its elements. */
class PlanDigest {
  private readonly hash = createHash('sha256');

  /** @throws RangeError for a part that is nested deeper than the call stack. */
  add(part: unknown): void {
    this.hash.update(`${canonicalJson(part)}\n`);
  }

  finish(): string {
    return this.hash.digest('hex');
  }
}

/**
 * Checks the elements of a plan and adds them to the target's diff, in their order.
 * @returns whether the plan is as it was saved.
 * @throws DiffInvalid
 */
export function* addingElements<E extends PlannedElement<E>, D>(
  { diff, diffClass, createElement }: PlanTarget<E, D>,
  { header, asRead, elements, digest }: SavedPlan,
  side: PlanSide,
): Steps<boolean> {
  const {
    terms: { source, target, secret: secrets = {} },
    length,
  } = header;
  const found = new PlanDigest();
  let isDigested = true;
  const digestPart = (part: unknown): void => {
    try {
      found.add(part);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      isDigested = false; // What could not be digested was not saved so.
    }
  };
  digestPart(asRead);
  const kinds = { false: new Map<string, ElementKind<D>>(), true: new Map<string, ElementKind<D>>() };
  const kindOf = (type: string, linkOnly: boolean): ElementKind<D> => {
    const known = kinds[`${linkOnly}`];
    let kind = known.get(type);
    if (kind === undefined) {
      const definition = side.modelClasses.get(type)?.definition;
      const named = Object.entries(secrets).find(([model]) => model === type)?.[1] ?? [];
      const secret = new Set([...named, ...(definition?.secret ?? [])]);
      const [sourceName, destName] = [source, target];
      const hides = secret.size === 0 ? {} : { secret };
      kind = { type, sourceName, destName, diffClass, comparison: definition?.compare, linkOnly, ...hides };
    }
    known.set(type, kind);
    return kind;
  };
  const above: E[] = [];
  let at = 0;
  for (const json of elements) {
    yield;
    const where = `elements.${at++}`;
    const {
      depth,
      type,
      name,
      uid,
      keys,
      source: sourceAttrs,
      dest: destAttrs,
      linkOnly = false,
      ids,
      refused,
      secret: marks = {},
      seen = {},
    } = read(ELEMENT, json, where);
    digestPart(json);
    if (depth > above.length) throw invalid(`${where}.depth: ${depth}, but nothing is above it`);
    const input = {
      ...(ids === undefined ? {} : { ids: values(ids, `${where}.ids`) }),
      ...(refused === undefined ? {} : { refused }),
    };
    const hasInput = Object.keys(input).length > 0;
    const kind = kindOf(type, linkOnly);
    const unnamed = Object.keys(marks).find((attribute) => kind.secret?.has(attribute) !== true);
    if (unnamed !== undefined) throw invalid(`${where}.secret: "${unnamed}" is no secret attribute of ${type}`);
    const [seenSource, seenDest] = hideValues(
      sourceAttrs && values(sourceAttrs, `${where}.source`),
      destAttrs && values(destAttrs, `${where}.dest`),
      marks,
    );
    const element = createElement(kind, name, values(keys, `${where}.keys`), {
      uid,
      source: seenSource,
      dest: seenDest,
      seen,
      input: hasInput ? input : undefined,
    });
    above.length = depth;
    const parent = above[depth - 1];
    try {
      if (parent === undefined) diff.add(element);
      else parent.addChild(element);
    } catch (error) {
      throw invalid(`${where}: a second ${type} "${name}" at one place`, error);
    }
    above.push(element);
  }
  if (at !== length) throw invalid(`elements: ${at}, where the header promises ${length}`);
  return isDigested && found.finish() === digest;
}

/** A parent that lists an object which is compared under another parent, and the sides on which it does. */
export interface SharedLink {
  /** The parent, as model and unique id. */
  readonly parent: string;
  /** The object, as model and unique id. */
  readonly child: string;
  readonly source: boolean;
  readonly target: boolean;
}

/**
 * Digests every object in the order of `add`, and then the links of shared children in an order of their own, so that any
 * change of what the diff read on a side changes that side's digest. A link-only element would not do: one of the source
 * goes when the target gains the link.
 */
export function* digesting<E extends PlannedElement<E>>(
  diff: InsertionOrdered<E>,
  links: readonly SharedLink[],
): Steps<Fingerprint> {
  const hashes = { source: createHash('sha256'), target: createHash('sha256') };
  for (const { element, depth } of walkAdded<E>(diff)) {
    yield;
    const { type, keys, sourceAttrs, destAttrs, linkOnly, secret } = element;
    if (linkOnly) continue;
    const position = canonicalJson([depth, type, keys]);
    // A digest of few short values would tell them to who tries all.
    const lineOf = (attrs: Attrs): string =>
      `${position}${written(element, withoutSecrets(attrs, secret), canonicalJson)}\n`;
    if (sourceAttrs !== null) hashes.source.update(lineOf(sourceAttrs));
    if (destAttrs !== null) hashes.target.update(lineOf(destAttrs));
  }
  for (const side of ['source', 'target'] as const) {
    const own = links.filter((link) => link[side]).map(({ parent, child }) => canonicalJson([parent, child, 'link']));
    for (const line of own.toSorted()) hashes[side].update(`${line}\n`);
  }
  return { source: hashes.source.digest('hex'), target: hashes.target.digest('hex') };
}

/** Writes the attributes of an element. @throws ValueError, with model and name, for what is too large to be written out. */
function written<T>(
  { type, name }: { readonly type: string; readonly name: string },
  attrs: Attrs,
  write: (attrs: Attrs) => T,
): T {
  try {
    return write(attrs);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ValueError(`${type} "${name}" of the diff: ${error.message}`, { cause: error });
  }
}

function values(json: Record<string, unknown>, where: string): Attrs {
  let revived: unknown;
  try {
    revived = fromExtendedJson(json);
  } catch (error) {
    throw invalid(`${where}: a value cannot be read`, error);
  }
  if (!isRecord(revived)) throw invalid(`${where}: a value, where names with values are expected`);
  // No model has such a field, and assigning it to an object would change the object's prototype.
  if (Object.hasOwn(revived, '__proto__')) throw invalid(`${where}: a field named "__proto__"`);
  return revived;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isPlainObject(value);
}

function read<S extends z.ZodType>(schema: S, json: unknown, where: string): z.output<S> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw invalid(issueLines(result.error, [where]).join('; '));
}

function undigested(reason: string): DiffInvalid {
  return new DiffInvalid(
    `This plan has no digest, so nothing shows whether it is as it was saved: ${reason}. Calculate the diff again, with ` +
      `diffFrom or diffTo, and save it with this version`,
  );
}

function invalid(reason: string, cause?: unknown): DiffInvalid {
  return new DiffInvalid(`This is no saved diff: ${reason}`, cause === undefined ? {} : { cause });
}
