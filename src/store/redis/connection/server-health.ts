import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import type { MemoryHealth, ReplicaHealth } from '../../store-health.js';
import { defineScripts, type ScriptedRedis } from '../scripts/scripts.js';
import { checkSlotsServed, type SlotsInfo } from './cluster-slots.js';
import { isReplyError } from './driver.js';
import { failureOf, type RedisFailure } from './reply-errors.js';

/** How one server is. What it does not tell, because the user may not ask or it lacks the command, is absent. */
export interface ServerHealth {
  readonly roundTripMs: number;
  readonly role?: 'master' | 'replica';
  readonly replicas?: ReplicaHealth;
  readonly memory?: MemoryHealth;
  /** Whether its last attempt to save its data failed, while it goes on. */
  readonly savesFail?: boolean;
  /** Why it refuses writes. */
  readonly refusal?: RedisFailure;
}

/** How the servers of a store are: one, or the masters of a cluster. */
export interface ServersHealth {
  /** Those that have answered: one or more. */
  readonly servers: readonly ServerHealth[];
  /** How many masters have not answered. */
  readonly silent: number;
  /** What the first master that answered says of the slots of its cluster. */
  readonly slots?: SlotsInfo;
  /** Whether the address leads to another server than to the read-only one that was connected. */
  readonly moved?: boolean;
}

/** Whether it is one server that has refused writes because it is a replica. */
export function isReadOnly({ servers }: ServersHealth): boolean {
  return servers.length === 1 && servers[0]?.refusal?.code === 'STORE_READ_ONLY';
}

/** Asks one server. @throws when it does not reply, or replies that it cannot serve. */
export async function serverHealth(client: Redis): Promise<ServerHealth> {
  // A node of a cluster has not been met before.
  if (!('diffsyncTakesWrites' in client)) defineScripts(client);
  const started = performance.now();
  const [roundTripMs, told, refusal] = await Promise.all([
    client.ping().then(() => performance.now() - started),
    infoOf(client),
    refusalOf(client as unknown as ScriptedRedis),
  ]);
  return { roundTripMs, ...told, ...(refusal === undefined ? {} : { refusal }) };
}

/**
 * Asks the masters of a cluster, all at once.
 * @param waitMs - For so long those that are silent are waited for, once one has said that all slots are served.
 * @throws {RedisFailed} (STORE_CLUSTER_DOWN) when a part of the slots is not served; what the last one says when none answers.
 */
export async function clusterHealth(cluster: Cluster, waitMs: number): Promise<ServersHealth> {
  const servers: ServerHealth[] = [];
  const masters = cluster.nodes('master');
  let failure: unknown = new Error("Cluster isn't ready");
  const asked = masters.map(async (master) => {
    try {
      servers.push(await serverHealth(master));
    } catch (error) {
      failure = error;
    }
  });
  const slots = await checkSlotsServed(cluster);
  const waiting = new AbortController();
  const timeout = sleep(waitMs, undefined, { signal: waiting.signal }).catch(() => undefined);
  await Promise.race([Promise.all(asked), timeout]);
  waiting.abort();
  if (servers.length === 0) throw failure;
  const silent = masters.length - servers.length;
  // The client may know a master that was replaced.
  if (silent > 0) cluster.refreshSlotsCache();
  return { servers: [...servers], silent, slots };
}

/** The failures of a write that concern all writes to the server. */
const REFUSALS: ReadonlySet<RedisFailure['code']> = new Set([
  'STORE_READ_ONLY',
  'STORE_OUT_OF_MEMORY',
  'STORE_MISCONFIGURED',
  'STORE_NO_REPLICAS',
]);

async function refusalOf(client: ScriptedRedis): Promise<RedisFailure | undefined> {
  try {
    await client.diffsyncTakesWrites(0);
    return undefined;
  } catch (error) {
    if (!isReplyError(error)) throw error;
    const failure = failureOf(error, undefined, false);
    return REFUSALS.has(failure.code) ? failure : undefined;
  }
}

async function infoOf(client: Redis): Promise<Omit<ServerHealth, 'roundTripMs' | 'refusal'>> {
  let text: string;
  try {
    text = await client.info('replication', 'memory', 'persistence');
  } catch (error) {
    // The server has no such command, or the user may not run it.
    if (!isReplyError(error)) throw error;
    return {};
  }
  const fields = new Map([...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]));
  const role = fields.get('role');
  const memory = memoryIn(fields);
  const replicas = role === 'master' ? replicasIn(fields) : undefined;
  return {
    ...(role === undefined ? {} : { role: role === 'master' ? 'master' : 'replica' }),
    ...(memory === undefined ? {} : { memory }),
    ...(replicas === undefined ? {} : { replicas }),
    savesFail: fields.get('rdb_last_bgsave_status') === 'err' || fields.get('aof_last_write_status') === 'err',
  };
}

function memoryIn(fields: ReadonlyMap<string, string>): MemoryHealth | undefined {
  const used = fields.get('used_memory');
  if (used === undefined) return undefined;
  const limit = Number(fields.get('maxmemory') ?? 0);
  const evictionPolicy = fields.get('maxmemory_policy');
  return {
    usedBytes: Number(used),
    ...(limit > 0 ? { limitBytes: limit } : {}),
    ...(evictionPolicy === undefined ? {} : { evictionPolicy }),
  };
}

/** Of each replica there is a line such as `slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=0`. */
function replicasIn(fields: ReadonlyMap<string, string>): ReplicaHealth {
  const written = Number(fields.get('master_repl_offset') ?? 0);
  const none: ReplicaHealth = { online: 0 };
  return [...fields]
    .filter(([name, value]) => /^slave\d+$/.test(name) && value.includes('state=online'))
    .reduce(({ online, lagSeconds = 0, lagBytes = 0 }, [, value]) => {
      const confirmed = Number(/\boffset=(\d+)/.exec(value)?.[1] ?? 0);
      return {
        online: online + 1,
        lagSeconds: Math.max(lagSeconds, Number(/\blag=(\d+)/.exec(value)?.[1] ?? 0)),
        lagBytes: Math.max(lagBytes, written - confirmed),
      };
    }, none);
}
