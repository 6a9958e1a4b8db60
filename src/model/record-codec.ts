import { revive, TAG, tagObject } from '../value-codec.js';
import { isPlainObject } from '../values.js';
import type { ModelRecord } from './model-record.js';

/**
 * Records as JSON: plain where the value is plain JSON, and tagged values (see value-codec) where it is not. A record with
 * flags is wrapped as a whole, in the kind `object`. Text without `"$diffsync"` is plain JSON and nothing else.
 */

/** The text that stands for a record's data and flags; its unique id is not part of it. */
export function encodeRecord(record: ModelRecord): string {
  return JSON.stringify(recordToJson(record));
}

/** @throws Error when the text is no record; it never runs anything and sets no prototype. */
export function decodeRecord(uid: string, text: string): ModelRecord {
  const value: unknown = JSON.parse(text);
  return isObject(value) && !text.includes(`"${TAG}"`) ? { uid, data: value } : recordFromJson(uid, value);
}

/** As `encodeRecord`, the JSON value, for a backend that keeps documents. It may share parts with the record. */
export function recordToJson({ data, flags }: ModelRecord): Readonly<Record<string, unknown>> {
  const value = tagObject(data);
  return flags === undefined ? value : { [TAG]: 'object', flags, v: untag(value) };
}

/** As `decodeRecord`, of what `recordToJson` gave. The record may share parts with the value. @throws Error */
export function recordFromJson(uid: string, value: unknown): ModelRecord {
  if (!isObject(value)) throw new Error('not a JSON object');
  const flags = Object.hasOwn(value, TAG) ? value['flags'] : undefined;
  const data = revive(value);
  if (!isObject(data) || !isPlainObject(data)) throw new Error('not a record');
  if (flags === undefined) return { uid, data };
  if (!Number.isSafeInteger(flags)) throw new Error('flags are not an integer');
  return { uid, data, flags: flags as number };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An `object` wrapper is opened before flags are added to it: a record has one wrapper at most. */
function untag(value: unknown): unknown {
  const wrapper = value as Record<string, unknown>;
  return Object.hasOwn(wrapper, TAG) ? wrapper['v'] : value;
}
