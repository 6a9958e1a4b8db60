import { isScalar } from './clone.js';
import { isPlainObject } from './own-property.js';
import { isDeepStrictEqual, types } from 'node:util';

/**
 * Deep equality by value, the one notion of equal for comparisons, digests, copies and plans: `canonicalJson` returns the same
 * text for equal values. Strict: `true` is not `1`, `null` is not `undefined`, `-0` is not `0`; an invalid date equals another.
 * The order of keys, of Map entries and of Set items is ignored. In a plain object a key with `undefined` and no key are the
 * same; in a list, a Map or a Set `undefined` is a value, and a gap in a list is `undefined`.
 */
export function isDeepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return isFlatEqual(a, b) ?? isObjectEqual(a, b, undefined);
}

/** Whether two lists have the same values, each as often, in any order; other values are compared by `isDeepEqual`. */
export function hasSameItems(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return isDeepEqual(a, b);
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
    return takeEqual(objects, (other) => isDeepEqual(item, other));
  });
}

/** Whether a value as key of a Map differs from all other values. A Map takes -0 for 0. */
function isMapKey(item: unknown): boolean {
  return isScalar(item) && !Object.is(item, -0);
}

/** Fast path for two plain objects of scalars, the common case. @returns undefined where it cannot decide. */
function isFlatEqual(a: object, b: object): boolean | undefined {
  if (Object.getPrototypeOf(a) !== Object.prototype || Object.getPrototypeOf(b) !== Object.prototype) return undefined;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  let count = 0;
  for (const key in left) {
    const value = left[key];
    if (value === undefined) return undefined; // No key is the same.
    if (!Object.is(value, right[key])) return isScalar(value) ? false : undefined;
    count++;
  }
  for (const _ in right) count--;
  return count === 0 ? true : undefined; // The other keys may be undefined.
}

/** What comes of a pair is remembered once so many are compared: most values have fewer, and most parts are reached in one way. */
const REMEMBERED_FROM = 1000;

/** One comparison of two values. */
interface Comparison {
  /** The pairs that contain the compared one, `a` and `b` in turn. */
  readonly above: object[];
  /** How many pairs were compared. */
  pairs: number;
  /**
   * Whether pairs are equal, so that parts which are reached in several ways are compared once: each level of `{ a: x, b: x }`
   * would double them.
   */
  known: Map<object, Map<object, boolean>> | undefined;
}

function isEqualBelow(a: unknown, b: unknown, run: Comparison): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return isFlatEqual(a, b) ?? isObjectEqual(a, b, run);
}

function isObjectEqual(a: object, b: object, given: Comparison | undefined): boolean {
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    const scalars = countEqualScalars(a, b);
    // Most lists hold no objects, and need no more.
    if (scalars === a.length) return true;
    if (!isObject(a[scalars]) || !isObject(b[scalars])) return false;
  }
  if (types.isDate(a)) return types.isDate(b) && Object.is(a.getTime(), b.getTime());
  if (types.isUint8Array(a)) return types.isUint8Array(b) && Buffer.compare(a, b) === 0;
  const run = given ?? { above: [], pairs: 0, known: undefined };
  const { above } = run;
  // Within a cycle the pair is being compared already; it is equal if the rest is.
  for (let at = 0; at < above.length; at += 2) if (above[at] === a) return above[at + 1] === b;
  const known = run.known?.get(a)?.get(b);
  if (known !== undefined) return known;
  above.push(a, b);
  const equal = isContainerEqual(a, b, run);
  above.length -= 2;
  if (++run.pairs >= REMEMBERED_FROM) remember((run.known ??= new Map()), a, b, equal);
  return equal;
}

function remember(known: Map<object, Map<object, boolean>>, a: object, b: object, equal: boolean): void {
  const others = known.get(a);
  if (others === undefined) known.set(a, new Map([[b, equal]]));
  else others.set(b, equal);
}

/** Returns how many items at the start of two lists are the same. */
function countEqualScalars(a: readonly unknown[], b: readonly unknown[]): number {
  let at = 0;
  while (at < a.length && Object.is(a[at], b[at])) at++;
  return at;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isContainerEqual(a: object, b: object, run: Comparison): boolean {
  if (Array.isArray(a)) return isListEqual(a, b as unknown[], run);
  if (types.isMap(a)) return types.isMap(b) && a.size === b.size && isMapEqual(a, b, run);
  if (types.isSet(a)) return types.isSet(b) && a.size === b.size && isSetEqual(a, b, run);
  if (isPlainObject(a)) return isPlainObject(b) && areFieldsEqual(a, b, run);
  return isDeepStrictEqual(a, b); // No store keeps it.
}

function isListEqual(a: readonly unknown[], b: readonly unknown[], run: Comparison): boolean {
  for (let at = 0; at < a.length; at++) if (!isEqualBelow(a[at], b[at], run)) return false;
  return true;
}

function areFieldsEqual(a: Record<string, unknown>, b: Record<string, unknown>, run: Comparison): boolean {
  let count = 0;
  for (const key of Object.keys(a)) {
    const value = a[key];
    if (value === undefined) continue;
    if (!Object.hasOwn(b, key) || !isEqualBelow(value, b[key], run)) return false;
    count++;
  }
  for (const key of Object.keys(b)) if (b[key] !== undefined) count--;
  return count === 0;
}

/** Equality is transitive, so it does not matter which of several equal items an item is matched with. */
function isSetEqual(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>, run: Comparison): boolean {
  const objects: unknown[] = [];
  for (const item of a) {
    if (!isScalar(item)) objects.push(item);
    else if (!b.has(item)) return false;
  }
  for (const item of b) {
    if (!isScalar(item) && !takeEqual(objects, (other) => isEqualBelow(other, item, run))) return false;
  }
  return objects.length === 0;
}

function isMapEqual(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>, run: Comparison): boolean {
  const objects: [unknown, unknown][] = [];
  for (const [key, value] of a) {
    if (!isScalar(key)) objects.push([key, value]);
    else if (!b.has(key) || !isEqualBelow(value, b.get(key), run)) return false;
  }
  for (const [key, value] of b) {
    if (isScalar(key)) continue;
    const isEqual = ([other, its]: [unknown, unknown]): boolean =>
      isEqualBelow(other, key, run) && isEqualBelow(its, value, run);
    if (!takeEqual(objects, isEqual)) return false;
  }
  return objects.length === 0;
}

/** Takes the first item for which `isEqual` is true out of the list. @returns whether there is one. */
function takeEqual<T>(items: T[], isEqual: (item: T) => boolean): boolean {
  const index = items.findIndex(isEqual);
  if (index !== -1) items.splice(index, 1);
  return index !== -1;
}
