import type { StandardSchemaV1 } from '@standard-schema/spec';
import { withoutUndefined } from '../values/without-undefined.js';
import { settled, type MaybeAsync } from './maybe-async.js';
import { withDeclaredFields } from './missing-fields.js';
import type { ModelDefinition } from './model-definition.js';
import type { Fields } from './model-types.js';
import { issuesText, readIssues } from './schema-issues.js';
import { fieldSchemasOf } from './schema-structure.js';

/** What a schema makes of some fields. */
export interface ParsedFields {
  /** Field -> what the schema makes of it; a value that it refuses stays as it is. */
  readonly values: Fields;
  /** Field -> why the schema refuses its value; undefined where it refuses none. */
  readonly refused: Readonly<Record<string, string>> | undefined;
}

type Answer = { readonly value: unknown } | { readonly issues: readonly StandardSchemaV1.Issue[] };

/**
 * Parses fields that another schema has put out, each by itself where the schema shows its fields; else the object as a whole.
 * A schema that shows no fields and refuses the object for other reasons than these fields leaves them as they are.
 * @param given - field -> value; a missing one is as the schema fills it.
 * @param names - the declared fields to parse.
 */
export function* parsingFields(
  definition: ModelDefinition,
  given: Fields,
  names: readonly string[],
): MaybeAsync<ParsedFields> {
  const fields = fieldSchemasOf(definition.schema);
  if (fields === undefined) return yield* parsingWhole(definition, given, names);
  const values: [string, unknown][] = [];
  const refused: [string, string][] = [];
  const isComplete = names.every((name) => own(given, name) !== undefined);
  const complete = isComplete ? given : withDeclaredFields(definition, withoutUndefined(given));
  for (const name of names) {
    const value = own(given, name);
    const filled = value === undefined ? own(complete, name) : undefined;
    const field = fields.get(name);
    if (field === undefined || filled !== undefined || (value === undefined && field.isOptional)) {
      values.push([name, filled ?? value]);
      continue;
    }
    const answer = yield* asking(field.schema, value);
    values.push([name, 'value' in answer ? answer.value : value]);
    if ('issues' in answer) refused.push([name, issuesText(readIssues(answer.issues, definition, { [name]: value }))]);
  }
  return parsedFields(values, refused);
}

/**
 * Returns the fields without those with `undefined` that the schema takes an object without: a key with `undefined` and no key
 * are the same, though not to every schema.
 */
export function withoutAbsent({ schema }: ModelDefinition, given: Fields): Fields {
  const isAbsent = (name: string): boolean =>
    given[name] === undefined && fieldSchemasOf(schema)?.get(name)?.isOptional === true;
  const names = Object.keys(given);
  return names.some(isAbsent)
    ? Object.fromEntries(names.flatMap((name) => (isAbsent(name) ? [] : [[name, given[name]]])))
    : given;
}

function* parsingWhole(definition: ModelDefinition, given: Fields, names: readonly string[]): MaybeAsync<ParsedFields> {
  const answer = yield* asking(definition.schema, given);
  if ('value' in answer) {
    return parsedFields(
      names.map((name) => [name, own(answer.value as Fields, name)]),
      [],
    );
  }
  const issues = readIssues(answer.issues, definition, given);
  const refused = names.flatMap((name): [string, string][] => {
    const about = issues.filter(({ path }) => path === name || path.startsWith(`${name}.`));
    // A value that the source does not have is none that the schema refuses: the target may have its own.
    return about.length === 0 || own(given, name) === undefined ? [] : [[name, issuesText(about)]];
  });
  return parsedFields(
    names.map((name) => [name, own(given, name)]),
    refused,
  );
}

/** Asks a schema. What it throws is an issue of the value, as it may be made for other input. */
function* asking(schema: StandardSchemaV1, input: unknown): MaybeAsync<Answer> {
  try {
    const result = yield* settled(schema['~standard'].validate(input));
    return result.issues === undefined ? { value: result.value } : { issues: result.issues };
  } catch (error) {
    return { issues: [{ message: error instanceof Error ? error.message : String(error) }] };
  }
}

function parsedFields(values: readonly [string, unknown][], refused: readonly [string, string][]): ParsedFields {
  return {
    values: Object.fromEntries(values),
    refused: refused.length === 0 ? undefined : Object.fromEntries(refused),
  };
}

function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
