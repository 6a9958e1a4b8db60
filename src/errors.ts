/** Everything a caller may catch. A `code` is stable and meant for programs; a message is for people and may change. */

export interface DiffSyncErrorOptions {
  readonly cause?: unknown;
}

/** The base of every error of this package. */
export class DiffSyncError extends Error {
  readonly code: string = 'DIFFSYNC_ERROR';

  constructor(message: string, options?: DiffSyncErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A bad argument: what was passed can never work, whatever the store holds. */
export class ValueError extends DiffSyncError {
  override readonly code: string = 'VALUE_ERROR';
}

/** One complaint of a model's schema: the dotted path of the field, and the schema library's own words. */
export interface ModelIssue {
  readonly path: string;
  readonly message: string;
}

/** The data given to a model does not satisfy its schema. */
export class ModelValidationError extends ValueError {
  override readonly code: string = 'MODEL_VALIDATION';

  constructor(
    message: string,
    readonly issues: readonly ModelIssue[],
    options?: DiffSyncErrorOptions,
  ) {
    super(message, options);
  }
}

/** A model or adapter class is declared wrongly. Thrown when the class is defined or first used, never later. */
export class ModelDefinitionError extends DiffSyncError {
  override readonly code: string = 'MODEL_DEFINITION';
}

/** What can go wrong with a store; the message of each error says what to do, and so does `docs/errors.md`. */
export type StoreErrorCode =
  | 'STORE_UNAVAILABLE'
  | 'STORE_TIMEOUT'
  | 'STORE_ABORTED'
  | 'STORE_OUTCOME_UNKNOWN'
  | 'STORE_AUTH'
  | 'STORE_PERMISSION'
  | 'STORE_READ_ONLY'
  | 'STORE_OUT_OF_MEMORY'
  | 'STORE_FULL'
  | 'STORE_MISCONFIGURED'
  | 'STORE_NO_REPLICAS'
  | 'STORE_NOT_REPLICATED'
  | 'STORE_WRONG_DATABASE'
  | 'STORE_WRONG_TOPOLOGY'
  | 'STORE_CLUSTER_DOWN'
  | 'STORE_TLS'
  | 'STORE_SCRIPT_MISSING'
  | 'STORE_WRONG_KEY_TYPE'
  | 'STORE_CORRUPT'
  | 'STORE_NEWER_FORMAT'
  | 'STORE_OTHER_LAYOUT'
  | 'STORE_OVERLOADED'
  | 'STORE_CLOSED'
  | 'STORE_ALREADY_BOUND'
  | 'STORE_PACKAGE_MISSING'
  | 'STORE_FAILED'
  | 'OBJECT_NOT_FOUND'
  | 'OBJECT_ALREADY_EXISTS'
  | 'OBJECT_STORE_WRONG_TYPE';

export interface ObjectStoreExceptionOptions extends DiffSyncErrorOptions {
  readonly code?: StoreErrorCode;
}

/** The store could not do what was asked. An unreachable or failing backend is this class itself, told apart by `code`. */
export class ObjectStoreException extends DiffSyncError {
  override readonly code: StoreErrorCode;

  constructor(message: string, options: ObjectStoreExceptionOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = options.code ?? 'STORE_FAILED';
  }
}

/** No object with this unique id, or no such child in a parent's list. */
export class ObjectNotFound extends ObjectStoreException {
  constructor(message: string, options?: DiffSyncErrorOptions) {
    super(message, { ...options, code: 'OBJECT_NOT_FOUND' });
  }
}

/** A different object holds this unique id (or an element this name in a diff). `existingObject` is the one that is there. */
export class ObjectAlreadyExists extends ObjectStoreException {
  constructor(
    message: string,
    readonly existingObject?: unknown,
    options?: DiffSyncErrorOptions,
  ) {
    super(message, { ...options, code: 'OBJECT_ALREADY_EXISTS' });
  }
}

/** A parent's model has no field for children of this type. */
export class ObjectStoreWrongType extends ObjectStoreException {
  constructor(message: string, options?: DiffSyncErrorOptions) {
    super(message, { ...options, code: 'OBJECT_STORE_WRONG_TYPE' });
  }
}

/** A create, update or delete of a single object failed. The only errors that CONTINUE_ON_FAILURE passes over. */
export class ObjectCrudException extends DiffSyncError {
  override readonly code: string = 'OBJECT_CRUD';
}

export class ObjectNotCreated extends ObjectCrudException {
  override readonly code: string = 'OBJECT_NOT_CREATED';
}

export class ObjectNotUpdated extends ObjectCrudException {
  override readonly code: string = 'OBJECT_NOT_UPDATED';
}

export class ObjectNotDeleted extends ObjectCrudException {
  override readonly code: string = 'OBJECT_NOT_DELETED';
}

/** A diff cannot be made or used. */
export class DiffException extends DiffSyncError {
  override readonly code: string = 'DIFF_ERROR';
}

/** The diff passed to a sync is not an instance of the `diffClass` passed with it. */
export class DiffClassMismatch extends DiffException {
  override readonly code: string = 'DIFF_CLASS_MISMATCH';
}

/** An object is, directly or not, its own child. `path` holds `model uid` from the first object round to itself. */
export class DiffCycle extends DiffException {
  override readonly code: string = 'DIFF_CYCLE';

  constructor(
    message: string,
    readonly path: readonly string[],
  ) {
    super(message);
  }
}

/** A saved diff does not fit the systems any more: one side has changed since. */
export class DiffStale extends DiffException {
  override readonly code: string = 'DIFF_STALE';
}

/** Text or data that is no saved diff. */
export class DiffInvalid extends DiffException {
  override readonly code: string = 'DIFF_INVALID';
}

/** A sync would delete more than it may; nothing was touched. */
export class TooManyDeletes extends DiffException {
  override readonly code: string = 'SYNC_TOO_MANY_DELETES';
}

/** A diff or sync was ended by its signal, whose reason is the cause. What was done before is saved. */
export class SyncAborted extends DiffSyncError {
  override readonly code: string = 'SYNC_ABORTED';
}

/** Where in a sync a model's hook failed. `path` names the parents, outermost first, as `model uid`. */
export interface SyncLocation {
  readonly adapter: string;
  readonly action: 'create' | 'update' | 'delete';
  readonly model: string;
  readonly uniqueId: string;
  readonly path: readonly string[];
}

/** A model's hook threw something other than an ObjectCrudException, kept as `cause`. What was done before is saved. */
export class SyncHookError extends DiffSyncError {
  override readonly code: string = 'SYNC_HOOK_FAILED';

  constructor(
    message: string,
    readonly location: SyncLocation,
    options: DiffSyncErrorOptions,
  ) {
    super(message, options);
  }
}

/** A copy of one store into another has ended early. What was copied is in the target; run again it goes on from there. */
export class CopyException extends DiffSyncError {
  override readonly code: string = 'COPY_FAILED';
}

/** The target holds another object than the source, or has them in another order. That object was not touched. */
export class CopyConflict extends CopyException {
  override readonly code: string = 'COPY_CONFLICT';

  constructor(
    message: string,
    readonly model: string,
    readonly uniqueId: string,
  ) {
    super(message);
  }
}

/** The target does not hold what was copied. */
export class CopyMismatch extends CopyException {
  override readonly code: string = 'COPY_MISMATCH';

  constructor(
    message: string,
    readonly model: string,
  ) {
    super(message);
  }
}

/** A copy was ended by its signal, whose reason is the cause. */
export class CopyAborted extends CopyException {
  override readonly code: string = 'COPY_ABORTED';
}
