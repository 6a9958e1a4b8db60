import { ObjectAlreadyExists } from '../errors.js';

/** How long waiting work waits for somebody to flush, before it is done for its own sake. */
const DELAY_MS = 20;
const MAX_DELAY_MS = 1000;

/**
 * Runs one drain at a time: for whoever calls `flush`, and by itself some time after `schedule`. Work that fails waits on.
 */
export class FlushScheduler {
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;
  /** Met by a drain that nobody waited for; thrown to the next who flushes. */
  private conflict: ObjectAlreadyExists | undefined;
  private timer: NodeJS.Timeout | undefined;
  private delay = DELAY_MS;

  /**
   * @param drain does all that waits.
   * @param waits whether something waits.
   * @param failed told of a scheduled drain that failed; it is tried again.
   */
  constructor(
    private readonly drain: () => Promise<void>,
    private readonly waits: () => boolean,
    private readonly failed: (error: unknown) => void,
  ) {}

  async flush(): Promise<void> {
    // Whoever comes while one drain runs shares the next one: it takes all that waits by then.
    this.next ??= this.running.then(() => {
      this.next = undefined;
      return this.drain();
    });
    const done = this.next;
    this.running = done.catch(() => undefined);
    await done;
    const { conflict } = this;
    this.conflict = undefined;
    if (conflict !== undefined) throw conflict;
  }

  schedule(): void {
    this.timer ??= setTimeout(() => void this.flushUnasked(), this.delay);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private async flushUnasked(): Promise<void> {
    const started = performance.now();
    try {
      await this.flush();
    } catch (error) {
      if (error instanceof ObjectAlreadyExists) this.conflict = error;
      this.failed(error);
    }
    // A long child list costs its length each time; ten times that between two writes bounds the share of it.
    this.delay = Math.min(MAX_DELAY_MS, Math.max(DELAY_MS, 10 * (performance.now() - started)));
    // Stopped meanwhile, it stays so. What came during this drain found a timer that had already run.
    if (this.timer === undefined) return;
    this.timer = undefined;
    if (this.waits()) this.schedule();
  }
}
