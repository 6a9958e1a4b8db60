import { ObjectStoreException } from '../errors.js';
import type { DiffSyncLogger } from '../logging/logger.js';
import { abortable } from '../async/abortable.js';

/** What every operation takes. */
export interface OperationOptions {
  /**
   * Ends the operation, which then rejects with STORE_ABORTED, or with STORE_OUTCOME_UNKNOWN where it may have written; the
   * signal's reason is the cause. `AbortSignal.timeout(ms)` gives one operation a time of its own.
   */
  readonly signal?: AbortSignal | undefined;
}

export interface NestedOperationOptions extends OperationOptions {
  /** Whether it is a part of a call that began when the store was open. */
  readonly nested?: boolean;
}

/** What an operation is about. */
export interface OperationContext extends NestedOperationOptions {
  readonly model?: string;
  readonly uid?: string;
  /** The objects that it reads, if not all. */
  readonly reads?: readonly string[];
  /** The objects that it writes; absent for a read. */
  readonly uids?: readonly string[];
  /** Whether it writes, without `uids`. */
  readonly writes?: boolean;
}

/** What operations ask of their store. */
interface OperationOwner {
  toString(): string;
  logger(): DiffSyncLogger;
  /** @throws ObjectStoreException (STORE_CLOSED) */
  checkOpen(): void;
  /** Whether what waits must be written before the operation. */
  mustFlush(about: OperationContext): boolean;
  flush(): Promise<void>;
}

/** Counts, logs and ends the operations of a store. */
export class OperationRunner {
  private running = 0;
  /** Told when the last running operation has ended. */
  private whenIdle: (() => void) | undefined;
  private written = 0;

  constructor(private readonly store: OperationOwner) {}

  /** Changes with every operation that writes. */
  get revision(): number {
    return this.written;
  }

  /** Every operation passes here: it needs an open store, sees all earlier writes, and is logged at verbosity 2. */
  run<T>(operation: string, about: OperationContext, work: () => Promise<T>): Promise<T> {
    if (about.nested !== true) this.store.checkOpen();
    const { signal } = about;
    if (signal === undefined) return this.perform(operation, about, work);
    return abortable(signal, { store: String(this.store), operation, writes: isWrite(about) }, (begun) =>
      this.perform(operation, about, () => {
        begun();
        return work();
      }),
    );
  }

  /** Waits for the whole of a large call, which leaves room for others before it first reaches the backend. */
  async keepOpen(work: () => Promise<void>): Promise<void> {
    this.store.checkOpen();
    this.running++;
    try {
      await work();
    } finally {
      this.end();
    }
  }

  /** As the signal says: of a read that is a part of an operation, or none. */
  abortable<T>(signal: AbortSignal | undefined, operation: string, read: () => Promise<T>): Promise<T> {
    return signal === undefined
      ? read()
      : abortable(signal, { store: String(this.store), operation, writes: false }, read);
  }

  /** Settles when none runs. */
  async idle(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => (this.whenIdle = resolve));
  }

  async logged<T>(operation: string, about: OperationContext, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    let outcome = 'done';
    try {
      return await work();
    } catch (error) {
      outcome = error instanceof ObjectStoreException ? error.code : 'failed';
      throw error;
    } finally {
      const { model, uid, uids } = about;
      const uniqueId = uids?.length === 1 ? uids[0] : uid;
      this.store.logger().debug(`store ${operation}`, {
        store: String(this.store),
        ...(model === undefined ? {} : { model }),
        ...(uniqueId === undefined ? {} : { uniqueId }),
        ...(uids === undefined ? {} : { count: uids.length }),
        outcome,
        durationMs: Math.round((performance.now() - started) * 1000) / 1000,
      });
    }
  }

  /** Takes one promise beside those of the work: very many operations may run at once. */
  private perform<T>(operation: string, about: OperationContext, work: () => Promise<T>): Promise<T> {
    this.running++;
    if (isWrite(about)) this.written++;
    try {
      const heard = this.store.logger().isEnabled(2) ? (): Promise<T> => this.logged(operation, about, work) : work;
      const done = this.store.mustFlush(about) ? this.afterFlush(about, heard) : heard();
      return done.then(this.succeeded, this.failed);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  private async afterFlush<T>({ signal }: OperationContext, work: () => Promise<T>): Promise<T> {
    await this.store.flush();
    signal?.throwIfAborted();
    return work();
  }

  private readonly succeeded = <T>(value: T): T => {
    this.end();
    return value;
  };

  private readonly failed = (error: unknown): never => {
    this.end();
    throw error;
  };

  private end(): void {
    if (--this.running === 0) this.whenIdle?.();
  }
}

function isWrite({ uids, writes }: OperationContext): boolean {
  return uids !== undefined || writes === true;
}
