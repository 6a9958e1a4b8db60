import type { z } from 'zod';
import { ValueError } from '../errors.js';

/**
 * @param owner what the options are for; begins the message.
 * @throws ValueError with one `path: message` line for each complaint. Values are left out: one may be a password.
 */
export function checkOptions<S extends z.ZodType>(owner: string, schema: S, options: unknown): z.output<S> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const lines = result.error.issues.flatMap((issue) => {
    const path = issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => `${[path, key].filter(Boolean).join('.')}: no such option`);
    return [path === '' ? issue.message : `${path}: ${issue.message}`];
  });
  throw new ValueError(
    lines.length === 1 ? `${owner}: ${lines[0]}` : `${owner}:\n${lines.map((line) => `  ${line}`).join('\n')}`,
  );
}
