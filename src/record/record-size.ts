import { types } from 'node:util';
import { ValueError } from '../errors.js';
import { encodeRecord } from './record-codec.js';
import type { ModelRecord } from './model-record.js';
import { EncodedRecord } from './encoded-record.js';

/** An upper bound of what any scalar but a string or a bigint takes. */
const SCALAR_BYTES = 60;
/** A bigint has 1,000 digits at most. */
const BIGINT_BYTES = 1060;
/** The most that one character takes as JSON escapes it. */
const CHAR_BYTES = 6;
/** The most that one character of JSON text takes in UTF-8. */
const UTF8_BYTES = 3;
/** How many times `maxBytes` an object is not measured any more. */
const FAR_TOO_LARGE = 4;

/**
 * Checks the size of a record. Encodes the record only where an upper bound, which is quickly known, is above `maxBytes`.
 * @param maxBytes - the largest JSON text that the store takes, in bytes of UTF-8.
 * @throws {ValueError} (VALUE_ERROR) that names model, unique id, and the largest field with its size.
 */
export function checkRecordSize(model: string, record: ModelRecord, maxBytes: number): void {
  const fits =
    record instanceof EncodedRecord
      ? record.json.length * UTF8_BYTES <= maxBytes
      : roomAfter(record.data, maxBytes - SCALAR_BYTES) >= 0;
  if (fits) return;
  // What is far too large is not encoded: a text that stands in a value many times over may take any number of bytes.
  const most = FAR_TOO_LARGE * maxBytes;
  if (!(record instanceof EncodedRecord) && !takesAtMost(record.data, most)) {
    throw new ValueError(
      `${model} "${record.uid}": it takes more than ${most} bytes, and maxObjectBytes is ${maxBytes}`,
    );
  }
  const bytes = sizeOf(record);
  if (bytes <= maxBytes) return;
  const { uid, data } = record;
  const sizes = Object.keys(data).map((field) => [field, sizeOf({ uid, data: { [field]: data[field] } })] as const);
  const [field, size] = sizes.reduce((largest, each) => (each[1] > largest[1] ? each : largest));
  throw new ValueError(
    `${model} "${uid}": it takes ${inWords(bytes)}, and maxObjectBytes is ${maxBytes}; its largest field is "${field}", ` +
      `with ${inWords(size)}`,
  );
}

/**
 * @param room - bytes that are left.
 * @returns what is left after a field that is a string, number, boolean, null, or a list of them; negative for any other.
 */
export function roomAfterPlain(field: string, value: unknown, room: number): number {
  let left = room - SCALAR_BYTES - CHAR_BYTES * field.length;
  if (!Array.isArray(value)) return isPlainScalar(value) ? roomAfter(value, left) : -1;
  left -= SCALAR_BYTES;
  for (const item of value) {
    if (!isPlainScalar(item) || (left = roomAfter(item, left)) < 0) return -1;
  }
  return left;
}

function isPlainScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null;
}

/** @returns what is left of `room`, in bytes; negative as soon as it may be too little. */
function roomAfter(value: unknown, room: number): number {
  if (typeof value === 'string') return room - SCALAR_BYTES - CHAR_BYTES * value.length;
  if (typeof value === 'bigint') return room - BIGINT_BYTES;
  let left = room - SCALAR_BYTES;
  if (typeof value !== 'object' || value === null) return left;
  // Lists come first: they are frequent, and the functions of node:util take long.
  if (Array.isArray(value) || types.isMap(value) || types.isSet(value)) {
    for (const item of value) if ((left = roomAfter(item, left)) < 0) break;
    return left;
  }
  if (types.isDate(value)) return left;
  if (types.isUint8Array(value)) return left - 2 * value.byteLength;
  for (const key of Object.keys(value)) {
    left = roomAfter((value as Record<string, unknown>)[key], left - SCALAR_BYTES - CHAR_BYTES * key.length);
    if (left < 0) break;
  }
  return left;
}

/** Whether a value may take no more than so many bytes. It takes time in proportion to `bytes`. */
function takesAtMost(value: unknown, bytes: number): boolean {
  return lessLeast(value, bytes) >= 0;
}

/** @returns what is left of `room` after the least that a value takes; negative as soon as it is too little. */
function lessLeast(value: unknown, room: number): number {
  let left = room - 1;
  if (typeof value === 'string') return left - value.length;
  if (typeof value !== 'object' || value === null || types.isDate(value)) return left;
  if (types.isUint8Array(value)) return left - value.byteLength;
  if (Array.isArray(value) || types.isSet(value)) {
    for (const item of value) if ((left = lessLeast(item, left)) < 0) break;
    return left;
  }
  for (const [key, item] of types.isMap(value) ? value : Object.entries(value)) {
    if ((left = lessLeast(item, lessLeast(key, left))) < 0) break;
  }
  return left;
}

function sizeOf(record: ModelRecord): number {
  try {
    return Buffer.byteLength(encodeRecord(record));
  } catch (error) {
    if (error instanceof RangeError) return Infinity; // Longer than the longest string.
    throw error;
  }
}

function inWords(bytes: number): string {
  return Number.isFinite(bytes) ? `${bytes} bytes` : 'more bytes than a text can have';
}
