import { inspect } from 'node:util';
import { ValueError } from '../../errors.js';
import { childUidsOf, RecordView, type ObjectView } from '../../record/record-view.js';
import { isDeepEqual } from '../../values/deep-equal.js';

/** Same type, same unique id, on at least one side. */
export interface Pair {
  readonly src: ObjectView | undefined;
  readonly dst: ObjectView | undefined;
}

/** How two lists of unique ids go together. */
export interface UidMatches {
  /** For each of the source, its position in the target; -1 where the target does not have it. */
  readonly partners: Int32Array;
  /** Positions of what only the target has. */
  readonly rest: readonly number[];
}

/** The target names each once. */
export function matchUids(src: readonly string[], dst: readonly string[]): UidMatches {
  const partners = new Int32Array(src.length).fill(-1);
  const paired = new Uint8Array(dst.length);
  /** Made once the two orders part: mostly the target's next one is the one. */
  let places: Map<string, number> | undefined;
  let next = 0;
  for (let at = 0; at < src.length; at++) {
    const uid = src[at] as string;
    const partner = dst[next] === uid ? next : (places ??= placesOf(dst)).get(uid);
    if (partner === undefined || paired[partner] === 1) continue;
    partners[at] = partner;
    paired[partner] = 1;
    next = partner + 1;
  }
  const rest: number[] = [];
  for (let at = paired.indexOf(0); at !== -1; at = paired.indexOf(0, at + 1)) rest.push(at);
  return { partners, rest };
}

function placesOf(uids: readonly string[]): Map<string, number> {
  const places = new Map<string, number>();
  uids.forEach((uid, at) => places.set(uid, at));
  return places;
}

/** The source's order first, then what only the target has. @throws ValueError for a pair that cannot be compared. */
export function pairObjects(src: readonly ObjectView[], dst: readonly ObjectView[]): Pair[] {
  const [ours, theirs] = [src, dst].map((objects) => objects.map((obj) => obj.getUniqueId()));
  const { partners, rest } = matchUids(ours ?? [], theirs ?? []);
  const pairs = src.map((obj, at) => createPair(obj, dst[partners[at] as number]));
  for (const at of rest) pairs.push({ src: undefined, dst: dst[at] });
  return pairs;
}

/** @throws ValueError for what cannot be compared. */
export function createPair(src: ObjectView | undefined, dst: ObjectView | undefined): Pair {
  if (src !== undefined && dst !== undefined) check(src, dst);
  return { src, dst };
}

export function byUid(objects: Iterable<ObjectView>): Map<string, ObjectView> {
  const found = new Map<string, ObjectView>();
  for (const obj of objects) found.set(obj.getUniqueId(), obj);
  return found;
}

/** How many children a pair lists. */
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
  const [keys, otherKeys] = [src.getIdentifiers(), dst.getIdentifiers()];
  if (!isDeepEqual(keys, otherKeys)) throw new ValueError(`Keys mismatch: ${inspect(keys)} vs ${inspect(otherKeys)}`);
}
