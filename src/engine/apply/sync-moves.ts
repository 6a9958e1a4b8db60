import { DiffSyncModelFlags } from '../../flags.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import { keyOf, type SyncNode, type SyncPlan } from './sync-plan.js';
import type { TargetCache } from './target-cache.js';

/**
 * Finds the objects that move: deleted under one parent and created under another in the same diff. Marks the nodes above
 * such deletes (`aboveMove`).
 * @returns the deletes, by `type uid`.
 */
export function findMoves(plan: SyncPlan): Map<string, SyncNode> {
  const nodes = plan.nodes();
  const deleted = new Map<string, SyncNode>();
  for (const node of nodes) {
    if (node.action !== 'delete') continue;
    const key = keyOf(node);
    const other = deleted.get(key);
    if (other === undefined || node.index >= other.end) deleted.set(key, node);
  }
  const moves = new Map<string, SyncNode>();
  for (const node of nodes) {
    const old = node.action === 'create' ? deleted.get(keyOf(node)) : undefined;
    if (old !== undefined) moves.set(keyOf(node), old);
  }
  const moving = new Set(moves.values());
  for (const node of nodes.toReversed()) {
    const parent = plan.parentOf(node);
    if (parent !== undefined) parent.aboveMove ||= node.aboveMove || moving.has(node);
  }
  return moves;
}

/** How a sync deletes a node and everything below it. */
export interface SubtreeDeletes {
  /** Calls the hooks. */
  delete(node: SyncNode, parent: DiffSyncModel | undefined): Promise<void>;
  /** Calls no hooks. */
  drop(node: SyncNode, model: DiffSyncModel, parent: DiffSyncModel | undefined): Promise<void>;
}

/** Deletes objects that move under their old parent before they are created under the new one. */
export class SyncMoves {
  /** Deletes that were done out of order. */
  private readonly done = new Set<SyncNode>();

  /** @param moves what `findMoves` returned; a delete leaves it when it begins. */
  constructor(
    private readonly plan: SyncPlan,
    private readonly moves: Map<string, SyncNode>,
    private readonly cache: TargetCache,
    private readonly subtrees: SubtreeDeletes,
  ) {}

  /** Whether a node was done out of order. */
  isDone(node: SyncNode): boolean {
    return this.done.has(node);
  }

  /** Notes that a delete has begun, so that it is not done before a create any more. */
  begin(node: SyncNode): void {
    this.moves.delete(keyOf(node));
  }

  /**
   * Deletes the object of a create under its old parent, if it moves.
   * @param model the target's object.
   * @returns whether it was deleted.
   */
  async deleteMovedFirst(create: SyncNode, model: DiffSyncModel | undefined): Promise<boolean> {
    const old = this.moves.get(keyOf(create));
    if (old === undefined) return false;
    this.begin(old);
    const wasOutOfOrder = this.cache.outOfOrder;
    this.cache.outOfOrder = true;
    const above = this.plan.parentOf(old);
    const parent = above && (await this.cache.get(above));
    if (!(await this.isDroppedSilently(old))) {
      await this.subtrees.delete(old, parent);
    } else if (model !== undefined) {
      await this.subtrees.drop(old, model, parent);
    }
    this.done.add(old);
    this.cache.outOfOrder = wasOutOfOrder;
    return true;
  }

  /** Returns whether an ancestor is deleted with SKIP_CHILDREN_ON_DELETE, so that the node's own hook must not be called. */
  private async isDroppedSilently(node: SyncNode): Promise<boolean> {
    for (let above = this.plan.parentOf(node); above !== undefined; above = this.plan.parentOf(above)) {
      if (above.action !== 'delete') return false;
      const flags = (await this.cache.get(above))?.modelFlags ?? DiffSyncModelFlags.NONE;
      if ((flags & DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE) !== 0) return true;
    }
    return false;
  }
}
