import { types } from 'node:util';
import { MAX_BIGINT_DIGITS, MAX_DEPTH } from './clone.js';
import { isPlainObject, setOwn } from './own-property.js';
import { PartCount } from './shared-parts.js';

/**
 * The tag of extended JSON. A value that JSON would lose becomes `{"$diffsync":"<kind>","v":…}`; an object that has the key
 * `$diffsync` itself is escaped by the kind `object`; any other value stays as it is.
 */
export const TAG = '$diffsync';

type Change<C> = (item: unknown, context: C) => unknown;

/** Fast check whether JSON keeps the value exactly. @returns true for strings, numbers, booleans, null, and lists of them. */
export function isPlainJson(value: unknown): boolean {
  if (!Array.isArray(value)) return isPlainScalar(value);
  for (const item of value) if (!isPlainScalar(item)) return false;
  return true;
}

function isPlainScalar(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    default:
      return value === null;
  }
}

/**
 * Converts a value to extended JSON.
 * @returns the value itself where JSON keeps it exactly; copies only what changes.
 * @throws {ValueError} (VALUE_ERROR) for shared parts that are too many to be written out.
 */
export function toExtendedJson(value: unknown, parts = new PartCount(value)): unknown {
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
  parts.check();
  if (Array.isArray(value)) return changedItems(value, toExtendedJson, parts);
  if (types.isDate(value)) return tagged('Date', Number.isNaN(value.getTime()) ? null : value.toISOString());
  if (types.isUint8Array(value)) return tagged('Uint8Array', Buffer.from(value).toString('base64'));
  if (types.isMap(value))
    return tagged(
      'Map',
      [...value].map(([key, item]) => [toExtendedJson(key, parts), toExtendedJson(item, parts)]),
    );
  if (types.isSet(value))
    return tagged(
      'Set',
      [...value].map((item) => toExtendedJson(item, parts)),
    );
  return escapeTag(changedFields(value as Readonly<Record<string, unknown>>, toExtendedJson, parts));
}

/**
 * Canonical JSON of a value, for digests. @returns the same text for two values exactly where `isDeepEqual` finds them equal: keys,
 * Map entries and Set items are sorted, and a key of a plain object with `undefined` is left out.
 * @throws {ValueError} (VALUE_ERROR) for shared parts that are too many to be written out.
 */
export function canonicalJson(value: unknown): string {
  return canonicalPart(value, new PartCount(value));
}

function canonicalPart(value: unknown, parts: PartCount): string {
  if (typeof value === 'object' && value !== null) {
    parts.check();
    const textOf = (part: unknown): string => canonicalPart(part, parts);
    if (Array.isArray(value)) return `[${Array.from(value, textOf).join(',')}]`;
    if (types.isMap(value)) {
      const entries = [...value].map(([key, item]) => `[${textOf(key)},${textOf(item)}]`);
      return canonicalTagged('Map', `[${entries.toSorted().join(',')}]`);
    }
    if (types.isSet(value)) return canonicalTagged('Set', `[${[...value].map(textOf).toSorted().join(',')}]`);
    if (isPlainObject(value)) return canonicalFields(value, textOf);
  }
  return jsonOf(toExtendedJson(value, parts)) ?? 'null'; // As JSON.stringify writes a function in a list.
}

function canonicalFields(value: Record<string, unknown>, textOf: (part: unknown) => string): string {
  const names = Object.keys(value).filter((key) => value[key] !== undefined && typeof value[key] !== 'function');
  const fields = names.toSorted().map((key) => `${JSON.stringify(key)}:${textOf(value[key])}`);
  const text = `{${fields.join(',')}}`;
  return names.includes(TAG) ? canonicalTagged('object', text) : text;
}

function canonicalTagged(kind: string, text: string): string {
  return `{"${TAG}":"${kind}","v":${text}}`;
}

/** The declared type of JSON.stringify leaves out that it returns undefined for what is no JSON. */
function jsonOf(value: unknown): string | undefined {
  return JSON.stringify(value);
}

/** Converts the values of an object to extended JSON. @returns the object itself where nothing changes. */
export function fieldsToExtendedJson(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return changedFields(value, toExtendedJson, new PartCount(value));
}

/** Escapes an object that has the key of the tag. @param object - one whose fields are extended JSON. */
export function escapeTag(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.hasOwn(object, TAG) ? tagged('object', object) : object;
}

/** @returns the list itself where `change` changes none of its items. @param context - of every change. */
function changedItems<C>(list: readonly unknown[], change: Change<C>, context: C): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const item = change(list[index], context);
    if (item !== list[index]) (copy ??= [...list])[index] = item;
  }
  return copy ?? list;
}

/** @returns the object itself where `change` changes none of its fields. @param context - of every change. */
function changedFields<C>(
  value: Readonly<Record<string, unknown>>,
  change: Change<C>,
  context: C,
): Readonly<Record<string, unknown>> {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const item = change(value[key], context);
    if (item !== value[key]) setOwn((copy ??= { ...value }), key, item);
  }
  return copy ?? value;
}

function tagged(kind: string, v?: unknown): Record<string, unknown> {
  return v === undefined ? { [TAG]: kind } : { [TAG]: kind, v };
}

/** Is thrown for stored JSON that is damaged: cut, changed, or of a form that this package never writes. */
export class DamagedValue extends Error {}

/**
 * Converts extended JSON back to the value; copies only what changes. Whichever program wrote the JSON, this runs no code of
 * it, sets no prototype, and takes time in proportion to its length: it accepts only the forms that `toExtendedJson` returns,
 * within the bounds of what a store keeps.
 * @param depth - how many lists, objects, Maps and Sets contain the value.
 * @throws {DamagedValue} whose message repeats nothing of the value but the name of an unknown kind.
 */
export function fromExtendedJson(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const object = value as Record<string, unknown>;
  if (!Array.isArray(value) && Object.hasOwn(object, TAG)) return fromTagged(object[TAG], object['v'], depth);
  checkDepth(depth);
  return Array.isArray(value)
    ? changedItems(value, fromExtendedJson, depth + 1)
    : changedFields(object, fromExtendedJson, depth + 1);
}

/** Checks the depth of plain JSON. @throws {DamagedValue} for JSON that is nested deeper than a store keeps. */
export function checkNesting(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null) return;
  checkDepth(depth);
  if (Array.isArray(value)) for (const item of value) checkNesting(item, depth + 1);
  else for (const key of Object.keys(value)) checkNesting((value as Record<string, unknown>)[key], depth + 1);
}

function checkDepth(depth: number): void {
  if (depth >= MAX_DEPTH) throw new DamagedValue(`nested more than ${MAX_DEPTH} levels deep`);
}

/** The longest text that `toISOString` returns, so that no longer one is parsed. */
const MAX_DATE_CHARS = 27;
const BIGINT = new RegExp(`^-?\\d{1,${MAX_BIGINT_DIGITS}}$`);

function fromTagged(kind: unknown, v: unknown, depth: number): unknown {
  switch (kind) {
    case 'undefined':
      return undefined;
    case 'number':
      if (v === 'NaN' || v === 'Infinity' || v === '-Infinity' || v === '-0') return Number(v);
      break;
    case 'bigint':
      if (typeof v === 'string' && BIGINT.test(v)) return BigInt(v);
      break;
    case 'Date': {
      if (v === null) return new Date(Number.NaN);
      if (typeof v !== 'string' || v.length > MAX_DATE_CHARS) break;
      const date = new Date(v);
      if (!Number.isNaN(date.getTime()) && date.toISOString() === v) return date;
      break;
    }
    case 'Uint8Array': {
      if (typeof v !== 'string') break;
      const bytes = Buffer.from(v, 'base64');
      if (bytes.toString('base64') === v) return new Uint8Array(bytes);
      break;
    }
    case 'Map':
      checkDepth(depth);
      if (Array.isArray(v) && v.every((entry) => Array.isArray(entry) && entry.length === 2)) {
        return new Map(
          (v as [unknown, unknown][]).map(([key, item]) => [
            fromExtendedJson(key, depth + 1),
            fromExtendedJson(item, depth + 1),
          ]),
        );
      }
      break;
    case 'Set':
      checkDepth(depth);
      if (Array.isArray(v)) return new Set(v.map((item) => fromExtendedJson(item, depth + 1)));
      break;
    case 'object':
      checkDepth(depth);
      if (typeof v === 'object' && v !== null && !Array.isArray(v))
        return changedFields(v as Record<string, unknown>, fromExtendedJson, depth + 1);
      break;
  }
  const name = typeof kind === 'string' && kind.length <= 20 ? JSON.stringify(kind) : 'that is no name';
  throw new DamagedValue(`unknown or damaged value of kind ${name}; was it written by a newer version?`);
}
