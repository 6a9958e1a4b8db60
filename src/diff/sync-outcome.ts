import type { DiffSyncError, SyncLocation } from '../errors.js';
import type { ChangedObject, DiffChange } from './diff-changes.js';
import type { DiffTerms } from './diff-plan.js';
import type { SharedLink } from './fingerprint.js';

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

/** A change of a plan that was not made, because what it rests on is no longer as the plan saw it. */
export interface StaleChange extends ChangedObject {
  /** The objects above, outermost first. */
  readonly parents: readonly ChangedObject[];
  readonly action: DiffChange['action'];
  /** What has changed since. */
  readonly reason: string;
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

/** The dangling links that a comparison has met, by side: another process, a hook or a lost write has removed the objects. */
export interface DanglingLinks {
  readonly source: readonly DanglingLink[];
  readonly target: readonly DanglingLink[];
}

/** What a diff says before it was filled or synchronised. Shared, because every element with children has a diff of its own. */
export const NOTHING_YET: {
  readonly terms: DiffTerms;
  readonly operations: ReadonlyMap<string, ModelOperations>;
  readonly errors: readonly SyncFailure[];
  readonly stale: readonly StaleChange[];
  readonly unlisted: Readonly<Record<string, UnlistedCounts>>;
  readonly danglingLinks: DanglingLinks;
  readonly sharedLinks: readonly SharedLink[];
  readonly leftOut: ReadonlyMap<string, number>;
} = {
  terms: Object.freeze({ source: 'source', target: 'dest', flags: 0 }),
  operations: new Map(),
  errors: Object.freeze([]),
  stale: Object.freeze([]),
  unlisted: Object.freeze({}),
  danglingLinks: Object.freeze({ source: [], target: [] }),
  sharedLinks: Object.freeze([]),
  leftOut: new Map(),
};
