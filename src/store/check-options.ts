import type { z } from 'zod';
import { ValueError } from '../errors.js';
import { issueLines, lineOf, type Problem } from '../values/zod-issues.js';

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

/** @throws {ValueError} with all problems, if there are any. @param owner - what the options are for; begins the message. */
export function refuseProblems(owner: string, problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ValueError(`${owner}: ${problems.map(lineOf).join('; ')}`);
}
