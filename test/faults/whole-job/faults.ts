/** What happens to the servers during a job: how each topology is started, and how each fault is made and healed. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { slotOf } from '../../../src/store/redis/connection/cluster-slots.js';
import type { AnyRedisOptions } from '../../../src/store/redis/index.js';
import { call } from '../../support/redis-client.js';
import { startCluster, type ClusterOptions, type RedisCluster } from '../../support/redis-cluster.js';
import { startSentinel, type RedisSentinel } from '../../support/redis-sentinel.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';
import type { Strike } from './job.js';

/** The stores under a fault, by what differs in their options. */
const VARIANTS = {
  plain: {},
  shards: { shards: 3 },
  durability: { durability: { replicas: 1, timeout: 2400 } },
} satisfies Record<string, AnyRedisOptions>;
export type Variant = keyof typeof VARIANTS;

/** A fault that is ready to happen: what is about to be struck is known. */
interface Ready {
  readonly strike: Strike;
  /** Waits until the servers are as before. */
  readonly heal?: () => Promise<void>;
}

/** Servers with a fault of theirs, for one job after another. */
export interface Place {
  readonly options: AnyRedisOptions;
  ready(storeId: string): Promise<Ready>;
  stop(): Promise<void>;
}

export interface Fault {
  readonly name: string;
  readonly variants: Partial<Record<Variant, () => Promise<Place>>>;
}

/** Of the first of them a reshard moves the slot of `storeIdFor`. */
const RESHARDED = 200;
/** A slot of the same master, which no fault moves, and one of another. */
const [FIRST, SECOND] = [5000, 6000];
/** How long a slot is held half moved, where the job does not get on meanwhile. */
const HELD_MS = 500;
/** Above any failover of a busy machine, so that every operation can get through. */
const TIMEOUT_MS = 60_000;

const slotOfInterfaces = (storeId: string, shard = ''): number => slotOf(`{${storeId}:interface${shard}}`);

/** A store id whose interfaces, on a cluster, are in one of the first slots, in those of its first master. */
export function storeIdFor(variant: Variant): string {
  for (;;) {
    const storeId = randomUUID();
    if (slotOfInterfaces(storeId, variant === 'shards' ? ':0' : '') < RESHARDED) return storeId;
  }
}

type OnCluster = (cluster: RedisCluster, slot: number) => Promise<Ready>;

function onCluster(variant: Variant, ready: OnCluster, start: ClusterOptions = {}): () => Promise<Place> {
  return async () => {
    const cluster = await startCluster(start);
    return {
      options: { cluster: { nodes: cluster.nodes }, timeout: TIMEOUT_MS, ...VARIANTS[variant] },
      ready: (storeId) => ready(cluster, slotOfInterfaces(storeId, variant === 'shards' ? ':0' : '')),
      stop: () => cluster.stop(),
    };
  };
}

function onClusters(ready: OnCluster, start?: ClusterOptions): Fault['variants'] {
  return {
    plain: onCluster('plain', ready, start),
    shards: onCluster('shards', ready, start),
    durability: onCluster('durability', ready, start),
  };
}

/** Without shards, which only a cluster has. */
function behindSentinel(ready: (sentinel: RedisSentinel) => Promise<Ready>): Fault['variants'] {
  const place = (variant: Variant) => async (): Promise<Place> => {
    const sentinel = await startSentinel();
    const { sentinels, masterName } = sentinel;
    return {
      options: { sentinels, masterName, timeout: TIMEOUT_MS, ...VARIANTS[variant] },
      ready: () => ready(sentinel),
      stop: () => sentinel.stop(),
    };
  };
  return { plain: place('plain'), durability: place('durability') };
}

/** A single server for a plain store; a cluster for the others, which need one, or replicas. */
function onServers(
  one: (server: RedisServer, replace: (server: RedisServer) => void) => Strike,
  many: OnCluster,
  args: readonly string[] = [],
  nodeTimeout?: number,
): Fault['variants'] {
  const plain = async (): Promise<Place> => {
    let server = await startRedis({ args });
    const strike = (): Strike => one(server, (next) => (server = next));
    return {
      options: { url: server.url, timeout: TIMEOUT_MS },
      ready: async () => ({ strike: strike() }),
      stop: () => server.stop(),
    };
  };
  return { ...onClusters(many, { args, ...(nodeTimeout === undefined ? {} : { nodeTimeout }) }), plain };
}

async function kill(server: RedisServer): Promise<void> {
  server.kill('SIGKILL');
  await server.ended();
}

/** The master that a fault moves the slot to: there and, the next time, back. */
async function otherMaster(cluster: RedisCluster, slot: number): Promise<[from: RedisServer, to: RedisServer]> {
  const [from, first, second] = [
    await cluster.masterOf(slot),
    await cluster.masterOf(FIRST),
    await cluster.masterOf(SECOND),
  ];
  return [from, from === first ? second : first];
}

const flushScripts =
  (servers: readonly RedisServer[]): Strike =>
  async ({ movesOn }) => {
    for (let flushes = 0; flushes < 20; flushes++) {
      for (const server of servers) await call(server, 'SCRIPT', 'FLUSH');
      await movesOn();
    }
  };

export const FAULTS: readonly Fault[] = [
  {
    name: 'cluster, master killed',
    variants: onClusters(async (cluster, slot) => {
      const master = await cluster.masterOf(slot);
      return {
        strike: async () => {
          await kill(master);
          await cluster.masterOf(slot);
        },
        heal: async () => {
          await cluster.restart(master);
          await cluster.settled();
        },
      };
    }),
  },
  {
    name: 'cluster, master frozen and woken',
    variants: onClusters(async (cluster, slot) => {
      const master = await cluster.masterOf(slot);
      return {
        strike: async ({ movesOn }) => {
          await master.pause();
          await cluster.masterOf(slot);
          await movesOn();
          master.resume();
          await movesOn();
        },
        heal: () => cluster.settled(),
      };
    }),
  },
  {
    name: 'cluster, slot moved step by step',
    variants: onClusters(async (cluster, slot) => {
      const [, to] = await otherMaster(cluster, slot);
      return {
        strike: ({ movesOn }) =>
          cluster.moveSlot(slot, to, {
            // Writes of the slot may have to wait until it has moved.
            during: (step) => step === 'batch moved' || Promise.race([movesOn(), sleep(HELD_MS)]),
          }),
      };
    }),
  },
  {
    name: 'cluster, `redis-cli --cluster reshard`',
    variants: onClusters(async (cluster, slot) => {
      const [from, to] = await otherMaster(cluster, slot);
      return { strike: () => cluster.reshard(from, to, RESHARDED) };
    }),
  },
  {
    name: 'cluster, node added and removed',
    variants: onClusters(async (cluster, slot) => {
      const home = await cluster.masterOf(slot);
      return {
        strike: async ({ movesOn }) => {
          const added = await cluster.addMaster();
          await cluster.moveSlot(slot, added);
          await movesOn();
          await cluster.moveSlot(slot, home);
          await cluster.remove(added);
          await movesOn();
        },
      };
    }),
  },
  {
    name: 'Sentinel, master killed',
    variants: behindSentinel(async (sentinel) => {
      const master = await sentinel.master();
      return {
        strike: async () => {
          await kill(master);
          await sentinel.waitForMaster(master);
        },
        heal: async () => {
          await sentinel.restart(master);
          await sentinel.settled();
        },
      };
    }),
  },
  {
    name: 'Sentinel, master frozen and woken',
    variants: behindSentinel(async (sentinel) => {
      const master = await sentinel.master();
      return {
        strike: async ({ movesOn }) => {
          await master.pause();
          await sentinel.waitForMaster(master);
          await movesOn();
          master.resume();
          await movesOn();
        },
        heal: () => sentinel.settled(),
      };
    }),
  },
  {
    name: 'Sentinel, planned failover',
    variants: behindSentinel(async (sentinel) => ({
      strike: async () => void (await sentinel.failover()),
      heal: () => sentinel.settled(),
    })),
  },
  {
    name: '`SCRIPT FLUSH` in a loop',
    variants: onServers(
      (server) => flushScripts([server]),
      async (cluster) => ({ strike: flushScripts(cluster.servers) }),
    ),
  },
  {
    name: 'server restarted, with AOF',
    variants: onServers(
      (server, replace) => async () => {
        await kill(server);
        replace(await server.restart());
      },
      async (cluster, slot) => {
        const master = await cluster.masterOf(slot);
        return {
          strike: async () => {
            await kill(master);
            await cluster.restart(master);
            await cluster.settled();
          },
        };
      },
      ['--appendonly', 'yes'],
      10_000, // Longer than a restart, so that no replica takes over meanwhile.
    ),
  },
];
