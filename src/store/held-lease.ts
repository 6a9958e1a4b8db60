import { setMaxListeners } from 'node:events';
import { MAX_TIMER_MS } from '../async/with-timeout.js';
import { LeaseLost, type LeaseHolder } from '../errors.js';
import { visibleText } from '../values/visible-text.js';
import type { Lease } from './lease.js';
import { withLease, type WriteLease } from './lease-context.js';
import type { LeaseTable } from './lease-table.js';

/** So many times a lease is renewed within its ttl. */
const RENEWALS_PER_TTL = 3;

/** What a lease needs of its store. */
export interface LeasedStore {
  toString(): string;
  /** Runs work while deferred writes belong to the lease. */
  deferUnder<T>(lease: HeldLease, work: () => Promise<T>): Promise<T>;
  /** Is called once, when the lease turns out to be lost. */
  lost(error: LeaseLost): void;
  /** Is called once, when the lease is released. */
  released(lease: HeldLease): void;
}

/** What was granted, and how it is kept. */
export interface LeaseTerms extends Pick<Lease, 'scope' | 'fence' | 'token' | 'holder'> {
  readonly ttlMs: number;
  readonly autoRenew: boolean;
  /** Whether it is the lease of another holder, which only that one gives up. */
  readonly joined: boolean;
  /** When it was asked for, as `performance.now()`. */
  readonly askedAt: number;
  /** Returns who has come after this one; undefined where no other has, as far as this process knows. */
  readonly successorOf: (fence: number) => { readonly holder: LeaseHolder | undefined } | undefined;
}

/** A lease that this process holds. */
export class HeldLease implements Lease, WriteLease {
  readonly scope: Lease['scope'];
  readonly fence: number;
  readonly token: string;
  readonly holder: LeaseHolder;
  readonly #ended = new AbortController();
  readonly #parts: LeasedStore;
  readonly #table: LeaseTable;
  readonly #terms: LeaseTerms;
  #validUntil: number;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;
  #released = false;
  #works = 0;

  constructor(
    /** The store that was asked for it. */
    readonly store: object,
    parts: LeasedStore,
    table: LeaseTable,
    terms: LeaseTerms,
  ) {
    ({ scope: this.scope, fence: this.fence, token: this.token, holder: this.holder } = terms);
    this.#parts = parts;
    this.#table = table;
    this.#terms = terms;
    this.#validUntil = terms.askedAt + terms.ttlMs;
    setMaxListeners(0, this.#ended.signal); // Any number of operations may have it, which is no leak.
    if (!terms.autoRenew) return;
    const renew = (): void => void this.renew().catch(() => undefined); // The next renewal tries again.
    this.#timer = setInterval(renew, Math.min(Math.ceil(terms.ttlMs / RENEWALS_PER_TTL), MAX_TIMER_MS)).unref();
  }

  get lost(): AbortSignal {
    return this.#ended.signal;
  }

  get isReleased(): boolean {
    return this.#released;
  }

  /** Whether work under it is running. */
  get isWorking(): boolean {
    return this.#works > 0;
  }

  get validUntil(): number {
    // What waited when it was released has the fence alone.
    return this.#released ? Infinity : this.#validUntil;
  }

  checkNotLost(): void {
    const successor = this.lost.aborted ? undefined : this.#terms.successorOf(this.fence);
    if (successor !== undefined) this.lose(successor.holder);
    if (this.lost.aborted) throw this.lost.reason;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    this.checkNotLost();
    if (this.#released) throw new LeaseLost(`${this.#what} was released already: acquire it again`);
    this.#works++;
    try {
      return await this.#parts.deferUnder(this, () => withLease(this, work));
    } finally {
      this.#works--;
    }
  }

  async renew(): Promise<void> {
    this.#renewing ??= this.#renewOnce().finally(() => (this.#renewing = undefined));
    await this.#renewing;
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.stopRenewal();
    this.#parts.released(this);
    if (!this.#terms.joined && !this.lost.aborted) await this.#table.release(this.token);
  }

  stopRenewal(): void {
    clearInterval(this.#timer);
  }

  /** Notes that it is lost. @param cause - what the backend said. @returns the error that all who write under it get. */
  lose(holder?: LeaseHolder, cause?: unknown): LeaseLost {
    if (this.lost.aborted) return this.lost.reason as LeaseLost;
    const by = holder === undefined ? '' : `, and ${describeHolder(holder)} holds it now`;
    const error = new LeaseLost(
      `${this.#what} is lost: it was not renewed for ${this.#terms.ttlMs} ms, or was ended${by}. Nothing more is written under it: ` +
        `end the run and start it anew`,
      holder,
      cause === undefined ? undefined : { cause },
    );
    this.stopRenewal();
    this.#ended.abort(error);
    this.#parts.lost(error);
    return error;
  }

  get #what(): string {
    return `${String(this.#parts)}: the lease of ${describeHolder(this.holder)}`;
  }

  async #renewOnce(): Promise<void> {
    this.checkNotLost();
    const askedAt = performance.now();
    const { ttlMs } = this.#terms;
    if (await this.#table.renew(this.token, ttlMs)) this.#validUntil = askedAt + ttlMs;
    else if (!this.#released) throw this.lose(await this.#table.holder().catch(() => undefined));
  }
}

/** Returns a holder as text for people. */
export function describeHolder({ runId, by, process, since }: LeaseHolder): string {
  const who = by === process ? by : `${by} at ${process}`;
  return visibleText(`run "${runId}" (${who}, since ${since})`);
}
