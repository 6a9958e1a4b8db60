import type { Adapter } from '../adapter/adapter.js';
import type { SyncOptions } from '../adapter/adapter-options.js';
import type { Guards } from './guards.js';
import type { RunLoad } from './run-load.js';
import type { PartFunction, RunParts } from './run-parts.js';
import type { RunPhase, SyncRun } from './sync-run.js';

/**
 * Is called as a run proceeds.
 * @param phase - The work.
 * @param current - How many objects are done.
 * @param total - How many are expected; undefined where a `load` has not said it.
 */
export type RunProgressCallback = (phase: RunPhase, current: number, total: number | undefined) => void;

/** How a run keeps other runs of its target out. */
export interface ExclusiveOptions {
  /** How long a holder may be silent before another run may follow it, in milliseconds. Default: 30000. */
  ttlMs?: number | undefined;
  /** How long to wait for another run of the target, in milliseconds. Default: 0, the run is refused at once. */
  waitMs?: number | undefined;
  /** The id of a run of which this one is a part. */
  joins?: string | undefined;
}

/** What every run takes. */
export interface RunOptions {
  /** What the run is called in the history. Default: no label. */
  label?: string | undefined;
  /** Who starts it. Default: not said. */
  by?: string | undefined;
  /** What has to hold before anything is changed; `false` switches all guards off. Default: see `Guards`. */
  guards?: Guards | false | undefined;
  /** Whether other runs of the target are kept out, and how. Default: true. */
  exclusive?: boolean | ExclusiveOptions | undefined;
  /**
   * Is called once the run has its target, with the run as it is then: so its id is known while it runs. It is not called for a run
   * that is refused because another one is under way. Default: no callback.
   */
  onBegin?: ((run: SyncRun) => void) | undefined;
  /** Is called as the run proceeds. Default: no callback. */
  onProgress?: RunProgressCallback | undefined;
  /** Ends the run with SyncAborted (SYNC_ABORTED); what was done is saved. Default: no signal. */
  signal?: AbortSignal | undefined;
}

/**
 * How a run is made: its two sides, the options of a diff and a sync, and those of the run itself.
 *
 * @example
 * ```ts
 * await runner.run({ source: network, target: cmdb, label: 'nightly', by: 'scheduler', guards: { maxDeletePercent: 10 } });
 * ```
 */
export interface SyncRunOptions
  extends
    RunOptions,
    Omit<SyncOptions, 'diff' | 'allowStale' | 'waitMs' | 'partition' | 'runId' | 'onProgress' | 'signal'> {
  /** The adapter that the target is made equal to. */
  source: Adapter;
  /** The adapter that is changed. */
  target: Adapter;
  /** Which sides are loaded first. Default: `both`. */
  load?: RunLoad | undefined;
  /** Whether to stop before anything is applied, and keep the plan for `apply`. Default: false. */
  dryRun?: boolean | undefined;
  /**
   * Whether to read only what may have changed on either side since the last run of these sides. Where that is not known for sure,
   * everything is read: the run has why. Default: true.
   */
  incremental?: boolean | undefined;
  /** How often at least everything is read all the same: 10 for every tenth run. Default: 10. */
  fullCompareEvery?: number | undefined;
  /**
   * Divides the run into parts, by the unique ids of the objects at the top: how many, or by whom they are performed. The guards look at
   * the whole before any part is applied; after the parts, the whole is settled, which reads what has changed where that is known. A dry
   * run is made as one. Default: no parts.
   */
  parts?: number | RunParts | undefined;
  /**
   * The id of the run. One that was interrupted is begun again under its id. Default: a new id.
   */
  id?: string | undefined;
  /** Whether the run is recorded. Default: true. */
  history?: boolean | undefined;
}

/** How a recorded plan is applied. */
export interface ApplyRunOptions
  extends
    RunOptions,
    Pick<
      SyncOptions,
      'syncFilter' | 'continueOnFailure' | 'concurrency' | 'batchSize' | 'filters' | 'verify' | 'diffClass'
    > {
  /** The adapter that the plan was made with. */
  source: Adapter;
  /** The adapter that is changed. */
  target: Adapter;
  /** Which sides are loaded first. Default: `both`. */
  load?: RunLoad | undefined;
  /**
   * What becomes of a plan that is stale: `refuse` throws DiffStale (DIFF_STALE), which names what has changed; `skip` makes each
   * change whose object and parent are as the plan saw them, and records the others as stale. Default: `refuse`.
   */
  onStale?: 'refuse' | 'skip' | undefined;
  /** Whether the plan has to be approved, and not to be applied yet. Default: false. */
  approved?: boolean | undefined;
}

/** How a plan is approved. */
export interface ApproveRunOptions {
  /** The adapter that the plan changes. */
  target: Adapter;
  /** Who approves it. */
  by: string;
}

/** How a run is undone. */
export interface UndoRunOptions
  extends RunOptions, Pick<SyncOptions, 'continueOnFailure' | 'concurrency' | 'batchSize'> {
  /** The adapter that the run has changed. */
  target: Adapter;
  /** Whether to stop before anything is changed: the history of the run shows what would be. Default: false. */
  dryRun?: boolean | undefined;
}

/** How a part of a run is performed. */
export interface PerformPartOptions extends Pick<SyncOptions, PartFunction> {
  /** The adapter that the run's target is made equal to. */
  source: Adapter;
  /** The adapter that is changed. */
  target: Adapter;
  /** Is called as the part proceeds. Default: no callback. */
  onProgress?: ((current: number, total: number) => void) | undefined;
  /** Ends the part with SyncAborted (SYNC_ABORTED); what was done is saved. Default: no signal. */
  signal?: AbortSignal | undefined;
}
