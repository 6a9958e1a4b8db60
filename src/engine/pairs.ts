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
export function pairUp(src: Iterable<ObjectView>, dst: Iterable<ObjectView>): Pair[] {
  const unmatched = byUid(dst);
  const pairs: Pair[] = [];
  for (const obj of src) {
    const uid = obj.getUniqueId();
    const other = unmatched.get(uid);
    if (other !== undefined) {
      check(obj, other);
      unmatched.delete(uid);
    }
    pairs.push({ src: obj, dst: other });
  }
  for (const obj of unmatched.values()) pairs.push({ src: undefined, dst: obj });
  return pairs;
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
