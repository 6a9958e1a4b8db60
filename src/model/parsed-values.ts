import type { ModelSchema } from './declared-fields.js';

/** Makes `this` of a class over it the given object, which then gets that class's private fields. */
class Itself {
  constructor(object: object) {
    return object;
  }
}

/**
 * Notes on identifiers which schema has put them out. A private field is seen by no other code, and a copy of the object has none;
 * a WeakMap has both too, and costs a created object twenty times as much.
 */
class Parsed extends Itself {
  readonly #schema: ModelSchema;

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
 * `createBulk`, when the source's object is of that schema. The first note holds.
 * @param ids - what the hook is called with; it may be passed on in another object.
 * @param schema - the schema of the source's class.
 * @returns the identifiers.
 */
export function markParsed<T extends object>(ids: T, schema: ModelSchema): T {
  const isNoted = Parsed.schemaOf(ids) !== undefined;
  return isNoted ? ids : (new Parsed(ids, schema) as unknown as T);
}

/** Whether identifiers are noted as output of the schema. */
export function isParsed(ids: object, schema: ModelSchema): boolean {
  return Parsed.schemaOf(ids) === schema;
}
