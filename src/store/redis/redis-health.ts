import { withoutUndefined } from '../../values/without-undefined.js';
import type { BackendHealth, MemoryHealth, ReplicaHealth, StoreDetails } from '../store-health.js';
import { exceptionOf } from './connection/reply-errors.js';
import type { ServerHealth, ServersHealth } from './connection/server-health.js';
import { parseFormat } from './layout/format.js';

const UNSAVED = 'the server could not save its data to its disk: its log says why';

/** What a store asks of its servers. */
export interface HealthTerms {
  /** Begins the message of an error. */
  readonly where: string;
  /** How many replicas must confirm a write. */
  readonly replicas: number;
  /** Whether objects of the store expire. */
  readonly expires: boolean;
  /** What it names as the layout of its new models. */
  readonly format: string;
}

/** @returns what is to be looked at under an eviction policy; undefined where it leaves the objects of the store alone. */
export function evictionConcern(policy: string | undefined, expires: boolean): string | undefined {
  // The others remove only what expires.
  if (policy?.startsWith('allkeys') !== true && (policy?.startsWith('volatile') !== true || !expires)) return undefined;
  return `the server may remove objects by itself, because its maxmemory-policy is "${policy}": set it to "noeviction"`;
}

/** Returns how the store is whose servers are so. Of several servers the worst counts. */
export function redisHealth(health: ServersHealth, terms: HealthTerms): BackendHealth {
  const { servers } = health;
  const refusal = servers.find((server) => server.refusal !== undefined)?.refusal;
  return {
    details: detailsOf(health, terms),
    ...(refusal === undefined ? {} : { refusal: exceptionOf(terms.where, refusal) }),
    concerns: concernsOf(health, terms),
  };
}

function detailsOf({ servers, silent, slots }: ServersHealth, { format }: HealthTerms): StoreDetails {
  const details: StoreDetails = {
    roundTripMs: Math.round(servers.reduce((longest, each) => Math.max(longest, each.roundTripMs), 0) * 1000) / 1000,
    format: parseFormat(format).version,
    role: slots === undefined ? servers[0]?.role : undefined,
    replicas: fewestReplicas(servers),
    memory: fullest(servers),
    cluster: slots && {
      state: slots.state,
      masters: servers.length + silent,
      slotsAssigned: slots.assigned,
      slotsFailing: slots.failing,
    },
  };
  return withoutUndefined(details);
}

function concernsOf({ servers, silent }: ServersHealth, { replicas: wanted, expires }: HealthTerms): string[] {
  const concerns: string[] = [];
  const online = fewestReplicas(servers)?.online;
  if (online !== undefined && online < wanted) {
    concerns.push(
      `${online} of the ${wanted} replicas that "durability" asks for follow the server: writes are made, and not confirmed`,
    );
  }
  for (const policy of new Set(servers.map(({ memory }) => memory?.evictionPolicy))) {
    const concern = evictionConcern(policy, expires);
    if (concern !== undefined) concerns.push(concern);
  }
  if (servers.some(({ savesFail }) => savesFail)) concerns.push(UNSAVED);
  if (silent > 0) concerns.push(`${silent} of ${servers.length + silent} masters of the cluster do not answer`);
  return concerns;
}

/** The replicas of the server that has the fewest, with the lag of those that are furthest behind. */
function fewestReplicas(servers: readonly ServerHealth[]): ReplicaHealth | undefined {
  const known = servers.flatMap(({ replicas }) => replicas ?? []);
  const [fewest] = known.toSorted((a, b) => a.online - b.online);
  const [slowest] = known.toSorted((a, b) => (b.lagBytes ?? 0) - (a.lagBytes ?? 0));
  return fewest && { ...slowest, online: fewest.online };
}

/** The memory of the server that has least left; without limits, of the one that uses most. */
function fullest(servers: readonly ServerHealth[]): MemoryHealth | undefined {
  const left = ({ usedBytes, limitBytes = Infinity }: MemoryHealth): number => limitBytes - usedBytes;
  return servers
    .flatMap(({ memory }) => memory ?? [])
    .toSorted((a, b) => (left(a) === left(b) ? b.usedBytes - a.usedBytes : left(a) - left(b)))[0];
}
