import { ValueError } from '../errors.js';

/** UTF-8 bytes; design decision, so that a unique id stays usable as a key in every store. */
const MAX_BYTES = 16 * 1024;

/**
 * The unique id: the identifiers' values as `String(value)`, joined with `__`, in the order of the definition. Keys that
 * are no identifiers are ignored, as in the reference's `create_unique_id`.
 * @throws ValueError when an identifier is missing, null or undefined.
 */
export function joinIdentifiers(model: string, identifiers: readonly string[], ids: object): string {
  let uid = '';
  for (let index = 0; index < identifiers.length; index++) {
    const key = identifiers[index] as string;
    const value: unknown = Object.hasOwn(ids, key) ? (ids as Record<string, unknown>)[key] : undefined;
    if (value === null || value === undefined) {
      throw new ValueError(`${model}: identifier "${key}" is ${String(value)}; every identifier needs a value`);
    }
    uid = index === 0 ? String(value) : `${uid}__${String(value)}`;
  }
  return uid;
}

/** As `joinIdentifiers`, without a copy of anything, where all of them are texts; undefined where one is not. */
export function joinStringIdentifiers(identifiers: readonly string[], ids: object): string | undefined {
  let uid: string | undefined;
  for (const key of identifiers) {
    const value: unknown = Object.hasOwn(ids, key) ? (ids as Record<string, unknown>)[key] : undefined;
    if (typeof value !== 'string') return undefined;
    uid = uid === undefined ? value : `${uid}__${value}`;
  }
  return uid;
}

/** @throws ValueError for a string that some store could not keep apart from another one. */
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
