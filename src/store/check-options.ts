import type { z } from 'zod';
import { ValueError } from '../errors.js';
import { issueLines } from '../values/zod-issues.js';

/**
 * Checks options against a schema.
 * @param owner - what the options are for; begins the message.
 * @returns the options as the schema outputs them.
 * @throws {ValueError} with one line for each issue, without values.
 */
export function checkOptions<S extends z.ZodType>(owner: string, schema: S, options: unknown): z.output<S> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const lines = issueLines(result.error);
  throw new ValueError(
    lines.length === 1 ? `${owner}: ${lines[0]}` : `${owner}:\n${lines.map((line) => `  ${line}`).join('\n')}`,
  );
}
