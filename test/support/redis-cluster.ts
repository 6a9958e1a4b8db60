/** A real Redis Cluster of the test's own, on free loopback ports, gone when the test process is. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Redis } from 'ioredis';
import { call, LIVE_MS, waitFor, withClient } from './redis-client.js';
import { launch, onFreePorts, startAll, type RedisServer } from './redis-server.js';
import type { TlsFiles } from './redis-tls.js';

const run = promisify(execFile);

const SLOTS = 16_384;
/** A slow machine takes longer; one that takes longer than this has a fault. */

export type MoveStep = 'opened' | 'batch moved' | 'emptied';

export interface RedisCluster {
  /** Every node, for `new Cluster(nodes)`. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** Masters first, as it was at the start; a restarted server takes the place of the one it was, a further one is the last. */
  readonly servers: readonly RedisServer[];
  /** The live master of a slot, or of a key's slot; when it was killed or paused, waits for the one promoted in its place. */
  masterOf(slotOrKey: number | string): Promise<RedisServer>;
  /** The live replicas of a master, which itself need not be live. */
  replicasOf(master: RedisServer): Promise<RedisServer[]>;
  /** Promotes a replica, and resolves with it when settled. FORCE and TAKEOVER do so without the master's help. */
  failover(master: RedisServer, mode?: 'FORCE' | 'TAKEOVER'): Promise<RedisServer>;
  /**
   * Moves a slot with its keys, as `redis-cli --cluster reshard` does. `during` is awaited when the slot is open on both
   * sides, after each batch of keys, and when all are moved but the slot still is the source's.
   */
  moveSlot(
    slot: number,
    to: RedisServer,
    options?: { batch?: number; during?: (step: MoveStep) => unknown },
  ): Promise<void>;
  /** Moves so many slots, the first ones of a master, by `redis-cli --cluster reshard`. */
  reshard(from: RedisServer, to: RedisServer, slots: number): Promise<void>;
  /** Adds a master without slots; resolves when settled. */
  addMaster(): Promise<RedisServer>;
  /** Has all nodes forget one that has no slots, and stops it. */
  remove(server: RedisServer): Promise<void>;
  /**
   * Starts a killed server again, with its files and thus its place in the cluster; settled() waits until it has taken it.
   * Without persistence a master that is back before it was replaced is empty, and so are its replicas then.
   */
  restart(server: RedisServer): Promise<RedisServer>;
  /** Resolves when all live nodes serve all slots, agree on who does, and every live replica is linked to its master. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** One line of CLUSTER NODES. */
interface Node {
  readonly id: string;
  readonly flags: readonly string[];
  /** Of a replica. */
  readonly master: string | undefined;
  readonly epoch: number;
  readonly linked: boolean;
  /** First and last of each range. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** What one live server says. */
interface View {
  readonly server: RedisServer;
  readonly own: Node;
  readonly nodes: readonly Node[];
  readonly ready: boolean;
}

export interface ClusterOptions {
  readonly masters?: number;
  readonly replicas?: number;
  readonly nodeTimeout?: number;
  readonly args?: readonly string[];
  /** Then the nodes speak nothing but TLS, to each other too. */
  readonly tls?: TlsFiles | undefined;
}

/** Resolves when settled, about 2.1 s later: a booted master waits 2 s before it takes writes. */
export async function startCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { masters = 3, replicas = 1, nodeTimeout = 1_000, args = [], tls } = options;
  const ids = Array.from({ length: masters * (1 + replicas) }, () => randomBytes(20).toString('hex'));
  const start = { nodeTimeout, args, tls };
  const servers = await onFreePorts(ids.length * 2, (ports) => startNodes(ids, masters, ports, start));

  const indexOf = (server: RedisServer): number => {
    const index = servers.indexOf(server);
    if (index === -1) throw new Error(`127.0.0.1:${server.port} is no server of this cluster`);
    return index;
  };
  const views = async (): Promise<View[]> =>
    (await Promise.allSettled(servers.map(view))).flatMap((result) =>
      result.status === 'fulfilled' ? [result.value] : [],
    );
  const settled = (): Promise<void> =>
    waitFor('a settled cluster', async () => (agree(await views()) ? true : undefined)).then(() => {});

  const masterOf = async (slotOrKey: number | string): Promise<RedisServer> => {
    const keySlot = (key: string) => Promise.any(servers.map((server) => call(server, 'CLUSTER', 'KEYSLOT', key)));
    const slot = typeof slotOrKey === 'number' ? slotOrKey : Number(await keySlot(slotOrKey));
    const find = async () =>
      (await views())
        .filter(({ own }) => own.ranges.some(([first, last]) => first <= slot && slot <= last))
        // A master that was away does not know yet that it has been replaced.
        .reduce<View | undefined>((best, next) => (best && best.own.epoch > next.own.epoch ? best : next), undefined);
    return (await waitFor(`a live master of slot ${slot}`, find)).server;
  };

  const replicasOf = async (master: RedisServer): Promise<RedisServer[]> => {
    const id = ids[indexOf(master)];
    return (await views()).filter(({ own }) => own.master === id).map(({ server }) => server);
  };

  const failover = async (master: RedisServer, mode?: 'FORCE' | 'TAKEOVER'): Promise<RedisServer> => {
    const [replica] = await replicasOf(master);
    if (replica === undefined) throw new Error(`no live replica of 127.0.0.1:${master.port}`);
    await call(replica, 'CLUSTER', 'FAILOVER', ...(mode === undefined ? [] : [mode]));
    const promoted = async () =>
      (await views()).find(({ server, own }) => server === replica && own.master === undefined);
    await waitFor(`127.0.0.1:${replica.port} promoted`, promoted);
    await settled();
    return replica;
  };

  const moveSlot: RedisCluster['moveSlot'] = async (slot, to, { batch = 100, during } = {}) => {
    const from = await masterOf(slot);
    const [source, target] = [ids[indexOf(from)] ?? '', ids[indexOf(to)] ?? ''];
    if (from === to) return;
    await call(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', source);
    await call(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', target);
    await during?.('opened');
    // A key that is new from here on is created at the target, so the source runs empty.
    while (await migrate(from, to, slot, batch)) await during?.('batch moved');
    await during?.('emptied');
    // The target first: were it the source, no node would own the slot for a moment.
    const others = (await views()).flatMap(({ server, own }) =>
      server === from || server === to || own.master !== undefined ? [] : [server],
    );
    for (const server of [to, from, ...others]) await call(server, 'CLUSTER', 'SETSLOT', slot, 'NODE', target);
    await settled();
  };

  const reshard: RedisCluster['reshard'] = async (from, to, slots) => {
    const [source = '', target = ''] = [ids[indexOf(from)], ids[indexOf(to)]];
    const how = ['--cluster-from', source, '--cluster-to', target, '--cluster-slots', String(slots), '--cluster-yes'];
    await run('redis-cli', ['--cluster', 'reshard', `${from.host}:${from.port}`, ...how]);
    await settled();
  };

  const addMaster = async (): Promise<RedisServer> => {
    const id = randomBytes(20).toString('hex');
    // Else it becomes a replica of the node that takes its last slot from it.
    const stays = { ...start, args: [...args, '--cluster-allow-replica-migration', 'no'] };
    const [server, bus] = await onFreePorts(2, async (ports) => {
      const [server] = await startNodes([id], 0, ports, stays);
      return [server as RedisServer, ports[1] ?? 0] as const;
    });
    ids.push(id);
    servers.push(server);
    await call(servers[0] as RedisServer, 'CLUSTER', 'MEET', server.host, server.port, bus);
    await settled();
    return server;
  };

  const remove = async (server: RedisServer): Promise<void> => {
    const index = indexOf(server);
    const [id = ''] = ids.splice(index, 1);
    servers.splice(index, 1);
    for (const other of servers) await call(other, 'CLUSTER', 'FORGET', id);
    await server.stop();
    await settled();
  };

  const restart = async (server: RedisServer): Promise<RedisServer> => {
    const index = indexOf(server);
    return (servers[index] = await server.restart());
  };
  const stop = async (): Promise<void> => void (await Promise.all(servers.map((server) => server.stop())));

  try {
    await settled();
  } catch (error) {
    await stop();
    throw error;
  }
  const nodes = servers.map(({ host, port }) => ({ host, port }));
  const changes = { failover, moveSlot, reshard, addMaster, remove, restart };
  return { nodes, servers, masterOf, replicasOf, ...changes, settled, stop };
}

/**
 * Every node starts with a nodes.conf that names all, so they need not be introduced to each other.
 * @param masters - How many have slots. With none each is a master without slots.
 */
function startNodes(
  ids: readonly string[],
  masters: number,
  ports: readonly number[],
  { nodeTimeout, args, tls }: Required<Pick<ClusterOptions, 'nodeTimeout' | 'args'>> & Pick<ClusterOptions, 'tls'>,
): Promise<RedisServer[]> {
  const firstSlot = (master: number) => Math.round((master * SLOTS) / masters);
  const portsOf = (index: number) => [ports[index * 2] ?? 0, ports[index * 2 + 1] ?? 0] as const;
  const nodesConf = (self: number): string => {
    const lines = ids.map((id, index) => {
      const [port, bus] = portsOf(index);
      const [master, epoch] = masters === 0 ? [0, 0] : [index % masters, (index % masters) + 1];
      const role = masters === 0 || index < masters ? 'master -' : `slave ${ids[master]}`;
      const slots = index < masters ? ` ${firstSlot(master)}-${firstSlot(master + 1) - 1}` : '';
      const myself = index === self ? 'myself,' : '';
      return `${id} 127.0.0.1:${port}@${bus} ${myself}${role} 0 0 ${epoch} connected${slots}`;
    });
    return [...lines, `vars currentEpoch ${masters} lastVoteEpoch 0`, ''].join('\n');
  };
  return startAll(
    ids.map((_id, index) => {
      const [port, bus] = portsOf(index);
      const settings = {
        'cluster-enabled': 'yes',
        'cluster-config-file': 'nodes.conf',
        'cluster-node-timeout': nodeTimeout,
        'cluster-replica-validity-factor': 0,
        'repl-diskless-sync': 'no',
        'repl-ping-replica-period': 1,
      };
      const defaults = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
      const listening =
        tls === undefined
          ? ['--port', String(port)]
          : [
              ...tls.args,
              '--port',
              '0',
              '--tls-port',
              String(port),
              '--tls-cluster',
              'yes',
              '--tls-replication',
              'yes',
            ];
      return launch({
        port,
        scheme: tls === undefined ? 'redis' : 'rediss',
        args: [...defaults, ...args, ...listening, '--cluster-port', String(bus)],
        prepare: (folder) => {
          tls?.prepare(folder);
          writeFileSync(join(folder, 'nodes.conf'), nodesConf(index));
        },
      });
    }),
  );
}

async function view(server: RedisServer): Promise<View> {
  const ask = (client: Redis) =>
    Promise.all([client.cluster('NODES'), client.cluster('INFO'), client.info('replication')]);
  const [table, info, replication] = await withClient(server, ask, LIVE_MS);
  const nodes = String(table).trim().split('\n').map(parseNode);
  const own = nodes.find(({ flags }) => flags.includes('myself'));
  if (own === undefined) throw new Error(`no node is myself: ${String(table)}`);
  const linked = own.master === undefined || replication.includes('master_link_status:up');
  return { server, own, nodes, ready: linked && info.includes('cluster_state:ok') };
}

function parseNode(line: string): Node {
  const [id = '', , flags = '', master, , , epoch, link, ...slots] = line.split(' ');
  const ranges = slots
    .filter((range) => !range.startsWith('[')) // a slot being moved
    .map((range) => range.split('-').map(Number))
    .map(([first = -1, last = first]) => [first, last] as const);
  const own = { id, flags: flags.split(','), epoch: Number(epoch), linked: link === 'connected', ranges };
  return { ...own, master: master === '-' ? undefined : master };
}

/** Whether the live nodes serve every slot, once, and have the same picture of each other. */
function agree(views: readonly View[]): boolean {
  const live = new Set(views.map(({ own }) => own.id));
  const picture = ({ nodes }: View) =>
    nodes
      .filter(({ id }) => live.has(id))
      .map(({ id, master, ranges }) => `${id} ${master} ${ranges.join(' ')}`)
      .toSorted()
      .join('\n');
  const reachable = ({ id, flags, linked }: Node) =>
    !live.has(id) || (linked && !flags.some((flag) => /fail|handshake|noaddr/.test(flag)));
  const served = views.flatMap(({ own }) => own.ranges).reduce((sum, [first, last]) => sum + last - first + 1, 0);
  return (
    served === SLOTS &&
    views.every(({ ready, nodes }) => ready && nodes.every(reachable)) &&
    new Set(views.map(picture)).size === 1
  );
}

/** Moves some keys of a slot; false when there are none. */
function migrate(from: RedisServer, to: RedisServer, slot: number, count: number): Promise<boolean> {
  return withClient(from, async (client) => {
    const keys = (await client.callBuffer('CLUSTER', 'GETKEYSINSLOT', slot, count)) as Buffer[];
    if (keys.length > 0) await client.call('MIGRATE', to.host, to.port, '', 0, 5_000, 'KEYS', ...keys);
    return keys.length > 0;
  });
}
