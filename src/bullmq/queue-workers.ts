import type { BeforeApplicationShutdown, OnApplicationBootstrap, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { QueueEvents, Worker, type Job, type Queue, type WorkerOptions } from 'bullmq';
import {
  QueueUnavailable,
  ValueError,
  type AdapterRegistry,
  type RunPartResult,
  type SyncRun,
  type SyncRunner,
} from '../index.js';
import { within } from './deadline.js';
import { LOCK_LOST, WorkerStops } from './job-outcome.js';
import { PartJobs, type PartData } from './part-jobs.js';
import { PartProcessor } from './part-processor.js';
import { QueueLog } from './queue-log.js';
import type { ResolvedQueueOptions } from './queue.options.js';
import type { RunData } from './queued-run.js';
import { RunProcessor } from './run-processor.js';

/** Milliseconds that a shutdown waits for the jobs that are being performed: the hook of a sync may never end. */
const STOP_WAIT_MS = 15_000;
/** How long a worker leaves the jobs to others that has met one which it cannot perform: milliseconds. */
const STEP_BACK_MS = 1000;
const NO_RUNNER = 'DiffSyncQueueModule: workers need SyncRunner: import DiffSyncStoreModule too, or pass worker: false';
/** A job whose worker was killed goes to another one so often. */
const MAX_STALLED = 10;

type Process = (
  job: Job,
  token: string | undefined,
  signal: AbortSignal,
  stepBack: () => Promise<void>,
) => Promise<unknown>;

/** Both queues. */
export interface Queues {
  readonly runs: Queue<RunData, SyncRun>;
  readonly parts: Queue<PartData, RunPartResult>;
}

/** The workers of this process: they begin when the application has started, and end before anything that they need is closed. */
export class QueueWorkers implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  /** Not to be inspected: the queues have the connection, with its password. */
  readonly #queues: Queues;
  readonly #options: ResolvedQueueOptions;
  readonly #adapters: AdapterRegistry;
  readonly #runner: SyncRunner | undefined;
  readonly #log = new QueueLog();
  readonly #workers: Worker[] = [];
  #events: QueueEvents | undefined;
  readonly #stopping = new AbortController();
  readonly #performing = new Set<Promise<unknown>>();

  /** Nest calls this. */
  constructor(
    queues: Queues,
    options: ResolvedQueueOptions,
    adapters: AdapterRegistry,
    runner: SyncRunner | undefined,
  ) {
    this.#queues = queues;
    this.#options = options;
    this.#adapters = adapters;
    this.#runner = runner;
    // Without a listener they write each error as it is to the console, with the command that failed.
    for (const each of [queues.runs, queues.parts]) each.on('error', (error) => this.#log.warn(each.name, error));
  }

  /** Waits until the server answers. @throws QueueUnavailable if it does not in time; ValueError for workers without a runner. */
  async onModuleInit(): Promise<void> {
    const { startTimeoutMs, worker } = this.#options;
    const { runs, parts } = this.#queues;
    try {
      if (worker !== false && this.#runner === undefined) throw new ValueError(NO_RUNNER);
      const ready = Promise.all([runs.waitUntilReady(), parts.waitUntilReady()]);
      const late = `The queue ${runs.name} cannot be reached: its server did not answer within ${startTimeoutMs} ms. Check "connection"`;
      await within(startTimeoutMs, ready, () => new QueueUnavailable(late));
    } catch (error) {
      // A start that fails has no end that would close them.
      for (const each of [runs, parts]) each.close().catch(() => undefined);
      throw error;
    }
  }

  /** Begins to take jobs. */
  onApplicationBootstrap(): void {
    const { worker, functions } = this.#options;
    const runner = this.#runner;
    if (worker === false || runner === undefined) return;
    const { runs, parts } = this.#queues;
    const { prefix, connection } = this.#options;
    const events = (this.#events = new QueueEvents(parts.name, { connection, prefix }));
    events.on('error', (error) => this.#log.warn(`${parts.name} events`, error));
    const jobs = new PartJobs(parts, events, this.#options);
    const perRun = new RunProcessor(runner, this.#adapters, runs, jobs, functions, this.#log);
    const perPart = new PartProcessor(runner, this.#adapters, functions, this.#log);
    const { runs: runsAtOnce = 1, concurrency = 1, limiter, ...own } = worker;
    const { telemetry } = runs.opts;
    const shared = {
      maxStalledCount: MAX_STALLED,
      ...(telemetry === undefined ? {} : { telemetry }),
      ...own,
      connection,
      prefix,
    };
    const perPartOptions = { ...shared, concurrency, ...(limiter === undefined ? {} : { limiter }) };
    if (runsAtOnce > 0) this.#start(runs, (...job) => perRun.process(...job), { ...shared, concurrency: runsAtOnce });
    if (concurrency > 0) this.#start(parts, (...job) => perPart.process(...job), perPartOptions);
  }

  /** Takes no more jobs. Those that are being performed go back to the queue, once what they have done is saved. */
  onModuleDestroy(): void {
    this.#stopping.abort(new WorkerStops('The application is shutting down'));
    // Their commands that wait for jobs end in `close`: a job that comes meanwhile goes back at once.
    for (const worker of this.#workers) void worker.pause(true);
  }

  /** Waits for the end of those jobs, and closes all connections of the workers. */
  async beforeApplicationShutdown(): Promise<void> {
    const late = (): Error => new Error(`jobs did not end within ${STOP_WAIT_MS} ms; other workers will take them`);
    let force = false;
    try {
      await within(STOP_WAIT_MS, Promise.all(this.#performing), late);
    } catch (error) {
      force = true;
      this.#log.warn('shutdown', error);
    }
    await Promise.all(this.#workers.map((worker) => worker.close(force)));
    await this.#events?.close();
  }

  #start(queue: Queue, process: Process, options: WorkerOptions): void {
    const perform = async (job: Job, token: string | undefined, signal?: AbortSignal): Promise<unknown> => {
      const either = AbortSignal.any([this.#stopping.signal, ...(signal ? [signal] : [])]);
      const ended = process(job, token, either, () => this.#stepBack(worker));
      const settled = ended.catch(() => undefined);
      this.#performing.add(settled);
      await settled;
      this.#performing.delete(settled);
      return ended;
    };
    // BullMQ makes a signal for a function of three parameters.
    const worker = new Worker(queue.name, (job, token, signal) => perform(job, token, signal), options);
    worker.on('error', (error) => this.#log.warn(queue.name, error));
    worker.on('failed', (job, error) => this.#log.warn(`${queue.name}: job ${job?.id ?? ''}`, error));
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) worker.cancelJob(id, LOCK_LOST);
    });
    this.#workers.push(worker);
  }

  async #stepBack(worker: Worker): Promise<void> {
    await worker.pause(true);
    setTimeout(() => {
      if (!this.#stopping.signal.aborted) void worker.resume();
    }, STEP_BACK_MS).unref();
  }
}
