import { isSlotMoving } from '../connection/reply-errors.js';
import type { ScriptedRedis } from '../scripts/scripts.js';

/**
 * Reads the values of keys of one slot, by one command. While the slot moves to another node of a cluster, where one command finds
 * only what is all on one side, it reads each by a command of its own: a slot may move for longer than a caller waits.
 * @returns by position; null where there is none, or something else than a string.
 */
export async function readValues(client: ScriptedRedis, keys: string[]): Promise<(string | null)[]> {
  try {
    return await client.mget(keys);
  } catch (error) {
    if (!isSlotMoving(error)) throw error;
    return Promise.all(keys.map((key) => readValue(client, key)));
  }
}

async function readValue(client: ScriptedRedis, key: string): Promise<string | null> {
  try {
    return await client.get(key);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return null;
    throw error;
  }
}
