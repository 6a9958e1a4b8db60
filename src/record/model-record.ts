import { DiffSyncError, ValueError } from '../errors.js';
import { setOwn } from '../values/own-property.js';
import { isDeepEqual } from '../values/deep-equal.js';
import { cloneValue, UnstorableValue } from '../values/clone.js';
import { hydrateModel } from '../model/construction.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import { definitionOf, fieldNames } from '../model/model-fields.js';
import { haveSameEncoding } from './encoded-record.js';
import { checkUniqueId } from '../model/unique-id.js';

/** A model as plain values: what every store keeps. */
export interface ModelRecord {
  readonly uid: string;
  /** Field -> value; kinds as `copyValue` keeps them. */
  readonly data: Readonly<Record<string, unknown>>;
  /** `modelFlags`, where they are not the model's default. */
  readonly flags?: number | undefined;
}

/**
 * A record that shares nothing with the object.
 * @throws ValueError that names model, unique id and field for what no store can keep.
 */
export function toRecord(model: DiffSyncModel): ModelRecord {
  return buildRecord(model, cloneValue);
}

/** A record of what `keep` makes of each field. @throws ValueError, also for the UnstorableValue that `keep` throws */
export function buildRecord(model: DiffSyncModel, keep: (value: unknown, field: string) => unknown): ModelRecord {
  const type = model.getType();
  const uid = uidOf(model, type);
  checkUniqueId(type, uid);
  const data: Record<string, unknown> = {};
  const fields = model as unknown as Readonly<Record<string, unknown>>;
  let field = '';
  try {
    for (field of fieldNames(model)) data[field] = keep(fields[field], field);
  } catch (error) {
    if (error instanceof UnstorableValue) {
      throw new ValueError(`${type} "${uid}": the value of ${error.path} ${error.reason} and cannot be stored`);
    }
    throw new ValueError(`${type} "${uid}": the value of ${field} cannot be read`, { cause: error });
  }
  const flags: unknown = model.modelFlags;
  if (flags === definitionOf(model).modelFlags) return { uid, data };
  if (!isFlags(flags)) throw new ValueError(`${type} "${uid}": modelFlags is not an integer of 32 bits`);
  return { uid, data, flags };
}

/** Whether bits can be told from it. */
export function isFlags(flags: unknown): flags is number {
  return typeof flags === 'number' && Object.is(flags | 0, flags);
}

function uidOf(model: DiffSyncModel, type: string): string {
  try {
    return model.getUniqueId();
  } catch (error) {
    if (error instanceof DiffSyncError) throw error;
    throw new ValueError(`${type}: the unique id of an object cannot be read`, { cause: error });
  }
}

/** The object that a record describes. The caller gives the record's values away. */
export function fromRecord<M extends DiffSyncModel>(model: ModelClass<M>, record: ModelRecord): M {
  return hydrateModel(model, record.data, record.flags);
}

/** A record that shares nothing with the other one. */
export function copyRecord({ uid, data, flags }: ModelRecord): ModelRecord {
  const copy: Record<string, unknown> = { ...data };
  for (const field in copy) {
    const value = copy[field];
    if (typeof value === 'object' && value !== null) setOwn(copy, field, cloneValue(value));
  }
  return flags === undefined ? { uid, data: copy } : { uid, data: copy, flags };
}

/** Whether two records of one unique id hold the same. */
export function isSameRecord(a: ModelRecord, b: ModelRecord): boolean {
  return a === b || haveSameEncoding(a, b) || (a.flags === b.flags && isDeepEqual(a.data, b.data));
}
