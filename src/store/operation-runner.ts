import { abortable } from '../async/abortable.js';
import type { DeferredWrites } from './deferred-writes.js';
import { isWrite, type OperatedStore, type OperationContext } from './operation-context.js';
import { logOperation } from './operation-log.js';

/** Runs the operations of a store: each needs an open store and sees all earlier writes. Counts, logs and aborts them. */
export class OperationRunner {
  private running = 0;
  /** Called when the last running operation has settled. */
  private onIdle: (() => void) | undefined;
  private writes = 0;

  /** @param checkOpen - throws an ObjectStoreException (STORE_CLOSED) unless the store is open. */
  constructor(
    private readonly store: OperatedStore,
    private readonly checkOpen: () => void,
    private readonly deferred: DeferredWrites,
  ) {}

  /** A number that changes with every operation that writes. */
  get revision(): number {
    return this.writes;
  }

  /**
   * Runs one operation: the store must be open, the signal may end it, and pending writes that concern it are flushed first.
   * It is logged at verbosity 2.
   */
  run<T>(operation: string, context: OperationContext, work: () => Promise<T>): Promise<T> {
    if (context.nested !== true) this.checkOpen();
    const { signal } = context;
    if (signal === undefined) return this.perform(operation, context, work);
    return abortable(signal, { store: String(this.store), operation, writes: isWrite(context) }, (begun) =>
      this.perform(operation, context, () => {
        begun();
        return work();
      }),
    );
  }

  /** Counts a whole bulk call as running, so that `close` waits for it although it yields before it reaches the backend. */
  async keepOpen(work: () => Promise<void>): Promise<void> {
    this.checkOpen();
    this.running++;
    try {
      await work();
    } finally {
      this.end();
    }
  }

  /** Ends a read with the signal. The read is part of an operation, or belongs to none. */
  abortable<T>(signal: AbortSignal | undefined, operation: string, read: () => Promise<T>): Promise<T> {
    return signal === undefined
      ? read()
      : abortable(signal, { store: String(this.store), operation, writes: false }, read);
  }

  /** Resolves once no operation is running. */
  async idle(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => (this.onIdle = resolve));
  }

  /** Creates no more than one promise beside those of `work`: very many operations may run at once. */
  private perform<T>(operation: string, context: OperationContext, work: () => Promise<T>): Promise<T> {
    this.running++;
    if (isWrite(context)) this.writes++;
    try {
      const logged = this.store.logger.isEnabled(2)
        ? (): Promise<T> => logOperation(this.store, operation, context, work)
        : work;
      const done = this.deferred.pending.mustFlushBefore(context) ? this.afterFlush(context, logged) : logged();
      return done.then(this.succeeded, this.failed);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  private async afterFlush<T>(context: OperationContext, work: () => Promise<T>): Promise<T> {
    const { signal } = context;
    await this.deferred.flushBefore(context);
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
    if (--this.running === 0) this.onIdle?.();
  }
}
