import type { JobSchedulerTemplateOptions, Queue, RepeatOptions } from 'bullmq';
import {
  DiffSyncError,
  QueueUnavailable,
  RunNotFound,
  ValueError,
  type AdapterRegistry,
  type SyncRun,
  type SyncRunner,
} from '../index.js';
import { within } from './deadline.js';
import { KEPT, putRun, SCHEDULE_JOB, type AddedRun } from './put-run.js';
import type { ResolvedQueueOptions } from './queue.options.js';
import {
  newRunId,
  parseProgress,
  parseRunData,
  runDataOf,
  type QueuedRun,
  type QueueRunOptions,
  type RunData,
} from './queued-run.js';

/** A schedule of runs. */
export interface QueueSchedule {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  /** When it adds the next run, in ISO 8601; undefined where it adds no more. */
  readonly next?: string | undefined;
  readonly pattern?: string | undefined;
  readonly tz?: string | undefined;
  readonly every?: number | undefined;
}

/**
 * Puts runs of `SyncRunner` on a queue, from which the workers of all processes take them. `DiffSyncQueueModule` provides it.
 *
 * @example
 * ```ts
 * constructor(private readonly queue: SyncQueue) {}
 *
 * async nightly(): Promise<string> {
 *   const { runId } = await this.queue.add({ source: 'network', target: 'cmdb', parts: 8, label: 'nightly', by: 'scheduler' });
 *   return runId;
 * }
 * ```
 */
export class SyncQueue {
  /** Not to be inspected: both have the connection, with its password. */
  readonly #runs: Queue<RunData, SyncRun>;
  readonly #adapters: AdapterRegistry;
  readonly #runner: SyncRunner | undefined;
  readonly #timeout: number;

  /** Nest calls this. */
  constructor(
    runs: Queue<RunData, SyncRun>,
    adapters: AdapterRegistry,
    runner: SyncRunner | undefined,
    { timeout }: Pick<ResolvedQueueOptions, 'timeout'>,
  ) {
    this.#runs = runs;
    this.#adapters = adapters;
    this.#runner = runner;
    this.#timeout = timeout;
  }

  /**
   * Puts a run on the queue. Where one of this target is there already, waiting or under way, it is returned.
   * @param options - The sides, by name, the options of the run that are plain values, and `parts`.
   * @returns The id of the run, and its job.
   * @throws {ValueError} (VALUE_ERROR) for a wrong option; whether the adapters exist is known to the workers.
   * @throws {QueueUnavailable} (QUEUE_UNAVAILABLE) if the server does not answer in time.
   * @example
   * ```ts
   * const { runId, added } = await queue.add({ source: 'network', target: 'cmdb', parts: 8 });
   * ```
   */
  add(options: QueueRunOptions): Promise<AddedRun> {
    const [runId, data] = [newRunId(), runDataOf(options)];
    return this.#ask('add a run', (runs) => putRun(runs, runId, data, options.job));
  }

  /**
   * Adds runs by a schedule, as BullMQ's job schedulers do: one process adds each of them, however many there are. A schedule of
   * this id is replaced.
   * @param id - Identifies the schedule.
   * @param repeat - `{ pattern: '0 2 * * *', tz: 'Europe/Zurich' }` or `{ every: 3_600_000 }`; BullMQ's further options.
   * @param options - What each run is made with.
   * @throws {ValueError} (VALUE_ERROR) for a wrong option.
   * @throws {QueueUnavailable} (QUEUE_UNAVAILABLE) if the server does not answer in time.
   * @example
   * ```ts
   * await queue.schedule('nightly', { pattern: '0 2 * * *' }, { source: 'network', target: 'cmdb', parts: 8 });
   * ```
   */
  async schedule(id: string, repeat: Omit<RepeatOptions, 'key'>, options: QueueRunOptions): Promise<void> {
    if (typeof id !== 'string' || id === '') throw new ValueError('SyncQueue.schedule: the id is empty');
    if ((repeat.pattern === undefined) === (repeat.every === undefined)) {
      throw new ValueError('SyncQueue.schedule: pass one of "pattern" (cron) and "every" (milliseconds)');
    }
    const backoff = { type: 'exponential', delay: 1000 };
    // It only adds a run, and one only, however often it is performed.
    const opts: JobSchedulerTemplateOptions = { ...options.job, ...KEPT, attempts: 10, backoff };
    const template = { name: SCHEDULE_JOB, data: runDataOf(options), opts };
    await this.#ask(
      'set a schedule',
      (runs) => runs.upsertJobScheduler(id, repeat, template),
      (error) =>
        // What BullMQ says of a pattern that is none.
        new ValueError(`SyncQueue.schedule: ${messageOf(error)}`, { cause: error }),
    );
  }

  /**
   * Ends a schedule; runs that it has added stay.
   * @param id - The id of the schedule.
   * @returns Whether there was one.
   * @throws {QueueUnavailable} (QUEUE_UNAVAILABLE) if the server does not answer in time.
   */
  unschedule(id: string): Promise<boolean> {
    return this.#ask('end a schedule', (runs) => runs.removeJobScheduler(id));
  }

  /**
   * Returns the schedules of the queue, the next one first.
   * @throws {QueueUnavailable} (QUEUE_UNAVAILABLE) if the server does not answer in time.
   */
  async schedules(): Promise<QueueSchedule[]> {
    const all = await this.#ask('read the schedules', (runs) => runs.getJobSchedulers(0, -1, true));
    return all.flatMap(({ key, next, pattern, tz, every, template }) => {
      if (template?.data === undefined) return [];
      const { source, target } = parseRunData(template.data);
      return [
        { id: key, source, target, next: next === undefined ? next : new Date(next).toISOString(), pattern, tz, every },
      ];
    });
  }

  /**
   * Returns a run that is or was on the queue.
   * @param runId - The id of the run.
   * @returns The run and the state of its job; undefined where the queue has none of this id, or no longer.
   * @throws {QueueUnavailable} (QUEUE_UNAVAILABLE) if the server does not answer in time.
   */
  async get(runId: string): Promise<QueuedRun | undefined> {
    const job = await this.#ask('read a run', (runs) => runs.getJob(runId));
    if (job === undefined || job.name === SCHEDULE_JOB) return undefined;
    const { source, target, parts, terms } = parseRunData(job.data);
    const [state, recorded] = await Promise.all([
      this.#ask('read a run', () => job.getState()),
      this.#recorded(target, runId),
    ]);
    return {
      runId,
      source,
      target,
      label: terms.label,
      by: terms.by,
      parts,
      dryRun: terms.dryRun ?? false,
      state,
      progress: parseProgress(job.progress),
      run: recorded ?? job.returnvalue ?? undefined,
      error: state === 'failed' ? job.failedReason : undefined,
    };
  }

  /** Returns what the history has, where this process has the target. */
  async #recorded(target: string, runId: string): Promise<SyncRun | undefined> {
    try {
      return await this.#runner?.history(this.#adapters.getOrThrow(target)).get(runId);
    } catch (error) {
      // It has not begun, or another process has the adapter.
      if (error instanceof RunNotFound || (error instanceof DiffSyncError && error.code === 'ADAPTER_NOT_FOUND'))
        return undefined;
      throw error;
    }
  }

  async #ask<T>(
    what: string,
    work: (runs: Queue<RunData, SyncRun>) => Promise<T>,
    refused: (error: unknown) => Error = (error) => unavailable(what, messageOf(error), error),
  ): Promise<T> {
    const late = (): Error => unavailable(what, `the server did not answer within ${this.#timeout} ms`);
    return within(
      this.#timeout,
      work(this.#runs).catch((error: unknown) => Promise.reject(refused(error))),
      late,
    );
  }
}

function unavailable(what: string, why: string, cause?: unknown): QueueUnavailable {
  return new QueueUnavailable(
    `The queue cannot ${what}: ${why}. It may be done later; adding a run again is safe, a target has one at a time`,
    { cause },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
