import { types } from 'node:util';
import { isPlainObject, setOwn } from './values.js';

/**
 * Values as JSON: what JSON would lose becomes `{"$diffsync":"<kind>","v":…}`, and an object that has the key `$diffsync`
 * itself is wrapped in the kind `object`; all else stays as it is.
 */
export const TAG = '$diffsync';

/** The same value where JSON keeps it exactly; copies only what has to change. */
export function tag(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : tagged('number', Object.is(value, -0) ? '-0' : String(value));
    case 'undefined':
      return tagged('undefined');
    case 'bigint':
      return tagged('bigint', value.toString());
    default:
      if (value === null) return null;
  }
  if (Array.isArray(value)) return changedItems(value, tag);
  if (types.isDate(value)) return tagged('Date', Number.isNaN(value.getTime()) ? null : value.toISOString());
  if (types.isUint8Array(value)) return tagged('Uint8Array', Buffer.from(value).toString('base64'));
  if (types.isMap(value))
    return tagged(
      'Map',
      [...value].map(([key, item]) => [tag(key), tag(item)]),
    );
  if (types.isSet(value)) return tagged('Set', [...value].map(tag));
  return tagObject(value as Readonly<Record<string, unknown>>);
}

/** The same text for equal values, whatever the order of their keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(tag(value), (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each) && isPlainObject(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

export function tagObject(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const object = changedFields(value, tag);
  return Object.hasOwn(value, TAG) ? tagged('object', object) : object;
}

/** The list itself where `change` changes none of its items. */
function changedItems(list: readonly unknown[], change: (item: unknown) => unknown): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const item = change(list[index]);
    if (item !== list[index]) (copy ??= [...list])[index] = item;
  }
  return copy ?? list;
}

/** The object itself where `change` changes none of its fields. */
function changedFields(
  value: Readonly<Record<string, unknown>>,
  change: (item: unknown) => unknown,
): Readonly<Record<string, unknown>> {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const item = change(value[key]);
    if (item !== value[key]) setOwn((copy ??= { ...value }), key, item);
  }
  return copy ?? value;
}

function tagged(kind: string, v?: unknown): Record<string, unknown> {
  return v === undefined ? { [TAG]: kind } : { [TAG]: kind, v };
}

/**
 * The value that `tag` was given; as `tag`, copies only what has to change. Runs nothing and sets no prototype.
 * @throws Error for a tag that is damaged or unknown.
 */
export function revive(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return changedItems(value, revive);
  const object = value as Record<string, unknown>;
  return Object.hasOwn(object, TAG) ? reviveTagged(object[TAG], object['v']) : changedFields(object, revive);
}

function reviveTagged(kind: unknown, v: unknown): unknown {
  switch (kind) {
    case 'undefined':
      return undefined;
    case 'number':
      if (v === 'NaN' || v === 'Infinity' || v === '-Infinity' || v === '-0') return Number(v);
      break;
    case 'bigint':
      if (typeof v === 'string' && /^-?\d+$/.test(v)) return BigInt(v);
      break;
    case 'Date':
      if (v === null) return new Date(Number.NaN);
      if (typeof v === 'string' && !Number.isNaN(Date.parse(v))) return new Date(v);
      break;
    case 'Uint8Array':
      if (typeof v === 'string') return new Uint8Array(Buffer.from(v, 'base64'));
      break;
    case 'Map':
      if (Array.isArray(v) && v.every((entry) => Array.isArray(entry) && entry.length === 2)) {
        return new Map((v as [unknown, unknown][]).map(([key, item]) => [revive(key), revive(item)]));
      }
      break;
    case 'Set':
      if (Array.isArray(v)) return new Set(v.map(revive));
      break;
    case 'object':
      if (typeof v === 'object' && v !== null && !Array.isArray(v))
        return changedFields(v as Record<string, unknown>, revive);
      break;
  }
  throw new Error(`unknown or damaged value of kind ${JSON.stringify(kind)}; was it written by a newer version?`);
}
