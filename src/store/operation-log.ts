import { ObjectStoreException } from '../errors.js';
import type { OperatedStore, OperationContext } from './operation-context.js';

/** Does the work of an operation, and logs its outcome and duration at debug level. */
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
      durationMs: Math.round((performance.now() - started) * 1000) / 1000,
    });
  }
}
