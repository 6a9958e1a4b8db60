/** The message, and below it those of the causes that say more; no stacks. */
export function errorText(error: unknown): string {
  const lines: string[] = [];
  for (let at = error; at !== undefined && at !== null; at = at instanceof Error ? at.cause : undefined) {
    const message = messageOf(at);
    if (!lines.some((line) => line.includes(message))) lines.push(message);
  }
  return `Error: ${lines.join('\n  caused by: ')}`;
}

/** An AggregateError, of several addresses for one host for example, may have no message of its own. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message === '' && error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error.message || error.name;
}
