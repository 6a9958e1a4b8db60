import { randomBytes } from 'node:crypto';
import { CallbackFailures } from '../engine/callback-failures.js';
import { DiffSyncError, SyncAborted, type SyncRefused } from '../errors.js';
import { traced } from '../logging/channels.js';
import { shownMessage } from '../values/secret.js';
import { withoutUndefined } from '../values/without-undefined.js';
import type { GuardFinding } from './guards.js';
import type { RunProgressCallback } from './run-options.js';
import { phaseChannel } from './run-trace.js';
import type { IncompleteModel, PhaseTime, RunError, RunKind, RunOutcome, RunPhase, SyncRun } from './sync-run.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What a run has found and done, as it becomes known. */
export type RunFacts = Mutable<Partial<SyncRun>>;

/** What a run is begun with. */
export interface RunStart {
  readonly kind: RunKind;
  readonly source: string;
  readonly target: string;
  readonly label?: string | undefined;
  readonly by?: string | undefined;
  readonly of?: string | undefined;
  readonly onProgress?: RunProgressCallback | undefined;
  readonly id?: string | undefined;
  readonly part?: SyncRun['part'];
}

/** A run while it is made: what its record says so far. */
export class RunDraft {
  readonly id: string;
  readonly guards: GuardFinding[] = [];
  readonly incomplete: IncompleteModel[] = [];
  readonly facts: RunFacts = {};
  private readonly began = Date.now();
  private readonly phases: Mutable<PhaseTime>[] = [];
  private outcome: RunOutcome = 'running';
  /** What callbacks and loggers of the caller have thrown. */
  readonly callbacks = new CallbackFailures();
  private callsBack = true;

  constructor(private readonly start: RunStart) {
    this.id = start.id ?? newRunId(this.began);
  }

  get startedAt(): string {
    return new Date(this.began).toISOString();
  }

  /** Does the work of one phase, and notes how long it takes. */
  async phase<T>(phase: RunPhase, work: () => Promise<T>): Promise<T> {
    const time: Mutable<PhaseTime> = { phase, startMs: Date.now() - this.began };
    this.phases.push(time);
    try {
      const { id, start } = this;
      const { kind, source, target } = start;
      return await (phaseChannel.hasSubscribers
        ? traced(phaseChannel, { id, kind, source, target, phase }, work)
        : work());
    } finally {
      time.endMs = Date.now() - this.began;
    }
  }

  /** Passes progress to the caller, whose callback is not called again once it has thrown. */
  report(phase: RunPhase, current: number, total: number | undefined): void {
    const { onProgress } = this.start;
    if (onProgress === undefined || !this.callsBack) return;
    this.callbacks.call(
      () => onProgress(phase, current, total),
      () => (this.callsBack = false),
    );
  }

  get hasEnded(): boolean {
    return this.outcome !== 'running';
  }

  /** Notes how the run has ended. @param error - what has ended it; undefined where it succeeded. */
  end(error?: { readonly error: unknown }): void {
    this.outcome = error === undefined ? 'succeeded' : outcomeOf(error.error);
    this.facts.endedAt = new Date().toISOString();
    if (error !== undefined) this.facts.error = errorOf(error.error);
  }

  /** Returns the run as it is now. */
  toRun(): SyncRun {
    const { kind, source, target, label, by, of, part } = this.start;
    return withoutUndefined({
      id: this.id,
      kind,
      outcome: this.outcome,
      source,
      target,
      label,
      by,
      of,
      part,
      startedAt: this.startedAt,
      phases: this.phases.map((each) => ({ ...each })),
      models: {},
      sourceObjects: {},
      flapping: [],
      exclusive: 'none',
      changes: 0,
      ...this.facts,
      guards: [...this.guards],
      incomplete: [...this.incomplete],
    });
  }
}

/** Returns an error as a record keeps it. */
export function errorOf(thrown: unknown): RunError {
  const name = thrown instanceof Error ? thrown.name : typeof thrown;
  const message = thrown instanceof Error ? shownMessage(thrown) : String(thrown);
  return thrown instanceof DiffSyncError ? { name, code: thrown.code, message } : { name, message };
}

/** Returns an id that sorts by time: `20261129T221247Z-9f3ac1d2`. */
function newRunId(time: number): string {
  const stamp = new Date(time).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${stamp}-${randomBytes(4).toString('hex')}`;
}

const REFUSALS: ReadonlySet<SyncRefused['code'] | 'DIFF_STALE'> = new Set([
  'SYNC_TOO_MANY_DELETES',
  'SYNC_TOO_MANY_UPDATES',
  'SYNC_SOURCE_EMPTY',
  'SYNC_BASELINE_DROP',
  'DIFF_STALE',
]);

function outcomeOf(error: unknown): RunOutcome {
  if (error instanceof SyncAborted) return 'aborted';
  return error instanceof DiffSyncError && (REFUSALS as ReadonlySet<string>).has(error.code) ? 'refused' : 'failed';
}
