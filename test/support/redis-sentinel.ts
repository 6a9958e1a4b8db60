/** Real sentinels that watch a real master and its replicas, on free loopback ports, gone when the test process is. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { call, LIVE_MS, waitFor, withClient } from './redis-client.js';
import { launch, onFreePorts, startAll, startRedis, type RedisServer } from './redis-server.js';

const MASTER_NAME = 'diffsync';
/** A slow machine takes longer; one that takes longer than this has a fault. */

export interface RedisSentinel {
  readonly masterName: string;
  /** Every sentinel, for `new Redis({ sentinels, name: masterName })`. */
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  /** First the master, as it was at the start; a restarted server takes the place of the one it was. */
  readonly servers: readonly RedisServer[];
  /** The processes of `sentinels`. */
  readonly sentinelServers: readonly RedisServer[];
  /** The master that a live sentinel names; it need not be live. */
  master(): Promise<RedisServer>;
  /**
   * Has a replica promoted, and resolves with it when every live sentinel names it. The old master goes on taking writes,
   * which will be lost, until it is demoted about 10 s later; settled() waits for that.
   */
  failover(): Promise<RedisServer>;
  /** Waits until all live sentinels name the same live master, another one than `not`. */
  waitForMaster(not?: RedisServer): Promise<RedisServer>;
  /** Starts a killed server or sentinel again, with its files. Without persistence a server has no data. */
  restart(server: RedisServer): Promise<RedisServer>;
  /**
   * Resolves when all live sentinels see all the others and all live servers, and every live replica is linked to the
   * master. One that came back as a master is demoted about 10 s later.
   */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisSentinelOptions {
  readonly replicas?: number;
  readonly sentinels?: number;
  /** Without spaces and quotes, like the other: a sentinel does not quote them when it rewrites its configuration. */
  readonly password?: string;
  readonly sentinelPassword?: string;
  /** In ms. Below two of the sentinels' ping periods of 1 s, they may take the new master for dead as well. */
  readonly downAfter?: number;
  /** For master and replicas. */
  readonly args?: readonly string[];
}

/** What one live sentinel says. */
interface View {
  readonly master: RedisServer | undefined;
  /** That of the master, the replicas and the other sentinels, by port. */
  readonly states: ReadonlyMap<number, ReadonlyMap<string, string>>;
}

/** Resolves when settled, and so ready for a failover. */
export async function startSentinel(options: RedisSentinelOptions = {}): Promise<RedisSentinel> {
  const servers = await startServers(options);
  const sentinelServers: RedisServer[] = [];
  const stop = async (): Promise<void> =>
    void (await Promise.all([...servers, ...sentinelServers].map((server) => server.stop())));

  const views = async (): Promise<View[]> => {
    const results = await Promise.allSettled(sentinelServers.map((sentinel) => view(sentinel, servers)));
    return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  };

  const master = async (): Promise<RedisServer> => {
    const { master } = await Promise.any(sentinelServers.map((sentinel) => view(sentinel, servers)));
    if (master === undefined) throw new Error('the sentinels name a master that is none of the servers');
    return master;
  };

  const waitForMaster = (not?: RedisServer): Promise<RedisServer> => {
    const look = async (): Promise<RedisServer | undefined> => {
      const [named, ...others] = new Set((await views()).map((view) => view.master));
      if (named === undefined || named === not || others.length > 0) return undefined;
      return (await roleOf(named))?.[0] === 'master' ? named : undefined;
    };
    return waitFor('a live master that all sentinels name', look);
  };

  const failover = async (): Promise<RedisServer> => {
    const before = await master();
    // One of those that are live: two would lead two failovers.
    const live = await Promise.any(sentinelServers.map((each) => call(each, 'PING').then(() => each)));
    await call(live, 'SENTINEL', 'FAILOVER', MASTER_NAME);
    return waitForMaster(before);
  };

  const settled = async (): Promise<void> => {
    const look = async (): Promise<true | undefined> => {
      const roles = await Promise.all(servers.map(roleOf));
      const all = await views();
      return all.length > 0 && all.every((view) => complete(view, servers, roles, all.length)) ? true : undefined;
    };
    await waitFor('settled sentinels', look);
  };

  const restart = async (server: RedisServer): Promise<RedisServer> => {
    const group = [servers, sentinelServers].find((group) => group.includes(server));
    if (group === undefined) throw new Error(`127.0.0.1:${server.port} is none of these servers and sentinels`);
    return (group[group.indexOf(server)] = await server.restart());
  };

  try {
    sentinelServers.push(...(await startSentinels(servers, options)));
    await settled();
  } catch (error) {
    await stop();
    throw error;
  }
  const sentinels = sentinelServers.map(({ host, port }) => ({ host, port }));
  const topology = { masterName: MASTER_NAME, sentinels, servers, sentinelServers };
  return { ...topology, master, failover, waitForMaster, restart, settled, stop };
}

async function startServers({ replicas = 2, password = '', args = [] }: RedisSentinelOptions): Promise<RedisServer[]> {
  const defaults = ['--repl-diskless-sync', 'no', '--repl-ping-replica-period', '1'];
  const auth = password === '' ? [] : ['--masterauth', password];
  const start = (...role: string[]) => startRedis({ password, args: [...defaults, ...args, ...auth, ...role] });
  const master = await start();
  const replicaOf = ['--replicaof', master.host, String(master.port)];
  const rest = await startAll(Array.from({ length: replicas }, () => start(...replicaOf))).catch(async (error) => {
    await master.stop();
    throw error;
  });
  // What a sentinel learns of a replica at first is what it knows for 10 s.
  const linked = async (): Promise<true | undefined> => {
    const [, , connected] = (await call(master, 'ROLE')) as [string, number, unknown[]];
    return connected.length === replicas ? true : undefined;
  };
  await waitFor('linked replicas', linked);
  return [master, ...rest];
}

/** Each sentinel starts with a configuration that names all, which saves the 2 s they take to find each other. */
function startSentinels(servers: readonly RedisServer[], options: RedisSentinelOptions): Promise<RedisServer[]> {
  const { sentinels: count = 3, password = '', sentinelPassword = '', downAfter = 2_000 } = options;
  const ids = Array.from({ length: count }, () => randomBytes(20).toString('hex'));
  const [master, ...replicas] = servers;
  const configuration = (self: number, ports: readonly number[]): string => {
    const others = ids.flatMap((id, index) => (index === self ? [] : [`127.0.0.1 ${ports[index]} ${id}`]));
    const quorum = Math.floor(count / 2) + 1;
    return [
      `sentinel myid ${ids[self]}`,
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${master?.port} ${quorum}`,
      `sentinel down-after-milliseconds ${MASTER_NAME} ${downAfter}`,
      `sentinel failover-timeout ${MASTER_NAME} 3000`,
      `sentinel parallel-syncs ${MASTER_NAME} ${Math.max(1, replicas.length)}`,
      ...(password === '' ? [] : [`sentinel auth-pass ${MASTER_NAME} ${password}`]),
      ...(sentinelPassword === '' ? [] : [`sentinel sentinel-pass ${sentinelPassword}`]),
      ...replicas.map(({ port }) => `sentinel known-replica ${MASTER_NAME} 127.0.0.1 ${port}`),
      ...others.map((other) => `sentinel known-sentinel ${MASTER_NAME} ${other}`),
      '',
    ].join('\n');
  };
  return onFreePorts(count, (ports) =>
    startAll(
      ports.map((port, index) =>
        launch({
          port,
          password: sentinelPassword,
          args: ['--port', String(port), '--sentinel'],
          prepare: (folder) => writeFileSync(join(folder, 'redis.conf'), configuration(index, ports)),
        }),
      ),
    ),
  );
}

/** ROLE, which ends with the replica's or the master's own details; undefined of a server that is not live. */
async function roleOf(server: RedisServer): Promise<readonly unknown[] | undefined> {
  return withClient(server, (client) => client.call('ROLE'), LIVE_MS).then(
    (role) => role as unknown[],
    () => undefined,
  );
}

async function view(sentinel: RedisServer, servers: readonly RedisServer[]): Promise<View> {
  const topics = ['MASTER', 'REPLICAS', 'SENTINELS'];
  const ask = (client: Redis) =>
    Promise.all(topics.map((topic) => client.call('SENTINEL', topic, MASTER_NAME) as Promise<unknown[]>));
  const [master, ...lists] = await withClient(sentinel, ask, LIVE_MS);
  const parse = (state: unknown): [number, ReadonlyMap<string, string>] => {
    const fields = state as string[];
    const entries = fields.flatMap((name, index) =>
      index % 2 === 0 ? [[name, fields[index + 1] ?? ''] as const] : [],
    );
    const map = new Map(entries);
    return [Number(map.get('port')), map];
  };
  const own = parse(master);
  return {
    master: servers.find(({ port }) => port === own[0]),
    states: new Map([own, ...lists.flat().map(parse)]),
  };
}

/** Whether a sentinel sees what there is: `roles` are what the servers say of themselves. */
function complete(
  { master, states }: View,
  servers: readonly RedisServer[],
  roles: readonly (readonly unknown[] | undefined)[],
  sentinels: number,
): boolean {
  // Those that were not up at first are reconnected to after 1 s, which is before they can be needed.
  const others = [...states.values()].filter((state) =>
    /^sentinel(,disconnected)?$/.test(state.get('flags') ?? ''),
  ).length;
  return (
    others >= sentinels - 1 &&
    servers.every((server, index) => {
      const [role, host, port, link] = roles[index] ?? [];
      if (role === undefined) return server !== master;
      const state = states.get(server.port);
      if (server === master) return role === 'master' && state?.get('flags') === 'master';
      const linked = role === 'slave' && host === master?.host && port === master?.port && link === 'connected';
      return linked && state?.get('flags') === 'slave';
    })
  );
}
