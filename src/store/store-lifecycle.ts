import { inspect } from 'node:util';
import { withTimeout } from '../async/with-timeout.js';
import { LeaseLost, ObjectStoreException, type LeaseHolder, type StoreErrorCode } from '../errors.js';
import { SILENT_LOGGER, StoreLogger, type DiffSyncLogger } from '../logging/logger.js';
import type { ModelHost } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import { markCopy } from '../values/package-copy.js';
import type { ModelRecord } from '../record/model-record.js';
import { DeferredWrites } from './deferred-writes.js';
import type { AcquireLeaseOptions, Lease } from './lease.js';
import { contextLease, leaseOf } from './lease-context.js';
import { ObjectMapper } from './object-mapper.js';
import type { OperationOptions } from './operation-context.js';
import { logOperation } from './operation-log.js';
import { OperationRunner } from './operation-runner.js';
import { StoreBackend, type VerifyRecordsOptions } from './store-backend.js';
import type { StoreCore, StorePrimitives } from './store-core.js';
import { DEFAULT_HEALTH_TIMEOUT_MS, type BackendHealth, type HealthOptions } from './store-health.js';
import { checkStoreId } from './store-id.js';
import { traceOperation } from './store-trace.js';
import { StoreLeases } from './store-leases.js';
import {
  checkMaxObjectBytes,
  checkSlowOperationMs,
  DEFAULT_MAX_OBJECT_BYTES,
  DEFAULT_SLOW_OPERATION_MS,
  type BaseStoreOptions,
} from './store-options.js';
import { verifyByReading } from './verify-by-reading.js';
import { addLinkProblems } from './verify-links.js';
import type { StoreReport } from './verify-report.js';

/** Milliseconds that `close` waits for what may never end: a hook of a sync, a backend without deadlines. */
const CLOSE_WAIT_MS = 5000;
/** Each step of `close` has so many milliseconds, also when an earlier one has taken all. */
const CLOSE_STEP_MS = 500;

/** @internal Gives the other files of this room the parts of a store. */
export let coreOf: (store: StoreLifecycle) => StoreCore;

/** The life cycle of a store: its identity, its options, open and close, and the adapter that it serves. */
export abstract class StoreLifecycle extends StoreBackend {
  /** The name in log lines and error messages. */
  readonly name: string;
  /** The id of this store within its backend; undefined where the backend holds one store only. */
  readonly storeId: string | undefined;
  /** The largest object that a write accepts: bytes of its encoded record, in UTF-8. */
  readonly maxObjectBytes: number;
  /** How long an operation takes before a warning names it; milliseconds, 0 for never. */
  readonly slowOperationMs: number;

  /**
   * Where the store is in its life. A store without a connection may set it to `open` in its constructor. What else a store keeps
   * here is in private fields, so that authors of stores choose the names of theirs freely.
   */
  protected storeState: 'new' | 'open' | 'closing' | 'closed' = 'new';
  #currentLogger: DiffSyncLogger;
  #opening: Promise<void> | undefined;
  /** The callers of `open` that wait. */
  #openers = 0;
  #closing: Promise<void> | undefined;
  readonly #core: StoreCore;
  readonly #leases: StoreLeases;

  static {
    markCopy(this);
    coreOf = (store) => store.#core;
  }

  /**
   * Creates a store that is not open yet.
   * @param options - options of every store; all are optional.
   * @throws {ValueError} for a store id, a `maxObjectBytes` or a `slowOperationMs` that is not allowed.
   */
  constructor(options: BaseStoreOptions = {}) {
    super();
    if (options.storeId !== undefined) checkStoreId(options.storeId);
    this.storeId = options.storeId;
    this.maxObjectBytes = checkMaxObjectBytes(options.maxObjectBytes ?? DEFAULT_MAX_OBJECT_BYTES);
    this.slowOperationMs = checkSlowOperationMs(options.slowOperationMs ?? DEFAULT_SLOW_OPERATION_MS);
    // A bundler names a class that names itself `_SqliteStore`.
    this.name = options.name ?? new.target.name.replace(/^_/, '');
    this.#currentLogger = options.logger === undefined ? SILENT_LOGGER : new StoreLogger(options.logger);
    const backend = this.#primitives();
    const objects = new ObjectMapper(this, this.maxObjectBytes, () => this.capabilities, {
      recordChildLink: (parent, field, childUid, linked) => {
        this.#checkOpen();
        deferred.link(parent, field, childUid, linked);
      },
    });
    const deferred = new DeferredWrites(this, backend, objects);
    const operations = new OperationRunner(
      this,
      () => this.#checkOpen(),
      deferred,
      () => this.capabilities.sharesRecords === true,
    );
    this.#core = { store: this, backend, objects, operations, deferred };
    this.#leases = new StoreLeases(
      this,
      () => this.leases,
      () => this.#checkOpen(),
      deferred,
    );
  }

  // ---- Life cycle

  /**
   * Connects to the backend. Does nothing on an open store.
   * @param options - `signal` ends the wait; the store is left closed, unless another caller waits for it.
   * @throws {ObjectStoreException} (STORE_UNAVAILABLE, or another code of the backend) when it cannot be reached.
   */
  async open(options: OperationOptions = {}): Promise<void> {
    const { signal } = options;
    this.#openers++;
    try {
      await this.#core.operations.abortable(signal, 'open', () => this.#opened());
    } finally {
      this.#openers--;
    }
  }

  /**
   * Writes all pending child links and disconnects, also from a backend that is out of reach. Later operations fail with
   * STORE_CLOSED until `open`. A sync into the store ends with STORE_CLOSED before its next object; what it did is saved.
   * @throws {ObjectStoreException} when not all could be written: `open` and `flush` try it again; (STORE_TIMEOUT) when a hook of
   *   a sync, or an operation of a backend without deadlines of its own, has not ended within 5 seconds. The store is closed
   *   all the same.
   */
  async close(): Promise<void> {
    // A store that is opening would otherwise open after this call, and stay open.
    if (this.#opening !== undefined) await this.#opening.catch(() => undefined);
    if (this.storeState !== 'open') return this.#closing;
    this.#closing ??= this.#shutDown().finally(() => (this.#closing = undefined));
    return this.#closing;
  }

  /** Where the backend is, without secrets; undefined for a store in this process. */
  get address(): string | undefined {
    return undefined;
  }

  /** Whether the store is open. */
  get isOpen(): boolean {
    return this.storeState === 'open';
  }

  /**
   * Resolves once the backend has replied.
   * @param options - `signal` ends the wait.
   * @throws {ObjectStoreException} when it does not reply.
   */
  async ping(options: OperationOptions = {}): Promise<void> {
    this.#checkOpen();
    const ping = (): Promise<void> => logOperation(this, 'ping', {}, () => this.probe());
    await traceOperation(this, 'ping', {}, () =>
      this.#core.operations.abortable(options.signal, 'ping', ping).catch((error: unknown) => {
        throw this.backendError(error);
      }),
    );
  }

  /**
   * Asks the backend how it is. Where that has a connection of its own for this, as Redis has, no other operation delays it.
   * @param options - `timeoutMs`: milliseconds to wait, default 1000; `signal` ends the wait.
   * @returns what the backend tells of itself, why it refuses writes, and what to look at.
   * @throws {ObjectStoreException} when it does not reply: (STORE_TIMEOUT) not in time.
   * @example
   * ```ts
   * const { details, concerns } = await store.health({ timeoutMs: 500 });
   * console.log(details.memory?.usedBytes, concerns);
   * ```
   */
  async health(options: HealthOptions = {}): Promise<BackendHealth> {
    this.#checkOpen();
    const { timeoutMs = DEFAULT_HEALTH_TIMEOUT_MS, signal } = options;
    const timedOut = (): Error =>
      new ObjectStoreException(`${String(this)} has not answered within ${timeoutMs} ms`, { code: 'STORE_TIMEOUT' });
    const ask = (): Promise<BackendHealth> =>
      logOperation(this, 'health', {}, async () => withTimeout(timeoutMs, this.probeHealth(timeoutMs), timedOut));
    return traceOperation(this, 'health', {}, () =>
      this.#core.operations.abortable(signal, 'health', ask).catch((error: unknown) => {
        throw this.backendError(error);
      }),
    );
  }

  /**
   * Writes all pending child links, and the changes of a running sync. Every read flushes what it must see by itself.
   * @param options - `signal` ends the wait: what is being written is then written all the same, and the rest stays pending.
   * @throws {ObjectStoreException} when the backend fails: everything stays pending.
   * @throws {ObjectAlreadyExists} when a sync's new object met a different one.
   */
  async flush(options: OperationOptions = {}): Promise<void> {
    const { deferred, operations } = this.#core;
    if (this.storeState === 'closed' && !deferred.pending.isEmpty()) this.#checkOpen();
    return operations.abortableWrite(options.signal, 'flush', () => deferred.flush());
  }

  /**
   * Compares what the backend keeps beside the objects, such as their order, with the objects, and reads each object. By
   * the classes that the store knows it finds child lists that name objects which do not exist, and where it is bound to an
   * adapter the objects that no parent lists. Other callers may write meanwhile. Takes as
   * long as a few reads of all objects, and on Redis a scan of all keys besides.
   * @param options - `repair` also repairs what it finds, as `StoreProblemKind` says for each kind; default false. `signal` ends
   *   the operation; what was repaired before stays so.
   * @returns a report of all problems, by kind.
   * @throws {ObjectStoreException} when the backend fails.
   */
  async verify(options: OperationOptions & { readonly repair?: boolean | undefined } = {}): Promise<StoreReport> {
    const { repair = false, signal } = options;
    return this.#core.operations.run('verify', { writes: repair, signal }, async () =>
      addLinkProblems(this.#core, await this.verifyRecords({ repair, signal }), { repair, signal }),
    );
  }

  // ---- Leases

  /**
   * Takes the lease of this store, which one run at a time has, in whatever process. It is renewed until `release` or `close`.
   * @param options - who asks, for how long, how long to wait, and the run to join; all are optional.
   * @returns the lease; only what runs inside its `run` is fenced by it.
   * @throws {SyncInProgress} (SYNC_IN_PROGRESS) when another run has it and does not give it up within `waitMs`; `holder` says who.
   * @throws {LeaseLost} (LEASE_LOST) when the run to join does not hold it.
   * @throws {ObjectStoreException} (STORE_ABORTED) when the signal ends the wait.
   * @throws {ValueError} for wrong options.
   * @example
   * ```ts
   * const lease = await store.acquireLease({ holder: { runId: 'nightly-17', by: 'scheduler' }, waitMs: 60_000 });
   * ```
   */
  async acquireLease(options: AcquireLeaseOptions = {}): Promise<Lease> {
    return this.#leases.acquire(options);
  }

  /**
   * Tells who holds the lease of this store.
   * @param options - `signal` ends the wait.
   * @returns the run, who started it and since when; undefined where no run holds it.
   * @throws {ObjectStoreException} when the backend fails.
   */
  async leaseHolder(options: OperationOptions = {}): Promise<LeaseHolder | undefined> {
    this.#checkOpen();
    const { signal } = options;
    return this.#core.operations.abortable(signal, 'leaseHolder', () => this.#leases.holder(signal));
  }

  // ---- Adapter and models

  /** The adapter that this store serves. */
  get adapter(): ModelHost | undefined {
    return this.#core.objects.host;
  }

  /** The logger that operations write to. */
  get logger(): DiffSyncLogger {
    return this.#currentLogger;
  }

  /**
   * Makes this the store of one adapter. Its models are used for their names from now on. An `Adapter` calls it by itself.
   * @param adapter - the adapter that the objects belong to.
   * @param models - the classes of the adapter's models.
   * @param logger - is used where the store was made without a logger.
   * @throws {ObjectStoreException} (STORE_ALREADY_BOUND) when the store serves another adapter.
   */
  bindAdapter(adapter: ModelHost, models: readonly ModelClass[], logger: DiffSyncLogger): void {
    this.#core.objects.bindHost(adapter, models);
    if (this.#currentLogger === SILENT_LOGGER) this.#currentLogger = new StoreLogger(logger);
  }

  /** Returns the name, with the store id where there is one: `mystore (123)`. */
  override toString(): string {
    return this.storeId === undefined ? this.name : `${this.name} (${this.storeId})`;
  }

  /** Returns what `console.log` prints. */
  [inspect.custom](): string {
    return `<${String(this)}, ${this.engine}, ${this.storeState}>`;
  }

  // ---- For subclasses

  protected override get writeFence(): number | undefined {
    return leaseOf(this)?.fence;
  }

  protected override leaseLost(holder?: LeaseHolder): LeaseLost {
    const lease = contextLease(this);
    return lease?.lose(holder) ?? new LeaseLost(`${String(this)}: the lease of this write is lost`, holder);
  }

  protected override verifyRecords({ signal }: VerifyRecordsOptions): Promise<StoreReport> {
    return verifyByReading(this.#core, signal);
  }

  protected override validateRecord(model: string, record: ModelRecord): string | undefined {
    return this.#core.objects.validateRecord(model, record);
  }

  protected override damagedRecord(
    ...damage: [model: string, uid: string, reason: string, cause?: unknown, code?: StoreErrorCode]
  ): ObjectStoreException {
    return this.#core.objects.corrupt(...damage);
  }

  // ---- Private

  /** Resolves once the store is open. */
  async #opened(): Promise<void> {
    if (this.#closing !== undefined) await this.#closing.catch(() => undefined);
    // A connection for which no caller waited any more was released.
    while (this.storeState !== 'open' && this.#openers > 0) {
      this.#opening ??= this.#connectFor().finally(() => (this.#opening = undefined));
      await this.#opening;
    }
  }

  async #connectFor(): Promise<void> {
    try {
      await this.connect();
      if (this.#openers > 0) this.storeState = 'open';
      else await this.disconnect();
    } catch (error) {
      throw this.backendError(error);
    }
  }

  #checkOpen(): void {
    if (this.storeState === 'open') return;
    const what = this.storeState === 'new' ? 'is not open yet: await store.open() first' : `is ${this.storeState}`;
    throw new ObjectStoreException(`${String(this)} ${what}`, { code: 'STORE_CLOSED' });
  }

  async #shutDown(): Promise<void> {
    const { operations, deferred } = this.#core;
    const deadline = performance.now() + CLOSE_WAIT_MS;
    let failure: { readonly error: unknown } | undefined;
    const attempt = async (work: () => Promise<void>, unless?: string): Promise<void> => {
      try {
        const timeout = (): Error =>
          new ObjectStoreException(`${String(this)} is closed, although ${unless} after ${CLOSE_WAIT_MS} ms`, {
            code: 'STORE_TIMEOUT',
          });
        await (unless === undefined
          ? work()
          : withTimeout(Math.max(deadline - performance.now(), CLOSE_STEP_MS), work(), timeout));
      } catch (error) {
        failure ??= { error }; // What fails after it follows from it.
      }
    };
    const unanswered = this.capabilities.hasDeadlines === true ? undefined : 'its backend has not replied';
    if (operations.hasStoppable) {
      const hook = 'a hook of a sync is still running, whose outcome is not saved,';
      await attempt(() => operations.stopAll(this.#closedUnderSync()), hook);
    }
    this.storeState = 'closing';
    await attempt(() => operations.idle(), unanswered);
    await attempt(() => this.#flushBeforeClose(), unanswered);
    const { beside } = this.#core;
    if (beside !== undefined) await attempt(() => beside.close());
    deferred.stop();
    // After what waited is written, which is fenced too. A lease that is not given up expires.
    await withTimeout(CLOSE_STEP_MS, this.#leases.releaseAll(), () => new Error('the backend has not replied')).catch(
      (error: unknown) =>
        this.logger.warning(`${String(this)}: its lease is left to expire`, { reason: String(error) }),
    );
    this.storeState = 'closed';
    await attempt(async () => {
      await this.disconnect().catch((error: unknown) => {
        throw this.backendError(error);
      });
    }, unanswered);
    if (failure !== undefined) throw failure.error;
  }

  async #flushBeforeClose(): Promise<void> {
    try {
      await this.flush();
      const [failed] = this.#core.deferred.pending.failed.all();
      if (failed !== undefined) throw this.#core.deferred.pending.failed.errorOf(...failed);
    } catch (error) {
      if (!(error instanceof ObjectStoreException) || this.#core.deferred.isSaved) throw error;
      throw new ObjectStoreException(
        `${String(this)} is closed, and not all that waited is written: open() and flush() try it again, else it is lost ` +
          `with this object. ${error.message}`,
        { code: error.code, cause: error },
      );
    }
  }

  #closedUnderSync(): ObjectStoreException {
    return new ObjectStoreException(
      `${String(this)} was closed while a sync was writing to it: the sync has ended before the next object, and what it did is ` +
        `saved`,
      { code: 'STORE_CLOSED' },
    );
  }

  #primitives(): StorePrimitives {
    return {
      readRecords: (...read) => this.readRecords(...read),
      readPages: (...read) => this.readPages(...read),
      orderUids: (...read) => this.orderUids(...read),
      scanUids: (...scan) => this.scanUids(...scan),
      scanRecords: (...scan) => this.scanRecords(...scan),
      countAllRecords: (signal) => this.countAllRecords(signal),
      insertRecords: (...insert) => this.insertRecords(...insert),
      putRecords: (...put) => this.putRecords(...put),
      modifyRecords: (...modify) => this.modifyRecords(...modify),
      deleteRecords: (...remove) => this.deleteRecords(...remove),
      saveTogether: (...save) => this.saveTogether(...save),
    };
  }
}
