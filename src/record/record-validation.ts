import { overridesUniqueId } from '../model/class-inspection.js';
import { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import type { ModelRecord } from './model-record.js';
import { joinIdentifiers, joinStringIdentifiers } from '../model/unique-id.js';

/**
 * Why a record cannot be an object of the class, whoever wrote it; undefined when it can. Holds what comparisons and child
 * links rely on. What attributes hold is not the schema's business any more: it has been checked when the object was made.
 */
export function validateRecord(model: ModelClass, { uid, data }: ModelRecord): string | undefined {
  const { identifiers, children } = model.definition;
  if (!overridesUniqueId(model, DiffSyncModel) && joined(identifiers, data) !== uid)
    return 'has identifiers of another unique id';
  for (const child in children) {
    const field = children[child] as string;
    const uids = Object.hasOwn(data, field) ? data[field] : undefined;
    if (uids !== undefined && uids !== null && !isUidList(uids))
      return `has a "${field}" that is no list of unique ids`;
  }
  return undefined;
}

/** Why an object of the class could not be made of a record. */
export function findReservedField(model: ModelClass, { data }: ModelRecord): string | undefined {
  const field = Object.keys(data).find((name) => name in model.prototype);
  return field === undefined ? undefined : `has a field "${field}", a name that every model uses itself`;
}

function joined(identifiers: readonly string[], data: Readonly<Record<string, unknown>>): unknown {
  try {
    return joinStringIdentifiers(identifiers, data) ?? joinIdentifiers('', identifiers, data);
  } catch {
    return undefined; // One is missing, or cannot be written as text.
  }
}

function isUidList(value: unknown): boolean {
  return Array.isArray(value) && value.every((uid) => typeof uid === 'string');
}
