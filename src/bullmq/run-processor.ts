import type { Job, Queue } from 'bullmq';
import { RunNotFound, type Adapter, type AdapterRegistry, type SyncRun, type SyncRunner } from '../index.js';
import { JobProgress } from './job-progress.js';
import { outcomeOf } from './job-outcome.js';
import type { PartJobs } from './part-jobs.js';
import { putRun, SCHEDULE_JOB } from './put-run.js';
import type { QueueLog } from './queue-log.js';
import type { DiffSyncQueueOptions } from './queue.options.js';
import { parseRunData, scheduledRunId, type RunData } from './queued-run.js';

/** How long a run waits for its target whose process before it may not have ended for sure: milliseconds. */
const FOLLOW_WAIT_MS = 120_000;

/** Performs the jobs of the queue of runs. */
export class RunProcessor {
  readonly #runner: SyncRunner;
  readonly #adapters: AdapterRegistry;

  constructor(
    runner: SyncRunner,
    adapters: AdapterRegistry,
    private readonly runs: Queue<RunData, SyncRun>,
    private readonly parts: PartJobs,
    private readonly functions: DiffSyncQueueOptions['functions'],
    private readonly log: QueueLog,
  ) {
    this.#runner = runner;
    this.#adapters = adapters;
  }

  /** @returns the run, or of a job of a schedule the id of the run that it has added. @throws what BullMQ has to be thrown. */
  async process(
    job: Job,
    token: string | undefined,
    signal: AbortSignal,
    stepBack: () => Promise<void>,
  ): Promise<SyncRun | { readonly runId: string }> {
    const progress = new JobProgress(job, (error) => this.log.warn(`progress of the run ${job.id}`, error));
    try {
      if (job.name === SCHEDULE_JOB) return await this.addScheduled(job);
      return await this.perform(job, parseRunData(job.data), progress, signal);
    } catch (error) {
      const outcome = await outcomeOf(error, job, { token, signal, stepBack, retries: job.name === SCHEDULE_JOB });
      // Nothing waits for its parts any more; a run that goes back to the queue finds them there.
      if (outcome.name === 'UnrecoverableError') await job.removeUnprocessedChildren();
      throw outcome;
    } finally {
      await progress.end();
    }
  }

  private async perform(job: Job, data: RunData, progress: JobProgress, signal: AbortSignal): Promise<SyncRun> {
    const { parts, terms } = data;
    const id = job.id ?? '';
    const [source, target] = [this.#adapters.getOrThrow(data.source), this.#adapters.getOrThrow(data.target)];
    const before = job.attemptsStarted > 1 ? await this.recorded(target, id) : undefined;
    if (before !== undefined && hasEnded(before)) return endOf(before);
    return this.#runner.run({
      ...terms,
      ...this.functions?.({ source: data.source, target: data.target }),
      source,
      target,
      id,
      signal,
      // The process that had the run before may seem to hold the target until its lease expires.
      ...(before === undefined ? {} : { exclusive: waiting(terms.exclusive) }),
      ...(parts === undefined
        ? {}
        : { parts: { of: parts, perform: (part, context) => this.parts.perform(job, part, context) } }),
      onProgress: (phase, current, total) =>
        progress.set(total === undefined ? { phase, current } : { phase, current, total }),
    });
  }

  private async recorded(target: Adapter, id: string): Promise<SyncRun | undefined> {
    try {
      return await this.#runner.history(target).get(id);
    } catch (error) {
      if (error instanceof RunNotFound) return undefined;
      throw error;
    }
  }

  private async addScheduled(job: Job): Promise<{ readonly runId: string }> {
    const time = job.timestamp + (job.opts.delay ?? 0);
    const { runId } = await putRun(this.runs, scheduledRunId(job.id ?? '', time), parseRunData(job.data));
    return { runId };
  }
}

function hasEnded({ outcome }: SyncRun): boolean {
  return outcome !== 'running' && outcome !== 'interrupted' && outcome !== 'aborted';
}

/** Says once more how a run has ended whose process could not tell the queue. */
function endOf(run: SyncRun): SyncRun {
  if (run.outcome === 'succeeded') return run;
  const { code, message = '' } = run.error ?? {};
  throw new Error(code === undefined ? message : `${code}: ${message}`);
}

function waiting(exclusive: RunData['terms']['exclusive']): RunData['terms']['exclusive'] {
  if (exclusive === false) return false;
  const given = typeof exclusive === 'object' ? exclusive : {};
  return { ...given, waitMs: Math.max(given.waitMs ?? 0, FOLLOW_WAIT_MS) };
}
