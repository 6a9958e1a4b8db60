import { isDeepStrictEqual, types } from 'node:util';

/** Deeper values are refused rather than risking the call stack of every later reader. */
export const MAX_DEPTH = 500;
/** Parsing and printing more takes time that grows faster than the text. */
export const MAX_BIGINT_DIGITS = 1000;
const BIGINT_END = 10n ** BigInt(MAX_BIGINT_DIGITS);

/** A value that no store can keep, with the path to it below its field. */
export class UnstorableValue extends Error {
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path} ${reason}`);
  }
}

/** Equality by value, strict: `true` is not `1`, `null` is not `undefined`, `-0` is not `0`, key order means nothing. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const flat = sameFlat(a, b);
  if (flat !== undefined) return flat;
  // Node's comparison finds no two invalid dates equal, but an object that holds one must equal its own copy.
  return (
    isDeepStrictEqual(a, b) || (holdsInvalidDate(a) && isDeepStrictEqual(markInvalidDates(a), markInvalidDates(b)))
  );
}

/** Whether two lists hold the same values, each as often, in whatever order; other values as `sameValue`. */
export function sameItems(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return sameValue(a, b);
  if (a.length !== b.length) return false;
  const scalars = new Map<unknown, number>();
  const objects: unknown[] = [];
  for (const item of a) {
    if (isMapKey(item)) scalars.set(item, (scalars.get(item) ?? 0) + 1);
    else objects.push(item);
  }
  return b.every((item) => {
    if (isMapKey(item)) {
      const left = scalars.get(item) ?? 0;
      scalars.set(item, left - 1);
      return left > 0;
    }
    const at = objects.findIndex((other) => sameValue(item, other));
    if (at !== -1) objects.splice(at, 1);
    return at !== -1;
  });
}

/** Whether a Map tells it apart from all other values; it takes -0 for 0. */
function isMapKey(item: unknown): boolean {
  return isScalar(item) && !Object.is(item, -0);
}

/**
 * A copy that shares nothing with the original. Kinds kept: JSON's, Date, bigint, Map, Set, Uint8Array, undefined, and
 * numbers that JSON has no word for.
 * @throws UnstorableValue for a function, a symbol, an instance of another class, a cycle, more than 500 levels, or a
 * bigint of more than 1,000 digits.
 */
export function copyValue(value: unknown, path = ''): unknown {
  return isScalar(value) && typeof value !== 'bigint' ? value : copyDeep(value, path, []);
}

/** A copy of those of the fields that are there. */
export function pickFields(
  fields: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const name of names) {
    if (Object.hasOwn(fields, name)) picked[name] = copyValue(fields[name], name);
  }
  return picked;
}

/** Objects with a prototype of their own are some class's instances; other realms' plain objects count as plain. */
export function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Sets a key that comes from data. Plain assignment to `__proto__` would change the prototype instead. */
export function setOwn(target: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    (target as Record<string, unknown>)[key] = value;
  }
}

/** The answer for two plain objects that hold scalars, as nearly all that are compared do; undefined where it takes more. */
function sameFlat(a: object, b: object): boolean | undefined {
  if (Object.getPrototypeOf(a) !== Object.prototype || Object.getPrototypeOf(b) !== Object.prototype) return undefined;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  let count = 0;
  for (const key in left) {
    const value = left[key];
    if (!Object.is(value, right[key])) return isScalar(value) ? false : undefined;
    if (value === undefined) return undefined;
    count++;
  }
  for (const _ in right) count--;
  if (count !== 0) return false;
  return Object.getOwnPropertySymbols(a).length + Object.getOwnPropertySymbols(b).length === 0 ? true : undefined;
}

function isScalar(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');
}

function copyDeep(value: unknown, path: string, above: object[]): unknown {
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
    if (Array.isArray(value)) return copyList(value, path, above);
    if (types.isMap(value)) {
      return new Map(
        [...value].map(([key, item]) => [
          copyDeep(key, `${path}.keys()`, above),
          copyDeep(item, `${path}.get()`, above),
        ]),
      );
    }
    if (types.isSet(value)) return new Set([...value].map((item) => copyDeep(item, `${path}.values()`, above)));
    if (!isPlainObject(value)) throw new UnstorableValue(path, `is an instance of ${className(value)}`);
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(value)) setOwn(copy, key, copyDeep(value[key], `${path}.${key}`, above));
    return copy;
  } finally {
    above.pop();
  }
}

/** Gaps become undefined, for no text form tells them apart. */
function copyList(list: readonly unknown[], path: string, above: object[]): unknown[] {
  const copy: unknown[] = [];
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    copy.push(isScalar(item) && typeof item !== 'bigint' ? item : copyDeep(item, `${path}[${index}]`, above));
  }
  return copy;
}

class InvalidDate {}

/** A Map's entries are lists, so they need no case of their own. */
function holdsInvalidDate(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (types.isDate(value)) return Number.isNaN(value.getTime());
  if (Array.isArray(value) || types.isSet(value) || types.isMap(value)) return [...value].some(holdsInvalidDate);
  return isPlainObject(value) && Object.values(value).some(holdsInvalidDate);
}

function markInvalidDates(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? new InvalidDate() : value;
  if (Array.isArray(value)) return value.map(markInvalidDates);
  if (types.isSet(value)) return new Set([...value].map(markInvalidDates));
  if (types.isMap(value)) {
    return new Map([...value].map(([key, item]) => [markInvalidDates(key), markInvalidDates(item)]));
  }
  if (!isPlainObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) setOwn(copy, key, markInvalidDates(value[key]));
  return copy;
}

function className(value: object): string {
  const { constructor } = value;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'a class';
}
