import { ObjectStoreException } from '../errors.js';

/** What `verify` can find wrong. The comment says what a repair does about it. */
export type StoreProblemKind =
  /** The order lists an object that is gone. A repair removes its place. */
  | 'dangling'
  /** An object has no place in the order, so that no read of all finds it. A repair appends it. */
  | 'unindexed'
  /** Two objects share a place, or it is no place. A repair moves them to the end. */
  | 'misplaced'
  /** What no store can have put there: a key of another type, a name that is none. A repair removes it. */
  | 'wrong-type'
  /**
   * A value that is no object of its model. Never repaired, for it may be all that is left of the object, or a newer
   * version's: `update` replaces it, `remove` removes it.
   */
  | 'undecodable'
  /** A model that has objects is not listed among the store's models. A repair lists it. */
  | 'unnamed';

export interface StoreProblem {
  readonly kind: StoreProblemKind;
  readonly model?: string;
  readonly uniqueId?: string;
  /** Where it is, in the backend's own terms. */
  readonly at?: string;
  /** Why a value is no object; nothing of the value is in it. */
  readonly reason?: string;
  readonly repaired: boolean;
}

export interface StoreReport {
  /** Whether nothing is wrong, or no more. */
  readonly clean: boolean;
  /** Objects that have a place and a value that can be read. */
  readonly objects: number;
  /** How many problems were found, and repaired. */
  readonly found: number;
  readonly repaired: number;
  readonly counts: Readonly<Record<StoreProblemKind, number>>;
  /** The first 1,000 of them. */
  readonly problems: readonly StoreProblem[];
}

const MAX_PROBLEMS = 1000;

/** Gathers what a verification finds. */
export class StoreReporter {
  objects = 0;
  private repaired = 0;
  private readonly counts = {
    dangling: 0,
    unindexed: 0,
    misplaced: 0,
    'wrong-type': 0,
    undecodable: 0,
    unnamed: 0,
  } satisfies Record<StoreProblemKind, number>;
  private readonly problems: StoreProblem[] = [];

  add(problem: StoreProblem): void {
    this.counts[problem.kind]++;
    if (problem.repaired) this.repaired++;
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
  }

  report(): StoreReport {
    const { objects, repaired, counts, problems } = this;
    const found = Object.values(counts).reduce((sum, count) => sum + count, 0);
    return { clean: found === repaired, objects, found, repaired, counts, problems };
  }
}

/** Whether an error is about what is stored, not about the backend. */
export function isDamage(error: unknown): error is ObjectStoreException {
  return (
    error instanceof ObjectStoreException && (error.code === 'STORE_CORRUPT' || error.code === 'STORE_WRONG_KEY_TYPE')
  );
}
