import type { ModelRecord } from '../record/model-record.js';
import { isDeepEqual } from '../values/deep-equal.js';
import { setOwn } from '../values/own-property.js';

/** The fields of a record that change. The others stay as they are stored, also where another process has stored them meanwhile. */
export interface RecordPatch {
  /** Field -> new value. */
  readonly set: Readonly<Record<string, unknown>>;
  /** Fields that the record has no longer. */
  readonly unset: readonly string[];
  /** The new flags, undefined for those of the model; absent where they do not change. */
  readonly flags?: { readonly to: number | undefined };
}

/** The fields of an object, and its flags. */
export interface ObjectFields {
  readonly data: Readonly<Record<string, unknown>>;
  readonly flags: number;
}

/**
 * Compares an object before and after it was changed.
 * @param defaultFlags - the flags of the model, which are not stored.
 * @param ignored - fields that are no part of the change.
 * @returns what has changed; undefined if nothing has.
 */
export function patchBetween(
  before: ObjectFields,
  after: ObjectFields,
  defaultFlags: number,
  ignored: ReadonlySet<string>,
): RecordPatch | undefined {
  const set: Record<string, unknown> = {};
  let changed = false;
  for (const field of Object.keys(after.data)) {
    if (ignored.has(field)) continue;
    const known = Object.hasOwn(before.data, field) ? before.data[field] : undefined;
    if (isDeepEqual(known, after.data[field])) continue;
    setOwn(set, field, after.data[field]);
    changed = true;
  }
  const unset: string[] = [];
  for (const field in before.data) if (!Object.hasOwn(after.data, field) && !ignored.has(field)) unset.push(field);
  if (before.flags !== after.flags) {
    return { set, unset, flags: { to: after.flags === defaultFlags ? undefined : after.flags } };
  }
  return changed || unset.length > 0 ? { set, unset } : undefined;
}

/** Returns the record with the patch; the one that is passed stays as it is. */
export function applyPatch({ uid, data, flags: before }: ModelRecord, { set, unset, flags }: RecordPatch): ModelRecord {
  const patched: Record<string, unknown> = { ...data, ...set };
  for (const field of unset) delete patched[field];
  const after = flags === undefined ? before : flags.to;
  return after === undefined ? { uid, data: patched } : { uid, data: patched, flags: after };
}

/** Returns one patch that does what the first and then the second do. */
export function mergePatches(first: RecordPatch | undefined, second: RecordPatch): RecordPatch {
  if (first === undefined) return second;
  const unset = new Set([...first.unset.filter((field) => !Object.hasOwn(second.set, field)), ...second.unset]);
  const set: Record<string, unknown> = { ...first.set, ...second.set };
  for (const field of second.unset) delete set[field];
  const flags = second.flags ?? first.flags;
  return flags === undefined ? { set, unset: [...unset] } : { set, unset: [...unset], flags };
}
