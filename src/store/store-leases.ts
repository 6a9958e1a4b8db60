import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { abortable, abortError } from '../async/abortable.js';
import { BACKOFF, backoffDelay } from '../async/backoff.js';
import { LeaseLost, ObjectStoreException, SyncInProgress, ValueError, type LeaseHolder } from '../errors.js';
import { visibleText } from '../values/visible-text.js';
import type { DeferredWrites } from './deferred-writes.js';
import { describeHolder, HeldLease, type LeasedStore } from './held-lease.js';
import { contextLease } from './lease-context.js';
import type { AcquireLeaseOptions, Lease } from './lease.js';
import { MemoryLeases, type LeaseRequest, type LeaseTable } from './lease-table.js';
import type { OperatedStore } from './operation-context.js';

const DEFAULT_TTL_MS = 30_000;
const MIN_TTL_MS = 100;
const MAX_TTL_MS = 86_400_000;

/** What tells whether two store objects of one process are one store. */
export interface LeaseSubject extends OperatedStore {
  readonly engine: string;
  readonly address: string | undefined;
  readonly storeId: string | undefined;
  readonly isOpen: boolean;
}

/** The leases of stores whose backends keep none, by where the objects are; by the store object where that is not known. */
const leasesByAddress = new Map<string, MemoryLeases>();

/** The leases that one store object holds. */
export class StoreLeases {
  private readonly held = new Set<HeldLease>();
  /** Of a backend that keeps no leases. */
  private inMemory: MemoryLeases | undefined;
  private readonly parts: LeasedStore;

  /**
   * @param own - returns the backend's leases; undefined where it keeps none.
   * @param checkOpen - throws an ObjectStoreException (STORE_CLOSED) unless the store is open.
   */
  constructor(
    private readonly store: LeaseSubject,
    private readonly own: () => LeaseTable | undefined,
    private readonly checkOpen: () => void,
    deferred: DeferredWrites,
  ) {
    this.parts = {
      toString: () => String(store),
      deferUnder: async (lease, work) => {
        this.checkAlone(lease);
        return deferred.under(lease, work);
      },
      lost: (error) => store.logger.error(error.message, { store: String(store), code: error.code }),
      released: (lease) => void this.held.delete(lease),
    };
  }

  /** As `BaseStore#acquireLease` says. */
  async acquire(options: AcquireLeaseOptions): Promise<Lease> {
    const { ttlMs = DEFAULT_TTL_MS, waitMs = 0, signal, joins, autoRenew = true } = options;
    const request = requestOf(options, ttlMs);
    if (!Number.isFinite(waitMs) || waitMs < 0) {
      throw new ValueError(`waitMs is ${waitMs}, not a number of milliseconds from 0 on`);
    }
    const own = this.own();
    const table = own ?? this.memory();
    const deadline = performance.now() + waitMs;
    for (let attempt = 0; ; attempt++) {
      this.checkOpen();
      // What a run of this store defers must not be written under the lease of the next one, also where it has lost its own.
      const working = [...this.held].find(({ isWorking, holder }) => isWorking && holder.runId !== joins);
      if (working === undefined) {
        const askedAt = performance.now();
        const answer = await this.take(table, request, signal);
        if (answer.granted) {
          const { fence, token, holder } = answer;
          const terms = { fence, token, holder, ttlMs, autoRenew, askedAt, joined: joins !== undefined };
          const lease = new HeldLease(this.store, this.parts, table, {
            ...terms,
            scope: own === undefined ? 'process' : 'store',
            successorOf: (own) => (table instanceof MemoryLeases ? table.successorOf(own) : undefined),
          });
          this.held.add(lease);
          if (this.store.isOpen) return lease;
          await lease.release().catch(() => undefined); // Closed meanwhile: it expires by itself.
          continue;
        }
        if (joins !== undefined) throw this.notJoined(joins, answer.holder);
        this.checkNotInside(answer.holder);
        await this.wait(answer.holder, answer.leftMs, attempt, deadline, options);
      } else {
        this.checkNotInside(working.holder);
        await this.wait(working.holder, Infinity, attempt, deadline, options);
      }
    }
  }

  /** Returns who holds the lease of the store now. */
  holder(signal: AbortSignal | undefined): Promise<LeaseHolder | undefined> {
    return (this.own() ?? this.memory()).holder(signal);
  }

  /** Gives up all that are held, because the store is closed. */
  async releaseAll(): Promise<void> {
    for (const lease of this.held) lease.stopRenewal();
    await Promise.all([...this.held].map((lease) => lease.release()));
  }

  /** What is granted to a caller that waits no longer is given back. */
  private async take(
    table: LeaseTable,
    request: LeaseRequest,
    signal: AbortSignal | undefined,
  ): ReturnType<LeaseTable['take']> {
    const take = async (): ReturnType<LeaseTable['take']> => {
      try {
        const answer = await table.take(request, signal);
        if (signal?.aborted === true && answer.granted && !request.joins) await table.release(answer.token);
        return answer;
      } catch (error) {
        // It may be granted all the same, and would be held until it expires.
        if (isGrantedPerhaps(error) && !request.joins) table.release(request.token).catch(() => undefined);
        throw error;
      }
    };
    if (signal === undefined) return take();
    return abortable(signal, { store: String(this.store), operation: 'acquireLease', writes: false }, take);
  }

  /** @throws {SyncInProgress} (SYNC_IN_PROGRESS) while another run of this store is working, whatever lease it has. */
  private checkAlone(lease: HeldLease): void {
    const other = [...this.held].find(({ isWorking, fence }) => isWorking && fence !== lease.fence);
    if (other === undefined) return;
    throw new SyncInProgress(
      `${String(this.store)}: ${describeHolder(other.holder)} is still working here: begin after it has ended`,
      other.holder,
    );
  }

  /** @throws {SyncInProgress} (SYNC_IN_PROGRESS) for a run that is begun inside the one that it would wait for. */
  private checkNotInside(holder: LeaseHolder | undefined): void {
    if (holder === undefined || contextLease(this.store) === undefined) return;
    throw new SyncInProgress(
      `${String(this.store)}: a run was begun inside ${describeHolder(holder)}, by a hook for example, and would wait for itself: ` +
        `begin it after that one has ended`,
      holder,
    );
  }

  /** @throws {SyncInProgress} (SYNC_IN_PROGRESS) when the time to wait is over. */
  private async wait(
    holder: LeaseHolder | undefined,
    leftMs: number,
    attempt: number,
    deadline: number,
    { waitMs = 0, signal }: AcquireLeaseOptions,
  ): Promise<void> {
    const left = deadline - performance.now();
    if (left <= 0) {
      const who = holder === undefined ? 'another run' : describeHolder(holder);
      const held = waitMs === 0 ? `is held by ${who}` : `was still held by ${who} after ${waitMs} ms`;
      const remedy = waitMs === 0 ? 'wait until it has ended, or pass waitMs' : 'wait longer, or try again';
      throw new SyncInProgress(`${String(this.store)}: the lease ${held}: ${remedy}`, holder);
    }
    const delay = Math.min(left, leftMs + 1, backoffDelay(attempt, BACKOFF.lease, 0.5));
    await sleep(Math.max(1, Math.ceil(delay)), undefined, { signal }).catch(() => undefined);
    if (signal?.aborted === true) {
      throw abortError(signal, { store: String(this.store), operation: 'acquireLease' });
    }
  }

  private notJoined(runId: string, holder: LeaseHolder | undefined): LeaseLost {
    const now = holder === undefined ? 'no run holds it' : `${describeHolder(holder)} holds it`;
    return new LeaseLost(
      `${String(this.store)}: run "${visibleText(runId)}" cannot be joined, because it does not hold the lease: ${now}. The run has ` +
        `ended, or was followed by another one`,
      holder,
    );
  }

  private memory(): MemoryLeases {
    if (this.inMemory !== undefined) return this.inMemory;
    const { engine, address, storeId = '' } = this.store;
    if (address === undefined) return (this.inMemory = new MemoryLeases());
    const name = JSON.stringify([engine, address, storeId]);
    const known = leasesByAddress.get(name) ?? new MemoryLeases();
    leasesByAddress.set(name, known);
    return (this.inMemory = known);
  }
}

function isGrantedPerhaps(error: unknown): boolean {
  return (
    error instanceof ObjectStoreException &&
    (error.code === 'STORE_OUTCOME_UNKNOWN' || error.code === 'STORE_NOT_REPLICATED')
  );
}

/** @throws {ValueError} for wrong options. */
function requestOf({ holder = {}, joins }: AcquireLeaseOptions, ttlMs: number): LeaseRequest {
  if (!Number.isInteger(ttlMs) || ttlMs < MIN_TTL_MS || ttlMs > MAX_TTL_MS) {
    throw new ValueError(`ttlMs is ${ttlMs}, not a whole number of milliseconds from ${MIN_TTL_MS} to ${MAX_TTL_MS}`);
  }
  const process = `${hostname()}:${globalThis.process.pid}`;
  const { runId = randomUUID(), by = process } = holder;
  const request = { token: randomUUID(), runId: joins ?? runId, by, process, ttlMs, joins: joins !== undefined };
  for (const [option, text] of Object.entries({ [joins === undefined ? 'runId' : 'joins']: request.runId, by })) {
    if (typeof text === 'string' && text !== '' && text.isWellFormed() && text.length <= MAX_NAME) continue;
    throw new ValueError(`${option} is not a text of 1 to ${MAX_NAME} characters`);
  }
  return request;
}

/** Characters of the id of a run, and of the name of who started it. */
const MAX_NAME = 512;
