import { AsyncLocalStorage } from 'node:async_hooks';
import type { LeaseHolder, LeaseLost } from '../errors.js';

/** A lease as the writes under it see it. */
export interface WriteLease {
  /** The store that was asked for it. */
  readonly store: object;
  readonly fence: number;
  readonly lost: AbortSignal;
  readonly isReleased: boolean;
  /** Until when no other holder can have taken it, as `performance.now()`. */
  readonly validUntil: number;
  /** @throws {LeaseLost} (LEASE_LOST) if it is lost. */
  checkNotLost(): void;
  renew(): Promise<void>;
  /** Notes that it is lost. @returns the error that all who write under it get. */
  lose(holder?: LeaseHolder, cause?: unknown): LeaseLost;
}

/** The lease that an asynchronous call writes under, and the one inside whose work that one was begun. */
interface LeaseContext {
  readonly lease: WriteLease;
  /** Whether it is written under also once it is released: what waited. */
  readonly lasting: boolean;
  readonly outer: LeaseContext | undefined;
}

const contexts = new AsyncLocalStorage<LeaseContext>();
/** Works under a lease that are running. */
let running = 0;
/** Whether a lease was lost: what its work has left running must not write any more, whenever it goes on. */
let hasLost = false;

/**
 * Runs work as part of a lease, with all that it calls.
 * @param lasting - whether it writes under the lease also once that is released.
 */
export async function withLease<T>(lease: WriteLease, work: () => Promise<T>, lasting = false): Promise<T> {
  running++;
  try {
    return await contexts.run({ lease, lasting, outer: contexts.getStore() }, work);
  } finally {
    hasLost ||= lease.lost.aborted;
    // While it is enabled it costs time for every promise of the process, on Node 20 and 22.
    if (--running === 0 && !hasLost) contexts.disable();
  }
}

/**
 * Returns the lease of a store that the caller writes under; undefined where it writes under none.
 * @param store - the store that was asked for the lease.
 * @throws {LeaseLost} (LEASE_LOST) if that lease is lost.
 */
export function leaseOf(store: object): WriteLease | undefined {
  const lease = contextLease(store);
  lease?.checkNotLost();
  return lease;
}

/** Returns the same also where the lease is lost. */
export function contextLease(store: object): WriteLease | undefined {
  if (running === 0 && !hasLost) return undefined;
  for (let context = contexts.getStore(); context !== undefined; context = context.outer) {
    const { lease, lasting } = context;
    if (lease.store !== store) continue;
    // What a run has left running writes as everybody does, once the run has ended well.
    return lease.isReleased && !lasting && !lease.lost.aborted ? undefined : lease;
  }
  return undefined;
}
