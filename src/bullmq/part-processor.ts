import type { Job } from 'bullmq';
import { z } from 'zod';
import { ValueError, type AdapterRegistry, type RunPart, type RunPartResult, type SyncRunner } from '../index.js';
import { JobProgress } from './job-progress.js';
import { outcomeOf } from './job-outcome.js';
import type { PartData } from './part-jobs.js';
import type { QueueLog } from './queue-log.js';
import type { DiffSyncQueueOptions } from './queue.options.js';

const TEXT = z.string().min(1);
/** What is needed to find out who performs a part; the runner checks the rest. */
const PART = z.looseObject({
  run: TEXT,
  source: TEXT,
  target: TEXT,
  step: z.literal(['compare', 'sync']),
  index: z.int().min(0),
  of: z.int().min(1),
});

const UNKNOWN =
  'A job on the queue of parts has data that this version does not know: of what version is who added it?';

/** Performs the jobs of the queue of parts. */
export class PartProcessor {
  readonly #runner: SyncRunner;
  readonly #adapters: AdapterRegistry;

  constructor(
    runner: SyncRunner,
    adapters: AdapterRegistry,
    private readonly functions: DiffSyncQueueOptions['functions'],
    private readonly log: QueueLog,
  ) {
    this.#runner = runner;
    this.#adapters = adapters;
  }

  /** @returns what the part returns. @throws what BullMQ has to be thrown. */
  async process(
    job: Job<PartData>,
    token: string | undefined,
    signal: AbortSignal,
    stepBack: () => Promise<void>,
  ): Promise<RunPartResult> {
    const progress = new JobProgress(job, (error) => this.log.warn(`progress of the part ${job.id}`, error));
    try {
      const part: unknown = job.data?.part;
      if (!isPart(part)) throw new ValueError(UNKNOWN);
      return await this.#runner.performPart(part, {
        ...this.functions?.({ source: part.source, target: part.target }),
        source: this.#adapters.getOrThrow(part.source),
        target: this.#adapters.getOrThrow(part.target),
        signal,
        onProgress: (current, total) => {
          const phase = part.step === 'compare' ? 'compare' : 'apply';
          progress.set({ phase, current, total });
        },
      });
    } catch (error) {
      throw await outcomeOf(error, job, { token, signal, stepBack, retries: true });
    } finally {
      await progress.end();
    }
  }
}

function isPart(part: unknown): part is RunPart {
  return PART.safeParse(part).success;
}
