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
  /**
   * Compares of the part these objects alone, as though the others were in other parts: model -> unique ids that the objects have in
   * the target, in the order in which they are compared. Default: all objects of the part.
   */
  readonly among?: ObjectsOfPart | undefined;
}

/** Model -> unique ids of objects at the top. */
export type ObjectsOfPart = Readonly<Record<string, readonly string[]>>;

/** Unique ids that are read at a time, so that few objects are in memory at once. */
const READ_AT_ONCE = 20_000;

/** @throws ValueError for what is no part. */
export function checkPartition(partition: Partition): void {
  const { index, of, among = {} }: Partition = partition ?? {};
  const isPart = Number.isSafeInteger(index) && Number.isSafeInteger(of) && index >= 0 && index < of;
  if (!isPart) {
    throw new ValueError(
      `partition is ${inspect(partition)}, not { index, of }: the number of parts, and one from 0 to below it`,
    );
  }
  const isNamed = (uids: unknown): boolean => Array.isArray(uids) && uids.every((uid) => typeof uid === 'string');
  if (typeof among !== 'object' || among === null || !Object.values(among).every(isNamed)) {
    throw new ValueError('partition: among is not { model: [unique ids] }');
  }
}

/** Whether less than all is compared. */
export function isPartial(partition: Partition | undefined): partition is Partition {
  return partition !== undefined && (partition.of > 1 || partition.among !== undefined);
}

/** The objects at the top that a part compares. */
export class PartMembers {
  /** Model -> the unique ids, where they are known beforehand. */
  readonly known: ReadonlyMap<string, ReadonlySet<string>> | undefined;

  constructor(private readonly partition: Partition) {
    const { among } = partition;
    if (among === undefined) return;
    this.known = new Map(Object.entries(among).map(([type, uids]) => [type, new Set(this.of(type, uids))]));
  }

  /** Returns those of the unique ids that belong to the part. */
  of(type: string, uids: readonly string[]): readonly string[] {
    return this.select(type, uids, true);
  }

  /** Returns those of the unique ids that do not. */
  othersOf(type: string, uids: readonly string[]): readonly string[] {
    return this.select(type, uids, false);
  }

  /** One loop without a callback: all unique ids of a side pass through it. */
  private select(type: string, uids: readonly string[], belong: boolean): readonly string[] {
    if (this.known !== undefined) {
      const known = this.known.get(type);
      return uids.filter((uid) => (known?.has(uid) === true) === belong);
    }
    const { index, of } = this.partition;
    const selected: string[] = [];
    for (const uid of uids) if ((hashOf(uid) % of === index) === belong) selected.push(uid);
    return selected;
  }
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

/** Whether parts may leave something to a comparison of the whole: what stands below other objects, or depends on them. */
export function mayCross(src: Side, dst: Side): boolean {
  const classes = [src, dst].flatMap(({ modelClasses }) => [...modelClasses.values()]);
  if (classes.some((model) => overridesChildren(model, DiffSyncModel))) return true;
  return nestedTypes([src, dst]).size > 0 || classes.some(({ definition }) => definition.dependsOn.length > 0);
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
  members: PartMembers,
  renames: boolean,
  signal: AbortSignal | undefined,
): ObjectReader {
  const pagesOf = (type: string): AsyncIterable<readonly ObjectView[]> =>
    members.known === undefined || renames
      ? viewsWhere(objects, side, type, (uids) => members.of(type, uids), renames, signal)
      : viewsOf(objects, type, [...(members.known.get(type) ?? [])]);
  return {
    async all(type) {
      const found: ObjectView[] = [];
      for await (const page of pagesOf(type)) for (const view of page) found.push(view);
      return found;
    },
    byUids: (type, uids) => objects.byUids(type, uids),
  };
}

/** Yields the objects of a type whose unique ids are selected, in the order of the store. The others are not read. */
export async function* viewsWhere(
  objects: ObjectReader,
  { store }: Side,
  type: string,
  select: (uids: readonly string[]) => readonly string[],
  renames: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ObjectView[], void, undefined> {
  if (renames) {
    const views = await objects.all(type);
    const wanted = new Set(select(views.map((view) => view.getUniqueId())));
    yield views.filter((view) => wanted.has(view.getUniqueId()));
    return;
  }
  let uids: string[] = [];
  for await (const page of scanUids(store, type, signal)) {
    checkAborted(signal);
    for (const uid of select(page)) uids.push(uid);
    if (uids.length < READ_AT_ONCE) continue;
    yield* viewsOf(objects, type, uids);
    uids = [];
  }
  yield* viewsOf(objects, type, uids);
}

/** Yields those of the objects that there are. */
async function* viewsOf(
  objects: ObjectReader,
  type: string,
  uids: readonly string[],
): AsyncGenerator<readonly ObjectView[], void, undefined> {
  if (uids.length === 0) return;
  for await (const page of objects.byUids(type, uids)) yield page.filter((view) => view !== undefined);
}

/**
 * FNV-1a over the UTF-16 code units, and the last mixing steps of MurmurHash3: its low bits alone are not even. Every process and version
 * must give the same answer, as the parts of one run are theirs.
 */
function hashOf(uid: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < uid.length; at++) hash = Math.imul(hash ^ uid.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
