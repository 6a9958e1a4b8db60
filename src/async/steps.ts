import { yieldIfDue } from './event-loop.js';

/**
 * Synchronous work in short steps, each of which ends with a `yield` of nothing: done at once where the caller needs the result at once, or
 * over many iterations of the event loop. The work's result is what it returns.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Items of a loop between two steps, where the work on one takes less than a step. */
export const ITEMS_PER_STEP = 32;
/** Steps between two looks at the clock. */
const STEPS_PER_CHECK = 8;

/** Does the work at once. @returns its result. */
export function doAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * Does the work, and yields to the event loop in between where that takes long.
 * @param check - is called when the work goes on after it has yielded; what it throws ends the work.
 * @returns its result.
 */
export async function doInSteps<T>(steps: Steps<T>, check?: () => void): Promise<T> {
  for (let count = 1; ; count++) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (count % STEPS_PER_CHECK !== 0) continue;
    const next = yieldIfDue();
    if (next === undefined) continue;
    await next;
    check?.();
  }
}

/** Yields what the work yields, without the steps in which it yields nothing. */
export function* itemsOf<T>(work: Iterable<T | undefined>): Generator<T, void, undefined> {
  for (const item of work) if (item !== undefined) yield item;
}

/** Yields what the work yields, without the steps in which it yields nothing, and yields to the event loop in between. */
export async function* itemsInSteps<T>(work: Iterable<T | undefined>): AsyncGenerator<T, void, undefined> {
  let count = 1;
  for (const item of work) {
    if (item !== undefined) yield item;
    if (count++ % STEPS_PER_CHECK !== 0) continue;
    const next = yieldIfDue();
    if (next !== undefined) await next;
  }
}
