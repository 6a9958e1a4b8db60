import { ModelDefinitionError } from '../errors.js';
import { DiffSyncModelFlags } from '../flags.js';
import { findUnknownOption, optionHint, type OptionNames } from '../values/option-names.js';
import { hasSameItems } from '../values/deep-equal.js';
import type {
  CheckedAttributes,
  CheckedChildren,
  CheckedIdentifiers,
  CheckedSchema,
  ModelSchema,
  Comparisons,
  OutputOf,
} from './declared-fields.js';

/** The names that a store takes, because a model's name becomes part of keys and file names. */
const MODEL_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,511}$/;

/** Returns whether two values of an attribute count as equal. Must return true for values that are equal. */
export type AttributeComparison = (a: unknown, b: unknown) => boolean;

/** The options of `DiffSyncModel.define`. */
export interface DefineOptions<
  Name extends string,
  S extends ModelSchema,
  I extends readonly string[],
  A extends readonly string[] = readonly [],
  C extends Readonly<Record<string, string>> = {},
  O = OutputOf<S>,
> {
  /** The name of the model, unique in an adapter: `[A-Za-z_][A-Za-z0-9_-]*`, 512 characters at most. */
  readonly name: Name;
  /** The schema of the objects. Its output is what is stored and compared; of a union, what any of its members puts out. */
  readonly schema: CheckedSchema<S, O>;
  /** Fields whose values are joined with `__` to the unique id, in this order. Never empty. */
  readonly identifiers: CheckedIdentifiers<I, O>;
  /** Fields that a diff compares, in the order in which diffs show them. Default: none. */
  readonly attributes?: CheckedAttributes<A, O, I[number]> | undefined;
  /** Child model name -> field that lists the children's unique ids. Default: none. */
  readonly children?: CheckedChildren<C, O, I[number] | A[number]> | undefined;
  /** Fields that make a shorter name, unique among the children of one parent. Default: the unique id. */
  readonly shortname?: readonly (keyof O & string)[] | undefined;
  /**
   * When two values of an attribute count as equal: `'set'` for lists whose order has no meaning, or a function, which must
   * return true for equal values. The target's model decides. Default: by value.
   */
  readonly compare?: Comparisons<O, A[number]> | undefined;
  /**
   * Attributes whose values are never shown: they are compared and synchronised, but texts, logs, errors and reports say only
   * that they differ, and no plan has them. Default: none.
   */
  readonly secret?: readonly NoInfer<A[number]>[] | ReadonlySet<string> | undefined;
  /** Top-level models whose objects are created before this model's and deleted after them. Default: none. */
  readonly dependsOn?: readonly string[] | undefined;
  /** The flags of a new object. Default: NONE. */
  readonly modelFlags?: DiffSyncModelFlags | undefined;
}

/** The declarations of a model, checked and frozen. */
export interface ModelDefinition {
  /** The name of the model. */
  readonly name: string;
  /** The schema of the objects. */
  readonly schema: ModelSchema;
  /** Fields whose values are joined with `__` to the unique id, in this order. */
  readonly identifiers: readonly string[];
  /** Fields that a diff compares, in the order in which diffs show them. */
  readonly attributes: readonly string[];
  /** Child model name -> field that lists the children's unique ids. */
  readonly children: Readonly<Record<string, string>>;
  /** Fields that make the shortname; empty where it is the unique id. */
  readonly shortname: readonly string[];
  /** Attribute -> comparison of two of its values, for attributes that are not compared by value. */
  readonly compare: Readonly<Record<string, AttributeComparison>>;
  /** Attributes whose values are never shown. */
  readonly secret: ReadonlySet<string>;
  /** Top-level models whose objects are created before this model's and deleted after them. */
  readonly dependsOn: readonly string[];
  /** The flags of a new object. */
  readonly modelFlags: DiffSyncModelFlags;
}

/** The field that every object has beside those of its data. */
export const FLAGS = 'modelFlags';

/** Whether data may not have a field of this name, because every model uses it itself. */
export function isReservedField(prototype: object, name: string): boolean {
  return name === FLAGS || name in prototype;
}

/** @returns the fields that the definition names, which comparisons and child links rely on. */
export function declaredFields({ identifiers, attributes, children, shortname }: ModelDefinition): readonly string[] {
  return [...new Set([...identifiers, ...attributes, ...Object.values(children), ...shortname])];
}

/** Whether a store takes this as the name of a model. */
export function isModelName(name: unknown): name is string {
  return typeof name === 'string' && MODEL_NAME.test(name);
}

/** @returns a wrong name, as an error message shows it. */
export function shown(name: unknown): string {
  return shortened(JSON.stringify(name) ?? typeof name);
}

/** @returns a name, which may be long, as an error message shows it. */
export function shortened(name: string): string {
  return name.length <= 100 ? name : `${name.slice(0, 100)}…`;
}

const DEFINE_OPTIONS: OptionNames<AnyDefineOptions> = {
  name: true,
  schema: true,
  identifiers: true,
  attributes: true,
  children: true,
  shortname: true,
  compare: true,
  secret: true,
  dependsOn: true,
  modelFlags: true,
};

/** The options of `DiffSyncModel.define`, whatever the schema. */
export type AnyDefineOptions = Pick<ModelDefinition, 'name' | 'schema' | 'identifiers'> &
  Partial<Omit<ModelDefinition, 'compare' | 'secret'>> & {
    readonly compare?: object;
    readonly secret?: Iterable<string>;
  };

/**
 * Checks the options of `DiffSyncModel.define` and freezes them.
 * @param methods - an object with the names that instances already use, which a field would hide.
 * @throws {ModelDefinitionError} (MODEL_DEFINITION) that names the model and the field.
 */
export function createDefinition(options: AnyDefineOptions, methods: object): ModelDefinition {
  const unknown = findUnknownOption(options, DEFINE_OPTIONS, { _modelname: 'name', modelname: 'name' });
  if (unknown !== undefined) {
    const { name, meant } = unknown;
    throw new ModelDefinitionError(
      `model ${shown(options.name)}: define has no option "${shortened(name)}": ${optionHint(meant, DEFINE_OPTIONS)}`,
    );
  }
  return checkDefinition(
    Object.freeze({
      name: options.name,
      schema: options.schema,
      identifiers: Object.freeze([...options.identifiers]),
      attributes: Object.freeze([...(options.attributes ?? [])]),
      children: Object.freeze({ ...options.children }),
      shortname: Object.freeze([...(options.shortname ?? [])]),
      compare: Object.freeze(comparisonOf(options.compare ?? {})),
      secret: new Set(options.secret),
      dependsOn: Object.freeze([...(options.dependsOn ?? [])]),
      modelFlags: options.modelFlags ?? DiffSyncModelFlags.NONE,
    }),
    methods,
  );
}

/**
 * Returns the options by which `define` makes the model of a definition again, with some replaced. Of `compare` and
 * `secret` what the new attributes still have is kept.
 */
export function variantOptions(definition: ModelDefinition, changed: Partial<AnyDefineOptions>): AnyDefineOptions {
  const attributes = changed.attributes ?? definition.attributes;
  const compare = Object.fromEntries(Object.entries(definition.compare).filter(([attr]) => attributes.includes(attr)));
  const secret = changed.secret ?? [...definition.secret].filter((attr) => attributes.includes(attr));
  return { ...definition, ...changed, compare: { ...compare, ...changed.compare }, secret };
}

function comparisonOf(compare: object): Record<string, AttributeComparison> {
  const own = Object.entries(compare) as [string, 'set' | AttributeComparison | undefined][];
  return Object.fromEntries(
    own.flatMap(([attr, how]) => (how === undefined ? [] : [[attr, how === 'set' ? hasSameItems : how]])),
  );
}

function checkDefinition(definition: ModelDefinition, methods: object): ModelDefinition {
  const { name, schema, identifiers, attributes, children, shortname } = definition;
  if (!isModelName(name)) {
    throw new ModelDefinitionError(
      `model name ${shown(name)} is not allowed: a letter or "_" first, then letters, digits, "_" or "-", 512 at most`,
    );
  }
  const model = `model ${shortened(name)}`;
  if (typeof schema?.['~standard']?.validate !== 'function') {
    throw new ModelDefinitionError(`${model}: "schema" is not a Standard Schema (zod 4, valibot, arktype, …)`);
  }
  if (identifiers.length === 0) throw new ModelDefinitionError(`${model}: "identifiers" is empty`);

  const groups = { identifiers, attributes, children: Object.values(children) };
  const known = schemaFields(schema);
  for (const [group, fields] of Object.entries({ ...groups, shortname })) {
    for (const field of fields) {
      if (isReservedField(methods, field)) {
        throw new ModelDefinitionError(
          `${model}: field "${shortened(field)}" in "${group}" has a name that every model uses itself`,
        );
      }
      if (known !== undefined && !known.has(field)) {
        throw new ModelDefinitionError(
          `${model}: "${group}" names the field "${shortened(field)}", which the schema does not have`,
        );
      }
    }
  }
  const owner = new Map<string, string>();
  for (const [group, fields] of Object.entries(groups)) {
    for (const field of fields) {
      const other = owner.get(field);
      if (other !== undefined) {
        const where = other === group ? `twice in "${group}"` : `in both "${other}" and "${group}"`;
        throw new ModelDefinitionError(
          `${model}: field "${shortened(field)}" is ${where}; it may be in one of them, once`,
        );
      }
      owner.set(field, group);
    }
  }
  for (const [option, fields] of [
    ['compare', Object.keys(definition.compare)],
    ['secret', definition.secret],
  ] as const) {
    for (const field of fields) {
      if (attributes.includes(field)) continue;
      throw new ModelDefinitionError(
        `${model}: "${option}" names the field "${shortened(field)}", which is no attribute`,
      );
    }
  }
  for (const child of Object.keys(children)) {
    if (!isModelName(child))
      throw new ModelDefinitionError(`${model}: child model name ${shown(child)} is not allowed`);
  }
  return definition;
}

/**
 * Reads the keys of a schema in the way of each library, because Standard Schema has no list of keys.
 * @returns undefined for a schema without such a list (a union, a transform, an object open to further keys): then only the
 * compiler finds a wrong field.
 */
function schemaFields(schema: ModelSchema): ReadonlySet<string> | undefined {
  const own = schema as {
    shape?: object;
    entries?: object;
    props?: readonly { key: unknown }[];
    rest?: unknown;
    type?: unknown;
    _zod?: { def?: { catchall?: { _zod?: { def?: { type?: string } } } } };
  };
  const catchall = own._zod?.def?.catchall?._zod?.def?.type;
  if (catchall !== undefined && catchall !== 'never') return undefined;
  if (typeof own.shape === 'object') return new Set(Object.keys(own.shape));
  if (typeof own.entries === 'object') {
    return own.type === 'object' || own.type === 'strict_object' ? new Set(Object.keys(own.entries)) : undefined;
  }
  try {
    if (Array.isArray(own.props)) return new Set(own.props.map(({ key }) => String(key)));
  } catch {
    // arktype computes `props` and throws for what is no plain object, which then is no list of keys either.
  }
  return undefined;
}
