import { isPlainObject, setOwn } from './own-property.js';
import { types } from 'node:util';

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

/**
 * A copy that shares nothing with the original. Kinds kept: JSON's, Date, bigint, Map, Set, Uint8Array, undefined, and
 * numbers that JSON has no word for.
 * @throws UnstorableValue for a function, a symbol, an instance of another class, a cycle, more than 500 levels, or a
 * bigint of more than 1,000 digits.
 */
export function cloneValue(value: unknown, path = ''): unknown {
  return isScalar(value) && typeof value !== 'bigint' ? value : cloneDeep(value, path, []);
}

export function isScalar(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');
}

function cloneDeep(value: unknown, path: string, above: object[]): unknown {
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
    if (Array.isArray(value)) return cloneList(value, path, above);
    if (types.isMap(value)) {
      return new Map(
        [...value].map(([key, item]) => [
          cloneDeep(key, `${path}.keys()`, above),
          cloneDeep(item, `${path}.get()`, above),
        ]),
      );
    }
    if (types.isSet(value)) return new Set([...value].map((item) => cloneDeep(item, `${path}.values()`, above)));
    if (!isPlainObject(value)) throw new UnstorableValue(path, `is an instance of ${className(value)}`);
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(value)) setOwn(copy, key, cloneDeep(value[key], `${path}.${key}`, above));
    return copy;
  } finally {
    above.pop();
  }
}

/** Gaps become undefined, for no text form tells them apart. */
function cloneList(list: readonly unknown[], path: string, above: object[]): unknown[] {
  const copy: unknown[] = [];
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    copy.push(isScalar(item) && typeof item !== 'bigint' ? item : cloneDeep(item, `${path}[${index}]`, above));
  }
  return copy;
}

function className(value: object): string {
  const { constructor } = value;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'a class';
}

/** A copy of those of the fields that are there. */
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
