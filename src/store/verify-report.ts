import { ObjectStoreException } from '../errors.js';

/** The kinds of problems that `verify` finds. The comment of each says what a repair does about it. */
export type StoreProblemKind =
  /** The index lists an object that does not exist. A repair removes it from the index. */
  | 'dangling'
  /** An object is not in the index, so that no read of all objects returns it. A repair appends it. */
  | 'unindexed'
  /** Two objects have the same score in the index, or a score that is invalid. A repair moves them to the end. */
  | 'misplaced'
  /** Something that no store has written: a key of another type, an invalid name. A repair removes it. */
  | 'wrong-type'
  /**
   * A value that is no object of its model. It is never repaired, because it may be all that is left of the object, or written
   * by a newer version: `update` replaces it, `remove` removes it.
   */
  | 'undecodable'
  /** A number of objects that is kept apart from them is wrong. A repair corrects it. */
  | 'miscounted'
  /** A model that has objects is not registered among the store's models. A repair registers it. */
  | 'unnamed'
  /**
   * An object of a child type that no parent lists, so that no diff compares it: a failed delete, a kill or another writer has
   * left it. Only a store that is bound to an adapter can tell. It is never repaired, because it may be the child of a parent
   * that is yet to be written: `addChild` links it, and a sync links it or, with `unlisted: 'delete'`, deletes it.
   */
  | 'unlisted'
  /**
   * An object lists a child that does not exist: a dangling link. Another process, a hook or a lost write has removed the child.
   * Only a store that knows the classes of the objects can tell, as one that is bound to an adapter does. A repair takes it out
   * of the list, if it still dangles then.
   */
  | 'dangling-link';

/** One problem that `verify` found. */
export interface StoreProblem {
  /** The kind of the problem. */
  readonly kind: StoreProblemKind;
  /** The model, where the problem belongs to one. */
  readonly model?: string;
  /** The unique id, where the problem belongs to one object. */
  readonly uniqueId?: string;
  /** Of a dangling link, the child that does not exist; `model` and `uniqueId` are those of the object that lists it. */
  readonly child?: { readonly model: string; readonly uniqueId: string };
  /** Where the problem is, in the backend's own terms, such as a key. */
  readonly at?: string;
  /** Why a value is no object. It holds nothing of the value. */
  readonly reason?: string;
  /** Whether it was repaired. */
  readonly repaired: boolean;
}

/** The result of `verify`. */
export interface StoreReport {
  /** Whether no problem was found, or all were repaired. */
  readonly clean: boolean;
  /** The number of objects that are in the index and can be read. */
  readonly objects: number;
  /** The number of problems that were found. */
  readonly found: number;
  /** The number of problems that were repaired. */
  readonly repaired: number;
  /** The number of problems of each kind. */
  readonly counts: Readonly<Record<StoreProblemKind, number>>;
  /** The first 1,000 problems. */
  readonly problems: readonly StoreProblem[];
}

const MAX_PROBLEMS = 1000;

/** Collects the problems of one verification. */
export class StoreReporter {
  objects = 0;
  private repaired = 0;
  private readonly counts = {
    dangling: 0,
    unindexed: 0,
    misplaced: 0,
    'wrong-type': 0,
    undecodable: 0,
    miscounted: 0,
    unnamed: 0,
    unlisted: 0,
    'dangling-link': 0,
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

/** Returns the report with further problems. */
export function withProblems(report: StoreReport, further: readonly StoreProblem[]): StoreReport {
  const counts = { ...report.counts };
  for (const { kind } of further) counts[kind]++;
  const found = report.found + further.length;
  const repaired = report.repaired + further.filter((problem) => problem.repaired).length;
  const shown = further.slice(0, Math.max(0, MAX_PROBLEMS - report.problems.length));
  return { ...report, clean: found === repaired, found, repaired, counts, problems: [...report.problems, ...shown] };
}

/** Whether an error is about what is stored, not about the backend. */
export function isDamage(error: unknown): error is ObjectStoreException {
  return (
    error instanceof ObjectStoreException && (error.code === 'STORE_CORRUPT' || error.code === 'STORE_WRONG_KEY_TYPE')
  );
}
