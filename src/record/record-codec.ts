import { MAX_DEPTH } from '../values/clone.js';
import {
  checkNesting,
  DamagedValue,
  escapeTag,
  fieldsToExtendedJson,
  fromExtendedJson,
  TAG,
} from '../values/extended-json.js';
import { isPlainObject } from '../values/own-property.js';
import { ENCODED, isFlags, type EncodableRecord, type ModelRecord } from './model-record.js';

/**
 * Codec of records: a record as JSON, plain where its values are plain JSON, and extended JSON (see extended-json.ts) where
 * they are not. A record with flags is tagged as a whole, as the kind `object`. Text without `"$diffsync"` is plain JSON.
 */

/**
 * Encodes the data and flags of a record as JSON text. The unique id is not part of it.
 * @param record - any record, also one that the package passes to a backend.
 * @returns the JSON text, the same for the same fields in the same order.
 */
export function encodeRecord(record: ModelRecord): string {
  return ENCODED in record ? (record as EncodableRecord)[ENCODED]() : JSON.stringify(recordToJson(record));
}

/** Text this short cannot be nested too deep: a level takes two characters at least. */
const SHALLOW_CHARS = 2 * MAX_DEPTH;

/**
 * Decodes the JSON text of a record. Whatever the text is, this runs no code of it, sets no prototype, and takes time in
 * proportion to its length.
 * @param uid - the unique id of the record.
 * @param text - what `encodeRecord` returned.
 * @returns the record.
 * @throws DamagedValue for text that is no record. Its message repeats nothing of the text.
 */
export function decodeRecord(uid: string, text: string): ModelRecord {
  const value = parse(text);
  // The search is for the tag without its quotation marks, of which every text has many: a dollar sign is rare.
  if (!isObject(value) || text.includes(TAG)) return recordFromJson(uid, value);
  if (text.length > SHALLOW_CHARS) checkNesting(value, FIELDS);
  return { uid, data: value };
}

/**
 * Converts the data and flags of a record to a JSON value, for a backend that keeps documents.
 * @param record - any record; the result may share parts with it.
 * @returns the JSON value, of the same form as the text of `encodeRecord`.
 */
export function recordToJson({ data, flags }: ModelRecord): Readonly<Record<string, unknown>> {
  return withFlags(fieldsToExtendedJson(data), flags);
}

/** @param fields - the record's fields, as extended JSON. */
export function withFlags(
  fields: Readonly<Record<string, unknown>>,
  flags: number | undefined,
): Readonly<Record<string, unknown>> {
  return flags === undefined ? escapeTag(fields) : { [TAG]: 'object', flags, v: fields };
}

/**
 * Converts a JSON value back to the record.
 * @param uid - the unique id of the record.
 * @param value - what `recordToJson` returned; the record may share parts with it.
 * @returns the record.
 * @throws DamagedValue for a value that is no record. Its message repeats nothing of the value.
 */
export function recordFromJson(uid: string, value: unknown): ModelRecord {
  if (!isObject(value)) throw new DamagedValue('not a JSON object');
  const flags = Object.hasOwn(value, TAG) ? value['flags'] : undefined;
  const data = fromExtendedJson(value, FIELDS);
  if (!isObject(data) || !isPlainObject(data)) throw new DamagedValue('not a record');
  if (flags === undefined) return { uid, data };
  if (!isFlags(flags)) throw new DamagedValue('flags are not an integer of 32 bits');
  return { uid, data, flags };
}

/** The depth of the object that contains the fields, which does not count as a level. */
const FIELDS = -1;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DamagedValue('not JSON'); // The parser's own message repeats some of the text.
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
