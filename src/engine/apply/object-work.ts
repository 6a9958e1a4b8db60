import { Pace } from '../../async/event-loop.js';
import { ObjectNotCreated, ObjectStoreWrongType } from '../../errors.js';
import { DiffSyncStatus } from '../../flags.js';
import { settleLists, type DiffSyncModel } from '../../model/diffsync-model.js';
import {
  bindFor,
  deferAdd,
  deferPatch,
  deferRemove,
  deferRemoveBelow,
  isFlushDue,
  snapshotOf,
} from '../../store/engine-access.js';
import { isDeepEqual } from '../../values/deep-equal.js';
import { checkAborted, type Side } from '../side.js';
import type { AtomicSubtrees } from './atomic-subtrees.js';
import { callHooks, missingModelError, type HookCaller, type HookFailure, type HookOutcome } from './call-hooks.js';
import { isDeletedLast, skipsChildren, type FoundNode, type Frame } from './frame.js';
import {
  checkAnswer,
  checkType,
  completeAnswer,
  emptyChildLists,
  hasOtherUid,
  statusOf,
  type HookStatus,
} from './hook-answer.js';
import { OtherParents } from './other-parents.js';
import type { SyncLinks } from './sync-links.js';
import type { SyncMoves } from './sync-moves.js';
import type { Fault, SyncEntry, SyncNode, SyncPlan } from './sync-plan.js';
import type { SyncReport } from './sync-report.js';
import type { TargetCache } from './target-cache.js';

/** The parts of one sync. */
export interface SyncParts {
  readonly plan: SyncPlan;
  readonly dst: Side;
  readonly cache: TargetCache;
  readonly moves: SyncMoves;
  /** The deletes of objects that are created at another place. */
  readonly moving: ReadonlySet<SyncNode>;
  /** Whether parents that are not in the diff may list what is deleted. */
  readonly hidesParents: boolean;
  readonly links: SyncLinks;
  readonly report: SyncReport;
  readonly subtrees: AtomicSubtrees;
  readonly caller: HookCaller;
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
}

/** Deletes objects that move, with everything below them, before they are created at their new places. */
export type DeleteMoved = (olds: readonly SyncNode[]) => Promise<void>;

const HIDDEN_PARENT = 'a parent that the comparison has left out lists it';

/** Calls the hooks of objects, and saves what they did. */
export class ObjectWork {
  private readonly otherParents: OtherParents;
  private readonly pace = new Pace();
  /** Keys of all objects that the plan deletes. */
  private planned: ReadonlySet<string> | undefined;

  constructor(
    private readonly parts: SyncParts,
    private readonly deleteMoved: DeleteMoved,
  ) {
    this.otherParents = new OtherParents(parts.dst);
  }

  /** Begins to apply a node, whose object is in the cache. */
  openFrame({ node, parent }: FoundNode): Frame {
    const { cache } = this.parts;
    const frame: Frame = { node, parent, model: cache.get(node), fault: node.fault ?? cache.faultOf(node) };
    frame.model?.setStatus(DiffSyncStatus.UNKNOWN);
    return frame;
  }

  /**
   * Calls the hooks of objects with one model and action, and saves what they did in the order of the objects.
   * @returns the frames of which `entriesBelow` are applied next.
   * @throws the first failure that ends the sync, after all that was done is saved.
   */
  async run(frames: readonly Frame[]): Promise<Frame[]> {
    const { caller, links, moves, report, concurrency, signal } = this.parts;
    const action = frames[0]?.node.action;
    let ready = frames;
    if (action === 'create') {
      for (const frame of frames) frame.fault ??= linkFault(frame);
      if (!moves.isEmpty) ready = await this.prepareCreates(frames);
    }
    if (action === 'delete' && this.prepares(frames)) ready = await this.prepareDeletes(frames);
    for (const frame of ready) {
      report.logAttempt(frame.node);
      if (frame.model !== undefined) settleLists(frame.model);
      if (action === 'update') takeSnapshot(frame);
    }
    const goesOn = (outcome: HookOutcome): boolean =>
      signal?.aborted !== true && (!('error' in outcome) || report.goesOnAfter(outcome.error));
    const outcomes = await callHooks(ready, caller, concurrency, goesOn);
    const below = await this.saveOutcomes(ready, outcomes);
    if (action === 'create' && !links.isEmpty) await links.settleCreates(frames.map(({ node }) => node));
    if (outcomes.includes(undefined)) checkAborted(signal);
    return below;
  }

  /** Returns the children of a node; of one that is deleted with everything below it, only what stays all the same. */
  entriesBelow(frame: Frame): readonly SyncEntry[] {
    const { plan } = this.parts;
    if (!skipsChildren(frame)) return plan.childrenOf(frame.node);
    const staying: SyncNode[] = [];
    for (const node of plan.subtree(frame.node)) {
      if (node.action !== 'delete' && node.index >= (staying.at(-1)?.end ?? 0)) staying.push(node);
    }
    return staying;
  }

  /** Removes an object and everything below it from the store, without calling any hooks. */
  private async drop(node: SyncNode, known: DiffSyncModel, parent: DiffSyncModel | undefined): Promise<void> {
    const { dst, links, plan, cache, moves, report, subtrees } = this.parts;
    await links.unlinkAround(node);
    const model = (await cache.aside(node)) ?? known;
    const kept = new Set<string>();
    const subtree = subtrees.open();
    try {
      deferRemove(dst.store, model, parent);
      await deferRemoveBelow(dst.store, model, async (type, uids, own) => {
        const found = await this.otherParents.keep(type, uids, own);
        for (const uid of found) kept.add(`${type} ${uid}`);
        return found;
      });
    } finally {
      subtree.close();
    }
    let end = 0;
    for (const dropped of plan.subtree(node)) {
      const { action, element } = dropped;
      if (dropped.index < end) continue;
      const isKept = kept.has(dropped.key);
      // What stays, because another parent lists it, stays with everything below it.
      if (action !== 'delete' || isKept) end = dropped.end;
      if (action !== 'delete' || element.linkOnly) continue;
      if (isKept) {
        report.leaveOut(dropped, HIDDEN_PARENT);
        element.outcome = 'unlinked';
        continue;
      }
      if (dropped !== node && moves.isSettled(dropped)) {
        end = dropped.end; // It was taken out before, with everything below it that did not stay.
        continue;
      }
      cache.set(dropped, undefined);
      moves.begin(dropped);
      report.recordOperation(dropped);
      element.message = 'Deleted with its parent';
      element.outcome = 'deleted-with-parent';
    }
    if (isFlushDue(dst.store)) await dst.store.flush();
  }

  /** Deletes moved objects at their old places, and leaves out those whose delete is left out. */
  private async prepareCreates(frames: readonly Frame[]): Promise<readonly Frame[]> {
    const { cache, moves, plan } = this.parts;
    const ready: Frame[] = [];
    const moved: Frame[] = [];
    const olds: SyncNode[] = [];
    for (const frame of frames) {
      if (frame.fault !== undefined) {
        ready.push(frame); // It fails, and stays where it is.
        continue;
      }
      const before = await moves.beforeCreate(frame.node, frame.model !== undefined);
      if (before === 'leave') continue;
      ready.push(frame);
      if (moves.oldOf(frame.node) !== undefined) moved.push(frame);
      if (before === undefined) continue;
      const { old, drop } = before;
      if (!drop) {
        olds.push(old);
        continue;
      }
      moves.settle(old);
      const above = plan.parentOf(old);
      const model = await cache.aside(old);
      if (model !== undefined) await this.drop(old, model, above && (await cache.aside(above)));
    }
    if (olds.length > 0) await this.deleteMoved(olds);
    // A delete for one of these creates may have deleted what another one creates.
    await cache.load(moved.map(({ node }) => node));
    for (const frame of moved) frame.model = await cache.aside(frame.node);
    return ready;
  }

  /** Whether something is unlinked before these deletes, or may keep one from being done. */
  private prepares(frames: readonly Frame[]): boolean {
    const { links, hidesParents } = this.parts;
    return !links.isEmpty || hidesParents || frames.some((frame) => isDeletedLast(frame) || skipsChildren(frame));
  }

  /** Unlinks what is deleted; what fails without a call of its hook stays as it is. */
  private async prepareDeletes(frames: readonly Frame[]): Promise<readonly Frame[]> {
    const sound = frames.filter(({ fault }) => fault === undefined);
    if (sound.length === frames.length) return this.unlinkDeletes(frames);
    const deletable = new Set(await this.unlinkDeletes(sound));
    return frames.filter((frame) => frame.fault !== undefined || deletable.has(frame));
  }

  /** Unlinks what is deleted, and takes out of a parent that goes with everything below it what stays or moves. */
  private async unlinkDeletes(frames: readonly Frame[]): Promise<readonly Frame[]> {
    const { cache, links, moves, plan, report, hidesParents } = this.parts;
    const ready = frames.filter((frame) => {
      const failed = isDeletedLast(frame) ? report.failedDeleteBelow(frame.node) : undefined;
      if (failed !== undefined) report.leaveOut(frame.node, `the delete of ${failed.key} below it failed`);
      return failed === undefined;
    });
    const unlinked = links.isEmpty ? ready : await this.unlinkFirst(ready);
    const deletable = hidesParents ? await this.withoutHiddenLinks(unlinked) : unlinked;
    for (const frame of deletable) {
      if (!skipsChildren(frame)) continue;
      await links.unlinkAround(frame.node);
      for (const moving of moves.takeOutBelow(frame.node)) {
        const above = plan.parentOf(moving);
        const model = await cache.aside(moving);
        if (model !== undefined) await this.drop(moving, model, above && (await cache.aside(above)));
      }
      // What was taken out is no longer in its child lists.
      frame.model = (await cache.aside(frame.node)) ?? frame.model;
    }
    return deletable;
  }

  /** Removes the surplus links of objects. @returns those that no parent lists any more. */
  private async unlinkFirst(frames: readonly Frame[]): Promise<readonly Frame[]> {
    const { links, report } = this.parts;
    await links.unlinkFirst(frames.map(({ node }) => node));
    return frames.filter(({ node }) => {
      const lister = links.stillListedBy(node);
      if (lister !== undefined) report.leaveOut(node, `${lister} still lists it`);
      return lister === undefined;
    });
  }

  /** Leaves out what a parent outside of the comparison lists, whose list must not name what is gone, and unlinks it alone. */
  private async withoutHiddenLinks(frames: readonly Frame[]): Promise<readonly Frame[]> {
    const { links, plan, moving, report } = this.parts;
    const [first] = frames;
    if (first === undefined) return frames;
    // What the plan deletes is not hidden, and neither is the parent at the place of the delete.
    const planned = (this.planned ??= plannedDeletes(plan));
    const parents = new Set(frames.flatMap(({ node }) => plan.parentOf(node)?.key ?? []));
    const own = { has: (key: string): boolean => planned.has(key) || parents.has(key) };
    const uids = frames.filter(({ node }) => !moving.has(node)).map(({ node }) => node.uid);
    const listed = await this.otherParents.keep(first.node.element.type, uids, own);
    if (listed.size === 0) return frames;
    const isKept = ({ node }: Frame): boolean => listed.has(node.uid) && !moving.has(node);
    const kept = frames.filter(isKept);
    await links.unlinkKept(kept);
    for (const { node } of kept) {
      if (report.hasFailed(node)) continue;
      report.leaveOut(node, HIDDEN_PARENT);
      node.element.outcome = 'unlinked';
    }
    return frames.filter((frame) => !isKept(frame));
  }

  /**
   * Saves what all the hooks did, and then reports it. A store that fails meanwhile keeps no later answer from being saved: what
   * it could not write stays pending, and is written when the sync ends.
   */
  private async saveOutcomes(
    frames: readonly Frame[],
    outcomes: readonly (HookOutcome | undefined)[],
  ): Promise<Frame[]> {
    const { dst } = this.parts;
    const results: HookResult[] = [];
    let storeFailure: { readonly error: unknown } | undefined;
    const noteFailure = (error: unknown): undefined => void (storeFailure ??= { error });
    for (let at = 0; at < frames.length; at++) {
      const frame = frames[at] as Frame;
      const due = this.pace.yieldIfDue();
      if (due !== undefined) await due;
      const answer = outcomes[at];
      if (answer === undefined) continue; // The sync ends before its hook was called.
      const outcome = hasOtherUid(frame, answer)
        ? await this.saveOther(frame, answer.model, noteFailure)
        : this.saveOutcome(frame, answer);
      results.push({ frame, outcome });
      if ('error' in outcome || outcome.model === null) continue;
      if (skipsChildren(frame)) {
        await this.drop(frame.node, frame.model ?? outcome.model, frame.parent).catch(noteFailure);
      } else if (storeFailure === undefined && isFlushDue(dst.store)) await dst.store.flush().catch(noteFailure);
    }
    const open: Frame[] = [];
    let fatal: { readonly error: unknown } | undefined;
    for (const result of results) {
      const failure = this.reportResult(result);
      if (failure !== undefined) fatal ??= failure.endsSync ? failure : undefined;
      else open.push(result.frame);
    }
    const failed = storeFailure ?? fatal;
    if (failed !== undefined) throw failed.error;
    return open;
  }

  private saveOutcome(frame: Frame, outcome: HookOutcome): SavedOutcome {
    if ('error' in outcome) return outcome;
    const { model } = outcome;
    return model === null ? { model } : this.save(frame, model);
  }

  /** Saves an object that a create hook has answered under another unique id than that of the element. */
  private async saveOther(
    frame: Frame,
    answer: DiffSyncModel,
    onStoreFailure: (error: unknown) => undefined,
  ): Promise<SavedOutcome> {
    const taken = await this.takenBy(frame.node, answer).catch(onStoreFailure);
    return taken ?? this.save(frame, answer);
  }

  /** @returns the failure, if it is one. */
  private reportResult({ frame, outcome }: HookResult): { error: unknown; endsSync: boolean } | undefined {
    const { report } = this.parts;
    const { node } = frame;
    if ('error' in outcome) {
      const error = report.recordFailure(node, outcome);
      const endsSync = !report.goesOnAfter(error);
      if (!endsSync) report.logMissingObject(node);
      return { error, endsSync };
    }
    if (outcome.model === null) {
      const error = report.recordFailure(node, { error: missingModelError(node) }, DiffSyncStatus.FAILURE);
      report.logMissingObject(node);
      return { error, endsSync: false };
    }
    const [status, message] = outcome.status;
    report.setStatus(node, status, message);
    if (!skipsChildren(frame)) report.advance(1);
    return undefined;
  }

  /** Returns the failure where another object has the unique id already: it would be replaced. */
  private async takenBy(node: SyncNode, answer: DiffSyncModel): Promise<{ readonly error: unknown } | undefined> {
    const { type } = node.element;
    const uid = answer.getUniqueId();
    const [found] = await this.parts.dst.store.find({ model: type, uids: [uid] });
    if (found === undefined || isDeepEqual(found.toDict(), answer.toDict())) return undefined;
    return {
      error: new ObjectNotCreated(`Failed to create ${type} "${node.uid}" - its hook returned "${uid}", which exists`),
    };
  }

  /** Defers the write of what a hook did. @returns what makes it a failure of this object; else its answer. */
  private save(frame: Frame, answer: DiffSyncModel): SavedOutcome {
    const { dst, cache, report, subtrees } = this.parts;
    const { node, parent } = frame;
    let status: HookStatus;
    try {
      status = statusOf(node, answer);
      if (node.action === 'create') {
        checkType(node, answer);
        emptyChildLists(answer);
        const flags = node.element.input?.flags;
        if (flags !== undefined) answer.modelFlags = flags;
        deferAdd(dst.store, answer, parent);
        bindFor(dst.store, dst, answer);
        cache.set(node, answer);
        frame.model = answer;
      } else if (node.action === 'update') {
        const known = frame.model as DiffSyncModel;
        checkAnswer(node, known, answer);
        if (answer !== known) completeAnswer(known, answer, node.element.getAttrsDiffs()['+'] ?? {});
        if (frame.before !== undefined) deferPatch(dst.store, frame.before, answer);
        if (answer !== known) cache.set(node, answer);
        frame.model = answer;
      } else if (!skipsChildren(frame)) {
        if (frame.atomic === true) frame.subtree = subtrees.open();
        deferRemove(dst.store, frame.model ?? answer, parent);
        cache.set(node, undefined);
      }
    } catch (error) {
      return { error };
    }
    report.changed = true;
    if (!skipsChildren(frame)) report.recordOperation(node);
    return { model: answer, status };
  }
}

/** What came of a hook and of saving its answer. */
type SavedOutcome =
  | HookFailure
  | { readonly model: null }
  | { readonly model: DiffSyncModel; readonly status: HookStatus };

interface HookResult {
  readonly frame: Frame;
  readonly outcome: SavedOutcome;
}

/** Notes what the target's object is before its hook is called. An object that cannot be read fails. */
function takeSnapshot(frame: Frame): void {
  if (frame.model === undefined) return;
  try {
    frame.before = snapshotOf(frame.model);
  } catch (error) {
    frame.fault ??= { error };
  }
}

/** Returns, before a hook is called, why the parent cannot link the object. */
function linkFault({ node: { element }, parent }: Frame): Fault | undefined {
  if (parent === undefined) return undefined;
  const { type } = element;
  try {
    const mapping = parent.getChildrenMapping();
    if (Object.hasOwn(mapping, type)) return undefined;
    const valid = Object.keys(mapping).toSorted().join(', ');
    throw new ObjectStoreWrongType(
      `Unable to store ${type} as a child of ${parent.getType()}; valid types are [${valid}]`,
    );
  } catch (error) {
    return { error };
  }
}

function plannedDeletes(plan: SyncPlan): ReadonlySet<string> {
  const deletes = plan.nodes.filter(({ action, element }) => action === 'delete' && !element.linkOnly);
  return new Set(deletes.map(({ key }) => key));
}
