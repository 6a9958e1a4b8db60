import type { z } from 'zod';

/**
 * Returns a line `path: message` for each issue of a failed validation. Values are left out: one may be a password.
 * @param root - the path of the validated value, which begins every line.
 */
export function issueLines({ issues }: z.ZodError, root: readonly string[] = []): string[] {
  return issues.flatMap((issue) => {
    const path = [...root, ...issue.path.map(String)].join('.');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `${[path, key].filter(Boolean).join('.')}: no such option`);
    }
    return [path === '' ? issue.message : `${path}: ${issue.message}`];
  });
}
