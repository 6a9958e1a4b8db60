import { setMaxListeners } from 'node:events';
import { ObjectStoreException } from '../errors.js';

/** What an error says of the operation that a signal ended. */
export interface AbortableOperation {
  /** Begins the message of an error. */
  readonly store: string;
  readonly operation: string;
  /** Whether the operation writes, so that it may have been done when it is ended. */
  readonly writes: boolean;
}

/** @returns the error of an operation that the signal has ended. @param unknown - Whether it may have had an effect. */
export function abortError(
  signal: AbortSignal,
  { store, operation }: Pick<AbortableOperation, 'store' | 'operation'>,
  unknown = false,
): ObjectStoreException {
  return new ObjectStoreException(
    `${store}: ${operation} was ended by its signal${unknown ? '; it may or may not be done' : ''}`,
    { code: unknown ? 'STORE_OUTCOME_UNKNOWN' : 'STORE_ABORTED', cause: signal.reason },
  );
}

/**
 * Ends a promise with a signal, whether or not the backend looks at the signal. Work that is still under way then goes on,
 * and its outcome is ignored.
 * @param work - Calls `begun` when it may have had an effect.
 * @returns what `work` resolves to.
 * @throws {ObjectStoreException} (STORE_ABORTED), or (STORE_OUTCOME_UNKNOWN) where it may have written.
 */
export async function abortable<T>(
  signal: AbortSignal,
  operation: AbortableOperation,
  work: (begun: () => void) => Promise<T>,
): Promise<T> {
  let unknown = false;
  const ended = (): ObjectStoreException => abortError(signal, operation, unknown);
  if (signal.aborted) throw ended();
  setMaxListeners(0, signal); // One signal may end any number of operations at once, which is no leak.
  return new Promise<T>((resolve, reject) => {
    const end = (): void => reject(ended());
    signal.addEventListener('abort', end, { once: true });
    const done = (): void => signal.removeEventListener('abort', end);
    work(() => (unknown = operation.writes))
      .finally(done)
      .then(resolve, reject);
  });
}
