import type { Diff, ModelOperations, SyncFailure } from '../../diff/diff.js';
import type { DiffElement } from '../../diff/diff-element.js';
import { walk } from '../../diff/diff-walk.js';
import {
  DiffSyncError,
  ObjectCrudException,
  ObjectStoreWrongType,
  SyncHookError,
  TooManyDeletes,
  ValueError,
} from '../../errors.js';
import { DiffSyncFlags, DiffSyncModelFlags, DiffSyncStatus, type DiffSyncAction } from '../../flags.js';
import type { LogParams } from '../../logging/logger.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import { maxGroupSize, callHooks, missingModelError, type HookOutcome } from './call-hooks.js';
import { checkAborted, type Side } from '../side.js';
import { Progress, type ProgressCallback } from '../progress.js';
import { isNode, keyOf, SyncPlan, type SyncEntry, type SyncNode } from './sync-plan.js';
import { TargetCache } from './target-cache.js';
import { deferAdd, deferRemove, deferUpdate, pauseFlush } from '../../store/engine-access.js';

/** Asked before each change; false leaves it out, and with a create or delete all below it. */
export type SyncFilter = (
  action: DiffSyncAction,
  modelType: string,
  ids: Readonly<Record<string, unknown>>,
  attrs: Readonly<Record<string, unknown>>,
) => boolean | Promise<boolean>;

export interface SyncerOptions {
  /** Default: NONE. */
  readonly flags?: DiffSyncFlags;
  readonly onProgress?: ProgressCallback;
  /** Ends the sync with SyncAborted after the current object; what was done is saved. */
  readonly signal?: AbortSignal;
  readonly syncFilter?: SyncFilter;
  /** Goes on after any error of a hook, not of a store; all are in the diff's `errors` afterwards. Default: false. */
  readonly continueOnFailure?: boolean;
  /** How many siblings run their hooks side by side. The outcome is that of 1. Default: 1. */
  readonly concurrency?: number;
  /** How many siblings a bulk hook gets at most. Default: 500. */
  readonly batchSize?: number;
  /** Refuses a sync that would delete more objects, before anything is touched. Default: no limit. */
  readonly maxDeletes?: number;
  /** As `maxDeletes`, in per cent of the target's objects that were compared. Default: no limit. */
  readonly maxDeletePercent?: number;
}

/** An element that is being worked on; `model` is the target's object once there is one. */
interface Frame {
  readonly node: SyncNode;
  readonly parent: DiffSyncModel | undefined;
  model: DiffSyncModel | undefined;
  /** Of a delete: lets the store write it, once all below it waits to be written too. */
  release?: () => void;
}

/** Siblings that are being worked on, and the object above them. */
interface Cursor {
  readonly siblings: readonly SyncEntry[];
  at: number;
  readonly parent: DiffSyncModel | undefined;
  /** Deleted after its children, which are these siblings (NATURAL_DELETION_ORDER). */
  readonly after: Frame | undefined;
  /** Called when they are done. */
  readonly release: (() => void) | undefined;
}

/**
 * Applies a diff to the target: calls the models' hooks in the diff's order and saves what they did. Target objects are
 * fetched, and changes written, many at a time.
 */
export class Syncer {
  private readonly plan: SyncPlan;
  private readonly cache: TargetCache;
  private readonly progress: Progress;
  private readonly concurrency: number;
  private readonly batchSize: number;
  /** Elements done out of their turn, because something had to wait for them. */
  private readonly done = new Set<SyncNode>();
  private readonly operations = new Map<string, ModelOperations>();
  private readonly failures: SyncFailure[] = [];
  private readonly holds = new Set<() => void>();
  private changed = false;

  /** @throws ValueError for a number of `options` that makes no sense. */
  constructor(
    private readonly diff: Diff,
    private readonly dst: Side,
    private readonly options: SyncerOptions,
  ) {
    this.concurrency = atLeast('concurrency', options.concurrency ?? 1, 1);
    this.batchSize = atLeast('batchSize', options.batchSize ?? 500, 1);
    this.plan = new SyncPlan(diff, dst);
    this.cache = new TargetCache(dst.store, this.plan);
    this.progress = new Progress('sync', this.plan.elements, options.onProgress);
  }

  /**
   * @returns whether anything was changed.
   * @throws TooManyDeletes before anything is touched; else what a hook threw, once all that was done before it is saved.
   */
  async perform(): Promise<boolean> {
    const { diff, dst } = this;
    this.checkDeletes();
    diff.operations = this.operations;
    diff.errors = this.failures;
    dst.logger.info('Beginning sync');
    try {
      await this.process(this.plan.roots(), undefined);
    } catch (error) {
      await this.saveAfter(error);
      throw error;
    } finally {
      for (const release of this.holds) release();
    }
    await dst.store.flush();
    this.progress.finish();
    dst.logger.info('Sync complete');
    return this.changed;
  }

  private checkDeletes(): void {
    const { maxDeletes = Infinity, maxDeletePercent = Infinity } = this.options;
    atLeast('maxDeletes', maxDeletes, 0);
    atLeast('maxDeletePercent', maxDeletePercent, 0);
    const { deletes } = this.plan;
    if (deletes <= maxDeletes && maxDeletePercent === Infinity) return;
    // A selection or a plan has lost the unchanged ones.
    const present = this.diff.terms.compared ?? countPresent(this.diff);
    const percent = deletes === 0 ? 0 : (100 * deletes) / present;
    if (deletes <= maxDeletes && percent <= maxDeletePercent) return;
    const limit = deletes > maxDeletes ? `maxDeletes is ${maxDeletes}` : `maxDeletePercent is ${maxDeletePercent}`;
    throw new TooManyDeletes(
      `The sync would delete ${deletes} of ${present} objects of ${this.dst.name}, but ${limit}; nothing was touched`,
    );
  }

  private async saveAfter(error: unknown): Promise<void> {
    try {
      await this.dst.store.flush();
    } catch (unsaved) {
      throw new DiffSyncError(`The sync into ${this.dst.name} failed, and what it had done before could not be saved`, {
        cause: new AggregateError([error, unsaved]),
      });
    }
  }

  /** Siblings and all below them, without recursion. */
  private async process(siblings: Cursor['siblings'], parent: DiffSyncModel | undefined): Promise<void> {
    const stack: Cursor[] = [{ siblings, at: 0, parent, after: undefined, release: undefined }];
    for (let cursor = stack.at(-1); cursor !== undefined; cursor = stack.at(-1)) {
      const group = this.nextGroup(cursor);
      if (group.length > 0) {
        checkAborted(this.options.signal);
        const below = await this.work(group, cursor.parent);
        stack.push(...below.toReversed());
      } else {
        stack.pop();
        const last = cursor.after === undefined ? [] : [cursor.after];
        await this.settle(last, await this.call(last));
        cursor.release?.();
      }
    }
  }

  /** The next siblings that are worked on together, past those at and below which nothing is to be done. */
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
      if (this.done.has(node)) continue;
      const first = group[0] ?? node;
      const alike = node.model === first.model && node.action === first.action;
      const most = first.action === null ? 1 : maxGroupSize(first, this.batchSize, this.concurrency);
      if (!alike || group.length >= most) break;
      group.push(node);
    }
    return group;
  }

  /** @returns what is to be done below. */
  private async work(group: readonly SyncNode[], parent: DiffSyncModel | undefined): Promise<Cursor[]> {
    const ready: Frame[] = [];
    const below = new Map<SyncNode, Cursor>();
    const descend = (frame: Frame, after?: Frame): void => {
      const siblings = this.plan.below(frame.node);
      if (siblings.length > 0 || after !== undefined) {
        below.set(frame.node, { siblings, at: 0, parent: frame.model, after, release: frame.release });
      }
    };
    for (const node of group) {
      const frame = await this.begin(node, parent);
      if (node.action === null) {
        if (this.passUnchanged(frame)) descend(frame);
      } else if (!(await this.isWanted(node))) {
        if (node.action === 'update') descend(frame);
      } else if (isDeletedLast(frame)) {
        descend(frame, frame);
      } else {
        ready.push(frame);
      }
    }
    for (const frame of await this.settle(ready, await this.call(ready))) descend(frame);
    return group.flatMap((node) => below.get(node) ?? []);
  }

  private async begin(node: SyncNode, parent: DiffSyncModel | undefined): Promise<Frame> {
    if (node.action === 'delete') this.plan.moves.delete(keyOf(node));
    const frame: Frame = { node, parent, model: await this.cache.get(node) };
    frame.model?.setStatus(DiffSyncStatus.UNKNOWN);
    return frame;
  }

  /** @returns whether to go on with what is below. */
  private passUnchanged({ node, model }: Frame): boolean {
    this.logUnchanged(node.element);
    if (model === undefined) {
      this.noObject(node);
      return false;
    }
    this.progress.advance(1);
    return true;
  }

  /** Most of a large diff: without looking at the target's objects. */
  private passInactive(top: DiffElement): void {
    const pass = (element: DiffElement): void => {
      checkAborted(this.options.signal);
      this.logUnchanged(element);
      this.progress.advance(1);
    };
    pass(top);
    const below = top.getChildren();
    if (below.length > 0) for (const { element } of walk(below)) pass(element);
  }

  private logUnchanged(element: DiffElement): void {
    if ((this.flags & DiffSyncFlags.LOG_UNCHANGED_RECORDS) === 0) return;
    const params = about({ element, action: null, uid: this.plan.uidOf(element) }, DiffSyncStatus.SUCCESS);
    this.dst.logger.debug('No changes to apply; no action needed', params);
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

  private async call(frames: readonly Frame[]): Promise<HookOutcome[]> {
    const { logger } = this.dst;
    for (const frame of frames) {
      const { node } = frame;
      if (node.action === 'create') {
        checkLink(node.element, frame.parent);
        await this.deleteMovedFirst(frame);
      }
      if (logger.isEnabled(2)) logger.debug(`Attempting model ${node.action ?? ''}`, about(node));
    }
    return callHooks(frames, this.dst, this.concurrency);
  }

  /**
   * Saves what the hooks of siblings did, in their order, whatever the order in which they ended.
   * @returns those whose children are to be looked at. @throws the first failure that ends the sync, once all is saved.
   */
  private async settle(frames: readonly Frame[], outcomes: readonly HookOutcome[]): Promise<Frame[]> {
    const open: Frame[] = [];
    let fatal: { readonly error: unknown } | undefined;
    for (const [at, frame] of frames.entries()) {
      const outcome = outcomes[at] as HookOutcome;
      if ('error' in outcome) {
        const error = this.report(frame.node, outcome.error);
        if (this.goesOnAfter(error)) this.noObject(frame.node);
        else fatal ??= { error };
      } else if (outcome.model === null) {
        this.report(frame.node, missingModelError(frame.node), DiffSyncStatus.FAILURE);
        this.noObject(frame.node);
      } else if (await this.save(frame, outcome.model)) {
        open.push(frame);
      }
    }
    if (fatal !== undefined) throw fatal.error;
    return open;
  }

  /** @returns whether the children are to be looked at. */
  private async save(frame: Frame, model: DiffSyncModel): Promise<boolean> {
    const { node, parent } = frame;
    const { store } = this.dst;
    const skipChildren = ((frame.model?.modelFlags ?? 0) & DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE) !== 0;
    const hasBelow = node.end > node.index + 1 && !isDeletedLast(frame);
    const [status, message] = model.getStatus();
    this.setStatus(node, status, message);
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
        await this.removeWithChildren(node, model, parent);
        return false;
      }
      if (hasBelow) this.hold(frame);
      parent?.removeChild(model);
      this.cache.set(node, undefined);
      await deferRemove(store, model);
    }
    this.record(node);
    this.progress.advance(1);
    return true;
  }

  /** An object that moved is deleted at its old place before it is created at the new one. */
  private async deleteMovedFirst(frame: Frame): Promise<void> {
    const { moves } = this.plan;
    const key = keyOf(frame.node);
    const old = moves.get(key);
    if (old === undefined) return;
    moves.delete(key);
    const wasAside = this.cache.outOfOrder;
    this.cache.outOfOrder = true;
    const above = this.plan.parentOf(old);
    const parent = above && (await this.cache.get(above));
    if (!(await this.isDroppedSilently(old))) {
      await this.process([old], parent);
    } else if (frame.model !== undefined) {
      await this.removeWithChildren(old, frame.model, parent);
    }
    this.done.add(old);
    this.cache.outOfOrder = wasAside;
    frame.model = await this.cache.get(frame.node);
  }

  /** Whether something above is deleted with SKIP_CHILDREN_ON_DELETE, so that this object's own hook is not to be called. */
  private async isDroppedSilently(node: SyncNode): Promise<boolean> {
    for (let above = this.plan.parentOf(node); above !== undefined; above = this.plan.parentOf(above)) {
      if (above.action !== 'delete') return false;
      const flags = (await this.cache.get(above))?.modelFlags ?? DiffSyncModelFlags.NONE;
      if ((flags & DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE) !== 0) return true;
    }
    return false;
  }

  /** An object and all below it go from the store in one step, however long their hooks take: see `holdDeferred`. */
  private hold(frame: Frame): void {
    const release = pauseFlush(this.dst.store);
    this.holds.add(release);
    frame.release = (): void => {
      this.holds.delete(release);
      release();
    };
  }

  /** Drops an object from the store, and all below it without calling their hooks. */
  private async removeWithChildren(
    node: SyncNode,
    model: DiffSyncModel,
    parent: DiffSyncModel | undefined,
  ): Promise<void> {
    const release = pauseFlush(this.dst.store);
    try {
      parent?.removeChild(model);
      await deferRemove(this.dst.store, model, { removeChildren: true });
    } finally {
      release();
    }
    for (const gone of this.plan.within(node)) {
      this.cache.set(gone, undefined);
      this.plan.moves.delete(keyOf(gone));
      this.record(gone);
    }
  }

  /** @returns the error to throw or to keep: a hook's own error says where it happened. */
  private report(node: SyncNode, error: unknown, status = DiffSyncStatus.ERROR): unknown {
    const { element, uid } = node;
    const path = this.plan.path(node);
    const action = node.action as DiffSyncAction;
    const location = { adapter: this.dst.name, action, model: element.type, uniqueId: uid, path };
    if (error instanceof ObjectCrudException) {
      this.setStatus(node, status, error.message);
      this.failures.push({ location, error });
      return error;
    }
    const where = path.length === 0 ? '' : ` below ${path.join(' / ')}`;
    const reason = error instanceof Error ? error.message : String(error);
    const message = `${this.dst.name}: ${action} of ${element.type} "${uid}"${where} failed: ${reason}`;
    const wrapped = new SyncHookError(message, location, { cause: error });
    if (this.options.continueOnFailure === true) this.setStatus(node, status, message);
    this.failures.push({ location, error: wrapped });
    return wrapped;
  }

  private goesOnAfter(error: unknown): boolean {
    if (this.options.continueOnFailure === true) return true;
    return error instanceof ObjectCrudException && (this.flags & DiffSyncFlags.CONTINUE_ON_FAILURE) !== 0;
  }

  private setStatus(node: SyncNode, status: DiffSyncStatus, message: string): void {
    node.element.status = status;
    node.element.message = message;
    const { logger } = this.dst;
    if (status === DiffSyncStatus.SUCCESS) {
      if (logger.isEnabled(1)) logger.info(message, about(node, status));
    } else if (status === DiffSyncStatus.FAILURE) logger.warning(message, about(node, status));
    else logger.error(message, about(node, status));
  }

  private noObject(node: SyncNode): void {
    this.dst.logger.warning('No object resulted from sync, will not process child objects.', about(node));
  }

  private record({ element, action, uid }: SyncNode): void {
    if (action === null) return;
    const known = this.operations.get(element.type) ?? { create: [], update: [], delete: [] };
    this.operations.set(element.type, known);
    known[action].push(uid);
  }

  private get flags(): DiffSyncFlags {
    return this.options.flags ?? DiffSyncFlags.NONE;
  }
}

/** How many elements stand for an object of the target. */
function countPresent(diff: Diff): number {
  let present = 0;
  for (const { element } of walk(diff.getChildren())) if (element.destAttrs !== null) present++;
  return present;
}

function isDeletedLast({ node, model }: Frame): boolean {
  const flags = model?.modelFlags ?? DiffSyncModelFlags.NONE;
  const natural = node.aboveMove || (flags & DiffSyncModelFlags.NATURAL_DELETION_ORDER) !== 0;
  return node.action === 'delete' && natural && (flags & DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE) === 0;
}

/** Before a hook is called: the outside world is never changed for an object that cannot be linked. */
function checkLink({ type }: DiffElement, parent: DiffSyncModel | undefined): void {
  const mapping = parent?.getChildrenMapping();
  if (parent === undefined || mapping === undefined || Object.hasOwn(mapping, type)) return;
  const valid = Object.keys(mapping).toSorted().join(', ');
  throw new ObjectStoreWrongType(
    `Unable to store ${type} as a child of ${parent.getType()}; valid types are [${valid}]`,
  );
}

function atLeast(option: string, value: number, least: number): number {
  if (value >= least) return value;
  throw new ValueError(`${option} is ${value}, not a number from ${least} on`);
}

function about(
  { element, action, uid }: Pick<SyncNode, 'element' | 'action' | 'uid'>,
  status?: DiffSyncStatus,
): LogParams {
  const params = { action, model: element.type, uniqueId: uid, diffs: element.getAttrsDiffs() };
  return status === undefined ? params : { ...params, status };
}
