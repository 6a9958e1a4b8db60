import { giveWay, Pace } from '../async/event-loop.js';
import { ValueError } from '../errors.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import { classOf, type ModelClass } from '../model/model-class.js';
import { checkUniqueId } from '../model/unique-id.js';
import type { ModelRecord } from '../record/model-record.js';
import { addObjects, removeObjects, updateAll, updateObjects } from './bulk-writes.js';
import type { ChangesSince } from './change-log.js';
import type { AttrsToMake, AttrsToSet, IdentifierOf, IdentifiersOf, ModelRef, ObjectOf } from './model-ref.js';
import type { ObjectMapper } from './object-mapper.js';
import type { OperationOptions } from './operation-context.js';
import type { OperationRunner } from './operation-runner.js';
import { PAGE_SIZE, type StoreCore } from './store-core.js';
import { coreOf, StoreLifecycle } from './store-lifecycle.js';
import type { BaseStoreOptions } from './store-options.js';
import type { UidPage } from './uid-page.js';
import { traceOperation } from './store-trace.js';
import { instantiate } from './instantiate.js';
import { getOrAdd, updateOrAdd } from './upsert.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * A store of objects: the public operations, the same for every backend. Extend it to write a store of your own; the
 * primitives to implement stand in `StoreBackend`.
 *
 * - An object that a store returns is the caller's own copy.
 * - Reads return objects in insertion order.
 * - `add` compares by value and is one atomic step. `updateOr…` is compare-and-set.
 * - A backend that fails rejects the operation with an `ObjectStoreException`; it never looks like an empty store.
 *   On a store that is not open its code is STORE_CLOSED, and STORE_ABORTED or STORE_OUTCOME_UNKNOWN after `signal`.
 *
 * @example
 * ```ts
 * const store: BaseStore = new LocalStore();
 * await store.add({ obj: new Device({ name: 'r1', role: 'spine' }) });
 * const device = await store.get({ model: Device, identifier: { name: 'r1' } });
 * ```
 */
export abstract class BaseStore extends StoreLifecycle {
  readonly #parts: StoreCore;
  readonly #objects: ObjectMapper;
  readonly #operations: OperationRunner;

  /**
   * Creates a store that is not open yet.
   * @param options - options of every store; all are optional.
   * @throws {ValueError} for a store id, a `maxObjectBytes` or a `slowOperationMs` that is not allowed.
   */
  constructor(options: BaseStoreOptions = {}) {
    super(options);
    this.#parts = coreOf(this);
    this.#objects = this.#parts.objects;
    this.#operations = this.#parts.operations;
  }

  abstract override scope(options: { readonly storeId: string; readonly name?: string }): BaseStore;

  // ---- Reads

  /**
   * Lists the models that have objects.
   * @param options - `signal` ends the operation.
   * @returns their names, sorted by code point.
   */
  async getAllModelNames(options: OperationOptions = {}): Promise<string[]> {
    return this.#operations.run('getAllModelNames', { signal: options.signal }, async () =>
      [...(await this.countAllRecords(options.signal)).keys()].toSorted(),
    );
  }

  /**
   * Reads one object.
   * @param options - `model`: a class, an instance or a name; `identifier`: a unique id, or an object of identifiers as the
   *   schema takes them: the object is found by what the schema makes of them.
   * @returns a copy of the stored object.
   * @throws {ObjectNotFound} when there is none.
   * @throws {ValueError} for an object of identifiers with the name of a model whose class is not registered.
   * @example
   * ```ts
   * const device = await store.get({ model: Device, identifier: { name: 'r1' } });
   * ```
   */
  async get<R extends ModelRef>(
    options: OperationOptions & { readonly model: R; readonly identifier: IdentifierOf<R> },
  ): Promise<ObjectOf<R>> {
    const name = this.#objects.nameOf(options.model);
    const given = this.#objects.uidOf(options.model, options.identifier);
    const uid = typeof given === 'string' ? given : await given;
    const { signal } = options;
    return this.#operations.run('get', { model: name, uid, reads: [uid], signal }, async () => {
      const [record] = await this.readRecords(name, [uid], signal);
      if (record === undefined) throw this.#objects.notFound(name, uid);
      return this.#objects.toObject(options.model, record);
    });
  }

  /**
   * Reads all objects of a model.
   * @param options - `model`: a class, an instance or a name.
   * @returns copies of the stored objects, in insertion order.
   */
  async getAll<R extends ModelRef>(options: OperationOptions & { readonly model: R }): Promise<ObjectOf<R>[]> {
    const name = this.#objects.nameOf(options.model);
    const { signal } = options;
    return this.#operations.run('getAll', { model: name, signal }, async () => {
      const build = this.#objects.builder(options.model);
      const objects: ObjectOf<R>[] = [];
      for await (const page of this.scanRecords(name, PAGE_SIZE, signal)) {
        signal?.throwIfAborted();
        for (const record of page) objects.push(build(record));
        await giveWay();
      }
      return objects;
    });
  }

  /**
   * Reads objects by unique id.
   * @param options - `uids`: unique ids, which may repeat; `model`: a class, an instance or a name.
   * @returns the objects by position of `uids`.
   * @throws {ObjectNotFound} for the first that is missing.
   */
  async getByUids<R extends ModelRef>(
    options: OperationOptions & { readonly uids: readonly string[]; readonly model: R },
  ): Promise<ObjectOf<R>[]> {
    const objects = await this.find(options);
    const missing = objects.indexOf(undefined);
    if (missing !== -1)
      throw this.#objects.notFound(this.#objects.nameOf(options.model), options.uids[missing] as string);
    return objects as ObjectOf<R>[];
  }

  /**
   * Reads those objects that exist, by unique id.
   * @param options - `uids`: unique ids, which may repeat; `model`: a class, an instance or a name.
   * @returns by position of `uids`, the object, or undefined where there is none.
   */
  async find<R extends ModelRef>(
    options: OperationOptions & { readonly uids: readonly string[]; readonly model: R },
  ): Promise<(ObjectOf<R> | undefined)[]> {
    const { model, uids, signal } = options;
    const name = this.#objects.nameOf(model);
    for (const uid of uids) checkUniqueId(name, uid);
    return this.#operations.run('getByUids', { model: name, reads: uids, signal }, async () => {
      return this.readEach(name, uids, this.#objects.builder(model), signal);
    });
  }

  /**
   * Iterates over all objects of a model. Holds a few pages in memory at a time.
   * @param options - `model`: a class, an instance or a name; `batchSize`: objects of a page, default 1000.
   * @returns an iterator over copies of the stored objects, in insertion order.
   * @throws {ValueError} for a `batchSize` that is not a whole number above 0.
   */
  async *iterate<R extends ModelRef>(
    options: OperationOptions & { readonly model: R; readonly batchSize?: number | undefined },
  ): AsyncGenerator<ObjectOf<R>, void, undefined> {
    const { model, batchSize = PAGE_SIZE, signal } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new ValueError(`batchSize is ${batchSize}, not a whole number above 0`);
    const name = this.#objects.nameOf(model);
    const build = this.#objects.builder(model);
    const pace = new Pace();
    const scan = async (): Promise<AsyncIterable<readonly ModelRecord[]>> => this.scanRecords(name, batchSize, signal);
    const pages = (await this.#operations.run('iterate', { model: name, signal }, scan))[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await traceOperation(this, 'iterate', { model: name }, () =>
          this.#operations.abortable(signal, 'iterate', () => pages.next()),
        );
        if (done === true) return;
        for (const record of value) {
          const due = pace.yieldIfDue();
          if (due !== undefined) await due;
          this.#operations.checkAborted(signal, 'iterate');
          yield build(record);
        }
      }
    } finally {
      // `return` waits for the page that is being read: not after the caller has aborted the wait for it.
      const returned = pages.return?.();
      if (signal?.aborted === true) returned?.catch(() => undefined);
      else await returned;
    }
  }

  /**
   * Counts objects.
   * @param options - `model`: a class, an instance or a name; default all models.
   * @returns the number of objects.
   */
  async count(options: OperationOptions & { readonly model?: ModelRef | undefined } = {}): Promise<number> {
    const { model, signal } = options;
    const name = model === undefined ? undefined : this.#objects.nameOf(model);
    return this.#operations.run('count', name === undefined ? { signal } : { model: name, signal }, async () => {
      if (name !== undefined) return this.countRecords(name, signal);
      let total = 0;
      for (const count of (await this.countAllRecords(signal)).values()) total += count;
      return total;
    });
  }

  /**
   * Lists the unique ids of a model page by page, without reading its objects: to show them, for example, where the last page is not
   * known to be wanted.
   * @param options - `model`: a class, an instance or a name; `limit`: unique ids of a page, default 1000; `after`: the `next` of the
   *   page before, default the first page.
   * @returns the unique ids, in insertion order, and `next`, which is undefined on the last page.
   * @throws {ValueError} for a `limit` that is not a whole number above 0, or an `after` that no page of this store has given.
   * @example
   * ```ts
   * const { uids, next } = await store.uidPage({ model: Device, limit: 50 });
   * const devices = await store.find({ model: Device, uids });
   * ```
   */
  async uidPage(
    options: OperationOptions & {
      readonly model: ModelRef;
      readonly limit?: number | undefined;
      readonly after?: string | undefined;
    },
  ): Promise<UidPage> {
    const { model, limit = PAGE_SIZE, after, signal } = options;
    if (!Number.isInteger(limit) || limit < 1) throw new ValueError(`limit is ${limit}, not a whole number above 0`);
    const name = this.#objects.nameOf(model);
    return this.#operations.run('uidPage', { model: name, signal }, () => this.readUidPage(name, limit, after, signal));
  }

  /**
   * Returns which objects of a model were written since an earlier call: by any process, removed ones included. What a store
   * does not know for sure is `undefined`: of a cursor that is too old, that another store gave, or from before the server lost
   * writes; and of every cursor where the store keeps no log of changes.
   * @param options - `model`: a class, an instance or a name; `cursor`: that of an earlier call, default none.
   * @returns the unique ids, in any order, and a cursor for the next call.
   * @example
   * ```ts
   * const { cursor } = await store.changesSince({ model: Device });
   * // later
   * const { uids } = await store.changesSince({ model: Device, cursor });
   * if (uids === undefined) await readAll();
   * else await readAgain(uids);
   * ```
   */
  async changesSince(
    options: OperationOptions & { readonly model: ModelRef; readonly cursor?: string | undefined },
  ): Promise<ChangesSince> {
    const { model, cursor, signal } = options;
    const name = this.#objects.nameOf(model);
    return this.#operations.run('changesSince', { model: name, signal }, () => this.readChanges(name, cursor, signal));
  }

  // ---- Writes

  /**
   * Stores an object and binds it to the store's adapter. Does nothing where an equal object is stored already.
   * @param options - `obj`: the object.
   * @throws {ObjectAlreadyExists} with `existingObject`, when a different object has the unique id.
   * @throws {ValueError} naming model, unique id and field, for a value that no store can keep.
   */
  async add(options: OperationOptions & { readonly obj: DiffSyncModel }): Promise<void> {
    const { obj, signal } = options;
    const model = this.#objects.nameOfObject(obj);
    const record = this.#objects.recordOf(obj);
    const context = { model, uids: [record.uid], signal };
    const [existing] = await this.#operations.run('add', context, () => this.insertRecords(model, [record], signal));
    if (existing !== undefined && !this.#objects.isSame(obj, existing, record))
      throw this.#objects.alreadyExists({ model, record, existing }, 1);
    this.#objects.bind(obj);
  }

  /**
   * Stores many objects, each as `add` does. Of more than 1,000 objects each may be encoded only when it is about to be
   * written: leave them unchanged until the call has settled.
   * @param options - `objs`: the objects, of any models.
   * @throws {ObjectAlreadyExists} for the first conflict, once all objects without a conflict are stored.
   * @throws {ValueError} for a value that no store can keep.
   */
  async addMany(options: OperationOptions & { readonly objs: Iterable<DiffSyncModel> }): Promise<void> {
    await addObjects(this.#parts, [...options.objs], options);
  }

  /**
   * Replaces the stored object at its position in the order, or appends it. Binds the object to the store's adapter.
   * @param options - `obj`: the object.
   * @throws {ValueError} for a value that no store can keep.
   */
  async update(options: OperationOptions & { readonly obj: DiffSyncModel }): Promise<void> {
    await updateAll(this.#parts, 'update', [options.obj], { signal: options.signal });
  }

  /**
   * Replaces or appends many objects, each as `update` does. Leave more than 1,000 objects unchanged, see `addMany`.
   * @param options - `objs`: the objects, of any models.
   * @throws {ValueError} for a value that no store can keep.
   */
  async updateMany(options: OperationOptions & { readonly objs: Iterable<DiffSyncModel> }): Promise<void> {
    await updateObjects(this.#parts, [...options.objs], options);
  }

  /**
   * Removes an object, by its unique id.
   * @param options - `obj`: the object; `removeChildren`: also all objects below it, default false. A child that is missing is
   *   logged as an error.
   * @throws {ObjectNotFound} when the object is not stored.
   */
  async remove(
    options: OperationOptions & { readonly obj: DiffSyncModel; readonly removeChildren?: boolean | undefined },
  ): Promise<void> {
    await removeObjects(this.#parts, 'remove', [options.obj], options);
  }

  /**
   * Removes many objects, each as `remove` does.
   * @param options - `objs`: the objects, of any models; `removeChildren`: also all objects below them, default false.
   * @throws {ObjectNotFound} for the first object that is missing, once all others are removed.
   */
  async removeMany(
    options: OperationOptions & {
      readonly objs: Iterable<DiffSyncModel>;
      readonly removeChildren?: boolean | undefined;
    },
  ): Promise<void> {
    await removeObjects(this.#parts, 'removeMany', [...options.objs], options);
  }

  /**
   * Removes every object of this store, and of no other.
   * @param options - `signal` ends the operation.
   */
  async clear(options: OperationOptions = {}): Promise<void> {
    const { signal } = options;
    await this.#operations.run('clear', { uids: [], signal }, async () => {
      await this.clearRecords(signal);
      this.#parts.deferred.pending.clear();
    });
  }

  // ---- Get or add, update or add

  /**
   * Returns the stored object, else adds a new one. A stored object is not changed.
   * @param options - `model`: the class; `ids`: all identifiers; `attrs`: attributes of a new object; both as the schema takes
   *   them.
   * @returns the object, and whether it was created.
   * @throws {ModelValidationError} (MODEL_VALIDATION) when there is none, and `ids` and `attrs` make no object of the model.
   */
  async getOrInstantiate<C extends ModelClass>(
    options: OperationOptions & { readonly model: C; readonly ids: IdentifiersOf<C> } & AttrsToMake<C>,
  ): Promise<[obj: InstanceType<C>, created: boolean]> {
    const { model, ids, attrs = {}, signal } = options;
    const given = instantiate(this.#objects.registry.resolve(model), ids as Fields, attrs);
    const made = given instanceof Promise ? await given : given;
    const [stored] = await this.find<ModelClass>({ model, uids: [made.uid], signal });
    if (stored !== undefined) return [stored as InstanceType<C>, false];
    return (await this.getOrAddModelInstance(made.create(), { signal })) as [InstanceType<C>, boolean];
  }

  /**
   * Returns the stored object with the unique id of `obj`, else adds `obj`.
   * @param obj - the object to add where there is none.
   * @param options - `signal` ends the operation.
   * @returns the object, and whether it was created.
   */
  async getOrAddModelInstance<M extends DiffSyncModel>(
    obj: M,
    options: OperationOptions = {},
  ): Promise<[obj: M, created: boolean]> {
    return getOrAdd(this.#parts, obj, options);
  }

  /**
   * Sets attributes on the stored object, else adds a new one. Compare-and-set: of two callers that set different attributes
   * at the same time, both take effect.
   * @param options - `model`: the class; `ids`: all identifiers; `attrs`: the attributes to set; both as the schema takes them.
   * @returns the object, and whether it was created.
   * @throws {ValueError} for an attribute that the model does not have, before anything is stored.
   * @throws {ModelValidationError} (MODEL_VALIDATION) when the schema refuses an attribute.
   * @throws {ObjectStoreException} (STORE_CONTENTION) when others add and remove the object at every try.
   */
  async updateOrInstantiate<C extends ModelClass>(
    options: OperationOptions & { readonly model: C; readonly ids: IdentifiersOf<C>; readonly attrs: AttrsToSet<C> },
  ): Promise<[obj: InstanceType<C>, created: boolean]> {
    const { model, ids, attrs, signal } = options;
    const given = instantiate(this.#objects.registry.resolve(model), ids as Fields, attrs);
    const made = given instanceof Promise ? await given : given;
    const upsert = { model, made, signal };
    return (await updateOrAdd(this.#parts, 'updateOrInstantiate', upsert)) as [InstanceType<C>, boolean];
  }

  /**
   * Sets the attributes of `obj` on the stored object, else adds `obj`. Other fields of the stored object stay.
   * @param obj - the object whose attributes are set.
   * @param options - `signal` ends the operation.
   * @returns the stored object, and whether it was created.
   */
  async updateOrAddModelInstance<M extends DiffSyncModel>(
    obj: M,
    options: OperationOptions = {},
  ): Promise<[obj: M, created: boolean]> {
    const attrs = obj.getAttrs();
    const made = { uid: obj.getUniqueId(), attrs: () => attrs, create: () => obj };
    const upsert = { model: classOf(obj), made, signal: options.signal };
    return (await updateOrAdd(this.#parts, 'updateOrAddModelInstance', upsert)) as [M, boolean];
  }
}
