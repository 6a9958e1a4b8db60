import type { z } from 'zod';

/** What is wrong with a value that was validated. */
export interface Problem {
  /** The path of the value, its names joined by dots; empty for the whole. */
  readonly path: string;
  /** Without the value: it may be a password. */
  readonly message: string;
}

/**
 * Returns the problems of a failed validation.
 * @param root - the path of the validated value, which begins every path.
 */
export function problemsOf({ issues }: z.ZodError, root: readonly string[] = []): Problem[] {
  return issues.flatMap((issue) => {
    const path = [...root, ...issue.path.map(String)];
    if (issue.code !== 'unrecognized_keys') return [{ path: path.join('.'), message: issue.message }];
    return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'no such option' }));
  });
}

/** Returns a line `path: message` for each issue of a failed validation, as `problemsOf` finds them. */
export function issueLines(error: z.ZodError, root?: readonly string[]): string[] {
  return problemsOf(error, root).map(lineOf);
}

/** Returns `path: message`. */
export function lineOf({ path, message }: Problem): string {
  return path === '' ? message : `${path}: ${message}`;
}
