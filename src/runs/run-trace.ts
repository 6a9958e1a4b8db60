import { traceChannel, type TraceContext } from '../logging/channels.js';
import type { RunKind, RunPhase, SyncRun } from './sync-run.js';

/** Says which run of `SyncRunner` is under way: the message of `diffsync:run`. */
export interface RunTrace extends TraceContext {
  /** The id of the run. */
  readonly id: string;
  readonly kind: RunKind;
  /** What the caller calls the run. */
  readonly label: string | undefined;
  /** The name of the source's adapter. */
  readonly source: string;
  /** The name of the target's adapter. */
  readonly target: string;
  /**
   * The run once it has ended, also one that has failed: its outcome, phases, counts, guards. Undefined until then, and of a run
   * that has not begun, because another one has the target.
   */
  run?: SyncRun;
}

/** Says which phase of a run is under way: the message of `diffsync:phase`. */
export interface PhaseTrace extends TraceContext {
  /** The id of the run. */
  readonly id: string;
  readonly kind: RunKind;
  /** The name of the source's adapter. */
  readonly source: string;
  /** The name of the target's adapter. */
  readonly target: string;
  readonly phase: RunPhase;
}

/**
 * The tracing channel `diffsync:run`: runs of `SyncRunner`, the wait for the target included.
 *
 * @example
 * ```ts
 * runChannel.asyncEnd.subscribe((message) => console.log((message as RunTrace).run?.outcome));
 * ```
 */
export const runChannel = traceChannel<RunTrace>('diffsync:run');

/**
 * The tracing channel `diffsync:phase`: the phases of those runs.
 *
 * @example
 * ```ts
 * phaseChannel.start.subscribe((message) => console.log('begins to', (message as PhaseTrace).phase));
 * ```
 */
export const phaseChannel = traceChannel<PhaseTrace>('diffsync:phase');
