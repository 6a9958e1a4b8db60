import type { Diff, DiffElement } from '../diff/diff.js';
import type { Selection } from '../diff/diff-selection.js';
import type { ModelOperations } from '../diff/sync-outcome.js';
import type { DiffOptions } from '../engine/compare/differ.js';
import type { ScopeOptions } from '../engine/compare/scope.js';
import type { Refused } from '../model/declared-fields.js';
import type { NamedModel } from '../model/model-types.js';
import type { TypesOf } from '../store/model-ref.js';
import type { SyncOptions } from './adapter-options.js';

/** The names of models. */
export type NameOf<C extends NamedModel> = C['modelName'];

/** The model of a name. */
export type ModelNamed<C extends NamedModel, Name> = C extends { readonly modelName: Name } ? C : never;

/** A reference to one of an adapter's models: its class, its name, or one of its objects. */
export type OneOfModels<C extends NamedModel> = C | NameOf<C> | C['prototype'];

/** The objects of the model of a name. */
export type ObjectNamed<C extends NamedModel, Name> = ModelNamed<C, Name>['prototype'];

/** A unique id, or the identifiers, of an object of the model of a name. */
export type IdentifierNamed<C extends NamedModel, Name> = string | TypesOf<ModelNamed<C, Name>>['ids'];

/** What part of two adapters is compared, by the names and fields of their models. */
export interface ModelScope<C extends NamedModel> {
  /** The models that are compared. Default: all models. */
  modelTypes?: readonly NameOf<C>[] | undefined;
  /** Filters by model: a pair is compared, with everything below it, if the object of either side passes. Default: none. */
  filters?: { readonly [N in NameOf<C>]?: ((obj: ObjectNamed<C, N>) => boolean) | undefined } | undefined;
  /** The attributes that are compared and updated, by model. Default: all. */
  syncAttrs?: { readonly [N in NameOf<C>]?: readonly AttrNameOf<ModelNamed<C, N>>[] } | undefined;
  /** The attributes that are neither compared nor updated, by model. Default: none. */
  excludeAttrs?: { readonly [N in NameOf<C>]?: readonly AttrNameOf<ModelNamed<C, N>>[] } | undefined;
}

/** The names of a model's attributes. */
export type AttrNameOf<C> = keyof TypesOf<C>['attrs'] & string;

/** How an adapter is compared, by its models. `D` is the class of the diff. */
export interface ModelDiffOptions<C extends NamedModel, D = never>
  extends Omit<DiffOptions, keyof ScopeOptions | 'diffClass'>, ModelScope<C> {
  /** The class of the diff that is returned. Default: `Diff`. */
  diffClass?: (new () => D) | undefined;
}

/** How an adapter is made equal to another one, by its models. `D` is the class of the diff. */
export interface ModelSyncOptions<C extends NamedModel, D = never>
  extends Omit<SyncOptions, keyof DiffOptions | 'diff'>, ModelDiffOptions<C, D> {
  /** A diff that was made before; it is applied as it is, even when it is empty. Default: a new one. */
  diff?: ([D] extends [never] ? DiffOf<C> : D) | undefined;
}

/** Selects changes of a diff, by the names of its models. */
export interface ModelSelection<C extends NamedModel> extends Omit<Selection, 'modelTypes'> {
  /** The changed object is of one of these models. Default: any model. */
  modelTypes?: readonly NameOf<C>[] | undefined;
}

/** An element of a diff whose object is of one of the models; `type` tells them apart. */
export type ElementOf<C extends NamedModel, All extends NamedModel = C> = C extends NamedModel
  ? ModelElement<C, All>
  : never;

/** An element of a diff with an object of the model `C`; the elements below it are of the models `All`. */
export interface ModelElement<C extends NamedModel, All extends NamedModel> extends DiffElement {
  readonly type: C['modelName'];
  get keys(): TypesOf<C>['ids'];
  get sourceAttrs(): Readonly<Partial<TypesOf<C>['attrs']>> | null;
  get destAttrs(): Readonly<Partial<TypesOf<C>['attrs']>> | null;
  /** @returns The attributes that differ, with the values of either side. */
  getAttrsDiffs(): {
    readonly '-'?: Readonly<Partial<TypesOf<C>['attrs']>>;
    readonly '+'?: Readonly<Partial<TypesOf<C>['attrs']>>;
  };
  /** @returns The elements below this one. */
  getChildren(): ElementOf<All>[];
}

/** A diff of adapters with these models. */
export interface DiffOf<C extends NamedModel> extends Diff {
  /** What the last sync with this diff did, by model name. */
  readonly operations: ReadonlyMap<NameOf<C>, ModelOperations>;
  /** @returns The top elements as they are shown and synchronised. */
  getChildren(): ElementOf<C>[];
  /** Selects changes. */
  filter(selection: ModelSelection<C>): this;
  /** Selects changes as `filter` does, and lets the event loop go on meanwhile. */
  filterAsync(selection: ModelSelection<C>): Promise<this>;
  /** Selects the opposite of `filter`. */
  exclude(selection: ModelSelection<C>): this;
  /** Selects the opposite of `filter`, and lets the event loop go on meanwhile. */
  excludeAsync(selection: ModelSelection<C>): Promise<this>;
}

/** The fields of an object, as `loadFromDict` takes them. */
export type DictInput<C> = TypesOf<C>['input'] & { readonly modelFlags?: number };

/** The objects of one model, as `loadFromDict` takes them: by unique id, or as pairs, which keep their order. */
export type ModelsToLoad<C> =
  | Readonly<Record<string, DictInput<C>>>
  | readonly (readonly [uid: string, fields: DictInput<C>])[];

/** The names of children's models that are not among the models. */
export type MissingModel<C extends NamedModel> = Exclude<keyof TypesOf<C>['children'] & string, NameOf<C>>;

/** What an adapter class is defined by. */
export interface AdapterDefinition<M extends readonly NamedModel[]> {
  /** Every model that the adapter may hold, those of children too. */
  readonly models: M &
    ([MissingModel<M[number]>] extends [never]
      ? unknown
      : Refused<`models has no "${MissingModel<M[number]>}", of which another model has children`>);
  /** The names of the models at which diffs begin, in their order; objects of other models are reached as children. */
  readonly topLevel: readonly NameOf<M[number]>[];
}

/**
 * The models that an adapter lists. Each is checked with the names of all: a list without a model of which another one has children
 * is no such list.
 */
export type ModelList = readonly NamedModel[] & {
  forEach: (check: <Name extends string>(model: ModelAmong<Name>) => void) => void;
};

/** A model whose children are of these models. */
export interface ModelAmong<Name extends string> {
  readonly modelName: Name;
  readonly '~types'?: { readonly childName: NoInfer<Name> };
}
