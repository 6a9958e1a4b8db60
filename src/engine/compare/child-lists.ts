import type { DiffSyncLogger } from '../../logging/logger.js';
import { childUidsOf, type ObjectView } from '../../record/record-view.js';
import type { Side } from '../side.js';
import type { ListedChildren } from './child-claims.js';
import type { PairNode } from './pair-node.js';
import type { Scope } from './scope.js';

/** The objects that a comparison is restricted to. */
export interface ListedPart {
  /** Whether an object is one of these. */
  has(type: string, uid: string): boolean;
}

/** Gets the child lists that a comparison reads. */
export interface ListWatch {
  /** The objects of a pair list these children of a type. */
  listed(node: PairNode, type: string, src: readonly string[], dst: readonly string[]): void;
}

/** Decides which children of a pair are compared. */
export class ChildLister {
  /** Types of which not all children were listed here, by side, because the target cannot hold them or does not know them. */
  readonly leftOut = { src: new Set<string>(), dst: new Set<string>() };
  /** `parent child` types for which a warning was logged. */
  private readonly warned = new Set<string>();

  constructor(
    private readonly dst: Side,
    private readonly scope: Scope,
    private readonly logger: DiffSyncLogger,
    private readonly part: ListedPart | undefined,
    private readonly watch: ListWatch | undefined,
  ) {}

  /** Lists the children of a pair that are compared; each side's are read by the field that its own model names. */
  list(node: PairNode): ListedChildren[] {
    const { src, dst, element, event } = node;
    const srcMapping = src?.getChildrenMapping() ?? {};
    const dstMapping = dst?.getChildrenMapping() ?? {};
    const uidsOf = (obj: ObjectView | undefined, field: string | undefined): readonly string[] =>
      obj === undefined || field === undefined ? [] : childUidsOf(obj, field);
    const lists: ListedChildren[] = [];
    const compare = (type: string, srcUids: readonly string[], dstUids: readonly string[]): void => {
      this.watch?.listed(node, type, srcUids, dstUids);
      lists.push({ node, type, src: this.ofPart(type, srcUids), dst: this.ofPart(type, dstUids) });
    };
    const leaveOut = (type: string, srcUids: readonly string[], dstUids: readonly string[]): void => {
      const count = srcUids.length + dstUids.length;
      if (count > 0) event.below.push(count);
      if (srcUids.length > 0) this.leftOut.src.add(type);
      if (dstUids.length > 0) this.leftOut.dst.add(type);
    };
    for (const [type, field] of Object.entries(srcMapping)) {
      if (!this.scope.reaches(type)) continue;
      const [srcUids, dstUids] = [uidsOf(src, field), uidsOf(dst, dstMapping[type])];
      const known = dst === undefined || Object.hasOwn(dstMapping, type);
      if (known && (srcUids.length === 0 || this.canHold(element.type, type))) compare(type, srcUids, dstUids);
      else leaveOut(type, srcUids, dstUids);
    }
    for (const [type, field] of Object.entries(dstMapping)) {
      if (!this.scope.reaches(type)) continue;
      if (src === undefined) compare(type, [], uidsOf(dst, field));
      else if (!Object.hasOwn(srcMapping, type)) leaveOut(type, [], uidsOf(dst, field));
    }
    return lists;
  }

  private ofPart(type: string, uids: readonly string[]): readonly string[] {
    const { part } = this;
    return part === undefined ? uids : uids.filter((uid) => part.has(type, uid));
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
      this.logger.warning(`Leaving out ${type} objects below ${parent}: ${dst.name} cannot hold them, ${reason}`, {
        model: type,
      });
    }
    return false;
  }
}
