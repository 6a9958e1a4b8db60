import { Pace } from '../async/event-loop.js';
import { changeOfEntry, type ChangedObject } from '../diff/diff-changes.js';
import type { Diff, DiffElement } from '../diff/diff.js';
import { walk, type WalkEntry } from '../diff/diff-walk.js';
import { checkAborted, type Side } from '../engine/side.js';
import { DiffSyncStatus } from '../flags.js';
import { changeOfLine, ChangeWriter, keptChange, lineOfChange, type ChangeParts } from './change-lines.js';
import type { Streaks } from './flapping.js';
import { readRecords } from './read-records.js';
import type { RunRecord } from './run-records.js';
import type { RunStore } from './run-store.js';
import type { ChangeResult, RunResults } from './sync-run.js';
import { uidOf, type DiffTally } from './tally.js';
import type { Withheld } from './withhold.js';

/** What has become of each change, by its index. */
export interface ChangeOutcomes {
  readonly results: readonly ChangeResult[];
  /** Why, of those that failed or were left out. */
  readonly messages: ReadonlyMap<number, string>;
  /** Those of which only the link was removed. */
  readonly unlinked: ReadonlySet<number>;
}

/**
 * Makes the records of all changes, and counts the attributes that differ.
 * @param withheld - The elements whose changes are not made.
 */
export async function partsOfChanges(
  { changed: entries, moved }: DiffTally,
  target: Side,
  withheld: Withheld,
  streaks: Streaks,
  maxLength: number,
  signal: AbortSignal,
): Promise<ChangeParts & { readonly count: number }> {
  const deleted = await readRecords(target.store, deletedObjects(entries), signal);
  const writer = new ChangeWriter(maxLength);
  const pace = new Pace();
  let count = 0;
  for (const entry of entries) {
    const due = pace.yieldIfDue();
    if (due !== undefined) {
      await due;
      checkAborted(signal);
    }
    const { element } = entry;
    const change = changeOfEntry(entry, moved);
    const { model, uid, action } = change;
    const secrets = [...(element.secret ?? [])];
    const reason = withheld.get(element);
    const record = action === 'delete' ? deleted.get(model)?.get(uid) : undefined;
    writer.add(keptChange(change, count++, secrets, reason, record));
    if (change.action !== 'update' || reason !== undefined) continue;
    for (const attribute of Object.keys(change.new)) {
      const [old, changed] = [change.old[attribute], change.new[attribute]];
      streaks.add({ model, uid, attribute, old, new: changed, secret: secrets.includes(attribute) });
    }
  }
  return { ...writer.finish(), count };
}

/**
 * Returns what has become of the changes of a diff, in their order.
 * @param applied - the diff that was applied: all of it, or what is not withheld.
 */
export async function outcomesOf(
  { changed }: DiffTally,
  applied: Diff,
  withheld: Withheld,
  hasEnded: boolean,
): Promise<ChangeOutcomes> {
  const copies = withheld.size === 0 ? undefined : changedElements(applied);
  const results: ChangeResult[] = [];
  const messages = new Map<number, string>();
  const unlinked = new Set<number>();
  const pace = new Pace();
  for (const { element: original } of changed) {
    const due = pace.yieldIfDue();
    if (due !== undefined) await due;
    const reason = withheld.get(original);
    const element = copies === undefined || reason !== undefined ? original : (copies.next().value as DiffElement);
    const result = reason === undefined ? resultOf(element, hasEnded) : 'left-out';
    const message = reason ?? (result === 'done' ? '' : element.message);
    if (message !== '') messages.set(results.length, message);
    if (element.outcome === 'unlinked') unlinked.add(results.length);
    results.push(result);
  }
  return { results, messages, unlinked };
}

/** Counts the outcomes. */
export function countResults({ results }: ChangeOutcomes): RunResults {
  const counts = { done: 0, failed: 0, stale: 0, 'left-out': 0, planned: 0 };
  for (const result of results) counts[result]++;
  return {
    done: counts.done,
    failed: counts.failed,
    stale: counts.stale,
    leftOut: counts['left-out'] + counts.planned,
  };
}

/** Writes the outcomes to the records of the changes that differ from the most frequent one. @returns that one. */
export async function saveOutcomes(
  history: RunStore,
  record: RunRecord,
  { results, messages, unlinked }: ChangeOutcomes,
): Promise<ChangeResult> {
  const done = results.filter((result) => result === 'done').length;
  const rest: ChangeResult = done * 2 >= results.length ? 'done' : 'planned';
  if (messages.size === 0 && results.every((result) => result === rest)) return rest;
  const replaced = new Map<number, string>();
  let part = 0;
  for await (const text of history.chunks(record)) {
    const lines = text.split('\n').slice(0, -1);
    const changes = lines.map((line) => changeOfLine(line));
    const isChanged = changes.some(({ index, result = rest }) => result !== results[index]);
    if (isChanged) {
      const written = changes.map((change) => {
        const message = messages.get(change.index) ?? change.message;
        const result = results[change.index];
        return lineOfChange({
          ...change,
          ...(result === rest ? {} : { result }),
          ...(message === undefined ? {} : { message }),
          ...(unlinked.has(change.index) ? { unlinked: true } : {}),
        });
      });
      replaced.set(part, written.join(''));
    }
    part++;
    if (replaced.size < 64) continue;
    await history.replaceChunks(record.run, replaced);
    replaced.clear();
  }
  if (replaced.size > 0) await history.replaceChunks(record.run, replaced);
  return rest;
}

/** Yields the elements that have a change, in the order of `diff.changes()`. */
function* changedElements(diff: Diff): Generator<DiffElement, undefined, undefined> {
  for (const { element } of walk(diff.getChildren())) if (element.action !== null) yield element;
}

function resultOf({ status, message, outcome }: DiffElement, hasEnded: boolean): ChangeResult {
  if (status === DiffSyncStatus.SUCCESS || outcome === 'deleted-with-parent') return 'done';
  if (status !== DiffSyncStatus.UNKNOWN) return 'failed';
  if (outcome === 'stale') return 'stale';
  return hasEnded || message !== '' ? 'left-out' : 'planned';
}

/** Yields the objects that a diff deletes. */
function* deletedObjects(changed: readonly WalkEntry<DiffElement>[]): Generator<ChangedObject, void, undefined> {
  for (const { element } of changed) {
    if (element.action === 'delete' && !element.linkOnly) yield { model: element.type, uid: uidOf(element) };
  }
}
