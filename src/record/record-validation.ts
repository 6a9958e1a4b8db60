import { overridesUniqueId } from '../model/class-inspection.js';
import { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import { isReservedField } from '../model/model-definition.js';
import type { ModelRecord } from './model-record.js';
import { joinIdentifiers, joinStringIdentifiers } from '../model/unique-id.js';

/**
 * Validates a stored record: it must have what comparisons and child links rely on, whichever program wrote it. The schema
 * is not asked: it has checked the attributes when the object was created.
 * @returns why the record cannot be an object of the class, as the end of a sentence; undefined when it can.
 */
export function validateRecord(model: ModelClass, { uid, data }: ModelRecord): string | undefined {
  const { identifiers, children } = model.definition;
  if (!overridesUniqueId(model, DiffSyncModel) && joinUid(identifiers, data) !== uid)
    return 'has identifiers of another unique id';
  for (const child in children) {
    const field = children[child] as string;
    const uids = Object.hasOwn(data, field) ? data[field] : undefined;
    if (uids !== undefined && uids !== null && !isUidList(uids))
      return `has a "${field}" that is no list of unique ids`;
  }
  return undefined;
}

/** @returns why no object can be built from a record with a reserved field, as the end of a sentence; else undefined. */
export function findReservedField(model: ModelClass, { data }: ModelRecord): string | undefined {
  const field = Object.keys(data).find((name) => isReservedField(model.prototype, name));
  return field === undefined ? undefined : `has a field "${field}", a name that every model uses itself`;
}

function joinUid(identifiers: readonly string[], data: Readonly<Record<string, unknown>>): unknown {
  try {
    return joinStringIdentifiers(identifiers, data) ?? joinIdentifiers('', identifiers, data);
  } catch {
    return undefined; // An identifier is missing, or cannot be converted to a string.
  }
}

function isUidList(value: unknown): boolean {
  return Array.isArray(value) && value.every((uid) => typeof uid === 'string');
}
