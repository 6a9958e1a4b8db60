import { setImmediate } from 'node:timers';

/** Milliseconds of synchronous work in one iteration of the event loop, after which long work yields. */
const SLICE_MS = 10;
/** Items between two looks at the clock, which takes longer than the work on some of them. */
const ITEMS_PER_CHECK = 8;

/** When long work began in this iteration of the event loop, and a promise of the next iteration. */
let slice: { readonly began: number; readonly over: Promise<void> } | undefined;

/** @returns undefined while this iteration of the event loop is still short, else a promise of the next iteration. */
function nextIteration(): Promise<void> | undefined {
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

/**
 * Yields to the event loop where long synchronous work is due to. Is called before each part of the work:
 * `const next = yieldIfDue(); if (next !== undefined) await next`.
 * @returns undefined where the work goes on at once, else a promise of an iteration of the event loop in which it may.
 */
export function yieldIfDue(): Promise<void> | undefined {
  const next = nextIteration();
  return next === undefined ? undefined : waitWhileDue(next);
}

/** Other work may have filled the next iteration by the time that it is this work's turn. */
async function waitWhileDue(first: Promise<void>): Promise<void> {
  for (let next: Promise<void> | undefined = first; next !== undefined; next = nextIteration()) await next;
}

/** Yields to the event loop where long synchronous work is due to. Loops over many short items have a `Pace`. */
export async function giveWay(): Promise<void> {
  await yieldIfDue();
}

/** Counts the items of a loop, so that it looks at the clock only once in some of them. */
export class Pace {
  private count = 0;

  /** Is called before each item, as the function `yieldIfDue`. */
  yieldIfDue(): Promise<void> | undefined {
    return this.count++ % ITEMS_PER_CHECK === 0 ? yieldIfDue() : undefined;
  }
}

/** Calls `work` with each item, in order, and yields to the event loop in between where that takes long. */
export async function forEachYielding<T>(items: Iterable<T>, work: (item: T) => void): Promise<void> {
  const pace = new Pace();
  for (const item of items) {
    const next = pace.yieldIfDue();
    if (next !== undefined) await next;
    work(item);
  }
}

/** Maps the items as `Array#map` does, and yields to the event loop in between where that takes long. */
export async function mapYielding<T, R>(items: readonly T[], work: (item: T) => R): Promise<R[]> {
  const results: R[] = [];
  await forEachYielding(items, (item) => void results.push(work(item)));
  return results;
}

/** So many items are worked on at once. */
export const SYNC_LIMIT = 1000;
/** Of more items so many are worked on between two yields: short work on each of them, which costs less than a call. */
const BATCH = 100;

/**
 * Calls `work` with batches of the items, in order: with up to `SYNC_LIMIT` items at once, so that calls which are not awaited keep
 * their order; more yield to the event loop in between.
 * @returns undefined where all is done, else a promise of it.
 */
export function forEachBatch<T>(items: readonly T[], work: (batch: readonly T[]) => void): Promise<void> | undefined {
  if (items.length > SYNC_LIMIT) return forEachSmallBatch(items, work);
  work(items);
  return undefined;
}

/** Maps batches of the items, as `forEachBatch` calls `work` with them. @returns the results of all batches, in order. */
export function mapBatches<T, R>(items: readonly T[], work: (batch: readonly T[]) => R[]): R[] | Promise<R[]> {
  if (items.length <= SYNC_LIMIT) return work(items);
  const results: R[] = [];
  const mapped = forEachSmallBatch(items, (batch) => {
    for (const result of work(batch)) results.push(result);
  });
  return mapped.then(() => results);
}

async function forEachSmallBatch<T>(items: readonly T[], work: (batch: readonly T[]) => void): Promise<void> {
  for (let at = 0; at < items.length; at += BATCH) {
    const next = yieldIfDue();
    if (next !== undefined) await next;
    work(items.slice(at, at + BATCH));
  }
}
