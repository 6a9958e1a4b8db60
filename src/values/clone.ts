import { isPlainObject, setOwn } from './own-property.js';
import { PartCount, TOO_MANY_PARTS } from './shared-parts.js';
import { types } from 'node:util';

/** The most levels of nesting. A deeper value could overflow the call stack of every later reader. */
export const MAX_DEPTH = 500;

/** The most digits of a bigint. The time to parse or print one grows faster than its length. */
export const MAX_BIGINT_DIGITS = 1000;

const BIGINT_END = 10n ** BigInt(MAX_BIGINT_DIGITS);

/** Is thrown for a value that no store can keep, with the path to it from its field on. */
export class UnstorableValue extends Error {
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path} ${reason}`);
  }
}

/**
 * Deep copy of a value: JSON, Date, bigint, Map, Set, Uint8Array, undefined, and the numbers that JSON lacks.
 * @param path - the path of the value, for the error.
 * @param parts - bounds the parts of the copy, of which there is one for each way to a part of the value.
 * @returns a copy that shares nothing with the original, and whose parts share nothing with each other.
 * @throws {UnstorableValue} for a function, a symbol, an instance of another class, a cycle, more than 500 levels, a bigint of
 * more than 1,000 digits, or shared parts that would be too many; before they are copied.
 */
export function cloneValue(value: unknown, path = '', parts?: PartCount): unknown {
  if (isSmallScalar(value)) return value;
  // Most lists hold nothing but texts and numbers.
  if (Array.isArray(value) && value.every(isSmallScalar)) return [...(value as readonly unknown[])];
  return cloneDeep(value, path, { above: [], root: path, parts: parts ?? new PartCount(value) });
}

/** Whether a value has no parts. */
export function isScalar(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');
}

/** Whether a value is copied as it is. A bigint may be too long to be stored. */
function isSmallScalar(value: unknown): boolean {
  return isScalar(value) && typeof value !== 'bigint';
}

/** One run of `cloneValue`. */
interface CloneRun {
  /** The values that contain the one that is being copied. */
  readonly above: object[];
  readonly root: string;
  readonly parts: PartCount;
}

function cloneDeep(value: unknown, path: string, run: CloneRun): unknown {
  const { above } = run;
  if (!run.parts.isBounded()) throw new UnstorableValue(run.root, TOO_MANY_PARTS);
  if (typeof value === 'function' || typeof value === 'symbol') throw new UnstorableValue(path, `is a ${typeof value}`);
  if (typeof value === 'bigint' && (value >= BIGINT_END || value <= -BIGINT_END)) {
    throw new UnstorableValue(path, `is a bigint of more than ${MAX_BIGINT_DIGITS} digits`);
  }
  if (typeof value !== 'object' || value === null) return value;
  if (types.isDate(value)) return new Date(value.getTime());
  if (types.isUint8Array(value)) return new Uint8Array(value);
  if (above.includes(value)) throw new UnstorableValue(path, 'refers back to an object that contains it (a cycle)');
  if (above.length >= MAX_DEPTH) throw new UnstorableValue(path, `is nested more than ${MAX_DEPTH} levels deep`);
  above.push(value);
  try {
    if (Array.isArray(value)) return cloneList(value, path, run);
    if (types.isMap(value)) {
      return new Map(
        [...value].map(([key, item]) => [cloneDeep(key, `${path}.keys()`, run), cloneDeep(item, `${path}.get()`, run)]),
      );
    }
    if (types.isSet(value)) return new Set([...value].map((item) => cloneDeep(item, `${path}.values()`, run)));
    if (!isPlainObject(value)) throw new UnstorableValue(path, `is an instance of ${className(value)}`);
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(value)) setOwn(copy, key, cloneDeep(value[key], `${path}.${key}`, run));
    return copy;
  } finally {
    above.pop();
  }
}

/** Gaps become undefined, because JSON cannot tell them apart. */
function cloneList(list: readonly unknown[], path: string, run: CloneRun): unknown[] {
  const copy: unknown[] = [];
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    copy.push(isSmallScalar(item) ? item : cloneDeep(item, `${path}[${index}]`, run));
  }
  return copy;
}

function className(value: object): string {
  const { constructor } = value;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'a class';
}

/** @returns a deep copy of those of the named fields that exist. */
export function pickFields(
  fields: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const name of names) {
    if (Object.hasOwn(fields, name)) picked[name] = cloneValue(fields[name], name);
  }
  return picked;
}
