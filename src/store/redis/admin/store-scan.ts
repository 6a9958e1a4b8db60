import type { Cluster, Redis } from 'ioredis';
import type { RedisConnection } from '../connection/connection.js';
import { ConnectionState } from '../connection/connection-state.js';

/** Keys that one call of SCAN looks at, about: more block the server for longer. */
const SCAN_COUNT = 1000;

/** What follows the kind in the keys of a model: `<store id>:<model>`; in braces, as on a cluster, perhaps `:<shard>` too. */
const NAME = /^(?:([^:{}]+):([\w-]+)|\{([^:{}]+):([\w-]+)(?::\d+)?\})$/;

/** Model -> what follows the kind in its keys: one for each shard, and one for what a split model has as a whole. */
export type FoundModels = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * By id, each store of which there is any key but an object's: an index that no set of models names counts too. Found by
 * SCAN, a bounded batch at a time: a key that is there all along is found, one that a resharding moves meanwhile may not be.
 * @param owner begins the message of an error.
 */
export async function findStores(connection: RedisConnection, owner: string): Promise<Map<string, FoundModels>> {
  const stores = new Map<string, Map<string, Set<string>>>();
  for await (const batch of scanKeys(connection, owner, 'diffsync.*')) {
    for (const key of batch) {
      const { id, model, name } = parse(String(key));
      if (id === undefined) continue;
      let models = stores.get(id);
      if (models === undefined) stores.set(id, (models = new Map()));
      if (model !== undefined) models.set(model, (models.get(model) ?? new Set()).add(name));
    }
  }
  return stores;
}

/** The keys of all servers that match, in bounded batches; some more than once. */
export async function* scanKeys(
  connection: RedisConnection,
  owner: string,
  pattern: string,
): AsyncGenerator<Buffer[], void, undefined> {
  const nodes = await connection.run({
    store: owner,
    send: (client) =>
      Promise.resolve(
        connection.isCluster ? (client as unknown as Cluster).nodes('master') : [client as unknown as Redis],
      ),
  });
  for (const node of nodes) yield* scanNode(connection, owner, node, pattern);
}

async function* scanNode(
  connection: RedisConnection,
  owner: string,
  node: Redis,
  pattern: string,
): AsyncGenerator<Buffer[], void, undefined> {
  const link = ConnectionState.watch(node);
  try {
    let breaks: number;
    do {
      breaks = link.epoch;
      let cursor = '0';
      do {
        const from = cursor;
        const send = (): Promise<[Buffer, Buffer[]]> => node.scanBuffer(from, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
        const [next, some] = await connection.run({ store: owner, send });
        if (some.length > 0) yield some;
        cursor = String(next);
      } while (cursor !== '0');
      // A cursor means nothing to another server, nor to one that was restarted.
    } while (link.epoch !== breaks);
  } finally {
    link.release();
  }
}

function parse(key: string): { id?: string | undefined; model?: string | undefined; name: string } {
  const [, kind, name = ''] = /^diffsync\.(models|index|state|places):(.+)$/s.exec(key) ?? [];
  if (kind === 'models') return { id: /^[^:{}]+$/.exec(name)?.[0], name };
  const [, plainId, plainModel, id = plainId, model = plainModel] = NAME.exec(name) ?? [];
  return { id, model, name };
}
