import { setTimeout } from 'node:timers/promises';
import { ObjectStoreException } from '../../../errors.js';
import type { RecordChange } from '../../store-backend.js';
import { Failed } from '../../../async/outcome.js';
import { mapChunks, encodeGrown, uidChunks, WRITE_CHUNK, type Chunk } from './chunks.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { OperationLimits, CommandExecutor } from '../commands/command-executor.js';
import type { RecordReader } from './record-reader.js';

/** An object to change: its unique id, the text that must still be there, and the one to store. */
export type Swap = readonly [uid: string, expected: string, text: string];

/** Compare-and-set of objects: what others change in between is read and changed again. */
export class CompareAndSet {
  /** @param maxBytes of the text of an object. */
  constructor(
    private readonly keys: RedisKeys,
    private readonly steps: CommandExecutor,
    private readonly texts: RecordReader,
    private readonly maxBytes: number,
  ) {}

  async modify(
    model: string,
    uids: readonly string[],
    change: RecordChange,
    { deadline: end, signal }: OperationLimits & { readonly deadline: number },
  ): Promise<void> {
    let deadline = end;
    let left = uids;
    for (let attempt = 0; left.length > 0; attempt++) {
      if (attempt > 0) await pause(attempt);
      const chunks = uidChunks(left, (uid) => this.keys.holding(model, uid), WRITE_CHUNK);
      const limit = { deadline };
      /** @returns the unique ids that somebody else changed in between. */
      const swap = async ({ keys, items }: Chunk<string>): Promise<string[]> => {
        const swaps = await this.of(model, keys, items, change, attempt > 0, limit);
        if (swaps.length === 0) return [];
        const { index, state, prefix } = keys;
        const changed = await this.steps.executeIdempotent(index, limit, (client, ...ledger) =>
          client.diffsyncSwap(index, state, prefix, ...ledger, ...swaps.flat()),
        );
        return changed.map((position) => (swaps[position - 1] as Swap)[0]);
      };
      const again = (await mapChunks(chunks, left.length, swap, signal)).flat();
      if (again.length < left.length) ({ deadline } = this.steps.limits());
      left = again;
      if (left.length > 0 && performance.now() >= deadline) throw this.contended(model, left);
    }
  }

  /** What is to be stored instead of what is there now. @param again whether it was changed by others in between. */
  async of(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    change: RecordChange,
    again: boolean,
    limit: OperationLimits,
  ): Promise<Swap[]> {
    if (uids.length === 0) return [];
    // A replica may be behind for longer than anybody waits.
    const before = await this.texts.read(model, keys, uids, { fromMaster: again, ...limit });
    return uids.flatMap((uid, at): Swap[] => {
      const text = before[at];
      if (text instanceof Failed) throw text.error;
      const next = change(uid, text === undefined ? undefined : this.texts.decode(model, uid, text));
      return text === undefined || next === undefined ? [] : [[uid, text, encodeGrown(model, next, this.maxBytes)]];
    });
  }

  contended(model: string, uids: readonly string[]): ObjectStoreException {
    return new ObjectStoreException(
      `${this.steps.store}: ${model} "${uids[0]}" was changed by others each time before it could be; it was left alone`,
      { code: 'STORE_TIMEOUT' },
    );
  }
}

/** Writers that meet at one object come back at different times: full jitter from about 1 ms to 64 ms. */
export async function pause(attempt: number): Promise<void> {
  await setTimeout(Math.random() * Math.min(2 ** attempt, 64));
}
