import { DelayedError, UnrecoverableError, WaitingError, type Job } from 'bullmq';
import { AdapterNotFound, DiffSyncError, SyncAborted } from '../index.js';

/** A job that no process here can do goes back so often; with the delays below for 10 minutes or so. */
const MAX_GIVEN_BACK = 25;
const MAX_DELAY_MS = 30_000;

/** Is the reason for which the signal of a job is aborted: it is not the job's failure. */
export class WorkerStops extends Error {
  override readonly name = 'WorkerStops';
}

/** Is the reason for which the signal of a job is aborted whose lock is lost: another worker has it, or will. */
export const LOCK_LOST = 'The lock of the job is lost: another worker may have it';

/** What a job is performed with. */
export interface JobTerms {
  readonly token: string | undefined;
  readonly signal: AbortSignal;
  /** Leaves the next jobs to the workers of other processes, for a moment. */
  readonly stepBack: () => Promise<void>;
  /** Whether the job may be tried again. */
  readonly retries: boolean;
}

/**
 * Says what becomes of a job whose work threw. It goes back to the queue, without an attempt being counted, where this process lacks the
 * adapter or stops; else it has failed, for the reason that is thrown.
 * @returns what BullMQ has to be thrown.
 */
export async function outcomeOf(error: unknown, job: Job, terms: JobTerms): Promise<Error> {
  const { token, signal, stepBack, retries } = terms;
  if (error instanceof AdapterNotFound) return giveBack(error, job, token, stepBack);
  const stops = signal.aborted ? signal.reason instanceof WorkerStops : error instanceof SyncAborted;
  if (stops) {
    await job.moveToWait(token);
    return new WaitingError();
  }
  return retries ? new Error(reasonOf(error)) : new UnrecoverableError(reasonOf(error));
}

/** Leaves a job to another process. */
async function giveBack(
  error: AdapterNotFound,
  job: Job,
  token: string | undefined,
  stepBack: () => Promise<void>,
): Promise<Error> {
  const givenBack = job.attemptsStarted - job.attemptsMade - 1;
  if (givenBack >= MAX_GIVEN_BACK) return new UnrecoverableError(reasonOf(error));
  // A worker that is waiting gets it at once, if this one does not take it again. The next time it is delayed, so that the jobs behind
  // it get on; but then the worker that has delayed it wakes first.
  if (givenBack % 2 === 0) {
    await stepBack();
    await job.moveToWait(token);
    return new WaitingError();
  }
  await job.moveToDelayed(Date.now() + Math.min(1000 * 2 ** Math.min(givenBack, 6), MAX_DELAY_MS), token);
  return new DelayedError();
}

/** @returns the code and message of an error, which is all that a queue keeps of it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof DiffSyncError ? `${error.code}: ${error.message}` : error.message;
}
