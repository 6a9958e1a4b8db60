/** The words that models, diffs and both halves of the engine share. Names and values are the reference's (`enum.py`). */

/** Flags of one diff or sync; combine with `|`. */
export enum DiffSyncFlags {
  NONE = 0,
  /** A create, update or delete that throws an ObjectCrudException is logged, and the sync goes on. */
  CONTINUE_ON_FAILURE = 0b1,
  /** Leave out objects that only the source has: nothing is created. */
  SKIP_UNMATCHED_SRC = 0b10,
  /** Leave out objects that only the target has: nothing is deleted. */
  SKIP_UNMATCHED_DST = 0b100,
  SKIP_UNMATCHED_BOTH = SKIP_UNMATCHED_SRC | SKIP_UNMATCHED_DST,
  /** Log unchanged objects too, at debug level. */
  LOG_UNCHANGED_RECORDS = 0b1000,
}

/** Flags of one object (`modelFlags`); combine with `|`. */
export enum DiffSyncModelFlags {
  NONE = 0,
  /** Leave this object, and all below it, out of every diff. */
  IGNORE = 0b1,
  /** When this object is deleted, drop its children from the store without calling their `delete`. */
  SKIP_CHILDREN_ON_DELETE = 0b10,
  /** Do not create this source object in the target. */
  SKIP_UNMATCHED_SRC = 0b100,
  /** Do not delete this target object. */
  SKIP_UNMATCHED_DST = 0b1000,
  SKIP_UNMATCHED_BOTH = SKIP_UNMATCHED_SRC | SKIP_UNMATCHED_DST,
  /** When this object is deleted, delete its children first. */
  NATURAL_DELETION_ORDER = 0b10000,
}

/** Outcome of the last create, update or delete of an object. */
export enum DiffSyncStatus {
  /** Nothing was attempted. */
  UNKNOWN = 'unknown',
  SUCCESS = 'success',
  /** The hook answered null. */
  FAILURE = 'failure',
  /** The hook threw an ObjectCrudException. */
  ERROR = 'error',
}

/** What it takes to make the target's object equal to the source's. */
export type DiffSyncAction = 'create' | 'update' | 'delete';
