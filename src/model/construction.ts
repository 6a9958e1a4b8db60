import { inspect } from 'node:util';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { DiffSyncError, ModelDefinitionError, ModelValidationError } from '../errors.js';
import type { DiffSyncModelFlags } from '../flags.js';
import { inspectClass } from './class-inspection.js';
import { issuesText, readIssues, withoutSecretInput } from './schema-issues.js';
import { runMaybeAsync, settled, type MaybeAsync } from './maybe-async.js';
import { withAllFields } from './missing-fields.js';
import { FLAGS, type ModelDefinition } from './model-definition.js';
import { assignFields, hasFlagsInData, noteFlagsInData } from './model-fields.js';
import type { Fields, ModelConstructor, ModelInstance } from './model-types.js';
import { construct, defineProbes, takePrevalidated } from './side-channel.js';
import { identifierFault } from './unique-id.js';
import type { UnreservedNames } from './unreserved-names.js';

/**
 * Sets the fields of a new instance: the pre-validated ones of `hydrateModel` and `parseModel`, else `input`, validated.
 * Only the constructor of DiffSyncModel calls this.
 * @throws {ModelValidationError} (MODEL_VALIDATION) for input that the schema refuses.
 * @throws {ModelDefinitionError} (MODEL_DEFINITION) for an asynchronous schema, or a class that declares a field again.
 */
export function initialiseFields(instance: ModelInstance, model: ModelConstructor, input: unknown): void {
  const given = takePrevalidated(model);
  if (given === undefined) {
    const fields = validate(model.definition, model.name, input);
    setFields(instance, model, fields, inspectClass(model, fields, true).unreserved);
  } else if (given.onUse !== undefined) {
    defineProbes(instance, given.fields, given.onUse);
  } else {
    setFields(instance, model, given.fields, given.unreserved);
  }
}

/** @returns an instance that holds `fields` as they are, but for its child lists. The caller gives them away. */
export function hydrateModel<M extends ModelInstance>(
  model: ModelConstructor<M>,
  fields: Fields,
  modelFlags?: DiffSyncModelFlags,
): M {
  const { setsFields, unreserved } = inspectClass(model, fields, false);
  const instance = construct(model, { fields, unreserved });
  if (setsFields) {
    assignFields(instance, hasFlagsInData(instance) ? withoutFlags(fields) : fields);
    copyChildLists(instance, model.definition);
  }
  instance.modelFlags = modelFlags ?? model.definition.modelFlags;
  return instance;
}

/**
 * Creates an instance of fields that the schema has put out, without giving them to it again. Fields that are missing are as the
 * schema fills them.
 * @throws {ModelValidationError} (MODEL_VALIDATION) for identifiers that are none.
 */
export function completeModel<M extends ModelInstance>(model: ModelConstructor<M>, parsed: Fields): M {
  const fields = withAllFields(model.definition, parsed);
  checkIdentifiers(model.definition, fields);
  return hydrateModel(model, fields);
}

/**
 * Validates input, also with an asynchronous schema.
 * @throws {ModelValidationError} (MODEL_VALIDATION)
 */
export async function parseModel<M extends ModelInstance>(model: ModelConstructor<M>, input: unknown): Promise<M> {
  return runMaybeAsync(parsing(model, input));
}

/** The same, synchronously where the schema is. */
export function* parsing<M extends ModelInstance>(model: ModelConstructor<M>, input: unknown): MaybeAsync<M> {
  const { definition } = model;
  let result: StandardSchemaV1.Result<object>;
  try {
    result = yield* settled(definition.schema['~standard'].validate(input));
  } catch (error) {
    throw schemaFailure(definition, input, error);
  }
  const fields = fieldsOrThrow(definition, result, input);
  const { unreserved } = inspectClass(model, fields, true);
  return construct(model, { fields, unreserved });
}

/** @throws {ModelValidationError} (MODEL_VALIDATION) for an identifier that is no string, number, boolean or bigint. */
export function checkIdentifiers({ name, identifiers }: ModelDefinition, fields: Fields): void {
  for (const key of identifiers) {
    const fault = identifierFault(Object.hasOwn(fields, key) ? fields[key] : undefined);
    if (fault === undefined) continue;
    throw new ModelValidationError(`${name}: identifier "${key}" ${fault}`, [{ path: key, message: fault }]);
  }
}

/**
 * Sets the fields of an instance that has none yet. Adds to `unreserved` the names that are looked up here. A field with the name
 * of the object's flags does not become its flags: no store takes the object.
 */
function setFields(
  instance: ModelInstance,
  model: ModelConstructor,
  fields: Fields,
  unreserved: UnreservedNames,
): void {
  let index = 0;
  for (const name in fields) {
    if (unreserved.has(name, index++)) continue;
    if (name === FLAGS) {
      setFields(instance, model, withoutFlags(fields), unreserved);
      return noteFlagsInData(instance);
    }
    assignFields(instance, { [name]: fields[name] });
    unreserved.add(name);
  }
  // All at once: field by field the engine would look through the prototypes for each of them.
  Object.assign(instance, fields);
  copyChildLists(instance, model.definition);
}

/** @returns the fields without `modelFlags`, which no data may set. */
export function withoutFlags(fields: Fields): Fields {
  const others = { ...fields };
  delete others[FLAGS];
  return others;
}

/** Gives an instance child lists of its own: a schema may hand out its input's list, or one default, more than once. */
function copyChildLists(instance: ModelInstance, { children }: ModelDefinition): void {
  const target = instance as unknown as Record<string, unknown>;
  for (const child in children) {
    const field = children[child] as string;
    if (Array.isArray(target[field])) target[field] = [...(target[field] as unknown[])];
  }
}

function validate(definition: ModelDefinition, className: string, input: unknown): Record<string, unknown> {
  let result: ReturnType<ModelDefinition['schema']['~standard']['validate']>;
  try {
    result = definition.schema['~standard'].validate(input);
  } catch (error) {
    throw schemaFailure(definition, input, error);
  }
  if ('then' in result) {
    result.catch(() => undefined); // Its outcome no longer matters, and must not end the process.
    // zod tries a schema that throws again, asynchronously.
    throw new ModelDefinitionError(
      `${className}: the schema is asynchronous, or throws${objectText(definition, input)}; use "await ${className}.parse(data)", ` +
        `which says why`,
    );
  }
  return fieldsOrThrow(definition, result, input);
}

function fieldsOrThrow(
  definition: ModelDefinition,
  result: StandardSchemaV1.Result<object>,
  input: unknown,
): Record<string, unknown> {
  if (result.issues === undefined) {
    const fields = result.value as Record<string, unknown>;
    checkIdentifiers(definition, fields);
    return fields;
  }
  const issues = readIssues(result.issues, definition, input);
  throw new ModelValidationError(`${definition.name}: ${issuesText(issues)}${objectText(definition, input)}`, issues);
}

/** The error for a schema that throws instead of reporting issues: a transform of it, for example. */
function schemaFailure(definition: ModelDefinition, input: unknown, cause: unknown): Error {
  if (cause instanceof DiffSyncError) return cause;
  const thrown = `the schema threw: ${cause instanceof Error ? cause.message : inspect(cause)}`;
  const message = withoutSecretInput(thrown, definition, input);
  const text = `${definition.name}: ${message}${objectText(definition, input)}`;
  // What it threw repeats a secret value then.
  return new ModelValidationError(text, [{ path: '', message }], message === thrown ? { cause } : {});
}

/** Names a refused object by its identifiers, as far as the input has them: one of many would not be found else. */
function objectText({ name, identifiers }: ModelDefinition, input: unknown): string {
  try {
    const values = identifiers.map((key) => (input as Fields)[key]);
    if (values.some((value) => identifierFault(value) !== undefined)) return '';
    return ` (${name} "${values.map(String).join('__')}")`;
  } catch {
    return ''; // The input has no fields, or getters that throw.
  }
}
