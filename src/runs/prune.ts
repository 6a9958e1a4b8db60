import type { Retention } from './history-types.js';
import { wholeRunId } from './run-parts.js';
import { wholeOf, type RunStore } from './run-store.js';

const DAY_MS = 86_400_000;
/** Entries that are looked at together; so many are removed, and then those of the same run. */
const STEP = 5;

/**
 * Removes the oldest runs that are not to be kept, and no more than a few, each with its parts.
 * @returns how many entries were removed, and how many of them were runs and no parts.
 */
export async function pruneRuns(
  history: RunStore,
  { runs = 500, days = 365 }: Retention,
): Promise<{ readonly entries: number; readonly runs: number }> {
  const { last, oldest } = await history.head();
  const before = Date.now() - days * DAY_MS;
  const removed = { entries: 0, runs: 0 };
  let at: number | undefined;
  for (let from = oldest; from < last; from += STEP) {
    const numbers = Array.from({ length: Math.min(STEP, last - from) }, (_, step) => from + step);
    const found = await history.entries([...numbers, last]);
    const newest = found.pop();
    if (newest?.number !== last) break;
    for (const entry of found) {
      const [whole, now] = [wholeOf(entry), wholeOf(newest)];
      // The newest run is kept in any case: the next one names it.
      const isOld = whole < now && (whole <= now - runs || Date.parse(entry.startedAt) < before);
      if (!isOld || (removed.entries >= STEP && whole !== at)) return removed;
      await history.remove(entry);
      at = whole;
      removed.entries++;
      if (wholeRunId(entry.run) === entry.run) removed.runs++;
    }
  }
  return removed;
}
