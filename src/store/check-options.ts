import type { z } from 'zod';
import { ValueError } from '../errors.js';
import { issueLines } from '../values/zod-issues.js';

/**
 * Checks options against a schema.
 * @param owner - what the options are for; begins the message.
 * @returns the options as the schema outputs them.
 * @throws {ValueError} with all issues, without values.
 */
export function checkOptions<S extends z.ZodType>(owner: string, schema: S, options: unknown): z.output<S> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  throw new ValueError(`${owner}: ${issueLines(result.error).join('; ')}`);
}
