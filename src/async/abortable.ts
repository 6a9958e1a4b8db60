import { setMaxListeners } from 'node:events';
import { ObjectStoreException } from '../errors.js';

/** An operation that a signal may end. */
interface AbortableOperation {
  /** Begins the message of an error. */
  readonly store: string;
  readonly operation: string;
  /** Whether it may have written when it is ended. */
  readonly writes: boolean;
}

/**
 * Ends with the signal, whether or not the backend looks at it; what then still runs goes on unheard.
 * @param work calls `begun` when it may have had an effect.
 * @throws ObjectStoreException: STORE_ABORTED, or STORE_OUTCOME_UNKNOWN where it may have written.
 */
export async function abortable<T>(
  signal: AbortSignal,
  { store, operation, writes }: AbortableOperation,
  work: (begun: () => void) => Promise<T>,
): Promise<T> {
  let unknown = false;
  const ended = (): ObjectStoreException =>
    new ObjectStoreException(
      `${store}: ${operation} was ended by its signal${unknown ? '; it may or may not be done' : ''}`,
      { code: unknown ? 'STORE_OUTCOME_UNKNOWN' : 'STORE_ABORTED', cause: signal.reason },
    );
  if (signal.aborted) throw ended();
  setMaxListeners(0, signal); // One signal may end any number of operations at once, which is no leak.
  return new Promise<T>((resolve, reject) => {
    const end = (): void => reject(ended());
    signal.addEventListener('abort', end, { once: true });
    const done = (): void => signal.removeEventListener('abort', end);
    work(() => (unknown = writes))
      .finally(done)
      .then(resolve, reject);
  });
}
