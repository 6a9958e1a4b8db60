import { inspect } from 'node:util';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  ModelDefinitionError,
  ModelValidationError,
  ObjectAlreadyExists,
  ObjectNotFound,
  ObjectStoreWrongType,
} from '../errors.js';
import { DiffSyncModelFlags, DiffSyncStatus } from '../flags.js';
import { hasSameItems } from '../values/deep-equal.js';
import { pickFields } from '../values/clone.js';
import {
  checkDefinition,
  type AttributeComparison,
  type ModelDefinition,
  type ModelSchema,
  shortened,
} from './model-definition.js';
import type { DefinedModel, DefineOptions, FieldOf, ModelClass } from './defined-model.js';
import type { CreateContext, ModelHost } from './model-hooks.js';
import { joinIdentifiers, joinStringIdentifiers } from './unique-id.js';

/** Told of every change to a stored object's child lists, so that its store can save it. */
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
 * Data that needs no validation travels beside the constructor's argument and not in it, so that a subclass may have a
 * constructor of its own. Taken up by the first DiffSyncModel constructor that runs.
 */
let trusted: Trusted | undefined;

interface Trusted {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Names found not to be the class's own, so that they need not be looked for again with every object. */
  readonly free: Set<string>;
  /** Present for an object on accessors instead of values: told whenever a field is read or set. */
  readonly onUse?: (() => void) | undefined;
}

/** What its first uses told about a class. */
interface ClassFacts {
  /** Whether its constructor or initialisers set fields, so that those of a trusted object are set again after them. */
  ownFields: boolean;
  /** Fields that it sets itself, and that no validated object has had yet. */
  readonly suspects: Set<string>;
  /** As in `Trusted`. */
  readonly free: Set<string>;
}

const inspected = new WeakMap<object, ClassFacts>();
/** Class -> whether its objects hold what their records do. */
const faithful = new WeakMap<object, boolean>();

/** One object of an inventory. Source of the behaviour: the reference's `DiffSyncModel`. Made by `define`. */
export abstract class DiffSyncModel<
  Ids extends Record<string, unknown> = Record<string, unknown>,
  Attrs extends Record<string, unknown> = Record<string, unknown>,
> {
  static readonly definition: ModelDefinition;

  /** Behaviour of this object in diffs and syncs; kept by every store. */
  modelFlags: DiffSyncModelFlags;

  #status = DiffSyncStatus.SUCCESS;
  #statusMessage = '';
  #adapter: ModelHost | undefined;
  #links: ChildLinkRecorder | undefined;
  /** The child lists seen last, for look-ups that do not walk the list. */
  #childSets: Map<string, { list: readonly string[]; uids: Set<string> }> | undefined;

  static {
    bindModel = (model, adapter, links) => {
      model.#adapter = adapter;
      model.#links = links;
    };
  }

  constructor(input: unknown) {
    const definition = (new.target as unknown as ModelClass).definition as ModelDefinition | undefined;
    if (definition === undefined) {
      throw new ModelDefinitionError(
        `${new.target.name}: extend DiffSyncModel.define({ … }), not DiffSyncModel itself`,
      );
    }
    this.modelFlags = definition.modelFlags;
    const given = trusted;
    trusted = undefined;
    if (given === undefined) {
      const fields = validated(definition, new.target.name, input);
      setTrusted(this, fields, inspectClass(new.target as unknown as ModelClass, fields, true).free);
    } else if (given.onUse !== undefined) {
      defineProbes(this, given.fields, given.onUse);
    } else {
      setTrusted(this, given.fields, given.free);
    }
  }

  /** Declares a model. Wrong declarations fail here, naming model and field. @throws ModelDefinitionError */
  static define<
    const Name extends string,
    S extends ModelSchema,
    const I extends readonly [FieldOf<S>, ...FieldOf<S>[]],
    const A extends readonly Exclude<FieldOf<S>, I[number]>[] = readonly [],
  >(options: DefineOptions<Name, S, I, A>): DefinedModel<Name, S, I[number], A[number]> {
    const definition = checkDefinition(
      Object.freeze({
        name: options.name,
        schema: options.schema,
        identifiers: Object.freeze([...options.identifiers]),
        attributes: Object.freeze([...(options.attributes ?? [])]),
        children: Object.freeze({ ...options.children }),
        shortname: Object.freeze([...(options.shortname ?? [])]),
        comparison: Object.freeze(comparisonOf(options.compare ?? {})),
        dependsOn: Object.freeze([...(options.dependsOn ?? [])]),
        modelFlags: options.modelFlags ?? DiffSyncModelFlags.NONE,
      }),
      DiffSyncModel.prototype,
    );
    const model = class extends DiffSyncModel {
      static override readonly definition = definition;
    };
    Object.defineProperty(model, 'name', { value: definition.name });
    return model as unknown as DefinedModel<Name, S, I[number], A[number]>;
  }

  static get modelName(): string {
    return this.definition.name;
  }

  static getType(): string {
    return this.definition.name;
  }

  static getChildrenMapping(): Readonly<Record<string, string>> {
    return this.definition.children;
  }

  /** The identifiers' values joined with `__`. @throws ValueError when one is missing, null or undefined */
  static createUniqueId(ids: object): string {
    return joinIdentifiers(this.definition.name, this.definition.identifiers, ids);
  }

  static async create({ ids, attrs }: CreateContext): Promise<DiffSyncModel | null> {
    // Spreading both into one takes twenty times as long.
    const model = await parseModel(this as unknown as ModelClass, Object.assign({}, ids, attrs));
    model.setStatus(DiffSyncStatus.SUCCESS, 'Created successfully');
    return model;
  }

  static hydrate(fields: Record<string, unknown>): DiffSyncModel {
    return hydrateModel(this as unknown as ModelClass, { ...fields });
  }

  static async parse(input: unknown): Promise<DiffSyncModel> {
    return parseModel(this as unknown as ModelClass, input);
  }

  /** The adapter whose store holds this object, if any. */
  get adapter(): ModelHost | undefined {
    return this.#adapter;
  }

  /**
   * Platform hook of a sync: changes the object in the outside world and answers it, or null for "failed, leave the
   * children alone". The default sets the attributes, without validation.
   * @throws ObjectNotUpdated in an override, when it failed in a way that CONTINUE_ON_FAILURE may pass over.
   */
  async update(attrs: Partial<Attrs>): Promise<this | null> {
    assignFields(this, attrs);
    this.setStatus(DiffSyncStatus.SUCCESS, 'Updated successfully');
    return this;
  }

  /**
   * Platform hook of a sync: removes the object from the outside world and answers it, or null for "failed, leave the
   * children alone".
   * @throws ObjectNotDeleted in an override, when it failed in a way that CONTINUE_ON_FAILURE may pass over.
   */
  async delete(): Promise<this | null> {
    this.setStatus(DiffSyncStatus.SUCCESS, 'Deleted successfully');
    return this;
  }

  getType(): string {
    return definitionOf(this).name;
  }

  getUniqueId(): string {
    const model = classOf(this);
    const isStandard = usesDefaultUniqueId(model) && this.getIdentifiers === DiffSyncModel.prototype.getIdentifiers;
    // Asked for with every object and every link: texts, as most identifiers are, need no copy.
    const joined = isStandard ? joinStringIdentifiers(model.definition.identifiers, this) : undefined;
    return joined ?? model.createUniqueId(this.getIdentifiers() as never);
  }

  /** A copy of the identifiers, in the order of the definition. */
  getIdentifiers(): Ids {
    return pick(this, definitionOf(this).identifiers) as Ids;
  }

  /** A copy of the attributes, in the order of the definition; those that the object does not have are left out. */
  getAttrs(): Attrs {
    return pick(this, definitionOf(this).attributes) as Attrs;
  }

  /** The shortname's fields joined with `__`, or the unique id where the definition has none. */
  getShortname(): string {
    const { shortname } = definitionOf(this);
    return shortname.length === 0
      ? this.getUniqueId()
      : shortname.map((field) => String(fieldOf(this, field))).join('__');
  }

  getChildrenMapping(): Readonly<Record<string, string>> {
    return definitionOf(this).children;
  }

  /** Status and message of the last create, update or delete. Not stored: a sync's are on its diff's elements. */
  getStatus(): readonly [status: DiffSyncStatus, message: string] {
    return [this.#status, this.#statusMessage];
  }

  setStatus(status: DiffSyncStatus, message = ''): void {
    this.#status = status;
    this.#statusMessage = message;
  }

  /** Whether a child is linked. @throws ObjectStoreWrongType when this model has no field for such children. */
  hasChild(child: DiffSyncModel): boolean {
    const [field, list] = childList(this, child, 'store');
    return this.#uidsOf(field, list).has(child.getUniqueId());
  }

  /**
   * Links a child by its unique id; the child itself is not stored. On an object of an adapter, the store saves the link.
   * @throws ObjectStoreWrongType when this model has no field for such children; ObjectAlreadyExists when it is linked.
   */
  addChild(child: DiffSyncModel): void {
    const [field, list] = childList(this, child, 'store');
    const uid = child.getUniqueId();
    const uids = this.#uidsOf(field, list);
    if (uids.has(uid))
      throw new ObjectAlreadyExists(`Already storing a ${child.getType()} with unique_id ${uid}`, child);
    this.#links?.recordChildLink(this, field, uid, true);
    list.push(uid);
    uids.add(uid);
  }

  /** @throws ObjectStoreWrongType when this model has no field for such children; ObjectNotFound when it is not linked. */
  removeChild(child: DiffSyncModel): void {
    const [field, list] = childList(this, child, 'find and delete');
    const uid = child.getUniqueId();
    const uids = this.#uidsOf(field, list);
    if (!uids.has(uid)) throw new ObjectNotFound(`${uid} was not found as a child in ${field}`);
    this.#links?.recordChildLink(this, field, uid, false);
    list.splice(list.indexOf(uid), 1);
    uids.delete(uid);
  }

  /** A copy of all fields; `modelFlags` among them where they are not the model's default. */
  toDict(): Record<string, unknown> {
    const dict = pick(this, fieldNames(this));
    if (this.modelFlags !== definitionOf(this).modelFlags) dict['modelFlags'] = this.modelFlags;
    return dict;
  }

  toJSON(): Record<string, unknown> {
    return this.toDict();
  }

  /** The unique id. */
  toString(): string {
    return this.getUniqueId();
  }

  [inspect.custom](): string {
    return `${this.getType()} "${this.getUniqueId()}"`;
  }

  /** A detailed text, with the children below where the object belongs to an adapter. */
  async str(includeChildren = true, indent = 0): Promise<string> {
    const margin = ' '.repeat(indent);
    const lines = [
      `${margin}${this.getType()}: ${this.getUniqueId()}: ${inspect(this.getAttrs(), { breakLength: Infinity })}`,
    ];
    for (const [type, field] of Object.entries(this.getChildrenMapping())) {
      const uids = childUids(this, field);
      if (uids.length === 0 || this.#adapter === undefined || !includeChildren) {
        lines.push(`${margin}  ${field}: ${inspect(uids, { breakLength: Infinity })}`);
        continue;
      }
      lines.push(`${margin}  ${field}`);
      for (const uid of uids) {
        const child = await this.#adapter.getOrNone(type, uid);
        lines.push(
          child === null ? `${margin}    ${uid} (ERROR: details unavailable)` : await child.str(true, indent + 4),
        );
      }
    }
    return lines.join('\n');
  }

  #uidsOf(field: string, list: readonly string[]): Set<string> {
    const known = this.#childSets?.get(field);
    if (known !== undefined && known.list === list && known.uids.size === list.length) return known.uids;
    const uids = new Set(list);
    (this.#childSets ??= new Map()).set(field, { list, uids });
    return uids;
  }
}

export function classOf(model: DiffSyncModel): ModelClass {
  return model.constructor as unknown as ModelClass;
}

export function definitionOf(model: DiffSyncModel): ModelDefinition {
  return classOf(model).definition;
}

/** The names of the fields that are stored: every own enumerable property. Keep passing state in `#private` fields. */
export function fieldNames(model: DiffSyncModel): string[] {
  const names = Object.keys(model);
  const flags = names.indexOf('modelFlags');
  if (flags !== -1) names.splice(flags, 1);
  return names;
}

export function fieldOf(model: DiffSyncModel, field: string): unknown {
  return (model as unknown as Record<string, unknown>)[field];
}

/** The unique ids that `field` lists; an absent list is empty. */
export function childUids(model: DiffSyncModel, field: string): readonly string[] {
  return (fieldOf(model, field) as readonly string[] | null | undefined) ?? [];
}

/** An instance that holds `fields` as they are. The caller gives them away. */
export function hydrateModel<M extends DiffSyncModel>(
  model: ModelClass<M>,
  fields: Readonly<Record<string, unknown>>,
  modelFlags?: DiffSyncModelFlags,
): M {
  const { ownFields, free } = inspectClass(model, fields, false);
  const instance = construct(model, { fields, free });
  if (ownFields) assignFields(instance, fields);
  instance.modelFlags = modelFlags ?? model.definition.modelFlags;
  return instance;
}

/** Validates, also with an asynchronous schema. @throws ModelValidationError */
export async function parseModel<M extends DiffSyncModel>(model: ModelClass<M>, input: unknown): Promise<M> {
  const { definition } = model;
  const result = await definition.schema['~standard'].validate(input);
  const fields = fieldsOrThrow(definition, result);
  const { free } = inspectClass(model, fields, true);
  return construct(model, { fields, free });
}

/** Sets attributes on an object, without validation. */
export function assignFields(model: DiffSyncModel, fields: Readonly<Record<string, unknown>>): void {
  const target = model as unknown as Record<string, unknown>;
  for (const name in fields) {
    if (!(name in target) || Object.hasOwn(target, name)) target[name] = fields[name];
    else
      throw new ModelDefinitionError(
        `model ${shortened(model.getType())}: field "${shortened(name)}" has a name that every model uses itself`,
      );
  }
}

/** As `assignFields`, on an object that has no fields yet. `free` learns the names that are looked up here. */
function setTrusted(model: DiffSyncModel, fields: Readonly<Record<string, unknown>>, free: Set<string>): void {
  for (const name in fields) {
    if (free.has(name)) continue;
    assignFields(model, { [name]: fields[name] });
    free.add(name);
  }
  // All at once: field by field the engine would look through the prototypes for each of them.
  Object.assign(model, fields);
}

function construct<M extends DiffSyncModel>(model: ModelClass<M>, given: Trusted): M {
  const { fields, onUse } = given;
  const input = onUse === undefined ? fields : defineProbes({}, fields, onUse);
  trusted = given;
  try {
    return new model(input as never);
  } finally {
    trusted = undefined;
  }
}

function validated(definition: ModelDefinition, className: string, input: unknown): Record<string, unknown> {
  const result = definition.schema['~standard'].validate(input);
  if ('then' in result) {
    result.catch(() => undefined); // Its outcome no longer matters, and must not end the process.
    throw new ModelDefinitionError(`${className}: the schema is asynchronous; use "await ${className}.parse(data)"`);
  }
  return fieldsOrThrow(definition, result);
}

function fieldsOrThrow(definition: ModelDefinition, result: StandardSchemaV1.Result<object>): Record<string, unknown> {
  if (result.issues === undefined) return result.value as Record<string, unknown>;
  const issues = result.issues.map(({ path = [], message }) => ({
    path: path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
    message,
  }));
  const text = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  throw new ModelValidationError(`${definition.name}: ${text}`, issues);
}

/**
 * Builds an instance on accessors instead of values. A class field of the same name replaces its accessor, where an
 * assignment in a constructor only sets it; so a re-declared field, which would silently lose data, is found. Done once a
 * class, and again when a field that the class sets itself comes up in data for the first time.
 * @param validated whether all of `fields` are the schema's; of a record's fields, some may be the class's own.
 */
function inspectClass(
  model: ModelClass,
  fields: Readonly<Record<string, unknown>>,
  validated: boolean,
): Readonly<ClassFacts> {
  const known = inspected.get(model);
  if (known?.suspects.size === 0) return known;
  const parsed = (validated ? Object.keys(fields) : declaredFields(model.definition)).filter((field) =>
    Object.hasOwn(fields, field),
  );
  if (known !== undefined && !parsed.some((field) => known.suspects.has(field))) return known;
  const facts = known ?? { ownFields: false, suspects: new Set<string>(), free: new Set<string>() };
  const probe = construct(model, { fields, free: facts.free, onUse: () => undefined });
  for (const field of fieldNames(probe)) {
    if (Object.getOwnPropertyDescriptor(probe, field)?.get !== undefined) {
      facts.suspects.delete(field);
    } else if (parsed.includes(field)) {
      throw new ModelDefinitionError(
        `class ${model.name}: the field "${field}" of model ${model.modelName} is declared again in the class body, which ` +
          `overwrites its value; write "declare ${field}: …" or leave the line out`,
      );
    } else {
      facts.ownFields = true;
      facts.suspects.add(field);
    }
  }
  inspected.set(model, facts);
  return facts;
}

/** Whether an object of the class would answer a comparison with what its definition and its record's fields say. */
export function comparesByRecord(model: ModelClass, fields: Readonly<Record<string, unknown>>): boolean {
  if (overridesComparison(model)) return false;
  let known = faithful.get(model);
  if (known === undefined) faithful.set(model, (known = keepsFields(model, fields)));
  return known;
}

/** Whether an object of the class may say something else than its identifiers joined. */
export function overridesUniqueId(model: ModelClass): boolean {
  const { prototype } = model;
  const standard = DiffSyncModel.prototype;
  return (
    !usesDefaultUniqueId(model) ||
    prototype.getUniqueId !== standard.getUniqueId ||
    prototype.getIdentifiers !== standard.getIdentifiers
  );
}

/** Whether its unique ids are what its definition says. */
export function usesDefaultUniqueId({ createUniqueId }: ModelClass): boolean {
  return createUniqueId === DiffSyncModel.createUniqueId;
}

function overridesComparison(model: ModelClass): boolean {
  const { prototype } = model;
  const standard = DiffSyncModel.prototype;
  return (
    overridesUniqueId(model) ||
    prototype.getType !== standard.getType ||
    prototype.getAttrs !== standard.getAttrs ||
    prototype.getShortname !== standard.getShortname ||
    prototype.getChildrenMapping !== standard.getChildrenMapping
  );
}

/** Whether neither constructors nor class bodies have a hand in what the fields hold. */
function keepsFields(model: ModelClass, fields: Readonly<Record<string, unknown>>): boolean {
  const declared = declaredFields(model.definition);
  const own = pickFields(fields, Object.keys(fields));
  const all = { ...Object.fromEntries(declared.map((field) => [field, undefined])), ...own };
  let used = false;
  try {
    const probe = construct(model, { fields: all, free: new Set(), onUse: () => (used = true) });
    return !used && declared.every((field) => Object.getOwnPropertyDescriptor(probe, field)?.get !== undefined);
  } catch {
    return false;
  }
}

function declaredFields({ identifiers, attributes, children, shortname }: ModelDefinition): readonly string[] {
  return [...identifiers, ...attributes, ...Object.values(children), ...shortname];
}

function defineProbes<T extends object>(target: T, fields: Readonly<Record<string, unknown>>, onUse: () => void): T {
  for (const field of Object.keys(fields)) {
    let value = fields[field];
    Object.defineProperty(target, field, {
      get: () => {
        onUse();
        return value;
      },
      set: (next: unknown) => {
        onUse();
        value = next;
      },
      enumerable: true,
      configurable: true,
    });
  }
  return target;
}

function comparisonOf(compare: object): Record<string, AttributeComparison> {
  const own = Object.entries(compare) as [string, 'set' | AttributeComparison | undefined][];
  return Object.fromEntries(
    own.flatMap(([attr, how]) => (how === undefined ? [] : [[attr, how === 'set' ? hasSameItems : how]])),
  );
}

function pick(model: DiffSyncModel, names: readonly string[]): Record<string, unknown> {
  return pickFields(model as unknown as Readonly<Record<string, unknown>>, names);
}

function childList(parent: DiffSyncModel, child: DiffSyncModel, doing: string): [field: string, list: string[]] {
  const mapping = parent.getChildrenMapping();
  const type = child.getType();
  const field = Object.hasOwn(mapping, type) ? mapping[type] : undefined;
  if (field === undefined) {
    const valid = Object.keys(mapping).toSorted().join(', ');
    throw new ObjectStoreWrongType(
      `Unable to ${doing} ${type} as a child of ${parent.getType()}; valid types are [${valid}]`,
    );
  }
  const fields = parent as unknown as Record<string, string[] | null | undefined>;
  return [field, (fields[field] ??= [])];
}
