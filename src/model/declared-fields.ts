import type { StandardSchemaV1 } from '@standard-schema/spec';

/** A schema of an object, of any library that implements Standard Schema: zod 4, valibot, arktype, … */
export type ModelSchema = StandardSchemaV1<object, object>;

/** A type that no value has: the compiler shows its text as the reason why code is wrong. */
export interface Refused<Reason extends string> {
  /** Why. */
  readonly refused: Reason;
}

/** A type, flattened, so that editors and errors show its fields. */
export type Flat<T> = { [K in keyof T]: T[K] } & {};

/** The names of the fields of every member of a union. */
export type EveryKey<T> = T extends unknown ? keyof T : never;
export type ValueAt<T, K> = T extends unknown ? (K extends keyof T ? T[K] : never) : never;

/** The members of a union as one object: what all have, and as optional what only some have. A class cannot extend a union. */
export type Merged<T> = Flat<Pick<T, keyof T> & { [K in Exclude<EveryKey<T>, keyof T>]?: ValueAt<T, K> | undefined }>;

/** The fields of a schema's output. */
export type OutputOf<S extends ModelSchema> = OneObject<StandardSchemaV1.InferOutput<S>>;
export type OneObject<T, All = T> = T extends unknown ? ([All] extends [T] ? T : Merged<All>) : never;

/** The name of a field of the schema's output. */
export type FieldOf<S extends ModelSchema> = keyof OutputOf<S> & string;

/** What a schema takes. */
export type InputOf<S extends ModelSchema> = StandardSchemaV1.InferInput<S>;

/** Names as far as the compiler knows them: none where they are any text. */
export type KnownNames<Names> = string extends Names ? never : Names & string;

/** The names of identifiers or attributes, given as a union or as the list itself. */
export type NamesIn<L extends string | readonly string[]> = L extends readonly string[] ? L[number] : L;

/** The list of identifiers or attributes, given as a union or as the list itself. */
export type ListOf<L extends string | readonly string[]> = L extends readonly string[] ? L : readonly NamesIn<L>[];

/** Some fields of the objects of a schema. A conditional type has no name, so that editors and errors show the fields. */
export type FieldsOf<O, Names extends keyof O> = O extends unknown ? { [K in Names]: O[K] } : never;

/** Some fields of the objects of a schema, any of which may be missing. */
export type SomeFieldsOf<O, Names extends keyof O> = O extends unknown ? { [K in Names]?: O[K] } : never;

/** Fields any of which may be missing or undefined. */
export type Sparse<Fields> = { [K in keyof Fields]?: Fields[K] | undefined };

/** A value that can be part of a unique id. */
export type Identity = string | number | boolean | bigint;
// oxlint-disable-next-line typescript/no-unsafe-function-type -- any function, also one of which no more is known, as z.instanceof(Function)
export type Unstorable = Function | symbol | RegExp | Promise<unknown> | WeakMap<WeakKey, unknown> | WeakSet<WeakKey>;

export type IdentityFieldOf<O> = { [F in keyof O & string]-?: O[F] extends Identity ? F : never }[keyof O & string];
export type ListFieldOf<O> = {
  [F in keyof O & string]-?: NonNullable<O[F]> extends readonly string[] ? F : never;
}[keyof O & string];

/** The names that are right, for a name that is wrong. A list in a variable of its own is `string[]`: its names are not known. */
export type OneOf<F, Names> = string extends F
  ? Refused<'the names are not known: write the list here, or end it with "as const"'>
  : Names & string;

/** The members of every model, whose names no field may have. */
export type ReservedField =
  | 'adapter'
  | 'addChild'
  | 'delete'
  | 'getAttrs'
  | 'getChildrenMapping'
  | 'getIdentifiers'
  | 'getShortname'
  | 'getStatus'
  | 'getType'
  | 'getUniqueId'
  | 'hasChild'
  | 'linkChild'
  | 'modelFlags'
  | 'removeChild'
  | 'setStatus'
  | 'str'
  | 'toDict'
  | 'toJSON'
  | 'toString'
  | 'unlinkChild'
  | 'update';

export type CheckedIdentifier<F, O> =
  F extends Exclude<keyof O, ReservedField>
    ? O[F] extends Identity
      ? F
      : Refused<`"${F & string}" is no identifier: it must be a string, number, boolean or bigint that is always there`>
    : F extends ReservedField
      ? Refused<`every model has a member "${F}" already: rename the field`>
      : OneOf<F, IdentityFieldOf<O>>;

export type CheckedAttribute<F, O, Ids> = F extends Ids
  ? Refused<`"${F & string}" is an identifier: it cannot be an attribute as well`>
  : F extends ReservedField
    ? Refused<`every model has a member "${F}" already: rename the field`>
    : F extends keyof O
      ? O[F] extends Unstorable | null | undefined
        ? Refused<`"${F & string}" holds what no store can keep: a function, symbol, RegExp or Promise`>
        : F
      : OneOf<F, Exclude<keyof O & string, Ids>>;

export type CheckedChild<F, O, Taken> =
  F extends Exclude<keyof O, Taken>
    ? NonNullable<O[F]> extends readonly string[]
      ? F
      : Refused<`"${F & string}" lists no unique ids: children need a list of texts`>
    : F extends Taken & string
      ? Refused<`"${F}" is an identifier or attribute: it cannot list children as well`>
      : OneOf<F, ListFieldOf<O>>;

/** The identifiers that were given, or what is wrong with each. */
export type CheckedIdentifiers<I extends readonly string[], O> = {
  readonly [K in keyof I]: CheckedIdentifier<I[K], O>;
} & (I extends readonly [] ? Refused<'a model needs at least one identifier'> : unknown);

/** The attributes that were given, or what is wrong with each. */
export type CheckedAttributes<A extends readonly string[], O, Ids> = {
  readonly [K in keyof A]: CheckedAttribute<A[K], O, Ids>;
};

/** The fields of children that were given, or what is wrong with each. */
export type CheckedChildren<C extends Readonly<Record<string, string>>, O, Taken> = {
  readonly [M in keyof C]: CheckedChild<C[M], O, Taken>;
};

/** The comparisons of attributes: by the attributes' types. */
export type Comparisons<O, Attrs> = {
  readonly [A in Attrs & keyof O]?:
    | (NonNullable<O[A]> extends readonly unknown[] ? 'set' : never)
    | ((a: O[A], b: O[A]) => boolean)
    | undefined;
};

/** A schema whose output is an object with fields. */
export type CheckedSchema<S extends ModelSchema, O> = S &
  (O extends
    | readonly unknown[]
    | ReadonlyMap<unknown, unknown>
    | ReadonlySet<unknown>
    | Date
    | ((...args: never) => unknown)
    ? Refused<'the output of the schema of a model is an object with fields, no list, Map, Set or Date'>
    : unknown);
