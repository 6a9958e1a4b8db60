import type { BaseStore } from './base-store.js';
import { coreOf } from './store-lifecycle.js';

/** The ending of the id of the store that keeps the runs of another one. No store of an application has such an id. */
const RUNS = 'runs';

/** Returns the id of the store that keeps the runs of a store with this id. */
export function runsStoreId(storeId: string | undefined): string {
  return storeId === undefined ? RUNS : `${storeId}.${RUNS}`;
}

/**
 * Returns the open store that keeps the runs of a store: a scope of it, on the same backend and connection. It is the same one at
 * each call, and `close` of the store closes it too.
 * @throws {ObjectStoreException} (STORE_CLOSED) if the store is not open.
 */
export async function runsStoreOf(store: BaseStore, signal?: AbortSignal): Promise<BaseStore> {
  const core = coreOf(store);
  core.operations.checkOpen();
  const beside =
    (core.beside as BaseStore | undefined) ??
    store.scope({ storeId: runsStoreId(store.storeId), name: `runs of ${store.name}` });
  core.beside = beside;
  if (!beside.isOpen) await beside.open({ signal });
  return beside;
}
