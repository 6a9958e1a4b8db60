import { hostname } from 'node:os';
import { kill, pid } from 'node:process';
import { wholeRunId } from './run-parts.js';
import type { RunStore } from './run-store.js';
import type { RunRecord } from './run-records.js';
import type { SyncRun } from './sync-run.js';

/** The runs of this process that have not ended. */
const running = new Set<string>();

/** Whether a run is under way in this process. */
export function isUnderWayHere(run: string): boolean {
  return running.has(run);
}

/** Notes that a run of this process is under way while the work lasts. */
export async function whileRunning<T>(run: string, work: () => Promise<T>): Promise<T> {
  running.add(run);
  try {
    return await work();
  } finally {
    running.delete(run);
  }
}

/**
 * Marks runs as interrupted whose process was killed.
 * @param exclusive - How far this run keeps others out: one that had the same lease cannot be under way.
 * @param joined - The id of a run of which this one is a part.
 */
export async function markInterrupted(
  history: RunStore,
  exclusive: SyncRun['exclusive'],
  joined: string | undefined,
): Promise<void> {
  const open = (await history.open()).filter((run) => wholeRunId(run) !== joined && !running.has(run));
  if (open.length === 0) return;
  const records = await history.records(open);
  for (const record of records) {
    const summary = record.summary as unknown as SyncRun;
    const hadLease = summary.exclusive === 'lease' && exclusive === 'lease';
    if (summary.outcome !== 'running') await history.save(summary, {}, true);
    else if (hadLease || isGone(record)) await history.save({ ...summary, outcome: 'interrupted' }, {}, true);
  }
  const known = new Set(records.map(({ run }) => run));
  // Its process was killed before the run itself was recorded.
  await history.forget(open.filter((run) => !known.has(run)));
}

/** Whether the process of a run is not there any more. Of another machine's that is not known. */
function isGone({ process }: RunRecord): boolean {
  if (process.host !== hostname()) return false;
  if (process.pid === pid) return true;
  try {
    kill(process.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
