import { ObjectStoreException } from '../../../errors.js';
import type { ModelRecord } from '../../../record/model-record.js';
import { Failed, type Result } from '../../../async/outcome.js';
import { mapChunks, uidChunks, withPerItemFallback, WRITE_CHUNK, writeChunks } from './chunks.js';
import type { Chunk, KeysOf, WriteChunk } from './chunks.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { ObjectSizes } from './object-sizes.js';
import type { ModelIndex } from './model-index.js';
import type { RecordReader } from './record-reader.js';
import type { ShardSequence } from './shard-sequence.js';
import type { CommandExecutor, WriteLimits } from '../commands/command-executor.js';

/** Inserts, puts and deletes the records of one model, in chunks, each of them one atomic command. */
export class RecordWriter {
  constructor(
    private readonly keys: RedisKeys,
    private readonly commands: CommandExecutor,
    private readonly models: ModelIndex,
    private readonly sequence: ShardSequence,
    private readonly reader: RecordReader,
    private readonly sizes: ObjectSizes,
  ) {}

  /**
   * Stores records where there are none.
   * @param each - Whether a record that cannot be written fails alone, and not its whole chunk.
   * @returns by position, the record that was there already.
   */
  async insert(
    model: string,
    records: readonly ModelRecord[],
    limits: WriteLimits,
    each = false,
  ): Promise<Result<ModelRecord>[]> {
    const existing: Result<ModelRecord>[] = Array.from({ length: records.length });
    const insertChunk = async ({ keys, positions, items, scores }: WriteChunk): Promise<boolean> => {
      const reply = await this.commands.executeIdempotent(keys.index, limits, (client, ...token) =>
        client.diffsyncInsert(this.keys.declaredForWrite(model, keys, items, 2), keys.prefix, ...token, scores, items),
      );
      if (reply.length === 1) return reply[0] === 1;
      const uids = items.filter((_, at) => at % 2 === 0);
      const decode = this.reader.decoder(model, (record) => record);
      for (const { position, json } of await this.reader.conflicts(model, keys, uids, reply)) {
        const given = positions[position] as number;
        // Records with equal JSON texts are equal, so that this one need not be decoded.
        const same = json === items[2 * position + 1];
        existing[given] = same ? records[given] : decode(uids[position] as string, json);
      }
      return reply[0] === 1;
    };
    await this.write(model, records, limits, insertChunk, each ? existing : undefined);
    return existing;
  }

  /** Stores records, replacing those that are there. @param each - As for `insert`. @returns by position, the failures. */
  async put(
    model: string,
    records: readonly ModelRecord[],
    limits: WriteLimits,
    each = false,
  ): Promise<(Failed | undefined)[]> {
    const failures: (Failed | undefined)[] = Array.from({ length: records.length });
    const putChunk = async ({ keys, items, scores }: WriteChunk): Promise<boolean> => {
      const created = await this.commands.executeIdempotent(keys.index, limits, (client, ...token) =>
        client.diffsyncPut(this.keys.declaredForWrite(model, keys, items, 2), keys.prefix, ...token, scores, items),
      );
      return created === 1;
    };
    await this.write(model, records, limits, putChunk, each ? failures : undefined);
    return failures;
  }

  /** @returns by position, whether the object was there. */
  async delete(model: string, uids: readonly string[], limits: WriteLimits): Promise<boolean[]> {
    const present = Array.from({ length: uids.length }, () => true);
    const chunks = uidChunks(uids, (uid) => this.keys.holding(model, uid), WRITE_CHUNK);
    const deleteChunk = async ({ keys, positions, items }: Chunk<string>): Promise<void> => {
      const missing = await this.commands.executeIdempotent(keys.index, limits, (client, ...token) =>
        client.diffsyncDelete(this.keys.declaredForWrite(model, keys, items), keys.prefix, ...token, items),
      );
      for (const position of missing) present[positions[position - 1] as number] = false;
    };
    await mapChunks(chunks, uids.length, deleteChunk, limits.signal);
    return present;
  }

  /**
   * Writes records in chunks, and registers their model.
   * @param writeChunk - Resolves to whether it put the first object into its keys.
   * @param failures - Gets, by position, the errors that are of one record alone; without it all fail with that one.
   */
  private async write(
    model: string,
    records: readonly ModelRecord[],
    limits: WriteLimits,
    writeChunk: (chunk: WriteChunk) => Promise<boolean>,
    failures?: Result<ModelRecord>[],
  ): Promise<void> {
    if (records.length === 0) return;
    const noted = (chunk: WriteChunk): Promise<boolean> => {
      this.sizes.note(model, chunk.chars / chunk.positions.length);
      return writeChunk(chunk);
    };
    const writeOne =
      failures === undefined
        ? noted
        : withPerItemFallback(noted, isItemError, (position, error) => {
            failures[position] = new Failed(error);
          });
    const shards = this.keys.of(model);
    const [only] = shards as [ModelKeys];
    const keysOf: KeysOf = shards.length === 1 ? () => only : (uid) => shards[this.keys.shardOf(uid)] as ModelKeys;
    const writeAll = (firstScore?: number): Promise<boolean[]> => {
      const chunks = writeChunks(records, keysOf, firstScore);
      return mapChunks(chunks, records.length, writeOne, limits.signal);
    };
    let created: boolean[];
    if (shards.length === 1) {
      await this.models.registerModel(model, limits);
      created = await writeAll();
    } else {
      created = await this.sequence.inOrder(model, records, limits, writeAll);
    }
    await this.models.ensureRegistered(model, created.includes(true), limits);
  }
}

/** Whether an error may be that of one record, while the others can be written. */
function isItemError(error: unknown): boolean {
  return error instanceof ObjectStoreException && error.code === 'STORE_WRONG_KEY_TYPE';
}
