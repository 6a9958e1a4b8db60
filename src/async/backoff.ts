/** Delays between attempts in milliseconds, as options of p-retry: exponential, with jitter so that callers spread. */
export const BACKOFF = {
  /** A command whose connection broke, or that the server refused for now. */
  reconnect: { minTimeout: 2, maxTimeout: 100, factor: 2, randomize: true },
  /** Writers that change one object at the same time (compare-and-set). */
  contention: { minTimeout: 1, maxTimeout: 64, factor: 2, randomize: true },
  /** A database file that another process has locked. */
  locked: { minTimeout: 1, maxTimeout: 20, factor: 2, randomize: true },
} as const;

/**
 * Returns the milliseconds to wait after a failed attempt, with full jitter: any time up to the exponential bound, so that
 * callers which collided do not collide again. For retries that p-retry cannot do.
 * @param attempt - how many attempts failed before this one.
 */
export function backoffDelay(
  { minTimeout, maxTimeout, factor }: (typeof BACKOFF)[keyof typeof BACKOFF],
  attempt: number,
): number {
  return Math.random() * Math.min(minTimeout * factor ** attempt, maxTimeout);
}
