import { ObjectNotUpdated, ObjectStoreWrongType } from '../../errors.js';
import { DiffSyncStatus } from '../../flags.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import {
  bindFor,
  deferAdd,
  deferPatch,
  deferRemove,
  deferRemoveBelow,
  flushWhenFull,
  snapshotOf,
} from '../../store/engine-access.js';
import type { Side } from '../side.js';
import type { AtomicSubtrees } from './atomic-subtrees.js';
import { callHooks, missingModelError, type HookOutcome } from './call-hooks.js';
import { isDeletedLast, skipsChildren, type FoundNode, type Frame } from './frame.js';
import { OtherParents } from './other-parents.js';
import type { SyncLinks } from './sync-links.js';
import type { SyncMoves } from './sync-moves.js';
import { keyOf, type SyncEntry, type SyncNode, type SyncPlan } from './sync-plan.js';
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
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
}

/** Deletes objects that move, with everything below them, before they are created at their new places. */
export type DeleteMoved = (olds: readonly SyncNode[]) => Promise<void>;

/** Calls the hooks of objects, and saves what they did. */
export class ObjectWork {
  private readonly otherParents: OtherParents;
  /** Keys of all objects that the plan deletes. */
  private planned: ReadonlySet<string> | undefined;

  constructor(
    private readonly parts: SyncParts,
    private readonly deleteMoved: DeleteMoved,
  ) {
    this.otherParents = new OtherParents(parts.dst);
  }

  async openFrame({ node, parent }: FoundNode): Promise<Frame> {
    const frame: Frame = { node, parent, model: await this.parts.cache.get(node) };
    frame.model?.setStatus(DiffSyncStatus.UNKNOWN);
    return frame;
  }

  /**
   * Calls the hooks of objects with one model and action, and saves what they did in the order of the objects.
   * @returns the frames of which `entriesBelow` are applied next.
   * @throws the first failure that ends the sync, after all that was done is saved.
   */
  async run(frames: readonly Frame[]): Promise<Frame[]> {
    const { dst, links, report, concurrency, signal } = this.parts;
    const action = frames[0]?.node.action;
    let ready = frames;
    if (action === 'create') ready = await this.prepareCreates(frames);
    if (action === 'delete') ready = await this.prepareDeletes(frames);
    for (const frame of ready) {
      report.logAttempt(frame.node);
      if (action === 'update' && frame.model !== undefined) frame.before = snapshotOf(frame.model);
    }
    const goesOn = (outcome: HookOutcome): boolean =>
      signal?.aborted !== true && (!('error' in outcome) || report.goesOnAfter(outcome.error));
    const outcomes = await callHooks(ready, dst, concurrency, goesOn);
    const below = await this.saveOutcomes(ready, outcomes);
    if (action === 'create') await links.settleCreates(frames.map(({ node }) => node));
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
      // What another parent lists stays, with everything below it.
      if (kept.has(keyOf(dropped))) end = dropped.end;
      if (dropped.index < end) continue;
      if (action !== 'delete' || element.linkOnly || (dropped !== node && moves.isSettled(dropped))) continue;
      cache.set(dropped, undefined);
      moves.begin(dropped);
      report.recordOperation(dropped);
    }
    await flushWhenFull(dst.store);
  }

  /** Deletes moved objects at their old places, and leaves out those whose delete is left out. */
  private async prepareCreates(frames: readonly Frame[]): Promise<readonly Frame[]> {
    const { cache, moves, plan } = this.parts;
    const ready: Frame[] = [];
    const moved: Frame[] = [];
    const olds: SyncNode[] = [];
    for (const frame of frames) checkLink(frame);
    if (moves.isEmpty) return frames;
    for (const frame of frames) {
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

  /** Unlinks what is deleted, and takes out of a parent that goes with everything below it what stays or moves. */
  private async prepareDeletes(frames: readonly Frame[]): Promise<readonly Frame[]> {
    const { cache, links, moves, plan, report } = this.parts;
    const ready = frames.filter((frame) => {
      const failed = isDeletedLast(frame) ? report.failedDeleteBelow(frame.node) : undefined;
      if (failed !== undefined) report.leaveOut(frame.node, `the delete of ${keyOf(failed)} below it failed`);
      return failed === undefined;
    });
    await links.unlinkFirst(ready.map(({ node }) => node));
    const unlinked = ready.filter(({ node }) => {
      const lister = links.stillListedBy(node);
      if (lister !== undefined) report.leaveOut(node, `${lister} still lists it`);
      return lister === undefined;
    });
    const deletable = await this.withoutHiddenLinks(unlinked);
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

  /** Leaves out what a parent outside of the comparison lists: its list must not name what is gone. */
  private async withoutHiddenLinks(frames: readonly Frame[]): Promise<readonly Frame[]> {
    const { plan, moving, hidesParents, report } = this.parts;
    const [first] = frames;
    if (!hidesParents || first === undefined) return frames;
    // What the plan deletes is not hidden, and neither is the parent at the place of the delete.
    const planned = (this.planned ??= plannedDeletes(plan));
    const parents = new Set(frames.flatMap(({ node }) => plan.parentOf(node) ?? []).map(keyOf));
    const own = { has: (key: string): boolean => planned.has(key) || parents.has(key) };
    const uids = frames.filter(({ node }) => !moving.has(node)).map(({ node }) => node.uid);
    const listed = await this.otherParents.keep(first.node.element.type, uids, own);
    if (listed.size === 0) return frames;
    return frames.filter(({ node }) => {
      const isListed = listed.has(node.uid) && !moving.has(node);
      if (isListed) report.leaveOut(node, 'a parent that the comparison has left out lists it');
      return !isListed;
    });
  }

  /** Saves what all the hooks did, and then reports it: what a logger throws must not keep anything from being saved. */
  private async saveOutcomes(
    frames: readonly Frame[],
    outcomes: readonly (HookOutcome | undefined)[],
  ): Promise<Frame[]> {
    const results: HookResult[] = [];
    for (const [at, frame] of frames.entries()) {
      const outcome = outcomes[at];
      if (outcome === undefined) continue; // The sync ends before its hook was called.
      const result = 'error' in outcome || outcome.model === null ? undefined : this.save(frame, outcome.model);
      results.push({ frame, outcome: result ?? outcome });
      if (result === undefined) continue;
      if (!('error' in result) && skipsChildren(frame))
        await this.drop(frame.node, frame.model ?? result.model, frame.parent);
      else await flushWhenFull(this.parts.dst.store);
    }
    const open: Frame[] = [];
    let fatal: { readonly error: unknown } | undefined;
    for (const result of results) {
      const failure = this.reportResult(result);
      if (failure !== undefined) fatal ??= failure.endsSync ? failure : undefined;
      else open.push(result.frame);
    }
    if (fatal !== undefined) throw fatal.error;
    return open;
  }

  /** @returns the failure, if it is one. */
  private reportResult({ frame, outcome }: HookResult): { error: unknown; endsSync: boolean } | undefined {
    const { report } = this.parts;
    const { node } = frame;
    if ('error' in outcome) {
      const error = report.recordFailure(node, outcome.error);
      const endsSync = !report.goesOnAfter(error);
      if (!endsSync) report.logMissingObject(node);
      return { error, endsSync };
    }
    if (outcome.model === null) {
      const error = report.recordFailure(node, missingModelError(node), DiffSyncStatus.FAILURE);
      report.logMissingObject(node);
      return { error, endsSync: false };
    }
    report.setStatus(node, ...outcome.model.getStatus());
    if (!skipsChildren(frame)) report.advance(1);
    return undefined;
  }

  /** Defers the write of what a hook did. @returns what makes it a failure of this object; else its answer. */
  private save(frame: Frame, answer: DiffSyncModel): { readonly error: unknown } | { readonly model: DiffSyncModel } {
    const { dst, cache, report, subtrees } = this.parts;
    const { node, parent } = frame;
    try {
      answer.getStatus(); // What is no model fails here.
      if (node.action === 'create') {
        emptyChildLists(answer);
        deferAdd(dst.store, answer, parent);
        bindFor(dst.store, dst, answer);
        cache.set(node, answer);
        frame.model = answer;
      } else if (node.action === 'update') {
        const known = frame.model as DiffSyncModel;
        checkAnswer(node, known, answer);
        if (answer !== known) copyChildLists(known, answer);
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
    return { model: answer };
  }
}

/** What came of a hook and of saving its answer. */
interface HookResult {
  readonly frame: Frame;
  readonly outcome: HookOutcome;
}

/** Checks, before a hook is called, that the parent can link the object. @throws ObjectStoreWrongType */
function checkLink({ node: { element }, parent }: Frame): void {
  const { type } = element;
  const mapping = parent?.getChildrenMapping();
  if (parent === undefined || mapping === undefined || Object.hasOwn(mapping, type)) return;
  const valid = Object.keys(mapping).toSorted().join(', ');
  throw new ObjectStoreWrongType(
    `Unable to store ${type} as a child of ${parent.getType()}; valid types are [${valid}]`,
  );
}

function plannedDeletes(plan: SyncPlan): ReadonlySet<string> {
  const deletes = plan.nodes().filter(({ action, element }) => action === 'delete' && !element.linkOnly);
  return new Set(deletes.map(keyOf));
}

/** @throws ObjectNotUpdated if an update hook has returned another object. */
function checkAnswer({ element: { type } }: SyncNode, known: DiffSyncModel, answer: DiffSyncModel): void {
  const [uid, other] = [known.getUniqueId(), answer.getUniqueId()];
  if (other === uid && answer.getType() === type) return;
  throw new ObjectNotUpdated(
    `Failed to update ${type} "${uid}" - its hook returned ${answer.getType()} "${other}"; it returns the same object, or ` +
      `one with the same unique id`,
  );
}

type ChildLists = Record<string, readonly string[] | null | undefined>;

/** Empties the child lists of a new object: its children are linked when they are created. */
function emptyChildLists(model: DiffSyncModel): void {
  const fields = model as unknown as ChildLists;
  for (const field of Object.values(model.getChildrenMapping())) {
    if ((fields[field]?.length ?? 0) > 0) fields[field] = [];
  }
}

/** Gives an object the child lists of another: those of a hook's answer do not count. */
function copyChildLists(from: DiffSyncModel, to: DiffSyncModel): void {
  const known = from as unknown as ChildLists;
  const fields = to as unknown as ChildLists;
  for (const field of Object.values(to.getChildrenMapping())) {
    if ((known[field] ?? fields[field] ?? undefined) !== undefined) fields[field] = [...(known[field] ?? [])];
  }
}
