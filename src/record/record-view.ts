import type { DiffSyncModelFlags } from '../flags.js';
import { isDeepEqual } from '../values/deep-equal.js';
import { pickFields } from '../values/clone.js';
import { comparesByRecord } from '../model/class-inspection.js';
import { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import { childUids, copyFields, definitionOf } from '../model/model-fields.js';
import { withDeclaredFields } from '../model/missing-fields.js';
import type { ModelDefinition } from '../model/model-definition.js';
import { EncodedRecord } from './encoded-record.js';
import { completeRecord, type ModelRecord } from './model-record.js';
import { haveSameEncoding } from './record-equality.js';

/** An object as its store has it: itself, or a view of its record. */
export type StoredView = DiffSyncModel | RecordView;

/** What a comparison reads. */
export type ObjectView = StoredView | ParsedView;

/**
 * A read-only view of a record. Its methods return what the object's would, without building the object; only for classes
 * whose `comparesByRecord` is true. The record may be the one that a store keeps: callers must not change it, and methods
 * return values that share nothing with it.
 */
export class RecordView {
  /**
   * @param record - the stored record, which may lack declared fields.
   * @param build - builds the object from a copy of the record.
   */
  constructor(
    readonly definition: ModelDefinition,
    readonly record: ModelRecord,
    private readonly build: (record: ModelRecord) => DiffSyncModel,
  ) {}

  /** The fields of the record, and declared ones that it lacks, as the schema fills them. */
  private get data(): ModelRecord['data'] {
    return withDeclaredFields(this.definition, this.record.data);
  }

  get modelFlags(): DiffSyncModelFlags {
    return this.record.flags ?? this.definition.modelFlags;
  }

  getType(): string {
    return this.definition.name;
  }

  getUniqueId(): string {
    return this.record.uid;
  }

  getIdentifiers(): Record<string, unknown> {
    return this.pick(this.definition.identifiers);
  }

  getAttrs(): Record<string, unknown> {
    return this.pick(this.definition.attributes);
  }

  getShortname(): string {
    const { shortname } = this.definition;
    return shortname.length === 0 ? this.getUniqueId() : shortname.map((field) => String(this.data[field])).join('__');
  }

  getChildrenMapping(): Readonly<Record<string, string>> {
    return this.definition.children;
  }

  getChildUids(field: string): readonly string[] {
    return (this.data[field] as readonly string[] | null | undefined) ?? [];
  }

  /** @returns a copy of these fields. */
  pick(fields: readonly string[]): Record<string, unknown> {
    return pickFields(this.data, fields);
  }

  /**
   * Whether both have equal values of these fields. A key with `undefined` and no key are the same.
   * @param other - a view of the same class. What both records lack, the schema fills alike.
   */
  equals(other: RecordView, fields: readonly string[]): boolean {
    const { record } = other;
    if (haveSameEncoding(this.record, record)) return true;
    const isEqual = hasEqualFields(this.record.data, record.data, fields);
    // The schema fills only what is absent.
    return isEqual ?? hasEqualFields(this.data, other.data, fields) ?? false;
  }

  toObject(): DiffSyncModel {
    return this.build(this.record);
  }
}

/** @returns undefined where the fields that differ are all absent on one side. */
function hasEqualFields(
  a: ModelRecord['data'],
  b: ModelRecord['data'],
  fields: readonly string[],
): boolean | undefined {
  let isEqual: true | undefined = true;
  // An iterator for each pair, or an array for each field, would be a large part of a diff's garbage.
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index] as string;
    const ours = a[field];
    const theirs = b[field];
    if (isDeepEqual(ours, theirs)) continue;
    if (ours !== undefined && theirs !== undefined) return false;
    isEqual = undefined;
  }
  return isEqual;
}

/** What the target's class makes of a source's object. */
export interface ParsedParts {
  readonly uid: string;
  readonly shortname: string;
  readonly identifiers: Readonly<Record<string, unknown>>;
  /** The attributes that are compared. */
  readonly attrs: Readonly<Record<string, unknown>>;
  /** Attribute -> why the target's schema refuses the source's value, which is in `attrs` as it is. */
  readonly refused: Readonly<Record<string, string>> | undefined;
  /** Field -> the children's unique ids in the target; fields that name the same as the source's are missing. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

/** A view of a source's object as it would be in the target: with what the schema of the target's class makes of it. */
export class ParsedView {
  /** @param given - the object as the source has it. */
  constructor(
    readonly given: StoredView,
    private readonly parts: ParsedParts,
  ) {}

  get modelFlags(): DiffSyncModelFlags {
    return this.given.modelFlags;
  }

  get refused(): ParsedParts['refused'] {
    return this.parts.refused;
  }

  getType(): string {
    return this.given.getType();
  }

  getUniqueId(): string {
    return this.parts.uid;
  }

  getIdentifiers(): Record<string, unknown> {
    return { ...this.parts.identifiers };
  }

  getAttrs(): Record<string, unknown> {
    return { ...this.parts.attrs };
  }

  getShortname(): string {
    return this.parts.shortname;
  }

  getChildrenMapping(): Readonly<Record<string, string>> {
    return this.given.getChildrenMapping();
  }

  getChildUids(field: string): readonly string[] {
    return this.parts.lists.get(field) ?? childUidsOf(this.given, field);
  }

  toObject(): DiffSyncModel {
    return objectOf(this.given);
  }
}

/** Returns the definition of the class of the object. */
export function definitionOfView(view: ObjectView): ModelDefinition {
  if (view instanceof ParsedView) return definitionOfView(view.given);
  return view instanceof RecordView ? view.definition : definitionOf(view);
}

/** Returns a copy of these fields of a stored object. */
export function pickFrom(view: StoredView, fields: readonly string[]): Record<string, unknown> {
  return view instanceof RecordView ? view.pick(fields) : copyFields(view, fields);
}

/**
 * Creates the function that makes views of the records of a class.
 * @param build - builds an object from a copy of its record.
 * @param check - throws for a record, with all declared fields, that is no object of the class; undefined where all are. A record
 *   that is never decoded costs nothing of this.
 * @returns a function that creates the view of a record: a RecordView where the class allows it, else the object.
 */
export function createViewer(
  model: ModelClass,
  build: (record: ModelRecord) => DiffSyncModel,
  check: ((record: ModelRecord) => void) | undefined,
): (record: ModelRecord) => StoredView {
  const { definition } = model;
  const checked = (stored: ModelRecord): ModelRecord => {
    const record = completeRecord(definition, stored);
    check?.(record);
    return record;
  };
  let byRecord: boolean | undefined;
  return (stored) => {
    let record = stored;
    if (stored instanceof EncodedRecord) stored.onDecoded(checked);
    else if (check !== undefined) record = checked(stored);
    byRecord ??= comparesByRecord(model, DiffSyncModel, record.data);
    return byRecord ? new RecordView(definition, record, build) : build(record);
  };
}

/** @returns the unique ids that `field` lists. */
export function childUidsOf(view: ObjectView, field: string): readonly string[] {
  return view instanceof DiffSyncModel ? childUids(view, field) : view.getChildUids(field);
}

/** @returns the object, for code that may change it. */
export function objectOf(view: ObjectView): DiffSyncModel {
  return view instanceof DiffSyncModel ? view : view.toObject();
}
