import { inspect } from 'node:util';
import { ObjectStoreException, type StoreErrorCode } from '../errors.js';
import { SILENT_LOGGER, type DiffSyncLogger } from '../logging/logger.js';
import type { ModelHost } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import type { ModelRecord } from '../record/model-record.js';
import { DeferredWrites } from './deferred-writes.js';
import { ObjectMapper } from './object-mapper.js';
import type { OperationOptions } from './operation-context.js';
import { logOperation } from './operation-log.js';
import { OperationRunner } from './operation-runner.js';
import { StoreBackend } from './store-backend.js';
import type { StoreCore, StorePrimitives } from './store-core.js';
import { checkStoreId } from './store-id.js';
import { checkMaxObjectBytes, DEFAULT_MAX_OBJECT_BYTES, type BaseStoreOptions } from './store-options.js';
import { verifyByReading } from './verify-by-reading.js';
import { addUnlisted } from './verify-unlisted.js';
import type { StoreReport } from './verify-report.js';

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

  /** Where the store is in its life. A store without a connection may set it to `open` in its constructor. */
  protected state: 'new' | 'open' | 'closing' | 'closed' = 'new';
  private currentLogger: DiffSyncLogger;
  private opening: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private readonly core: StoreCore;

  static {
    coreOf = (store) => store.core;
  }

  /**
   * Creates a store that is not open yet.
   * @param options - options of every store; all are optional.
   * @throws {ValueError} for a store id or a `maxObjectBytes` that is not allowed.
   */
  constructor(options: BaseStoreOptions = {}) {
    super();
    if (options.storeId !== undefined) checkStoreId(options.storeId);
    this.storeId = options.storeId;
    this.maxObjectBytes = checkMaxObjectBytes(options.maxObjectBytes ?? DEFAULT_MAX_OBJECT_BYTES);
    this.name = options.name ?? new.target.name;
    this.currentLogger = options.logger ?? SILENT_LOGGER;
    const backend = this.primitives();
    const objects = new ObjectMapper(this, this.maxObjectBytes, () => this.capabilities, {
      recordChildLink: (parent, field, childUid, linked) => {
        this.checkOpen();
        deferred.link(parent.getType(), parent.getUniqueId(), field, childUid, linked);
      },
    });
    const deferred = new DeferredWrites(this, backend, objects);
    const operations = new OperationRunner(this, () => this.checkOpen(), deferred);
    this.core = { store: this, backend, objects, operations, deferred };
  }

  // ---- Life cycle

  /**
   * Connects to the backend. Does nothing on an open store.
   * @throws {ObjectStoreException} (STORE_UNAVAILABLE, or another code of the backend) when it cannot be reached.
   */
  async open(): Promise<void> {
    if (this.closing !== undefined) await this.closing.catch(() => undefined);
    if (this.state === 'open') return;
    this.opening ??= this.connect().then(
      () => {
        this.state = 'open';
        this.opening = undefined;
      },
      (error: unknown) => {
        this.opening = undefined;
        throw this.backendError(error);
      },
    );
    return this.opening;
  }

  /**
   * Writes all pending child links and disconnects, also from a backend that is out of reach. Later operations fail with
   * STORE_CLOSED until `open`.
   * @throws {ObjectStoreException} when not all could be written: `open` and `flush` try it again.
   */
  async close(): Promise<void> {
    // A store that is opening would otherwise open after this call, and stay open.
    if (this.opening !== undefined) await this.opening.catch(() => undefined);
    if (this.state !== 'open') return this.closing;
    this.closing ??= this.shutDown().finally(() => (this.closing = undefined));
    return this.closing;
  }

  /** Where the backend is, without secrets; undefined for a store in this process. */
  get address(): string | undefined {
    return undefined;
  }

  /** Whether the store is open. */
  get isOpen(): boolean {
    return this.state === 'open';
  }

  /**
   * Resolves once the backend has replied.
   * @param options - `signal` ends the wait.
   * @throws {ObjectStoreException} when it does not reply.
   */
  async ping(options: OperationOptions = {}): Promise<void> {
    this.checkOpen();
    const ping = (): Promise<void> => logOperation(this, 'ping', {}, () => this.probe());
    await this.core.operations.abortable(options.signal, 'ping', ping).catch((error: unknown) => {
      throw this.backendError(error);
    });
  }

  /**
   * Writes all pending child links, and the changes of a running sync. Every read flushes what it must see by itself.
   * @throws {ObjectStoreException} when the backend fails: everything stays pending.
   * @throws {ObjectAlreadyExists} when a sync's new object met a different one.
   */
  async flush(): Promise<void> {
    return this.core.deferred.flush();
  }

  /**
   * Compares what the backend keeps beside the objects, such as their order, with the objects, and reads each object. A
   * store that is bound to an adapter also finds the objects that no parent lists. Other callers may write meanwhile. Takes as
   * long as a few reads of all objects, and on Redis a scan of all keys besides.
   * @param options - `repair` also repairs what it finds, as `StoreProblemKind` says for each kind; default false.
   * @returns a report of all problems, by kind.
   * @throws {ObjectStoreException} when the backend fails.
   */
  async verify(options: { readonly repair?: boolean } = {}): Promise<StoreReport> {
    const { repair = false } = options;
    return this.core.operations.run('verify', { writes: repair }, async () =>
      addUnlisted(this.core, await this.verifyRecords({ repair })),
    );
  }

  // ---- Adapter and models

  /** The adapter that this store serves. */
  get adapter(): ModelHost | undefined {
    return this.core.objects.host;
  }

  /** The logger that operations write to. */
  get logger(): DiffSyncLogger {
    return this.currentLogger;
  }

  /**
   * Makes this the store of one adapter. Its models are used for their names from now on. An `Adapter` calls it by itself.
   * @param adapter - the adapter that the objects belong to.
   * @param models - the classes of the adapter's models.
   * @param logger - is used where the store was made without a logger.
   * @throws {ObjectStoreException} (STORE_ALREADY_BOUND) when the store serves another adapter.
   */
  bindAdapter(adapter: ModelHost, models: readonly ModelClass[], logger: DiffSyncLogger): void {
    this.core.objects.bindHost(adapter, models);
    if (this.currentLogger === SILENT_LOGGER) this.currentLogger = logger;
  }

  /** Returns the name, with the store id where there is one: `mystore (123)`. */
  override toString(): string {
    return this.storeId === undefined ? this.name : `${this.name} (${this.storeId})`;
  }

  /** Returns what `console.log` prints. */
  [inspect.custom](): string {
    return `<${String(this)}, ${this.engine}, ${this.state}>`;
  }

  // ---- For subclasses

  protected override verifyRecords(_options: { readonly repair: boolean }): Promise<StoreReport> {
    return verifyByReading(this.core);
  }

  protected override validateRecord(model: string, record: ModelRecord): string | undefined {
    return this.core.objects.validateRecord(model, record);
  }

  protected override damagedRecord(
    ...damage: [model: string, uid: string, reason: string, cause?: unknown, code?: StoreErrorCode]
  ): ObjectStoreException {
    return this.core.objects.corrupt(...damage);
  }

  // ---- Private

  private checkOpen(): void {
    if (this.state === 'open') return;
    const what = this.state === 'new' ? 'is not open yet: await store.open() first' : `is ${this.state}`;
    throw new ObjectStoreException(`${String(this)} ${what}`, { code: 'STORE_CLOSED' });
  }

  private async shutDown(): Promise<void> {
    this.state = 'closing';
    try {
      await this.core.operations.idle();
      await this.flush();
      const [failed] = this.core.deferred.pending.failed.all();
      if (failed !== undefined) throw this.core.deferred.pending.failed.errorOf(...failed);
    } catch (error) {
      if (!(error instanceof ObjectStoreException) || this.core.deferred.isSaved) throw error;
      throw new ObjectStoreException(
        `${String(this)} is closed, and not all that waited is written: open() and flush() try it again, else it is lost ` +
          `with this object. ${error.message}`,
        { code: error.code, cause: error },
      );
    } finally {
      this.core.deferred.stop();
      this.state = 'closed';
      await this.disconnect().catch((error: unknown) => {
        throw this.backendError(error);
      });
    }
  }

  private primitives(): StorePrimitives {
    return {
      readRecords: (...read) => this.readRecords(...read),
      readPages: (...read) => this.readPages(...read),
      scanRecords: (...scan) => this.scanRecords(...scan),
      countAllRecords: () => this.countAllRecords(),
      insertRecords: (...insert) => this.insertRecords(...insert),
      putRecords: (...put) => this.putRecords(...put),
      modifyRecords: (...modify) => this.modifyRecords(...modify),
      deleteRecords: (...remove) => this.deleteRecords(...remove),
      saveTogether: (...save) => this.saveTogether(...save),
    };
  }
}
