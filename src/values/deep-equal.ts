import { isScalar } from './clone.js';
import { isPlainObject, setOwn } from './own-property.js';
import { isDeepStrictEqual, types } from 'node:util';

/** Deep equality by value, strict: `true` is not `1`, `null` is not `undefined`, `-0` is not `0`; key order is ignored. */
export function isDeepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const flat = isFlatEqual(a, b);
  if (flat !== undefined) return flat;
  // Node's comparison finds no two invalid dates equal, but an object that contains one must equal its own copy.
  return (
    isDeepStrictEqual(a, b) || (containsInvalidDate(a) && isDeepStrictEqual(markInvalidDates(a), markInvalidDates(b)))
  );
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
    const index = objects.findIndex((other) => isDeepEqual(item, other));
    if (index !== -1) objects.splice(index, 1);
    return index !== -1;
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
    if (!Object.is(value, right[key])) return isScalar(value) ? false : undefined;
    if (value === undefined) return undefined;
    count++;
  }
  for (const _ in right) count--;
  if (count !== 0) return false;
  return Object.getOwnPropertySymbols(a).length + Object.getOwnPropertySymbols(b).length === 0 ? true : undefined;
}

class InvalidDate {}

/** The entries of a Map are lists, so they need no case of their own. */
function containsInvalidDate(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (types.isDate(value)) return Number.isNaN(value.getTime());
  if (Array.isArray(value) || types.isSet(value) || types.isMap(value)) return [...value].some(containsInvalidDate);
  return isPlainObject(value) && Object.values(value).some(containsInvalidDate);
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
