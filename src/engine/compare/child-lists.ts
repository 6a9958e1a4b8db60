import { childUidsOf, type ObjectView } from '../../record/record-view.js';
import type { Side } from '../side.js';
import type { ChildReader, ChildUids } from './child-reader.js';
import type { PairNode } from './compare-pair.js';
import { matchUids, type UidMatches } from './pairing.js';
import type { Scope } from './scope.js';

/** One parent's children of one type, as each side lists them. */
export interface ChildList {
  readonly type: string;
  readonly src: ChildUids;
  readonly dst: ChildUids;
  readonly matches: UidMatches;
}

/** The readers of both sides' children on one level of the tree. */
export interface LevelReaders {
  readonly src: ChildReader;
  readonly dst: ChildReader;
}

/** Decides which children of a pair are compared, and queues them to be read. */
export class ChildLister {
  /** `parent child` types for which a warning was logged. */
  private readonly warned = new Set<string>();

  constructor(
    private readonly dst: Side,
    private readonly scope: Scope,
  ) {}

  /** Lists the children of a pair that are compared; each side's are read by the field that its own model names. */
  list({ src, dst, element, event }: PairNode, readers: LevelReaders): ChildList[] {
    const srcMapping = src?.getChildrenMapping() ?? {};
    const dstMapping = dst?.getChildrenMapping() ?? {};
    const uidsOf = (obj: ObjectView | undefined, field: string | undefined): readonly string[] =>
      obj === undefined || field === undefined ? [] : childUidsOf(obj, field);
    const lists: ChildList[] = [];
    const compare = (type: string, srcUids: readonly string[], dstUids: readonly string[]): void => {
      const [src, dst] = [readers.src.claim(type, srcUids), readers.dst.claim(type, dstUids)];
      const matches = matchUids(src.owned, dst.owned);
      queueReads(readers, type, src, dst, matches);
      lists.push({ type, src, dst, matches });
    };
    const leaveOut = (...uids: (readonly string[])[]): void => {
      const count = uids.flat().length;
      if (count > 0) event.below.push(count);
    };
    for (const [type, field] of Object.entries(srcMapping)) {
      if (!this.scope.reaches(type)) continue;
      const [srcUids, dstUids] = [uidsOf(src, field), uidsOf(dst, dstMapping[type])];
      const known = dst === undefined || Object.hasOwn(dstMapping, type);
      if (known && (srcUids.length === 0 || this.canHold(element.type, type))) compare(type, srcUids, dstUids);
      else leaveOut(srcUids, dstUids);
    }
    for (const [type, field] of Object.entries(dstMapping)) {
      if (!this.scope.reaches(type)) continue;
      if (src === undefined) compare(type, [], uidsOf(dst, field));
      else if (!Object.hasOwn(srcMapping, type)) leaveOut(uidsOf(dst, field));
    }
    return lists;
  }

  /** Returns whether the target's model `parent` can have children of this type; logs a warning once if not. */
  private canHold(parent: string, type: string): boolean {
    const { dst } = this;
    const mapping = dst.modelClasses.get(parent)?.getChildrenMapping();
    const reason = !dst.modelClasses.has(type)
      ? `it has no model "${type}"`
      : mapping === undefined || !Object.hasOwn(mapping, type)
        ? `its model "${parent}" has no field for children of type "${type}"`
        : undefined;
    if (reason === undefined) return true;
    if (!this.warned.has(`${parent} ${type}`)) {
      this.warned.add(`${parent} ${type}`);
      dst.logger.warning(`Leaving out ${type} objects below ${parent}: ${dst.name} cannot hold them, ${reason}`, {
        model: type,
      });
    }
    return false;
  }
}

/** Queues the children of one list on both sides, each in the order in which the pairs are compared. */
function queueReads(
  readers: LevelReaders,
  type: string,
  src: ChildUids,
  dst: ChildUids,
  { partners, rest }: UidMatches,
): void {
  const [ours, theirs] = [readers.src.cursor(type).uids, readers.dst.cursor(type).uids];
  for (const uid of src.owned) ours.push(uid);
  for (const at of partners) if (at !== -1) theirs.push(dst.owned[at] as string);
  for (const at of rest) theirs.push(dst.owned[at] as string);
}
