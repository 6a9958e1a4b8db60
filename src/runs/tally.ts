import { doInSteps, ITEMS_PER_STEP, type Steps } from '../async/steps.js';
import type { Diff, DiffElement } from '../diff/diff.js';
import type { DiffSummary } from '../diff/diff-render.js';
import { walk, type WalkEntry } from '../diff/diff-walk.js';
import { deletedBySync } from '../engine/apply/deleted-objects.js';
import type { SyncFilter } from '../engine/apply/sync-options.js';
import { checkAborted, type Side } from '../engine/side.js';
import type { ModelTally } from './sync-run.js';

/** What a diff has compared and would change. */
export interface DiffTally {
  /** As `diff.summary()`. */
  readonly counts: DiffSummary;
  readonly models: Readonly<Record<string, ModelTally>>;
  /** The elements that have a change, in the order of `diff.changes()`. */
  readonly changed: readonly WalkEntry<DiffElement>[];
  /** The objects that are deleted at one place and created at another, as `model uid`. */
  readonly moved: ReadonlySet<string>;
}

type Counts = { -readonly [K in keyof ModelTally]: number };

/** Counts what a diff has compared and would change, in one walk: most of a large diff is unchanged. */
export async function tallyOf(diff: Diff, signal: AbortSignal): Promise<DiffTally> {
  return doInSteps(counting(diff), () => checkAborted(signal));
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
    addTo(deleted, key.slice(0, space), key.slice(space + 1));
  }
  return deleted;
}

/** Returns by model the unique ids of the objects that would be updated. */
export function updatedByModel({ changed }: DiffTally): ReadonlyMap<string, readonly string[]> {
  const updated = new Map<string, string[]>();
  for (const { element } of changed) if (element.action === 'update') addTo(updated, element.type, uidOf(element));
  return updated;
}

function* counting(diff: Diff): Steps<DiffTally> {
  const counts: DiffSummary = { create: 0, update: 0, delete: 0, 'no-change': 0, skip: 0 };
  const models = new Map<string, Counts>();
  const changed: WalkEntry<DiffElement>[] = [];
  const places = { create: new Set<string>(), delete: new Set<string>() };
  let walked = 0;
  for (const entry of walk(diff.getChildren())) {
    if (walked++ % ITEMS_PER_STEP === 0) yield;
    const { element } = entry;
    const { type, action, linkOnly } = element;
    counts[action ?? 'no-change']++;
    if (action !== null) changed.push(entry);
    if (linkOnly) continue;
    const known = models.get(type) ?? { source: 0, target: 0, create: 0, update: 0, delete: 0 };
    models.set(type, known);
    if (action !== 'delete') known.source++;
    if (action !== 'create') known.target++;
    if (action === null) continue;
    known[action]++;
    if (action !== 'update') places[action].add(keyOf(element));
  }
  for (const [type, count] of diff.leftOut) {
    const known = models.get(type) ?? { source: 0, target: 0, create: 0, update: 0, delete: 0 };
    models.set(type, { ...known, source: known.source + count, target: known.target + count });
    counts['no-change'] += count;
  }
  const moved = new Set([...places.delete].filter((key) => places.create.has(key)));
  for (const { element } of moved.size === 0 ? [] : changed) {
    yield;
    const { type, action, linkOnly } = element;
    const known = models.get(type);
    if (linkOnly || action === null || action === 'update' || known === undefined) continue;
    if (moved.has(keyOf(element))) known[action]--;
  }
  return { counts, models: Object.fromEntries(models), changed, moved };
}

/** Returns the unique id of an element's object in the target. */
export function uidOf(element: DiffElement): string {
  return element.comparedUid ?? element.name;
}

/** Returns `model uid`. */
export function keyOf(element: DiffElement): string {
  return `${element.type} ${uidOf(element)}`;
}

function addTo(lists: Map<string, string[]>, key: string, item: string): void {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  list.push(item);
}
