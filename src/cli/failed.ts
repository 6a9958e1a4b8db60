import { visibleText } from '../values/visible-text.js';
import { redactUrls } from './redact-urls.js';
import type { Io } from './io.js';

/** Says in one line of standard error what has failed. @returns the exit code 1. */
export function failed({ stderr }: Pick<Io, 'stderr'>, error: unknown): number {
  // The message only: other properties of a client's error may contain a password.
  const message = error instanceof Error ? error.message : String(error);
  stderr.write(
    `Error: ${visibleText(
      redactUrls(message)
        .trim()
        .replace(/\s*\n\s*/g, ' '),
    )}\n`,
  );
  return 1;
}
