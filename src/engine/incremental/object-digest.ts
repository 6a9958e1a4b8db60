import type { ModelDefinition } from '../../model/model-definition.js';
import { RecordView, type StoredView } from '../../record/record-view.js';
import { canonicalJson } from '../../values/extended-json.js';
import type { Scope } from '../compare/scope.js';
import type { Side } from '../side.js';

/** Bytes of a digest. A change is overlooked where both versions of one object share it: once in 10^19 changes. */
export const DIGEST_BYTES = 8;

/** What begins a value that is no text, and what ends one: none of it is a character. */
const INTEGER = 0x10001;
const LIST = 0x10002;
const OTHER = 0x10003;
const TEXT_END = 0x1000000;

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
      const fields = this.comparedFields(definition);
      // The digest of the terms knows the names of the fields.
      for (let at = 0; at < fields.length; at++) this.addField(at, record.data[fields[at] as string]);
    } else {
      const data = view as unknown as Readonly<Record<string, unknown>>;
      for (const field of Object.keys(view).toSorted()) {
        this.addText(field);
        this.addField(0, data[field]);
      }
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

  private addField(position: number, value: unknown): void {
    if (value === undefined) return;
    this.addNumber(position);
    if (typeof value === 'string') this.addText(value);
    else if (typeof value === 'number' && (value | 0) === value && !Object.is(value, -0)) {
      this.addNumber(INTEGER);
      this.addNumber(value);
    } else if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
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
      low = (Math.imul(low, 0x9e3779b1) + code) | 0;
    }
    this.high = high;
    this.low = low;
    this.addNumber(TEXT_END + text.length);
  }

  private addNumber(value: number): void {
    this.high = Math.imul(this.high ^ value, 0x01000193);
    this.low = (Math.imul(this.low, 0x9e3779b1) + value) | 0;
  }
}

/** Spreads what the last characters have changed over all bits. */
function finished(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
