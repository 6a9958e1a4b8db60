import { abortable, abortError } from '../async/abortable.js';
import type { DeferredWrites } from './deferred-writes.js';
import { leaseOf } from './lease-context.js';
import { isWrite, type OperatedStore, type OperationContext } from './operation-context.js';
import { logOperation, warnIfSlow } from './operation-log.js';
import { storeChannel, traceOperation } from './store-trace.js';

/** Runs the operations of a store: each needs an open store and sees all earlier writes. Counts, logs and aborts them. */
export class OperationRunner {
  private running = 0;
  /** Called when the last running operation has settled. */
  private onIdle: (() => void) | undefined;
  private writes = 0;
  /** Each ends long work of the engine. */
  private readonly stops = new Set<(reason: unknown) => void>();
  /** Called when the last of that work has settled. */
  private onStopped: (() => void) | undefined;
  private closing: unknown;
  /** Whether operations are timed; undefined before the first one. */
  private isTimed: boolean | undefined;

  /**
   * @param checkOpen - throws an ObjectStoreException (STORE_CLOSED) unless the store is open.
   * @param isInMemory - tells whether the records are in the memory of this process: a clock would cost as much as an operation.
   */
  constructor(
    private readonly store: OperatedStore,
    readonly checkOpen: () => void,
    private readonly deferred: DeferredWrites,
    private readonly isInMemory: () => boolean,
  ) {}

  /** A number that changes with every operation that writes. */
  get revision(): number {
    return this.writes;
  }

  /**
   * Runs one operation: the store must be open, the signal may end it, and pending writes that concern it are flushed first.
   * It is logged at verbosity 2, and published on the tracing channel.
   */
  run<T>(operation: string, context: OperationContext, work: () => Promise<T>): Promise<T> {
    if (context.nested !== true) this.checkOpen();
    return storeChannel.hasSubscribers ? this.traced(operation, context, work) : this.begin(operation, context, work);
  }

  /** Apart, so that an operation without a subscriber makes no closure. */
  private traced<T>(operation: string, context: OperationContext, work: () => Promise<T>): Promise<T> {
    return traceOperation(this.store, operation, context, () => this.begin(operation, context, work));
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

  /**
   * Runs long work of the engine, which `close` ends between two steps and waits for.
   * @param stop - is called when the store is being closed.
   */
  async keepOpenUntilStopped<T>(stop: (reason: unknown) => void, work: () => Promise<T>): Promise<T> {
    this.checkOpen();
    if (this.closing !== undefined) throw this.closing;
    this.stops.add(stop);
    try {
      return await work();
    } finally {
      this.stops.delete(stop);
      if (this.stops.size === 0) this.onStopped?.();
    }
  }

  /** Whether work of the engine is running. */
  get hasStoppable(): boolean {
    return this.stops.size > 0;
  }

  /** Ends all work of the engine, and resolves when it has settled. */
  async stopAll(reason: unknown): Promise<void> {
    this.closing = reason;
    try {
      const stopped = new Promise<void>((resolve) => (this.onStopped = resolve));
      for (const stop of this.stops) stop(reason);
      await stopped;
    } finally {
      this.closing = undefined;
    }
  }

  /** Ends a read with the signal. The read is part of an operation, or belongs to none. */
  abortable<T>(signal: AbortSignal | undefined, operation: string, read: () => Promise<T>): Promise<T> {
    return signal === undefined
      ? read()
      : abortable(signal, { store: String(this.store), operation, writes: false }, read);
  }

  /** Ends a write with the signal, in the same way. Whether it is done is not known then. */
  abortableWrite(signal: AbortSignal | undefined, operation: string, write: () => Promise<void>): Promise<void> {
    if (signal === undefined) return write();
    return abortable(signal, { store: String(this.store), operation, writes: true }, (begun) => {
      begun();
      return write();
    });
  }

  /** @throws {ObjectStoreException} (STORE_ABORTED) if the signal has ended the read. */
  checkAborted(signal: AbortSignal | undefined, operation: string): void {
    if (signal?.aborted === true) throw abortError(signal, { store: String(this.store), operation });
  }

  /** Resolves once no operation is running. */
  async idle(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => (this.onIdle = resolve));
  }

  private begin<T>(operation: string, context: OperationContext, work: () => Promise<T>): Promise<T> {
    const { signal } = context;
    if (signal === undefined) return this.perform(operation, context, work);
    return abortable(signal, { store: String(this.store), operation, writes: isWrite(context) }, (begun) =>
      this.perform(operation, context, () => {
        begun();
        return work();
      }),
    );
  }

  /** Creates no more than one promise beside those of `work`: very many operations may run at once. */
  private perform<T>(operation: string, context: OperationContext, work: () => Promise<T>): Promise<T> {
    if (isWrite(context)) {
      leaseOf(this.store);
      this.writes++;
    }
    this.running++;
    try {
      const isLogged = this.store.logger.isEnabled(2);
      this.isTimed ??= this.store.slowOperationMs > 0 && !this.isInMemory();
      const started = this.isTimed && !isLogged ? performance.now() : undefined;
      const logged = isLogged ? (): Promise<T> => logOperation(this.store, operation, context, work) : work;
      const done = this.deferred.pending.mustFlushBefore(context) ? this.afterFlush(context, logged) : logged();
      if (started !== undefined) return this.timed(done, operation, context, started);
      return done.then(this.succeeded, this.failed);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  private timed<T>(done: Promise<T>, operation: string, context: OperationContext, started: number): Promise<T> {
    return done.then(
      (value) => {
        warnIfSlow(this.store, operation, context, started);
        return this.succeeded(value);
      },
      (error: unknown) => {
        warnIfSlow(this.store, operation, context, started);
        return this.failed(error);
      },
    );
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
