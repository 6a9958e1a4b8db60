import { SyncAborted } from '../errors.js';
import type { DiffSyncLogger } from '../logging/logger.js';
import type { ModelHost } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import type { BaseStore } from '../store/base-store.js';

/** What the engine knows of an adapter: one side of a comparison. */
export interface Side extends ModelHost {
  readonly topLevel: readonly string[];
  readonly store: BaseStore;
  readonly logger: DiffSyncLogger;
  /** Every model of the adapter, by name. */
  readonly modelClasses: ReadonlyMap<string, ModelClass>;
}

/** @throws SyncAborted with the signal's reason as its cause, if the signal is aborted. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new SyncAborted('Aborted by its signal', { cause: signal.reason });
}
