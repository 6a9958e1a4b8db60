import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { DiffSyncModelFlags } from '../flags.js';
import type { DiffSyncModel } from './diffsync-model.js';
import type { ModelDefinition, ModelSchema } from './model-definition.js';
import type { BulkContext, BulkResult, CreateContext, CreateItem, DeleteItem, UpdateItem } from './model-hooks.js';

type Input<S extends ModelSchema> = StandardSchemaV1.InferInput<S>;
type Output<S extends ModelSchema> = StandardSchemaV1.InferOutput<S>;
export type FieldOf<S extends ModelSchema> = keyof Output<S> & string;
type ChildListOf<S extends ModelSchema> = {
  [F in FieldOf<S>]: NonNullable<Output<S>[F]> extends readonly string[] ? F : never;
}[FieldOf<S>];

/** The argument of `DiffSyncModel.define`. */
export interface DefineOptions<
  Name extends string,
  S extends ModelSchema,
  Ids extends readonly FieldOf<S>[],
  Attrs extends readonly FieldOf<S>[],
> {
  /** Unique in an adapter: `[A-Za-z_][A-Za-z0-9_-]*`. */
  readonly name: Name;
  /** What an object holds. Its output is what is stored and compared. */
  readonly schema: S;
  /** Fields that together make the unique id, in the order in which they are joined with `__`. Never empty. */
  readonly identifiers: Ids;
  /** Fields that a diff compares, in the order in which diffs show them. Default: none. */
  readonly attributes?: Attrs;
  /** Child model name -> field that lists the children's unique ids. Default: none. */
  readonly children?: Readonly<Record<string, Exclude<ChildListOf<S>, Ids[number] | Attrs[number]>>>;
  /** Fields that make a shorter name, unique among the children of one parent. Default: the unique id. */
  readonly shortname?: readonly FieldOf<S>[];
  /**
   * When two values of an attribute count as equal: `'set'` for lists in which order means nothing, or a function, which
   * must say so of equal ones. The target's model decides. Default: by value.
   */
  readonly compare?: {
    readonly [A in Attrs[number]]?: 'set' | ((a: Output<S>[A], b: Output<S>[A]) => boolean);
  };
  /** Top-level models whose objects are created before this model's and deleted after them. Default: none. */
  readonly dependsOn?: readonly string[];
  /** What instances start with. Default: NONE. */
  readonly modelFlags?: DiffSyncModelFlags;
}

/** An instance of a defined model: the schema's output fields, and the methods of DiffSyncModel typed by them. */
export type DefinedInstance<S extends ModelSchema, Ids extends FieldOf<S>, Attrs extends FieldOf<S>> = Output<S> &
  DiffSyncModel<Pick<Output<S>, Ids>, Pick<Output<S>, Attrs>>;

/** The class that `DiffSyncModel.define` answers; extend it. */
export interface DefinedModel<
  Name extends string,
  S extends ModelSchema,
  Ids extends FieldOf<S>,
  Attrs extends FieldOf<S>,
> {
  /** Validates. @throws ModelValidationError; ModelDefinitionError when the schema is asynchronous. */
  new (input: Input<S>): DefinedInstance<S, Ids, Attrs>;
  readonly prototype: DefinedInstance<S, Ids, Attrs>;
  readonly modelName: Name;
  readonly definition: ModelDefinition & { readonly schema: S };
  getType(): Name;
  getChildrenMapping(): Readonly<Record<string, string>>;
  createUniqueId(ids: Pick<Output<S>, Ids>): string;
  /**
   * Platform hook of a sync: makes the object in the outside world and answers the model, or null for "failed, leave the
   * children alone". The default validates `ids` and `attrs` as input.
   * @throws ObjectNotCreated in an override, when it failed in a way that CONTINUE_ON_FAILURE may pass over.
   */
  create(
    context: CreateContext<Pick<Output<S>, Ids>, Partial<Pick<Output<S>, Attrs>>>,
  ): Promise<DefinedInstance<S, Ids, Attrs> | null>;
  /**
   * Optional bulk hooks of a sync, called instead of the single ones with up to `batchSize` siblings. Each answers one
   * result for each object, in their order; an object is refused by null or by an ObjectCrudException as its result.
   */
  createBulk?(context: BulkContext<CreateItem>): Promise<readonly BulkResult[]>;
  updateBulk?(context: BulkContext<UpdateItem>): Promise<readonly BulkResult[]>;
  deleteBulk?(context: BulkContext<DeleteItem>): Promise<readonly BulkResult[]>;
  /** Trusts: for data that this schema has already put out. */
  hydrate<M>(this: new (input: never) => M, fields: Output<S>): M;
  /** Validates, also with asynchronous schemas. @throws ModelValidationError */
  parse<M>(this: new (input: never) => M, input: Input<S>): Promise<M>;
}

/** Any model class, as stores and the engine take it. */
export interface ModelClass<M extends DiffSyncModel = DiffSyncModel> {
  new (input: never): M;
  readonly prototype: M;
  readonly modelName: string;
  readonly definition: ModelDefinition;
  getType(): string;
  getChildrenMapping(): Readonly<Record<string, string>>;
  createUniqueId(ids: never): string;
  create(context: CreateContext): Promise<DiffSyncModel | null>;
  createBulk?(context: BulkContext<CreateItem>): Promise<readonly BulkResult[]>;
  updateBulk?(context: BulkContext<UpdateItem>): Promise<readonly BulkResult[]>;
  deleteBulk?(context: BulkContext<DeleteItem>): Promise<readonly BulkResult[]>;
}

/** The identifiers of a model class, as an object. */
export type IdentifiersOf<C> = C extends { createUniqueId(ids: infer Ids): string } ? Ids : never;
