import {
  DiffInvalid,
  DiffStale,
  DiffSyncError,
  ObjectNotCreated,
  ObjectNotFound,
  ObjectStoreException,
  SyncHookError,
  TooManyDeletes,
  ValueError,
  type DiffSyncErrorCode,
  type ObjectAlreadyExists,
  type ObjectNotDeleted,
  type StoreErrorCode,
} from 'nestjs-diffsync';

/** Errors are told apart by their code, and each code has the fields of its class. */
export function lineOf(error: unknown): string {
  if (!(error instanceof DiffSyncError)) throw error;
  switch (error.code) {
    case 'MODEL_VALIDATION':
      return error.issues.map(({ path }) => path).join();
    case 'SYNC_HOOK_FAILED':
      return error.location.uniqueId;
    case 'OBJECT_ALREADY_EXISTS':
      return String(error.existingObject?.getUniqueId() ?? error.existingElement?.name);
    case 'DIFF_CYCLE':
      return error.path.join();
    // @ts-expect-error no error has this code
    case 'SYNC_TO_MANY_DELETES':
      return '';
    default:
      return error.message;
  }
}

/** The codes of a store can be listed to the last. */
export function waits(code: StoreErrorCode | 'DIFF_STALE'): boolean {
  if (code === 'DIFF_STALE') return false;
  switch (code) {
    case 'STORE_UNAVAILABLE':
    case 'STORE_TIMEOUT':
      return true;
    // @ts-expect-error a store has no such code
    case 'STORE_UNAVAIABLE':
      return true;
    default:
      return false;
  }
}

/** A table of all codes misses none. */
export const isOurs = (code: string, table: Record<DiffSyncErrorCode, true>): boolean => code in table;

export const stale: 'DIFF_STALE' = new DiffStale('x').code;
export const missing: 'OBJECT_NOT_FOUND' = new ObjectNotFound('x').code;
export const plain: 'DIFFSYNC_ERROR' = new DiffSyncError('x').code;
export const idOf = (error: ObjectAlreadyExists): string | undefined => error.existingObject?.getUniqueId();
export const operations = (error: DiffSyncError): unknown => error.diff?.operations;

// @ts-expect-error one class where another belongs
export const otherDiff: DiffStale = new TooManyDeletes('x');
// @ts-expect-error
export const otherHook: ObjectNotDeleted = new ObjectNotCreated('x');
// @ts-expect-error
export const anyError: DiffInvalid = new DiffSyncError('x');
// @ts-expect-error
export const otherKind: ValueError = new SyncHookError('x', location(), {});
// @ts-expect-error a store has no codes of its own making
export const own = new ObjectStoreException('x', { code: 'MY_BACKEND' });

function location(): SyncHookError['location'] {
  return { adapter: '', action: 'create', model: '', uniqueId: '', path: [] };
}
