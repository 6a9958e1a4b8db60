import { inspect } from 'node:util';
import { Diff } from '../diff/diff.js';
import type { ModelOperations } from '../diff/sync-outcome.js';
import { DiffClassMismatch, ModelDefinitionError, ObjectNotFound } from '../errors.js';
import { compareSides, type DiffOptions } from '../engine/compare/differ.js';
import type { Side } from '../engine/side.js';
import { checkStaleness } from '../engine/compare/staleness.js';
import type { SyncerOptions } from '../engine/apply/sync-options.js';
import { Syncer } from '../engine/apply/syncer.js';
import { DiffSyncFlags } from '../flags.js';
import { SILENT_LOGGER, type DiffSyncLogger } from '../logging/logger.js';
import { NestLogger } from '../logging/nest-logger.js';
import type { IdentifiersOf, ModelClass } from '../model/defined-model.js';
import { DiffSyncModel, parseModel } from '../model/diffsync-model.js';
import { omitDefaults } from '../model/schema-defaults.js';
import type { BaseStore } from '../store/base-store.js';
import type { AttrsOf, IdentifierOf, ModelRef, ObjectOf } from '../store/model-ref.js';
import { LocalStore } from '../store/local/local.store.js';
import { traversal, traversalText, type Traversal } from './tree-traversal.js';

export interface AdapterOptions {
  /** Serves this adapter alone. Default: a LocalStore. */
  readonly store?: BaseStore | undefined;
  /** Default: the class name. */
  readonly name?: string | undefined;
  /** Default: the store's logger, else Nest's at the verbosity of `enableConsoleLogging`. */
  readonly logger?: DiffSyncLogger | undefined;
}

export interface SyncOptions extends DiffOptions, SyncerOptions {
  /** A diff made before, used as it is, even when empty. Default: a new one. */
  readonly diff?: Diff;
  /** Uses a diff that was loaded from a plan even if a side has changed since. Default: false. */
  readonly allowStale?: boolean;
  /** Compares again afterwards; what did not settle is then the diff's `unsettled`. Default: false. */
  readonly verify?: boolean;
}

/** Model name -> unique id -> fields, `modelFlags` among them where they matter. */
export type AdapterDict = Record<string, Record<string, Readonly<Record<string, unknown>>>>;

/**
 * One system's inventory: loads objects into a store, and compares and synchronises them with another adapter's. Extend it,
 * list the models, and override `load`. Source of the behaviour: the reference's `Adapter`.
 */
export abstract class Adapter implements Side {
  /** Every model that this adapter may hold. */
  static readonly models: readonly ModelClass[] = [];
  /** Model names at which diffs begin, in their order; all else is reached as children. */
  static readonly topLevel: readonly string[] = [];

  readonly type: string;
  readonly name: string;
  readonly store: BaseStore;
  readonly logger: DiffSyncLogger;
  readonly modelClasses: ReadonlyMap<string, ModelClass>;

  /** @throws ModelDefinitionError when `models` and `topLevel` do not fit; ObjectStoreException when the store serves another adapter. */
  constructor(options: AdapterOptions = {}) {
    this.type = new.target.name;
    this.name = options.name ?? this.type;
    this.modelClasses = checkDeclarations(new.target);
    this.store = options.store ?? new LocalStore();
    const inherited = this.store.logger === SILENT_LOGGER ? undefined : this.store.logger;
    this.logger = options.logger ?? inherited ?? new NestLogger(this.name);
    this.store.bindAdapter(this, [...this.modelClasses.values()], this.logger);
    this.load = saveAfter(this.load, this.store);
  }

  get topLevel(): readonly string[] {
    return (this.constructor as typeof Adapter).topLevel;
  }

  /** Loads the system's objects into the store. Override it; what it added is stored when its promise settles. */
  async load(): Promise<void> {}

  // ---- Diff and sync

  /** What it takes to make this adapter equal to `source`. */
  async diffFrom(source: Adapter, options: DiffOptions = {}): Promise<Diff> {
    const { diffClass = Diff } = options;
    return compareSides(source, this, options, new diffClass(), diffClass);
  }

  /** What it takes to make `target` equal to this adapter. */
  async diffTo(target: Adapter, options: DiffOptions = {}): Promise<Diff> {
    return target.diffFrom(this, options);
  }

  /**
   * Makes this adapter equal to `source`, and answers the diff that said how. Saved when it settles.
   * @throws DiffClassMismatch when `diff` is no instance of `diffClass`, before anything happens.
   * @throws ObjectCrudException of a hook, without CONTINUE_ON_FAILURE; SyncHookError for any other error of a hook. What
   * was done before is saved.
   */
  async syncFrom(source: Adapter, options: SyncOptions = {}): Promise<Diff> {
    const { diffClass = Diff, flags = DiffSyncFlags.NONE } = options;
    const given = options.diff?.constructor.name;
    if (given !== undefined && !(options.diff instanceof diffClass)) {
      throw new DiffClassMismatch(
        `The provided diff's class (${given}) does not match the diff_class: ${diffClass.name}`,
      );
    }
    if (options.diff?.isPlan === true && options.allowStale !== true) {
      await checkStaleness(options.diff, source, this, options);
    }
    const diff = options.diff ?? (await this.diffFrom(source, options));
    const changed = await new Syncer(diff, this, options).perform();
    if (changed) await this.syncComplete(source, diff, flags, this.logger, diff.operations);
    if (options.verify === true) await this.reportUnsettled(source, diff, options);
    return diff;
  }

  /** Makes `target` equal to this adapter. As `target.syncFrom(this)`. */
  async syncTo(target: Adapter, options: SyncOptions = {}): Promise<Diff> {
    return target.syncFrom(this, options);
  }

  /** Called after a sync that changed something in this adapter. Override it, for example to commit to the system at once. */
  async syncComplete(
    source: Adapter,
    diff: Diff,
    flags: DiffSyncFlags,
    logger: DiffSyncLogger,
    operations: ReadonlyMap<string, ModelOperations>,
  ): Promise<void> {
    void [source, diff, flags, logger, operations];
  }

  private async reportUnsettled(source: Adapter, diff: Diff, options: SyncOptions): Promise<void> {
    const { onProgress: _, ...terms } = options;
    const again = await this.diffFrom(source, terms);
    diff.unsettled = again.hasDiffs() ? again : undefined;
    if (diff.unsettled === undefined) return;
    const summary = { ...again.summary() };
    this.logger.warning(`The sync from ${source.name} has left differences in ${this.name}`, { summary });
  }

  // ---- Objects

  /** @throws ObjectNotFound */
  async get<R extends ModelRef>(model: R, identifier: IdentifierOf<R>): Promise<ObjectOf<R>> {
    return this.store.get({ model, identifier });
  }

  async getOrNone<R extends ModelRef>(model: R, identifier: IdentifierOf<R>): Promise<ObjectOf<R> | null> {
    try {
      return await this.store.get({ model, identifier });
    } catch (error) {
      if (error instanceof ObjectNotFound) return null;
      throw error;
    }
  }

  /** In insertion order. */
  async getAll<R extends ModelRef>(model: R): Promise<ObjectOf<R>[]> {
    return this.store.getAll({ model });
  }

  /** In the order of `uids`. @throws ObjectNotFound */
  async getByUids<R extends ModelRef>(uids: readonly string[], model: R): Promise<ObjectOf<R>[]> {
    return this.store.getByUids({ uids, model });
  }

  async getAllModelNames(): Promise<string[]> {
    return this.store.getAllModelNames();
  }

  /**
   * @param options.parent the object of this adapter under which it is linked, unless it is already.
   * @throws ObjectAlreadyExists when a different object has the unique id.
   * @throws ObjectStoreWrongType when the parent has no field for such children, before anything is stored.
   */
  async add(obj: DiffSyncModel, { parent }: { readonly parent?: DiffSyncModel } = {}): Promise<void> {
    if (parent === undefined) return this.store.add({ obj });
    const linked = parent.hasChild(obj);
    await this.store.add({ obj });
    if (!linked) parent.addChild(obj);
  }

  /** As `add` for each, many at a time. */
  async addMany(objs: Iterable<DiffSyncModel>): Promise<void> {
    return this.store.addMany({ objs });
  }

  async update(obj: DiffSyncModel): Promise<void> {
    return this.store.update({ obj });
  }

  /** @throws ObjectNotFound */
  async remove(obj: DiffSyncModel, removeChildren = false): Promise<void> {
    return this.store.remove({ obj, removeChildren });
  }

  async count(model?: ModelRef): Promise<number> {
    return this.store.count(model === undefined ? {} : { model });
  }

  async getOrInstantiate<C extends ModelClass>(
    model: C,
    ids: IdentifiersOf<C>,
    attrs?: AttrsOf<C>,
  ): Promise<[obj: InstanceType<C>, created: boolean]> {
    return this.store.getOrInstantiate({ model, ids, ...(attrs === undefined ? {} : { attrs }) });
  }

  async getOrAddModelInstance<M extends DiffSyncModel>(obj: M): Promise<[obj: M, created: boolean]> {
    return this.store.getOrAddModelInstance(obj);
  }

  async updateOrInstantiate<C extends ModelClass>(
    model: C,
    ids: IdentifiersOf<C>,
    attrs: AttrsOf<C>,
  ): Promise<[obj: InstanceType<C>, created: boolean]> {
    return this.store.updateOrInstantiate({ model, ids, attrs });
  }

  async updateOrAddModelInstance<M extends DiffSyncModel>(obj: M): Promise<[obj: M, created: boolean]> {
    return this.store.updateOrAddModelInstance(obj);
  }

  // ---- Other forms

  /**
   * `{ <model>: { <unique id>: fields } }`, for `loadFromDict`.
   * @param options.excludeDefaults leave out what the schema fills in by itself, and default flags. Default true.
   */
  async toDict(options: { readonly excludeDefaults?: boolean } = {}): Promise<AdapterDict> {
    const { excludeDefaults = true } = options;
    const models: [string, AdapterDict[string]][] = [];
    for (const model of await this.store.getAllModelNames()) {
      const objects: [string, Readonly<Record<string, unknown>>][] = [];
      for await (const obj of this.store.iterate({ model })) {
        const { modelFlags } = obj;
        const fields = excludeDefaults ? await omitDefaults(obj, obj.toDict()) : { ...obj.toDict(), modelFlags };
        objects.push([obj.getUniqueId(), fields]);
      }
      // Entries, for a unique id such as "__proto__" is an ordinary key here.
      models.push([model, Object.fromEntries(objects)]);
    }
    return Object.fromEntries(models);
  }

  /**
   * The reverse of `toDict`: top-level models first, the others by name; unknown models and the unique ids are ignored.
   * @throws ModelValidationError or ObjectAlreadyExists for the first object that cannot be loaded; those before it are.
   */
  async loadFromDict(data: Readonly<Record<string, Readonly<Record<string, object>>>>): Promise<void> {
    for (const name of traversalOrder(this.topLevel, this.modelClasses)) {
      if (!Object.hasOwn(data, name)) continue;
      await this.loadModel(this.modelClasses.get(name) as ModelClass, Object.values(data[name] ?? {}));
    }
  }

  private async loadModel(model: ModelClass, all: readonly object[]): Promise<void> {
    const waiting = new Map<string, DiffSyncModel>();
    const save = async (): Promise<void> => {
      const objs = [...waiting.values()];
      waiting.clear();
      await this.store.addMany({ objs });
    };
    try {
      for (const fields of all) {
        const { modelFlags, ...input } = fields as { modelFlags?: number };
        const obj = await parseModel(model, input);
        if (modelFlags !== undefined) obj.modelFlags = modelFlags;
        const uid = obj.getUniqueId();
        if (waiting.has(uid)) {
          await save();
          await this.store.add({ obj });
        } else waiting.set(uid, obj);
      }
    } finally {
      await save();
    }
  }

  /** How a diff walks the models: a drawn tree, or with `asDict` nested objects. */
  getTreeTraversal(): string;
  getTreeTraversal(asDict: false): string;
  getTreeTraversal(asDict: true): Traversal;
  getTreeTraversal(asDict = false): string | Traversal {
    const tree = traversal(traversalOrder(this.topLevel, this.modelClasses), this.modelClasses);
    return asDict ? tree : traversalText(this.type, tree);
  }

  /** A detailed text of all objects that a diff would reach. */
  async str(indent = 0): Promise<string> {
    const lines: string[] = [];
    for (const model of this.topLevel) {
      const objects = await this.store.getAll({ model });
      lines.push(`${' '.repeat(indent)}${model}${objects.length === 0 ? ': []' : ''}`);
      for (const obj of objects) lines.push(await obj.str(true, indent + 2));
    }
    return lines.join('\n');
  }

  /** The type, and the name where it is another: `NetworkAdapter "lab"`. */
  toString(): string {
    return this.type === this.name ? this.type : `${this.type} "${this.name}"`;
  }

  [inspect.custom](): string {
    return `<${this.toString()}>`;
  }
}

/** Children linked in `load` are in the store when `load` settles, for other processes too; a subclass need not see to it. */
function saveAfter(load: () => Promise<void>, store: BaseStore): () => Promise<void> {
  return async function (this: Adapter) {
    await load.call(this);
    await store.flush();
  };
}

function checkDeclarations(adapter: typeof Adapter): ReadonlyMap<string, ModelClass> {
  const models = new Map<string, ModelClass>();
  for (const model of adapter.models) {
    if (typeof model !== 'function' || !(model.prototype instanceof DiffSyncModel)) {
      throw new ModelDefinitionError(`${adapter.name}.models holds ${inspect(model)}, which is no model class`);
    }
    if (models.has(model.modelName)) {
      throw new ModelDefinitionError(`${adapter.name}.models has two models named "${model.modelName}"`);
    }
    models.set(model.modelName, model);
  }
  for (const { modelName, definition } of models.values()) {
    const wrong = definition.dependsOn.find((name) => !models.has(name));
    if (wrong !== undefined) {
      throw new ModelDefinitionError(
        `model ${modelName}: dependsOn names "${wrong}", which is no model in ${adapter.name}.models`,
      );
    }
  }
  for (const name of adapter.topLevel) {
    if (!models.has(name)) {
      throw new ModelDefinitionError(
        `${adapter.name}.topLevel names "${name}", which is no model in ${adapter.name}.models`,
      );
    }
  }
  return models;
}

function traversalOrder(topLevel: readonly string[], models: ReadonlyMap<string, ModelClass>): string[] {
  return [...new Set([...topLevel, ...[...models.keys()].toSorted()])];
}
