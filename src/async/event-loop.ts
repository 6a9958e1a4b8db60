import { setImmediate } from 'node:timers';

/** Milliseconds of one turn of the event loop after which long work lets others go first. */
const SLICE_MS = 10;
/** Pieces of work for each look at the clock, which takes longer than some of them. */
const PIECES = 8;

/** When long work was first done in this turn, and the turn after it. */
let slice: { readonly began: number; readonly over: Promise<void> } | undefined;

/**
 * Call it before each piece of long synchronous work, and again after each wait: `while ((next = laterTurn())) await next`.
 * @returns undefined while this turn of the event loop is still short, else a promise of the next turn.
 */
export function yieldIfDue(): Promise<void> | undefined {
  if (slice !== undefined) return performance.now() - slice.began < SLICE_MS ? undefined : slice.over;
  const over = new Promise<void>((resolve) => {
    setImmediate(() => {
      slice = undefined;
      resolve();
    });
  });
  slice = { began: performance.now(), over };
  return undefined;
}

/** Does `work` for each item, in order, with room for others in between where it takes long. */
export async function forEachYielding<T>(items: Iterable<T>, work: (item: T) => void): Promise<void> {
  let pieces = 0;
  for (const item of items) {
    if (pieces++ % PIECES === 0) for (let next = yieldIfDue(); next !== undefined; next = yieldIfDue()) await next;
    work(item);
  }
}

/** As `map`, with room for others in between. */
export async function mapYielding<T, R>(items: readonly T[], work: (item: T) => R): Promise<R[]> {
  const results: R[] = [];
  await forEachYielding(items, (item) => void results.push(work(item)));
  return results;
}
