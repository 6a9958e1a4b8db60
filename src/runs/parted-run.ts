import { inspect } from 'node:util';
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
  type PartContext,
  type PartFunction,
  type PartOptions,
  type RunPart,
  type RunPartResult,
} from './run-parts.js';
import type { ModelTally, PartOfRun, RunResults } from './sync-run.js';

/** The parts of one run. */
export class PartedRun {
  /** What all parts together have found and done. */
  private sum: Omit<RunPartResult, 'run'> = NOTHING;

  constructor(
    private readonly work: RunWork,
    private readonly parts: Division,
    private readonly draft: RunDraft,
    private readonly guards: RunGuards,
  ) {}

  /** Has all parts compared, and looks at the whole, unless guards can stop nothing. @throws SyncRefused */
  async checkGuards(sourceObjects: Readonly<Record<string, number>>, signal: AbortSignal): Promise<void> {
    const targetObjects = Object.fromEntries(await countByModel(this.work.target.store, signal));
    if (!this.guards.mayStop(targetObjects)) return;
    const results = await this.draft.phase('compare', () => this.performAll('compare', 'compare', signal));
    const sum = sumOf(results.map((result) => unwrap(result)));
    await this.draft.phase('guard', async () => this.guards.checkCounts(sum, sourceObjects));
  }

  /**
   * Has all parts synchronised. One that fails keeps none of the others.
   * @throws RunPartFailed once all have ended, if one has failed.
   */
  async synchronise(recording: RunRecording | undefined, signal: AbortSignal): Promise<void> {
    const { draft } = this;
    const results = await draft.phase('parts', () => this.performAll('sync', 'parts', signal));
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
        outcome: own?.outcome ?? 'failed',
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

  /** Adds what the parts have done to what the whole was settled by. */
  addTo(counts: RunPartResult['counts'], models: RunPartResult['models']): Pick<RunPartResult, 'counts' | 'models'> {
    const { counts: ours, models: byModel } = this.sum;
    const sum = { ...ours };
    for (const action of ['create', 'update', 'delete'] as const) sum[action] += counts[action];
    const all = new Map(Object.entries(models));
    for (const [model, tally] of Object.entries(byModel)) all.set(model, withChanges(all.get(model) ?? tally, tally));
    return { counts: sum, models: Object.fromEntries(all) };
  }

  private async performAll(
    step: RunPart['step'],
    phase: 'compare' | 'parts',
    signal: AbortSignal,
  ): Promise<PromiseSettledResult<RunPartResult>[]> {
    const { of, perform, atOnce } = this.parts;
    const indexes = Array.from({ length: of }, (_, index) => index);
    const [current, totals] = [indexes.map(() => 0), indexes.map(() => 0)];
    const one = (index: number): Promise<RunPartResult> => {
      const context: PartContext = {
        signal,
        onProgress: (done, total) => {
          [current[index], totals[index]] = [done, total];
          this.draft.report(phase, sum(current), sum(totals));
        },
      };
      return perform(this.partOf(step, index), context);
    };
    if (atOnce) return Promise.allSettled(indexes.map(async (index) => one(index)));
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

function plainOptions(sync: RunWork['sync']): PartOptions {
  const { flags, modelTypes, syncAttrs, excludeAttrs, continueOnFailure, concurrency, batchSize } = sync;
  return { flags, modelTypes, syncAttrs, excludeAttrs, continueOnFailure, concurrency, batchSize };
}

const NOTHING: Omit<RunPartResult, 'run'> = {
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
function sumOf(results: readonly RunPartResult[]): Omit<RunPartResult, 'run'> {
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
