import type { Diff, DiffElement } from '../../diff/diff.js';
import { walk } from '../../diff/diff-walk.js';
import { DiffSyncError, ObjectStoreWrongType } from '../../errors.js';
import { DiffSyncModelFlags, DiffSyncStatus } from '../../flags.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import { Progress } from '../progress.js';
import { checkAborted, type Side } from '../side.js';
import { AtomicSubtrees, type AtomicSubtree } from './atomic-subtrees.js';
import { callHooks, maxGroupSize, missingModelError, type HookOutcome } from './call-hooks.js';
import { checkDeleteLimits } from './delete-guard.js';
import { findMoves, SyncMoves } from './sync-moves.js';
import { requireAtLeast, type SyncerOptions } from './sync-options.js';
import { isNode, SyncPlan, type SyncEntry, type SyncNode } from './sync-plan.js';
import { SyncReport } from './sync-report.js';
import { TargetCache } from './target-cache.js';
import { deferAdd, deferRemove, deferUpdate } from '../../store/engine-access.js';

/** A node that is being applied. */
interface Frame {
  readonly node: SyncNode;
  readonly parent: DiffSyncModel | undefined;
  /** The target's object, once it exists. */
  model: DiffSyncModel | undefined;
  /** Set for a delete that is followed by deletes below it; closed when they are done. */
  subtree?: AtomicSubtree;
}

/** Siblings that are being applied. */
interface Cursor {
  readonly siblings: readonly SyncEntry[];
  /** The index of the next sibling. */
  at: number;
  readonly parent: DiffSyncModel | undefined;
  /** The frame of the siblings' parent; undefined where the walk began. */
  readonly above: Frame | undefined;
  /** Whether the parent is deleted after these siblings (NATURAL_DELETION_ORDER). */
  readonly deletesAbove: boolean;
}

/**
 * Applies a diff to the target: walks its elements, calls the models' hooks in the diff's order, and saves what they did.
 * Target objects are read, and changes written, in batches.
 */
export class Syncer {
  private readonly plan: SyncPlan;
  private readonly cache: TargetCache;
  private readonly moves: SyncMoves;
  private readonly report: SyncReport;
  private readonly subtrees: AtomicSubtrees;
  private readonly progress: Progress;
  private readonly concurrency: number;
  private readonly batchSize: number;
  private changed = false;

  /** @throws ValueError for an option out of its range; ObjectStoreWrongType for a type that the target has no model for. */
  constructor(
    private readonly diff: Diff,
    private readonly dst: Side,
    private readonly options: SyncerOptions,
  ) {
    this.concurrency = requireAtLeast('concurrency', options.concurrency ?? 1, 1);
    this.batchSize = requireAtLeast('batchSize', options.batchSize ?? 500, 1);
    this.plan = new SyncPlan(diff, dst);
    const moves = findMoves(this.plan);
    this.cache = new TargetCache(dst.store, this.plan, moves);
    this.moves = new SyncMoves(this.plan, moves, this.cache, {
      delete: (node, parent) => this.applySiblings([node], parent),
      drop: (node, model, parent) => this.dropSubtree(node, model, parent),
    });
    this.report = new SyncReport(dst, this.plan, options);
    this.subtrees = new AtomicSubtrees(dst.store);
    this.progress = new Progress('sync', this.plan.elements, options.onProgress);
  }

  /**
   * @returns whether anything was changed.
   * @throws TooManyDeletes before anything is changed; else what a hook threw, after all that was done before it is saved.
   */
  async perform(): Promise<boolean> {
    const { diff, dst } = this;
    checkDeleteLimits(diff, this.plan.deletes, dst.name, this.options);
    diff.operations = this.report.operations;
    diff.errors = this.report.failures;
    dst.logger.info('Beginning sync');
    try {
      await this.applySiblings(this.plan.roots(), undefined);
    } catch (error) {
      await this.flushAfter(error);
      throw error;
    } finally {
      this.subtrees.closeAll();
    }
    await dst.store.flush();
    this.progress.finish();
    dst.logger.info('Sync complete');
    return this.changed;
  }

  private async flushAfter(error: unknown): Promise<void> {
    try {
      await this.dst.store.flush();
    } catch (unsaved) {
      throw new DiffSyncError(`The sync into ${this.dst.name} failed, and what it had done before could not be saved`, {
        cause: new AggregateError([error, unsaved]),
      });
    }
  }

  /** Applies siblings and everything below them, without recursion. */
  private async applySiblings(siblings: readonly SyncEntry[], parent: DiffSyncModel | undefined): Promise<void> {
    const stack: Cursor[] = [{ siblings, at: 0, parent, above: undefined, deletesAbove: false }];
    for (let cursor = stack.at(-1); cursor !== undefined; cursor = stack.at(-1)) {
      const group = this.nextGroup(cursor);
      if (group.length > 0) {
        checkAborted(this.options.signal);
        const below = await this.applyGroup(group, cursor.parent);
        stack.push(...below.toReversed());
      } else {
        stack.pop();
        const { above, deletesAbove } = cursor;
        if (above !== undefined && deletesAbove) await this.applyActions([above]);
        above?.subtree?.close();
      }
    }
  }

  /** Returns the next siblings that can share a call of hooks, past those without any action at them or below them. */
  private nextGroup(cursor: Cursor): SyncNode[] {
    const { siblings } = cursor;
    const group: SyncNode[] = [];
    for (; cursor.at < siblings.length; cursor.at++) {
      const node = siblings[cursor.at] as SyncEntry;
      if (!isNode(node)) {
        if (group.length > 0) break;
        this.passInactive(node);
        continue;
      }
      if (this.moves.isDone(node)) continue;
      const first = group[0] ?? node;
      const alike = node.model === first.model && node.action === first.action;
      const most = first.action === null ? 1 : maxGroupSize(first, this.batchSize, this.concurrency);
      if (!alike || group.length >= most) break;
      group.push(node);
    }
    return group;
  }

  /** Applies the nodes of a group. @returns cursors over their children, in the order of the group. */
  private async applyGroup(group: readonly SyncNode[], parent: DiffSyncModel | undefined): Promise<Cursor[]> {
    const ready: Frame[] = [];
    const below = new Map<SyncNode, Cursor>();
    const descend = (frame: Frame, deletesAbove = false): void => {
      const siblings = this.plan.childrenOf(frame.node);
      if (siblings.length > 0 || deletesAbove) {
        below.set(frame.node, { siblings, at: 0, parent: frame.model, above: frame, deletesAbove });
      }
    };
    for (const node of group) {
      const frame = await this.openFrame(node, parent);
      if (node.action === null) {
        if (this.passUnchanged(frame)) descend(frame);
      } else if (!(await this.isWanted(node))) {
        if (node.action === 'update') descend(frame);
      } else if (isDeletedLast(frame)) {
        descend(frame, true);
      } else {
        ready.push(frame);
      }
    }
    for (const frame of await this.applyActions(ready)) descend(frame);
    return group.flatMap((node) => below.get(node) ?? []);
  }

  private async openFrame(node: SyncNode, parent: DiffSyncModel | undefined): Promise<Frame> {
    if (node.action === 'delete') this.moves.begin(node);
    const frame: Frame = { node, parent, model: await this.cache.get(node) };
    frame.model?.setStatus(DiffSyncStatus.UNKNOWN);
    return frame;
  }

  /** Passes a node without an action of its own. @returns whether to go on with its children. */
  private passUnchanged({ node, model }: Frame): boolean {
    this.report.logUnchanged(node.element);
    if (model === undefined) {
      this.report.logMissingObject(node);
      return false;
    }
    this.progress.advance(1);
    return true;
  }

  /** Passes an element without any action at it or below it, as most of a large diff are; the target is not read. */
  private passInactive(top: DiffElement): void {
    const pass = (element: DiffElement): void => {
      checkAborted(this.options.signal);
      this.report.logUnchanged(element);
      this.progress.advance(1);
    };
    pass(top);
    const below = top.getChildren();
    if (below.length > 0) for (const { element } of walk(below)) pass(element);
  }

  private async isWanted({ element, action }: SyncNode): Promise<boolean> {
    const { syncFilter } = this.options;
    if (syncFilter === undefined || action === null) return true;
    const diffs = element.getAttrsDiffs();
    const attrs = diffs['+'] ?? diffs['-'] ?? {};
    if (await syncFilter(action, element.type, { ...element.keys }, attrs)) return true;
    element.message = 'Left out by syncFilter';
    return false;
  }

  /** Calls the hooks of siblings with one model and action, and saves what they did. @returns as `saveOutcomes`. */
  private async applyActions(frames: readonly Frame[]): Promise<Frame[]> {
    for (const frame of frames) {
      const { node } = frame;
      if (node.action === 'create') {
        checkLink(node.element, frame.parent);
        const moved = await this.moves.deleteMovedFirst(node, frame.model);
        if (moved) frame.model = await this.cache.get(node);
      }
      this.report.logAttempt(node);
    }
    return this.saveOutcomes(frames, await callHooks(frames, this.dst, this.concurrency));
  }

  /**
   * Saves what the hooks of siblings did, in the order of the siblings.
   * @returns the frames whose children are applied next.
   * @throws the first failure that ends the sync, after all outcomes are saved.
   */
  private async saveOutcomes(frames: readonly Frame[], outcomes: readonly HookOutcome[]): Promise<Frame[]> {
    const open: Frame[] = [];
    let fatal: { readonly error: unknown } | undefined;
    for (const [at, frame] of frames.entries()) {
      const outcome = outcomes[at] as HookOutcome;
      if ('error' in outcome) {
        const error = this.report.recordFailure(frame.node, outcome.error);
        if (this.report.goesOnAfter(error)) this.report.logMissingObject(frame.node);
        else fatal ??= { error };
      } else if (outcome.model === null) {
        this.report.recordFailure(frame.node, missingModelError(frame.node), DiffSyncStatus.FAILURE);
        this.report.logMissingObject(frame.node);
      } else if (await this.save(frame, outcome.model)) {
        open.push(frame);
      }
    }
    if (fatal !== undefined) throw fatal.error;
    return open;
  }

  /** Defers the write of what a hook did. @returns whether the children are applied next. */
  private async save(frame: Frame, model: DiffSyncModel): Promise<boolean> {
    const { node, parent } = frame;
    const { store } = this.dst;
    const skipChildren = ((frame.model?.modelFlags ?? 0) & DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE) !== 0;
    const hasBelow = node.end > node.index + 1 && !isDeletedLast(frame);
    const [status, message] = model.getStatus();
    this.report.setStatus(node, status, message);
    this.changed = true;
    frame.model = model;
    if (node.action === 'create') {
      parent?.addChild(model);
      await deferAdd(store, model);
      this.cache.set(node, model);
    } else if (node.action === 'update') {
      await deferUpdate(store, model);
    } else {
      if (skipChildren) {
        await this.dropSubtree(node, model, parent);
        return false;
      }
      if (hasBelow) frame.subtree = this.subtrees.open();
      parent?.removeChild(model);
      this.cache.set(node, undefined);
      await deferRemove(store, model);
    }
    this.report.recordOperation(node);
    this.progress.advance(1);
    return true;
  }

  /** Removes an object and everything below it from the store, without calling any hooks. */
  private async dropSubtree(node: SyncNode, model: DiffSyncModel, parent: DiffSyncModel | undefined): Promise<void> {
    const subtree = this.subtrees.open();
    try {
      parent?.removeChild(model);
      await deferRemove(this.dst.store, model, { removeChildren: true });
    } finally {
      subtree.close();
    }
    for (const dropped of this.plan.subtree(node)) {
      this.cache.set(dropped, undefined);
      this.moves.begin(dropped);
      this.report.recordOperation(dropped);
    }
  }
}

/** Returns whether an object is deleted after its children. */
function isDeletedLast({ node, model }: Frame): boolean {
  const flags = model?.modelFlags ?? DiffSyncModelFlags.NONE;
  const natural = node.aboveMove || (flags & DiffSyncModelFlags.NATURAL_DELETION_ORDER) !== 0;
  return node.action === 'delete' && natural && (flags & DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE) === 0;
}

/** Checks, before a hook is called, that the parent can link the object. @throws ObjectStoreWrongType */
function checkLink({ type }: DiffElement, parent: DiffSyncModel | undefined): void {
  const mapping = parent?.getChildrenMapping();
  if (parent === undefined || mapping === undefined || Object.hasOwn(mapping, type)) return;
  const valid = Object.keys(mapping).toSorted().join(', ');
  throw new ObjectStoreWrongType(
    `Unable to store ${type} as a child of ${parent.getType()}; valid types are [${valid}]`,
  );
}
