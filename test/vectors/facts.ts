import { isDeepStrictEqual } from 'node:util';
import { ObjectNotCreated, ObjectNotDeleted, ObjectNotUpdated } from '../../src/index.js';
import type { RecordedError } from './recorded-cases.js';

/**
 * How recorded facts are compared with replayed ones. These are choices of representation, the same for every case, and
 * no deviations:
 * - Attributes are given to `define` in the order of the fields (recorded-models.ts).
 * - Key order of objects means nothing; order is in arrays.
 * - An error is the class that stands for Python's (below). A portable message is compared by its beginning: ours begin
 *   with the reference's words and go on with the store, the cause and the remedy. The word for the store itself is
 *   "LocalStore" in recorded "… not present in LocalStore", and the store's own name in ours.
 * - Python's spelling of a dict in a text ({'name': 'd'}) stands for any text in braces.
 * - Progress and statuses are read by the rules of readings.ts.
 * - `model_flags` in dicts is `modelFlags`, present where it is not the model's default.
 */

export const crudErrors = { create: ObjectNotCreated, update: ObjectNotUpdated, delete: ObjectNotDeleted } as const;

/** Our classes for errors of Python and pydantic. A hook's RuntimeError is an `Error` that it throws. */
const ERROR_CLASSES: Readonly<Record<string, readonly string[]>> = {
  AttributeError: ['ModelDefinitionError', 'ValueError'],
  KeyError: ['ValueError'],
  ValidationError: ['ModelValidationError'],
  RuntimeError: ['Error'],
};

/** Where two sets of facts are not the same: one line each, empty when they are. */
export function differences(expected: unknown, actual: unknown, at = ''): string[] {
  if (isRecordedError(expected)) return errorDifferences(expected, actual, at);
  if (typeof expected === 'string' && typeof actual === 'string') {
    const spelling = at.endsWith('.strPython') ? withoutDicts : words;
    return spelling(expected) === spelling(actual) ? [] : [`${at}: ${show(actual)} instead of ${show(expected)}`];
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const lengths =
      expected.length === actual.length ? [] : [`${at}: ${actual.length} items instead of ${expected.length}`];
    return [
      ...lengths,
      ...expected.slice(0, actual.length).flatMap((item, index) => differences(item, actual[index], `${at}[${index}]`)),
    ];
  }
  if (isObject(expected) && isObject(actual)) {
    return [...new Set([...Object.keys(expected), ...Object.keys(actual)])].flatMap((key) =>
      differences(own(expected, key), own(actual, key), `${at}.${key}`),
    );
  }
  return isDeepStrictEqual(expected, actual) ? [] : [`${at}: ${show(actual)} instead of ${show(expected)}`];
}

function errorDifferences(expected: RecordedError, actual: unknown, at: string): string[] {
  if (!(actual instanceof Error)) return [`${at}: ${show(actual)} instead of ${expected.name}: ${expected.message}`];
  const names = ERROR_CLASSES[expected.name] ?? [expected.name];
  const begun = !expected.messagePortable || actual.message.startsWith(expected.message.replace(/ LocalStore$/, ' '));
  return names.includes(actual.name) && begun
    ? []
    : [`${at}: ${actual.name}: ${actual.message} instead of ${expected.name}: ${expected.message}`];
}

function isRecordedError(value: unknown): value is RecordedError {
  return isObject(value) && typeof own(value, 'messagePortable') === 'boolean';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Error);
}

function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function words(text: string): string {
  return text.replace(/^(Failed to \w+ \w+ )\{.*\}( - )/, '$1{…}$2');
}

function withoutDicts(text: string): string {
  return text.replaceAll(/\{.*\}$/gm, '{…}');
}

function show(value: unknown): string {
  const text = value instanceof Error ? `${value.name}: ${value.message}` : (JSON.stringify(value) ?? 'nothing');
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

/** Python sorts strings by code point, which is the order of their UTF-8 bytes; JavaScript by UTF-16 unit. */
export function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
