import { ValueError } from '../../errors.js';
import type { DiffSyncAction, DiffSyncFlags } from '../../flags.js';
import type { ProgressCallback } from '../progress.js';

/**
 * Is called before each change and decides whether it is made.
 * @param action - The change.
 * @param modelType - The name of the object's model.
 * @param ids - The object's identifiers.
 * @param attrs - The attributes that would be set; of a delete, those that the target has.
 * @returns Whether to make the change. A create or delete that is not made is left out with everything below it.
 */
export type SyncFilter = (
  action: DiffSyncAction,
  modelType: string,
  ids: Readonly<Record<string, unknown>>,
  attrs: Readonly<Record<string, unknown>>,
) => boolean | Promise<boolean>;

/**
 * How a diff is applied to its target.
 *
 * @example
 * ```ts
 * const diff = await cmdb.syncFrom(network, {
 *   maxDeletePercent: 10,
 *   continueOnFailure: true,
 *   concurrency: 8,
 *   syncFilter: (action, modelType) => action !== 'delete' || modelType !== 'site',
 * });
 * for (const { location, error } of diff.errors) console.error(location.uniqueId, error.code);
 * ```
 */
export interface SyncerOptions {
  /** Flags of the sync, combined with `|`. Default: NONE. */
  flags?: DiffSyncFlags | undefined;
  /** Is called as elements of the diff are done. Default: no callback. */
  onProgress?: ProgressCallback | undefined;
  /**
   * Ends the sync with SyncAborted (SYNC_ABORTED) after the current group of objects; what was done is saved.
   * Default: no signal.
   */
  signal?: AbortSignal | undefined;
  /** Leaves out the changes for which it returns false. Default: all changes are made. */
  syncFilter?: SyncFilter | undefined;
  /** Whether to go on after any error of a hook, which is then in the diff's `errors`; never after a store's. Default: false. */
  continueOnFailure?: boolean | undefined;
  /** How many hooks run concurrently, of objects of one model. What is stored afterwards is what 1 stores. Default: 1. */
  concurrency?: number | undefined;
  /**
   * The id of the run that this sync is made for: hooks get idempotency keys of it, so that one that is called again in another sync of
   * the run gets the same. A `SyncRunner` passes its run's id. Never empty. Default: a random id, of this sync alone.
   */
  runId?: string | undefined;
  /** How many objects of one model a bulk hook gets at most. Default: 500. */
  batchSize?: number | undefined;
  /**
   * Refuses a sync that would delete more objects, with TooManyDeletes (SYNC_TOO_MANY_DELETES), before anything is changed. Those
   * count that will be gone: also what is stored below an object that goes with all its children; not what moves, nor what
   * `syncFilter` leaves out, which is asked before the sync begins then. Default: no limit.
   */
  maxDeletes?: number | undefined;
  /** The same limit in per cent of the target's objects that were compared, or would go. Default: no limit. */
  maxDeletePercent?: number | undefined;
}

/** Returns the value of an option. @throws ValueError if it is less than `least` or no number. */
export function requireAtLeast(option: string, value: number, least: number): number {
  if (value >= least) return value;
  throw new ValueError(`${option} is ${value}, not a number from ${least} on`);
}
