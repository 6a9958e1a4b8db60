import { Pace } from '../../async/event-loop.js';
import { doInSteps } from '../../async/steps.js';
import type { Diff } from '../../diff/diff.js';
import { overridesChildren } from '../../model/class-inspection.js';
import { DiffSyncModelFlags } from '../../flags.js';
import { DiffSyncModel } from '../../model/diffsync-model.js';
import { childUidsOf, type ObjectView } from '../../record/record-view.js';
import { viewByUids } from '../../store/engine-access.js';
import { checkAborted, type Side } from '../side.js';
import { FilterAnswers } from './filter-answers.js';
import { OtherParents } from './other-parents.js';
import type { SyncFilter } from './sync-options.js';
import { SyncPlan, type SyncNode } from './sync-plan.js';

/** Finds the objects that will be gone after a sync with a diff, as `findDeleted` does. @param syncFilter is asked for each change. */
export async function deletedBySync(
  diff: Diff,
  src: Side,
  dst: Side,
  syncFilter: SyncFilter | undefined,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const plan = await doInSteps(SyncPlan.making(diff, src, dst), () => checkAborted(signal));
  return findDeleted(plan, dst, new FilterAnswers(syncFilter), signal);
}

/**
 * Finds the objects that will be gone after a sync, as `model uid`: those that the plan deletes and creates nowhere else, without what
 * `syncFilter` leaves out, and all that is stored below one that goes with all its children (SKIP_CHILDREN_ON_DELETE), also what
 * the diff does not have. What a parent outside of the diff keeps from being deleted counts.
 * @param signal ends the reads.
 */
export async function findDeleted(
  plan: SyncPlan,
  dst: Side,
  filter: FilterAnswers,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const taking = await takingChildren(plan, dst, signal);
  const deleted = new Set<string>();
  const created = new Set<string>();
  const roots: ObjectView[] = [];
  /** The index behind what goes with its parent, for which the filter is not asked. */
  let takenEnd = 0;
  const pace = new Pace();
  for (let at = 0; at < plan.length; at++) {
    const due = pace.yieldIfDue();
    if (due !== undefined) await due;
    const node = plan.nodeAt(at);
    if (node === undefined || node.element.linkOnly || node.action === null || node.action === 'update') continue;
    const isAsked = filter.asks && at >= takenEnd;
    if (isAsked && !(await filter.isWanted(node))) {
      at = node.end - 1; // Without this change there is none below it.
      continue;
    }
    (node.action === 'delete' ? deleted : created).add(node.key);
    const view = taking.get(node);
    if (view === undefined) continue;
    roots.push(view);
    takenEnd = Math.max(takenEnd, node.end);
  }
  const isMoved = (key: string): boolean => created.has(key);
  const gone = new Set([...deleted].filter((key) => !isMoved(key)));
  await addAllBelow(roots, { gone, isMoved }, dst, signal);
  return gone;
}

/** Finds the deletes of objects that go with all their children, and the objects. */
async function takingChildren(
  plan: SyncPlan,
  { store }: Side,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<SyncNode, ObjectView>> {
  const byType = new Map<string, Map<string, SyncNode>>();
  for (const node of plan.nodes) {
    const { action, element, model, uid } = node;
    if (action !== 'delete' || element.linkOnly) continue;
    const hasChildren = Object.keys(model.getChildrenMapping()).length > 0 || overridesChildren(model, DiffSyncModel);
    if (!hasChildren) continue;
    const nodes = byType.get(element.type) ?? new Map<string, SyncNode>();
    byType.set(element.type, nodes.set(uid, node));
  }
  const taking = new Map<SyncNode, ObjectView>();
  for (const [type, nodes] of byType) {
    for await (const page of viewByUids(store, type, [...nodes.keys()], signal)) {
      for (const view of page) {
        const isTaking = view !== undefined && (view.modelFlags & DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE) !== 0;
        const node = isTaking ? nodes.get(view.getUniqueId()) : undefined;
        if (view !== undefined && node !== undefined) taking.set(node, view);
      }
    }
  }
  return taking;
}

/** Adds what is stored below objects that go with all their children, or move: not what another parent lists. */
async function addAllBelow(
  roots: readonly ObjectView[],
  { gone, isMoved }: { readonly gone: Set<string>; readonly isMoved: (key: string) => boolean },
  dst: Side,
  signal: AbortSignal | undefined,
): Promise<void> {
  const otherParents = new OtherParents(dst, signal);
  const seen = new Set(roots.map(keyOfView));
  const going = { has: (key: string): boolean => gone.has(key) || seen.has(key) };
  for (let level = roots; level.length > 0;) {
    const below = new Map<string, Set<string>>();
    for (const view of level) {
      for (const [type, field] of Object.entries(view.getChildrenMapping())) {
        const uids = below.get(type) ?? new Set<string>();
        below.set(type, uids);
        for (const uid of childUidsOf(view, field)) {
          if (!seen.has(`${type} ${uid}`)) uids.add(uid);
        }
      }
    }
    const next: ObjectView[] = [];
    for (const [type, uids] of below) {
      if (uids.size === 0) continue;
      const unplanned = [...uids].filter((uid) => !gone.has(`${type} ${uid}`));
      const kept = unplanned.length === 0 ? NONE : await otherParents.keep(type, unplanned, going);
      const taken = [...uids].filter((uid) => !kept.has(uid));
      for await (const page of viewByUids(dst.store, type, taken, signal)) {
        for (const view of page) {
          if (view === undefined) continue;
          const key = keyOfView(view);
          // It is created elsewhere, without what is below it here.
          if (!isMoved(key)) gone.add(key);
          seen.add(key);
          next.push(view);
        }
      }
    }
    level = next;
  }
}

const NONE: ReadonlySet<string> = new Set();

function keyOfView(view: ObjectView): string {
  return `${view.getType()} ${view.getUniqueId()}`;
}
