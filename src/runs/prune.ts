import type { Retention } from './history-types.js';
import type { RunStore } from './run-store.js';

const DAY_MS = 86_400_000;
/** Runs that one step looks at, and removes at most. */
const STEP = 5;

/** Removes the oldest runs that are not to be kept, and no more than a few. @returns how many. */
export async function pruneRuns(history: RunStore, { runs = 500, days = 365 }: Retention): Promise<number> {
  const { last, oldest } = await history.head();
  const numbers = Array.from({ length: Math.max(0, Math.min(STEP, last - oldest)) }, (_, at) => oldest + at);
  const before = Date.now() - days * DAY_MS;
  let removed = 0;
  for (const entry of await history.entries(numbers)) {
    // The newest run is kept in any case: the next one names it.
    const isOld = entry.number <= last - Math.max(1, runs) || Date.parse(entry.startedAt) < before;
    if (!isOld) break;
    await history.remove(entry);
    removed++;
  }
  return removed;
}
