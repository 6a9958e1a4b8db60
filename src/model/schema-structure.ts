import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ModelSchema } from './model-definition.js';

/** What the schema of an object says of one of its fields. */
export interface FieldSchema {
  /** The schema of the field's value. */
  readonly schema: StandardSchemaV1;
  /**
   * What fills the field where it is missing: its own schema, asked with `undefined`; only the schema of the object; or nothing.
   */
  readonly filledBy: 'field' | 'object' | 'nothing';
}

/** What the libraries let others see of a schema; Standard Schema itself has no list of fields. */
interface Visible {
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly props?: readonly { readonly key: unknown; readonly value: unknown }[];
  readonly type?: unknown;
  readonly pipe?: readonly { readonly kind?: unknown }[];
  readonly default?: unknown;
  readonly fallback?: unknown;
  readonly _zod?: {
    readonly optin?: string | undefined;
    readonly def?: {
      readonly type?: string;
      readonly innerType?: unknown;
      readonly checks?: readonly { readonly _zod?: { readonly def?: { readonly check?: string } } }[];
    };
  };
}

const VALIBOT_OBJECTS: ReadonlySet<unknown> = new Set(['object', 'loose_object', 'strict_object', 'object_with_rest']);

const VALIBOT_OPTIONAL: ReadonlySet<unknown> = new Set(['optional', 'exact_optional', 'nullish']);

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
    return zod.type === 'object' && !changes ? fieldsOf(schema.shape, fillsInZod) : undefined;
  }
  if (schema.entries !== undefined) {
    const changes = schema.pipe?.slice(1).some(({ kind }) => kind === 'transformation' || kind === 'schema') ?? false;
    return VALIBOT_OBJECTS.has(schema.type) && !changes ? fieldsOf(schema.entries, fillsInValibot) : undefined;
  }
  return readProps(schema);
}

/** @param fills - whether the object's schema asks the field's where the field is missing, instead of refusing. */
function fieldsOf(
  own: Readonly<Record<string, unknown>> | undefined,
  fills: (field: Visible) => boolean,
): ReadonlyMap<string, FieldSchema> | undefined {
  const fields = Object.entries(own ?? {});
  if (!fields.every(([, schema]) => isSchema(schema))) return undefined;
  return new Map(
    fields.map(([name, schema]) => [
      name,
      { schema: schema as StandardSchemaV1, filledBy: fills(schema as Visible) ? 'field' : 'nothing' },
    ]),
  );
}

function fillsInZod(field: Visible): boolean {
  return field._zod?.optin !== undefined;
}

function fillsInValibot({ type, default: value, fallback }: Visible): boolean {
  return fallback !== undefined || (VALIBOT_OPTIONAL.has(type) && value !== undefined);
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
      { schema: prop.value as StandardSchemaV1, filledBy: 'default' in prop ? 'object' : 'nothing' },
    ]),
  );
}

function isSchema(value: unknown): value is StandardSchemaV1 {
  return typeof (value as StandardSchemaV1 | undefined)?.['~standard']?.validate === 'function';
}
