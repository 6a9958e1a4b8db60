import { createHash } from 'node:crypto';
import { z } from 'zod';
import { DiffInvalid } from '../errors.js';
import { canonicalJson, fromExtendedJson, toExtendedJson } from '../values/extended-json.js';
import { isPlainObject } from '../values/own-property.js';
import { issueLines } from '../values/zod-issues.js';
import type { Diff } from './diff.js';
import { DiffElement, type Attrs, type ElementKind } from './diff-element.js';
import { changedElements, walkAdded } from './diff-walk.js';

/** Digests of what a diff saw on either side, unchanged objects included. */
export interface Fingerprint {
  readonly source: string;
  readonly target: string;
}

/** What a diff was made with, as far as JSON can carry it; `filtered`: there were filters too. */
export interface DiffTerms {
  /** The adapters' names. */
  readonly source: string;
  readonly target: string;
  readonly flags: number;
  readonly modelTypes?: readonly string[];
  readonly syncAttrs?: Readonly<Record<string, readonly string[]>>;
  readonly excludeAttrs?: Readonly<Record<string, readonly string[]>>;
  readonly filtered?: boolean;
  /** How many objects of the target were compared. */
  readonly compared?: number;
}

export interface PlanHeader {
  readonly format: 'nestjs-diffsync.diff';
  readonly version: 1;
  readonly terms: DiffTerms;
  readonly fingerprint: Fingerprint;
  /** How many elements follow: a text that was cut short is no plan. */
  readonly length: number;
}

/** An element at its depth, before the ones below it, in the order of `add`. What is unchanged is there only above a change, without attributes. */
export interface PlanElement {
  readonly depth: number;
  readonly type: string;
  readonly name: string;
  readonly keys: Attrs;
  readonly source: Attrs | null;
  readonly dest: Attrs | null;
}

/** A diff as JSON, values in tagged form. */
export interface Plan extends PlanHeader {
  readonly elements: readonly PlanElement[];
}

/** What a plan needs to know of an adapter: the models by name, for the ways in which they compare. */
export interface PlanSide {
  readonly name: string;
  readonly modelClasses: ReadonlyMap<
    string,
    { readonly definition: { readonly comparison: NonNullable<ElementKind['comparison']> } }
  >;
}

/** Taken whole, for `z.record` drops names that `values` is to refuse. */
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
  }),
  fingerprint: z.object({ source: z.string(), target: z.string() }),
  length: z.int().min(0),
});
const ELEMENT = z.object({
  depth: z.int().min(0),
  type: z.string(),
  name: z.string(),
  keys: record,
  source: record.nullable(),
  dest: record.nullable(),
});

export function* planElements(diff: Diff): Generator<PlanElement, void, undefined> {
  const changed = changedElements(walkAdded(diff));
  const attrs = (element: DiffElement, side: Attrs | null): Attrs | null =>
    side === null ? null : element.action === null ? {} : (toExtendedJson(side) as Attrs);
  for (const { element, depth } of walkAdded(diff)) {
    if (!changed.has(element)) continue;
    const { type, name, keys } = element;
    const [source, dest] = [attrs(element, element.sourceAttrs), attrs(element, element.destAttrs)];
    yield { depth, type, name, keys: toExtendedJson(keys) as Attrs, source, dest };
  }
}

/** @throws DiffInvalid, path by path. */
export function readHeader(json: unknown): PlanHeader {
  return read(HEADER, json, 'header');
}

/** Adds the elements, in their order. @throws DiffInvalid */
export function addPlanElements(
  diff: Diff,
  diffClass: new () => Diff,
  { terms: { source, target }, length }: PlanHeader,
  elements: Iterable<unknown>,
  side: PlanSide,
): void {
  const kinds = new Map<string, ElementKind>();
  const kindOf = (type: string): ElementKind => {
    const { comparison } = side.modelClasses.get(type)?.definition ?? {};
    const kind = kinds.get(type) ?? { type, sourceName: source, destName: target, diffClass, comparison };
    kinds.set(type, kind);
    return kind;
  };
  const above: DiffElement[] = [];
  let at = 0;
  for (const json of elements) {
    const where = `elements.${at++}`;
    const { depth, type, name, keys, source: sourceAttrs, dest: destAttrs } = read(ELEMENT, json, where);
    if (depth > above.length) throw invalid(`${where}.depth: ${depth}, but nothing is above it`);
    const element = new DiffElement(kindOf(type), name, values(keys, `${where}.keys`));
    element.sourceAttrs = sourceAttrs && values(sourceAttrs, `${where}.source`);
    element.destAttrs = destAttrs && values(destAttrs, `${where}.dest`);
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
}

/** Over every element as it was added, so that any change of what the diff saw on a side changes that side's digest. */
export function fingerprintOf(diff: Diff): Fingerprint {
  const hashes = { source: createHash('sha256'), target: createHash('sha256') };
  for (const { element, depth } of walkAdded(diff)) {
    const { type, keys, sourceAttrs, destAttrs } = element;
    const place = canonicalJson([depth, type, keys]);
    if (sourceAttrs !== null) hashes.source.update(`${place}${canonicalJson(sourceAttrs)}\n`);
    if (destAttrs !== null) hashes.target.update(`${place}${canonicalJson(destAttrs)}\n`);
  }
  return { source: hashes.source.digest('hex'), target: hashes.target.digest('hex') };
}

function values(json: Record<string, unknown>, where: string): Attrs {
  let revived: unknown;
  try {
    revived = fromExtendedJson(json);
  } catch (error) {
    throw invalid(`${where}: a value cannot be read`, error);
  }
  if (!isRecord(revived)) throw invalid(`${where}: a value, where names with values are expected`);
  // No model has such a field, and setting it on an object would change the object's prototype.
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

function invalid(reason: string, cause?: unknown): DiffInvalid {
  return new DiffInvalid(`This is no saved diff: ${reason}`, cause === undefined ? {} : { cause });
}
