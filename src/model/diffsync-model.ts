import { textOfAsync } from '../values/bounded-text.js';
import { markCopy } from '../values/package-copy.js';
import { inspect } from 'node:util';
import { ModelDefinitionError, ObjectAlreadyExists, ObjectNotFound, type ObjectCrudException } from '../errors.js';
import { DiffSyncStatus, type DiffSyncModelFlags } from '../flags.js';
import { ChildIndex } from './child-index.js';
import { usesDefaultUniqueId } from './class-inspection.js';
import { checkIdentifiers, completeModel, hydrateModel, initialiseFields, parseModel } from './construction.js';
import {
  createDefinition,
  variantOptions,
  type AnyDefineOptions,
  type DefineOptions,
  type ModelDefinition,
} from './model-definition.js';
import { describeModel, shownObjects } from './describe-model.js';
import { withoutAbsent } from './parse-fields.js';
import { isParsed, markParsed } from './parsed-values.js';
import { assignFields, childListFor, copyFields, definitionOf, fieldNames, fieldOf } from './model-fields.js';
import type {
  FieldOf,
  FieldsOf,
  InputOf,
  KnownNames,
  ListOf,
  ModelSchema,
  NamesIn,
  OutputOf,
  Refused,
  SomeFieldsOf,
  Sparse,
} from './declared-fields.js';
import type { ModelConstructor } from './model-types.js';
import { joinIdentifiers, joinStringIdentifiers } from './unique-id.js';

declare module '../errors.js' {
  interface ObjectAlreadyExists {
    /** The object that is stored or linked already. */
    readonly existingObject?: DiffSyncModel;
  }
}

/** What saves the child links of stored objects. Is called before every change to the child lists of an object. */
export interface ChildLinkRecorder {
  recordChildLink(parent: DiffSyncModel, field: string, childUid: string, linked: boolean): void;
}

/** Sets or clears the adapter and the recorder of child links. For stores: an object belongs to at most one adapter. */
export let bindModel: (
  model: DiffSyncModel,
  adapter: ModelHost | undefined,
  links: ChildLinkRecorder | undefined,
) => void;

/**
 * Adds a unique id to a child list of a model, or takes it out, as `addChild` and `removeChild` do. For the engine's links.
 * @returns whether the list has changed.
 */
export let setListed: (model: DiffSyncModel, field: string, list: string[], uid: string, listed: boolean) => boolean;

/**
 * Takes a unique id out of a child list of a model; the list itself has it until `settleLists`, so that many can be taken out of a
 * long one. For the engine's links.
 * @returns whether the list had it.
 */
export let unlistLater: (model: DiffSyncModel, field: string, list: string[], uid: string) => boolean;

/** Takes out of the child lists of a model what `unlistLater` was called for. */
export let settleLists: (model: DiffSyncModel) => void;

/**
 * One object of an inventory. A model is a class that extends `DiffSyncModel.define(…)`; the fields of its objects are
 * those of its schema. Source of the behaviour: the reference's `DiffSyncModel`.
 *
 * @example
 * ```ts
 * class Device extends DiffSyncModel.define({
 *   name: 'device',
 *   schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
 *   identifiers: ['name'],
 *   attributes: ['role'],
 * }) {}
 *
 * const device = new Device({ name: 'r1' });
 * device.role; // 'leaf'
 * device.getUniqueId(); // 'r1'
 * ```
 */
export abstract class DiffSyncModel<
  Ids extends Record<string, unknown> = Record<string, unknown>,
  Attrs extends Record<string, unknown> = Record<string, unknown>,
  Name extends string = string,
  Fields = Record<string, unknown>,
> {
  /** The declarations of the model, checked. */
  static readonly definition: ModelDefinition;

  /** How diffs and syncs treat this object. Every store keeps them. Default: those of the definition, else NONE. */
  modelFlags: DiffSyncModelFlags;

  #status = DiffSyncStatus.SUCCESS;
  #statusMessage = '';
  #adapter: ModelHost | undefined;
  #links: ChildLinkRecorder | undefined;
  /** Field -> the index of the child list seen last. */
  #childIndexes: Map<string, ChildIndex> | undefined;

  static {
    markCopy(this);
    bindModel = (model, adapter, links) => {
      model.#adapter = adapter;
      model.#links = links;
    };
    setListed = (model, field, list, uid, listed) => model.#setListed(field, list, uid, listed);
    unlistLater = (model, field, list, uid) => {
      const index = model.#indexOf(field, list);
      if (!index.has(uid)) return false;
      model.#links?.recordChildLink(model, field, uid, false);
      index.removeLater(uid);
      return true;
    };
    settleLists = (model) => {
      for (const index of model.#childIndexes?.values() ?? []) index.settle();
    };
  }

  /**
   * Validates the input and sets the fields of the object.
   * @param input - what the schema takes.
   * @throws {@link ModelValidationError} (MODEL_VALIDATION) when the schema refuses the input.
   * @throws {@link ModelDefinitionError} (MODEL_DEFINITION) when the schema is asynchronous (use `parse`), or the class body
   * declares a field of the schema again.
   */
  constructor(input: unknown) {
    const model = new.target as unknown as ModelConstructor;
    const definition = model.definition as ModelDefinition | undefined;
    if (definition === undefined) {
      throw new ModelDefinitionError(`${model.name}: extend DiffSyncModel.define({ … }), not DiffSyncModel itself`);
    }
    this.modelFlags = definition.modelFlags;
    initialiseFields(this, model, input);
  }

  /**
   * Declares a model and returns its class, for a class of your own to extend.
   * @param options - the name of the model, its schema, and the role of each field.
   * @returns the class; the type of its instances has the fields of the schema's output.
   * @throws {@link ModelDefinitionError} (MODEL_DEFINITION) for a wrong declaration, naming model and field.
   * @example
   * ```ts
   * class Interface extends DiffSyncModel.define({
   *   name: 'interface',
   *   schema: z.object({ device: z.string(), name: z.string(), speed: z.number() }),
   *   identifiers: ['device', 'name'],
   *   attributes: ['speed'],
   * }) {}
   * ```
   */
  static define<
    const Name extends string,
    S extends ModelSchema,
    const I extends readonly string[],
    const A extends readonly string[] = readonly [],
    const C extends Readonly<Record<string, string>> = {},
  >(options: DefineOptions<Name, S, I, A, C>): DefinedModel<Name, S, I, A, C, OutputOf<S>> {
    const definition = createDefinition(options as AnyDefineOptions, DiffSyncModel.prototype);
    const model = class extends DiffSyncModel {
      static override readonly definition = definition;
    };
    Object.defineProperty(model, 'name', { value: definition.name });
    return model as unknown as DefinedModel<Name, S, I, A, C, OutputOf<S>>;
  }

  /**
   * Declares a model by the definition of this one, with some options replaced: for a system that knows more attributes of the
   * same objects, or fewer. `compare` and `secret` are kept for the attributes that stay. The class is a new one, as that of `define`; methods
   * and hooks of this class are not part of it.
   * @param options - what is different.
   * @returns the class, for a class of your own to extend.
   * @throws {@link ModelDefinitionError} (MODEL_DEFINITION) for a wrong declaration, naming model and field.
   * @example
   * ```ts
   * class CmdbDevice extends Device.variant({ attributes: ['role', 'serial'] }) {}
   * ```
   */
  static variant(options: object): typeof DiffSyncModel {
    return DiffSyncModel.define(variantOptions(this.definition, options) as never) as unknown as typeof DiffSyncModel;
  }

  /** The name of the model, as given to `define`. */
  static get modelName(): string {
    return this.definition.name;
  }

  /** @returns the name of the model. */
  static getType(): string {
    return this.definition.name;
  }

  /** @returns the fields that list children: child model name -> field. */
  static getChildrenMapping(): Readonly<Record<string, string>> {
    return this.definition.children;
  }

  /**
   * Joins the values of the identifiers with `__` to a unique id, in the order of the definition.
   * @param ids - identifier -> value; other keys are ignored.
   * @returns the unique id.
   * @throws {@link ValueError} (VALUE_ERROR) when an identifier is missing, or is no string, number, boolean or bigint.
   */
  static createUniqueId(ids: object): string {
    return joinIdentifiers(this.definition.name, this.definition.identifiers, ids);
  }

  /**
   * Platform hook of a sync: creates the object in the outside world. The default creates only the model. It validates the
   * identifiers and attributes; those of a source's object of the same schema are valid and stay as they are. The model has its
   * adapter at once.
   * @param context - the target's adapter, the identifiers and the attributes; other fields of the schema may be among these.
   * @returns the model; null for "failed, leave the children alone".
   * @throws {@link ObjectNotCreated} (OBJECT_NOT_CREATED) in an override, for a failure that CONTINUE_ON_FAILURE may pass over.
   */
  static async create({ adapter, ids, attrs }: CreateContext): Promise<DiffSyncModel | null> {
    // Spreading both into one takes twenty times as long.
    const fields = Object.assign({}, ids, attrs);
    // What the source's schema has put out is not given to the same schema again: a transform would be applied twice.
    const isOutput = isParsed(ids, this.definition.schema);
    const model = isOutput
      ? completeModel(modelOf(this), fields)
      : await parseModel(modelOf(this), withoutAbsent(this.definition, fields));
    // Its child links are recorded once it is stored.
    bindModel(model, adapter, undefined);
    model.setStatus(DiffSyncStatus.SUCCESS, 'Created successfully');
    return model;
  }

  /**
   * Creates an object of fields that the schema has put out before, without validation.
   * @param fields - field -> value; the object gets these values themselves, but copies of child lists.
   * @returns the object, with the model's default flags.
   * @throws {@link ModelValidationError} (MODEL_VALIDATION) when an identifier is no string, number, boolean or bigint.
   */
  static hydrate<M>(this: new (input: never) => M, fields: object): M {
    const model = modelOf(this);
    checkIdentifiers(model.definition, fields as Record<string, unknown>);
    return hydrateModel(model, { ...fields }) as M;
  }

  /**
   * Validates input and creates an object of it, also with an asynchronous schema.
   * @param input - what the schema takes.
   * @returns the object.
   * @throws {@link ModelValidationError} (MODEL_VALIDATION) when the schema refuses the input.
   */
  static async parse<M>(this: new (input: never) => M, input: unknown): Promise<M> {
    return (await parseModel(modelOf(this), input)) as M;
  }

  /** The adapter whose store holds this object; undefined for an object of no adapter. */
  get adapter(): ModelHost | undefined {
    return this.#adapter;
  }

  /**
   * Platform hook of a sync: changes the object in the outside world. The default sets the attributes, without validation.
   * @param attrs - the attributes to change, with their new values.
   * @param _context - what names this change. A sync always passes it; your own code need not.
   * @returns the object; null for "failed, leave the children alone".
   * @throws {@link ObjectNotUpdated} (OBJECT_NOT_UPDATED) in an override, for a failure that CONTINUE_ON_FAILURE may pass over.
   */
  async update(attrs: Partial<Attrs>, _context?: HookContext): Promise<this | null> {
    assignFields(this, attrs);
    this.setStatus(DiffSyncStatus.SUCCESS, 'Updated successfully');
    return this;
  }

  /**
   * Platform hook of a sync: deletes the object from the outside world. The default only sets the status.
   * @param _context - what names this change. A sync always passes it; your own code need not.
   * @returns the object; null for "failed, leave the children alone".
   * @throws {@link ObjectNotDeleted} (OBJECT_NOT_DELETED) in an override, for a failure that CONTINUE_ON_FAILURE may pass over.
   */
  async delete(_context?: HookContext): Promise<this | null> {
    this.setStatus(DiffSyncStatus.SUCCESS, 'Deleted successfully');
    return this;
  }

  /**
   * Platform hook of a sync: links a child that is also below another parent. The default does nothing; the sync saves the link.
   * @param _child - the object to link; the target has it.
   */
  async linkChild(_child: DiffSyncModel): Promise<void> {}

  /** Platform hook of a sync: unlinks a child that stays below another parent or is deleted next. The default does nothing. */
  async unlinkChild(_child: DiffSyncModel): Promise<void> {}

  /** @returns the name of the model. */
  getType(): Name {
    return definitionOf(this).name as Name;
  }

  /**
   * Returns the unique id: the values of the identifiers, joined with `__`; unique among the model's objects in one store.
   * @throws {@link ValueError} (VALUE_ERROR) when an identifier is missing, or is no string, number, boolean or bigint.
   */
  getUniqueId(): string {
    const model = this.constructor as unknown as ModelConstructor;
    const isDefault =
      usesDefaultUniqueId(model, DiffSyncModel) && this.getIdentifiers === DiffSyncModel.prototype.getIdentifiers;
    // This runs for every object and every link: string identifiers, as most are, are joined without a copy.
    if (!isDefault) return model.createUniqueId(this.getIdentifiers() as never);
    const { name, identifiers } = model.definition;
    return joinStringIdentifiers(identifiers, this) ?? joinIdentifiers(name, identifiers, this);
  }

  /** @returns a copy of the identifiers, in the order of the definition. */
  getIdentifiers(): Ids {
    const { identifiers, schema } = definitionOf(this);
    return markParsed(copyFields(this, identifiers), schema) as Ids;
  }

  /** @returns a copy of the attributes that the object has, in the order of the definition. */
  getAttrs(): Attrs {
    return copyFields(this, definitionOf(this).attributes) as Attrs;
  }

  /** @returns the shortname's fields joined with `__`; the unique id where the definition has no shortname. */
  getShortname(): string {
    const { shortname } = definitionOf(this);
    return shortname.length === 0
      ? this.getUniqueId()
      : shortname.map((field) => String(fieldOf(this, field))).join('__');
  }

  /** @returns the fields that list children: child model name -> field. */
  getChildrenMapping(): Readonly<Record<string, string>> {
    return definitionOf(this).children;
  }

  /** @returns status and message of the last create, update or delete; a sync's statuses are on its diff's elements. */
  getStatus(): readonly [status: DiffSyncStatus, message: string] {
    return [this.#status, this.#statusMessage];
  }

  /**
   * Sets the status of the object, for hooks that report more than success.
   * @param message - a sentence for people. Default: empty.
   */
  setStatus(status: DiffSyncStatus, message = ''): void {
    this.#status = status;
    this.#statusMessage = message;
  }

  /**
   * Returns whether the child list holds the unique id of a child.
   * @param child - the object to look for, by its model and unique id.
   * @throws {@link ObjectStoreWrongType} (OBJECT_STORE_WRONG_TYPE) when this model has no field for such children.
   */
  hasChild(child: DiffSyncModel): boolean {
    const [field, list] = childListFor(this, child, 'store');
    return this.#indexOf(field, list).has(child.getUniqueId());
  }

  /**
   * Links a child by its unique id; the child is not stored. If this object belongs to an adapter, the store saves the link.
   * @param child - the object to link.
   * @throws {@link ObjectStoreWrongType} (OBJECT_STORE_WRONG_TYPE) when this model has no field for such children.
   * @throws {@link ObjectAlreadyExists} (OBJECT_ALREADY_EXISTS) when the child is linked already.
   * @example
   * ```ts
   * await adapter.addMany([site, device]);
   * site.addChild(device);
   * ```
   */
  addChild(child: DiffSyncModel): void {
    const [field, list] = childListFor(this, child, 'store');
    const uid = child.getUniqueId();
    if (this.#setListed(field, list, uid, true)) return;
    throw new ObjectAlreadyExists(`Already storing a ${child.getType()} with unique_id ${uid}`, child);
  }

  /**
   * Unlinks a child. The child itself stays stored. When this object belongs to an adapter, the store saves the change.
   * @param child - the object to unlink.
   * @throws {@link ObjectStoreWrongType} (OBJECT_STORE_WRONG_TYPE) when this model has no field for such children.
   * @throws {@link ObjectNotFound} (OBJECT_NOT_FOUND) when the child is not linked.
   */
  removeChild(child: DiffSyncModel): void {
    const [field, list] = childListFor(this, child, 'find and delete');
    const uid = child.getUniqueId();
    if (this.#setListed(field, list, uid, false)) return;
    throw new ObjectNotFound(`${uid} was not found as a child in ${field}`);
  }

  /** @returns a copy of all fields, with `modelFlags` where they are not the model's default. */
  toDict(): Dict<Fields> {
    const dict = copyFields(this, fieldNames(this));
    if (this.modelFlags !== definitionOf(this).modelFlags) dict['modelFlags'] = this.modelFlags;
    return dict as Dict<Fields>;
  }

  /** @returns `toDict()`; `JSON.stringify` calls this. */
  toJSON(): Dict<Fields> {
    return this.toDict();
  }

  /** @returns the unique id. */
  toString(): string {
    return this.getUniqueId();
  }

  /** @returns model and unique id; `console.log` and `util.inspect` call this. */
  [inspect.custom](): string {
    return `${this.getType()} "${this.getUniqueId()}"`;
  }

  /**
   * Returns a text of several lines about the object, with the children below it where the object belongs to an adapter: each
   * once, whatever lists it. A text of more than 33,554,432 characters is cut, and says so.
   * @param includeChildren - whether children are described too, or only their unique ids. Default: true.
   * @param indent - spaces at the start of each line. Default: 0.
   */
  async str(includeChildren = true, indent = 0): Promise<string> {
    const { str } = DiffSyncModel.prototype;
    const description = { adapter: this.#adapter, includeChildren, str, shown: shownObjects() };
    return textOfAsync(describeModel(this, description, indent), "the adapter's lines()");
  }

  #setListed(field: string, list: string[], uid: string, listed: boolean): boolean {
    const index = this.#indexOf(field, list);
    if (index.has(uid) === listed) return false;
    this.#links?.recordChildLink(this, field, uid, listed);
    if (listed) index.add(uid);
    else index.remove(uid);
    return true;
  }

  #indexOf(field: string, list: string[]): ChildIndex {
    let index = this.#childIndexes?.get(field);
    if (index?.list !== list) (this.#childIndexes ??= new Map()).set(field, (index = new ChildIndex(list)));
    return index;
  }
}

/** The fields of an object as plain values, with `modelFlags` where they are not the model's default. */
export type Dict<Fields> = Fields & { readonly modelFlags?: DiffSyncModelFlags };

function modelOf(owner: unknown): ModelConstructor<DiffSyncModel> {
  return owner as ModelConstructor<DiffSyncModel>;
}

/** What a model may know of the adapter it belongs to. Narrow it to your own adapter class in your hooks. */
export interface ModelHost {
  /** The name of the adapter's class. */
  readonly type: string;
  /** The name of the adapter; the class's name unless another was given. */
  readonly name: string;
  /** The names of the models whose objects need no parent. Default: not known, so that `verify` finds no unlisted objects. */
  readonly topLevel?: readonly string[];
  /** Reads an object by the name of its model and its unique id; resolves to null where the adapter has no such object. */
  getOrNone(model: string, identifier: string): Promise<DiffSyncModel | null>;
}

/**
 * An adapter as hooks may name it: your own class, or `ModelHost` as it is. What no adapter class has cannot be counted on, because
 * a sync passes the adapter that is the target.
 */
export type HostOf<Host> = ModelHost extends Host
  ? unknown
  : Host extends { readonly modelClasses: object }
    ? unknown
    : Refused<'a hook gets an adapter: name your class that extends Adapter'>;

/** What a hook knows of the change that it makes. */
export interface HookContext {
  /**
   * Names the change: 32 hexadecimal digits, the same whenever a run makes this change to this object, and for no other one. A hook may
   * be called again for a change that was made but not recorded, because its process was killed: an outside world that takes such a
   * key (the header `Idempotency-Key`, a column with a unique index) makes it once. The values need not be the same, where the source was
   * loaded again in between.
   */
  readonly idempotencyKey: string;
}

/** One object of the hook `createBulk`. */
export interface CreateItem<Ids = Record<string, unknown>, Attrs = Record<string, unknown>> extends HookContext {
  /** Identifier -> value. */
  readonly ids: Ids;
  /** The attributes that the source has: any may be missing or undefined. */
  readonly attrs: Sparse<Attrs>;
}

/** What the hook `create` is called with. */
export interface CreateContext<
  Ids = Record<string, unknown>,
  Attrs = Record<string, unknown>,
  Host extends HostOf<Host> = ModelHost,
> extends Omit<CreateItem<Ids, Attrs>, keyof HookContext> {
  /** The adapter of the target. */
  readonly adapter: Host;
  /** See {@link HookContext}. A sync always passes it; your own code, which may call the hook, need not. */
  readonly idempotencyKey?: string | undefined;
}

/** What a bulk hook returns for each object: the model, null for "failed", or the error of this object. */
export type BulkResult<M = DiffSyncModel> = M | ObjectCrudException | null;

/** What a bulk hook is called with. */
export interface BulkContext<Item, Host extends HostOf<Host> = ModelHost> {
  /** The adapter of the target. */
  readonly adapter: Host;
  /** Objects of one model with the same action, in the diff's order. */
  readonly objects: readonly Item[];
}

/** One object of the hook `updateBulk`. */
export interface UpdateItem<M = DiffSyncModel, Attrs = Record<string, unknown>> extends HookContext {
  /** The target's object, not changed yet. */
  readonly model: M;
  /** The attributes to set, which need not be all. */
  readonly attrs: Partial<Attrs>;
}

/** One object of the hook `deleteBulk`: the target's object. */
export type DeleteItem<M = DiffSyncModel> = Pick<UpdateItem<M>, 'model' | keyof HookContext>;

/**
 * Optional hooks of a sync, called instead of the single ones with up to `batchSize` objects. Each returns one result for
 * each object, in their order; null or an ObjectCrudException as the result refuses an object.
 */
export interface BulkHooks<Ids = Record<string, unknown>, Attrs = Record<string, unknown>, M = DiffSyncModel> {
  /** Creates objects in the outside world. */
  createBulk?(context: BulkContext<CreateItem<Ids, Attrs>>): Promise<readonly BulkResult<M>[]>;
  /** Changes objects in the outside world. */
  updateBulk?(context: BulkContext<UpdateItem<M, Attrs>>): Promise<readonly BulkResult<M>[]>;
  /** Deletes objects from the outside world. */
  deleteBulk?(context: BulkContext<DeleteItem<M>>): Promise<readonly BulkResult<M>[]>;
}

/** What a sync passes to a hook for one object, but for the adapter and the object, which the hook may narrow. */
export interface HookInput<Ids, Attrs> extends HookContext {
  readonly adapter: never;
  readonly model: never;
  readonly ids: Ids;
  readonly attrs: Attrs;
}

/** The hook that creates one object. `Fields` are what the hook of the base class takes: more than a sync passes. */
export interface CreateHook<Ids, Fields, M> {
  create(context: CreateContext<Ids, Fields>): Promise<M | null>;
}

/**
 * The hooks of a defined model. The compiler compares methods both ways, so that a hook may narrow the adapter to its own class,
 * and the objects to its own. What a sync passes is compared strictly besides, by functions that no adapter and no object fits: a
 * hook that relies on more identifiers or attributes than there are does not compile.
 */
export interface DefinedHooks<Ids, Attrs, Fields, M> {
  /**
   * Platform hook of a sync: creates the object in the outside world. The default validates `ids` and `attrs` as input.
   * @param context - the target's adapter, the identifiers, the attributes, and what names the change.
   * @returns the model; null for "failed, leave the children alone".
   * @throws {@link ObjectNotCreated} (OBJECT_NOT_CREATED) in an override, for a failure that CONTINUE_ON_FAILURE may pass over.
   */
  create: CreateHook<Ids, Fields, M>['create'] & ((context: HookInput<Ids, Attrs>) => Promise<M | null>);
  /** Creates objects in the outside world. */
  createBulk?: NonNullable<BulkHooks<Ids, Attrs, M>['createBulk']> &
    ((context: BulkContext<HookInput<Ids, Attrs>, never>) => Promise<readonly BulkResult<M>[]>);
  /** Changes objects in the outside world. */
  updateBulk?: NonNullable<BulkHooks<Ids, Attrs, M>['updateBulk']> &
    ((context: BulkContext<HookInput<Ids, Attrs>, never>) => Promise<readonly BulkResult<M>[]>);
  /** Deletes objects from the outside world. */
  deleteBulk?: NonNullable<BulkHooks<Ids, Attrs, M>['deleteBulk']>;
}

/** The adapter of an object; a model may declare it again as its own adapter's class. */
export interface OfAdapter {
  /** The adapter whose store holds this object; undefined for an object of no adapter. */
  readonly adapter: ModelHost | undefined;
}

/** An instance of a defined model: the schema's output fields, and the methods of DiffSyncModel typed by them. */
export type DefinedInstance<
  Name extends string,
  O,
  Ids extends string | readonly string[],
  Attrs extends string | readonly string[],
> = O & OfAdapter & DiffSyncModel<FieldsOf<O, NamesIn<Ids> & keyof O>, FieldsOf<O, NamesIn<Attrs> & keyof O>, Name, O>;

/** The declarations of a defined model, with the names that were given. */
export interface DefinitionOf<
  Name extends string,
  S extends ModelSchema,
  Ids extends readonly string[],
  Attrs extends readonly string[],
  Children extends Readonly<Record<string, string>>,
> extends ModelDefinition {
  readonly name: Name;
  readonly schema: S;
  readonly identifiers: Ids;
  readonly attributes: Attrs;
  readonly children: Children;
  readonly shortname: readonly FieldOf<S>[];
}

/** What `variant` may replace of a definition, for a model with the schema `S`. */
export type VariantOptions<
  Name extends string,
  S extends ModelSchema,
  I extends readonly string[],
  A extends readonly string[],
  C extends Readonly<Record<string, string>>,
  O = OutputOf<S>,
> = Partial<DefineOptions<Name, S, I, A, C, O>>;

/** The class that `DiffSyncModel.define` returns, for a class of your own to extend. */
export interface DefinedModel<
  Name extends string,
  S extends ModelSchema,
  Ids extends string | readonly string[],
  Attrs extends string | readonly string[] = never,
  Children extends Readonly<Record<string, string>> = {},
  O = OutputOf<S>,
> extends DefinedHooks<
  FieldsOf<O, NamesIn<Ids> & keyof O>,
  SomeFieldsOf<O, NamesIn<Attrs> & keyof O>,
  SomeFieldsOf<O, Exclude<keyof O, NamesIn<Ids>>>,
  DefinedInstance<Name, O, Ids, Attrs>
> {
  /**
   * Validates the input and creates an object of it.
   * @throws {@link ModelValidationError} (MODEL_VALIDATION) when the schema refuses the input.
   * @throws {@link ModelDefinitionError} (MODEL_DEFINITION) when the schema is asynchronous.
   */
  new (input: InputOf<S>): DefinedInstance<Name, O, Ids, Attrs>;
  readonly prototype: DefinedInstance<Name, O, Ids, Attrs>;
  /** For the compiler alone. */
  readonly '~types'?: {
    readonly name: Name;
    readonly input: InputOf<S>;
    readonly ids: FieldsOf<O, NamesIn<Ids> & keyof O>;
    readonly attrs: FieldsOf<O, NamesIn<Attrs> & keyof O>;
    readonly children: Children;
    readonly childName: KnownNames<keyof Children>;
  };
  /** The name of the model, as given to `define`. */
  readonly modelName: Name;
  /** The declarations of the model, checked. */
  readonly definition: DefinitionOf<Name, S, ListOf<Ids>, ListOf<Attrs>, Children>;
  /** Returns the name of the model. */
  getType(): Name;
  /** Returns the fields that list children: child model name -> field. */
  getChildrenMapping(): Children;
  /**
   * Joins the values of the identifiers with `__` to a unique id, in the order of the definition.
   * @throws {@link ValueError} (VALUE_ERROR) when an identifier is missing, or is no string, number, boolean or bigint.
   */
  createUniqueId(ids: FieldsOf<O, NamesIn<Ids> & keyof O>): string;
  /**
   * Creates an object of fields that the schema has put out before, without validation.
   * @param fields - all fields of the object; it gets these values themselves, but copies of child lists.
   * @throws {@link ModelValidationError} (MODEL_VALIDATION) when an identifier is no string, number, boolean or bigint.
   */
  hydrate<M>(this: new (input: never) => M, fields: O): M;
  /**
   * Validates input and creates an object of it, also with an asynchronous schema.
   * @param input - what the schema takes.
   * @throws {@link ModelValidationError} (MODEL_VALIDATION) when the schema refuses the input.
   */
  parse<M>(this: new (input: never) => M, input: InputOf<S>): Promise<M>;
  /**
   * Declares a model by the definition of this one, with some options replaced; `compare` and `secret` are kept for the
   * attributes that stay. Methods and hooks of this class are not part of it.
   * @param options - what is different.
   * @returns the class, for a class of your own to extend.
   * @throws {@link ModelDefinitionError} (MODEL_DEFINITION) for a wrong declaration, naming model and field.
   */
  variant<
    const N extends string = Name,
    S2 extends ModelSchema = S,
    const I extends readonly string[] = ListOf<Ids>,
    const A extends readonly string[] = ListOf<Attrs>,
    const C extends Readonly<Record<string, string>> = Children,
  >(
    options: VariantOptions<N, S2, I, A, C>,
  ): DefinedModel<N, S2, I, A, C, OutputOf<S2>>;
}
