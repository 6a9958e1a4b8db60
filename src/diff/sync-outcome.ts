import type { DiffSyncError, SyncLocation } from '../errors.js';

/** The unique ids of the objects of one model that a sync created, updated and deleted, each in the order of the work. */
export interface ModelOperations {
  readonly create: string[];
  readonly update: string[];
  readonly delete: string[];
}

/** A create, update or delete that failed while the sync went on. */
export interface SyncFailure {
  readonly location: SyncLocation;
  readonly error: DiffSyncError;
}

/** How many objects of one model no parent lists, by side. */
export interface UnlistedCounts {
  readonly source: number;
  readonly target: number;
}
