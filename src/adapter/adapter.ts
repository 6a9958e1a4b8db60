import { inspect } from 'node:util';
import { Diff } from '../diff/diff.js';
import type { ModelOperations } from '../diff/sync-outcome.js';
import { compareSides } from '../engine/compare/differ.js';
import { compareIncrementally } from '../engine/incremental/compare-incrementally.js';
import { diffChannel, loadChannel } from '../engine/traces.js';
import { DiffSyncModel, type ModelHost } from '../model/diffsync-model.js';
import type { ReloadResult } from '../engine/reload.js';
import { LOGGER } from '../engine/side.js';
import { ObjectNotFound, ValueError } from '../errors.js';
import type { DiffSyncFlags } from '../flags.js';
import { traced } from '../logging/channels.js';
import { SILENT_LOGGER, type DiffSyncLogger } from '../logging/logger.js';
import { NestLogger } from '../logging/nest-logger.js';
import type { ModelClass } from '../model/model-class.js';
import type { NamedModel } from '../model/model-types.js';
import { checkMemberNames } from '../model/python-names.js';
import { bindFor } from '../store/engine-access.js';
import type { BaseStore } from '../store/base-store.js';
import { textOfAsync } from '../values/bounded-text.js';
import { markCopy, refuseOtherCopy } from '../values/package-copy.js';
import { LocalStore } from '../store/local/local.store.js';
import type {
  AttrsToSet,
  ClassOrObject,
  FieldsToSet,
  IdentifierOf,
  IdentifiersOf,
  ModelRef,
  ObjectOf,
} from '../store/model-ref.js';
import { checkDeclarations } from './adapter-declarations.js';
import { loadModelFromDict, storeToDict, type AdapterDict, type DictToLoad } from './adapter-dict.js';
import {
  ADAPTER_OPTIONS,
  checkOptionNames,
  checkStore,
  PYTHON_OPTIONS,
  SYNC_OPTIONS,
  type AdapterOptions,
  type AnyObjects,
  type FilteredObjects,
  type OfDiffClass,
  type UntypedDiffOptions,
  type UntypedSyncOptions,
} from './adapter-options.js';
import { beginLoad, checkLoad, noteIncomplete, watchOf } from './load-watch.js';
import { describeAdapter } from './describe-adapter.js';
import { reloadStore } from './reload-store.js';
import { runSync } from './run-sync.js';
import type {
  AdapterDefinition,
  ModelsToLoad,
  DiffOf,
  ModelDiffOptions,
  ModelNamed,
  ModelSyncOptions,
  IdentifierNamed,
  ModelList,
  NameOf,
  ObjectNamed,
  OneOfModels,
} from './typed-adapter.js';
import { traversal, traversalOrder, traversalText, type Traversal } from './tree-traversal.js';

/**
 * One system's inventory: an adapter loads objects into a store, and is compared and synchronised with another adapter.
 * Extend it, list the models, and override `load`. Source of the behaviour: the reference's `Adapter`.
 *
 * @example
 * ```ts
 * class Network extends Adapter {
 *   static override readonly models = [Device];
 *   static override readonly topLevel = ['device'];
 *
 *   override async load() {
 *     await this.addMany([new Device({ name: 'r1', role: 'spine' }), new Device({ name: 'r2' })]);
 *   }
 * }
 * ```
 */
export abstract class Adapter implements ModelHost {
  /** Every model that this adapter may hold. */
  static readonly models: ModelList = [];
  /** The names of the models at which diffs begin, in their order; objects of other models are reached as children. */
  static readonly topLevel: readonly string[] = [];

  /** The type of the adapters of this class. Default: the name of the class. */
  static readonly type?: string;

  static {
    markCopy(this);
  }

  /**
   * Returns a class of adapters that knows its models, for a class of your own to extend: a misspelt name of a model or attribute,
   * an object of another model and a filter for another model's objects do not compile.
   * @param definition - The models, and the names of those at which diffs begin.
   * @returns The class; its statics `models` and `topLevel` are those that were given.
   * @example
   * ```ts
   * class Network extends Adapter.define({ models: [Site, Device], topLevel: ['site'] }) {
   *   override async load() {
   *     await this.add(new Site({ name: 'nyc' }));
   *   }
   * }
   * ```
   */
  static define<const M extends readonly NamedModel[]>({
    models,
    topLevel,
  }: AdapterDefinition<M>): DefinedAdapterClass<M> {
    abstract class Defined extends Adapter {
      static override readonly models = models as readonly ModelClass[];
      static override readonly topLevel: readonly string[] = topLevel;
    }
    return Defined as unknown as DefinedAdapterClass<M>;
  }

  /** The static `type` of the adapter's class, else the name of the class. */
  readonly type: string;
  /** The adapter's name in diffs, logs and errors. */
  readonly name: string;
  /** The store that keeps the adapter's objects. */
  readonly store: BaseStore;
  /** @internal The logger of the adapter's diffs and syncs. */
  readonly [LOGGER]: DiffSyncLogger;
  /** Every model of the adapter, by name. */
  readonly modelClasses: ReadonlyMap<string, ModelClass>;

  /**
   * Checks the declarations and binds the store. It also wraps `load`, so that the store is flushed after it.
   * @param options - The store, the name and the logger. Default: a new LocalStore, the name of the class.
   * @throws {ModelDefinitionError} (MODEL_DEFINITION) if `models` and `topLevel` do not fit, or a member has Python's name.
   * @throws {ValueError} (VALUE_ERROR) for an option that there is not, or a store that is none.
   * @throws {ObjectStoreException} (STORE_ALREADY_BOUND) if the store serves another adapter.
   */
  constructor(options: AdapterOptions = {}) {
    checkOptionNames(`new ${new.target.name}(…)`, options, ADAPTER_OPTIONS, { internal_storage_engine: 'store' });
    this.type = new.target.type ?? new.target.name;
    this.name = options.name ?? this.type;
    this.modelClasses = checkDeclarations(new.target, Adapter);
    refuseOtherCopy(`The store of ${this.name}`, options.store);
    this.store = options.store === undefined ? new LocalStore() : checkStore(options.store);
    const inherited = this.store.logger === SILENT_LOGGER ? undefined : this.store.logger;
    this[LOGGER] = options.logger ?? inherited ?? new NestLogger(this.name);
    this.store.bindAdapter(this, [...this.modelClasses.values()], this[LOGGER]);
    this.load = flushAfter(this.load);
  }

  /** The names of the models at which diffs begin: the static `topLevel` of the class. */
  get topLevel(): readonly string[] {
    return (this.constructor as typeof Adapter).topLevel;
  }

  /**
   * Loads the system's objects into the store. Override it; it may take arguments and return a result. Into a store that lasts,
   * load them again by `reload`.
   * @returns A promise of what the override returns; when it is fulfilled, everything that was added and linked is stored, for
   * other processes too.
   */
  async load(..._args: never[]): Promise<unknown> {
    return undefined;
  }

  /**
   * Says in `load` how far it is; a run of `SyncRunner` passes it to its `onProgress`. Elsewhere it does nothing.
   * @param done - How many objects, pages or requests are done.
   * @param total - How many there are, once it is known.
   * @throws {SyncAborted} (SYNC_ABORTED) if the run was ended, so that a long load ends too.
   * @example
   * ```ts
   * for (const page of pages) {
   *   await this.addMany(page.devices);
   *   this.progress(page.number, page.count);
   * }
   * ```
   */
  progress(done: number, total?: number): void {
    checkLoad(this);
    watchOf(this)?.progress(done, total);
  }

  /**
   * Says in `load` that not all objects of a model could be loaded: a run of `SyncRunner` then deletes nothing of this model, nor of
   * the models below it. It holds until the next load.
   * @param model - The model's class or name.
   * @param reason - Why, for the record of the run.
   * @throws {ValueError} (VALUE_ERROR) if the adapter has no such model.
   * @example
   * ```ts
   * if (response.status === 206) this.markIncomplete('device', `page ${page} answered 206`);
   * ```
   */
  markIncomplete(model: ModelClass | string, reason: string): void {
    const name = typeof model === 'string' ? model : model.modelName;
    if (!this.modelClasses.has(name)) throw new ValueError(`${this.name} has no model "${name}" to mark as incomplete`);
    noteIncomplete(this, name, reason);
  }

  /** In `load`, the signal that ends it: pass it to requests. Without a run it is never aborted. */
  get loadSignal(): AbortSignal {
    return watchOf(this)?.signal ?? NEVER;
  }

  /**
   * Loads the system's objects again: calls `load` with a copy in memory in place of the store, then makes the store equal to
   * the copy. Only differences are written: what stays keeps its position in the order, what is new is appended in the order
   * of `load`, and what `load` has not added is removed. Meanwhile others see the old objects, or the new ones object by object,
   * never an empty store and never a list that names a missing object; a few changes are one atomic write where the store can.
   * A `load` that fails leaves the store as it was; after a failed write, reload again. No hook is called.
   *
   * `load` must reach the store through this adapter: its methods, `this.store`, and the objects that it has added.
   * @param args - What `load` is called with.
   * @returns How many objects were created, updated, deleted and left unchanged.
   * @throws {SyncInProgress} (SYNC_IN_PROGRESS) if a sync or another reload of this adapter is running; nothing was done.
   * @throws {ReloadConflict} (RELOAD_CONFLICT) if this process has written to the store itself while `load` was running, for
   * example by a store that was injected besides; the store is as those writes have left it.
   * @throws {ObjectStoreException} of a store that fails, with its code. What `load` throws is passed on as it is.
   * @example
   * ```ts
   * const { created, updated, deleted } = await network.reload();
   * ```
   */
  reload(...args: Parameters<this['load']>): Promise<ReloadResult>;
  /**
   * Loads the system's objects again, by `load` without arguments.
   * @returns How many objects were created, updated, deleted and left unchanged.
   */
  reload(): Promise<ReloadResult>;
  async reload(...args: unknown[]): Promise<ReloadResult> {
    const load: (...args: never[]) => Promise<unknown> = this.load;
    return reloadStore(this, async () => void (await load.apply(this, args as never[])));
  }

  // ---- Diff and sync

  /**
   * Compares this adapter with a source, and changes neither.
   * @param source - The adapter that this one is to be made equal to.
   * @param options - What is compared, and how. Default: everything.
   * @returns The diff: what makes this adapter equal to `source`.
   * @throws {ValueError} (VALUE_ERROR) if an option names a model or attribute that neither adapter has, or if shortnames or
   * identifiers of two objects with one unique id differ.
   * @throws {DiffCycle} (DIFF_CYCLE) if objects are each other's children.
   * @throws {ObjectNotFound} (OBJECT_NOT_FOUND) if a parent lists a child that does not exist.
   * @throws {SyncAborted} (SYNC_ABORTED) if the signal is aborted.
   * @example
   * ```ts
   * const diff = await cmdb.diffFrom(network);
   * console.log(diff.toString());
   * ```
   */
  async diffFrom<D extends Diff = Diff, F extends FilteredObjects = AnyObjects>(
    source: Adapter,
    options: UntypedDiffOptions & OfDiffClass<D, F> = {},
  ): Promise<D> {
    refuseOtherCopy('The source', source);
    // One object of options may serve a diff and the sync of it.
    checkOptionNames('diffFrom', options, SYNC_OPTIONS, PYTHON_OPTIONS);
    const diffClass = options.diffClass ?? Diff;
    checkMemberNames(diffClass, Diff);
    const compareBy = options.incremental === true ? compareIncrementally : compareSides;
    const compare = (): Promise<Diff> => compareBy(source, this, options, new diffClass(), diffClass);
    const diff = diffChannel.hasSubscribers
      ? traced(diffChannel, { source: source.name, target: this.name }, compare)
      : compare();
    return (await diff) as D;
  }

  /**
   * Compares a target with this adapter, as `target.diffFrom(this)` does.
   * @param target - The adapter that is to be made equal to this one.
   * @param options - What is compared, and how. Default: everything.
   * @returns The diff: what makes `target` equal to this adapter.
   */
  async diffTo<D extends Diff = Diff, F extends FilteredObjects = AnyObjects>(
    target: Adapter,
    options: UntypedDiffOptions & OfDiffClass<D, F> = {},
  ): Promise<D> {
    return target.diffFrom(this, options);
  }

  /**
   * Makes this adapter equal to a source: compares them, unless a diff is given, and applies the diff. When the promise
   * settles, everything that was done is stored, also after an error.
   * @param source - The adapter that this one is made equal to.
   * @param options - What is compared and how it is applied. Default: everything, one object at a time.
   * @returns The diff that was applied, with its `operations` and the statuses of its elements.
   * @throws {DiffClassMismatch} (DIFF_CLASS_MISMATCH) if `diff` is no instance of `diffClass`, before anything happens.
   * @throws {SyncInProgress} (SYNC_IN_PROGRESS) if another sync or a reload of this adapter is running, unless it ends within
   * `waitMs`; for one that was started inside it, always. Nothing was done.
   * @throws {DiffStale} (DIFF_STALE) if a side has changed since a loaded diff was made, unless `allowStale` is set.
   * @throws {TooManyDeletes} (SYNC_TOO_MANY_DELETES) if a limit of deletes is exceeded, before anything is changed.
   * @throws {ObjectCrudException} (OBJECT_NOT_CREATED, OBJECT_NOT_UPDATED, OBJECT_NOT_DELETED) of a hook, without the flag
   * CONTINUE_ON_FAILURE.
   * @throws {SyncHookError} (SYNC_HOOK_FAILED) for any other error of a hook, without `continueOnFailure`.
   * @throws {SyncAborted} (SYNC_ABORTED) if the signal is aborted.
   * @example
   * ```ts
   * const diff = await cmdb.syncFrom(network, { maxDeletePercent: 10 });
   * console.log(diff.operations.get('device'));
   * ```
   */
  async syncFrom<D extends Diff = Diff, F extends FilteredObjects = AnyObjects>(
    source: Adapter,
    options: UntypedSyncOptions & OfDiffClass<D, F> & { diff?: D | undefined } = {},
  ): Promise<D> {
    refuseOtherCopy('The source', source);
    checkOptionNames('syncFrom', options, SYNC_OPTIONS, PYTHON_OPTIONS);
    const callsSyncComplete = this.syncComplete !== Adapter.prototype.syncComplete;
    return (await runSync<Adapter>(this, source, options, callsSyncComplete)) as D;
  }

  /**
   * Makes a target equal to this adapter, as `target.syncFrom(this)` does.
   * @param target - The adapter that is made equal to this one.
   * @param options - What is compared and how it is applied. Default: everything, one object at a time.
   * @returns The diff that was applied.
   */
  async syncTo<D extends Diff = Diff, F extends FilteredObjects = AnyObjects>(
    target: Adapter,
    options: UntypedSyncOptions & OfDiffClass<D, F> & { diff?: D | undefined } = {},
  ): Promise<D> {
    return target.syncFrom(this, options);
  }

  /**
   * Is called after a sync that changed something in this adapter. Override it, for example to commit to the system at once.
   * @param source - The adapter that this one was made equal to.
   * @param diff - The diff that was applied.
   * @param flags - The flags of the sync.
   * @param logger - This adapter's logger.
   * @param operations - The unique ids of the objects that were changed, by model name.
   * @returns A promise that the sync waits for.
   */
  async syncComplete(
    source: Adapter,
    diff: Diff,
    flags: DiffSyncFlags,
    logger: DiffSyncLogger,
    operations: ReadonlyMap<string, ModelOperations>,
  ): Promise<void> {
    void [source, diff, flags, logger, operations];
  }

  // ---- Objects

  /**
   * Reads an object.
   * @param model - The model's class or name.
   * @param identifier - The unique id, or the identifiers.
   * @returns The object.
   * @throws {ObjectNotFound} (OBJECT_NOT_FOUND) if it does not exist.
   */
  get<R extends ClassOrObject>(model: R, identifier: IdentifierOf<R>): Promise<ObjectOf<R>>;
  /**
   * Reads an object of a model that is known by its name.
   * @param model - The model's name.
   * @param identifier - The unique id, or the identifiers.
   * @returns The object.
   */
  get(model: string, identifier: IdentifierOf<string>): Promise<DiffSyncModel>;
  async get(model: ModelRef, identifier: IdentifierOf<string>): Promise<DiffSyncModel> {
    return owned(this, await this.store.get({ model, identifier }));
  }

  /**
   * Reads an object that may not exist.
   * @param model - The model's class or name.
   * @param identifier - The unique id, or the identifiers.
   * @returns The object, or null if it does not exist.
   */
  getOrNone<R extends ClassOrObject>(model: R, identifier: IdentifierOf<R>): Promise<ObjectOf<R> | null>;
  /**
   * Reads an object, which may not exist, of a model that is known by its name.
   * @param model - The model's name.
   * @param identifier - The unique id, or the identifiers.
   * @returns The object, or null if it does not exist.
   */
  getOrNone(model: string, identifier: IdentifierOf<string>): Promise<DiffSyncModel | null>;
  async getOrNone(model: ModelRef, identifier: IdentifierOf<string>): Promise<DiffSyncModel | null> {
    try {
      return owned(this, await this.store.get({ model, identifier }));
    } catch (error) {
      if (error instanceof ObjectNotFound) return null;
      throw error;
    }
  }

  /**
   * Reads all objects of a model.
   * @param model - The model's class or name.
   * @returns The objects in insertion order.
   */
  getAll<R extends ClassOrObject>(model: R): Promise<ObjectOf<R>[]>;
  /**
   * Reads all objects of a model that is known by its name.
   * @param model - The model's name.
   * @returns The objects in insertion order.
   */
  getAll(model: ModelRef): Promise<DiffSyncModel[]>;
  async getAll(model: ModelRef): Promise<DiffSyncModel[]> {
    return ownedAll(this, await this.store.getAll({ model }));
  }

  /**
   * Reads several objects of a model.
   * @param uids - The unique ids.
   * @param model - The model's class or name.
   * @returns The objects in the order of `uids`.
   * @throws {ObjectNotFound} (OBJECT_NOT_FOUND) if one of them does not exist.
   */
  getByUids<R extends ClassOrObject>(uids: readonly string[], model: R): Promise<ObjectOf<R>[]>;
  /**
   * Reads several objects of a model that is known by its name.
   * @param uids - The unique ids.
   * @param model - The model's name.
   * @returns The objects in the order of `uids`.
   */
  getByUids(uids: readonly string[], model: ModelRef): Promise<DiffSyncModel[]>;
  async getByUids(uids: readonly string[], model: ModelRef): Promise<DiffSyncModel[]> {
    return ownedAll(this, await this.store.getByUids({ uids, model }));
  }

  /**
   * Lists the models that have objects.
   * @returns The names of the models.
   */
  async getAllModelNames(): Promise<string[]> {
    return this.store.getAllModelNames();
  }

  /**
   * Stores a new object, and links it to a parent if one is given. Storing an equal object again does nothing.
   * @param obj - The object.
   * @param options - `parent` is the object of this adapter that gets the new one as a child. Default: no parent.
   * @throws {ObjectAlreadyExists} (OBJECT_ALREADY_EXISTS) if a different object has the unique id.
   * @throws {ObjectStoreWrongType} (OBJECT_STORE_WRONG_TYPE) if the parent has no field for such children, before anything is
   * stored.
   * @example
   * ```ts
   * await network.add(device);
   * await network.add(new Interface({ device: 'r1', name: 'eth0' }), { parent: device });
   * ```
   */
  async add(obj: DiffSyncModel, options: { readonly parent?: DiffSyncModel | undefined } = {}): Promise<void> {
    const { parent } = options;
    checkLoad(this);
    const linked = parent === undefined || parent.hasChild(obj);
    await this.store.add({ obj });
    owned(this, obj);
    if (!linked) parent.addChild(obj);
  }

  /**
   * Stores new objects in batches.
   * @param objs - The objects; each is stored as `add` does.
   * @throws {ObjectAlreadyExists} (OBJECT_ALREADY_EXISTS) if a different object has the unique id of one of them.
   * @example
   * ```ts
   * await network.addMany([new Device({ name: 'r1', role: 'spine' }), new Device({ name: 'r2' })]);
   * ```
   */
  async addMany(objs: Iterable<DiffSyncModel>): Promise<void> {
    const all = [...objs];
    checkLoad(this);
    await this.store.addMany({ objs: all });
    ownedAll(this, all);
  }

  /**
   * Stores an object, whether or not it exists.
   * @param obj - The object.
   */
  async update(obj: DiffSyncModel): Promise<void> {
    await this.store.update({ obj });
    owned(this, obj);
  }

  /**
   * Removes an object from the store; no hook is called.
   * @param obj - The object.
   * @param removeChildren - Whether to remove everything below it too. Default: false.
   * @throws {ObjectNotFound} (OBJECT_NOT_FOUND) if it does not exist.
   */
  async remove(obj: DiffSyncModel, removeChildren = false): Promise<void> {
    return this.store.remove({ obj, removeChildren });
  }

  /**
   * Counts objects.
   * @param model - The model's class or name. Default: all models.
   * @returns The number of objects.
   */
  async count(model?: ModelRef): Promise<number> {
    return this.store.count(model === undefined ? {} : { model });
  }

  /**
   * Reads an object, or creates and stores it if it does not exist.
   * @param model - The model's class.
   * @param ids - The identifiers.
   * @param attrs - Further fields of an object that is created. Default: none.
   * @returns The object, and whether it was created.
   * @throws {ModelValidationError} (MODEL_VALIDATION) if the schema refuses the fields.
   */
  async getOrInstantiate<C extends ModelClass>(
    model: C,
    ids: IdentifiersOf<C>,
    ...[attrs]: Partial<FieldsToSet<C>> extends FieldsToSet<C> ? [attrs?: FieldsToSet<C>] : [attrs: FieldsToSet<C>]
  ): Promise<[obj: InstanceType<C>, created: boolean]> {
    const made = await this.store.getOrInstantiate<ModelClass>({ model, ids, attrs } as never);
    return ownedFirst(this, made as [InstanceType<C>, boolean]);
  }

  /**
   * Reads the stored object with the unique id of `obj`, or stores `obj` if there is none.
   * @param obj - The object to store.
   * @returns The stored object, and whether it was added.
   */
  async getOrAddModelInstance<M extends DiffSyncModel>(obj: M): Promise<[obj: M, created: boolean]> {
    return ownedFirst(this, await this.store.getOrAddModelInstance(obj));
  }

  /**
   * Sets attributes of an object and stores it, or creates it if it does not exist.
   * @param model - The model's class.
   * @param ids - The identifiers.
   * @param attrs - The attributes to set.
   * @returns The object, and whether it was created.
   * @throws {ModelValidationError} (MODEL_VALIDATION) if the schema refuses the fields.
   */
  async updateOrInstantiate<C extends ModelClass>(
    model: C,
    ids: IdentifiersOf<C>,
    attrs: AttrsToSet<C>,
  ): Promise<[obj: InstanceType<C>, created: boolean]> {
    return ownedFirst(this, await this.store.updateOrInstantiate({ model, ids, attrs }));
  }

  /**
   * Sets the attributes of `obj` on the stored object with its unique id, or stores `obj` if there is none.
   * @param obj - The object to store.
   * @returns The stored object, and whether it was added.
   */
  async updateOrAddModelInstance<M extends DiffSyncModel>(obj: M): Promise<[obj: M, created: boolean]> {
    return ownedFirst(this, await this.store.updateOrAddModelInstance(obj));
  }

  // ---- Other forms

  /**
   * Returns all objects as plain values, for `loadFromDict`. JavaScript sorts keys that are whole numbers, so that unique ids such
   * as `10` come first, in numerical order, whatever the order of the store: where that matters, pass pairs to `loadFromDict`.
   * @param options - `excludeDefaults` leaves out what the schema fills in by itself, and default flags. Default: true.
   * @returns `{ <model>: { <unique id>: fields } }`.
   */
  async toDict(options: { readonly excludeDefaults?: boolean | undefined } = {}): Promise<AdapterDict> {
    return storeToDict(this.store, options.excludeDefaults ?? true);
  }

  /**
   * Adds the objects that `toDict` returned: top-level models first, the others by name. It ignores unknown models, and takes
   * the unique ids from the fields.
   * @param data - `{ <model>: { <unique id>: fields } }`; or pairs of a unique id and fields, `{ <model>: [[<unique id>, fields], …] }`,
   * which keep their order.
   * @param options - `parsed`: the fields are output of the schemas, as `toDict` returns them, and are not validated again, so that
   * no transform is applied twice. Default: false, the fields are input.
   * @throws {ModelValidationError} (MODEL_VALIDATION) if the schema refuses an object; those before it are added.
   * @throws {ObjectAlreadyExists} (OBJECT_ALREADY_EXISTS) if a different object has a unique id.
   */
  async loadFromDict(data: DictToLoad, options: { readonly parsed?: boolean | undefined } = {}): Promise<void> {
    for (const name of traversalOrder(this.topLevel, this.modelClasses)) {
      if (!Object.hasOwn(data, name)) continue;
      const model = this.modelClasses.get(name) as ModelClass;
      await loadModelFromDict(this.store, model, data[name] ?? {}, options.parsed ?? false);
    }
  }

  /**
   * Shows how a diff walks the models.
   * @param asDict - Whether to return nested objects instead of a drawn tree. Default: false.
   * @returns The tree.
   */
  getTreeTraversal(asDict?: false): string;
  /**
   * Shows how a diff walks the models, as nested objects.
   * @param asDict - true.
   * @returns The tree.
   */
  getTreeTraversal(asDict: true): Traversal;
  getTreeTraversal(asDict = false): string | Traversal {
    const tree = traversal(this.topLevel, this.modelClasses);
    return asDict ? tree : traversalText(this.type, tree);
  }

  /**
   * Describes all objects that a diff would reach, for people: each once, below its parent if it has one. Where an object occurs
   * again, or contains itself, its unique id and the reason stand in its place.
   * @param indent - How many spaces begin each line. Default: 0.
   * @returns The text. One of more than 33,554,432 characters is cut, and says so; `lines()` has all lines.
   */
  async str(indent = 0): Promise<string> {
    return textOfAsync(this.lines(indent), 'lines()');
  }

  /**
   * Describes all objects as `str` does, for a text of any length. It reads them as it goes, and yields to the event loop.
   * @param indent - How many spaces begin each line. Default: 0.
   * @returns The lines, without line breaks; the text of a class with its own `str` comes as one.
   * @example
   * ```ts
   * for await (const line of network.lines()) output.write(`${line}\n`);
   * ```
   */
  lines(indent = 0): AsyncGenerator<string, void, undefined> {
    return describeAdapter(this, indent);
  }

  /**
   * Describes the adapter in one line.
   * @returns The type, and the name if it is another: `NetworkAdapter "lab"`.
   */
  toString(): string {
    return this.type === this.name ? this.type : `${this.type} "${this.name}"`;
  }

  [inspect.custom](): string {
    return `<${this.toString()}>`;
  }
}

/** The signal of a load that nothing ends. */
const NEVER = new AbortController().signal;

/** An adapter that knows its models: what it is given and returns has their names and fields. */
export interface DefinedAdapter<C extends NamedModel> extends Adapter {
  diffFrom(source: Adapter, options?: ModelDiffOptions<C>): Promise<DiffOf<C>>;
  diffFrom<D extends Diff = Diff>(source: Adapter, options?: ModelDiffOptions<C, D>): Promise<DiffOf<C> & D>;
  diffTo(target: Adapter, options?: ModelDiffOptions<C>): Promise<DiffOf<C>>;
  diffTo<D extends Diff = Diff>(target: Adapter, options?: ModelDiffOptions<C, D>): Promise<DiffOf<C> & D>;
  syncFrom(source: Adapter, options?: ModelSyncOptions<C>): Promise<DiffOf<C>>;
  syncFrom<D extends Diff = Diff>(source: Adapter, options?: ModelSyncOptions<C, D>): Promise<DiffOf<C> & D>;
  syncTo(target: Adapter, options?: ModelSyncOptions<C>): Promise<DiffOf<C>>;
  syncTo<D extends Diff = Diff>(target: Adapter, options?: ModelSyncOptions<C, D>): Promise<DiffOf<C> & D>;
  get<R extends ClassOrObject>(model: R, identifier: IdentifierOf<R>): Promise<ObjectOf<R>>;
  get<N extends NameOf<C>>(model: N, identifier: IdentifierNamed<C, N>): Promise<ObjectNamed<C, N>>;
  getOrNone<R extends ClassOrObject>(model: R, identifier: IdentifierOf<R>): Promise<ObjectOf<R> | null>;
  getOrNone<N extends NameOf<C>>(model: N, identifier: IdentifierNamed<C, N>): Promise<ObjectNamed<C, N> | null>;
  getAll<R extends ClassOrObject>(model: R): Promise<ObjectOf<R>[]>;
  getAll<N extends NameOf<C>>(model: N): Promise<ObjectNamed<C, N>[]>;
  getByUids<R extends ClassOrObject>(uids: readonly string[], model: R): Promise<ObjectOf<R>[]>;
  getByUids<N extends NameOf<C>>(uids: readonly string[], model: N): Promise<ObjectNamed<C, N>[]>;
  count(model?: OneOfModels<C>): Promise<number>;
  add(obj: C['prototype'], options?: { readonly parent?: C['prototype'] | undefined }): Promise<void>;
  addMany(objs: Iterable<C['prototype']>): Promise<void>;
  update(obj: C['prototype']): Promise<void>;
  remove(obj: C['prototype'], removeChildren?: boolean): Promise<void>;
  loadFromDict(
    data: { readonly [N in NameOf<C>]?: ModelsToLoad<ModelNamed<C, N>> },
    options?: { readonly parsed?: boolean | undefined },
  ): Promise<void>;
}

/** The class that `Adapter.define` returns, for a class of your own to extend. */
export interface DefinedAdapterClass<M extends readonly NamedModel[]> {
  /**
   * Checks the declarations and binds the store.
   * @param options - The store, the name and the logger. Default: a new LocalStore, the name of the class.
   */
  new (options?: AdapterOptions): DefinedAdapter<M[number]>;
  /** The models that were given. */
  readonly models: readonly ModelClass[];
  /** The names of the models at which diffs begin. */
  readonly topLevel: readonly string[];
  /** The type of the adapters of this class. Default: the name of the class. */
  readonly type?: string;
}

/** Makes what the store has returned the adapter's own: a newer adapter of its class and name may serve the store by now. */
function owned<T>(adapter: Adapter, obj: T): T {
  if (adapter.store.adapter !== adapter && obj instanceof DiffSyncModel) bindFor(adapter.store, adapter, obj);
  return obj;
}

function ownedAll<T>(adapter: Adapter, objs: T[]): T[] {
  if (adapter.store.adapter !== adapter) for (const obj of objs) owned(adapter, obj);
  return objs;
}

function ownedFirst<T>(adapter: Adapter, result: [obj: T, created: boolean]): [obj: T, created: boolean] {
  owned(adapter, result[0]);
  return result;
}

/** Wraps `load` so that the store is flushed after it: links of children are written too, and a subclass need not care. */
function flushAfter(load: (...args: never[]) => Promise<unknown>): (...args: never[]) => Promise<unknown> {
  return async function (this: Adapter, ...args: never[]) {
    beginLoad(this);
    const work = async (): Promise<unknown> => {
      const result = await load.apply(this, args);
      await this.store.flush();
      return result;
    };
    return loadChannel.hasSubscribers ? traced(loadChannel, { adapter: this.name, reload: false }, work) : work();
  };
}
