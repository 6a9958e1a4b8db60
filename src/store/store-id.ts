import { ValueError } from '../errors.js';

/** Bytes in UTF-8: the id is part of every key. */
const MAX_BYTES = 512;

/**
 * Checks the id of a store. `:` separates the parts of a key, and braces are a hash tag on a Redis Cluster.
 * @throws {ValueError} for an id that is not allowed.
 */
export function checkStoreId(storeId: unknown): asserts storeId is string {
  if (typeof storeId !== 'string' || storeId === '')
    throw new ValueError('storeId is not a text of at least one character');
  if (Buffer.byteLength(storeId) > MAX_BYTES) {
    throw new ValueError(`storeId is longer than ${MAX_BYTES} bytes`);
  }
  // eslint-disable-next-line no-control-regex -- the pattern finds control characters, which no store id may hold
  if (/[:{}\u0000-\u001f\u007f]/.test(storeId) || !storeId.isWellFormed()) {
    throw new ValueError(
      // Not shown: a URL in place of an id may hold a password.
      `storeId is not allowed: it may not hold ":", "{", "}", control characters or lone surrogates`,
    );
  }
}
