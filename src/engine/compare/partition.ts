import { inspect } from 'node:util';
import { ValueError } from '../../errors.js';
import { overridesChildren } from '../../model/class-inspection.js';
import { DiffSyncModel } from '../../model/diffsync-model.js';
import type { ObjectView } from '../../record/record-view.js';
import { scanUids } from '../../store/engine-access.js';
import { checkAborted, type Side } from '../side.js';
import type { ObjectReader } from './object-reader.js';

/** One of several parts of a comparison: the top-level objects whose unique ids fall into it, with all below them. */
export interface Partition {
  /** Which part: from 0 on. */
  readonly index: number;
  /** How many parts there are. */
  readonly of: number;
}

/** Unique ids that are read at a time, so that few objects are in memory at once. */
const READ_AT_ONCE = 20_000;

/** @throws ValueError for what is no part. */
export function checkPartition(partition: Partition): void {
  const { index, of }: Partition = partition ?? {};
  const isPart = Number.isSafeInteger(index) && Number.isSafeInteger(of) && index >= 0 && index < of;
  if (!isPart) {
    throw new ValueError(
      `partition is ${inspect(partition)}, not { index, of }: the number of parts, and one from 0 to below it`,
    );
  }
}

/** Whether a unique id falls into a part. Every process and version must give the same answer: the parts of one run are theirs. */
export function isInPart(uid: string, { index, of }: Partition): boolean {
  return of === 1 || hashOf(uid) % of === index;
}

/**
 * Returns those of the types that a part compares: not those that parents may list, whose objects at the top only a look at all lists
 * tells, and none where a class makes its lists itself.
 */
export function partitionedTypes(types: readonly string[], sides: readonly Side[]): readonly string[] {
  const classes = sides.flatMap(({ modelClasses }) => [...modelClasses.values()]);
  if (classes.some((model) => overridesChildren(model, DiffSyncModel))) return [];
  const listed = nestedTypes(sides);
  return types.filter((type) => !listed.has(type));
}

/** Returns the types that parents of either side may list. */
export function nestedTypes(sides: readonly Side[]): ReadonlySet<string> {
  const classes = sides.flatMap(({ modelClasses }) => [...modelClasses.values()]);
  return new Set(classes.flatMap((model) => Object.keys(model.getChildrenMapping())));
}

/**
 * Returns a reader that gives, of all objects of a type, those of a part.
 * @param renames - whether unique ids may be others in the target than in the store: then all objects are read.
 */
export function partReader(
  objects: ObjectReader,
  side: Side,
  partition: Partition,
  renames: boolean,
  signal: AbortSignal | undefined,
): ObjectReader {
  const isWanted = (uid: string): boolean => isInPart(uid, partition);
  return {
    async all(type) {
      const found: ObjectView[] = [];
      for await (const page of viewsWhere(objects, side, type, isWanted, renames, signal)) {
        for (const view of page) found.push(view);
      }
      return found;
    },
    byUids: (type, uids) => objects.byUids(type, uids),
  };
}

/** Yields the objects of a type whose unique ids are wanted, in the order of the store. The others are not read. */
export async function* viewsWhere(
  objects: ObjectReader,
  { store }: Side,
  type: string,
  isWanted: (uid: string) => boolean,
  renames: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ObjectView[], void, undefined> {
  if (renames) {
    yield (await objects.all(type)).filter((view) => isWanted(view.getUniqueId()));
    return;
  }
  let uids: string[] = [];
  const read = async function* (): AsyncGenerator<readonly ObjectView[], void, undefined> {
    for await (const page of objects.byUids(type, uids)) yield page.filter((view) => view !== undefined);
    uids = [];
  };
  for await (const page of scanUids(store, type, signal)) {
    checkAborted(signal);
    for (const uid of page) if (isWanted(uid)) uids.push(uid);
    if (uids.length >= READ_AT_ONCE) yield* read();
  }
  if (uids.length > 0) yield* read();
}

/** FNV-1a over the UTF-16 code units, and the last mixing steps of MurmurHash3: its low bits alone are not even. */
function hashOf(uid: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < uid.length; at++) hash = Math.imul(hash ^ uid.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
