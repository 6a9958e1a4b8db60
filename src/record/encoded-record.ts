import type { DiffSyncModel } from '../model/diffsync-model.js';
import { cloneValue } from '../values/clone.js';
import { isPlainJson, TAG, toExtendedJson } from '../values/extended-json.js';
import type { PartCount } from '../values/shared-parts.js';
import { buildRecord, ENCODED, toRecord, type EncodableRecord, type ModelRecord } from './model-record.js';
import { decodeRecord, withFlags } from './record-codec.js';

/** Creates the error for JSON text that is no record. */
export type DecodeErrorFactory = (uid: string, cause: unknown) => Error;

/**
 * A record as its JSON text, decoded when its data is read for the first time. Two records with the same text are equal, so
 * a comparison decodes only the records that differ.
 */
export class EncodedRecord implements EncodableRecord {
  private decoded: ModelRecord | undefined;
  private complete: ((record: ModelRecord) => ModelRecord) | undefined;

  /**
   * @param json - what `encodeRecord` returned for the record.
   * @throws the error of `createError` for text that is no JSON object. The getters throw it for text that is no record.
   */
  constructor(
    readonly uid: string,
    readonly json: string,
    private readonly createError: DecodeErrorFactory = causeItself,
  ) {
    // A cheap check that finds text that was cut off or never was a record, also where nothing decodes it.
    if (json[0] !== '{' || json.at(-1) !== '}') throw createError(uid, new Error('not a JSON object'));
  }

  get data(): ModelRecord['data'] {
    return this.decode().data;
  }

  get flags(): number | undefined {
    if (this.decoded !== undefined) return this.decoded.flags;
    return this.json.includes(TAG) ? this.decode().flags : undefined;
  }

  [ENCODED](): string {
    return this.json;
  }

  /** @param complete - is called with the decoded record, once; returns the record to use in its place; may throw. */
  onDecoded(complete: (record: ModelRecord) => ModelRecord): void {
    this.complete = complete;
  }

  private decode(): ModelRecord {
    if (this.decoded !== undefined) return this.decoded;
    const decoded = this.decodeJson();
    return (this.decoded = this.complete?.(decoded) ?? decoded);
  }

  private decodeJson(): ModelRecord {
    try {
      return decodeRecord(this.uid, this.json);
    } catch (error) {
      throw this.createError(this.uid, error);
    }
  }
}

/**
 * Encodes an object at once, without a copy of its values, for a backend that keeps JSON text.
 * @param maxBytes - as for `toRecord`.
 * @returns an EncodedRecord; a plain record where the text would be longer than the longest string.
 * @throws {ValueError} (VALUE_ERROR) that names model, unique id and field for a value that no store can keep.
 */
export function toEncodedRecord(model: DiffSyncModel, maxBytes?: number): ModelRecord {
  const { uid, data, flags } = buildRecord(model, toJsonValue, maxBytes);
  try {
    return new EncodedRecord(uid, JSON.stringify(withFlags(data, flags)));
  } catch (error) {
    if (error instanceof RangeError) return toRecord(model, maxBytes);
    throw error;
  }
}

function toJsonValue(value: unknown, field: string, parts: PartCount | undefined): unknown {
  return isPlainJson(value) ? value : toExtendedJson(cloneValue(value, field, parts));
}

function causeItself(_: string, cause: unknown): Error {
  return cause as Error;
}
