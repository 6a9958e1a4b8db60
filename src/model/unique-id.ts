import { types } from 'node:util';
import { ValueError } from '../errors.js';

/** The longest unique id, in bytes of UTF-8; design decision, so that it is usable as a key in every store. */
const MAX_BYTES = 16 * 1024;

/**
 * Joins identifiers to a unique id: their values as `String(value)`, joined with `__`, in the order of the definition. Keys
 * that are no identifiers are ignored, as in the reference's `create_unique_id`.
 * @throws {ValueError} (VALUE_ERROR) when an identifier is missing, or is no string, number, boolean or bigint.
 */
export function joinIdentifiers(model: string, identifiers: readonly string[], ids: object): string {
  let uid = '';
  for (let index = 0; index < identifiers.length; index++) {
    const key = identifiers[index] as string;
    const value: unknown = Object.hasOwn(ids, key) ? (ids as Record<string, unknown>)[key] : undefined;
    const reason = identifierFault(value);
    if (reason !== undefined) throw new ValueError(`${model}: identifier "${key}" ${reason}`);
    uid = index === 0 ? String(value) : `${uid}__${String(value)}`;
  }
  return uid;
}

/** @returns why a value cannot be an identifier, as the end of a sentence; undefined when it can. */
export function identifierFault(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
      return undefined;
    case 'undefined':
      return 'is undefined; every identifier needs a value';
    default:
      if (value === null) return 'is null; every identifier needs a value';
      return `is ${kindOf(value)}; an identifier is a string, a number, a boolean or a bigint`;
  }
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  if (Array.isArray(value)) return 'a list';
  return types.isDate(value) ? 'a Date' : 'an object';
}

/** Fast path of `joinIdentifiers` for string identifiers. @returns undefined where one is no string. */
export function joinStringIdentifiers(identifiers: readonly string[], ids: object): string | undefined {
  let uid: string | undefined;
  for (const key of identifiers) {
    const value: unknown = Object.hasOwn(ids, key) ? (ids as Record<string, unknown>)[key] : undefined;
    if (typeof value !== 'string') return undefined;
    uid = uid === undefined ? value : `${uid}__${value}`;
  }
  return uid;
}

/** @throws {ValueError} (VALUE_ERROR) for a unique id that some store could not tell from another one. */
export function checkUniqueId(model: string, uid: unknown): asserts uid is string {
  if (typeof uid !== 'string') throw new ValueError(`${model}: a unique id is a string, not ${typeof uid}`);
  if (uid.length * 3 > MAX_BYTES && Buffer.byteLength(uid) > MAX_BYTES) {
    throw new ValueError(`${model}: the unique id that starts with "${uid.slice(0, 40)}" is longer than 16 KiB`);
  }
  if (!uid.isWellFormed()) {
    throw new ValueError(
      `${model}: unique id ${JSON.stringify(uid)} has a lone surrogate, so it is not well-formed text`,
    );
  }
}
