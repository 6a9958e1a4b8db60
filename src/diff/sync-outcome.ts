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

/** An entry of a child list that names an object which does not exist. */
export interface DanglingLink {
  /** The model of the object that has the list. */
  readonly model: string;
  /** The unique id of that object. */
  readonly uniqueId: string;
  /** The object that does not exist. */
  readonly child: { readonly model: string; readonly uniqueId: string };
}

/** The dangling links that a comparison has met, by side. */
export interface DanglingLinks {
  readonly source: readonly DanglingLink[];
  readonly target: readonly DanglingLink[];
}

export const NO_OPERATIONS: ReadonlyMap<string, ModelOperations> = new Map();
export const NO_ERRORS: readonly SyncFailure[] = Object.freeze([]);
export const NO_DANGLING_LINKS: DanglingLinks = Object.freeze({ source: [], target: [] });
export const NONE_UNLISTED: Readonly<Record<string, UnlistedCounts>> = Object.freeze({});
export const NO_SHARED_LINKS: readonly never[] = Object.freeze([]);
