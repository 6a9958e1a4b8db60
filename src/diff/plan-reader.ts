import { z } from 'zod';
import { yieldIfDue } from '../async/event-loop.js';
import type { Steps } from '../async/steps.js';
import { DiffInvalid } from '../errors.js';
import { fromExtendedJson } from '../values/extended-json.js';
import { isPlainObject } from '../values/own-property.js';
import { issueLines } from '../values/zod-issues.js';
import type { Attrs, ElementKind, ElementParts } from './compared-object.js';
import type { PlanHeader } from './diff-plan.js';
import { PlanDigest } from './plan-digest.js';
import { hideValues } from './plan-secrets.js';

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
    partition: z.object({ index: z.int().min(0), of: z.int().min(1) }).exactOptional(),
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

/**
 * Checks the elements of a plan and adds them to the target's diff, in their order.
 * @returns whether the plan is as it was saved.
 * @throws DiffInvalid
 */
export function* addingElements<E extends { addChild(element: E): void }, D>(
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
