import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { DiffSyncModelFlags } from '../flags.js';
import type { FieldOf, ModelDefinition, ModelSchema } from './model-definition.js';

/** What construction and inspection need of an instance. They cannot import `DiffSyncModel`, which imports them. */
export interface ModelInstance {
  modelFlags: DiffSyncModelFlags;
  getType(): string;
  getUniqueId(): string;
  getIdentifiers(): object;
  getAttrs(): object;
  getShortname(): string;
  getChildrenMapping(): Readonly<Record<string, string>>;
}

/** What construction and inspection need of a model class; `ModelClass` is one. */
export interface ModelConstructor<M extends ModelInstance = ModelInstance> {
  new (input: never): M;
  readonly prototype: M;
  readonly modelName: string;
  readonly definition: ModelDefinition;
  createUniqueId(ids: never): string;
}

/** The members of `DiffSyncModel` that a class may override. The caller hands the class in. */
export type BaseModel = Pick<ModelConstructor, 'prototype' | 'createUniqueId'>;

export type Fields = Readonly<Record<string, unknown>>;

/** Some fields of a schema's output. */
export type FieldsOf<S extends ModelSchema, Names extends FieldOf<S>> = Pick<StandardSchemaV1.InferOutput<S>, Names>;

/** One object of the hook `createBulk`. */
export interface CreateItem<Ids = Record<string, unknown>, Attrs = Record<string, unknown>> {
  /** Identifier -> value. */
  readonly ids: Ids;
  /** The attributes that the source has. */
  readonly attrs: Attrs;
}

/** The static members of a defined model, apart from its hooks. */
export interface DefinedStatics<Name extends string, S extends ModelSchema, Ids extends FieldOf<S>, Instance> {
  /**
   * Validates the input and creates an object of it.
   * @throws {@link ModelValidationError} (MODEL_VALIDATION) when the schema refuses the input.
   * @throws {@link ModelDefinitionError} (MODEL_DEFINITION) when the schema is asynchronous.
   */
  new (input: StandardSchemaV1.InferInput<S>): Instance;
  readonly prototype: Instance;
  /** The name of the model, as given to `define`. */
  readonly modelName: Name;
  /** The declarations of the model, checked. */
  readonly definition: ModelDefinition & { readonly schema: S };
  /** Returns the name of the model. */
  getType(): Name;
  /** Returns the fields that list children: child model name -> field. */
  getChildrenMapping(): Readonly<Record<string, string>>;
  /**
   * Joins the values of the identifiers with `__` to a unique id, in the order of the definition.
   * @throws {@link ValueError} (VALUE_ERROR) when an identifier is missing, or is no string, number, boolean or bigint.
   */
  createUniqueId(ids: Pick<StandardSchemaV1.InferOutput<S>, Ids>): string;
  /**
   * Creates an object of fields that the schema has put out before, without validation.
   * @param fields - all fields of the object; it gets these values themselves, but copies of child lists.
   * @throws {@link ModelValidationError} (MODEL_VALIDATION) when an identifier is no string, number, boolean or bigint.
   */
  hydrate<M>(this: new (input: never) => M, fields: StandardSchemaV1.InferOutput<S>): M;
  /**
   * Validates input and creates an object of it, also with an asynchronous schema.
   * @param input - what the schema takes.
   * @throws {@link ModelValidationError} (MODEL_VALIDATION) when the schema refuses the input.
   */
  parse<M>(this: new (input: never) => M, input: StandardSchemaV1.InferInput<S>): Promise<M>;
}
