import type { DiffSyncModelFlags } from '../flags.js';
import { isDeepEqual } from '../values/deep-equal.js';
import { pickFields } from '../values/clone.js';
import { comparesByRecord } from '../model/class-inspection.js';
import { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import { childUids } from '../model/model-fields.js';
import { withDeclaredFields } from '../model/missing-fields.js';
import type { ModelDefinition } from '../model/model-definition.js';
import { EncodedRecord } from './encoded-record.js';
import { completeRecord, type ModelRecord } from './model-record.js';
import { haveSameEncoding } from './record-equality.js';

/** What a comparison reads: a stored object itself, or a view of its record. */
export type ObjectView = DiffSyncModel | RecordView;

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
    if (haveSameEncoding(this.record, record) || hasEqualFields(this.record.data, record.data, fields)) return true;
    const [ours, theirs] = [this.data, other.data];
    return (ours !== this.record.data || theirs !== record.data) && hasEqualFields(ours, theirs, fields);
  }

  toObject(): DiffSyncModel {
    return this.build(this.record);
  }
}

function hasEqualFields(a: ModelRecord['data'], b: ModelRecord['data'], fields: readonly string[]): boolean {
  // An iterator for each pair would be a large part of a diff's garbage.
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index] as string;
    if (!isDeepEqual(a[field], b[field])) return false;
  }
  return true;
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
): (record: ModelRecord) => ObjectView {
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
  return view instanceof RecordView ? view.getChildUids(field) : childUids(view, field);
}

/** @returns the object, for code that may change it. */
export function objectOf(view: ObjectView): DiffSyncModel {
  return view instanceof RecordView ? view.toObject() : view;
}
