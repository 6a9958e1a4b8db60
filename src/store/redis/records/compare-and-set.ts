import { setTimeout } from 'node:timers/promises';
import { ObjectStoreException } from '../../../errors.js';
import { BACKOFF, backoffDelay } from '../../../async/backoff.js';
import type { RecordChange } from '../../store-backend.js';
import { Failed } from '../../../async/outcome.js';
import { mapChunks, encodeGrown, uidChunks, WRITE_CHUNK, type Chunk } from './chunks.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { OperationLimits, CommandExecutor } from '../commands/command-executor.js';
import type { RecordReader } from './record-reader.js';

/** An object to replace: its unique id, the JSON text that must still be there, and the one to store. */
export type Replacement = readonly [uid: string, expected: string, json: string];

/** Compare-and-set of objects: an object that another client changes in between is read and changed again. */
export class CompareAndSet {
  /** @param maxBytes - Bytes of the JSON text of an object. */
  constructor(
    private readonly keys: RedisKeys,
    private readonly commands: CommandExecutor,
    private readonly reader: RecordReader,
    private readonly maxBytes: number,
  ) {}

  /** @param change - Is called with each unique id and its record, again after each conflict. */
  async modify(
    model: string,
    uids: readonly string[],
    change: RecordChange,
    { deadline: end, signal }: OperationLimits & { readonly deadline: number },
  ): Promise<void> {
    let deadline = end;
    let left = uids;
    for (let attempt = 0; left.length > 0; attempt++) {
      if (attempt > 0) await pauseBeforeRetry(attempt);
      const chunks = uidChunks(left, (uid) => this.keys.holding(model, uid), WRITE_CHUNK);
      const limits = { deadline };
      /** @returns the unique ids of the objects that another client changed in between. */
      const replace = async ({ keys, items }: Chunk<string>): Promise<string[]> => {
        const replacements = await this.replacements(model, keys, items, change, attempt > 0, limits);
        if (replacements.length === 0) return [];
        const { index, state, prefix } = keys;
        const changed = await this.commands.executeIdempotent(index, limits, (client, ...token) =>
          client.diffsyncCompareAndSet(index, state, prefix, ...token, ...replacements.flat()),
        );
        return changed.map((position) => (replacements[position - 1] as Replacement)[0]);
      };
      const conflicts = (await mapChunks(chunks, left.length, replace, signal)).flat();
      if (conflicts.length < left.length) ({ deadline } = this.commands.limits());
      left = conflicts;
      if (left.length > 0 && performance.now() >= deadline) throw this.contended(model, left);
    }
  }

  /**
   * Reads objects of one shard and changes them.
   * @param again - Whether another client has changed one of them since they were read.
   * @returns those that are there and that `change` changes.
   */
  async replacements(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    change: RecordChange,
    again: boolean,
    limits: OperationLimits,
  ): Promise<Replacement[]> {
    if (uids.length === 0) return [];
    // A replica may be behind for longer than the caller waits.
    const found = await this.reader.read(model, keys, uids, { fromMaster: again, ...limits });
    return uids.flatMap((uid, at): Replacement[] => {
      const json = found[at];
      if (json instanceof Failed) throw json.error;
      const next = change(uid, json === undefined ? undefined : this.reader.decode(model, uid, json));
      return json === undefined || next === undefined ? [] : [[uid, json, encodeGrown(model, next, this.maxBytes)]];
    });
  }

  contended(model: string, uids: readonly string[]): ObjectStoreException {
    return new ObjectStoreException(
      `${this.commands.store}: ${model} "${uids[0]}" was changed by others each time before it could be; it was left alone`,
      { code: 'STORE_TIMEOUT' },
    );
  }
}

/** Writers that meet at one object come back at different times. @param attempt - Number of conflicts so far. */
export async function pauseBeforeRetry(attempt: number): Promise<void> {
  await setTimeout(backoffDelay(attempt, BACKOFF.contention));
}
