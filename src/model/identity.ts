import { inspect } from 'node:util';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { DiffSyncError, ValueError } from '../errors.js';
import { overridesUniqueId } from './class-inspection.js';
import { hydrateModel } from './construction.js';
import { DiffSyncModel } from './diffsync-model.js';
import { runMaybeAsync, settled, type MaybeAsync } from './maybe-async.js';
import { withAllFields } from './missing-fields.js';
import { declaredFields } from './model-definition.js';
import type { Fields, ModelConstructor } from './model-types.js';
import { isParsed } from './parsed-values.js';
import { fieldSchemasOf } from './schema-structure.js';
import { joinIdentifiers } from './unique-id.js';

/**
 * Returns the unique id of the object that a class makes of these identifiers: the schema is asked first, because it may change
 * them. What an object's `getIdentifiers` returned is taken as it is.
 * @param ids - identifier -> value, as the schema takes it; other fields may be among them.
 * @returns the unique id; a promise of it where the schema is asynchronous.
 * @throws {ValueError} (VALUE_ERROR) when an identifier is missing or can be none.
 */
export function uniqueIdOf(model: ModelConstructor, ids: object): string | Promise<string> {
  return runMaybeAsync(identifying(model, ids));
}

/** The same, as a part of other work. */
export function* identifying(model: ModelConstructor, ids: object): MaybeAsync<string> {
  if (isParsed(ids, model.definition.schema)) return uniqueIdOfParsed(model, ids);
  return uniqueIdOfParsed(model, { ...ids, ...(yield* parsingIdentifiers(model, ids)) });
}

/**
 * Returns the unique id of the object that holds these identifiers, which are the output of the class's schema.
 * @throws {ValueError} (VALUE_ERROR) when an identifier is missing or can be none, or the class cannot tell the unique id of an
 * object with these fields alone.
 */
export function uniqueIdOfParsed(model: ModelConstructor, ids: object): string {
  const { name, identifiers } = model.definition;
  if (!overridesUniqueId(model, DiffSyncModel)) return joinIdentifiers(name, identifiers, ids);
  const { prototype } = model;
  const { getUniqueId, getIdentifiers } = DiffSyncModel.prototype;
  if (prototype.getUniqueId === getUniqueId && prototype.getIdentifiers === getIdentifiers) {
    return model.createUniqueId(ids as never);
  }
  try {
    return hydrateModel(model, withAllFields(model.definition, declaredOf(model, ids))).getUniqueId();
  } catch (error) {
    if (error instanceof DiffSyncError) throw error;
    throw new ValueError(
      `${name}: class ${model.name} makes no unique id of ${inspect({ ...ids }, { breakLength: Infinity })}; pass the unique id`,
      { cause: error },
    );
  }
}

/** Only declared fields: any other name may be one that objects use themselves. */
function declaredOf({ definition }: ModelConstructor, ids: object): Fields {
  const given = ids as Fields;
  const names = declaredFields(definition).filter((field) => Object.hasOwn(given, field));
  return Object.fromEntries(names.map((field) => [field, given[field]]));
}

/** Returns the identifiers as the schema makes them. One that it refuses stays as it is: the caller finds no object then. */
function* parsingIdentifiers({ definition }: ModelConstructor, ids: object): MaybeAsync<Fields> {
  const { identifiers, schema } = definition;
  const given = ids as Fields;
  const fields = fieldSchemasOf(schema);
  const parsed: Record<string, unknown> = {};
  if (fields === undefined) {
    const output = yield* outputOf(schema, { ...given });
    for (const key of identifiers) {
      if (output !== undefined && Object.hasOwn(output as Fields, key)) parsed[key] = (output as Fields)[key];
    }
    return parsed;
  }
  for (const key of identifiers) {
    const field = fields.get(key);
    const value = field && (yield* outputOf(field.schema, Object.hasOwn(given, key) ? given[key] : undefined));
    if (value !== undefined) parsed[key] = value;
  }
  return parsed;
}

/** @returns undefined where the schema refuses the input, or throws. */
function* outputOf(schema: StandardSchemaV1, input: unknown): MaybeAsync<unknown> {
  try {
    const result = yield* settled(schema['~standard'].validate(input));
    return result.issues === undefined ? result.value : undefined;
  } catch {
    return undefined; // The schema is made for other input; the object is looked up by what the caller passed.
  }
}
