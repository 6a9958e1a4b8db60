import { inspect } from 'node:util';
import { ITEMS_PER_STEP, type Steps } from '../../async/steps.js';
import { ValueError } from '../../errors.js';
import { comparisonError, type ComparedSides } from './comparison-errors.js';
import { overridesUniqueId } from '../../model/class-inspection.js';
import { DiffSyncModel } from '../../model/diffsync-model.js';
import { classOf } from '../../model/model-class.js';
import { childUidsOf, RecordView, type ObjectView } from '../../record/record-view.js';
import { isDeepEqual } from '../../values/deep-equal.js';

/** The objects of both sides that have the same type and unique id; at least one side has it. */
export interface Pair {
  readonly src: ObjectView | undefined;
  readonly dst: ObjectView | undefined;
}

/** How two lists of unique ids match, by index. */
export interface UidMatches {
  /** For each unique id of the source, its index in the target's list; -1 where the target does not have it. */
  readonly partners: Int32Array;
  /** The indexes of those that only the target has. */
  readonly rest: readonly number[];
}

/** Unique ids between two steps. */
export const UIDS_PER_STEP = 512;

/** Matches two lists of unique ids. The target's names each once. */
export function* matchingUids(src: readonly string[], dst: readonly string[]): Steps<UidMatches> {
  const partners = new Int32Array(src.length).fill(-1);
  const paired = new Uint8Array(dst.length);
  /** Built only when the two orders differ: mostly the target's next unique id is the one that is looked for. */
  let indexes: Map<string, number> | undefined;
  let next = 0;
  for (let at = 0; at < src.length; at++) {
    if (at % UIDS_PER_STEP === UIDS_PER_STEP - 1) yield;
    const uid = src[at] as string;
    const partner = dst[next] === uid ? next : (indexes ??= yield* indexingByUid(dst)).get(uid);
    if (partner === undefined || paired[partner] === 1) continue;
    partners[at] = partner;
    paired[partner] = 1;
    next = partner + 1;
  }
  const rest: number[] = [];
  for (let at = paired.indexOf(0); at !== -1; at = paired.indexOf(0, at + 1)) rest.push(at);
  return { partners, rest };
}

function* indexingByUid(uids: readonly string[]): Steps<Map<string, number>> {
  const indexes = new Map<string, number>();
  for (let at = 0; at < uids.length; at++) {
    if (at % UIDS_PER_STEP === UIDS_PER_STEP - 1) yield;
    indexes.set(uids[at] as string, at);
  }
  return indexes;
}

/**
 * Pairs objects that have no parents, in the source's order; those that only the target has come last.
 * @param matches how the unique ids of both match.
 * @param at which pair: there are as many as objects of the source, and of `rest`.
 * @throws ValueError as `createPair` does.
 */
export function pairAt(
  src: readonly ObjectView[],
  dst: readonly ObjectView[],
  { partners, rest }: UidMatches,
  at: number,
  sides: ComparedSides,
): Pair {
  const obj = src[at];
  if (obj === undefined) return { src: undefined, dst: dst[rest[at - src.length] as number] };
  try {
    return createPair(obj, dst[partners[at] as number]);
  } catch (error) {
    throw comparisonError(error, sides, obj.getType(), obj.getUniqueId(), undefined);
  }
}

/** Pairs two objects. @throws ValueError if their shortnames or identifiers differ. */
export function createPair(src: ObjectView | undefined, dst: ObjectView | undefined): Pair {
  if (src !== undefined && dst !== undefined) check(src, dst);
  return { src, dst };
}

/** Returns the objects by unique id. */
export function* mappingByUid(objects: Iterable<ObjectView>): Steps<Map<string, ObjectView>> {
  const found = new Map<string, ObjectView>();
  for (const obj of objects) {
    if (found.size % ITEMS_PER_STEP === 0) yield;
    found.set(obj.getUniqueId(), obj);
  }
  return found;
}

/** Returns how many children both objects of a pair list. */
export function countChildren({ src, dst }: Pair): number {
  return (src === undefined ? 0 : countListed(src)) + (dst === undefined ? 0 : countListed(dst));
}

function countListed(obj: ObjectView): number {
  const mapping = obj.getChildrenMapping();
  let count = 0;
  for (const type in mapping) count += childUidsOf(obj, mapping[type] as string).length;
  return count;
}

function check(src: ObjectView, dst: ObjectView): void {
  if (src instanceof RecordView && dst instanceof RecordView && src.definition === dst.definition) {
    const { identifiers, shortname } = src.definition;
    if (src.equals(dst, identifiers) && src.equals(dst, shortname)) return;
  }
  const [name, otherName] = [src.getShortname(), dst.getShortname()];
  if (name !== otherName) throw new ValueError(`Shortname mismatch: ${name} vs ${otherName}`);
  // A class that makes unique ids itself may take several spellings of its identifiers for one object.
  if (makesOwnUniqueId(src) || makesOwnUniqueId(dst)) return;
  const [keys, otherKeys] = [src.getIdentifiers(), dst.getIdentifiers()];
  if (!isDeepEqual(keys, otherKeys)) throw new ValueError(`Keys mismatch: ${inspect(keys)} vs ${inspect(otherKeys)}`);
}

function makesOwnUniqueId(obj: ObjectView): boolean {
  return obj instanceof DiffSyncModel && overridesUniqueId(classOf(obj), DiffSyncModel);
}
