import type { ChangeResult, RunChange, SyncRun } from './sync-run.js';

/** Which runs of a history are listed. */
export interface ListRunsOptions {
  /** How many runs at most. Default: 20. */
  limit?: number | undefined;
  /** The `next` of the page before. Default: the newest run comes first. */
  after?: string | undefined;
  /** Ends the reads. */
  signal?: AbortSignal | undefined;
}

/** A page of runs, the newest first. */
export interface RunPage {
  readonly runs: readonly SyncRun[];
  /** Where the next page begins; undefined on the last one. */
  readonly next: string | undefined;
}

/** Which changes of a run are read. */
export interface ChangeFilter {
  /** The changed object is of one of these models. Default: any. */
  models?: readonly string[] | undefined;
  /** The change is one of these actions. Default: any. */
  actions?: readonly RunChange['action'][] | undefined;
  /** The change has one of these results. Default: any. */
  results?: readonly ChangeResult[] | undefined;
  /** The text is part of the unique id. Default: any. */
  uid?: string | undefined;
  /** Changes from this `index` on. Default: 0. */
  from?: number | undefined;
  /** Ends the reads. */
  signal?: AbortSignal | undefined;
}

/** Which runs are kept. */
export interface Retention {
  /** How many runs. Default: 500. */
  runs?: number | undefined;
  /** For how many days. Default: 365. */
  days?: number | undefined;
}

/** The runs of one target, as its store keeps them. */
export interface RunHistory {
  /**
   * Lists runs, the newest first.
   * @param options - `limit` and `after` for pages.
   * @returns The runs, and where the next page begins.
   */
  list(options?: ListRunsOptions): Promise<RunPage>;
  /**
   * Reads one run.
   * @param id - The run's id.
   * @returns The run.
   * @throws {RunNotFound} (RUN_NOT_FOUND) if there is none, or no longer.
   */
  get(id: string): Promise<SyncRun>;
  /**
   * Reads the changes of a run in their order, page by page.
   * @param id - The run's id.
   * @param filter - Which changes. Default: all.
   * @returns An async iterable of the changes.
   * @throws {RunNotFound} (RUN_NOT_FOUND) if there is no such run.
   */
  changes(id: string, filter?: ChangeFilter): AsyncGenerator<RunChange, void, undefined>;
  /**
   * Reads what has happened to one object, in all runs that are kept.
   * @param model - The name of its model.
   * @param uid - Its unique id.
   * @returns The changes, those of the newest run first.
   */
  ofObject(model: string, uid: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<RunChange[]>;
  /**
   * Removes runs that are not to be kept, the oldest first, in bounded steps.
   * @param options - Which runs are kept. Default: those of the runner's `retention`.
   * @returns How many runs were removed.
   */
  prune(options?: Retention & { readonly signal?: AbortSignal | undefined }): Promise<number>;
}
