import { Pace } from '../../async/event-loop.js';
import type { RunLogger } from '../run-logger.js';
import type { Progress } from '../progress.js';
import { checkAborted } from '../side.js';

/**
 * What happened at a pair. Sides are read level by level, but progress and log lines come in the reference's order, depth
 * first: so events are recorded while pairs are compared, and replayed afterwards. Most events only count the objects that
 * were compared, and are that number, because there is one for each pair.
 */
export type DiffEvent = number | PairEvent;

/** The event of a pair that has more to report, or other pairs below it. */
export interface PairEvent {
  /** How many objects were compared or left out. */
  readonly counted: number;
  readonly skipped?: { readonly reason: string; readonly type: string; readonly uid: string };
  /** Ends the diff when it is replayed: the error that is first depth first is thrown, whichever was found first. */
  readonly failed?: { readonly error: unknown };
  readonly below: DiffEvent[];
}

/** Records a failure, which ends the diff when it is replayed. @returns false, for "do not go on". */
export function recordFailure(below: DiffEvent[], error: unknown): false {
  below.push({ counted: 0, failed: { error }, below: [] });
  return false;
}

/** Advances the progress and writes the log, depth first. @throws the first recorded failure; SyncAborted. */
export async function replayEvents(
  events: readonly DiffEvent[],
  progress: Progress,
  logger: RunLogger,
  signal: AbortSignal | undefined,
): Promise<void> {
  const pace = new Pace();
  const levels: Level[] = [{ events, at: 0 }];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const event = level.events[level.at++];
    if (event === undefined) {
      levels.pop();
      continue;
    }
    const next = pace.yieldIfDue();
    if (next !== undefined) await next;
    checkAborted(signal);
    if (typeof event === 'number') {
      progress.advance(event);
      continue;
    }
    const { counted, skipped, failed, below } = event;
    if (skipped !== undefined) logger.verbose(skipped.reason, { model: skipped.type, uniqueId: skipped.uid });
    progress.advance(counted);
    if (failed !== undefined) throw failed.error;
    levels.push({ events: below, at: 0 });
  }
}

/** Events of one parent, and which of them is next. */
interface Level {
  readonly events: readonly DiffEvent[];
  at: number;
}
