import type { Adapter } from '../adapter/adapter.js';
import type { SyncOptions } from '../adapter/adapter-options.js';
import type { Diff } from '../diff/diff.js';
import type { ProgressCallback } from '../engine/progress.js';
import type { Retention } from './history-types.js';
import type { RunLoad } from './run-load.js';
import type { RunOptions } from './run-options.js';
import type { RunFacts } from './run-draft.js';
import type { Division } from './run-division.js';
import type { RunKind, SyncRun } from './sync-run.js';

/** What a run does: the same for a sync, a dry run, and one that applies a plan. */
export interface RunWork extends RunOptions {
  readonly kind: RunKind;
  readonly source: Adapter;
  readonly target: Adapter;
  /** The id of the run whose plan it applies, or which it undoes. */
  readonly of?: string | undefined;
  readonly load?: RunLoad | undefined;
  readonly id?: string | undefined;
  /** How it is divided. */
  readonly parts?: Division | undefined;
  /** Of a part: which one. */
  readonly part?: SyncRun['part'];
  /** Of a part: the models of which nothing is deleted. */
  readonly withoutDeletes?: readonly string[] | 'all' | undefined;
  readonly history: boolean;
  readonly retention: Retention;
  readonly verify?: boolean | undefined;
  readonly incremental?: boolean | undefined;
  /** Returns the changes to make. */
  compare(
    options: { readonly onProgress: ProgressCallback; readonly signal: AbortSignal },
    facts: RunFacts,
  ): Promise<Diff>;
  /** How they are made. */
  readonly sync: SyncOptions;
}
