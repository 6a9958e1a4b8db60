import { ValueError } from '../errors.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import { definitionOf, fieldNames, fieldOf } from '../model/model-fields.js';
import { toRecord, type ModelRecord } from './model-record.js';
import { checkRecordSize, roomAfterPlain } from './record-size.js';
import { toEncodedRecord } from './encoded-record.js';
import { checkUniqueId } from '../model/unique-id.js';

/**
 * The record of an object that a backend which keeps texts is sure to take, encoded when its turn comes: of very many, not
 * all texts are there at once, and encoding some overlaps the writing of others.
 */
export class LazyRecord implements ModelRecord {
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

  /** The record as it is now. @throws ValueError for an object that was changed into another one, or what no store can keep. */
  encode(): ModelRecord {
    const record = toEncodedRecord(this.model);
    if (record.uid === this.uid) return record;
    throw new ValueError(
      `${this.model.getType()} "${this.uid}" became "${record.uid}" while it was about to be stored; leave objects as they ` +
        `are until the call has settled`,
    );
  }
}

/** A record of the object, late where it is plain. @throws ValueError as `toRecord` and `checkSize` do. */
export function toLazyRecord(model: DiffSyncModel, maxBytes: number): ModelRecord {
  const uid = plainUid(model, maxBytes);
  if (uid !== undefined) return new LazyRecord(uid, model);
  const record = toEncodedRecord(model);
  checkRecordSize(model.getType(), record, maxBytes);
  return record;
}

/** The unique id of an object that can surely be stored, as far as a quick look tells. */
function plainUid(model: DiffSyncModel, maxBytes: number): string | undefined {
  try {
    if (model.modelFlags !== definitionOf(model).modelFlags) return undefined;
    let room = maxBytes;
    for (const field of fieldNames(model)) {
      room = roomAfterPlain(field, fieldOf(model, field), room);
      if (room < 0) return undefined;
    }
    const uid = model.getUniqueId();
    checkUniqueId(model.getType(), uid);
    return uid;
  } catch {
    return undefined; // Whoever encodes it says why.
  }
}
