import { cloneValue } from '../values/clone.js';
import { isPlainJson, toExtendedJson, TAG } from '../values/extended-json.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import { buildRecord, toRecord, type ModelRecord } from './model-record.js';
import { decodeRecord, withFlags } from './record-codec.js';

/** The error for a text that is no record. */
export type DecodeErrorFactory = (uid: string, cause: unknown) => Error;

/**
 * A record as the text that stands for it, decoded when somebody asks for what it holds. Two that have the same text are
 * equal, so that of most records in a comparison nobody asks.
 */
export class EncodedRecord implements ModelRecord {
  private decoded: ModelRecord | undefined;
  private check: ((record: ModelRecord) => void) | undefined;

  /** @throws what `damaged` answers, also later, when the text turns out to be no record. */
  constructor(
    readonly uid: string,
    readonly text: string,
    private readonly damaged: DecodeErrorFactory = causeItself,
  ) {
    // Cheap, and tells what was cut off or never was a record: of a text that nobody decodes, nothing else would.
    if (text[0] !== '{' || text.at(-1) !== '}') throw damaged(uid, new Error('not a JSON object'));
  }

  get data(): ModelRecord['data'] {
    return this.decode().data;
  }

  get flags(): number | undefined {
    if (this.decoded !== undefined) return this.decoded.flags;
    return this.text.includes(TAG) ? this.decode().flags : undefined;
  }

  /** @param check told of the record once it is decoded; may throw. */
  onDecoded(check: (record: ModelRecord) => void): void {
    this.check = check;
  }

  private decode(): ModelRecord {
    if (this.decoded !== undefined) return this.decoded;
    const decoded = this.decodeText();
    this.check?.(decoded);
    return (this.decoded = decoded);
  }

  private decodeText(): ModelRecord {
    try {
      return decodeRecord(this.uid, this.text);
    } catch (error) {
      throw this.damaged(this.uid, error);
    }
  }
}

/**
 * As `toRecord`, for a backend that keeps the text: encoded at once, without a copy of the values. No TextRecord where the
 * text would be longer than any string.
 */
export function toEncodedRecord(model: DiffSyncModel): ModelRecord {
  const { uid, data, flags } = buildRecord(model, jsonOf);
  try {
    return new EncodedRecord(uid, JSON.stringify(withFlags(data, flags)));
  } catch (error) {
    if (error instanceof RangeError) return toRecord(model);
    throw error;
  }
}

function causeItself(_: string, cause: unknown): Error {
  return cause as Error;
}

function jsonOf(value: unknown, field: string): unknown {
  return isPlainJson(value) ? value : toExtendedJson(cloneValue(value, field));
}

/** Whether the two are known to be equal without a look at what they hold. */
export function haveSameEncoding(a: ModelRecord, b: ModelRecord): boolean {
  return a instanceof EncodedRecord && b instanceof EncodedRecord && a.text === b.text;
}
