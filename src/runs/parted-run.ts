import { inspect } from 'node:util';
import type { Diff } from '../diff/diff.js';
import { checkDeletes, hasDeleteLimits } from '../engine/apply/delete-guard.js';
import { mayCross } from '../engine/compare/partition.js';
import { checkAborted } from '../engine/side.js';
import { RunPartFailed } from '../errors.js';
import { countByModel } from '../store/engine-access.js';
import { addNamed } from './check-guards.js';
import { errorOf, type RunDraft } from './run-draft.js';
import type { RunGuards } from './run-guards.js';
import type { RunRecording } from './run-recording.js';
import type { Division } from './run-division.js';
import type { RunWork } from './run-work.js';
import {
  type FoundInPart,
  type PartContext,
  type PartFunction,
  type PartOptions,
  type RunPart,
  type RunPartResult,
} from './run-parts.js';
import type { ModelTally, PartOfRun, RunResults } from './sync-run.js';
import { deletedByModel, type DiffTally } from './tally.js';

/** The parts of one run. */
export class PartedRun {
  /** What was found in each part; undefined where none was compared beforehand. */
  private found: readonly RunPartResult[] | undefined;
  /** What all parts together have compared and done. */
  private sum: Sum = NOTHING;

  constructor(
    private readonly work: RunWork,
    private readonly parts: Division,
    private readonly draft: RunDraft,
    private readonly guards: RunGuards,
  ) {}

  /**
   * Has all parts compared, and looks at the whole, unless nothing can be stopped.
   * @throws SyncRefused
   */
  async checkGuards(sourceObjects: Readonly<Record<string, number>>, signal: AbortSignal): Promise<void> {
    const targetObjects = Object.fromEntries(await countByModel(this.work.target.store, signal));
    if (!this.guards.mayStop(targetObjects) && !hasDeleteLimits(this.work.sync)) return;
    const results = await this.draft.phase('compare', () => this.performAll('compare', 'compare', signal));
    this.found = results.map((result) => unwrap(result));
    const sum = sumOf(this.found);
    await this.draft.phase('guard', async () => {
      this.guards.checkCounts(sum, sourceObjects);
      const { sync, target } = this.work;
      checkDeletes(this.deletesOf(sum.deleted), presentIn(sum.models), target.name, sync, 'nothing was touched');
    });
  }

  /**
   * Has all parts synchronised. One that fails keeps none of the others.
   * @throws RunPartFailed once all have ended, if one has failed.
   */
  async synchronise(recording: RunRecording | undefined, signal: AbortSignal): Promise<void> {
    const { draft } = this;
    const settled = recording === undefined ? new Set<number>() : await this.settledParts(recording);
    const results = await draft.phase('parts', () => this.performAll('sync', 'parts', signal, settled));
    const done = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    this.sum = sumOf(done);
    const runs = done.flatMap(({ run }) => run ?? []);
    const all: PartOfRun[] = [];
    for (const [index, result] of results.entries()) {
      const own = result.status === 'fulfilled' ? result.value.run : undefined;
      const attempts = (await recording?.attemptsOf(index)) ?? (own === undefined ? [] : [own]);
      const error = result.status === 'rejected' ? errorOf(result.reason) : own?.error;
      all.push({
        index,
        runs: attempts.map(({ id }) => id),
        outcome: result.status === 'rejected' ? 'failed' : (own?.outcome ?? 'succeeded'),
        changes: attempts.reduce((sum, { changes }) => sum + changes, 0),
        ...(error === undefined ? {} : { error }),
      });
    }
    Object.assign(draft.facts, { parts: all, counts: this.sum.counts, models: this.sum.models });
    draft.facts.results = runs.map(({ results: each }) => each).reduce(addResults, undefined);
    draft.facts.changes = all.reduce((sum, { changes }) => sum + changes, 0);
    checkAborted(signal);
    const failed = results.findIndex(({ status }) => status === 'rejected');
    if (failed === -1) return;
    const { reason } = results[failed] as PromiseRejectedResult;
    const count = results.filter(({ status }) => status === 'rejected').length;
    const message = reason instanceof Error ? reason.message : inspect(reason);
    throw new RunPartFailed(
      `Part ${failed + 1} of ${this.parts.of} of the run ${draft.id} has failed${count > 1 ? `, and ${count - 1} more` : ''}: ${message}. ` +
        `The other parts are done; run again once the cause is mended: what is done is no difference any more`,
      { cause: reason },
    );
  }

  /**
   * Whether the whole has to be compared once more: to settle what the parts have left, or because the next incremental comparison goes on
   * from it.
   */
  async leavesMore(signal: AbortSignal): Promise<boolean> {
    const { source, target, incremental = true, verify = false } = this.work;
    if (verify || mayCross(source, target)) return true;
    const [model] = target.topLevel;
    if (!incremental || model === undefined) return false;
    return (await target.store.changesSince({ model, signal })).cursor !== undefined;
  }

  /**
   * Looks at what is left to delete, together with what the parts have deleted.
   * @throws TooManyDeletes
   */
  async checkRest(diff: Diff, tally: DiffTally, signal: AbortSignal): Promise<void> {
    const { source, target, sync } = this.work;
    if (!hasDeleteLimits(sync)) return;
    const rest = await deletedByModel(diff, source, target, sync.syncFilter, signal);
    const made = (action: 'create' | 'delete'): number =>
      sum(Object.values(this.sum.models).map((each) => each[action]));
    const done = made('delete');
    const left = sum([...rest.values()].map((uids) => uids.length));
    if (left === 0) return;
    const present = presentIn(tally.models) + done - made('create');
    checkDeletes(
      done + left,
      present,
      target.name,
      sync,
      `the parts have deleted ${done}, and nothing else was touched`,
    );
  }

  /** What the parts have compared and done. */
  get compared(): Pick<RunPartResult, 'counts' | 'models'> {
    const { counts, models } = this.sum;
    return { counts, models };
  }

  /** Adds what the parts have done to what the whole was settled by. */
  addTo(counts: RunPartResult['counts'], models: RunPartResult['models']): Pick<RunPartResult, 'counts' | 'models'> {
    const { counts: ours, models: byModel } = this.sum;
    const sum = { ...ours };
    for (const action of ['create', 'update', 'delete'] as const) sum[action] += counts[action];
    const all = new Map(Object.entries(models));
    for (const [model, tally] of Object.entries(byModel)) {
      const after = all.get(model);
      if (after === undefined) all.set(model, tally);
      else all.set(model, { ...withChanges(after, tally), target: after.target + tally.delete - tally.create });
    }
    return { counts: sum, models: Object.fromEntries(all) };
  }

  /** Counts the objects that would be gone, but for those whose deletes are skipped. */
  private deletesOf(deleted: RunPartResult['deleted']): number {
    const { withoutDeletes } = this.guards;
    if (withoutDeletes === 'all') return 0;
    const made = Object.entries(deleted).filter(([model]) => !withoutDeletes.has(model));
    return sum(made.map(([, { count }]) => count));
  }

  /** Returns the parts that have no changes; of a run that goes on, but for those that were begun before. */
  private async settledParts(recording: RunRecording): Promise<ReadonlySet<number>> {
    const settled = new Set<number>();
    for (const [index, { changed }] of this.found?.entries() ?? []) {
      if (changed === undefined || Object.keys(changed).length > 0) continue;
      if ((await recording.attemptsOf(index)).length === 0) settled.add(index);
    }
    return settled;
  }

  private async performAll(
    step: RunPart['step'],
    phase: 'compare' | 'parts',
    signal: AbortSignal,
    settled: ReadonlySet<number> = new Set(),
  ): Promise<PromiseSettledResult<RunPartResult>[]> {
    const { of, perform, atOnce } = this.parts;
    const indexes = Array.from({ length: of }, (_, index) => index);
    const [current, totals] = [indexes.map(() => 0), indexes.map(() => 0)];
    const one = async (index: number): Promise<RunPartResult> => {
      const found = this.found?.[index];
      if (found !== undefined && settled.has(index)) return found;
      const context: PartContext = {
        signal,
        onProgress: (done, total) => {
          [current[index], totals[index]] = [done, total];
          this.draft.report(phase, sum(current), sum(totals));
        },
      };
      return perform(this.partOf(step, index), context);
    };
    if (atOnce) return Promise.allSettled(indexes.map(one));
    const results: PromiseSettledResult<RunPartResult>[] = [];
    for (const index of indexes) {
      const [result] = await Promise.allSettled([one(index)]);
      if (result !== undefined) results.push(result);
    }
    return results;
  }

  private partOf(step: RunPart['step'], index: number): RunPart {
    const { source, target, sync, load = 'both', label, by, history } = this.work;
    const { withoutDeletes } = this.guards;
    const functions: PartFunction[] = [];
    for (const name of ['filters', 'syncFilter', 'diffClass'] as const) {
      if (sync[name] !== undefined) functions.push(name);
    }
    return {
      run: this.draft.id,
      source: source.name,
      target: target.name,
      step,
      index,
      of: this.parts.of,
      found: step === 'sync' ? foundIn(this.found?.[index]) : undefined,
      options: plainOptions(sync),
      functions,
      withoutDeletes: withoutDeletes === 'all' ? 'all' : [...withoutDeletes],
      load,
      label,
      by,
      history,
    };
  }
}

function foundIn(result: RunPartResult | undefined): FoundInPart | undefined {
  if (result?.changed === undefined) return undefined;
  const { counts, models, changed } = result;
  return { counts, models, changed };
}

function plainOptions(sync: RunWork['sync']): PartOptions {
  const { flags, modelTypes, syncAttrs, excludeAttrs, continueOnFailure, concurrency, batchSize } = sync;
  return { flags, modelTypes, syncAttrs, excludeAttrs, continueOnFailure, concurrency, batchSize };
}

/** What several parts have found or done. */
type Sum = Pick<RunPartResult, 'counts' | 'models' | 'deleted' | 'updated'>;

const NOTHING: Sum = {
  counts: { create: 0, update: 0, delete: 0, 'no-change': 0, skip: 0 },
  models: {},
  deleted: {},
  updated: {},
};

function unwrap(result: PromiseSettledResult<RunPartResult>): RunPartResult {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

/** Adds up what parts have found. */
function sumOf(results: readonly RunPartResult[]): Sum {
  const counts = { ...NOTHING.counts };
  for (const result of results) {
    for (const action of Object.keys(counts) as (keyof typeof counts)[]) counts[action] += result.counts[action];
  }
  return {
    counts,
    models: joined(results, 'models', (known, tally) => ({
      ...withChanges(known, tally),
      source: known.source + tally.source,
      target: known.target + tally.target,
    })),
    deleted: joined(results, 'deleted', addNamed),
    updated: joined(results, 'updated', addNamed),
  };
}

/** Joins what parts have by model. */
function joined<Key extends 'models' | 'deleted' | 'updated', T extends RunPartResult[Key][string]>(
  results: readonly { readonly [K in Key]: Readonly<Record<string, T>> }[],
  key: Key,
  add: (known: T, more: T) => T,
): Readonly<Record<string, T>> {
  const all = new Map<string, T>();
  for (const { [key]: byModel } of results) {
    for (const [model, each] of Object.entries<T>(byModel)) {
      const known = all.get(model);
      all.set(model, known === undefined ? each : add(known, each));
    }
  }
  return Object.fromEntries(all);
}

/** Returns how many objects of the target were compared. */
function presentIn(models: RunPartResult['models']): number {
  return sum(Object.values(models).map(({ target }) => target));
}

function withChanges(to: ModelTally, from: ModelTally): ModelTally {
  const { create, update, delete: deleted } = from;
  return { ...to, create: to.create + create, update: to.update + update, delete: to.delete + deleted };
}

/** Adds up what has become of changes. */
export function addResults(a: RunResults | undefined, b: RunResults | undefined): RunResults | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    done: a.done + b.done,
    failed: a.failed + b.failed,
    stale: a.stale + b.stale,
    leftOut: a.leftOut + b.leftOut,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
