import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ModelSchema } from './declared-fields.js';

/** What the schema of an object says of one of its fields. */
export interface FieldSchema {
  /** The schema of the field's value. */
  readonly schema: StandardSchemaV1;
  /**
   * What fills the field where it is missing: its own schema, asked with `undefined`; only the schema of the object; or nothing.
   */
  readonly filledBy: 'field' | 'object' | 'nothing';
  /** Whether the object's schema takes an object without the field. */
  readonly isOptional: boolean;
  /** Whether each value that the field's schema does not refuse comes out as it is; false where that is not known. */
  readonly keepsValue: boolean;
}

/** What the libraries let others see of a schema; Standard Schema itself has no list of fields. */
interface Visible {
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly props?: readonly { readonly key: unknown; readonly value: unknown; readonly required?: boolean }[];
  readonly type?: unknown;
  readonly pipe?: readonly { readonly kind?: unknown }[];
  readonly default?: unknown;
  readonly fallback?: unknown;
  readonly expression?: unknown;
  readonly _zod?: {
    readonly optin?: string | undefined;
    readonly def?: {
      readonly type?: string;
      readonly coerce?: boolean;
      readonly format?: unknown;
      readonly innerType?: unknown;
      readonly checks?: readonly { readonly _zod?: { readonly def?: { readonly check?: string } } }[];
    };
  };
}

const VALIBOT_OBJECTS: ReadonlySet<unknown> = new Set(['object', 'loose_object', 'strict_object', 'object_with_rest']);

const VALIBOT_OPTIONAL: ReadonlySet<unknown> = new Set(['optional', 'exact_optional', 'nullish']);

const PLAIN_TYPES: ReadonlySet<unknown> = new Set(['string', 'number', 'boolean', 'bigint']);

/** Checks of zod that change no value; one that does may have any other name. */
const PLAIN_CHECKS: ReadonlySet<unknown> = new Set(['min_length', 'max_length', 'length_equals']);

const known = new WeakMap<object, ReadonlyMap<string, FieldSchema> | null>();

/**
 * Reads the fields of a schema in the way of each library.
 * @returns field -> schema, where each field of the output is what its own schema makes of the input's; undefined for any other
 * schema: a union, a transform, a library that shows no fields.
 */
export function fieldSchemasOf(schema: ModelSchema): ReadonlyMap<string, FieldSchema> | undefined {
  let fields = known.get(schema);
  if (fields === undefined) known.set(schema, (fields = readFields(schema as Visible) ?? null));
  return fields ?? undefined;
}

function readFields(schema: Visible): ReadonlyMap<string, FieldSchema> | undefined {
  const zod = schema._zod?.def;
  if (zod !== undefined) {
    if (zod.type === 'readonly') return readFields(zod.innerType as Visible);
    const changes = zod.checks?.some((check) => check._zod?.def?.check !== 'custom') ?? false;
    return zod.type === 'object' && !changes ? fieldsOf(schema.shape, fillsInZod, fillsInZod) : undefined;
  }
  if (schema.entries !== undefined) {
    const changes = schema.pipe?.slice(1).some(({ kind }) => kind === 'transformation' || kind === 'schema') ?? false;
    return VALIBOT_OBJECTS.has(schema.type) && !changes
      ? fieldsOf(schema.entries, fillsInValibot, isOptionalInValibot)
      : undefined;
  }
  return readProps(schema);
}

/**
 * @param fills - whether the object's schema asks the field's where the field is missing, instead of refusing.
 * @param isOptional - whether the object's schema takes an object without the field.
 */
function fieldsOf(
  own: Readonly<Record<string, unknown>> | undefined,
  fills: (field: Visible) => boolean,
  isOptional: (field: Visible) => boolean,
): ReadonlyMap<string, FieldSchema> | undefined {
  const fields = Object.entries(own ?? {});
  if (!fields.every(([, schema]) => isSchema(schema))) return undefined;
  return new Map(
    fields.map(([name, schema]) => [
      name,
      {
        schema: schema as StandardSchemaV1,
        filledBy: fills(schema as Visible) ? 'field' : 'nothing',
        isOptional: isOptional(schema as Visible),
        keepsValue: keepsValue(schema as Visible),
      },
    ]),
  );
}

function fillsInZod(field: Visible): boolean {
  return field._zod?.optin !== undefined;
}

function fillsInValibot({ type, default: value, fallback }: Visible): boolean {
  return fallback !== undefined || (VALIBOT_OPTIONAL.has(type) && value !== undefined);
}

function isOptionalInValibot(field: Visible): boolean {
  return VALIBOT_OPTIONAL.has(field.type) || fillsInValibot(field);
}

/** Whether a schema is one that only refuses, in any of the libraries. */
function keepsValue({ _zod, type, pipe, expression, fallback }: Visible): boolean {
  const zod = _zod?.def;
  if (zod !== undefined) {
    if (!PLAIN_TYPES.has(zod.type) || zod.coerce === true || zod.format !== undefined) return false;
    return (zod.checks ?? []).every((check) => PLAIN_CHECKS.has(check._zod?.def?.check));
  }
  if (expression !== undefined) return PLAIN_TYPES.has(expression);
  const changes = pipe?.slice(1).some(({ kind }) => kind !== 'validation') ?? false;
  return PLAIN_TYPES.has(type) && fallback === undefined && !changes;
}

/** arktype keeps a default beside the field's schema, and throws for the properties of what is no plain object. */
function readProps(schema: Visible): ReadonlyMap<string, FieldSchema> | undefined {
  let props: Visible['props'];
  try {
    ({ props } = schema);
  } catch {
    return undefined;
  }
  if (!Array.isArray(props) || !props.every(({ value }: { value?: unknown }) => isSchema(value))) return undefined;
  return new Map(
    (props as NonNullable<Visible['props']>).map((prop) => [
      String(prop.key),
      {
        schema: prop.value as StandardSchemaV1,
        filledBy: 'default' in prop ? 'object' : 'nothing',
        isOptional: prop.required === false, // One with a default is, too.
        keepsValue: keepsValue(prop.value as Visible),
      },
    ]),
  );
}

function isSchema(value: unknown): value is StandardSchemaV1 {
  return typeof (value as StandardSchemaV1 | undefined)?.['~standard']?.validate === 'function';
}
