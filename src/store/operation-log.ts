import { ObjectStoreException } from '../errors.js';
import { sizeOf, type OperatedStore, type OperationContext } from './operation-context.js';

/** Milliseconds between two lines of slow operations of a store: a server that hangs makes all that are running slow at once. */
const QUIET_MS = 1000;

/** Does the work of an operation, logs its outcome and duration at debug level, and warns of one that is slow. */
export async function logOperation<T>(
  store: OperatedStore,
  operation: string,
  context: OperationContext,
  work: () => Promise<T>,
): Promise<T> {
  const started = performance.now();
  let outcome = 'done';
  try {
    return await work();
  } catch (error) {
    outcome = error instanceof ObjectStoreException ? error.code : 'failed';
    throw error;
  } finally {
    const { model, uid, uids } = context;
    const uniqueId = uids?.length === 1 ? uids[0] : uid;
    store.logger.debug(`store ${operation}`, {
      store: String(store),
      ...(model === undefined ? {} : { model }),
      ...(uniqueId === undefined ? {} : { uniqueId }),
      ...(uids === undefined ? {} : { count: uids.length }),
      outcome,
      durationMs: milliseconds(performance.now() - started),
    });
    warnIfSlow(store, operation, context, started);
  }
}

/** Store -> when its last line of a slow operation was written, and how many more were slow since. */
const warned = new WeakMap<OperatedStore, { readonly at: number; more: number }>();

/**
 * Warns of an operation that has taken as long as `slowOperationMs` of its store, or longer. Its unique ids are not shown.
 * @param started - When it began, as `performance.now()`.
 */
export function warnIfSlow(store: OperatedStore, operation: string, context: OperationContext, started: number): void {
  const { slowOperationMs } = store;
  const now = performance.now();
  if (slowOperationMs === 0 || now - started < slowOperationMs) return;
  const last = warned.get(store);
  if (last !== undefined && now - last.at < QUIET_MS) {
    last.more++;
    return;
  }
  warned.set(store, { at: now, more: 0 });
  const { model } = context;
  const count = sizeOf(context);
  store.logger.warning(`store ${operation} is slow`, {
    store: String(store),
    operation,
    ...(model === undefined ? {} : { model }),
    ...(count === undefined ? {} : { count }),
    durationMs: milliseconds(now - started),
    ...(last === undefined || last.more === 0 ? {} : { moreSince: last.more }),
  });
}

function milliseconds(duration: number): number {
  return Math.round(duration * 1000) / 1000;
}
