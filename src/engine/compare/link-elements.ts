import { forEachYielding } from '../../async/event-loop.js';
import type { DiffElement } from '../../diff/diff.js';
import { DiffSyncFlags } from '../../flags.js';
import type { ObjectView } from '../../record/record-view.js';
import type { ObjectReader } from './object-reader.js';
import type { PairNode } from './pair-node.js';
import { parentKey, type ElementPath, type OneSided } from './shared-children.js';
import type { ComparisonContext, TreeComparison } from './tree-comparison.js';

/** A link that only one side has. */
interface LinkDifference {
  readonly node: PairNode;
  readonly type: string;
  readonly uid: string;
  readonly action: 'create' | 'delete';
}

/**
 * Settles what a walk has met at several places: leaves out the moves whose delete is left out, and adds an element for each
 * link that only one side has.
 */
export class LinkElements {
  /** Elements that were taken out, with everything below them. */
  private readonly leftOut = new Set<DiffElement>();

  constructor(
    private readonly context: ComparisonContext,
    private readonly tree: TreeComparison,
  ) {}

  /** Whether an element was taken out. */
  get leavesOut(): boolean {
    return this.leftOut.size > 0;
  }

  /**
   * Takes out an object that the source has at another place than the target, where the target's is skipped: created at the new
   * place it would meet itself. Everything below it is left out too.
   * @param oldPlace the key of its parent in the target, '' at the top.
   */
  leaveOutMove(type: string, uid: string, found: OneSided, oldPlace: string): void {
    if (!this.takeOut(type, found)) return;
    this.context.logger.warning(
      `Leaving out ${type} ${uid} and all below it: it moves from ${placeText(oldPlace)} to ` +
        `${placeText(parentKey(found.parent))}, and its delete at the old place is left out`,
      { model: type, uniqueId: uid },
    );
  }

  /**
   * Takes out what the target alone has of objects that the source lists and does not have, with everything below it: the source
   * does not say that it is gone. What moves away from there is left out too.
   */
  leaveOutLost(): void {
    const { shared, dangling } = this.tree;
    let lost = 0;
    for (const { child } of dangling.src) {
      const found = shared.onlyOn('dst', child.model, child.uniqueId);
      if (found !== undefined && this.takeOut(child.model, found)) lost++;
    }
    if (lost === 0) return;
    this.tree.hidesParents = true;
    for (const type of shared.oneSidedTypes('dst')) {
      for (const [uid, old] of shared.oneSidedObjects('dst', type)) {
        const found = this.isLeftOut(old) ? shared.onlyOn('src', type, uid) : undefined;
        if (found !== undefined) this.leaveOutMove(type, uid, found, parentKey(old.parent));
      }
    }
  }

  /** Takes out an object with all below it. @returns false if the object has no element, or none any more. */
  takeOut(type: string, found: OneSided): boolean {
    const { element, parent } = found;
    if (element === undefined || this.isLeftOut(found)) return false;
    this.leftOut.add(element);
    if (parent !== undefined) parent.element.childDiff.remove(element);
    else {
      const group = this.tree.groups.get(type) ?? [];
      this.tree.groups.set(
        type,
        group.filter((each) => each !== element),
      );
    }
    return true;
  }

  /** Takes out elements at the top, with all below them. */
  takeOutTop(type: string, elements: ReadonlySet<DiffElement>): void {
    if (elements.size === 0) return;
    for (const element of elements) this.leftOut.add(element);
    const rest = (this.tree.groups.get(type) ?? []).filter((element) => !elements.has(element));
    this.tree.groups.set(type, rest);
  }

  /** Leaves out the moves of which the target's object was skipped, by a flag or a filter. */
  leaveOutSkippedMoves(): void {
    const { shared } = this.tree;
    for (const type of shared.oneSidedTypes('dst')) {
      for (const [uid, { element, parent }] of shared.oneSidedObjects('dst', type)) {
        const found = element === undefined ? shared.onlyOn('src', type, uid) : undefined;
        if (found !== undefined) this.leaveOutMove(type, uid, found, parentKey(parent));
      }
    }
  }

  /** Adds the elements of links. */
  async add(): Promise<void> {
    const byType = new Map<string, LinkDifference[]>();
    await forEachYielding(this.differences(), (difference) => {
      const known = byType.get(difference.type);
      if (known === undefined) byType.set(difference.type, [difference]);
      else known.push(difference);
    });
    for (const [type, differences] of byType) {
      const { src, dst } = this.context.readers;
      const views = {
        create: await this.read(src, type, differences, 'create'),
        delete: await this.read(dst, type, differences, 'delete'),
      };
      await forEachYielding(differences, ({ node, uid, action }) => {
        const view = views[action].get(uid);
        if (view !== undefined) node.element.addChild(this.tree.comparer.createLink(view, action));
      });
    }
  }

  private *differences(): Generator<LinkDifference, void, undefined> {
    const { flags, scope } = this.context;
    for (const [type, uid, listings] of this.tree.shared.allListings()) {
      if (!scope.compares(type) || this.isObjectLeftOut(type, uid)) continue;
      for (const { node, src, dst } of listings) {
        if (src === dst || this.isBelowLeftOut(node)) continue;
        if (src && flags & DiffSyncFlags.SKIP_UNMATCHED_SRC) continue;
        if (dst && flags & DiffSyncFlags.SKIP_UNMATCHED_DST) continue;
        yield { node, type, uid, action: src ? 'create' : 'delete' };
      }
    }
  }

  /** Whether the object itself has no element, because it was skipped or left out. */
  private isObjectLeftOut(type: string, uid: string): boolean {
    const { shared, comparer } = this.tree;
    if (comparer.skippedPairs.get(type)?.has(uid) === true) return true;
    const [src, dst] = [shared.onlyOn('src', type, uid), shared.onlyOn('dst', type, uid)];
    if (src === undefined && dst === undefined) return false;
    return [src, dst].every((each) => each === undefined || each.element === undefined || this.isLeftOut(each));
  }

  /** Whether an object was taken out, or one above it. */
  isLeftOut({ element, parent }: OneSided): boolean {
    return (element !== undefined && this.leftOut.has(element)) || this.isBelowLeftOut(parent);
  }

  /** Whether a parent was taken out, or one above it. */
  isBelowLeftOut(node: ElementPath | undefined): boolean {
    if (this.leftOut.size === 0) return false;
    for (let at = node; at !== undefined; at = at.parent) if (this.leftOut.has(at.element)) return true;
    return false;
  }

  private async read(
    objects: ObjectReader,
    type: string,
    differences: readonly LinkDifference[],
    action: LinkDifference['action'],
  ): Promise<ReadonlyMap<string, ObjectView>> {
    const wanted = differences.filter((each) => each.action === action);
    const uids = [...new Set(wanted.map(({ uid }) => uid))];
    const found = new Map<string, ObjectView>();
    if (uids.length === 0) return found;
    for await (const page of objects.byUids(type, uids)) {
      for (const view of page) if (view !== undefined) found.set(view.getUniqueId(), view);
    }
    return found;
  }
}

function placeText(key: string): string {
  return key === '' ? 'the top' : key;
}
