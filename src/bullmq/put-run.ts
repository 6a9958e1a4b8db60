import type { Job, JobsOptions, Queue } from 'bullmq';
import type { SyncRun } from '../index.js';
import type { RunData } from './queued-run.js';

/** The name of jobs that perform a run, and of those that a schedule makes, which add one. */
const RUN_JOB = 'run';
export const SCHEDULE_JOB = 'schedule';

const DAY_S = 86_400;
/** What is kept of jobs that have ended. */
export const KEPT = { removeOnComplete: { age: 7 * DAY_S }, removeOnFail: { age: 30 * DAY_S } };

/** What was added to the queue, or was there. */
export interface AddedRun {
  /** The id of the run, in the history of its target too. */
  readonly runId: string;
  /** BullMQ's job, which performs the run. */
  readonly job: Job<RunData, SyncRun>;
  /** Whether it was added; false where a run of this target was on the queue already, which is what is returned. */
  readonly added: boolean;
}

/** Puts a run on its queue, unless one of this target is there. @param runId - One that is there is not added again. */
export async function putRun(
  runs: Queue<RunData, SyncRun>,
  runId: string,
  data: RunData,
  options: JobsOptions = {},
): Promise<AddedRun> {
  const how = { ...KEPT, ...options, jobId: runId, attempts: 1, deduplication: { id: data.target } };
  for (;;) {
    const job = await runs.add(RUN_JOB, data, how);
    if (job.id === undefined || job.id === runId) return { runId, job, added: true };
    const there = await runs.getJob(job.id);
    if (there !== undefined) return { runId: job.id, job: there, added: false };
    // It has ended and was removed just now: this run can be added.
  }
}
