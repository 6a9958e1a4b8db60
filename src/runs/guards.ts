/** The limits of a run, for all models together or for one of them. `false` switches a guard off. */
export interface GuardLimits {
  /** Refuses to delete more of the target's compared objects, in per cent (SYNC_TOO_MANY_DELETES). Default: 50. */
  maxDeletePercent?: number | false | undefined;
  /** Refuses to update more of the target's compared objects, in per cent (SYNC_TOO_MANY_UPDATES). Default: false. */
  maxUpdatePercent?: number | false | undefined;
  /** The guards leave a target alone that has fewer objects, of all models or of the one model. Default: 20. */
  minObjects?: number | undefined;
  /** Refuses a source without any object, or without one of a model, where the target has some (SYNC_SOURCE_EMPTY). Default: `refuse`. */
  emptySource?: 'refuse' | false | undefined;
  /** Refuses a source that has lost more of its objects since the last good run, in per cent (SYNC_BASELINE_DROP). Default: 50. */
  baselineDropPercent?: number | false | undefined;
}

/** The guards of a run: what has to hold before anything is changed. */
export interface Guards extends GuardLimits {
  /**
   * What becomes of a run that a guard stops: `refuse` ends it before anything is touched, `skip-deletes` makes all changes but the
   * deletes that the guard speaks of, and what they belong to. Too many updates are refused in any case. Default: `refuse`.
   */
  onExceeded?: 'refuse' | 'skip-deletes' | undefined;
  /** Limits by model name, in place of those above; `false` switches all guards of a model off. */
  perModel?: Readonly<Record<string, GuardLimits | false>> | undefined;
}

/** The codes of what guards find. */
export type GuardCode = 'SYNC_TOO_MANY_DELETES' | 'SYNC_TOO_MANY_UPDATES' | 'SYNC_SOURCE_EMPTY' | 'SYNC_BASELINE_DROP';

/** What a guard has found. */
export interface GuardFinding {
  readonly code: GuardCode;
  /** What it has looked at: a run compares a source with a target, a reload a new copy with the old one. */
  readonly at: 'sync' | 'reload-source' | 'reload-target';
  /** The model that it is about; undefined for all models together. */
  readonly model?: string | undefined;
  /** How many objects are concerned: deletes, updates, or objects that are no longer there. */
  readonly count: number;
  /** Of how many. */
  readonly of: number;
  /** The limit in per cent; undefined for an empty source. */
  readonly limit?: number | undefined;
  /** The first ten objects concerned, as `model uid`. */
  readonly objects: readonly string[];
  /** `refused`, or `deletes-skipped` where the run went on without them. */
  readonly outcome: 'refused' | 'deletes-skipped';
  /** The same for people: numbers, limit, objects, and how to go on. */
  readonly message: string;
}
