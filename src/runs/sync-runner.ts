import type { Adapter } from '../adapter/adapter.js';
import type { SyncOptions } from '../adapter/adapter-options.js';
import { Diff } from '../diff/diff.js';
import type { DiffOptions } from '../engine/compare/differ.js';
import { ValueError } from '../errors.js';
import { approvePlan, checkApproved } from './approval.js';
import type { RunHistory, Retention } from './history-types.js';
import { inverseOf } from './inverse-plan.js';
import { divisionOf } from './run-division.js';
import { performPart } from './perform-part.js';
import { performRun } from './perform-run.js';
import type { RunPart, RunPartResult, RunParts } from './run-parts.js';
import { RunStore } from './run-store.js';
import type { RunWork } from './run-work.js';
import type {
  ApplyRunOptions,
  ApproveRunOptions,
  PerformPartOptions,
  SyncRunOptions,
  UndoRunOptions,
} from './run-options.js';
import {
  checkApplyOptions,
  checkPartOptions,
  checkApproveOptions,
  checkRunOptions,
  checkUndoOptions,
} from './run-option-names.js';
import { RunsUnderWay } from './runs-under-way.js';
import type { SyncRun } from './sync-run.js';
import { TargetHistory } from './target-history.js';

/** Milliseconds that a shutdown waits for the hooks that are running; the stores then wait for them in their `close`. */
const STOP_WAIT_MS = 10_000;
const FULL_COMPARE_EVERY = 10;

/** How runs are kept. */
export interface SyncRunnerOptions {
  /** Which runs the histories keep; older ones are removed as new ones end. Default: 500 runs, and those of the last 365 days. */
  readonly retention?: Retention | undefined;
}

/**
 * Runs syncs that can be left alone: it loads both sides, compares them, refuses what looks like a mistake of the source, applies
 * the changes, keeps other runs of the target out, and remembers all of it. Nest injects it; without Nest it works by `new`.
 *
 * @example
 * ```ts
 * constructor(private readonly network: NetworkAdapter, private readonly cmdb: CmdbAdapter, private readonly syncs: SyncRunner) {}
 *
 * async nightly(): Promise<void> {
 *   const run = await this.syncs.run({ source: this.network, target: this.cmdb, label: 'nightly' });
 *   console.log(run.id, run.counts, run.results);
 * }
 * ```
 */
export class SyncRunner {
  readonly #retention: Retention;
  readonly #runs = new RunsUnderWay();

  /**
   * Creates a runner. Any number of them may run syncs of one target.
   * @param options - Which runs are kept.
   */
  constructor(options: SyncRunnerOptions = {}) {
    this.#retention = options.retention ?? {};
  }

  /**
   * Makes a target equal to a source, as one run.
   * @param options - The sides, the options of the diff and the sync, and those of the run.
   * @returns The run, as its history has it.
   * @throws {SyncRefused} (SYNC_TOO_MANY_DELETES, SYNC_TOO_MANY_UPDATES, SYNC_SOURCE_EMPTY, SYNC_BASELINE_DROP) if a guard stops it,
   * before anything is changed.
   * @throws {SyncInProgress} (SYNC_IN_PROGRESS) if another run of the target is under way, and does not end within `waitMs`.
   * @throws {SyncAborted} (SYNC_ABORTED) if the signal is aborted.
   * @throws {ValueError} (VALUE_ERROR) for a wrong option. What `load`, a store or a hook throws is passed on as it is; each error of
   * a run that has begun has it as its `run`.
   * @example
   * ```ts
   * const plan = await runner.run({ source: network, target: cmdb, dryRun: true });
   * await runner.apply(plan.id, { source: network, target: cmdb, by: 'alice' });
   * ```
   */
  async run(options: SyncRunOptions): Promise<SyncRun> {
    checkRunOptions(options);
    const { source, target, dryRun = false, history = true, parts, ...rest } = options;
    const terms = termsOf(options);
    const { filters, syncFilter, diffClass } = options;
    const performHere: RunParts['perform'] = (part, context) =>
      performPart(part, { source, target, filters, syncFilter, diffClass, ...context });
    return this.#perform({
      ...rest,
      source,
      target,
      kind: dryRun ? 'dry-run' : 'sync',
      parts: divisionOf(parts, performHere),
      history,
      retention: this.#retention,
      compare: (given) => target.diffFrom(source, { ...terms, ...given }),
      sync: syncOptionsOf(options),
    });
  }

  /**
   * Approves the plan of a dry run: who has and when is in the run from then on, and in the run that applies the plan. The plan of a run
   * that is approved already keeps its first approval. What was decided is kept; who may decide, is for the caller to know.
   * @param runId - The id of the dry run.
   * @param options - The target of the plan, and who approves it.
   * @returns The dry run, with its `approval`.
   * @throws {RunNotFound} (RUN_NOT_FOUND) if the target's history has no such run.
   * @throws {PlanRefused} (RUN_HAS_NO_PLAN, RUN_WAS_REFUSED, RUN_WAS_APPLIED) if it has no plan that can be applied.
   * @example
   * ```ts
   * await runner.approve(plan.id, { target: cmdb, by: 'alice' });
   * await runner.apply(plan.id, { source: network, target: cmdb, approved: true, by: 'scheduler' });
   * ```
   */
  async approve(runId: string, options: ApproveRunOptions): Promise<SyncRun> {
    checkApproveOptions(options);
    return approvePlan(await RunStore.of(options.target.store), runId, options.by);
  }

  /**
   * Performs one part of a run that is under way, in this process or another one: see the option `parts` of `run`. A part that is
   * performed again does what is still to do.
   * @param part - What the run has passed to `perform`.
   * @param options - The sides, in this process, and the options that are no plain values.
   * @returns What `perform` returns to the run.
   * @throws {ValueError} (VALUE_ERROR) for an option of the run that is not given; {@link LeaseLost} (LEASE_LOST) if the run has ended;
   * what a sync throws.
   * @example
   * ```ts
   * const result = await runner.performPart(part, { source: adapters.getOrThrow(part.source), target: adapters.getOrThrow(part.target) });
   * ```
   */
  async performPart(part: RunPart, options: PerformPartOptions): Promise<RunPartResult> {
    checkPartOptions(options);
    return this.#runs.perform(options.signal, (signal) => performPart(part, { ...options, signal }));
  }

  /**
   * Applies the plan of a dry run, in this process or another one, as a run of its own. The guards look at it again.
   * @param runId - The id of the dry run.
   * @param options - The sides that it was made with, and the options of the run.
   * @returns The run that has applied it.
   * @throws {RunNotFound} (RUN_NOT_FOUND) if the target's history has no such run; {@link ValueError} (VALUE_ERROR) if it has no plan.
   * @throws {DiffStale} (DIFF_STALE) if a side has changed since, which it names, unless `onStale` is `skip`.
   * @throws {PlanRefused} (RUN_NOT_APPROVED, RUN_WAS_APPLIED, …) with `approved`, before the run begins where that is known then.
   * @throws {SyncRefused} (SYNC_TOO_MANY_DELETES, …) if a guard stops it, and all that `run` throws.
   */
  async apply(runId: string, options: ApplyRunOptions): Promise<SyncRun> {
    checkApplyOptions(options);
    const { source, target, onStale = 'refuse', approved = false, ...rest } = options;
    const { diffClass = Diff } = options;
    if (approved) checkApproved(await (await RunStore.of(target.store)).record(runId));
    return this.#perform({
      ...rest,
      source,
      target,
      kind: 'apply',
      of: runId,
      history: true,
      retention: this.#retention,
      compare: async (_, facts) => {
        const history = await RunStore.of(target.store);
        const plan = await history.record(runId);
        // Again: the run has the target now, and another one may have had it until then.
        if (approved) checkApproved(plan);
        facts.approval = plan.approval;
        if (plan.summary['of'] !== undefined) {
          throw new ValueError(
            `The run "${runId}" is the dry run of an undo: call undo of the run that it was made for`,
          );
        }
        if (plan.plans === 0) throw new ValueError(`The run "${runId}" has no plan to apply: only a dry run has one`);
        return Diff.fromJSONLines.call(diffClass, history.plan(plan), { target });
      },
      sync: { ...syncOptionsOf(options), ...(onStale === 'skip' ? { onStale } : {}) },
    });
  }

  /**
   * Takes back what a run has changed in its target, as a run of its own: recreates what it deleted, with all fields and flags, sets
   * back what it updated, removes what it created, and links as before. The hooks of the models are called, as in any sync. The order
   * of recreated objects is that of their return; what secret attributes had is in no history, and the run names it in `unrestored`.
   * @param runId - The id of the run; changes that it did not make are left alone.
   * @param options - The target, and the options of the run. The guards are off by default.
   * @returns The run that has undone it.
   * @throws {RunNotFound} (RUN_NOT_FOUND) if the target's history has no such run; {@link ValueError} (VALUE_ERROR) if it has changed
   * nothing, is running, or was interrupted, so that it is not known what it did.
   * @throws {DiffStale} (DIFF_STALE) if an object is no longer as the run has left it, before anything is changed; `stale` has all.
   * @example
   * ```ts
   * const looked = await runner.undo(run.id, { target: cmdb, dryRun: true });
   * await runner.undo(run.id, { target: cmdb, by: 'alice' });
   * ```
   */
  async undo(runId: string, options: UndoRunOptions): Promise<SyncRun> {
    checkUndoOptions(options);
    const { target, dryRun = false, guards = false, ...rest } = options;
    return this.#perform({
      ...rest,
      guards,
      // There is no other side: what the target is made equal to, is in its history.
      source: target,
      target,
      kind: dryRun ? 'dry-run' : 'undo',
      of: runId,
      load: 'none',
      history: true,
      retention: this.#retention,
      compare: async ({ signal }, facts) => {
        const history = this.history(target);
        const { kind, outcome } = await history.get(runId);
        const isOver = kind !== 'dry-run' && outcome !== 'running' && outcome !== 'interrupted';
        if (!isOver) throw new ValueError(`The run "${runId}" cannot be undone: ${whyNot(kind, outcome)}`);
        const changes = history.changes(runId, { signal });
        const { diff, unrestored } = await inverseOf(runId, changes, target, signal);
        if (unrestored.length > 0) facts.unrestored = unrestored;
        return diff;
      },
      sync: syncOptionsOf(options),
    });
  }

  /**
   * Ends all runs of this runner: each one after the hooks that are running and the batch that is being written. What they did is
   * saved, and they are recorded as `aborted`, and rejected with SYNC_ABORTED. Later runs are refused. Nest does so by itself when the
   * application is shut down.
   * @param reason - Becomes the cause of the errors. Default: an error that says that the runner was stopped.
   * @returns when all have ended, or after 10 seconds: a hook may never end, and one that awaits this call cannot.
   * @example
   * ```ts
   * process.once('SIGTERM', () => void runner.stop());
   * ```
   */
  async stop(reason: unknown = new Error('The runner was stopped')): Promise<void> {
    this.#runs.abort(reason);
    await this.#runs.settled(STOP_WAIT_MS);
  }

  /** Ends all runs, before anything of the application is closed that their hooks may need. Nest calls this. */
  onModuleDestroy(): void {
    this.#runs.abort(new Error('The application is shutting down'));
  }

  /** Waits for the end of the runs, before the stores are closed. Nest calls this. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#runs.settled(STOP_WAIT_MS);
  }

  /**
   * Returns the runs of a target.
   * @param target - The adapter that the runs have changed.
   * @returns The history, which reads the store beside the target's at each call.
   * @example
   * ```ts
   * const { runs } = await runner.history(cmdb).list({ limit: 10 });
   * const changes = await runner.history(cmdb).ofObject('device', 'r1');
   * ```
   */
  history(target: Adapter): RunHistory {
    return new TargetHistory(target.store, this.#retention);
  }

  #perform(work: RunWork): Promise<SyncRun> {
    return this.#runs.perform(work.signal, (signal) => performRun({ ...work, signal }));
  }
}

function whyNot(kind: SyncRun['kind'], outcome: SyncRun['outcome']): string {
  if (kind === 'dry-run') return 'a dry run changes nothing';
  return outcome === 'running' ? 'it is still running' : 'it was interrupted, so that it is not known what it did';
}

function termsOf(options: SyncRunOptions): DiffOptions {
  const { flags, diffClass, unlisted, modelTypes, filters, syncAttrs, excludeAttrs } = options;
  const { incremental = true, fullCompareEvery = FULL_COMPARE_EVERY } = options;
  const terms = { flags, diffClass, unlisted, modelTypes, filters, syncAttrs, excludeAttrs };
  return incremental ? { ...terms, incremental, fullCompareEvery } : terms;
}

function syncOptionsOf(options: Partial<SyncRunOptions>): SyncOptions {
  const { flags, diffClass, filters, syncFilter, continueOnFailure, concurrency, batchSize } = options;
  const { maxDeletes, maxDeletePercent } = options;
  return {
    flags,
    diffClass,
    filters,
    syncFilter,
    continueOnFailure,
    concurrency,
    batchSize,
    maxDeletes,
    maxDeletePercent,
  };
}
