import type { BulkHooks, CreateContext, DiffSyncModel } from './diffsync-model.js';
import type { ModelDefinition } from './model-definition.js';

/** Any model class, as stores and the engine take it. */
export interface ModelClass<M extends DiffSyncModel = DiffSyncModel> extends BulkHooks {
  new (input: never): M;
  readonly prototype: M;
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
  /** Platform hook of a sync: creates the object in the outside world. */
  create(context: CreateContext): Promise<DiffSyncModel | null>;
}

/** The identifiers of a model class, as an object. */
export type IdentifiersOf<C> = C extends { createUniqueId(ids: infer Ids): string } ? Ids : never;

/** @returns the class of an object. */
export function classOf(model: DiffSyncModel): ModelClass {
  return model.constructor as unknown as ModelClass;
}
