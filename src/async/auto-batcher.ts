import { Failed } from './outcome.js';

/** Items that may wait; the next one is refused. */
const MAX_WAITING = 100_000;

/** Does all items in one call. Resolves, by position, to the result of each item or its failure. */
export type BatchWork<I, R, G = undefined> = (
  items: readonly I[],
  deadline: number,
  group: G,
) => Promise<readonly (R | Failed)[]>;

/** The kinds of items of a batcher, each with the work that does a batch of them. */
type BatchKinds<K, G> = { readonly [N in keyof K]: BatchWork<never, unknown, G> };

type ItemOf<W> = W extends (items: readonly (infer I)[], ...terms: never) => unknown ? I : never;
type ResultOf<W> = W extends (...args: never) => Promise<readonly (infer R)[]> ? Exclude<R, Failed> : never;

/** Until when the caller waits for an item. */
interface ItemLimits {
  /** As `performance.now()`. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
}

/** A single item that waits for its batch. */
interface WaitingItem {
  readonly kind: string;
  readonly uid: string;
  readonly item: unknown;
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  readonly group: unknown;
  readonly resolve: (result: [unknown]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Batches single calls: items that are asked for one by one, none of them awaited, are done many at a time, and each caller
 * gets the result of its own item. The order of the calls is kept: only neighbours of one kind and group form a batch, and no
 * unique id is in flight twice.
 */
export class AutoBatcher<K extends BatchKinds<K, G>, G = undefined> {
  private waiting: (WaitingItem | (() => void))[] = [];
  private head = 0;
  private inFlight = 0;
  private readonly busy = new Set<string>();
  private scheduled = false;

  /**
   * @param kinds - The work of each kind. An error that it throws is that of all items of the batch.
   * @param maxItems - Items in one batch.
   * @param maxInFlight - Batches at a time; what is asked for meanwhile waits.
   * @param overloaded - Makes the error of an item that is refused because too many wait.
   */
  constructor(
    private readonly kinds: K,
    private readonly maxItems: number,
    private readonly maxInFlight: number,
    private readonly overloaded: () => Error,
  ) {}

  /** @returns the result of this item, as the only one of a list. */
  run<N extends keyof K & string>(
    kind: N,
    uid: string,
    item: ItemOf<K[N]>,
    { deadline, signal }: ItemLimits,
    group?: G,
  ): Promise<[ResultOf<K[N]>]> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length - this.head >= MAX_WAITING) throw this.overloaded();
      this.waiting.push({
        kind,
        uid,
        item,
        deadline,
        signal,
        group,
        resolve: resolve as WaitingItem['resolve'],
        reject,
      });
      this.schedule();
    });
  }

  /** @returns a promise that settles when all that was asked for before is done; undefined when there is nothing to do. */
  settled(): Promise<void> | undefined {
    if (this.head === this.waiting.length && this.inFlight === 0) return undefined;
    return new Promise((resolve) => {
      if (this.waiting.length - this.head >= MAX_WAITING) throw this.overloaded();
      this.waiting.push(resolve);
      this.schedule();
    });
  }

  /** In a microtask: until then the caller may ask for more. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      this.start();
    });
  }

  private start(): void {
    while (this.inFlight < this.maxInFlight && this.head < this.waiting.length) {
      const first = this.waiting[this.head];
      if (typeof first === 'function') {
        if (this.inFlight > 0) return;
        this.head++;
        first();
        continue;
      }
      const batch = this.takeBatch();
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

  private takeBatch(): WaitingItem[] {
    const batch: WaitingItem[] = [];
    while (batch.length < this.maxItems) {
      const next = this.waiting[this.head];
      if (next === undefined || typeof next === 'function') break;
      if (next.signal?.aborted === true) {
        this.head++;
        next.reject(next.signal.reason);
        continue;
      }
      const { kind, group } = batch[0] ?? next;
      if (next.kind !== kind || next.group !== group || this.busy.has(next.uid)) break;
      this.busy.add(next.uid);
      this.head++;
      batch.push(next);
    }
    return batch;
  }

  private async finish(batch: readonly WaitingItem[]): Promise<void> {
    this.inFlight++;
    try {
      // `run` has accepted only items of the kind.
      const { kind, group } = batch[0] as WaitingItem;
      const work = this.kinds[kind as keyof K] as unknown as BatchWork<unknown, unknown, unknown>;
      const results = await work(
        batch.map(({ item }) => item),
        // The batch ends with the earliest deadline of its items, and no part of it may be done later.
        batch.reduce((earliest, { deadline }) => Math.min(earliest, deadline), Infinity),
        group,
      );
      for (let at = 0; at < batch.length; at++) {
        const { resolve, reject } = batch[at] as WaitingItem;
        const result = results[at];
        if (result instanceof Failed) reject(result.error);
        else resolve([result]);
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
