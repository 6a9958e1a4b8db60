import { ValueError } from '../errors.js';

/** @throws ValueError: `:` parts keys, and braces choose the slot on a Redis Cluster. */
export function checkStoreId(storeId: unknown): asserts storeId is string {
  if (typeof storeId !== 'string' || storeId === '')
    throw new ValueError('storeId is not a text of at least one character');
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[:{}\u0000-\u001f\u007f]/.test(storeId) || !storeId.isWellFormed()) {
    throw new ValueError(
      `storeId ${JSON.stringify(storeId)} is not allowed: it may not hold ":", "{", "}", control characters or lone surrogates`,
    );
  }
}
