import type { SyncOptions } from '../adapter/adapter-options.js';
import type { DiffSummary } from '../diff/diff-render.js';
import type { ObjectsOfPart } from '../engine/compare/partition.js';
import type { NamedObjects } from './check-guards.js';
import type { RunLoad } from './run-load.js';
import type { ModelTally, SyncRun } from './sync-run.js';

/** The options of a sync that are plain values. */
export type PartOptions = Pick<
  SyncOptions,
  'flags' | 'modelTypes' | 'syncAttrs' | 'excludeAttrs' | 'continueOnFailure' | 'concurrency' | 'batchSize'
>;

/** The options of a run that are no plain values: the caller of `performPart` has to give them again. */
export type PartFunction = 'filters' | 'syncFilter' | 'diffClass';

/**
 * One part of a run: plain values, so that any process can perform it that has the same adapters and their stores, by
 * `SyncRunner.performPart`.
 */
export interface RunPart {
  /** The id of the run. */
  readonly run: string;
  /** The name of the source's adapter. */
  readonly source: string;
  /** The name of the target's adapter. */
  readonly target: string;
  /** `compare` only counts, for the guards; `sync` compares and applies. */
  readonly step: 'compare' | 'sync';
  /** Which part: from 0 on. */
  readonly index: number;
  /** How many parts there are. */
  readonly of: number;
  /** Of the step `sync`: what the step `compare` has found, so that nothing that was equal is compared again. Default: all of the part is. */
  readonly found?: FoundInPart | undefined;
  readonly options: PartOptions;
  /** The options that the run was given besides, and that `performPart` needs too. */
  readonly functions: readonly PartFunction[];
  /** The models of which nothing is deleted: a guard has stopped it, or their `load` was incomplete. */
  readonly withoutDeletes: readonly string[] | 'all';
  /** Which sides the run has loaded: a process that has one in its own memory loads it for itself. */
  readonly load: RunLoad;
  readonly label?: string | undefined;
  readonly by?: string | undefined;
  /** Whether the part is recorded. */
  readonly history: boolean;
}

/** What a comparison of a part has found. */
export type FoundInPart = Pick<RunPartResult, 'counts' | 'models' | 'changed'>;

/** What a part has found or done: plain values. */
export interface RunPartResult {
  /** What was compared, as `diff.summary()` counts it; of the step `sync` with the changes that it has compared again. */
  readonly counts: DiffSummary;
  readonly models: Readonly<Record<string, ModelTally>>;
  /** By model, the objects that would be gone. Of the step `compare` alone. */
  readonly deleted: Readonly<Record<string, NamedObjects>>;
  /** By model, the objects that would be updated. Of the step `compare` alone. */
  readonly updated: Readonly<Record<string, NamedObjects>>;
  /**
   * By model, the unique ids of the objects at the top that have changes, or have some below them. Of the step `compare` alone; absent
   * where they are too many for a message.
   */
  readonly changed?: ObjectsOfPart | undefined;
  /** The part as a run of its own, which the history keeps. Of the step `sync` alone. */
  readonly run?: SyncRun | undefined;
}

/** What `perform` gets beside a part. */
export interface PartContext {
  /** Ends the part. */
  readonly signal: AbortSignal;
  /** To be called as the part proceeds. */
  onProgress(current: number, total: number): void;
}

/** How a run is divided. */
export interface RunParts {
  /** How many parts. */
  readonly of: number;
  /**
   * Has a part performed, by another process for example, and returns what `performPart` has returned there. It is called for all parts at
   * once. Default: this process performs them, one after the other.
   */
  readonly perform?: ((part: RunPart, context: PartContext) => Promise<RunPartResult>) | undefined;
}

/** Returns the id of a run that performs a part. @param attempt - from 0 on. */
export function partRunId(run: string, index: number, attempt: number): string {
  return `${run}.${index}.${attempt}`;
}

/** Returns the id of the run that a run is a part of; its own where it is none. */
export function wholeRunId(run: string): string {
  return run.split('.')[0] as string;
}
