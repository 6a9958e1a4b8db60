import { inspect } from 'node:util';
import { ValueError } from '../errors.js';
import { listedUids, RecordView, type ObjectView } from '../model/object-view.js';
import { sameValue } from '../values.js';

/** Same type, same unique id, on at least one side. */
export interface Pair {
  readonly src: ObjectView | undefined;
  readonly dst: ObjectView | undefined;
}

/** The source's order first, then what only the target has. @throws ValueError for a pair that cannot be compared. */
export function pairUp(src: readonly ObjectView[], dst: readonly ObjectView[]): Pair[] {
  const pairs: Pair[] = [];
  const paired = new Uint8Array(dst.length);
  /** Made once the two orders part: mostly the target's next object is the one. */
  let places: Map<string, number> | undefined;
  let next = 0;
  for (const obj of src) {
    const uid = obj.getUniqueId();
    const at = dst[next]?.getUniqueId() === uid ? next : (places ??= placesOf(dst)).get(uid);
    if (at === undefined || paired[at] === 1) {
      pairs.push({ src: obj, dst: undefined });
      continue;
    }
    const other = dst[at] as ObjectView;
    check(obj, other);
    pairs.push({ src: obj, dst: other });
    paired[at] = 1;
    next = at + 1;
  }
  for (let at = paired.indexOf(0); at !== -1; at = paired.indexOf(0, at + 1))
    pairs.push({ src: undefined, dst: dst[at] });
  return pairs;
}

function placesOf(objects: readonly ObjectView[]): Map<string, number> {
  const places = new Map<string, number>();
  objects.forEach((obj, at) => places.set(obj.getUniqueId(), at));
  return places;
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
  for (const type in mapping) count += listedUids(obj, mapping[type] as string).length;
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
  if (!sameValue(keys, otherKeys)) throw new ValueError(`Keys mismatch: ${inspect(keys)} vs ${inspect(otherKeys)}`);
}
