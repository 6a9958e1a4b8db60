import type { Cluster, Redis } from 'ioredis';
import type { RedisConnection } from '../connection/connection.js';
import { ConnectionState } from '../connection/connection-state.js';
import { isClusterClient } from '../connection/driver.js';
import { escaped, METADATA_PATTERN, parseMetadataKey, type ModelKeys } from '../layout/keys.js';

/** About how many keys one SCAN looks at: more of them block the server for longer. */
const SCAN_COUNT = 1000;

/** Model -> the names in its keys: one for each shard, and one for what a split model has as a whole. */
export type FoundModels = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Discovers stores with SCAN: every store id that owns an index, state, sequence or set of models, also if its models are not
 * registered. A key that is there during the whole scan is found; a key that a resharding moves meanwhile may not be.
 * @param owner - Begins the message of an error.
 * @returns the models that were found, by store id.
 */
export async function findStores(connection: RedisConnection, owner: string): Promise<Map<string, FoundModels>> {
  const stores = new Map<string, Map<string, Set<string>>>();
  for await (const batch of scanKeys(connection, owner, METADATA_PATTERN)) {
    for (const key of batch) {
      const { id, model, name } = parseMetadataKey(String(key));
      if (id === undefined) continue;
      let models = stores.get(id);
      if (models === undefined) stores.set(id, (models = new Map()));
      if (model !== undefined) models.set(model, (models.get(model) ?? new Set()).add(name));
    }
  }
  return stores;
}

/** Finds the objects of a shard by their keys. @returns their unique ids, some at a time; one may come more than once. */
export async function* objectsOf(
  connection: RedisConnection,
  owner: string,
  { prefix }: ModelKeys,
): AsyncGenerator<Buffer[], void, undefined> {
  const start = Buffer.byteLength(prefix);
  for await (const batch of scanKeys(connection, owner, `${escaped(prefix)}*`)) {
    yield batch.map((key) => key.subarray(start));
  }
}

/** Scans all nodes for keys that match, in bounded batches; a key may come more than once. */
export async function* scanKeys(
  connection: RedisConnection,
  owner: string,
  pattern: string,
): AsyncGenerator<Buffer[], void, undefined> {
  const scanned = new Set<string>();
  for (;;) {
    const nodes = await connection.run({
      store: owner,
      send: (client) => mastersOf(client as unknown as Redis | Cluster),
    });
    const node = nodes.find((each) => !scanned.has(addressOf(each)));
    if (node === undefined) return;
    // A node that another one replaced meanwhile has done its part, or that one does it.
    if (yield* scanNode(connection, owner, node, pattern)) scanned.add(addressOf(node));
  }
}

/** @returns every master; fails while the client misses one that a slot has, because its connection ended. */
async function mastersOf(client: Redis | Cluster): Promise<Redis[]> {
  if (!isClusterClient(client)) return [client];
  const nodes = client.nodes('master');
  if (nodes.length >= new Set(client.slots.flatMap((slot) => slot?.[0] ?? [])).size) return nodes;
  client.refreshSlotsCache();
  throw new Error("Cluster isn't ready");
}

function addressOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`;
}

/** @returns whether the node was scanned; not when it is no master any more. */
async function* scanNode(
  connection: RedisConnection,
  owner: string,
  node: Redis,
  pattern: string,
): AsyncGenerator<Buffer[], boolean, undefined> {
  const state = ConnectionState.watch(node);
  try {
    let epoch: number;
    do {
      epoch = state.epoch;
      let cursor = '0';
      do {
        const from = cursor;
        const send = async (client: unknown): Promise<[Buffer, Buffer[]] | undefined> => {
          if (!(await mastersOf(client as Redis | Cluster)).includes(node)) return undefined;
          return node.scanBuffer(from, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
        };
        const reply = await connection.run({ store: owner, send });
        if (reply === undefined) return false;
        const [next, some] = reply;
        if (some.length > 0) yield some;
        cursor = String(next);
      } while (cursor !== '0');
      // A cursor means nothing to another server, nor to one that was restarted.
    } while (state.epoch !== epoch);
    return true;
  } finally {
    state.release();
  }
}
