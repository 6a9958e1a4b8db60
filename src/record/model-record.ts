import { DiffSyncError, ModelDefinitionError, ValueError } from '../errors.js';
import { hydrateModel, withoutFlags } from '../model/construction.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import { withDeclaredFields } from '../model/missing-fields.js';
import { FLAGS, type ModelDefinition } from '../model/model-definition.js';
import { definitionOf, hasFlagsInData } from '../model/model-fields.js';
import { checkUniqueId } from '../model/unique-id.js';
import { cloneValue, UnstorableValue } from '../values/clone.js';
import { setOwn } from '../values/own-property.js';
import { PartCount } from '../values/shared-parts.js';

/** An object of a model as plain values: what every store keeps. */
export interface ModelRecord {
  /** The unique id of the object. */
  readonly uid: string;
  /** Field -> value: JSON, Date, bigint, Map, Set, Uint8Array, undefined, and the numbers that JSON lacks. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The object's `modelFlags`, where they are not the model's default. */
  readonly flags?: number | undefined;
}

/** The method by which `encodeRecord` asks a record for its JSON text. */
export const ENCODED = Symbol('encoded record');

/** A record that has or makes its own JSON text. */
export interface EncodableRecord extends ModelRecord {
  [ENCODED](): string;
}

/**
 * Copies an object into a record that shares no value with it.
 * @param maxBytes - the largest JSON text of the record, in bytes of UTF-8. A value whose shared parts would take more is refused
 * before it is copied; the size of any other is not checked.
 * @throws {ValueError} (VALUE_ERROR) that names model, unique id and field for a value that no store can keep.
 */
export function toRecord(model: DiffSyncModel, maxBytes?: number): ModelRecord {
  return buildRecord(model, cloneValue, maxBytes);
}

/** Each part of a value takes two characters of JSON at least: its own and a comma. */
const PART_BYTES = 2;

/** Converts the value of a field. `parts` bounds those of all fields together; a value without parts is given none. */
type Convert = (value: unknown, field: string, parts: PartCount | undefined) => unknown;

/**
 * Builds a record of an object.
 * @param convert - its result goes into the record.
 * @param maxBytes - see `toRecord`.
 * @throws {ValueError} (VALUE_ERROR) also in place of the UnstorableValue that `convert` throws.
 * @throws {ModelDefinitionError} (MODEL_DEFINITION) for an object whose data would set its flags.
 */
export function buildRecord(model: DiffSyncModel, convert: Convert, maxBytes?: number): ModelRecord {
  const type = model.getType();
  const uid = uidOf(model, type);
  checkUniqueId(type, uid);
  if (hasFlagsInData(model)) {
    throw new ModelDefinitionError(
      `${type} "${uid}": its data has a field "${FLAGS}", a name that every model uses itself; let the schema leave it out`,
    );
  }
  const data: Record<string, unknown> = {};
  const fields = model as unknown as Readonly<Record<string, unknown>>;
  let parts: PartCount | undefined;
  let field = '';
  try {
    // Not of `fieldNames`, whose list without the flags takes as long to make as the record of a small object.
    for (field of Object.keys(model)) {
      if (field === FLAGS) continue;
      const value = fields[field];
      // Most records hold scalars alone, and need no count.
      if (typeof value === 'object' && value !== null) parts ??= partsOf(model, maxBytes);
      data[field] = convert(value, field, parts);
    }
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

function partsOf(model: DiffSyncModel, maxBytes: number | undefined): PartCount {
  return new PartCount(model, maxBytes === undefined ? undefined : maxBytes / PART_BYTES);
}

/** Whether a value is an integer of 32 bits, so that bit operations keep it. */
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

/** Creates the object that a record describes. The caller gives the record's values away. */
export function fromRecord<M extends DiffSyncModel>(model: ModelClass<M>, record: ModelRecord): M {
  const { data, flags } = record;
  // No store writes such a field: flags are kept apart. Written by hand, it sets none.
  return hydrateModel(model, Object.hasOwn(data, FLAGS) ? withoutFlags(data) : data, flags);
}

/** @returns the record with the declared fields that it lacks, as the schema fills them; the record itself where it lacks none. */
export function completeRecord(definition: ModelDefinition, record: ModelRecord): ModelRecord {
  const { uid, data, flags } = record;
  const filled = withDeclaredFields(definition, data);
  if (filled === data) return record;
  return flags === undefined ? { uid, data: filled } : { uid, data: filled, flags };
}

/** @returns a copy that shares no value with the record. */
export function copyRecord({ uid, data, flags }: ModelRecord): ModelRecord {
  const copy: Record<string, unknown> = { ...data };
  for (const field in copy) {
    const value = copy[field];
    if (typeof value === 'object' && value !== null) setOwn(copy, field, cloneValue(value));
  }
  return flags === undefined ? { uid, data: copy } : { uid, data: copy, flags };
}
