import { setImmediate, setTimeout } from 'node:timers/promises';
import { ObjectStoreException, ValueError } from '../../../errors.js';
import { encodeRecord } from '../../../record/record-codec.js';
import type { ModelRecord } from '../../../record/model-record.js';
import { BACKOFF, backoffDelay } from '../../../async/backoff.js';
import { yieldIfDue } from '../../../async/event-loop.js';
import type { RecordChange } from '../../store-backend.js';
import { Failed } from '../../../async/outcome.js';
import { mapChunks, uidChunks, WRITE_CHUNK, WRITE_CHUNK_CHARS, type Chunk } from './chunks.js';
import type { ObjectSizes } from './object-sizes.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { CommandExecutor, OperationLimits, WriteLimits } from '../commands/command-executor.js';
import type { RecordReader } from './record-reader.js';

/** An object to replace: its unique id, the JSON text that must still be there, and the one to store. */
export type Replacement = readonly [uid: string, expected: string, json: string];

/** Bytes of the largest value of Redis. Child lists grow up to it: `maxObjectBytes` is a bound of what a caller writes. */
const MAX_VALUE_BYTES = 512 * 1024 * 1024;

/** Characters of an object that takes longer than some milliseconds to decode. */
const LONG_CHARS = 512 * 1024;

/** Compare-and-set of objects: an object that another client changes in between is read and changed again. */
export class CompareAndSet {
  constructor(
    private readonly keys: RedisKeys,
    private readonly commands: CommandExecutor,
    private readonly reader: RecordReader,
    private readonly sizes: ObjectSizes,
  ) {}

  /** @param change - Is called with each unique id and its record, again after each conflict. */
  async modify(
    model: string,
    uids: readonly string[],
    change: RecordChange,
    { deadline: end, signal, lease }: WriteLimits & { readonly deadline: number },
  ): Promise<void> {
    let deadline = end;
    let left = uids;
    for (let attempt = 0; left.length > 0; attempt++) {
      if (attempt > 0) await pauseBeforeRetry(attempt);
      const size = this.sizes.chunk(model, WRITE_CHUNK);
      const chunks = uidChunks(left, (uid) => this.keys.holding(model, uid), size);
      /** @returns the unique ids of the objects that another client changed in between. */
      const replace = async ({ keys, items }: Chunk<string>): Promise<string[]> => {
        // Each chunk of a bulk operation has the time of one operation: there may be any number of them.
        const limits = uids.length === 1 ? { deadline, signal, lease } : this.commands.limits(signal, lease);
        const replacements = await this.replacements(model, keys, items, change, attempt > 0, limits);
        const conflicts: string[][] = [];
        for (const some of batches(replacements)) conflicts.push(await this.replace(model, keys, some, limits));
        return conflicts.flat();
      };
      const conflicts = (await mapChunks(chunks, left.length, replace, signal)).flat();
      if (conflicts.length < left.length) ({ deadline } = this.commands.limits());
      left = conflicts;
      if (left.length > 0 && performance.now() >= deadline) throw this.contended(model, left);
    }
  }

  /** @returns the unique ids of the objects that had changed and were left alone. */
  private async replace(
    model: string,
    keys: ModelKeys,
    replacements: readonly Replacement[],
    limits: WriteLimits,
  ): Promise<string[]> {
    const args = replacements.flat();
    const changed = await this.commands.executeIdempotent(keys.index, limits, (client, ...token) =>
      client.diffsyncCompareAndSet(this.keys.declaredForWrite(model, keys, args, 3), keys.prefix, ...token, args),
    );
    return changed.map((position) => (replacements[position - 1] as Replacement)[0]);
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
    const replacements: Replacement[] = [];
    for (const [at, uid] of uids.entries()) {
      const json = found[at];
      if (json instanceof Failed) throw json.error;
      // Each step takes some 20 ms with a child list of 100,000. Where the event loop reads replies, the next immediate is still in the
      // same iteration: the first step waits for one, so that the second is in another.
      if (json !== undefined && json.length > LONG_CHARS) await setImmediate();
      await yieldIfDue();
      const record = json === undefined ? undefined : this.reader.decode(model, uid, json);
      await yieldIfDue();
      const next = change(uid, record);
      if (json === undefined || next === undefined) continue;
      await yieldIfDue();
      replacements.push([uid, json, encodeChanged(model, next)]);
    }
    return replacements;
  }

  contended(model: string, uids: readonly string[]): ObjectStoreException {
    return new ObjectStoreException(
      `${this.commands.store}: ${model} "${uids[0]}" was changed by others each time before it could be; it was left alone`,
      { code: 'STORE_TIMEOUT' },
    );
  }
}

/** Splits replacements by the characters that they send. */
function* batches(replacements: readonly Replacement[]): Generator<readonly Replacement[], void, undefined> {
  let batch: Replacement[] = [];
  let chars = 0;
  for (const replacement of replacements) {
    const [, expected, json] = replacement;
    const own = expected.length + json.length;
    if (batch.length > 0 && chars + own > 2 * WRITE_CHUNK_CHARS) {
      yield batch;
      [batch, chars] = [[], 0];
    }
    batch.push(replacement);
    chars += own;
  }
  if (batch.length > 0) yield batch;
}

/** @throws {ValueError} (VALUE_ERROR) when Redis takes no value of this size. */
function encodeChanged(model: string, record: ModelRecord): string {
  const json = encodeRecord(record);
  // No character takes more than three bytes.
  const bytes = json.length * 3 > MAX_VALUE_BYTES ? Buffer.byteLength(json) : 0;
  if (bytes <= MAX_VALUE_BYTES) return json;
  throw new ValueError(
    `${model} "${record.uid}": it takes ${bytes} bytes, and Redis takes ${MAX_VALUE_BYTES} in a value: split its child list`,
  );
}

/** Writers that meet at one object come back at different times. @param attempt - Number of conflicts so far. */
export async function pauseBeforeRetry(attempt: number): Promise<void> {
  await setTimeout(backoffDelay(attempt, BACKOFF.contention));
}
