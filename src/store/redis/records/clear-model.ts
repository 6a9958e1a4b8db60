import { slices, WRITE_CHUNK } from './chunks.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import { fenceOf, type CommandExecutor, type OperationLimits } from '../commands/command-executor.js';
import type { ScriptedRedis } from '../scripts/scripts.js';

/** The layout of a model that is removed whatever its layout is. */
export const ANY_LAYOUT = '';

/** The keys of a model that is removed. */
export interface ClearedModel {
  readonly name: string;
  /** Set: names of the models of its store. */
  readonly models: string;
  /** By shard. */
  readonly shards: readonly ModelKeys[];
  /** What else is kept of it; the keys of each list lie in one slot. */
  readonly others: readonly (readonly string[])[];
  /** What it must be kept as. */
  readonly layout: string;
}

/** Finds the objects of a shard by the keys that there are. @returns unique ids, some at a time. */
export type ScanObjects = (shard: ModelKeys) => AsyncIterable<readonly Buffer[]>;

/**
 * Removes all objects of a model, and then the model from the set of models.
 * @param limits - The signal ends it between two chunks.
 * @returns the number of objects.
 */
export async function clearModel(
  commands: CommandExecutor,
  keys: RedisKeys,
  { name, models, shards, others, layout }: ClearedModel,
  scan: ScanObjects,
  limits: OperationLimits = {},
): Promise<number> {
  let removed = 0;
  for (const shard of shards) removed += await clearShard(commands, keys, shard, scan, layout, limits);
  const { lease } = limits;
  const unregister = (client: ScriptedRedis, deadline: string): Promise<number> =>
    client.diffsyncUnregisterModel(models, name, deadline);
  await commands.writeMetadata(models, unregister, { lease });
  for (const { state, log } of shards) {
    const drop = (client: ScriptedRedis, deadline: string): Promise<number> =>
      client.diffsyncDropLog(state, log, deadline);
    await commands.writeMetadata(log, drop, { lease });
  }
  for (const other of others) {
    const drop = (client: ScriptedRedis, deadline: string): Promise<number> =>
      client.diffsyncDropSequence(other.length, ...other, deadline, layout);
    await commands.writeMetadata(other[0] as string, drop, { lease });
  }
  await commands.writeMetadata(models, async (client) => {
    // Another process that added objects meanwhile registers its model again only when it found the model empty.
    const counts = await Promise.all(shards.map(({ index }) => client.zcard(index)));
    if (counts.some((count) => count > 0)) await client.sadd(models, name);
  });
  return removed;
}

/** Removes objects of a shard, whether or not its index lists them. @returns how many. */
export async function clearObjects(
  commands: CommandExecutor,
  keys: RedisKeys,
  shard: ModelKeys,
  uids: readonly (string | Buffer)[],
  layout: string,
  limits: OperationLimits = {},
): Promise<number> {
  let removed = 0;
  for (const some of slices(uids, WRITE_CHUNK))
    removed += await clearSome(commands, keys, shard, 0, some, layout, limits);
  return removed;
}

async function clearShard(
  commands: CommandExecutor,
  keys: RedisKeys,
  shard: ModelKeys,
  scan: ScanObjects,
  layout: string,
  limits: OperationLimits,
): Promise<number> {
  const { signal } = limits;
  const last = String(WRITE_CHUNK - 1);
  let removed = 0;
  for (;;) {
    signal?.throwIfAborted();
    // On a cluster the keys of the objects are declared, so that they must be known.
    const { isCluster } = commands.connection;
    const uids = isCluster ? await commands.read((client) => client.zrange(shard.index, '0', last)) : [];
    const some = await clearSome(commands, keys, shard, uids.length > 0 ? 0 : WRITE_CHUNK, uids, layout, limits);
    if (some === 0) return removed;
    if (some > 0) removed += some;
    else {
      for await (const found of scan(shard)) {
        signal?.throwIfAborted();
        removed += await clearObjects(commands, keys, shard, found, layout, limits);
      }
      // With no object left, this removes what the state knows of the lost index.
      await clearSome(commands, keys, shard, 0, [], layout, limits);
    }
  }
}

/** @param most - Of the first objects of the index. @returns how many were removed, or -1 where the index is lost. */
function clearSome(
  commands: CommandExecutor,
  keys: RedisKeys,
  shard: ModelKeys,
  most: number,
  uids: readonly (string | Buffer)[],
  layout: string,
  { lease }: OperationLimits,
): Promise<number> {
  const declared = keys.declared(shard, uids);
  const clear = (client: ScriptedRedis, deadline: string): Promise<number> =>
    client.diffsyncClear(declared, shard.prefix, most, deadline, layout, fenceOf({ lease }), uids);
  return commands.write(shard.index, clear, { lease });
}
