import { doInSteps, type Steps } from '../async/steps.js';
import type { Diff, DiffElement } from '../diff/diff.js';
import { walk } from '../diff/diff-walk.js';
import { deletedBySync } from '../engine/apply/deleted-objects.js';
import type { SyncFilter } from '../engine/apply/sync-options.js';
import type { Side } from '../engine/side.js';
import type { ModelTally } from './sync-run.js';

/** What a diff has compared and would change, by model. */
export interface DiffTally {
  readonly models: Readonly<Record<string, ModelTally>>;
  /** Model -> unique ids of the objects that would be updated. */
  readonly updated: ReadonlyMap<string, readonly string[]>;
}

type Counts = { -readonly [K in keyof ModelTally]: number };

/** Counts what a diff has compared and would change. */
export async function tallyOf(diff: Diff, signal: AbortSignal): Promise<DiffTally> {
  return doInSteps(counting(diff), () => signal.throwIfAborted());
}

/** Returns by model the unique ids of the objects that would be gone after a sync with a diff. */
export async function deletedByModel(
  diff: Diff,
  source: Side,
  target: Side,
  syncFilter: SyncFilter | undefined,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const deleted = new Map<string, string[]>();
  for (const key of await deletedBySync(diff, source, target, syncFilter, signal)) {
    const space = key.indexOf(' ');
    const model = key.slice(0, space);
    const uids = deleted.get(model) ?? [];
    deleted.set(model, uids);
    uids.push(key.slice(space + 1));
  }
  return deleted;
}

function* counting(diff: Diff): Steps<DiffTally> {
  const models = Object.create(null) as Record<string, Counts>;
  const updated = new Map<string, string[]>();
  const moving = yield* findingMoved(diff);
  for (const { element } of walk(diff.getAddedChildren(), (each: DiffElement) => each.getAddedChildren())) {
    yield;
    if (element.linkOnly) continue;
    const { type, action } = element;
    const counts = (models[type] ??= { source: 0, target: 0, create: 0, update: 0, delete: 0 });
    const moves = (action === 'create' || action === 'delete') && moving.has(keyOf(element));
    if (action !== 'delete') counts.source++;
    if (action !== 'create') counts.target++;
    if (action !== null && !moves) counts[action]++;
    if (action !== 'update') continue;
    const uids = updated.get(type) ?? [];
    updated.set(type, uids);
    uids.push(uidOf(element));
  }
  return { models: { ...models }, updated };
}

/** Finds the objects that are deleted at one place and created at another, as `model uid`. */
export function* findingMoved(diff: Diff): Steps<ReadonlySet<string>> {
  const places = { create: new Set<string>(), delete: new Set<string>() };
  for (const { element } of walk(diff.getAddedChildren(), (each: DiffElement) => each.getAddedChildren())) {
    yield;
    const { action } = element;
    if ((action === 'create' || action === 'delete') && !element.linkOnly) places[action].add(keyOf(element));
  }
  return new Set([...places.delete].filter((key) => places.create.has(key)));
}

/** Returns the unique id of an element's object in the target. */
export function uidOf(element: DiffElement): string {
  return element.comparedUid ?? element.name;
}

/** Returns `model uid`. */
export function keyOf(element: DiffElement): string {
  return `${element.type} ${uidOf(element)}`;
}
