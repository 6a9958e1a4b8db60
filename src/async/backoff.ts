/** How the delays between attempts grow, in milliseconds: exponentially up to a bound. These are options of p-retry. */
export interface Backoff {
  readonly minTimeout: number;
  readonly maxTimeout: number;
  readonly factor: number;
  /** Whether the delays are spread, so that callers that failed at one moment do not come back at one moment. */
  readonly randomize: boolean;
}

/** The delays between attempts, by what is attempted. */
export const BACKOFF = {
  /** A command whose connection broke, or that the server refused for now. */
  reconnect: { minTimeout: 2, maxTimeout: 100, factor: 2, randomize: true },
  /** A connection to a server that cannot be reached. */
  connect: { minTimeout: 25, maxTimeout: 500, factor: 2, randomize: true },
  /** Writers that change one object at the same time (compare-and-set). */
  contention: { minTimeout: 1, maxTimeout: 64, factor: 2, randomize: true },
  /** A database file that another process has locked. */
  locked: { minTimeout: 1, maxTimeout: 20, factor: 2, randomize: true },
  /** A lease that another run holds. */
  lease: { minTimeout: 20, maxTimeout: 500, factor: 2, randomize: true },
} as const satisfies Record<string, Backoff>;

/**
 * The delay before one attempt, for a loop that is no task of p-retry.
 * @param attempt - Number of failures so far.
 * @param jitter - The share of the delay that is random, from 0 to 1.
 * @returns milliseconds.
 */
export function backoffDelay(attempt: number, { minTimeout, maxTimeout, factor }: Backoff, jitter = 1): number {
  return Math.min(minTimeout * factor ** attempt, maxTimeout) * (1 - jitter * Math.random());
}
