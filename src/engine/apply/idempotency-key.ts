import { hash } from 'node:crypto';

/**
 * Returns what names one change of a run: the same for each call of the hook that makes it, in whichever process and attempt.
 * @returns 32 hexadecimal digits, which fit in a header and in a column of any interface.
 */
export function idempotencyKey(runId: string, action: string, model: string, uid: string): string {
  return hash('sha256', JSON.stringify([runId, action, model, uid]), 'hex').slice(0, 32);
}
