import type { Adapter } from '../adapter/adapter.js';
import type { SyncOptions } from '../adapter/adapter-options.js';
import type { Diff } from '../diff/diff.js';
import type { ProgressCallback } from '../engine/progress.js';
import type { Retention } from './history-types.js';
import type { RunLoad, RunOptions } from './run-options.js';
import type { RunFacts } from './run-draft.js';
import type { RunKind } from './sync-run.js';

/** What a run does: the same for a sync, a dry run, and one that applies a plan. */
export interface RunWork extends RunOptions {
  readonly kind: RunKind;
  readonly source: Adapter;
  readonly target: Adapter;
  /** The id of the run whose plan it applies, or which it undoes. */
  readonly of?: string | undefined;
  readonly load?: RunLoad | undefined;
  readonly history: boolean;
  readonly retention: Retention;
  readonly verify?: boolean | undefined;
  /** Returns the changes to make. */
  compare(
    options: { readonly onProgress: ProgressCallback; readonly signal: AbortSignal },
    facts: RunFacts,
  ): Promise<Diff>;
  /** How they are made. */
  readonly sync: SyncOptions;
}
