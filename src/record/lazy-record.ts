import { ValueError } from '../errors.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import { definitionOf, fieldNames, fieldOf, hasFlagsInData } from '../model/model-fields.js';
import { checkUniqueId } from '../model/unique-id.js';
import { toEncodedRecord } from './encoded-record.js';
import { ENCODED, toRecord, type EncodableRecord, type ModelRecord } from './model-record.js';
import { encodeRecord } from './record-codec.js';
import { checkRecordSize, roomAfterPlain } from './record-size.js';

/**
 * A lazily encoded record, for a backend that keeps JSON text. It is encoded when its batch is written, so that a bulk write
 * neither keeps every encoded record at once nor encodes all of them before the first batch is sent.
 */
export class LazyRecord implements EncodableRecord {
  constructor(
    readonly uid: string,
    private readonly model: DiffSyncModel,
  ) {}

  get data(): ModelRecord['data'] {
    return toRecord(this.model).data;
  }

  get flags(): number | undefined {
    return toRecord(this.model).flags;
  }

  /**
   * Encodes the object as it is now.
   * @throws {ValueError} (VALUE_ERROR) when the object has another unique id by now, or a value that no store can keep.
   */
  [ENCODED](): string {
    const record = toEncodedRecord(this.model);
    if (record.uid === this.uid) return encodeRecord(record);
    throw new ValueError(
      `${this.model.getType()} "${this.uid}" became "${record.uid}" while it was about to be stored; leave objects as they ` +
        `are until the call has settled`,
    );
  }
}

/**
 * @param maxBytes - the largest JSON text that the store takes, in bytes of UTF-8.
 * @returns a lazy record of a plain object that surely fits; an encoded record of any other object.
 * @throws {ValueError} (VALUE_ERROR) as `toEncodedRecord` and `checkRecordSize` do.
 */
export function toLazyRecord(model: DiffSyncModel, maxBytes: number): ModelRecord {
  const uid = plainUid(model, maxBytes);
  if (uid !== undefined) return new LazyRecord(uid, model);
  const record = toEncodedRecord(model, maxBytes);
  checkRecordSize(model.getType(), record, maxBytes);
  return record;
}

/** @returns the unique id of an object that a quick look shows to fit; undefined where the look does not tell. */
function plainUid(model: DiffSyncModel, maxBytes: number): string | undefined {
  try {
    if (model.modelFlags !== definitionOf(model).modelFlags || hasFlagsInData(model)) return undefined;
    let room = maxBytes;
    for (const field of fieldNames(model)) {
      room = roomAfterPlain(field, fieldOf(model, field), room);
      if (room < 0) return undefined;
    }
    const uid = model.getUniqueId();
    checkUniqueId(model.getType(), uid);
    return uid;
  } catch {
    return undefined; // The encoder throws the error with its reason.
  }
}
