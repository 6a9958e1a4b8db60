import { SyncAborted } from '../errors.js';

/** What a run wants to know of a `load`. */
export interface LoadWatch {
  /** Ends the load: the adapter then stores nothing more. */
  readonly signal: AbortSignal;
  /** Is called with what the load says of its progress. */
  progress(done: number, total: number | undefined): void;
}

/** What the adapters' loads are watched by, while a run waits for them. */
const watches = new WeakMap<object, LoadWatch>();
/** Model -> why its last load has not brought all of its objects. */
const incomplete = new WeakMap<object, Map<string, string>>();

/** Calls `load` of an adapter, and follows what it says meanwhile. */
export async function watchLoad<T>(adapter: object, watch: LoadWatch, load: () => Promise<T>): Promise<T> {
  watches.set(adapter, watch);
  try {
    return await load();
  } finally {
    if (watches.get(adapter) === watch) watches.delete(adapter);
  }
}

/** Returns the watch of the adapter's load, if a run waits for it. */
export function watchOf(adapter: object): LoadWatch | undefined {
  return watches.get(adapter);
}

/** @throws SyncAborted if the load has been ended. */
export function checkLoad(adapter: object): void {
  const signal = watches.get(adapter)?.signal;
  if (signal?.aborted === true) throw new SyncAborted('The load was ended by the run', { cause: signal.reason });
}

/** Forgets what an earlier load has said of its models. */
export function beginLoad(adapter: object): void {
  incomplete.delete(adapter);
}

/** Notes that a load has not brought all objects of a model. The first reason stays. */
export function noteIncomplete(adapter: object, model: string, reason: string): void {
  const models = incomplete.get(adapter) ?? new Map<string, string>();
  incomplete.set(adapter, models);
  if (!models.has(model)) models.set(model, reason);
}

/** Returns the models of which the last load has not brought all objects, and why. */
export function incompleteOf(adapter: object): ReadonlyMap<string, string> {
  return incomplete.get(adapter) ?? new Map<string, string>();
}
