import type { DiffSummary } from '../diff/diff-render.js';
import type { FullReason, IncrementalComparison } from '../diff/incremental.js';
import type { Attrs } from '../diff/compared-object.js';
import type { GuardFinding } from './guards.js';

declare module '../errors.js' {
  interface DiffSyncErrorBase {
    /**
     * The run that the error ended, as it is in the history. It is no enumerable property, so that logs do not show it. Other errors
     * have none.
     */
    readonly run?: SyncRun;
  }
}

/** What a run is: a sync, one that stops before it applies, one that applies a recorded plan, or one that undoes another. */
export type RunKind = 'sync' | 'dry-run' | 'apply' | 'undo';

/**
 * How a run has ended. `running` until then; `interrupted` where its process ended before it; `refused` by a guard, or because the
 * plan was stale; `aborted` by its signal.
 */
export type RunOutcome = 'running' | 'succeeded' | 'refused' | 'failed' | 'aborted' | 'interrupted';

/** The phases of a run, in their order. A run has those that its options ask for. */
export type RunPhase = 'load-source' | 'load-target' | 'compare' | 'guard' | 'parts' | 'apply' | 'verify' | 'record';

/** One phase of a run, in milliseconds since the run began. Both loads run side by side. */
export interface PhaseTime {
  readonly phase: RunPhase;
  readonly startMs: number;
  /** Undefined where the phase has not ended. */
  readonly endMs?: number | undefined;
}

/** How many objects of one model a run has compared, and what it was to change. */
export interface ModelTally {
  /** The source's objects that were compared. */
  readonly source: number;
  /** The target's objects that were compared. */
  readonly target: number;
  /** The objects to create; like the other two without those that only move to another parent. */
  readonly create: number;
  readonly update: number;
  readonly delete: number;
}

/** What has become of the changes of a run. */
export interface RunResults {
  /** Made. */
  readonly done: number;
  /** Failed, while the run went on. */
  readonly failed: number;
  /** Left out because the object had changed since the plan was made. */
  readonly stale: number;
  /** Left out by a guard, a filter, a flag, or a change above that was left out. */
  readonly leftOut: number;
}

/** A model of which `load` has said that not all objects are there. */
export interface IncompleteModel {
  readonly side: 'source' | 'target';
  readonly model: string;
  /** What `load` gave as the reason. */
  readonly reason: string;
}

/** An attribute that differs again although each of the last runs has set it. */
export interface FlappingAttribute {
  readonly model: string;
  readonly uid: string;
  readonly attribute: string;
  /** How many runs in a row have set it, this one not counted. */
  readonly runs: number;
  /** The target's value; absent for a secret attribute. */
  readonly old?: unknown;
  /** The source's value; absent for a secret attribute. */
  readonly new?: unknown;
  /** What to do, for people. */
  readonly hint: string;
}

/** An object that a run which undoes another could not make as it was. */
export interface Unrestored {
  readonly model: string;
  readonly uid: string;
  /** What is missing. */
  readonly reason: string;
}

/** Who has approved a plan, and when. */
export interface RunApproval {
  readonly by: string;
  /** In ISO 8601, UTC. */
  readonly at: string;
}

/** An error, as a record keeps it. */
export interface RunError {
  readonly name: string;
  /** The stable code; undefined for an error of another package. */
  readonly code?: string | undefined;
  readonly message: string;
}

/** A part of a run, as the run keeps it. */
export interface PartOfRun {
  readonly index: number;
  /** The ids of the runs that have performed it, the last one last: several where it was begun again, none where it had no changes. */
  readonly runs: readonly string[];
  readonly outcome: RunOutcome;
  /** How many changes are in the history. */
  readonly changes: number;
  /** What has ended it. */
  readonly error?: RunError | undefined;
}

/**
 * A run: plain values, which `JSON.stringify` can write.
 *
 * @example
 * ```ts
 * const run = await runner.run({ source: network, target: cmdb, label: 'nightly' });
 * console.log(run.id, run.outcome, run.counts, run.results);
 * ```
 */
export interface SyncRun {
  /** Identifies the run: `20261130T000618Z-030cef43`, the time at which it began, and a random part. */
  readonly id: string;
  readonly kind: RunKind;
  readonly outcome: RunOutcome;
  /** The name of the source's adapter. */
  readonly source: string;
  /** The name of the target's adapter. */
  readonly target: string;
  /** What the caller calls the run. */
  readonly label?: string | undefined;
  /** Who has started it. */
  readonly by?: string | undefined;
  /** When it began, in ISO 8601, UTC. */
  readonly startedAt: string;
  /** When it ended, in ISO 8601, UTC. Undefined while it is running, and of an interrupted run. */
  readonly endedAt?: string | undefined;
  /** The id of the run of this target before it; undefined for the first. */
  readonly previous?: string | undefined;
  /** The id of the run whose plan it applies, or which it undoes. */
  readonly of?: string | undefined;
  /** Of a dry run, who has approved its plan; of a run that applies one, who had. Undefined of a plan without approval. */
  readonly approval?: RunApproval | undefined;
  /** Of a dry run, the id of the last run that has applied its plan. */
  readonly appliedBy?: string | undefined;
  /** Of a run in parts, its parts; then come the phases in which the whole was settled, where the parts may leave something. */
  readonly parts?: readonly PartOfRun[] | undefined;
  /** Of a part, the id of the run and which of its parts it is. */
  readonly part?: { readonly run: string; readonly index: number; readonly of: number } | undefined;
  readonly phases: readonly PhaseTime[];
  /** What was compared, as `diff.summary()` counts it. Undefined before the comparison has ended. */
  readonly counts?: DiffSummary | undefined;
  /** Whether only what may have changed was read: what the comparison went on from. Undefined where everything was read. */
  readonly incremental?: IncrementalComparison | undefined;
  /** Why everything was read. Undefined where nothing else was asked for. */
  readonly fullBecause?: FullReason | undefined;
  /** The same by model. */
  readonly models: Readonly<Record<string, ModelTally>>;
  /** Objects of the source's store after its load, by model: the baseline of later runs. */
  readonly sourceObjects: Readonly<Record<string, number>>;
  /** What has become of the changes. Undefined of a dry run and before the changes were applied. */
  readonly results?: RunResults | undefined;
  /** Differences that a verification has found after the sync; undefined without one. */
  readonly unsettled?: number | undefined;
  /** What the guards have found. */
  readonly guards: readonly GuardFinding[];
  readonly incomplete: readonly IncompleteModel[];
  readonly flapping: readonly FlappingAttribute[];
  /** Of a run that undoes another, what it could not bring back. */
  readonly unrestored?: readonly Unrestored[] | undefined;
  /** What has ended the run. */
  readonly error?: RunError | undefined;
  /** Whether other runs of the target were kept out: in all processes (`lease`), in this one (`process`), or not at all. */
  readonly exclusive: 'lease' | 'process' | 'none';
  /** How many changes are in the history. */
  readonly changes: number;
}

/** What a run has done with one change. `planned` before it applies, of a dry run, and of a run that has ended before. */
export type ChangeResult = 'planned' | 'done' | 'failed' | 'stale' | 'left-out';

/** A deleted object as the store had it, for its return. */
export interface DeletedRecord {
  /** All fields, without those that are secret. */
  readonly data: Attrs;
  /** The object's model flags, where they are not those of its model. */
  readonly flags?: number | undefined;
}

/** One change of a run, as the history has it. */
export interface RunChange {
  /** The run's id. */
  readonly run: string;
  /** The change's position in the run, from 0 on. A parent comes before what is below it. */
  readonly index: number;
  readonly model: string;
  readonly uid: string;
  /** The objects above in the target, outermost first. */
  readonly parents: readonly { readonly model: string; readonly uid: string }[];
  readonly action: 'create' | 'update' | 'delete' | 'link' | 'unlink';
  /** Whether it is half of a move to another parent. */
  readonly moves: boolean;
  /** The target's values before: those that differ, or all of a deleted object. Null of a create. */
  readonly old: Attrs | null;
  /** The values that it gets. Null of a delete. */
  readonly new: Attrs | null;
  /** Attributes that have changed, and whose values are nowhere in the history. */
  readonly secrets: readonly string[];
  /** Of a deleted object, all that the store had. */
  readonly record?: DeletedRecord | undefined;
  readonly result: ChangeResult;
  /** Why it failed or was left out. */
  readonly message?: string | undefined;
  /** Of a delete that was left out because a parent outside the comparison lists the object: true where only its link was removed. */
  readonly unlinked?: boolean | undefined;
}
