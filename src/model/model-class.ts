import type { ModelTypes } from './model-types.js';
import type { DiffSyncModel, BulkHooks, CreateContext } from './diffsync-model.js';
import type { ModelDefinition } from './model-definition.js';

/** Any model class, as stores and the engine take it. */
export interface ModelClass<M extends DiffSyncModel = DiffSyncModel> extends BulkHooks {
  new (input: never): M;
  readonly prototype: M;
  /** For the compiler alone: what the class is about. */
  readonly '~types'?: ModelTypes;
  /** The name of the model, as given to `define`. */
  readonly modelName: string;
  /** The declarations of the model, checked. */
  readonly definition: ModelDefinition;
  /** Returns the name of the model. */
  getType(): string;
  /** Returns the fields that list children: child model name -> field. */
  getChildrenMapping(): Readonly<Record<string, string>>;
  /** Returns the unique id of these identifiers. */
  createUniqueId(ids: never): string;
  /** Validates input and creates an object of it, also with an asynchronous schema. */
  parse<T>(this: new (input: never) => T, input: object): Promise<T>;
  /** Creates an object of fields that the schema has put out before, without validation. */
  hydrate<T>(this: new (input: never) => T, fields: object): T;
  /** Platform hook of a sync: creates the object in the outside world. */
  create(context: CreateContext): Promise<DiffSyncModel | null>;
}

/** @returns the class of an object. */
export function classOf(model: DiffSyncModel): ModelClass {
  return model.constructor as unknown as ModelClass;
}
