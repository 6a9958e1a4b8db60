import type { StandardSchemaV1 } from '@standard-schema/spec';

/** Why a schema refuses an input: where in it, '' for the whole, and what is wrong there. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

/** Returns a schema's issues with their paths as text. */
export function readIssues(issues: readonly StandardSchemaV1.Issue[]): Issue[] {
  return issues.map(({ path = [], message }) => ({
    path: path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
    message,
  }));
}

/** Returns issues as one line for people. */
export function issuesText(issues: readonly Issue[]): string {
  return issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
}
