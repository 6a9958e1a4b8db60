import type { ModelSchema } from './model-definition.js';

/** Returns the object that it is given, so that a class over it adds its private field to that object. */
class Given {
  constructor(object: object) {
    return object;
  }
}

/**
 * Notes on an object of identifiers which schema has put it out. The note is a private field: no other code sees it, a copy of the
 * object has none, and it is cheaper than an entry of a WeakMap, as there is one for each object that a sync creates.
 */
class ParsedBy extends Given {
  #schema: ModelSchema | undefined;

  constructor(ids: object, schema: ModelSchema) {
    super(ids);
    this.#schema = schema;
  }

  static schemaOf(ids: object): ModelSchema | undefined {
    return #schema in ids ? ids.#schema : undefined;
  }
}

/**
 * Notes that identifiers, and the attributes beside them, are the output of a schema, so that this schema is not given them as
 * input again: a transform would be applied twice. The engine calls this with the `ids` that it passes to `create` and
 * `createBulk`, when the source's object is of that schema.
 * @param ids - what the hook is called with; it may be passed on in another object.
 * @param schema - the schema of the source's class.
 * @returns the identifiers.
 */
export function markParsed<T extends object>(ids: T, schema: ModelSchema): T {
  return ParsedBy.schemaOf(ids) === undefined ? (new ParsedBy(ids, schema) as unknown as T) : ids;
}

/** Whether identifiers are noted as output of the schema. */
export function isParsed(ids: object, schema: ModelSchema): boolean {
  return ParsedBy.schemaOf(ids) === schema;
}
