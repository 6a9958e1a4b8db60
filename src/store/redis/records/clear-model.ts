import { WRITE_CHUNK } from './chunks.js';
import type { ModelKeys } from '../layout/keys.js';
import type { ScriptedRedis } from '../scripts/scripts.js';
import type { CommandExecutor } from '../commands/command-executor.js';

/** The keys of a model that is removed. */
export interface ClearedModel {
  readonly name: string;
  /** Set: names of the models of its store. */
  readonly models: string;
  /** By shard. */
  readonly shards: readonly ModelKeys[];
  /** What else is kept of it; the keys of each list lie in one slot. */
  readonly others: readonly (readonly string[])[];
}

/** Removes all objects of a model, and then the model from the set of models. @returns the number of objects. */
export async function clearModel(
  commands: CommandExecutor,
  { name, models, shards, others }: ClearedModel,
): Promise<number> {
  let removed = 0;
  for (const shard of shards) removed += await clearShard(commands, shard);
  await commands.writeMetadata(models, (client, deadline) => client.diffsyncUnregisterModel(models, name, deadline));
  for (const keys of others) {
    await commands.writeMetadata(keys[0] as string, (client, deadline) =>
      client.diffsyncDropSequence(keys.length, ...keys, deadline),
    );
  }
  await commands.writeMetadata(models, async (client) => {
    // Another process that added objects meanwhile registers its model again only when it found the model empty.
    const counts = await Promise.all(shards.map(({ index }) => client.zcard(index)));
    if (counts.some((count) => count > 0)) await client.sadd(models, name);
  });
  return removed;
}

async function clearShard(commands: CommandExecutor, { index, state, prefix }: ModelKeys): Promise<number> {
  const clearSome = (client: ScriptedRedis, deadline: string): Promise<number> =>
    client.diffsyncClear(index, state, prefix, WRITE_CHUNK, deadline);
  let removed = 0;
  for (let some = -1; some !== 0;) {
    some = await commands.write(index, clearSome);
    removed += some;
  }
  return removed;
}
