import type { Flat } from '../model/declared-fields.js';
import type { ModelTypes } from '../model/model-types.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';

/** A reference to a model: its class, one of its instances, or its name. */
export type ModelRef = string | ModelClass | DiffSyncModel;

/** A reference to a model that tells the compiler what its objects are. */
export type ClassOrObject = ModelClass | DiffSyncModel;

/** The type of the objects of a model reference. Of a class it is `InstanceType` of it, also in a helper over any class. */
export type ObjectOf<R extends ModelRef> = (R extends ModelClass<infer M>
  ? M
  : R extends DiffSyncModel
    ? R
    : DiffSyncModel) &
  InstanceOf<R>;
// oxlint-disable-next-line typescript/no-explicit-any -- a pattern, spelled as in InstanceType: else neither fits the other
export type InstanceOf<R> = R extends abstract new (...args: any) => infer M ? M : unknown;

/** What a model class is about. */
export type TypesOf<C> = C extends { readonly '~types'?: infer T extends ModelTypes } ? T : ModelTypes;

/** The identifiers of a model reference, as an object; of a name any. */
export type IdentifiersOf<R> = R extends { createUniqueId(ids: infer Ids): string }
  ? Ids
  : R extends { getIdentifiers(): infer Ids }
    ? Ids
    : Readonly<Record<string, unknown>>;

/** A unique id, or an object of the identifiers that belong to a model reference. */
export type IdentifierOf<R extends ModelRef> = string | IdentifiersOf<R>;

/** The attributes to change of an object: what the hook `update` is called with. */
export type AttrsOf<C> = Partial<TypesOf<C>['attrs']>;

/** The fields beside its identifiers that may be given for an object, as its schema takes them. */
export type FieldsToSet<C> = OmitEach<TypesOf<C>['input'], keyof TypesOf<C>['ids']>;
export type OmitEach<Input, Ids extends PropertyKey> = Input extends unknown ? Flat<Omit<Input, Ids>> : never;

/** The attributes that `updateOrInstantiate` sets, as the schema takes or as it puts them out; any field but an identifier. */
export type AttrsToSet<C> = AttrsOf<C> | Partial<FieldsToSet<C>>;

/** The fields of an object that `getOrInstantiate` may have to make: not optional where the schema asks for one of them. */
export type AttrsToMake<C> =
  Partial<FieldsToSet<C>> extends FieldsToSet<C>
    ? { readonly attrs?: FieldsToSet<C> | undefined }
    : { readonly attrs: FieldsToSet<C> };
