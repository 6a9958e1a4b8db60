import { hash } from 'node:crypto';

/**
 * Returns what makes the key of a change of a run from the object's unique id. A key is the same for each call of the hook that makes the
 * change, in whichever process and attempt: 32 hexadecimal digits, which fit in a header and in a column of any interface.
 */
export function idempotencyKeys(runId: string, action: string, model: string): (uid: string) => string {
  const begin = JSON.stringify([runId, action, model]).slice(0, -1);
  return (uid) => hash('sha256', `${begin},${JSON.stringify(uid)}]`, 'hex').slice(0, 32);
}
