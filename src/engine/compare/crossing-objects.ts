import { forEachYielding } from '../../async/event-loop.js';
import type { DiffElement } from '../../diff/diff.js';
import { walk } from '../../diff/diff-walk.js';
import { DiffSyncFlags } from '../../flags.js';
import { childUidsOf } from '../../record/record-view.js';
import type { LinkElements } from './link-elements.js';
import { presentUids } from './object-reader.js';
import { isOpen } from './open-elements.js';
import { nestedTypes, viewsWhere, type PartMembers } from './partition.js';
import type { ElementPath, OneSided, SideName } from './shared-children.js';
import type { ComparisonContext, TreeComparison } from './tree-comparison.js';

const SIDES = ['src', 'dst'] as const;

/**
 * Takes out of the comparison of one part what only a look at the whole can decide:
 * - an object that one side alone seems to have, while the other one has it below a parent of another part, or below none;
 * - a delete or move of an object that a parent of another part lists too, on either side;
 * - with SKIP_UNMATCHED_SRC or SKIP_UNMATCHED_DST, all that is made, deleted or linked below the top;
 * - what is created or updated of a model that depends on others, and what is deleted of a model that others depend on: all
 *   objects of one are made before those of the other.
 */
export class CrossingObjects {
  /** Type -> unique ids of the objects that were taken out, with all below them. */
  readonly found = new Map<string, Set<string>>();

  /**
   * @param types - the types of which a part has objects at its top.
   * @param renames - whether the source's unique ids may be others in the target.
   */
  constructor(
    private readonly context: ComparisonContext,
    private readonly tree: TreeComparison,
    private readonly links: LinkElements,
    private readonly members: PartMembers,
    private readonly types: readonly string[],
    private readonly renames: boolean,
  ) {}

  /** To be called before the links have elements. */
  async takeOut(): Promise<void> {
    await this.takeOutDependent();
    const { src, dst } = this.context;
    if (this.skipsUnmatched) {
      this.takeOutUnmatched();
      return;
    }
    for (const type of nestedTypes([src, dst])) {
      const made = await this.presentElsewhere('src', type);
      for (const uid of made) this.takeOutCreate(type, this.only('src', type, uid));
      const gone = await this.presentElsewhere('dst', type);
      // What moves within this part is among them.
      const rest = [...this.tree.shared.oneSidedObjects('dst', type).keys()].filter((uid) => !gone.has(uid));
      for (const uid of gone) this.takeOutDelete(this.only('dst', type, uid));
      for (const uid of await this.listedElsewhere(type, rest)) this.takeOutDelete(this.only('dst', type, uid));
    }
    this.takeOutRelated();
  }

  /** Whether what one side alone has is skipped: what becomes of an object depends on all its places then. */
  get skipsUnmatched(): boolean {
    return (this.context.flags & DiffSyncFlags.SKIP_UNMATCHED_BOTH) !== 0;
  }

  /** Takes out all changes of the tree below the top. */
  private takeOutUnmatched(): void {
    const { shared } = this.tree;
    for (const type of nestedTypes([this.context.src, this.context.dst])) {
      for (const found of shared.oneSidedObjects('src', type).values()) this.takeOutCreate(type, found);
      for (const found of shared.oneSidedObjects('dst', type).values()) this.takeOutDelete(found);
    }
  }

  /** Takes out what depends on objects of other parts, or they on it. */
  private async takeOutDependent(): Promise<void> {
    const { modelClasses } = this.context.dst;
    const needs = new Map([...modelClasses].map(([type, { definition }]) => [type, definition.dependsOn]));
    const needed = new Set([...needs.values()].flat());
    for (const [type, elements] of this.tree.groups) {
      const isDependent = (needs.get(type)?.length ?? 0) > 0;
      if (!isDependent && !needed.has(type)) continue;
      const left = new Set<DiffElement>();
      await forEachYielding(elements, (element) => {
        const isLeft = element.onlySide === 'target' ? needed.has(type) : isDependent && hasChange(element);
        if (isLeft) left.add(element);
      });
      this.links.takeOutTop(type, left);
      for (const element of left) this.note(element);
    }
  }

  /** Returns the unique ids of the objects that were met on one side alone, which is no half of a move within this part. */
  private unmatched(side: SideName, type: string): string[] {
    const { shared, visited } = this.tree;
    const other = side === 'src' ? 'dst' : 'src';
    const uids: string[] = [];
    for (const [uid, { element }] of shared.oneSidedObjects(side, type)) {
      if (element !== undefined && !visited[other].has(type, uid)) uids.push(uid);
    }
    return uids;
  }

  /** Returns those of the objects that this part has met on one side alone, and that the other side's store has all the same. */
  private async presentElsewhere(side: SideName, type: string): Promise<ReadonlySet<string>> {
    const other = side === 'src' ? 'dst' : 'src';
    return presentUids(this.context.readers[other], type, this.unmatched(side, type));
  }

  /** Returns those of the unique ids that a parent lists which this part has not met. */
  private async listedElsewhere(type: string, uids: readonly string[]): Promise<ReadonlySet<string>> {
    const listed = new Set<string>();
    if (uids.length === 0) return listed;
    const wanted = new Set(uids);
    const { readers, signal } = this.context;
    for (const side of SIDES) {
      for (const model of this.context[side].modelClasses.values()) {
        const { modelName } = model;
        const mapping = model.getChildrenMapping();
        const field = Object.hasOwn(mapping, type) ? mapping[type] : undefined;
        if (field === undefined) continue;
        const others = (met: readonly string[]): readonly string[] =>
          this.isTop(modelName)
            ? this.members.othersOf(modelName, met)
            : met.filter((uid) => !this.tree.visited[side].has(modelName, uid));
        const renames = this.renames && side === 'src';
        const pages = viewsWhere(readers[side], this.context[side], modelName, others, renames, signal);
        for await (const page of pages) {
          for (const view of page) for (const uid of childUidsOf(view, field)) if (wanted.has(uid)) listed.add(uid);
        }
      }
    }
    return listed;
  }

  /**
   * Takes out what belongs to what is left out: the other half of a move, what a parent that is left out lists too, and parents that
   * list it.
   */
  private takeOutRelated(): void {
    for (let again = this.links.leavesOut; again;) {
      again = false;
      for (const side of SIDES) {
        for (const type of this.tree.shared.oneSidedTypes(side)) {
          for (const [uid, found] of this.tree.shared.oneSidedObjects(side, type)) {
            if (this.links.isLeftOut(found)) {
              if (side === 'dst' && this.takeOutListers(type, uid)) again = true;
              continue;
            }
            if (!this.isRelated(side, type, uid)) continue;
            if (side === 'src' ? this.takeOutCreate(type, found) : this.takeOutDelete(found)) again = true;
          }
        }
      }
    }
  }

  private isRelated(side: SideName, type: string, uid: string): boolean {
    const { shared } = this.tree;
    const half = shared.onlyOn(side === 'src' ? 'dst' : 'src', type, uid);
    if (half !== undefined && this.links.isLeftOut(half)) return true;
    return shared.listings(type, uid).some((listing) => listing[side] && this.links.isBelowLeftOut(listing.node));
  }

  /** Takes out the deletes of parents that list an object which is left out: it would lose a place by them. */
  private takeOutListers(type: string, uid: string): boolean {
    let found = false;
    for (const { node, dst } of this.tree.shared.listings(type, uid)) {
      if (!dst || node.element.onlySide !== 'target' || this.links.isBelowLeftOut(node)) continue;
      if (this.takeOutDelete(node)) found = true;
    }
    return found;
  }

  private isTop(type: string): boolean {
    return this.types.includes(type);
  }

  private only(side: SideName, type: string, uid: string): OneSided {
    return this.tree.shared.onlyOn(side, type, uid) as OneSided;
  }

  private takeOutCreate(type: string, found: OneSided): boolean {
    const { element } = found;
    if (element === undefined || !this.links.takeOut(type, found)) return false;
    this.note(element);
    return true;
  }

  /** Takes out a delete with the deletes above it, which would take the object with them. */
  private takeOutDelete({ element, parent }: OneSided): boolean {
    if (element === undefined) return false;
    let top: ElementPath = { element, parent };
    while (top.parent?.element.onlySide === 'target') top = top.parent;
    if (!this.links.takeOut(top.element.type, top)) return false;
    this.note(top.element);
    return true;
  }

  private note(top: DiffElement): void {
    for (const { element } of walk([top], (each) => each.getAddedChildren())) {
      const { type, comparedUid } = element;
      if (comparedUid === undefined) continue;
      const uids = this.found.get(type) ?? new Set<string>();
      this.found.set(type, uids.add(comparedUid));
    }
  }
}

/** Whether an element, or one below it, has a change. */
function hasChange(top: DiffElement): boolean {
  for (const { element } of walk([top], (each) => each.getAddedChildren())) if (isOpen(element)) return true;
  return false;
}
