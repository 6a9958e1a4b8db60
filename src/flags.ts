/**
 * Flags of one diff or sync; combine them with `|`. Names and values are the reference's (`enum.py`).
 * @example
 * ```ts
 * const flags = DiffSyncFlags.CONTINUE_ON_FAILURE | DiffSyncFlags.SKIP_UNMATCHED_DST;
 * await cmdb.syncFrom(network, { flags });
 * ```
 */
export enum DiffSyncFlags {
  /** No flag. */
  NONE = 0,
  /** A sync logs a create, update or delete that throws an ObjectCrudException, and goes on. */
  CONTINUE_ON_FAILURE = 0b1,
  /** A diff omits objects that only the source has: nothing is created. */
  SKIP_UNMATCHED_SRC = 0b10,
  /** A diff omits objects that only the target has: nothing is deleted. */
  SKIP_UNMATCHED_DST = 0b100,
  /** Both of SKIP_UNMATCHED_SRC and SKIP_UNMATCHED_DST. */
  SKIP_UNMATCHED_BOTH = SKIP_UNMATCHED_SRC | SKIP_UNMATCHED_DST,
  /** A sync logs unchanged objects too, at debug level. */
  LOG_UNCHANGED_RECORDS = 0b1000,
}

/**
 * Flags of one object, its `modelFlags`; combine them with `|`. Names and values are the reference's (`enum.py`).
 * @example
 * ```ts
 * device.modelFlags |= DiffSyncModelFlags.SKIP_UNMATCHED_DST;
 * await adapter.update(device);
 * ```
 */
export enum DiffSyncModelFlags {
  /** No flag. */
  NONE = 0,
  /** A diff omits this object and all objects below it. */
  IGNORE = 0b1,
  /** When a sync deletes this object, its children are removed from the store without a call of their `delete`. */
  SKIP_CHILDREN_ON_DELETE = 0b10,
  /** A diff omits this object of the source where the target does not have it. */
  SKIP_UNMATCHED_SRC = 0b100,
  /** A diff omits this object of the target where the source does not have it. */
  SKIP_UNMATCHED_DST = 0b1000,
  /** Both of SKIP_UNMATCHED_SRC and SKIP_UNMATCHED_DST. */
  SKIP_UNMATCHED_BOTH = SKIP_UNMATCHED_SRC | SKIP_UNMATCHED_DST,
  /** When a sync deletes this object, it deletes the children first. */
  NATURAL_DELETION_ORDER = 0b10000,
}

/** The outcome of the last create, update or delete of an object. Values are the reference's (`enum.py`). */
export enum DiffSyncStatus {
  /** No hook was called. */
  UNKNOWN = 'unknown',
  /** The hook returned the object. */
  SUCCESS = 'success',
  /** The hook returned null. */
  FAILURE = 'failure',
  /** The hook threw an ObjectCrudException. */
  ERROR = 'error',
}

/** The change that makes the target's object equal to the source's. */
export type DiffSyncAction = 'create' | 'update' | 'delete';
