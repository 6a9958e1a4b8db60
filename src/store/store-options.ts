import { ValueError } from '../errors.js';
import type { DiffSyncLogger } from '../logging/logger.js';

/** Options that every store takes. */
export interface BaseStoreOptions {
  /**
   * The id of a store within its backend. Objects of other store ids are never read or written. Not empty, and without `:`,
   * `{`, `}` or control characters; at most 512 bytes in UTF-8.
   */
  readonly storeId?: string | undefined;
  /**
   * The name in log lines and error messages.
   * @defaultValue the name of the class
   */
  readonly name?: string | undefined;
  /**
   * The largest object that a write accepts: bytes of its encoded record, in UTF-8. Child lists that grow by `addChild` are
   * not measured.
   * @defaultValue 16777216 (16 MiB)
   */
  readonly maxObjectBytes?: number | undefined;
  /**
   * How long an operation takes before a warning names it, with its model and the number of objects; milliseconds, 0 for never. A
   * store that has many of them writes one line a second; one in memory is not timed.
   * @defaultValue 1000
   */
  readonly slowOperationMs?: number | undefined;
  /**
   * The logger that operations write to.
   * @defaultValue the logger of the adapter that the store is bound to, else none
   */
  readonly logger?: DiffSyncLogger | undefined;
}

export const DEFAULT_MAX_OBJECT_BYTES = 16 * 1024 * 1024;
export const DEFAULT_SLOW_OPERATION_MS = 1000;
/** The bound of every backend and of JavaScript's strings. */
const LARGEST_MAX_OBJECT_BYTES = 256 * 1024 * 1024;

/** @throws {ValueError} for anything but a whole number of bytes from 1 to 256 MiB. */
export function checkMaxObjectBytes(bytes: unknown): number {
  if (Number.isInteger(bytes) && (bytes as number) >= 1 && (bytes as number) <= LARGEST_MAX_OBJECT_BYTES) {
    return bytes as number;
  }
  throw new ValueError(`maxObjectBytes is not a whole number from 1 to ${LARGEST_MAX_OBJECT_BYTES} (256 MiB)`);
}

/** @throws {ValueError} for anything but a number of milliseconds from 0 on. */
export function checkSlowOperationMs(milliseconds: unknown): number {
  if (Number.isFinite(milliseconds) && (milliseconds as number) >= 0) return milliseconds as number;
  throw new ValueError('slowOperationMs is not a number of milliseconds from 0 on');
}
