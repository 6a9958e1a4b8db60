import type { Cluster, Redis } from 'ioredis';
import { setTimeout } from 'node:timers/promises';
import { ObjectStoreException } from '../../../errors.js';
import { BACKOFF, backoffDelay } from '../../../async/backoff.js';
import { SORT_PROBE } from '../layout/keys.js';
import type { ConnectionState } from './connection-state.js';
import { isReplyError } from './driver.js';

/** Waits for a server that loads its data. @throws what it says, for a server that refuses this client. */
export async function whenLoaded(client: Redis | Cluster, state: ConnectionState): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await client.ping();
      return;
    } catch (error) {
      if (!isReplyError(error) || !String(error).includes('LOADING')) throw error;
      if (client.status === 'end') throw error;
      state.lastError = error;
    }
    await setTimeout(backoffDelay(attempt, BACKOFF.reconnect));
  }
}

/** Refuses one node of a cluster, and a sentinel: each would take some of the commands. @throws (STORE_WRONG_TOPOLOGY) */
export async function checkMode(client: Redis, where: string): Promise<void> {
  let mode: string | undefined;
  try {
    // Valkey calls the field `server_mode`.
    mode = /^(?:redis|server)_mode:(\w+)/m.exec(await client.info('server'))?.[1];
  } catch (error) {
    // The server has no such command, or the user may not run it.
    if (!isReplyError(error)) throw error;
  }
  if (mode !== 'cluster' && mode !== 'sentinel') return;
  const [what, way] = mode === 'cluster' ? ['a node of a cluster', 'cluster'] : ['a sentinel', 'sentinels'];
  throw new ObjectStoreException(`${where}: this is ${what}: connect by "${way}" instead`, {
    code: 'STORE_WRONG_TOPOLOGY',
  });
}

/**
 * Checks that commands reach the database: an unknown one is silently database 0.
 * @param maySelect - Whether the database may be selected to find out, where the server does not tell.
 * @throws {ObjectStoreException} (STORE_WRONG_DATABASE)
 */
export async function checkDatabase(client: Redis, where: string, maySelect: boolean): Promise<void> {
  const wanted = client.options.db ?? 0;
  try {
    const db = /\bdb=(\d+)/.exec(await client.client('INFO'))?.[1];
    if (db === undefined || Number(db) === wanted) return;
  } catch (error) {
    // The server has no such command, or the user may not run it.
    if (!isReplyError(error)) throw error;
    if (wanted === 0 || !maySelect || (await canSelect(client, wanted))) return;
  }
  throw new ObjectStoreException(
    `${where}: the server has no database ${wanted}; its "databases" setting says how many`,
    { code: 'STORE_WRONG_DATABASE' },
  );
}

async function canSelect(client: Redis, db: number): Promise<boolean> {
  try {
    await client.select(db);
    return true;
  } catch (error) {
    if (isReplyError(error) && /out of range|invalid DB/i.test(String(error))) return false;
    throw error;
  }
}

/** Whether the user may read objects by SORT_RO. The server refuses by the rights of the user, even though the key is not there. */
export async function canSortGet(client: Redis | Cluster): Promise<boolean> {
  try {
    await client.call('SORT_RO', SORT_PROBE.index, 'BY', 'nosort', 'GET', SORT_PROBE.objects);
    return true;
  } catch (error) {
    if (isReplyError(error)) return false;
    throw error;
  }
}

/** @returns the server's `maxmemory-policy`; undefined where it does not tell. */
export async function memoryPolicy(client: Redis | Cluster): Promise<string | undefined> {
  try {
    return /^maxmemory_policy:(\S+)/m.exec(await client.info('memory'))?.[1];
  } catch {
    return undefined;
  }
}
