import type { ModelSchema } from './model-definition.js';

/** Identifiers or attributes -> the schema whose output they are. */
const schemaOfValues = new WeakMap<object, ModelSchema>();

/**
 * Notes that identifiers and attributes are the output of a schema, so that this schema is not given them as input again: a
 * transform would be applied twice. The engine calls this with what it passes to `create` and `createBulk`, when the source's
 * object is of that schema.
 * @param item - what the hook is called with; `ids` and `attrs` may be passed on in another object.
 * @param schema - the schema of the source's class.
 */
export function markParsed(
  { ids, attrs }: { readonly ids: object; readonly attrs: object },
  schema: ModelSchema,
): void {
  schemaOfValues.set(ids, schema).set(attrs, schema);
}

/** Notes that identifiers are the output of a schema. */
export function markParsedIds<T extends object>(ids: T, schema: ModelSchema): T {
  schemaOfValues.set(ids, schema);
  return ids;
}

/** Whether identifiers or attributes are noted as output of the schema. */
export function isParsed(values: object, schema: ModelSchema): boolean {
  return schemaOfValues.get(values) === schema;
}
