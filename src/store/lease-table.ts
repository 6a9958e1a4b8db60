import type { LeaseHolder } from '../errors.js';

/** A request for the lease of a store. */
export interface LeaseRequest {
  /** Identifies the caller, however often the request is sent. */
  readonly token: string;
  readonly runId: string;
  readonly by: string;
  /** The process: `host:pid`. */
  readonly process: string;
  readonly ttlMs: number;
  /** Whether the caller takes part in the run `runId`, which must hold the lease. */
  readonly joins: boolean;
}

/** The answer to a request. */
export type LeaseAnswer =
  | {
      readonly granted: true;
      readonly fence: number;
      /** The token to renew and release it with: that of the run, for a worker that joins. */
      readonly token: string;
      readonly holder: LeaseHolder;
    }
  | {
      readonly granted: false;
      /** Who holds it; undefined where no run does, for a request that joins. */
      readonly holder: LeaseHolder | undefined;
      /** Milliseconds until it expires, unless it is renewed. */
      readonly leftMs: number;
    };

/** The lease of one store, as its backend keeps it. Each call is one atomic step, by the clock of the backend. */
export interface LeaseTable {
  /**
   * Grants the lease where no other token holds it. The fence is then larger than every one before, that of a request which
   * was granted already excepted. To a request that joins it grants the lease of the run `runId`, with its token and fence, unless
   * that was released or another run has come after it; one that has expired is renewed so.
   */
  take(request: LeaseRequest, signal?: AbortSignal): Promise<LeaseAnswer>;
  /**
   * Puts off the expiry, also of a lease that has expired and that no other run has taken since. It is never made earlier: those
   * who have joined may have a longer `ttlMs`.
   * @returns false where the token does not have it any more.
   */
  renew(token: string, ttlMs: number): Promise<boolean>;
  /** Ends the lease where the token has it; the number of the fence stays. */
  release(token: string): Promise<void>;
  /** Returns who holds it now. */
  holder(signal?: AbortSignal): Promise<LeaseHolder | undefined>;
}

/** A lease in the memory of this process: for stores in memory, and for backends that keep none. */
export class MemoryLeases implements LeaseTable {
  /** The fence of the last holder. */
  private fence = 0;
  private current: { readonly token: string; readonly holder: LeaseHolder; until: number } | undefined;

  /** Returns who has come after the holder with this fence; undefined where no other has. */
  successorOf(fence: number): { readonly holder: LeaseHolder | undefined } | undefined {
    return fence < this.fence ? { holder: this.current?.holder } : undefined;
  }

  async take({ token, runId, by, process, ttlMs, joins }: LeaseRequest): Promise<LeaseAnswer> {
    const { current } = this;
    const now = performance.now();
    if (current !== undefined && (joins ? current.holder.runId === runId : current.token === token)) {
      current.until = Math.max(current.until, now + ttlMs);
      return { granted: true, fence: this.fence, token: current.token, holder: current.holder };
    }
    const held = current !== undefined && current.until > now ? current : undefined;
    if (held !== undefined || joins) {
      return { granted: false, holder: held?.holder, leftMs: held === undefined ? 0 : held.until - now };
    }
    const holder = { runId, by, process, since: new Date().toISOString() };
    this.current = { token, holder, until: now + ttlMs };
    return { granted: true, fence: ++this.fence, token, holder };
  }

  async renew(token: string, ttlMs: number): Promise<boolean> {
    if (this.current?.token !== token) return false;
    this.current.until = Math.max(this.current.until, performance.now() + ttlMs);
    return true;
  }

  async release(token: string): Promise<void> {
    if (this.current?.token === token) this.current = undefined;
  }

  async holder(): Promise<LeaseHolder | undefined> {
    return this.current !== undefined && this.current.until > performance.now() ? this.current.holder : undefined;
  }
}
