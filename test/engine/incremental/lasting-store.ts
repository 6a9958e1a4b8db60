import { LocalStore } from '../../../src/index.js';

/** A store in memory that passes for one that outlives its process: tests need many of them. */
export class LastingStore extends LocalStore {
  override get address(): string {
    return 'memory';
  }

  override scope(options: { readonly storeId: string; readonly name?: string }): LastingStore {
    const { logger, maxObjectBytes } = this;
    return new LastingStore({ logger, maxObjectBytes, ...options });
  }
}
