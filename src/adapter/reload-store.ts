import { AsyncLocalStorage } from 'node:async_hooks';
import { makeEqual, type ReloadResult, type ReloadReview } from '../engine/reload.js';
import { checkAborted, LOGGER, type Side } from '../engine/side.js';
import { runAlone } from '../engine/target-lock.js';
import { loadChannel } from '../engine/traces.js';
import { ReloadConflict } from '../errors.js';
import { traced } from '../logging/channels.js';
import type { BaseStore } from '../store/base-store.js';
import { forwardLinks, revisionOf } from '../store/engine-access.js';
import { LocalStore } from '../store/local/local.store.js';

/** The asynchronous context of one `load`. */
interface LoadContext {
  /** What the adapter's `store` is in it. */
  store: BaseStore;
}

/** An adapter whose `store` depends on the asynchronous context, while it is reloaded and after a reload that failed. */
interface ReloadState {
  readonly target: BaseStore;
  readonly contexts: AsyncLocalStorage<LoadContext>;
  /** Makes `store` the plain property again that it was. */
  readonly restore: () => void;
}

const states = new WeakMap<Side, ReloadState>();

/** How an adapter is reloaded. */
export interface ReloadOptions {
  /** Looks at the result of `load` before anything is written. */
  readonly review?: ReloadReview | undefined;
  /** See `SyncOptions`. */
  readonly waitMs?: number | undefined;
  /** Ends the wait, and the reload before it writes. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls `load` with a store in memory in place of the adapter's, then makes the adapter's store equal to it. Elsewhere the
 * adapter keeps its store: which of both `adapter.store` is depends on the asynchronous context.
 * @throws SyncInProgress if a sync or reload of the adapter's store is running; ReloadConflict if the store itself was written
 * to meanwhile; what `load` throws.
 */
export async function reloadStore(
  adapter: Side,
  load: () => Promise<void>,
  { review, waitMs, signal }: ReloadOptions = {},
): Promise<ReloadResult> {
  const target = states.get(adapter)?.target ?? adapter.store;
  const reload = async (): Promise<ReloadResult> => {
    const copy = new LocalStore({
      name: `copy of ${target.name}`,
      storeId: target.storeId,
      maxObjectBytes: target.maxObjectBytes,
      slowOperationMs: target.slowOperationMs,
      logger: target.logger,
    });
    copy.bindAdapter(adapter, [...adapter.modelClasses.values()], adapter[LOGGER]);
    const context: LoadContext = { store: copy };
    const { contexts, restore } = stateOf(adapter, target);
    try {
      const revision = revisionOf(target);
      await contexts.run(context, load);
      await copy.flush();
      checkAborted(signal);
      if (revisionOf(target) !== revision) throw conflict(adapter);
      const result = await makeEqual(target, copy, adapter.modelClasses, review);
      context.store = target;
      forwardLinks(copy, target);
      restore();
      return result;
    } catch (error) {
      // What a failed load has left running finds a closed store, and cannot write to the adapter's.
      await copy.close();
      throw error;
    }
  };
  return runAlone(target, `reload of ${adapter.name}`, { tracked: true, waitMs, signal }, () =>
    loadChannel.hasSubscribers ? traced(loadChannel, { adapter: adapter.name, reload: true }, reload) : reload(),
  );
}

/** Makes `adapter.store` depend on the asynchronous context; a plain property costs nothing where nothing is reloaded. */
function stateOf(adapter: Side, target: BaseStore): ReloadState {
  const known = states.get(adapter);
  if (known !== undefined) return known;
  const contexts = new AsyncLocalStorage<LoadContext>();
  const property = Object.getOwnPropertyDescriptor(adapter, 'store');
  const restore = (): void => {
    states.delete(adapter);
    if (property === undefined) Reflect.deleteProperty(adapter, 'store');
    else Object.defineProperty(adapter, 'store', property);
    contexts.disable();
  };
  Object.defineProperty(adapter, 'store', {
    configurable: true,
    enumerable: true,
    get: () => contexts.getStore()?.store ?? target,
  });
  const state = { target, contexts, restore };
  states.set(adapter, state);
  return state;
}

function conflict({ name, store }: Side): ReloadConflict {
  return new ReloadConflict(
    `${name} was not reloaded, because this process has written to ${String(store)} itself while load was running, and the ` +
      `reload would undo that. Reload again. If load itself did it: it must write through the adapter (this.add, this.store), ` +
      `not through a store that was injected besides, nor from a callback outside of its own asynchronous context`,
  );
}
