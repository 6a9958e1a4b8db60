import { ObjectStoreException, SyncAborted } from '../errors.js';
import type { DiffSyncLogger } from '../logging/logger.js';
import type { ModelHost } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import type { BaseStore } from '../store/base-store.js';

/** The key of an adapter's logger: a symbol, because authors of adapters call a field of theirs `logger`. */
export const LOGGER = Symbol('nestjs-diffsync.logger');

/** What the engine knows of an adapter: one side of a comparison. */
export interface Side extends ModelHost {
  readonly topLevel: readonly string[];
  readonly store: BaseStore;
  readonly [LOGGER]: DiffSyncLogger;
  /** Every model of the adapter, by name. */
  readonly modelClasses: ReadonlyMap<string, ModelClass>;
}

/** Returns SyncAborted in place of the store's error for a read that the signal has ended, and any other error as it is. */
export function abortedError(error: unknown, signal: AbortSignal | undefined): unknown {
  const isAborted = signal?.aborted === true && error instanceof ObjectStoreException && error.cause === signal.reason;
  return isAborted && error.code === 'STORE_ABORTED' ? aborted(signal) : error;
}

/** @throws SyncAborted with the signal's reason as its cause, if the signal is aborted. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal);
}

function aborted(signal: AbortSignal): SyncAborted {
  return new SyncAborted('Aborted by its signal', { cause: signal.reason });
}
