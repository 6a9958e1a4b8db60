import type { Job } from 'bullmq';
import type { QueueProgress } from './queued-run.js';

/** Milliseconds between two writes of the progress of a job. */
const EVERY_MS = 500;

/** Writes the progress of a job to the server: the newest one, at intervals, and one write at a time. */
export class JobProgress {
  private newest: QueueProgress | undefined;
  private written = 0;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  /** @param failed - Is called with what the server says; work goes on without it. */
  constructor(
    private readonly job: Pick<Job, 'updateProgress'>,
    private readonly failed: (error: unknown) => void,
  ) {}

  set(progress: QueueProgress): void {
    this.newest = progress;
    this.timer ??= setTimeout(() => this.write(), Math.max(0, this.written + EVERY_MS - Date.now()));
  }

  /** Writes what is left, and resolves when it is written. */
  async end(): Promise<void> {
    if (this.timer !== undefined) this.write();
    await this.writing;
  }

  private write(): void {
    clearTimeout(this.timer);
    const { newest } = this;
    this.writing = this.writing.then(async () => {
      try {
        if (newest !== undefined) await this.job.updateProgress({ ...newest });
      } catch (error) {
        this.failed(error);
      }
      this.written = Date.now();
    });
    this.timer = undefined;
  }
}
