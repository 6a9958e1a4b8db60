import type { LeaseHolder } from '../errors.js';
import type { OperationOptions } from './operation-context.js';

/** How `acquireLease` takes the lease of a store. */
export interface AcquireLeaseOptions extends OperationOptions {
  /** Who asks. `runId`: default a random UUID; `by`: a name for people, default the process. */
  readonly holder?: { readonly runId?: string | undefined; readonly by?: string | undefined } | undefined;
  /**
   * Milliseconds after which a holder that does not renew is followed by the next one; from 100 to 86,400,000 (a day).
   * @defaultValue 30000
   */
  readonly ttlMs?: number | undefined;
  /**
   * Milliseconds to wait for another holder. `signal` ends the wait.
   * @defaultValue 0
   */
  readonly waitMs?: number | undefined;
  /** The id of a run that holds the lease, to take part in it: its workers have one fence. `holder` is then that of the run. */
  readonly joins?: string | undefined;
  /**
   * Whether the lease is renewed by itself, at a third of `ttlMs`, until it is released or the store is closed.
   * @defaultValue true
   */
  readonly autoRenew?: boolean | undefined;
}

/**
 * The right of one run to change a store, which one run at a time has. What is written inside `run` carries the lease's fence, a
 * number that rises with each holder: a store refuses it once a later holder has written (LEASE_LOST), so that a process which
 * was frozen changes nothing when it wakes.
 * @example
 * ```ts
 * const lease = await store.acquireLease({ holder: { runId: 'nightly-17', by: 'scheduler' } });
 * try {
 *   await lease.run(() => cmdb.syncFrom(network, { signal: lease.lost }));
 * } finally {
 *   await lease.release();
 * }
 * ```
 */
export interface Lease {
  /** `store`: no other process has it either; `process`: the backend keeps no leases, so that it holds in this process only. */
  readonly scope: 'store' | 'process';
  /** Larger than that of every earlier holder; the same for all workers of one run. */
  readonly fence: number;
  /** Identifies the holder to the backend; the same for all workers of one run. */
  readonly token: string;
  /** Who holds it, and since when. */
  readonly holder: LeaseHolder;
  /** Is aborted when it turns out that the lease is lost; the reason is the `LeaseLost`. */
  readonly lost: AbortSignal;

  /**
   * Runs work whose writes to the store carry the fence: those of the work itself and of all that it calls, and no others. What waits
   * to be written in the store is flushed before and after it.
   * @param work - may begin syncs, and write to the store in any way.
   * @returns what the work resolves to.
   * @throws {LeaseLost} (LEASE_LOST) when the lease is lost; else what the work throws.
   */
  run<T>(work: () => Promise<T>): Promise<T>;

  /**
   * Puts off the expiry by `ttlMs` from now. It is done automatically, see `autoRenew`.
   * @throws {LeaseLost} (LEASE_LOST) when another run has taken it.
   */
  renew(): Promise<void>;

  /**
   * Gives it up, so that the next run need not wait; a worker that joined only leaves it. Does nothing the second time, and on a
   * lease that is lost.
   * @throws {ObjectStoreException} when the backend fails: the lease then expires by itself.
   */
  release(): Promise<void>;
}
