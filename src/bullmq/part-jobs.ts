import type { Job, Queue, QueueEvents } from 'bullmq';
import { RunPartFailed, type PartContext, type RunPart, type RunPartResult } from '../index.js';
import type { ResolvedQueueOptions } from './queue.options.js';
import { parseProgress, type QueueProgress } from './queued-run.js';

/** How often a part is looked at whose end no event has told: events may be lost with a connection, or with a master. */
const LOOK_EVERY_MS = 5000;
const DAY_S = 86_400;
const RETRIES = { attempts: 3, backoff: { type: 'exponential', delay: 1000, jitter: 0.5 } };

/** The data of a job that performs a part. */
export interface PartData {
  readonly part: RunPart;
}

interface Waiting {
  wake(): void;
  progress(progress: QueueProgress): void;
}

type PartQueue = Queue<PartData, RunPartResult>;
type PartJob = Job<PartData, RunPartResult>;

/** The parts of runs as jobs: puts them on their queue, and waits for their ends. */
export class PartJobs {
  readonly #queue: PartQueue;
  readonly #options: Pick<ResolvedQueueOptions, 'partJob' | 'partTimeoutMs'>;
  readonly #waiting = new Map<string, Waiting>();

  /** @param events - those of the queue of parts. */
  constructor(
    queue: PartQueue,
    private readonly events: QueueEvents,
    options: Pick<ResolvedQueueOptions, 'partJob' | 'partTimeoutMs'>,
  ) {
    this.#queue = queue;
    this.#options = options;
    events.on('completed', ({ jobId }) => this.#waiting.get(jobId)?.wake());
    events.on('failed', ({ jobId }) => this.#waiting.get(jobId)?.wake());
    events.on('progress', ({ jobId, data }) => {
      const progress = parseProgress(data);
      if (progress !== undefined) this.#waiting.get(jobId)?.progress(progress);
    });
  }

  /**
   * Has a part performed, by whatever process takes its job. Asked again for the same part of the same run, it goes on waiting, or
   * answers what became of it.
   * @param run - The job of the run, whose child the job of the part is.
   * @returns what the part has returned.
   * @throws RunPartFailed if its last attempt failed, or it did not end in time; the reason of the signal.
   */
  async perform(run: Job, part: RunPart, { signal, onProgress }: PartContext): Promise<RunPartResult> {
    const id = `${part.run}-${part.step}-${part.index}`;
    const deadline = Date.now() + this.#options.partTimeoutMs;
    let wake = (): void => undefined;
    this.#waiting.set(id, {
      wake: () => wake(),
      progress: ({ current, total = current }) => onProgress(current, total),
    });
    const abort = (): void => wake();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await this.events.waitUntilReady();
      for (;;) {
        signal.throwIfAborted();
        const woken = new Promise<void>((resolve) => (wake = resolve));
        // It is added again where a failover has lost it.
        const job = (await this.#queue.getJob(id)) ?? (await this.#add(id, run, part));
        if (job.finishedOn !== undefined) return resultOf(job);
        if (Date.now() > deadline) {
          await this.#queue.remove(id);
          throw this.#late(part);
        }
        await Promise.race([woken, timeout(LOOK_EVERY_MS, signal)]);
      }
    } finally {
      signal.removeEventListener('abort', abort);
      this.#waiting.delete(id);
    }
  }

  #add(id: string, run: Job, part: RunPart): Promise<PartJob> {
    return this.#queue.add(
      part.step,
      { part },
      {
        ...RETRIES,
        ...this.#options.partJob,
        jobId: id,
        parent: { id: part.run, queue: run.queueQualifiedName },
        // A part that is given up ends neither its run nor the other parts.
        ignoreDependencyOnFailure: true,
        removeOnComplete: { age: 7 * DAY_S },
        removeOnFail: { age: 30 * DAY_S },
      },
    );
  }

  #late({ step, index, of }: RunPart): RunPartFailed {
    const within = `within ${this.#options.partTimeoutMs} ms`;
    return new RunPartFailed(
      `Part ${index + 1} of ${of} (${step}) did not end ${within}: are there workers that have its adapters?`,
    );
  }
}

function resultOf(job: PartJob): RunPartResult {
  if (job.failedReason === undefined || job.returnvalue) return job.returnvalue;
  const { step, index, of } = job.data.part;
  const attempts = job.attemptsMade === 1 ? 'the only attempt' : `the last of ${job.attemptsMade} attempts`;
  throw new RunPartFailed(`Part ${index + 1} of ${of} (${step}) failed in ${attempts}: ${job.failedReason}`);
}

function timeout(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}
