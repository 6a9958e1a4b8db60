import type { DiffSyncModel } from '../model/diffsync-model.js';
import type { IdentifiersOf, ModelClass } from '../model/model-class.js';

/** What can stand for a model: its class, one of its instances, or its name. */
export type ModelRef = string | ModelClass | DiffSyncModel;

/** The objects that a ModelRef stands for. */
export type ObjectOf<R extends ModelRef> =
  R extends ModelClass<infer M> ? M : R extends DiffSyncModel ? R : DiffSyncModel;

/** A unique id, or an object of identifiers, typed by the ModelRef it goes with. */
export type IdentifierOf<R extends ModelRef> =
  | string
  | (R extends ModelClass
      ? IdentifiersOf<R>
      : R extends DiffSyncModel
        ? ReturnType<R['getIdentifiers']>
        : Readonly<Record<string, unknown>>);

/** Fields that may be set on an object of the model. */
export type AttrsOf<C extends ModelClass> = Partial<
  InstanceType<C> extends DiffSyncModel<infer _Ids, infer Attrs> ? Attrs : Record<string, unknown>
> &
  Readonly<Record<string, unknown>>;
