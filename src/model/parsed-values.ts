import type { ModelSchema } from './declared-fields.js';

/** Identifiers -> the schema that has put them out. No other code sees the note, and a copy of the object has none. */
const parsedBy = new WeakMap<object, ModelSchema>();

/**
 * Notes that identifiers, and the attributes beside them, are the output of a schema, so that this schema is not given them as
 * input again: a transform would be applied twice. The engine calls this with the `ids` that it passes to `create` and
 * `createBulk`, when the source's object is of that schema.
 * @param ids - what the hook is called with; it may be passed on in another object.
 * @param schema - the schema of the source's class.
 * @returns the identifiers.
 */
export function markParsed<T extends object>(ids: T, schema: ModelSchema): T {
  if (!parsedBy.has(ids)) parsedBy.set(ids, schema);
  return ids;
}

/** Whether identifiers are noted as output of the schema. */
export function isParsed(ids: object, schema: ModelSchema): boolean {
  return parsedBy.get(ids) === schema;
}
