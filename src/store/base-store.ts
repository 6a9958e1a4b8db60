import { inspect } from 'node:util';
import { DiffSyncError, ObjectStoreException, ValueError, type ObjectNotFound } from '../errors.js';
import { SILENT_LOGGER, type DiffSyncLogger } from '../logging/logger.js';
import type { IdentifiersOf, ModelClass } from '../model/defined-model.js';
import { childUids, classOf, parseModel, type ChildLinkRecorder, type DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelHost } from '../model/model-hooks.js';
import { copyRecord, isSameRecord, type ModelRecord } from '../record/model-record.js';
import type { ObjectView } from '../record/record-view.js';
import { assignAttributes } from '../model/assign-attributes.js';
import { checkUniqueId } from '../model/unique-id.js';
import { forEachYielding, mapYielding } from '../async/event-loop.js';
import { FlushScheduler } from './flush-scheduler.js';
import type { AttrsOf, IdentifierOf, ModelRef, ObjectOf } from './model-ref.js';
import { OperationRunner, type NestedOperationOptions, type OperationOptions } from './operation-runner.js';
import { checkStoreId } from './store-id.js';
import { StoreReporter, type StoreReport } from './verify-report.js';
import { SYNC_LIMIT, ObjectMapper, type MapperOptions } from './object-mapper.js';
import {
  MAX_ATOMIC_FLUSH,
  WriteBehind,
  type InsertConflict,
  type ModelChanges,
  type RecordChange,
} from './write-behind.js';

export interface BaseStoreOptions {
  /** Which store of the backend; objects of other ids are never seen. Not empty, no `:`, `{`, `}` or control characters. */
  readonly storeId?: string | undefined;
  /** Default: the class name. */
  readonly name?: string | undefined;
  /**
   * An object whose text is larger is refused; bytes, in UTF-8. Child lists that grow by `addChild` are not measured.
   * @default 16777216 (16 MiB)
   */
  readonly maxObjectBytes?: number | undefined;
  readonly logger?: DiffSyncLogger | undefined;
}

/** Objects in a page of `iterate`, and of every read of a whole model. */
const PAGE_SIZE = 1000;
/** Deferred writes are drained when so many wait. */
const MAX_WAITING = 500;
const DEFAULT_MAX_OBJECT_BYTES = 16 * 1024 * 1024;
/** What any backend, and JavaScript's strings, can hold. */
const LARGEST_MAX_OBJECT_BYTES = 256 * 1024 * 1024;

/**
 * The contract of every store. Public operations do the shared work here, once; a backend writes only the abstract
 * primitives, on plain records. Keys, scripts and SQL are no part of the contract.
 *
 * Callers may rely on: what a store hands out is the caller's own copy; reads give insertion order; `add` compares by
 * value and is one atomic step; `updateOr…` are compare-and-set; a failing backend is an ObjectStoreException, never an
 * empty answer. Source of the operations: the reference's `BaseStore`.
 */
export abstract class BaseStore {
  /** The backend's short name, as in the module's `engine` option; health reports and logs show it. */
  abstract readonly engine: string;
  readonly name: string;
  readonly storeId: string | undefined;
  readonly maxObjectBytes: number;

  protected state: 'new' | 'open' | 'closing' | 'closed' = 'new';
  private log: DiffSyncLogger;
  private opening: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private readonly writeBehind = new WriteBehind((models) => this.objects.registry.parentsFirst(models));
  private readonly flusher = new FlushScheduler(
    () => this.drain(),
    () => !this.writeBehind.isEmpty(),
    (error) => this.log.warning(`${String(this)}: not all is saved yet`, { reason: String(error) }),
  );
  private readonly operations = new OperationRunner({
    toString: () => String(this),
    logger: () => this.log,
    checkOpen: () => this.checkOpen(),
    mustFlush: (about) => this.writeBehind.mustFlushBefore(about),
    flush: () => this.flush(),
  });
  /** How many want deferred writes to wait for more that belong to them. */
  private flushPauses = 0;
  private readonly links: ChildLinkRecorder = {
    recordChildLink: (parent, field, childUid, linked) => {
      this.checkOpen();
      this.writeBehind.link(parent.getType(), parent.getUniqueId(), field, childUid, linked);
      if (this.flushPauses === 0) this.flusher.schedule();
    },
  };
  protected readonly objects = new ObjectMapper(this.recordKeeping(), this.links);

  constructor(options: BaseStoreOptions = {}) {
    if (options.storeId !== undefined) checkStoreId(options.storeId);
    this.storeId = options.storeId;
    this.maxObjectBytes = checkMaxObjectBytes(options.maxObjectBytes ?? DEFAULT_MAX_OBJECT_BYTES);
    this.name = options.name ?? new.target.name;
    this.log = options.logger ?? SILENT_LOGGER;
  }

  // ---- Primitives. `records` and `uids` hold each unique id at most once, all of it valid. Records passed in are the
  // backend's to keep; records handed out are the caller's. Every failure of the backend is an ObjectStoreException. Once
  // `signal` is aborted nobody waits any more, and a backend that does many things for one call should begin no more.

  /** Whether records handed out may be those that the backend keeps, which then never change. Everyone else copies them. */
  protected readonly sharesRecords: boolean = false;
  /** Whether records are kept as their text, `encodeRecord`'s: those passed in are then nothing else as yet. */
  protected readonly keepsTexts: boolean = false;
  /** Whether it writes some while others are encoded, so that of very many texts each is made when its turn comes. */
  protected readonly encodesInTurn: boolean = false;
  /** Connects. Called once before any other primitive, and again after `disconnect`. */
  protected abstract connect(): Promise<void>;
  /** Lets go of all that `connect` took. Never called while a primitive runs. */
  protected abstract disconnect(): Promise<void>;
  /** Settles when the backend has answered. */
  protected abstract probe(): Promise<void>;
  /** In the order of `uids`, each of them once; undefined where there is none. */
  protected abstract readRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly (ModelRecord | undefined)[]>;
  /**
   * What `make` makes of each record, repeats included: of each a record of its own, which it may keep. What it throws is the
   * error of the read. Overridden where records come some at a time: they are made into something while the next ones are on
   * their way.
   */
  protected async readEach<T>(
    model: string,
    uids: readonly string[],
    make: (record: ModelRecord) => T,
    signal?: AbortSignal,
  ): Promise<(T | undefined)[]> {
    const distinct = [...new Set(uids)];
    const records = await this.readRecords(model, distinct, signal);
    if (distinct.length === uids.length) return mapYielding(records, (record) => record && make(record));
    const byUid = new Map(distinct.map((uid, index) => [uid, records[index]]));
    const seen = new Set<string>();
    return mapYielding(uids, (uid) => {
      const record = byUid.get(uid);
      const repeated = seen.size === seen.add(uid).size;
      return record && make(repeated ? copyRecord(record) : record);
    });
  }
  /**
   * As `readRecords`, in pages of one or more. Here: all in one. Overridden where the rest of what is asked for need not be
   * there yet, nor what was handed out be there any more.
   */
  protected async *readPages(
    model: string,
    uids: readonly string[],
  ): AsyncGenerator<readonly (ModelRecord | undefined)[], void, undefined> {
    if (uids.length > 0) yield await this.readRecords(model, uids);
  }
  /** All of a model, in insertion order, in pages of about `pageSize`; never holds more than a few pages. */
  protected abstract scanRecords(model: string, pageSize: number): AsyncIterable<readonly ModelRecord[]>;
  protected abstract countRecords(model: string): Promise<number>;
  /** Model name -> count, for every model that has records; in any order. */
  protected abstract countAllRecords(): Promise<ReadonlyMap<string, number>>;
  /** Each where none is, as one atomic step each, appended in order. Answers, by position, the record that was in the way. */
  protected abstract insertRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<readonly (ModelRecord | undefined)[]>;
  /** Replaces each at its place in the order, or appends it. */
  protected abstract putRecords(model: string, records: readonly ModelRecord[], signal?: AbortSignal): Promise<void>;
  /**
   * Compare-and-set: `change` may be called again for a record that changed meanwhile. What it answers for one that is not
   * there is ignored.
   */
  protected abstract modifyRecords(
    model: string,
    uids: readonly string[],
    change: RecordChange,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Answers, by position, whether it was there. */
  protected abstract deleteRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly boolean[]>;
  /**
   * All of it as one atomic step, so that whoever kills the process leaves all or nothing; answers the inserts that met a
   * record and were not done. Here, and where a backend cannot: undefined, and it is done step by step. `modified` and
   * `change` are as in `modifyRecords`.
   * @param changes of several models, parents before their children.
   */
  protected async saveTogether(_changes: readonly ModelChanges[]): Promise<readonly InsertConflict[] | undefined> {
    return undefined;
  }
  /** Every record of this store, and of no other. */
  protected abstract clearRecords(signal?: AbortSignal): Promise<void>;
  /**
   * For `verify`. Overridden where an index, or whatever else is kept apart, may disagree with the objects. Here: reads all;
   * a model ends at the first object that cannot be read.
   */
  protected async verifyRecords(_options: { readonly repair: boolean }): Promise<StoreReport> {
    const reporter = new StoreReporter();
    for (const model of (await this.countAllRecords()).keys()) {
      try {
        for await (const page of this.scanRecords(model, PAGE_SIZE)) {
          for (const record of page) {
            const reason = this.objects.validateRecord(model, record);
            if (reason === undefined) reporter.objects++;
            else reporter.add({ kind: 'undecodable', model, uniqueId: record.uid, reason, repaired: false });
          }
        }
      } catch (error) {
        if (!isDamage(error)) throw error;
        const kind = error.code === 'STORE_CORRUPT' ? 'undecodable' : 'wrong-type';
        reporter.add({ kind, model, reason: error.message, repaired: false });
      }
    }
    return reporter.report();
  }
  /** A store of the same backend and connection, with another id. The connection closes with the last store on it. */
  abstract scope(options: { readonly storeId: string; readonly name?: string }): BaseStore;

  /** What a backend throws that is no error of ours becomes the cause of one. */
  protected backendError(error: unknown): DiffSyncError {
    if (error instanceof DiffSyncError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return new ObjectStoreException(`${String(this)} failed: ${reason}`, { cause: error });
  }

  // ---- Life cycle

  /** Connects. Does nothing on an open store. @throws ObjectStoreException when the backend cannot be reached. */
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
   * Writes what waits, then lets go of the backend, be it out of reach. Every later operation fails with STORE_CLOSED until
   * `open`. @throws ObjectStoreException when not all could be written: `open` and `flush` try it again.
   */
  async close(): Promise<void> {
    // It would otherwise open after this call, and stay open.
    if (this.opening !== undefined) await this.opening.catch(() => undefined);
    if (this.state !== 'open') return this.closing;
    this.closing ??= this.shutDown().finally(() => (this.closing = undefined));
    return this.closing;
  }

  /** Where the backend is, without secrets; undefined for a store in this process. */
  get address(): string | undefined {
    return undefined;
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  /** Settles when the backend has answered. @throws ObjectStoreException */
  async ping(options: OperationOptions = {}): Promise<void> {
    this.checkOpen();
    const ping = (): Promise<void> => this.operations.logged('ping', {}, () => this.probe());
    await this.operations.abortable(options.signal, 'ping', ping).catch((error: unknown) => {
      throw this.backendError(error);
    });
  }

  /** Writes all that waits: child links, and a running sync's changes. Every read does so by itself. */
  async flush(): Promise<void> {
    return this.flusher.flush();
  }

  /**
   * Compares what the store keeps apart from its objects, such as their order, with the objects, and reads each of them.
   * What others write meanwhile is no problem. Takes as long as a read of all, and on Redis a walk over all keys besides.
   * @param options.repair also repairs what it finds, as `StoreProblemKind` says for each kind. Default false.
   */
  async verify({ repair = false }: { readonly repair?: boolean } = {}): Promise<StoreReport> {
    return this.operations.run('verify', { writes: repair }, () => this.verifyRecords({ repair }));
  }

  // ---- Adapter and models

  /** The adapter that this store serves. */
  get adapter(): ModelHost | undefined {
    return this.objects.host;
  }

  /** @internal Changes with every write that is not deferred, so that the engine knows when a hook has written. */
  get revision(): number {
    return this.operations.revision;
  }

  get logger(): DiffSyncLogger {
    return this.log;
  }

  /**
   * Makes this the store of one adapter, whose models win for their names.
   * @throws ObjectStoreException (STORE_ALREADY_BOUND): two adapters in one store would overwrite each other's objects.
   */
  bindAdapter(adapter: ModelHost, models: readonly ModelClass[], logger: DiffSyncLogger): void {
    const { host } = this.objects;
    if (host !== undefined && host !== adapter) {
      throw new ObjectStoreException(
        `${String(this)} already serves the adapter "${host.name}" and cannot serve "${adapter.name}" too: give each ` +
          `adapter a store of its own, in Nest with DiffSyncStoreModule.forFeature(['…', '…']) and @InjectStore('…')`,
        { code: 'STORE_ALREADY_BOUND' },
      );
    }
    this.objects.host = adapter;
    if (this.log === SILENT_LOGGER) this.log = logger;
    for (const model of models) this.objects.registry.register(model);
  }

  /** The name, with the store id where there is one: `mystore (123)`. */
  toString(): string {
    return this.storeId === undefined ? this.name : `${this.name} (${this.storeId})`;
  }

  [inspect.custom](): string {
    return `<${String(this)}, ${this.engine}, ${this.state}>`;
  }

  // ---- Reads

  /** The names of the models that have objects, sorted by code point. */
  async getAllModelNames(options: OperationOptions = {}): Promise<string[]> {
    return this.operations.run('getAllModelNames', { signal: options.signal }, async () =>
      [...(await this.countAllRecords()).keys()].toSorted(),
    );
  }

  /**
   * @throws ObjectNotFound
   * @throws ValueError for an object of identifiers with a model name that nobody has registered.
   */
  async get<R extends ModelRef>(
    options: OperationOptions & { readonly model: R; readonly identifier: IdentifierOf<R> },
  ): Promise<ObjectOf<R>> {
    const name = this.objects.nameOf(options.model);
    const uid = this.objects.uidOf(options.model, options.identifier);
    const { signal } = options;
    return this.operations.run('get', { model: name, uid, reads: [uid], signal }, async () => {
      const [record] = await this.readRecords(name, [uid], signal);
      if (record === undefined) throw this.objects.notFound(name, uid);
      return this.objects.toObject(options.model, record);
    });
  }

  /** All objects of a model, in insertion order. */
  async getAll<R extends ModelRef>(options: OperationOptions & { readonly model: R }): Promise<ObjectOf<R>[]> {
    const name = this.objects.nameOf(options.model);
    const { signal } = options;
    return this.operations.run('getAll', { model: name, signal }, async () => {
      const build = this.objects.builder(options.model);
      const objects: ObjectOf<R>[] = [];
      for await (const page of this.scanRecords(name, PAGE_SIZE)) {
        signal?.throwIfAborted();
        for (const record of page) objects.push(build(record));
      }
      return objects;
    });
  }

  /** In the order of `uids`, repeats included. @throws ObjectNotFound for the first that is missing. */
  async getByUids<R extends ModelRef>(
    options: OperationOptions & { readonly uids: readonly string[]; readonly model: R },
  ): Promise<ObjectOf<R>[]> {
    const objects = await this.find(options);
    const missing = objects.indexOf(undefined);
    if (missing !== -1)
      throw this.objects.notFound(this.objects.nameOf(options.model), options.uids[missing] as string);
    return objects as ObjectOf<R>[];
  }

  /** As `getByUids`, with undefined for what is missing. */
  async find<R extends ModelRef>(
    options: OperationOptions & { readonly uids: readonly string[]; readonly model: R },
  ): Promise<(ObjectOf<R> | undefined)[]> {
    const { model, uids, signal } = options;
    const name = this.objects.nameOf(model);
    for (const uid of uids) checkUniqueId(name, uid);
    return this.operations.run('getByUids', { model: name, reads: uids, signal }, async () => {
      return this.readEach(name, uids, this.objects.builder(model), signal);
    });
  }

  /** @internal As `getAll`, for comparisons. */
  async viewAll(model: string): Promise<ObjectView[]> {
    return this.operations.run('getAll', { model }, async () => {
      const viewOf = this.objects.viewer(model);
      const views: ObjectView[] = [];
      for await (const page of this.scanRecords(model, PAGE_SIZE))
        for (const record of page) views.push(viewOf(record));
      return views;
    });
  }

  /** @internal As `find`, for comparisons, in pages; `uids` holds each unique id once. */
  async *view(
    model: string,
    uids: readonly string[],
  ): AsyncGenerator<readonly (ObjectView | undefined)[], void, undefined> {
    for (const uid of uids) checkUniqueId(model, uid);
    const viewOf = this.objects.viewer(model);
    const pages = this.readPages(model, uids)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await this.operations.run('getByUids', { model }, () => pages.next());
        if (done === true) return;
        yield value.map((record) => record && viewOf(record));
      }
    } finally {
      await pages.return?.();
    }
  }

  /** Objects one by one, in insertion order, holding a few pages in memory at a time. @param batchSize default 1000 */
  async *iterate<R extends ModelRef>(
    options: OperationOptions & { readonly model: R; readonly batchSize?: number },
  ): AsyncGenerator<ObjectOf<R>, void, undefined> {
    const { model, batchSize = PAGE_SIZE, signal } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new ValueError(`batchSize is ${batchSize}, not a whole number above 0`);
    const name = this.objects.nameOf(model);
    const build = this.objects.builder(model);
    const scan = async (): Promise<AsyncIterable<readonly ModelRecord[]>> => this.scanRecords(name, batchSize);
    const pages = (await this.operations.run('iterate', { model: name, signal }, scan))[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await this.operations.abortable(signal, 'iterate', () => pages.next());
        if (done === true) return;
        for (const record of value) yield build(record);
      }
    } finally {
      // Of a page that nobody waits for any more it would wait for the end.
      const returned = pages.return?.();
      if (signal?.aborted === true) returned?.catch(() => undefined);
      else await returned;
    }
  }

  /** How many objects of a model, or of all models. */
  async count(options: OperationOptions & { readonly model?: ModelRef } = {}): Promise<number> {
    const { model, signal } = options;
    const name = model === undefined ? undefined : this.objects.nameOf(model);
    return this.operations.run('count', name === undefined ? { signal } : { model: name, signal }, async () => {
      if (name !== undefined) return this.countRecords(name);
      let total = 0;
      for (const count of (await this.countAllRecords()).values()) total += count;
      return total;
    });
  }

  /** @internal How many objects of each model there are. */
  async countByModel(): Promise<ReadonlyMap<string, number>> {
    return this.operations.run('count', {}, () => this.countAllRecords());
  }

  // ---- Writes

  /**
   * Stores an object. An equal one there already: nothing happens. Binds the object to the store's adapter.
   * @throws ObjectAlreadyExists with `existingObject`, when a different object has the unique id.
   * @throws ValueError naming model, unique id and field, for a value that no store can keep.
   */
  async add({ obj, signal }: OperationOptions & { readonly obj: DiffSyncModel }): Promise<void> {
    const model = this.objects.nameOfObject(obj);
    const record = this.objects.recordOf(obj);
    const about = { model, uids: [record.uid], signal };
    const [existing] = await this.operations.run('add', about, () => this.insertRecords(model, [record], signal));
    if (existing !== undefined && !isSameRecord(existing, record))
      throw this.objects.alreadyExists({ model, record, existing }, 1);
    this.objects.bind(obj);
  }

  /**
   * As `add` for each. Objects that meet no other are stored; then the first that did is thrown. Of more than 1,000 each may
   * be stored as it is when its turn comes: leave them as they are until the call has settled.
   */
  async addMany({ objs, signal }: OperationOptions & { readonly objs: Iterable<DiffSyncModel> }): Promise<void> {
    const all = [...objs];
    await this.keepOpen(all, (nested) => this.addAll(all, { signal, nested }));
  }

  private async addAll(objs: readonly DiffSyncModel[], options: NestedOperationOptions): Promise<void> {
    const conflicts: InsertConflict[] = [];
    const groups = this.objects.recordsByModel(objs);
    for (const { model, group, records } of groups instanceof Promise ? await groups : groups) {
      const uids = new Set<string>();
      const inserts = records.filter(({ uid }) => uids.size !== uids.add(uid).size);
      const repeats = inserts.length < records.length;
      const places = new Map(repeats ? [...uids].map((uid, place) => [uid, place]) : []);
      const about = { model, uids: [...uids], ...options };
      const there = await this.operations.run('addMany', about, () =>
        this.insertRecords(model, inserts, options.signal),
      );
      let index = 0;
      await forEachYielding(group, (obj) => {
        const record = records[index] as ModelRecord;
        const place = repeats ? (places.get(record.uid) as number) : index;
        const existing = (there[place] ?? inserts[place]) as ModelRecord;
        if (isSameRecord(existing, record)) this.objects.bind(obj);
        else conflicts.push({ model, record, existing });
        index++;
      });
    }
    if (conflicts[0] !== undefined) throw this.objects.alreadyExists(conflicts[0], conflicts.length);
  }

  /** Replaces the stored object at its place in the order, or appends it. Binds the object to the store's adapter. */
  async update({ obj, signal }: OperationOptions & { readonly obj: DiffSyncModel }): Promise<void> {
    await this.updateAll('update', [obj], { signal });
  }

  /** As `update` for each; of more than 1,000 as `addMany`. */
  async updateMany({ objs, signal }: OperationOptions & { readonly objs: Iterable<DiffSyncModel> }): Promise<void> {
    const all = [...objs];
    await this.keepOpen(all, (nested) => this.updateAll('updateMany', all, { signal, nested }));
  }

  /**
   * Removes an object, by its unique id. @throws ObjectNotFound
   * @param options.removeChildren also all below it; children that are missing are logged as errors. Default false.
   */
  async remove(
    options: OperationOptions & { readonly obj: DiffSyncModel; readonly removeChildren?: boolean },
  ): Promise<void> {
    await this.removeAll('remove', [options.obj], options);
  }

  /** As `remove` for each. All that are there are removed; then the first that was missing is thrown. */
  async removeMany(
    options: OperationOptions & { readonly objs: Iterable<DiffSyncModel>; readonly removeChildren?: boolean },
  ): Promise<void> {
    await this.removeAll('removeMany', [...options.objs], options);
  }

  /** Removes every object of this store, and of no other. */
  async clear({ signal }: OperationOptions = {}): Promise<void> {
    await this.operations.run('clear', { uids: [], signal }, async () => {
      await this.clearRecords(signal);
      this.writeBehind.clear();
    });
  }

  // ---- Get or add, update or add. All answer [object, created].

  /** The stored object, else a new one of `ids` and `attrs`, which is added. `attrs` do not touch a stored object. */
  async getOrInstantiate<C extends ModelClass>(
    options: OperationOptions & { readonly model: C; readonly ids: IdentifiersOf<C>; readonly attrs?: AttrsOf<C> },
  ): Promise<[obj: InstanceType<C>, created: boolean]> {
    const { model, ids, attrs, signal } = options;
    const uid = model.createUniqueId(ids as never);
    const [stored] = await this.find<ModelClass>({ model, uids: [uid], signal });
    if (stored !== undefined) return [stored as InstanceType<C>, false];
    const obj = await parseModel(this.objects.registry.resolve(model), { ...(ids as object), ...attrs });
    return (await this.getOrAddModelInstance(obj, { signal })) as [InstanceType<C>, boolean];
  }

  /** The stored object with the unique id of `obj`, else `obj`, which is added. */
  async getOrAddModelInstance<M extends DiffSyncModel>(
    obj: M,
    { signal }: OperationOptions = {},
  ): Promise<[obj: M, created: boolean]> {
    const model = this.objects.nameOfObject(obj);
    const record = this.objects.recordOf(obj);
    return this.operations.run('getOrAddModelInstance', { model, uids: [record.uid], signal }, async () => {
      const [existing] = await this.insertRecords(model, [record], signal);
      if (existing !== undefined) return [this.objects.toObject(classOf(obj), existing) as M, false];
      this.objects.bind(obj);
      return [obj, true];
    });
  }

  /**
   * Sets `attrs` on the stored object, else adds a new one of `ids` and `attrs`. Compare-and-set: two callers that set
   * different attributes both win.
   * @throws ValueError for an attribute that the model does not have, before anything is stored.
   */
  async updateOrInstantiate<C extends ModelClass>(
    options: OperationOptions & { readonly model: C; readonly ids: IdentifiersOf<C>; readonly attrs: AttrsOf<C> },
  ): Promise<[obj: InstanceType<C>, created: boolean]> {
    const { model, ids, attrs, signal } = options;
    const uid = model.createUniqueId(ids as never);
    const make = (): Promise<DiffSyncModel> =>
      parseModel(this.objects.registry.resolve(model), { ...(ids as object), ...(attrs as object) });
    return (await this.updateOr('updateOrInstantiate', model, uid, attrs, make, signal)) as [InstanceType<C>, boolean];
  }

  /** Sets the attributes of `obj` on the stored object, else adds `obj`. Other fields of the stored object stay. */
  async updateOrAddModelInstance<M extends DiffSyncModel>(
    obj: M,
    { signal }: OperationOptions = {},
  ): Promise<[obj: M, created: boolean]> {
    const make = (): Promise<DiffSyncModel> => Promise.resolve(obj);
    const uid = obj.getUniqueId();
    const attrs = obj.getAttrs();
    return (await this.updateOr('updateOrAddModelInstance', classOf(obj), uid, attrs, make, signal)) as [M, boolean];
  }

  // ---- Records as they are kept, for `copyStore`. No class need be registered.

  /** @internal All of a model, in insertion order. */
  async *recordPages(model: string, pageSize: number): AsyncGenerator<readonly ModelRecord[], void, undefined> {
    const pages = await this.operations.run('copy', { model }, async () => this.scanRecords(model, pageSize));
    for await (const page of pages) yield page.map((record) => this.objects.own(record));
  }

  /** @internal In the order of `uids`, each of them once. */
  async recordsAt(model: string, uids: readonly string[]): Promise<(ModelRecord | undefined)[]> {
    const records = await this.operations.run('copy', { model }, () => this.readRecords(model, uids));
    return records.map((record) => record && this.objects.own(record));
  }

  /** @internal Each where none is. Answers, by position, the record that was in the way. */
  async insertAsIs(model: string, records: readonly ModelRecord[]): Promise<readonly (ModelRecord | undefined)[]> {
    return this.operations.run('copy', { model, uids: records.map(({ uid }) => uid) }, () =>
      this.insertRecords(model, records),
    );
  }

  /** @internal Replaces each, or appends it. */
  async putAsIs(model: string, records: readonly ModelRecord[]): Promise<void> {
    return this.operations.run('copy', { model, uids: records.map(({ uid }) => uid) }, () =>
      this.putRecords(model, records),
    );
  }

  // ---- Deferred writes, for the engine. They wait, many at a time, until `flush` or any read.

  /** @internal As `add` for an object known to be absent. */
  async deferAdd(obj: DiffSyncModel): Promise<void> {
    this.writeBehind.insert(this.objects.nameOfObject(obj), this.objects.recordOf(obj));
    this.objects.bind(obj);
    await this.drainWhenFull();
  }

  /** @internal As `update`. */
  async deferUpdate(obj: DiffSyncModel): Promise<void> {
    this.writeBehind.put(this.objects.nameOfObject(obj), this.objects.recordOf(obj));
    this.objects.bind(obj);
    await this.drainWhenFull();
  }

  /**
   * @internal Deferred writes wait for more that belong to them, so that a process that is killed leaves all of it or
   * nothing: until the function answered is called, or until there are too many for one step. Whoever reads one of their
   * objects has them written all the same.
   */
  pauseFlush(): () => void {
    this.flushPauses++;
    this.flusher.stop();
    let held = true;
    return () => {
      if (held) this.flushPauses--;
      held = false;
      if (this.flushPauses === 0 && !this.writeBehind.isEmpty()) this.flusher.schedule();
    };
  }

  /** @internal As `remove` for an object known to be there. */
  async deferRemove(obj: DiffSyncModel, { removeChildren = false } = {}): Promise<void> {
    this.writeBehind.remove(this.objects.nameOfObject(obj), obj.getUniqueId());
    this.objects.unbind(obj);
    if (removeChildren) {
      await this.removeBelow([obj], async (type, uids, records) =>
        uids.map((uid, at) => records[at] !== undefined && this.writeBehind.remove(type, uid)),
      );
    }
    await this.drainWhenFull();
  }

  // ---- Shared work

  /** Read when it is used: a subclass sets its fields after this class has its own. */
  private recordKeeping(): MapperOptions {
    return {
      toString: () => String(this),
      maxObjectBytes: () => this.maxObjectBytes,
      sharesRecords: () => this.sharesRecords,
      keepsTexts: () => this.keepsTexts,
      encodesInTurn: () => this.encodesInTurn,
    };
  }

  /** `close` waits for the whole of a large call. @param work is told whether it is held so. */
  private async keepOpen(objs: readonly DiffSyncModel[], work: (held: boolean) => Promise<void>): Promise<void> {
    if (objs.length <= SYNC_LIMIT) return work(false);
    return this.operations.keepOpen(() => work(true));
  }

  private checkOpen(): void {
    if (this.state === 'open') return;
    const what = this.state === 'new' ? 'is not open yet: await store.open() first' : `is ${this.state}`;
    throw new ObjectStoreException(`${String(this)} ${what}`, { code: 'STORE_CLOSED' });
  }

  private async updateAll(
    operation: string,
    objs: readonly DiffSyncModel[],
    options: NestedOperationOptions,
  ): Promise<void> {
    const groups = this.objects.recordsByModel(objs);
    for (const { model, group, records } of groups instanceof Promise ? await groups : groups) {
      const last = new Map(records.map((record) => [record.uid, record]));
      const about = { model, uids: [...last.keys()], ...options };
      await this.operations.run(operation, about, () => this.putRecords(model, [...last.values()], options.signal));
      for (const obj of group) this.objects.bind(obj);
    }
  }

  private async removeAll(
    operation: string,
    objs: readonly DiffSyncModel[],
    { removeChildren = false, signal }: OperationOptions & { readonly removeChildren?: boolean },
  ): Promise<void> {
    if (removeChildren) await this.flush(); // Links of any object below may wait.
    let missing: ObjectNotFound | undefined;
    for (const [model, group] of this.objects.byModel(objs)) {
      const byUid = new Map<string, DiffSyncModel>();
      const note = (obj: DiffSyncModel): void => void byUid.set(obj.getUniqueId(), obj);
      if (group.length <= SYNC_LIMIT) group.forEach(note);
      else await forEachYielding(group, note);
      const uids = [...byUid.keys()];
      await this.operations.run(operation, { model, uids, signal }, async () => {
        const present = await this.deleteRecords(model, uids, signal);
        const removed = [...byUid.values()].filter((_, index) => present[index]);
        for (const obj of removed) this.objects.unbind(obj);
        if (removeChildren) await this.removeBelow(removed, (type, below) => this.deleteRecords(type, below));
        const first = uids[present.indexOf(false)];
        if (first !== undefined) missing ??= this.objects.notFound(model, first);
      });
    }
    if (missing !== undefined) throw missing;
  }

  /** Level by level, so that depth costs no call stack and a cycle ends. */
  private async removeBelow(objs: readonly DiffSyncModel[], remove: RemoveRecords): Promise<void> {
    let parents = objs;
    while (parents.length > 0) {
      const below = new Map<string, [uid: string, parent: DiffSyncModel][]>();
      for (const parent of parents) {
        for (const [type, field] of Object.entries(parent.getChildrenMapping())) {
          const children = below.get(type) ?? [];
          below.set(type, children);
          for (const uid of childUids(parent, field)) children.push([uid, parent]);
        }
      }
      const next: DiffSyncModel[] = [];
      for (const [type, children] of below) next.push(...(await this.removeChildren(type, children, remove)));
      parents = next;
    }
  }

  private async removeChildren(
    type: string,
    children: readonly [string, DiffSyncModel][],
    remove: RemoveRecords,
  ): Promise<DiffSyncModel[]> {
    const uids = [...new Set(children.map(([uid]) => uid))];
    const records = await this.operations.run('remove', { model: type, reads: uids, nested: true }, () =>
      this.readRecords(type, uids),
    );
    const removed = await remove(type, uids, records);
    const there = new Set(uids.filter((_, at) => removed[at]));
    for (const [uid, parent] of children) {
      if (!there.delete(uid)) {
        this.log.error('Unable to remove child element as it was not found!', {
          store: String(this),
          childType: type,
          childId: uid,
          parentType: parent.getType(),
          parentId: parent.getUniqueId(),
        });
      }
    }
    const model = this.objects.registry.get(type);
    return model === undefined
      ? []
      : records.flatMap((record) => (record === undefined ? [] : [this.objects.hydrate(model, record)]));
  }

  private async updateOr(
    operation: string,
    model: ModelClass,
    uid: string,
    attrs: object,
    make: () => Promise<DiffSyncModel>,
    signal: AbortSignal | undefined,
  ): Promise<[DiffSyncModel, boolean]> {
    const name = this.objects.nameOf(model);
    checkUniqueId(name, uid);
    return this.operations.run(operation, { model: name, uids: [uid], signal }, async () => {
      for (;;) {
        signal?.throwIfAborted();
        let found: DiffSyncModel | undefined;
        await this.modifyRecords(
          name,
          [uid],
          (_, current) => {
            found = current && this.objects.toObject(model, current);
            if (found === undefined) return undefined;
            return assignAttributes(found, attrs) ? this.objects.recordOf(found) : undefined;
          },
          signal,
        );
        if (found !== undefined) return [found, false];
        const obj = await make();
        assignAttributes(obj, attrs);
        const [existing] = await this.insertRecords(name, [this.objects.recordOf(obj)], signal);
        if (existing === undefined) {
          this.objects.bind(obj);
          return [obj, true];
        }
      }
    });
  }

  private async shutDown(): Promise<void> {
    this.state = 'closing';
    try {
      await this.operations.idle();
      await this.flush();
    } catch (error) {
      if (!(error instanceof ObjectStoreException) || this.writeBehind.isEmpty()) throw error;
      throw new ObjectStoreException(
        `${String(this)} is closed, and not all that waited is written: open() and flush() try it again, else it is lost ` +
          `with this object. ${error.message}`,
        { code: error.code, cause: error },
      );
    } finally {
      this.flusher.stop();
      this.state = 'closed';
      await this.disconnect().catch((error: unknown) => {
        throw this.backendError(error);
      });
    }
  }

  private async drain(): Promise<void> {
    if (this.writeBehind.isEmpty()) return;
    const conflicts = await this.operations.logged('flush', {}, () =>
      this.writeBehind.drain({
        insertRecords: (model, records) => this.insertRecords(model, records),
        putRecords: (model, records) => this.putRecords(model, records),
        modifyRecords: (model, uids, change) => this.modifyRecords(model, uids, change),
        deleteRecords: (model, uids) => this.deleteRecords(model, uids),
        saveTogether: (changes) => this.saveTogether(changes),
      }),
    );
    const different = conflicts.filter(({ record, existing }) => !isSameRecord(record, existing));
    if (different[0] !== undefined) throw this.objects.alreadyExists(different[0], different.length);
  }

  private async drainWhenFull(): Promise<void> {
    if (this.writeBehind.size >= (this.flushPauses === 0 ? MAX_WAITING : MAX_ATOMIC_FLUSH)) await this.flush();
  }
}

/** Answers, by position, whether it was there. `records` are those found by reading just before. */
type RemoveRecords = (
  model: string,
  uids: readonly string[],
  records: readonly (ModelRecord | undefined)[],
) => Promise<readonly boolean[]>;

/** Whether it is about what is stored, and not about the backend. */
export function isDamage(error: unknown): error is ObjectStoreException {
  return (
    error instanceof ObjectStoreException && (error.code === 'STORE_CORRUPT' || error.code === 'STORE_WRONG_KEY_TYPE')
  );
}

function checkMaxObjectBytes(bytes: unknown): number {
  if (Number.isInteger(bytes) && (bytes as number) >= 1 && (bytes as number) <= LARGEST_MAX_OBJECT_BYTES) {
    return bytes as number;
  }
  throw new ValueError(`maxObjectBytes is not a whole number from 1 to ${LARGEST_MAX_OBJECT_BYTES} (256 MiB)`);
}
