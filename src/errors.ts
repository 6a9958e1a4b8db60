import { visibleText } from './values/visible-text.js';

/** Options of the constructors of errors. */
export interface DiffSyncErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * What every error of this package has. Programs catch a `DiffSyncError`, which is this class when it runs. A message is one line,
 * or one for each problem of several: control characters, line breaks and bidirectional controls, which only data holds, are
 * escaped as in every text for people.
 */
export class DiffSyncErrorBase extends Error {
  /** The name of the class that programs catch. */
  static override readonly name: string = 'DiffSyncError';

  /** The stable code of the error. */
  readonly code: string = 'DIFFSYNC_ERROR';

  /**
   * @param message - what went wrong, and what to do; a list is several lines.
   * @param options - the cause.
   */
  constructor(message: string | readonly string[], options?: DiffSyncErrorOptions) {
    super(linesOf(message), options);
    this.name = new.target.name;
  }
}

function linesOf(message: string | readonly string[]): string {
  const lines: readonly unknown[] = Array.isArray(message) ? message : [message];
  return lines.map((line) => visibleText(String(line))).join('\n');
}

/** Is thrown for an argument that can never work, whatever is stored (VALUE_ERROR). Correct the call. */
export class ValueError extends DiffSyncErrorBase {
  override readonly code: 'VALUE_ERROR' | 'MODEL_VALIDATION' = 'VALUE_ERROR';
}

/** One issue that a model's schema reports. */
export interface ModelIssue {
  /** The dotted path of the field; empty for the object itself. */
  readonly path: string;
  /** The message of the schema library. */
  readonly message: string;
}

/**
 * Is thrown when the schema of a model refuses the data of an object (MODEL_VALIDATION). `issues` names each field; correct
 * the data or the schema.
 */
export class ModelValidationError extends ValueError {
  override readonly code = 'MODEL_VALIDATION';

  /**
   * @param message - the name of the model and all issues.
   * @param issues - the issues of the schema.
   * @param options - the cause.
   */
  constructor(
    message: string,
    /** The issues of the schema, one for each field. */
    readonly issues: readonly ModelIssue[],
    options?: DiffSyncErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Is thrown for a wrong declaration of a model or adapter class (MODEL_DEFINITION), when the class is defined or first used
 * and never later. Correct the class.
 */
export class ModelDefinitionError extends DiffSyncErrorBase {
  override readonly code = 'MODEL_DEFINITION';
}

/** The codes of ObjectStoreException. The message of each error says what to do, and so does `docs/errors.md`. */
export type StoreErrorCode =
  | 'STORE_UNAVAILABLE'
  | 'STORE_TIMEOUT'
  | 'STORE_ABORTED'
  | 'STORE_OUTCOME_UNKNOWN'
  | 'STORE_AUTH'
  | 'STORE_CREDENTIALS'
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
  | 'STORE_COMMAND_MISSING'
  | 'STORE_WRONG_KEY_TYPE'
  | 'STORE_CORRUPT'
  | 'STORE_NEWER_FORMAT'
  | 'STORE_OTHER_LAYOUT'
  | 'STORE_EXPIRED'
  | 'STORE_OVERLOADED'
  | 'STORE_CONTENTION'
  | 'STORE_CLOSED'
  | 'STORE_ALREADY_BOUND'
  | 'STORE_PACKAGE_MISSING'
  | 'STORE_FAILED'
  | 'LEASE_LOST'
  | 'OBJECT_NOT_FOUND'
  | 'OBJECT_ALREADY_EXISTS'
  | 'OBJECT_STORE_WRONG_TYPE';

/** The codes of errors of the backend: those of ObjectStoreException itself. */
export type BackendErrorCode = Exclude<
  StoreErrorCode,
  'LEASE_LOST' | 'OBJECT_NOT_FOUND' | 'OBJECT_ALREADY_EXISTS' | 'OBJECT_STORE_WRONG_TYPE'
>;

/** Options of the constructor of ObjectStoreException. */
export interface ObjectStoreExceptionOptions extends DiffSyncErrorOptions {
  /** The stable code of the error. Default: STORE_FAILED. */
  readonly code?: StoreErrorCode | undefined;
}

/**
 * Is thrown when a store cannot do an operation. Errors of the backend are this class itself; their `code` tells them apart,
 * from STORE_UNAVAILABLE to STORE_FAILED. The message and `docs/errors.md` say what to do.
 * @example
 * ```ts
 * try {
 *   await store.open();
 * } catch (error) {
 *   if (error instanceof ObjectStoreException && error.code === 'STORE_UNAVAILABLE') scheduleRetry();
 *   else throw error;
 * }
 * ```
 */
export class ObjectStoreException extends DiffSyncErrorBase {
  override readonly code: StoreErrorCode;

  /**
   * @param message - what went wrong, and what to do.
   * @param options - the code (default: STORE_FAILED) and the cause.
   */
  constructor(message: string, options: ObjectStoreExceptionOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = options.code ?? 'STORE_FAILED';
  }
}

/**
 * Is thrown when no object has this unique id, or a parent's list has no such child (OBJECT_NOT_FOUND). Add the object, or use
 * a call that returns null or undefined instead.
 */
export class ObjectNotFound extends ObjectStoreException {
  declare readonly code: 'OBJECT_NOT_FOUND';

  /**
   * @param message - the object that was not found.
   * @param options - the cause.
   */
  constructor(message: string, options?: DiffSyncErrorOptions) {
    super(message, { ...options, code: 'OBJECT_NOT_FOUND' });
  }
}

/**
 * Is thrown when a different object has this unique id, or a different element this name in a diff (OBJECT_ALREADY_EXISTS). Use
 * `update` to replace the object.
 */
export class ObjectAlreadyExists extends ObjectStoreException {
  declare readonly code: 'OBJECT_ALREADY_EXISTS';

  /**
   * @param message - the object that exists already.
   * @param existingObject - that object.
   * @param options - the cause.
   */
  constructor(message: string, existingObject?: ObjectAlreadyExists['existingObject'], options?: DiffSyncErrorOptions) {
    super(message, { ...options, code: 'OBJECT_ALREADY_EXISTS' });
    Object.assign(this, { existingObject });
  }
}

/**
 * Is thrown when the model of a parent has no field for children of this model (OBJECT_STORE_WRONG_TYPE). Declare it in
 * `children`, or link the child elsewhere.
 */
export class ObjectStoreWrongType extends ObjectStoreException {
  declare readonly code: 'OBJECT_STORE_WRONG_TYPE';

  /**
   * @param message - both models, and those that the parent can have as children.
   * @param options - the cause.
   */
  constructor(message: string, options?: DiffSyncErrorOptions) {
    super(message, { ...options, code: 'OBJECT_STORE_WRONG_TYPE' });
  }
}

/** Who holds the lease of a store: plain values, for messages, health reports and logs. */
export interface LeaseHolder {
  /** The run that holds it. */
  readonly runId: string;
  /** Who started the run, as the caller named it; the process where no name was given. */
  readonly by: string;
  /** The process that took it: `host:pid`. */
  readonly process: string;
  /** Since when, by the clock of the backend: ISO 8601, in UTC. */
  readonly since: string;
}

/**
 * Is thrown by a write of a run that holds the lease of its store no longer, and by what renews or joins it (LEASE_LOST): the
 * lease expired and another run has taken it, or the run was ended. The write was not done, and no later one will be. End the run, and
 * start it anew: it begins with what the other one has left.
 */
export class LeaseLost extends ObjectStoreException {
  declare readonly code: 'LEASE_LOST';

  /**
   * @param message - the store, the run that lost the lease, and who holds it.
   * @param holder - who holds it now, where that is known.
   * @param options - the cause.
   */
  constructor(
    message: string,
    /** Who holds the lease now, where that is known. */
    readonly holder?: LeaseHolder,
    options?: DiffSyncErrorOptions,
  ) {
    super(message, { ...options, code: 'LEASE_LOST' });
  }
}

/** The codes of ObjectCrudException. */
export type CrudErrorCode = 'OBJECT_CRUD' | 'OBJECT_NOT_CREATED' | 'OBJECT_NOT_UPDATED' | 'OBJECT_NOT_DELETED';

/**
 * The base class of the failures of one object's hook (OBJECT_CRUD). With the flag CONTINUE_ON_FAILURE a sync logs these errors
 * and goes on; any other error ends it.
 */
export class ObjectCrudException extends DiffSyncErrorBase {
  override readonly code: CrudErrorCode = 'OBJECT_CRUD';
}

/** Is thrown by a model's `create` that failed (OBJECT_NOT_CREATED). Throw it in your hooks. */
export class ObjectNotCreated extends ObjectCrudException {
  override readonly code = 'OBJECT_NOT_CREATED';
}

/** Is thrown by a model's `update` that failed (OBJECT_NOT_UPDATED). Throw it in your hooks. */
export class ObjectNotUpdated extends ObjectCrudException {
  override readonly code = 'OBJECT_NOT_UPDATED';
}

/** Is thrown by a model's `delete` that failed (OBJECT_NOT_DELETED). Throw it in your hooks. */
export class ObjectNotDeleted extends ObjectCrudException {
  override readonly code = 'OBJECT_NOT_DELETED';
}

/** The codes of DiffException. */
export type DiffErrorCode =
  | 'DIFF_ERROR'
  | 'DIFF_CLASS_MISMATCH'
  | 'DIFF_CYCLE'
  | 'DIFF_COMPARE_FAILED'
  | 'DIFF_STALE'
  | 'DIFF_INVALID'
  | SyncRefusedCode;

/** The codes of SyncRefused. */
export type SyncRefusedCode =
  | 'SYNC_TOO_MANY_DELETES'
  | 'SYNC_TOO_MANY_UPDATES'
  | 'SYNC_SOURCE_EMPTY'
  | 'SYNC_BASELINE_DROP';

/** Is thrown when a diff cannot be calculated or applied (DIFF_ERROR). The message says why. */
export class DiffException extends DiffSyncErrorBase {
  override readonly code: DiffErrorCode = 'DIFF_ERROR';
}

/** Is thrown when the diff passed to a sync is no instance of the `diffClass` passed with it (DIFF_CLASS_MISMATCH). */
export class DiffClassMismatch extends DiffException {
  override readonly code = 'DIFF_CLASS_MISMATCH';
}

/** Is thrown when an object is, directly or not, its own child (DIFF_CYCLE). Remove one of the links that `path` names. */
export class DiffCycle extends DiffException {
  override readonly code = 'DIFF_CYCLE';

  /**
   * @param message - the objects of the cycle.
   * @param path - `model uid` of each object of the cycle; the first one again at the end.
   */
  constructor(
    message: string,
    /** `model uid` of each object of the cycle; the first one again at the end. */
    readonly path: readonly string[],
  ) {
    super(message);
  }
}

/**
 * Is thrown when the `compare` function of an attribute throws (DIFF_COMPARE_FAILED), by whatever asks an element of the diff for
 * its action. The error of the function is the cause. Correct the function: it gets the values of both sides, which may be null
 * or undefined. A sync reports it as the failure of that object.
 */
export class DiffCompareFailed extends DiffException {
  override readonly code = 'DIFF_COMPARE_FAILED';

  /**
   * @param message - the object, the attribute, and the message of the cause.
   * @param model - the name of the object's model.
   * @param uniqueId - the unique id of the object.
   * @param attribute - the attribute whose values were compared.
   * @param options - the cause.
   */
  constructor(
    message: string,
    /** The name of the object's model. */
    readonly model: string,
    /** The unique id of the object. */
    readonly uniqueId: string,
    /** The attribute whose values were compared. */
    readonly attribute: string,
    options: DiffSyncErrorOptions,
  ) {
    super(message, options);
  }
}

/** Is thrown for a saved diff that is stale: one side has changed since (DIFF_STALE). Calculate a new diff. */
export class DiffStale extends DiffException {
  override readonly code = 'DIFF_STALE';
}

/** Is thrown for text or data that is no saved diff, or a damaged one (DIFF_INVALID). */
export class DiffInvalid extends DiffException {
  override readonly code = 'DIFF_INVALID';
}

/**
 * Is thrown before the first change of a run that a guard stops: too many updates (SYNC_TOO_MANY_UPDATES), a source without objects
 * (SYNC_SOURCE_EMPTY), or one that has lost too many since the last good run (SYNC_BASELINE_DROP). Check the source; the message says
 * how to go on where it is right.
 */
export class SyncRefused extends DiffException {
  override readonly code: SyncRefusedCode;

  /**
   * @param message - the numbers, the limit, the objects concerned, and how to go on.
   * @param code - the guard that has stopped the run.
   */
  constructor(message: string, code: SyncRefusedCode) {
    super(message);
    this.code = code;
  }
}

/**
 * Is thrown before the first change of a sync or run that would delete more objects than it may (SYNC_TOO_MANY_DELETES). Check the
 * source; raise `maxDeletes` or `maxDeletePercent` where the deletes are right.
 */
export class TooManyDeletes extends SyncRefused {
  declare readonly code: 'SYNC_TOO_MANY_DELETES';

  /** @param message - the numbers, the limit, and what to do. */
  constructor(message: string) {
    super(message, 'SYNC_TOO_MANY_DELETES');
  }
}

/** Is thrown for the id of a run that the history of the target does not have, or no longer (RUN_NOT_FOUND). */
export class RunNotFound extends DiffSyncErrorBase {
  override readonly code = 'RUN_NOT_FOUND';
}

/** Why a plan is not approved, or not applied. */
export type PlanRefusedCode = 'RUN_HAS_NO_PLAN' | 'RUN_WAS_REFUSED' | 'RUN_WAS_APPLIED' | 'RUN_NOT_APPROVED';

/**
 * Is thrown for a run that has no plan to approve (RUN_HAS_NO_PLAN), because it was no dry run or has not ended well; for a plan that a
 * guard has refused (RUN_WAS_REFUSED); for one that was applied already (RUN_WAS_APPLIED); and for one that is not approved, where
 * `approved` asks for that (RUN_NOT_APPROVED).
 */
export class PlanRefused extends DiffSyncErrorBase {
  override readonly code: PlanRefusedCode;

  /**
   * @param message - the run, and what to do.
   * @param code - what is wrong with it.
   */
  constructor(message: string, code: PlanRefusedCode) {
    super(message);
    this.code = code;
  }
}

/** Is thrown by a run in parts of which one has failed; its cause is the first failure, and the others are done (RUN_PART_FAILED). */
export class RunPartFailed extends DiffSyncErrorBase {
  override readonly code = 'RUN_PART_FAILED';
}

/** Is thrown for the name of an adapter that the application does not have among its providers (ADAPTER_NOT_FOUND). */
export class AdapterNotFound extends DiffSyncErrorBase {
  override readonly code = 'ADAPTER_NOT_FOUND';
}

/**
 * Is thrown when the server of a queue of runs does not answer in time, or refuses (QUEUE_UNAVAILABLE). What was asked may be done
 * later; adding a run again is safe, because a target has one at a time.
 */
export class QueueUnavailable extends DiffSyncErrorBase {
  override readonly code = 'QUEUE_UNAVAILABLE';
}

/**
 * Is thrown when its signal aborts a diff or sync (SYNC_ABORTED). The cause is the reason of the signal; changes made before
 * are saved.
 */
export class SyncAborted extends DiffSyncErrorBase {
  override readonly code = 'SYNC_ABORTED';
}

/**
 * Is thrown when a sync or reload of a target is still running in this process, or a run in any process holds the lease of the
 * target, before the next one has done anything (SYNC_IN_PROGRESS). Wait for the first one, or pass `waitMs`. One that is started
 * inside the first one, by a hook for example, would wait for itself: start it after the first one has settled.
 */
export class SyncInProgress extends DiffSyncErrorBase {
  override readonly code = 'SYNC_IN_PROGRESS';

  /**
   * @param message - what is still running, and since when where that is known.
   * @param holder - who holds the lease of the target.
   * @param options - the cause.
   */
  constructor(
    message: string,
    /** Who holds the lease of the target; undefined where it is a sync in this process without one. */
    readonly holder?: LeaseHolder,
    options?: DiffSyncErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Is thrown by a reload when this process has written to the store itself while `load` was running (RELOAD_CONFLICT). Nothing
 * is changed: a reload would undo those writes. Reload again; let `load` write through `this` only.
 */
export class ReloadConflict extends DiffSyncErrorBase {
  override readonly code = 'RELOAD_CONFLICT';
}

/** The object of a sync that failed. */
export interface SyncLocation {
  /** The name of the target's adapter. */
  readonly adapter: string;
  /** The change that failed: the hook of this name was called, or was to be. */
  readonly action: 'create' | 'update' | 'delete';
  /** The name of the object's model. */
  readonly model: string;
  /** The unique id of the object. */
  readonly uniqueId: string;
  /** The parents of the object as `model uid`, outermost first. */
  readonly path: readonly string[];
}

/**
 * Is thrown when an object of a sync fails for any other reason than an ObjectCrudException (SYNC_HOOK_FAILED): its hook throws
 * something else or returns what is no model, its values cannot be stored, or its `compare` function, constructor or schema
 * throws. That error is the cause; changes made before are saved. Correct what the cause names.
 */
export class SyncHookError extends DiffSyncErrorBase {
  override readonly code = 'SYNC_HOOK_FAILED';

  /**
   * @param message - the hook, the object, and the message of the cause.
   * @param location - the object whose hook failed.
   * @param options - the cause.
   */
  constructor(
    message: string,
    /** The object whose hook failed. */
    readonly location: SyncLocation,
    options: DiffSyncErrorOptions,
  ) {
    super(message, options);
  }
}

/** The codes of CopyException. */
export type CopyErrorCode = 'COPY_FAILED' | 'COPY_CONFLICT' | 'COPY_MISMATCH' | 'COPY_ABORTED';

/**
 * Is thrown when `copyStore` ends early (COPY_FAILED). What was copied is in the target; another call continues there.
 */
export class CopyException extends DiffSyncErrorBase {
  override readonly code: CopyErrorCode = 'COPY_FAILED';
}

/**
 * Is thrown when the target of a copy has a different object than the source, or its objects in another order (COPY_CONFLICT).
 * That object is not changed. Copy into an empty store, or remove the object.
 */
export class CopyConflict extends CopyException {
  override readonly code = 'COPY_CONFLICT';

  /**
   * @param message - the conflict.
   * @param model - the name of the object's model.
   * @param uniqueId - the unique id of the object.
   */
  constructor(
    message: string,
    /** The name of the object's model. */
    readonly model: string,
    /** The unique id of the object. */
    readonly uniqueId: string,
  ) {
    super(message);
  }
}

/**
 * Is thrown when the verification after a copy finds that the target differs from the source (COPY_MISMATCH). Another program
 * has written to one of the stores; copy again.
 */
export class CopyMismatch extends CopyException {
  override readonly code = 'COPY_MISMATCH';

  /**
   * @param message - the difference.
   * @param model - the name of the model that differs.
   */
  constructor(
    message: string,
    /** The name of the model that differs. */
    readonly model: string,
  ) {
    super(message);
  }
}

/** Is thrown when its signal aborts a copy (COPY_ABORTED). The cause is the reason of the signal. */
export class CopyAborted extends CopyException {
  override readonly code = 'COPY_ABORTED';
}

/** An error whose class has subclasses with codes of their own, with the code of the class itself. */
export type OfCode<E, Code> = E & { readonly code: Code };

/**
 * Every error of this package: a union whose members are told apart by their `code`, which is stable; the message is for people
 * and may change. Use it as a class: `error instanceof DiffSyncError`.
 * @example
 * ```ts
 * try {
 *   await cmdb.syncFrom(network);
 * } catch (error) {
 *   if (!(error instanceof DiffSyncError)) throw error;
 *   switch (error.code) {
 *     case 'MODEL_VALIDATION':
 *       return error.issues;
 *     case 'SYNC_HOOK_FAILED':
 *       return error.location;
 *     default:
 *       throw error;
 *   }
 * }
 * ```
 */
export type DiffSyncError =
  | OfCode<DiffSyncErrorBase, 'DIFFSYNC_ERROR'>
  | OfCode<ValueError, 'VALUE_ERROR'>
  | ModelValidationError
  | ModelDefinitionError
  | OfCode<ObjectStoreException, BackendErrorCode>
  | LeaseLost
  | ObjectNotFound
  | ObjectAlreadyExists
  | ObjectStoreWrongType
  | OfCode<ObjectCrudException, 'OBJECT_CRUD'>
  | ObjectNotCreated
  | ObjectNotUpdated
  | ObjectNotDeleted
  | OfCode<DiffException, 'DIFF_ERROR'>
  | DiffClassMismatch
  | DiffCycle
  | DiffCompareFailed
  | DiffStale
  | DiffInvalid
  | OfCode<SyncRefused, Exclude<SyncRefusedCode, 'SYNC_TOO_MANY_DELETES'>>
  | TooManyDeletes
  | RunNotFound
  | OfCode<PlanRefused, 'RUN_HAS_NO_PLAN'>
  | OfCode<PlanRefused, 'RUN_WAS_REFUSED'>
  | OfCode<PlanRefused, 'RUN_WAS_APPLIED'>
  | OfCode<PlanRefused, 'RUN_NOT_APPROVED'>
  | AdapterNotFound
  | RunPartFailed
  | QueueUnavailable
  | SyncAborted
  | SyncInProgress
  | ReloadConflict
  | SyncHookError
  | OfCode<CopyException, 'COPY_FAILED'>
  | CopyConflict
  | CopyMismatch
  | CopyAborted;

/** The codes of all errors of this package. */
export type DiffSyncErrorCode = DiffSyncError['code'];

/** The class of every error of this package; an instance of it is a `DiffSyncError`. */
export interface DiffSyncErrorClass {
  /**
   * @param message - what went wrong, and what to do.
   * @param options - the cause.
   */
  new (message: string, options?: DiffSyncErrorOptions): OfCode<DiffSyncErrorBase, 'DIFFSYNC_ERROR'>;
  readonly prototype: DiffSyncError;
}

/** The class of every error of this package. */
export const DiffSyncError = DiffSyncErrorBase as unknown as DiffSyncErrorClass;
