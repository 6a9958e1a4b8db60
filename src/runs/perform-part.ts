import type { Adapter } from '../adapter/adapter.js';
import type { Diff, DiffElement } from '../diff/diff.js';
import type { DiffOptions } from '../engine/compare/differ.js';
import type { ObjectsOfPart } from '../engine/compare/partition.js';
import { abortedError } from '../engine/side.js';
import { ValueError } from '../errors.js';
import { getOwn } from '../values/own-property.js';
import { isUnderWayHere } from './interrupted.js';
import { endedBy } from './load-sides.js';
import { performRun } from './perform-run.js';
import type { PerformPartOptions } from './run-options.js';
import { RunGuards } from './run-guards.js';
import type { FoundInPart, RunPart, RunPartResult } from './run-parts.js';
import { partRunId } from './run-parts.js';
import { RunStore } from './run-store.js';
import { tallyOf, uidOf, type DiffTally } from './tally.js';

/** The sides in this process's own memory: the run for which each was loaded here last. */
const loaded = new WeakMap<Adapter, { readonly run: string; readonly done: Promise<unknown> }>();

/** Performs a part of a run, as `SyncRunner.performPart` says. */
export async function performPart(part: RunPart, options: PerformPartOptions): Promise<RunPartResult> {
  const { source, target, signal = new AbortController().signal } = options;
  for (const name of part.functions) {
    if (options[name] === undefined) {
      throw new ValueError(
        `The run ${part.run} has the option ${name}, which is no plain value: pass it to performPart, too`,
      );
    }
  }
  await loadHere(part, source, 'source', signal);
  await loadHere(part, target, 'target', signal);
  return part.step === 'compare' ? comparePart(part, options, signal) : syncPart(part, options, signal);
}

/** Loads a side that only its own process has, unless the run is under way in this one. */
async function loadHere(
  { run, load }: RunPart,
  adapter: Adapter,
  side: 'source' | 'target',
  signal: AbortSignal,
): Promise<void> {
  if ((load !== 'both' && load !== side) || adapter.store.address !== undefined || isUnderWayHere(run)) return;
  let known = loaded.get(adapter);
  if (known?.run !== run) loaded.set(adapter, (known = { run, done: adapter.reload() }));
  try {
    const { done } = known;
    await endedBy(signal, () => done);
  } catch (error) {
    // The load of an ended part may still go on: the next part waits for it.
    if (!signal.aborted) loaded.delete(adapter);
    throw error;
  }
}

function termsOf(part: RunPart, { filters, diffClass }: PerformPartOptions): DiffOptions {
  const { flags, modelTypes, syncAttrs, excludeAttrs } = part.options;
  const partition = { index: part.index, of: part.of, among: part.found?.changed };
  return { flags, modelTypes, syncAttrs, excludeAttrs, filters, diffClass, partition };
}

async function comparePart(part: RunPart, options: PerformPartOptions, signal: AbortSignal): Promise<RunPartResult> {
  const { source, target, onProgress, syncFilter } = options;
  try {
    const diff = await target.diffFrom(source, {
      ...termsOf(part, options),
      signal,
      onProgress: (_, current, total) => onProgress?.(current, total),
    });
    const tally = await tallyOf(diff, signal);
    const guards = new RunGuards(source, target, undefined, []);
    guards.skipDeletes(part.withoutDeletes);
    const { counts, models } = tally;
    const affected = await guards.affectedBy(diff, tally, syncFilter, signal);
    return { counts, models, ...affected, changed: changedAtTop(diff, tally) };
  } catch (error) {
    throw abortedError(error, signal);
  }
}

/** Returns the objects at the top that have changes, or have some below them, in the order in which they were compared. */
function changedAtTop(diff: Diff, { changed }: DiffTally): ObjectsOfPart | undefined {
  const tops = new Set<DiffElement>();
  for (let entry of changed) {
    while (entry.parent !== undefined) entry = entry.parent;
    tops.add(entry.element);
  }
  const byModel = new Map<string, string[]>();
  let length = 0;
  for (const element of diff.getAddedChildren()) {
    if (!tops.has(element)) continue;
    const uid = uidOf(element);
    length += uid.length;
    if (length > MAX_NAMES_LENGTH) return undefined;
    const uids = byModel.get(element.type);
    if (uids === undefined) byModel.set(element.type, [uid]);
    else uids.push(uid);
  }
  return Object.fromEntries(byModel);
}

async function syncPart(part: RunPart, options: PerformPartOptions, signal: AbortSignal): Promise<RunPartResult> {
  const { source, target, onProgress, syncFilter, filters, diffClass } = options;
  const { flags, continueOnFailure, concurrency, batchSize } = part.options;
  const terms = termsOf(part, options);
  const { run: whole, index, of, label, by, history } = part;
  const run = await performRun({
    source,
    target,
    kind: 'sync',
    id: await freeId(part, target),
    part: { run: whole, index, of },
    label,
    by,
    load: 'none',
    history,
    retention: { runs: Infinity, days: Infinity },
    guards: false,
    withoutDeletes: part.withoutDeletes,
    // Another part of the run may be at work on the target in this process.
    exclusive: { joins: whole, waitMs: WAIT_MS },
    signal,
    onProgress: (phase, current, total) => {
      if (phase === 'apply') onProgress?.(current, total ?? current);
    },
    compare: (given) => target.diffFrom(source, { ...terms, ...given }),
    sync: { flags, filters, diffClass, syncFilter, continueOnFailure, concurrency, batchSize },
  });
  const { counts = NO_COUNTS, models } = run;
  return { ...withFound(part.found, counts, models), deleted: {}, updated: {}, run };
}

/** Returns what the whole part was compared as, of which a narrowed one has compared the changes alone. */
function withFound(
  found: FoundInPart | undefined,
  counts: RunPartResult['counts'],
  models: RunPartResult['models'],
): Pick<RunPartResult, 'counts' | 'models'> {
  if (found?.changed === undefined) return { counts, models };
  const { create, update, delete: deleted } = counts;
  const all = Object.entries(found.models).map(([model, { source, target }]) => {
    const { create: made = 0, update: set = 0, delete: gone = 0 } = getOwn(models, model) ?? {};
    return [model, { source, target, create: made, update: set, delete: gone }] as const;
  });
  return { counts: { ...found.counts, create, update, delete: deleted }, models: Object.fromEntries(all) };
}

/** So many characters of unique ids go with a part, which a queue keeps: those of some thousand objects. */
const MAX_NAMES_LENGTH = 64 * 1024;
/** How long a part waits for another one in the same process: a part takes as long as its hooks. */
const WAIT_MS = 24 * 60 * 60 * 1000;
const NO_COUNTS = { create: 0, update: 0, delete: 0, 'no-change': 0, skip: 0 };

/** Returns the id of the next attempt to perform a part. */
async function freeId({ run, index, history }: RunPart, target: Adapter): Promise<string> {
  if (!history) return partRunId(run, index, 0);
  const runs = await RunStore.of(target.store);
  return partRunId(run, index, (await runs.attemptsOf(run, index)).length);
}
