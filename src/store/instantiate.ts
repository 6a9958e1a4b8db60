import { ModelValidationError } from '../errors.js';
import { completeModel, hydrateModel, parsing } from '../model/construction.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import { identifying, uniqueIdOfParsed } from '../model/identity.js';
import { runMaybeAsync, settled, type MaybeAsync } from '../model/maybe-async.js';
import type { ModelClass } from '../model/model-class.js';
import { fieldNames, fieldOf } from '../model/model-fields.js';
import { isParsed } from '../model/parsed-values.js';
import { fieldSchemasOf } from '../model/schema-structure.js';
import { isDeepEqual } from '../values/deep-equal.js';

type Fields = Readonly<Record<string, unknown>>;

/** What a class makes of identifiers and attributes that a caller passes. */
export interface Instantiated {
  /** The unique id of the object. */
  readonly uid: string;
  /** Returns the attributes with the values that the schema makes of them. @throws why the schema refuses one of them. */
  attrs(): Fields;
  /** Returns the object. @throws why there is none; a stored object may be found and changed all the same. */
  create(): DiffSyncModel;
}

/**
 * Parses identifiers and attributes, once: a transform must not be applied to its own result.
 * @param ids - identifiers as the schema takes them; they go before attributes of the same name.
 * @returns what they make; a promise of it where the schema is asynchronous.
 */
export function instantiate(model: ModelClass, ids: Fields, attrs: Fields): Instantiated | Promise<Instantiated> {
  return runMaybeAsync(instantiating(model, ids, attrs));
}

function* instantiating(model: ModelClass, ids: Fields, attrs: Fields): MaybeAsync<Instantiated> {
  const given = namesToSet(ids, attrs);
  const input = { ...attrs, ...ids };
  // What an object's `getIdentifiers` returned is the schema's output, and stays as it is.
  const known = isParsed(ids, model.definition.schema) ? copyOf(ids, model.definition.identifiers) : undefined;
  let obj: DiffSyncModel;
  try {
    obj = yield* parsing(model, input);
    if (known !== undefined) obj = withIdentifiers(model, obj, known);
  } catch (refusal) {
    const fail = (): never => {
      throw refusal;
    };
    const uid = known === undefined ? yield* identifying(model, input) : uniqueIdOfParsed(model, input);
    // A schema that shows no fields has refused its own output: it cannot be asked what it makes of the attributes.
    const isHidden = known !== undefined && given.length > 0 && fieldSchemasOf(model.definition.schema) === undefined;
    const parsed = isHidden || refuses(refusal, given) ? undefined : yield* parsingAttributes(model, given, attrs);
    const isMade = known !== undefined && parsed !== undefined && refusesOnly(refusal, model.definition.identifiers);
    return {
      uid,
      attrs: () => parsed ?? fail(),
      create: isMade ? () => completeModel(model, { ...parsed, ...known }) : fail,
    };
  }
  const parsed = given.map((name) => [name, isParsedField(model, obj, name) ? fieldOf(obj, name) : attrs[name]]);
  return { uid: obj.getUniqueId(), attrs: () => Object.fromEntries(parsed) as Fields, create: () => obj };
}

/** Whether a refusal is about one of these fields; it may be about others that are missing. */
function refuses(refusal: unknown, names: readonly string[]): boolean {
  if (!(refusal instanceof ModelValidationError)) return false;
  return refusal.issues.some(({ path }) => names.some((name) => path === name || path.startsWith(`${name}.`)));
}

/** Whether a refusal is about nothing but these fields. */
function refusesOnly(refusal: unknown, names: readonly string[]): boolean {
  return refusal instanceof ModelValidationError && refusal.issues.every(({ path }) => names.includes(path));
}

/** Returns an object with these identifiers, which the schema has made others of: itself where it has not. */
function withIdentifiers(model: ModelClass, obj: DiffSyncModel, ids: Fields): DiffSyncModel {
  if (Object.keys(ids).every((name) => isDeepEqual(fieldOf(obj, name), ids[name]))) return obj;
  const fields = Object.fromEntries(fieldNames(obj).map((name) => [name, fieldOf(obj, name)]));
  return hydrateModel(model, { ...fields, ...ids });
}

function copyOf(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(fields, name)).map((name) => [name, fields[name]]));
}

/** An identifier among the attributes is none to set, if it is the same. */
function namesToSet(ids: Fields, attrs: Fields): string[] {
  return Object.keys(attrs).filter((name) => !(Object.hasOwn(ids, name) && isDeepEqual(ids[name], attrs[name])));
}

/** Whether the schema has parsed the attribute; an identifier of the same name was parsed in its place. */
function isParsedField({ definition }: ModelClass, obj: DiffSyncModel, name: string): boolean {
  return Object.hasOwn(obj, name) && !definition.identifiers.includes(name);
}

/** Parses each attribute by itself where the schema shows its fields. @returns undefined where it refuses one. */
function* parsingAttributes(
  { definition }: ModelClass,
  names: readonly string[],
  attrs: Fields,
): MaybeAsync<Fields | undefined> {
  const fields = fieldSchemasOf(definition.schema);
  const parsed: [string, unknown][] = [];
  for (const name of names) {
    const known = definition.identifiers.includes(name) ? undefined : fields?.get(name);
    const result = known && (yield* settled(known.schema['~standard'].validate(attrs[name])));
    if (result?.issues !== undefined) return undefined;
    parsed.push([name, result === undefined ? attrs[name] : result.value]);
  }
  return Object.fromEntries(parsed);
}
