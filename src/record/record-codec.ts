import {
  checkNesting,
  DamagedValue,
  fromExtendedJson,
  TAG,
  fieldsToExtendedJson,
  escapeTag,
} from '../values/extended-json.js';
import { MAX_DEPTH } from '../values/clone.js';
import { isPlainObject } from '../values/own-property.js';
import { LazyRecord } from './lazy-record.js';
import { isFlags, type ModelRecord } from './model-record.js';
import { EncodedRecord } from './encoded-record.js';

/**
 * Records as JSON: plain where the value is plain JSON, and tagged values (see value-codec) where it is not. A record with
 * flags is wrapped as a whole, in the kind `object`. Text without `"$diffsync"` is plain JSON and nothing else.
 */

/** The text that stands for a record's data and flags; its unique id is not part of it. */
export function encodeRecord(record: ModelRecord): string {
  if (record instanceof EncodedRecord) return record.text;
  return record instanceof LazyRecord ? encodeRecord(record.encode()) : JSON.stringify(recordToJson(record));
}

/** So short a text cannot be nested too deep: a level takes two characters at least. */
const SHALLOW_CHARS = 2 * MAX_DEPTH;

/**
 * Whatever the text is, it runs nothing, sets no prototype, and takes time in proportion to its length.
 * @throws DamagedValue when it is no record; nothing of the text is in its message.
 */
export function decodeRecord(uid: string, text: string): ModelRecord {
  const value = parse(text);
  // Looked for without its quotation marks, of which every text has many: a dollar sign is rare.
  if (!isObject(value) || text.includes(TAG)) return recordFromJson(uid, value);
  if (text.length > SHALLOW_CHARS) checkNesting(value, FIELDS);
  return { uid, data: value };
}

/** As `encodeRecord`, the JSON value, for a backend that keeps documents. It may share parts with the record. */
export function recordToJson({ data, flags }: ModelRecord): Readonly<Record<string, unknown>> {
  return withFlags(fieldsToExtendedJson(data), flags);
}

/** @param fields as JSON. */
export function withFlags(
  fields: Readonly<Record<string, unknown>>,
  flags: number | undefined,
): Readonly<Record<string, unknown>> {
  return flags === undefined ? escapeTag(fields) : { [TAG]: 'object', flags, v: fields };
}

/** As `decodeRecord`, of what `recordToJson` gave. The record may share parts with the value. @throws DamagedValue */
export function recordFromJson(uid: string, value: unknown): ModelRecord {
  if (!isObject(value)) throw new DamagedValue('not a JSON object');
  const flags = Object.hasOwn(value, TAG) ? value['flags'] : undefined;
  const data = fromExtendedJson(value, FIELDS);
  if (!isObject(data) || !isPlainObject(data)) throw new DamagedValue('not a record');
  if (flags === undefined) return { uid, data };
  if (!isFlags(flags)) throw new DamagedValue('flags are not an integer of 32 bits');
  return { uid, data, flags };
}

/** What contains the fields does not count as a level. */
const FIELDS = -1;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DamagedValue('not JSON'); // The parser's own words repeat some of the text.
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
