import type { DiffSyncModelFlags } from '../flags.js';
import { isDeepEqual } from '../values/deep-equal.js';
import { pickFields } from '../values/clone.js';
import { comparesByRecord } from '../model/class-inspection.js';
import { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import { childUids } from '../model/model-fields.js';
import type { ModelDefinition } from '../model/model-definition.js';
import type { ModelRecord } from './model-record.js';
import { haveSameEncoding } from './encoded-record.js';

/** What a comparison asks of a stored object: the object itself, or a view of its record. */
export type ObjectView = DiffSyncModel | RecordView;

/**
 * Answers from a record what the object would, without building it. Only for classes that answer from their definition.
 * The record may be what a store keeps: nobody may change it, and what is handed out shares nothing with it.
 */
export class RecordView {
  /** @param build makes the object, out of a copy. */
  constructor(
    readonly definition: ModelDefinition,
    readonly record: ModelRecord,
    private readonly build: (record: ModelRecord) => DiffSyncModel,
  ) {}

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
    return shortname.length === 0
      ? this.getUniqueId()
      : shortname.map((field) => String(this.record.data[field])).join('__');
  }

  getChildrenMapping(): Readonly<Record<string, string>> {
    return this.definition.children;
  }

  getChildUids(field: string): readonly string[] {
    return (this.record.data[field] as readonly string[] | null | undefined) ?? [];
  }

  /** A copy of these fields. */
  pick(fields: readonly string[]): Record<string, unknown> {
    return pickFields(this.record.data, fields);
  }

  /** Whether `pick` of both would be equal. */
  equals({ record }: RecordView, fields: readonly string[]): boolean {
    if (haveSameEncoding(this.record, record)) return true;
    const ours = this.record.data;
    const theirs = record.data;
    // An iterator a pair would be much of a diff's garbage.
    for (let at = 0; at < fields.length; at++) {
      const field = fields[at] as string;
      if (!isDeepEqual(ours[field], theirs[field])) return false;
      if (ours[field] === undefined && Object.hasOwn(ours, field) !== Object.hasOwn(theirs, field)) return false;
    }
    return true;
  }

  toObject(): DiffSyncModel {
    return this.build(this.record);
  }
}

/** How to see the records of a class. @param build makes an object, out of a copy of the record. */
export function createViewer(
  model: ModelClass,
  build: (record: ModelRecord) => DiffSyncModel,
): (record: ModelRecord) => ObjectView {
  const { definition } = model;
  let direct: boolean | undefined;
  return (record) => {
    direct ??= comparesByRecord(model, DiffSyncModel, record.data);
    return direct ? new RecordView(definition, record, build) : build(record);
  };
}

/** The unique ids that `field` lists. */
export function childUidsOf(view: ObjectView, field: string): readonly string[] {
  return view instanceof RecordView ? view.getChildUids(field) : childUids(view, field);
}

/** The object, for code that may change it. */
export function objectOf(view: ObjectView): DiffSyncModel {
  return view instanceof RecordView ? view.toObject() : view;
}
