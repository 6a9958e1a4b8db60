import { Failed } from './outcome.js';

/** Pieces of work that wait; the next one is refused. */
const MAX_WAITING = 100_000;

/** When nobody waits for a piece of work any more. */
interface ItemLimits {
  /** As `performance.now()`. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
}

/** A single piece of work that waits to be done with others. */
interface Waiting<T, R> {
  readonly kind: string;
  readonly uid: string;
  readonly item: T;
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (result: [R]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Work that is asked for one by one without awaiting each, done many at a time, each caller getting its own result. In
 * the order of the calls: only neighbours of one kind go together, and nothing is in flight twice for one unique id.
 */
export class AutoBatcher<T, R> {
  private waiting: (Waiting<T, R> | (() => void))[] = [];
  private head = 0;
  private inFlight = 0;
  private readonly busy = new Set<string>();
  private scheduled = false;

  /**
   * @param work answers by position, by the deadline. An error that it throws is that of all its pieces.
   * @param most pieces in one call of `work`.
   * @param window calls of `work` at a time; what comes meanwhile gathers.
   * @param full why more is refused, when too much waits.
   */
  constructor(
    private readonly work: (kind: string, items: readonly T[], deadline: number) => Promise<readonly (R | Failed)[]>,
    private readonly most: number,
    private readonly window: number,
    private readonly full: () => Error,
  ) {}

  /** Answers as `work` does for one item. */
  do(kind: string, uid: string, item: T, { deadline, signal }: ItemLimits): Promise<[R]> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length - this.head >= MAX_WAITING) throw this.full();
      this.waiting.push({ kind, uid, item, deadline, signal, resolve, reject });
      this.schedule();
    });
  }

  /** Settles when all that was asked for before is done; undefined when there is none. */
  settled(): Promise<void> | undefined {
    if (this.head === this.waiting.length && this.inFlight === 0) return undefined;
    return new Promise((resolve) => {
      if (this.waiting.length - this.head >= MAX_WAITING) throw this.full();
      this.waiting.push(resolve);
      this.schedule();
    });
  }

  /** After the caller's own turn, in which more may come. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      this.start();
    });
  }

  private start(): void {
    while (this.inFlight < this.window && this.head < this.waiting.length) {
      const first = this.waiting[this.head];
      if (typeof first === 'function') {
        if (this.inFlight > 0) return;
        this.head++;
        first();
        continue;
      }
      const batch = this.take();
      if (batch.length === 0) {
        if (typeof this.waiting[this.head] === 'function') continue;
        break;
      }
      void this.finish(batch);
    }
    if (this.head === this.waiting.length) {
      this.waiting = [];
      this.head = 0;
    }
  }

  private take(): Waiting<T, R>[] {
    const batch: Waiting<T, R>[] = [];
    while (batch.length < this.most) {
      const next = this.waiting[this.head];
      if (next === undefined || typeof next === 'function') break;
      if (next.signal?.aborted === true) {
        this.head++;
        next.reject(next.signal.reason);
        continue;
      }
      if (next.kind !== (batch[0] ?? next).kind || this.busy.has(next.uid)) break;
      this.busy.add(next.uid);
      this.head++;
      batch.push(next);
    }
    return batch;
  }

  private async finish(batch: readonly Waiting<T, R>[]): Promise<void> {
    this.inFlight++;
    try {
      const results = await this.work(
        (batch[0] as Waiting<T, R>).kind,
        batch.map(({ item }) => item),
        // Whoever came first ends first, and nothing of it may be done later.
        batch.reduce((first, { deadline }) => Math.min(first, deadline), Infinity),
      );
      for (let at = 0; at < batch.length; at++) {
        const { resolve, reject } = batch[at] as Waiting<T, R>;
        const result = results[at];
        if (result instanceof Failed) reject(result.error);
        else resolve([result as R]);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.inFlight--;
      for (const { uid } of batch) this.busy.delete(uid);
      this.start();
    }
  }
}
