import { pauseFlush } from '../../store/engine-access.js';
import type { BaseStore } from '../../store/base-store.js';

/** A subtree whose deletes are written in one batch: the store does not flush them before `close`. */
export interface AtomicSubtree {
  close(): void;
}

/**
 * Keeps the target's store from flushing while an object and everything below it are deleted, however long their hooks
 * take: a process that is killed leaves all of the subtree or nothing. The store flushes all the same when too many writes
 * are pending, or when one of their objects is read.
 */
export class AtomicSubtrees {
  private readonly resumes = new Set<() => void>();

  constructor(private readonly store: BaseStore) {}

  open(): AtomicSubtree {
    const resume = pauseFlush(this.store);
    this.resumes.add(resume);
    return {
      close: () => {
        this.resumes.delete(resume);
        resume();
      },
    };
  }

  /** Closes the subtrees that a failed sync has left open. */
  closeAll(): void {
    for (const resume of this.resumes) resume();
  }
}
