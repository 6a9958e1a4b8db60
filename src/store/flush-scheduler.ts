import { SerialQueue } from '../async/serial-queue.js';
import { LeaseLost, ObjectAlreadyExists } from '../errors.js';

/** Milliseconds: the debounce before a scheduled flush, and the longest one. No flush waits longer, however much is deferred. */
const DELAY_MS = 20;
const MAX_DELAY_MS = 1000;

/** The failure of a flush after which its writes are not pending any more: no later flush would meet it again. */
type FinalFailure = ObjectAlreadyExists | LeaseLost;

interface QueuedFlush {
  readonly done: Promise<void>;
  /** Whether a caller of `flush` waits for it, and gets its failure. */
  hasCaller: boolean;
}

/**
 * Runs one flush at a time: when a caller asks for it, and some time after `schedule`. Writes of a flush that fails stay
 * pending.
 */
export class FlushScheduler {
  private readonly queue = new SerialQueue();
  /** The flush that is queued and has not started. */
  private next: QueuedFlush | undefined;
  /** The final failure that a scheduled flush met and no caller has received. The next caller of `flush` receives it. */
  private failure: FinalFailure | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Whether `schedule` was called again since the timer was set. */
  private isDeferring = false;
  /** By the clock of `performance`: when the first `schedule` was called that no flush has followed. */
  private since = 0;
  private delay = DELAY_MS;
  /** Whether the last scheduled flush has failed. */
  private hasFailed = false;

  /**
   * @param drain - writes all that is pending.
   * @param isPending - whether anything is pending.
   * @param onError - is called when a scheduled flush failed; the flush is scheduled again.
   */
  constructor(
    private readonly drain: () => Promise<void>,
    private readonly isPending: () => boolean,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Flushes after the flush that is running. Callers that come while it runs share the next one. */
  async flush(): Promise<void> {
    const queued = this.enqueue();
    queued.hasCaller = true;
    const met = await queued.done.catch(finalFailureOf);
    const failure = this.failure ?? met;
    // Of several a caller receives the first: one that is left would end the work of a later caller.
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }

  /** Flushes once it was not called for a while. A sync defers write after write: each flush would be a round trip of its own. */
  schedule(): void {
    this.isDeferring = this.timer !== undefined;
    if (this.isDeferring) return;
    this.since = performance.now();
    this.timer = setTimeout(() => this.flushUnlessDeferring(), this.delay);
  }

  /** Cancels the scheduled flush. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private enqueue(): QueuedFlush {
    if (this.next !== undefined) return this.next;
    const done = this.queue.run(() => {
      this.next = undefined; // The drain takes all that is pending now; what comes later needs another one.
      return this.drain();
    });
    return (this.next = { done, hasCaller: false });
  }

  private flushUnlessDeferring(): void {
    const waits = this.isDeferring && performance.now() - this.since + this.delay < MAX_DELAY_MS;
    this.isDeferring = false;
    if (waits) this.timer?.refresh();
    else void this.flushScheduled();
  }

  private async flushScheduled(): Promise<void> {
    const started = performance.now();
    const queued = this.enqueue();
    try {
      await queued.done;
      // A long child list costs its length with each write. Ten times that between two writes bounds the share of it. The first
      // write after a failure may have waited for what made the other one fail.
      const cost = this.hasFailed ? 0 : performance.now() - started;
      this.hasFailed = false;
      this.delay = Math.min(MAX_DELAY_MS, Math.max(DELAY_MS, 10 * cost));
    } catch (error) {
      if (isFinal(error) && !queued.hasCaller) this.failure = error;
      this.onError(error);
      // The time that a failure takes, a time-out for example, is no measure of the writes.
      this.hasFailed = true;
      this.delay = Math.min(MAX_DELAY_MS, 2 * this.delay);
    }
    // `stop` was called meanwhile.
    if (this.timer === undefined) return;
    // A `schedule` during this flush found the timer of this flush and set none.
    this.timer = undefined;
    if (this.isPending()) this.schedule();
  }
}

function isFinal(error: unknown): error is FinalFailure {
  return error instanceof ObjectAlreadyExists || error instanceof LeaseLost;
}

/** @throws the error, unless it is final. */
function finalFailureOf(error: unknown): FinalFailure {
  if (isFinal(error)) return error;
  throw error;
}
