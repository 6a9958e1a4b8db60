import { ObjectStoreException } from '../../src/index.js';

/** Opens a store whose short timeout belongs to a fault that comes later: a busy machine may not connect within it at once. */
export async function openPatiently(store: { open(): Promise<void> }): Promise<void> {
  for (;;) {
    try {
      return await store.open();
    } catch (error) {
      const { code } = error as ObjectStoreException;
      if (!(error instanceof ObjectStoreException) || (code !== 'STORE_TIMEOUT' && code !== 'STORE_UNAVAILABLE'))
        throw error;
    }
  }
}
