import type { ModelDefinition } from '../../model/model-definition.js';
import type { ModelRecord } from '../../record/model-record.js';
import { RecordView, type StoredView } from '../../record/record-view.js';
import { canonicalJson } from '../../values/extended-json.js';
import type { Scope } from '../compare/scope.js';
import type { Side } from '../side.js';

/** Bytes of a digest. A change is overlooked where both versions of one object share it: once in 10^19 changes. */
export const DIGEST_BYTES = 8;

/** What begins a value that is no text: no character, length or end of a text is below 0. */
const LIST = -1;
const OTHER = -2;

/**
 * Digests what a comparison reads of an object: the compared attributes, the shortname, the child lists and the flags. Of a class
 * that reads its objects in ways of its own it is all fields.
 */
export class ObjectDigester {
  private readonly fields = new Map<ModelDefinition, readonly string[]>();
  private high = 0;
  private low = 0;

  /** @param target - the target's classes: for a class of its own it may make other values, of all attributes. */
  constructor(
    private readonly scope: Scope,
    private readonly target: Pick<Side, 'modelClasses'>,
  ) {}

  /** Writes the digest of an object. @param offset - where it begins. */
  write(view: StoredView, bytes: DataView, offset: number): void {
    [this.high, this.low] = [0x811c9dc5, 0x9e3779b9];
    this.addNumber(view.modelFlags);
    if (view instanceof RecordView) {
      const { definition, record } = view;
      this.addFields(record.data, this.comparedFields(definition));
    } else {
      this.addFields(view as unknown as ModelRecord['data'], Object.keys(view).toSorted());
    }
    bytes.setUint32(offset, finished(this.high));
    bytes.setUint32(offset + 4, finished(this.low));
  }

  private comparedFields(definition: ModelDefinition): readonly string[] {
    let fields = this.fields.get(definition);
    if (fields === undefined) {
      const { name, attributes, shortname, children } = definition;
      const isShared = this.target.modelClasses.get(name)?.definition === definition;
      const compared = isShared ? this.scope.comparedAttributes(definition) : attributes;
      fields = [...compared, ...shortname, ...Object.values(children)];
      this.fields.set(definition, fields);
    }
    return fields;
  }

  private addFields(data: ModelRecord['data'], fields: readonly string[]): void {
    for (const field of fields) {
      const value = data[field];
      if (value !== undefined) {
        this.addText(field);
        this.addValue(value);
      }
    }
  }

  private addValue(value: unknown): void {
    if (typeof value === 'string') this.addText(value);
    else if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
      this.addNumber(LIST);
      this.addNumber(value.length);
      for (const item of value) this.addText(item);
    } else {
      this.addNumber(OTHER);
      this.addText(canonicalJson(value));
    }
  }

  private addText(text: string): void {
    let { high, low } = this;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      high = Math.imul(high ^ code, 0x01000193);
      low = Math.imul(low ^ code, 0x85ebca6b);
      low ^= low >>> 15;
    }
    this.high = high;
    this.low = low;
    // What ends a text is no character of it.
    this.addNumber(0x10000 + text.length);
  }

  private addNumber(value: number): void {
    this.high = Math.imul(this.high ^ value, 0x01000193);
    this.low = Math.imul(this.low ^ value, 0x85ebca6b);
    this.low ^= this.low >>> 15;
  }
}

/** Spreads what the last characters have changed over all bits. */
function finished(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
