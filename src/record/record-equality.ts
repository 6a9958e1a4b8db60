import { isDeepEqual } from '../values/deep-equal.js';
import { EncodedRecord } from './encoded-record.js';
import type { ModelRecord } from './model-record.js';

/** Whether two records of one unique id are equal by value. Decodes neither where both have the same JSON text. */
export function isSameRecord(a: ModelRecord, b: ModelRecord): boolean {
  return a === b || haveSameEncoding(a, b) || (a.flags === b.flags && isDeepEqual(a.data, b.data));
}

/** Whether two records have the same JSON text, so that they are equal. False where one of them has no text yet. */
export function haveSameEncoding(a: ModelRecord, b: ModelRecord): boolean {
  return a instanceof EncodedRecord && b instanceof EncodedRecord && a.json === b.json;
}
