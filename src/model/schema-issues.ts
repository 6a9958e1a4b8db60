import type { StandardSchemaV1 } from '@standard-schema/spec';
import { hideSecrets } from '../values/secret.js';
import type { ModelDefinition } from './model-definition.js';

/** Why a schema refuses an input: where in it, '' for the whole, and what is wrong there. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

/**
 * Returns a schema's issues with their paths as text.
 * @param definition - the model, of which messages do not repeat secret values.
 * @param input - what the schema has refused.
 */
export function readIssues(
  issues: readonly StandardSchemaV1.Issue[],
  definition: Pick<ModelDefinition, 'secret'>,
  input: unknown,
): Issue[] {
  return issues.map(({ path = [], message }) => ({
    path: path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
    message: withoutSecretInput(message, definition, input),
  }));
}

/** Returns a message about an input without the secret values of the input. */
export function withoutSecretInput(
  message: string,
  { secret }: Pick<ModelDefinition, 'secret'>,
  input: unknown,
): string {
  if (secret.size === 0 || typeof input !== 'object' || input === null) return message;
  return hideSecrets(message, secret, [input as Readonly<Record<string, unknown>>]);
}

/** Returns issues as one line for people. */
export function issuesText(issues: readonly Issue[]): string {
  return issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
}
