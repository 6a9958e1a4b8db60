import { revive, TAG, tagObject } from '../value-codec.js';
import { isPlainObject } from '../values.js';
import type { ModelRecord } from './model-record.js';

/**
 * Records as text: plain JSON where the value is plain JSON, and tagged values (see value-codec) where it is not. A record
 * with flags is wrapped as a whole, in the kind `object`. Text without `"$diffsync"` is plain JSON and nothing else.
 */

/** The text that stands for a record's data and flags; its unique id is not part of it. */
export function encodeRecord({ data, flags }: ModelRecord): string {
  const value = tagObject(data);
  return JSON.stringify(flags === undefined ? value : { [TAG]: 'object', flags, v: untag(value) });
}

/** @throws Error when the text is no record; it never runs anything and sets no prototype. */
export function decodeRecord(uid: string, text: string): ModelRecord {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not a JSON object');
  if (!text.includes(`"${TAG}"`)) return { uid, data: value as Record<string, unknown> };
  const wrapper = value as Record<string, unknown>;
  const flags = Object.hasOwn(wrapper, TAG) ? wrapper['flags'] : undefined;
  const data = revive(value);
  if (typeof data !== 'object' || data === null || !isPlainObject(data)) throw new Error('not a record');
  if (flags === undefined) return { uid, data };
  if (!Number.isSafeInteger(flags)) throw new Error('flags are not an integer');
  return { uid, data, flags: flags as number };
}

/** An `object` wrapper is opened before flags are added to it: a record has one wrapper at most. */
function untag(value: unknown): unknown {
  const wrapper = value as Record<string, unknown>;
  return Object.hasOwn(wrapper, TAG) ? wrapper['v'] : value;
}
