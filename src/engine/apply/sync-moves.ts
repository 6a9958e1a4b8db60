import { ITEMS_PER_STEP, type Steps } from '../../async/steps.js';
import type { Diff } from '../../diff/diff.js';
import { walk } from '../../diff/diff-walk.js';
import type { FilterAnswers } from './filter-answers.js';
import { skipsChildren } from './frame.js';
import { keyOf, type SyncNode, type SyncPlan } from './sync-plan.js';
import type { SyncReport } from './sync-report.js';
import type { TargetCache } from './target-cache.js';

/**
 * Finds the objects that move: deleted under one parent and created under another in the same diff. Marks the nodes above
 * such deletes (`aboveMove`).
 * @returns the deletes, by `type uid`.
 */
export function* findingMoves(plan: SyncPlan): Steps<Map<string, SyncNode>> {
  const { nodes } = plan;
  const deleted = new Map<string, SyncNode>();
  for (const [at, node] of nodes.entries()) {
    if (at % ITEMS_PER_STEP === 0) yield;
    if (node.action !== 'delete' || node.element.linkOnly) continue;
    const { key } = node;
    const other = deleted.get(key);
    if (other === undefined || node.index >= other.end) deleted.set(key, node);
  }
  const moves = new Map<string, SyncNode>();
  if (deleted.size === 0) return moves;
  for (let at = 0; at < nodes.length; at++) {
    if (at % ITEMS_PER_STEP === 0) yield;
    const node = nodes[at] as SyncNode;
    const old = node.action === 'create' && !node.element.linkOnly ? deleted.get(node.key) : undefined;
    if (old !== undefined) moves.set(node.key, old);
  }
  if (moves.size === 0) return moves;
  const moving = new Set(moves.values());
  for (let at = nodes.length - 1; at >= 0; at--) {
    if (at % ITEMS_PER_STEP === 0) yield;
    const node = nodes[at] as SyncNode;
    const parent = plan.parentOf(node);
    if (parent !== undefined) parent.aboveMove ||= node.aboveMove || moving.has(node);
  }
  return moves;
}

/** The place of an object without a parent, for messages. */
const TOP = 'the top';

/** How an object is deleted at its old place: by its hook, with its parent and without a hook, or not at all. */
type OldPlace = 'delete' | 'drop' | 'leave';

/** The objects that move: which of them are deleted already, and which are left out. */
export class SyncMoves {
  /** The deletes that have begun. */
  private readonly begun = new Set<SyncNode>();
  /** The deletes that were done out of order. */
  private readonly done = new Set<SyncNode>();
  /** The deletes that are left out. */
  private readonly leftOut = new Set<SyncNode>();
  /** The delete of a move -> its create. */
  private readonly creates = new Map<SyncNode, SyncNode>();

  /** @param moves what `findingMoves` returned. @param excluded what `findingExcluded` returned. */
  constructor(
    private readonly plan: SyncPlan,
    private readonly moves: ReadonlyMap<string, SyncNode>,
    private readonly cache: TargetCache,
    private readonly filter: FilterAnswers,
    private readonly report: SyncReport,
    private readonly excluded: ReadonlyMap<string, string>,
  ) {
    if (moves.size === 0) return;
    for (const node of plan.nodes) {
      const old = node.action === 'create' && !node.element.linkOnly ? this.oldOf(node) : undefined;
      if (old !== undefined) this.creates.set(old, node);
    }
  }

  /** Whether no object moves, and none did in the diff that a selection was made from. */
  get isEmpty(): boolean {
    return this.moves.size === 0 && this.excluded.size === 0;
  }

  /** Whether a node needs no visit: it was done out of order, or is left out. */
  isSettled(node: SyncNode): boolean {
    return node.action === 'delete' && (this.done.has(node) || this.leftOut.has(node));
  }

  /** Returns the delete of an object that is created elsewhere, whether or not it is done. */
  oldOf(create: SyncNode): SyncNode | undefined {
    return this.moves.get(create.key);
  }

  /** Whether a delete has begun, wherever it was done. */
  hasBegun(node: SyncNode): boolean {
    return this.begun.has(node);
  }

  /** Notes that a delete has begun, so that it is not done before a create any more. */
  begin(node: SyncNode): void {
    if (this.moves.get(node.key) === node) this.begun.add(node);
  }

  /** Notes that deletes were done out of order. */
  settle(node: SyncNode): void {
    this.begin(node);
    this.done.add(node);
  }

  /** Notes that a delete is left out, and with it the deletes of what is below it. */
  leaveDelete(node: SyncNode): void {
    for (const each of this.plan.subtree(node)) {
      if (this.moves.get(each.key) === each && !this.begun.has(each)) this.leftOut.add(each);
    }
  }

  /** Returns the outermost moves below a node that is deleted with everything below it, and marks them as done. */
  takeOutBelow(node: SyncNode): SyncNode[] {
    const moving: SyncNode[] = [];
    for (const each of this.plan.subtree(node)) {
      if (each === node || each.index < (moving.at(-1)?.end ?? 0)) continue;
      if (this.moves.get(each.key) === each && !this.begun.has(each)) moving.push(each);
    }
    for (const each of moving) this.settle(each);
    return moving;
  }

  /** Returns whether an object may go from its old place: not if it moves below an object whose own move is left out. */
  async mayLeave(node: SyncNode): Promise<boolean> {
    const create = this.creates.get(node);
    if (create === undefined || this.begun.has(node)) return true;
    for (let at = this.plan.parentOf(create); at?.action === 'create'; at = this.plan.parentOf(at)) {
      if (!(await this.isLeftOut(at))) continue;
      this.leaveDelete(node);
      node.element.message = `Left out: it moves below ${at.key}, which is left out`;
      return false;
    }
    return true;
  }

  private async isLeftOut(create: SyncNode): Promise<boolean> {
    const old = this.oldOf(create);
    if (old === undefined) {
      return this.excluded.has(create.key) && (await this.cache.aside(create)) !== undefined;
    }
    return this.leftOut.has(old) || (!this.begun.has(old) && (await this.oldPlace(old)) === 'leave');
  }

  /**
   * Decides about a create of an object that moves.
   * @param isThere whether the target has the object.
   * @returns the delete to do first, with or without its hook; 'leave' to leave the move out; undefined for any other create.
   */
  async beforeCreate(
    create: SyncNode,
    isThere: boolean,
  ): Promise<{ readonly old: SyncNode; readonly drop: boolean } | 'leave' | undefined> {
    const old = this.oldOf(create);
    if (old === undefined) {
      const place = isThere ? this.excluded.get(create.key) : undefined;
      if (place === undefined) return undefined;
      this.leaveCreate(create, place);
      return 'leave';
    }
    if (!this.leftOut.has(old)) {
      if (this.begun.has(old)) return undefined;
      const place = await this.oldPlace(old);
      if (place !== 'leave') return { old, drop: place === 'drop' };
      this.leaveDelete(old);
    }
    this.leaveCreate(create, placeText(this.plan.parentOf(old)));
    return 'leave';
  }

  private async oldPlace(old: SyncNode): Promise<OldPlace> {
    const above: SyncNode[] = [];
    for (let at = this.plan.parentOf(old); at?.action === 'delete'; at = this.plan.parentOf(at)) above.unshift(at);
    for (const node of above) {
      if (!(await this.filter.isWanted(node))) return 'leave';
      if (skipsChildren({ node, model: await this.cache.aside(node) })) return 'drop';
    }
    return (await this.filter.isWanted(old)) ? 'delete' : 'leave';
  }

  /** Leaves out a create, all below it, and what would move there. */
  private leaveCreate(create: SyncNode, from: string): void {
    this.report.leaveOut(
      create,
      `it moves from ${from} to ${placeText(this.plan.parentOf(create))}, and its delete at the old place is left out`,
      'and all below it',
    );
    for (const each of this.plan.subtree(create)) {
      const old = each.action === 'create' ? this.oldOf(each) : undefined;
      if (old !== undefined && !each.element.linkOnly && !this.begun.has(old)) this.leftOut.add(old);
    }
  }
}

/** Finds the deletes that were taken out of the diff. @returns `type uid` -> the place at which one stands. */
export function* findingExcluded(plan: SyncPlan, diff: Diff): Steps<ReadonlyMap<string, string>> {
  const deletes = new Map<string, string>();
  if (diff.original === undefined) return deletes;
  for (const { element, parent } of walk(diff.original.getAddedChildren(), (each) => each.getAddedChildren())) {
    yield;
    if (element.action !== 'delete' || element.linkOnly) continue;
    const above = parent?.element;
    const place = above === undefined ? TOP : keyOf(above, plan.uidOf(above));
    deletes.set(keyOf(element, plan.uidOf(element)), place);
  }
  return deletes;
}

function placeText(parent: SyncNode | undefined): string {
  return parent?.key ?? TOP;
}
