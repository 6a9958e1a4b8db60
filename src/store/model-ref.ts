import type { DiffSyncModel } from '../model/diffsync-model.js';
import type { IdentifiersOf, ModelClass } from '../model/model-class.js';

/** A reference to a model: its class, one of its instances, or its name. */
export type ModelRef = string | ModelClass | DiffSyncModel;

/** The type of the objects of a model reference. */
export type ObjectOf<R extends ModelRef> =
  R extends ModelClass<infer M> ? M : R extends DiffSyncModel ? R : DiffSyncModel;

/** A unique id, or an object of identifiers of the type that belongs to a model reference. */
export type IdentifierOf<R extends ModelRef> =
  | string
  | (R extends ModelClass
      ? IdentifiersOf<R>
      : R extends DiffSyncModel
        ? ReturnType<R['getIdentifiers']>
        : Readonly<Record<string, unknown>>);

/** The fields that may be set on an object of a model, as its schema takes them; any where the class is not known. */
export type AttrsOf<C extends ModelClass> = C extends new (input: infer Input) => DiffSyncModel
  ? [Input] extends [never]
    ? Readonly<Record<string, unknown>>
    : Partial<Input>
  : never;
