import { isUtf8 } from 'node:buffer';
import type { ObjectStoreException, StoreErrorCode } from '../../../errors.js';
import type { ModelRecord } from '../../../record/model-record.js';
import { EncodedRecord, type DecodeErrorFactory } from '../../../record/encoded-record.js';
import { forEachYielding } from '../../../async/event-loop.js';
import { Failed, throwFirstFailure, type Result } from '../../../async/outcome.js';
import { mapChunks, READ_CHUNK, uidChunks, type Chunk } from './chunks.js';
import type { ObjectSizes } from './object-sizes.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { ModelIndex } from './model-index.js';
import type { StoredRecord } from './page-scan.js';
import { readValues } from './read-values.js';
import type { ScriptedRedis } from '../scripts/scripts.js';
import type { OperationLimits, CommandExecutor } from '../commands/command-executor.js';

/** The JSON text of one object, undefined where there is none, or why it cannot be read. */
export type FoundJson = Result<string>;

/** Makes the error of an object that is damaged: `ObjectMapper#corrupt`. */
export type DamagedObject = (
  model: string,
  uid: string,
  reason: string,
  cause?: unknown,
  code?: StoreErrorCode,
) => ObjectStoreException;

/** The client puts this character where bytes are no UTF-8. */
const REPLACEMENT = '\uFFFD';

/** Reads the JSON texts of objects and makes records of them; an object that is damaged fails alone. */
export class RecordReader {
  private readonly decodeErrors = new Map<string, DecodeErrorFactory>();

  constructor(
    private readonly keys: RedisKeys,
    private readonly commands: CommandExecutor,
    private readonly models: ModelIndex,
    private readonly sizes: ObjectSizes,
    private readonly corrupt: DamagedObject,
  ) {}

  /**
   * Reads many records, in chunks.
   * @param make - Is called with each record as soon as its chunk is there, so that few records are kept at a time.
   * @returns by position, what `make` returned.
   */
  async readMany<T>(
    model: string,
    uids: readonly string[],
    make: (record: ModelRecord) => T,
    limits: OperationLimits,
  ): Promise<Result<T>[]> {
    const results: Result<T>[] = Array.from({ length: uids.length });
    const decode = this.decoder(model, make);
    const read = async ({ keys, positions, items }: Chunk<string>): Promise<void> => {
      const found = await this.read(model, keys, items, limits);
      let at = 0;
      await forEachYielding(found, (json) => {
        results[positions[at] as number] = decode(items[at] as string, json);
        at++;
      });
    };
    const keysOf = (uid: string): ModelKeys => this.keys.holding(model, uid);
    // The first chunk shows how large the others may be.
    const probe = this.sizes.isKnown(model) ? 0 : Math.min(this.sizes.chunk(model, READ_CHUNK), uids.length);
    for (const chunk of uidChunks(uids.slice(0, probe), keysOf, READ_CHUNK)) await read(chunk);
    const rest = probe === 0 ? uids : uids.slice(probe);
    const chunks = uidChunks(rest, keysOf, this.sizes.chunk(model, READ_CHUNK), probe);
    await mapChunks(chunks, rest.length, read, limits.signal);
    return results;
  }

  /** Reads the JSON texts of objects of one shard. @param keys - Those of the shard. @returns by position. */
  async read(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    { fromMaster = false, ...limits }: OperationLimits & { readonly fromMaster?: boolean } = {},
  ): Promise<readonly FoundJson[]> {
    if (fromMaster) return this.checkUtf8(model, keys, uids, await this.recheck(model, keys, uids, limits));
    const objects = uids.map((uid) => keys.prefix + uid);
    const found = await this.commands.read((client) => readValues(client, objects), limits);
    this.sizes.noteAll(model, found);
    if (this.keys.ttl !== undefined && found.some((json) => json !== null)) this.models.saw(model);
    return this.recheckMissing(model, keys, uids, found, limits);
  }

  /**
   * The objects that inserts met.
   * @param uids - Those of the inserts.
   * @param reply - That of the script which inserted them.
   * @returns the position of each insert in `uids`, and the JSON text of the object that it met.
   */
  async conflicts(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    [, ...met]: readonly (number | string)[],
  ): Promise<{ readonly position: number; readonly json: FoundJson }[]> {
    const positions = met.flatMap((each, at) => (at % 2 === 0 ? [Number(each) - 1] : []));
    const found = met.filter((_, at) => at % 2 === 1).map(String);
    const checked = await this.checkUtf8(
      model,
      keys,
      positions.map((position) => uids[position] as string),
      found,
    );
    return positions.map((position, at) => ({ position, json: checked[at] }));
  }

  /** @returns the records of a page, without those that are gone. @throws the error of the first damaged object. */
  async recordsOf(model: string, page: readonly StoredRecord[]): Promise<ModelRecord[]> {
    if (page.some(({ json }) => json === null || isDoubtful(json))) return this.recheckPage(model, page);
    const decodeError = this.decodeErrorOf(model);
    return page.map(({ uid, json }) => new EncodedRecord(uid, json as string, decodeError));
  }

  /** @returns a function that makes something of each JSON text that was read; an error is the result of its own text. */
  decoder<T>(model: string, make: (record: ModelRecord) => T): (uid: string, json: FoundJson) => Result<T> {
    const decodeError = this.decodeErrorOf(model);
    return (uid, json) => {
      if (json === undefined || json instanceof Failed) return json;
      try {
        return make(new EncodedRecord(uid, json, decodeError));
      } catch (error) {
        return new Failed(error);
      }
    };
  }

  /** @returns the record, which is decoded already. @throws the error of a damaged object. */
  decode(model: string, uid: string, json: string): ModelRecord {
    const record = new EncodedRecord(uid, json, this.decodeErrorOf(model));
    void record.data;
    return record;
  }

  /** Whether a text that was read stands for bytes that are no UTF-8. */
  async isNotUtf8(model: string, uid: string, json: string): Promise<boolean> {
    return isDoubtful(json) && (await this.notUtf8(this.keys.holding(model, uid), [uid])).size > 0;
  }

  /** The same as `recordsOf`, for a page with objects that are missing or doubtful. */
  private async recheckPage(model: string, page: readonly StoredRecord[]): Promise<ModelRecord[]> {
    const decode = this.decoder(model, (record) => record);
    const results: Result<ModelRecord>[] = Array.from({ length: page.length });
    const uids = page.map(({ uid }) => uid);
    for (const { keys, positions, items } of uidChunks(uids, (uid) => this.keys.holding(model, uid), READ_CHUNK)) {
      const found = await this.recheckMissing(
        model,
        keys,
        items,
        positions.map((at) => page[at]?.json ?? null),
      );
      for (const [at, uid] of items.entries()) {
        results[positions[at] as number] = decode(uid, found[at]);
      }
    }
    return throwFirstFailure(results).filter((record) => record !== undefined);
  }

  /** @returns the texts that were found, and for the others what a second look finds. */
  private async recheckMissing(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    found: readonly (string | null)[],
    limits: OperationLimits = {},
  ): Promise<readonly FoundJson[]> {
    if (!found.includes(null)) return this.checkUtf8(model, keys, uids, found as readonly string[]);
    const missing = uids.filter((_, at) => found[at] === null);
    const rechecked = await this.recheck(model, keys, missing, limits);
    let next = 0;
    const all = found.map((json) => json ?? rechecked[next++]);
    return this.checkUtf8(model, keys, uids, all);
  }

  /** Looks again for objects that were not found: at the master, and at one moment with their scores. */
  private async recheck(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    limits: OperationLimits,
  ): Promise<readonly FoundJson[]> {
    const recheck = (client: ScriptedRedis): Promise<(number | string)[]> =>
      client.diffsyncRecheck(this.keys.declared(keys, uids), keys.prefix, this.keys.format, uids);
    const [found] = await Promise.all([this.commands.read(recheck, limits), this.models.checkSplit([model])]);
    return uids.map((uid, at) => {
      const json = found[at];
      if (typeof json === 'string') return json;
      if (json === 0) return undefined;
      if (json === 3) return new Failed(this.models.lost(model, keys));
      if (json === 4) {
        const why = this.models.whyGone(model);
        return why && new Failed(why);
      }
      const where = `the key "${keys.prefix}${uid}"`;
      if (json === 1) return new Failed(this.corrupt(model, uid, `is listed, and its object is gone from ${where}`));
      const what = `is no stored object, but something else at ${where}`;
      return new Failed(this.corrupt(model, uid, what, undefined, 'STORE_WRONG_KEY_TYPE'));
    });
  }

  /** @returns the texts, with a failure for each in which the client has replaced bytes that are no UTF-8. */
  private async checkUtf8(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    found: readonly FoundJson[],
  ): Promise<readonly FoundJson[]> {
    if (!found.some(isDoubtful)) return found;
    const doubtful = uids.filter((_, at) => isDoubtful(found[at]));
    const broken = await this.notUtf8(keys, doubtful);
    return found.map((json, at) => {
      const uid = uids[at] as string;
      if (!broken.has(uid)) return json;
      return new Failed(this.corrupt(model, uid, `is not UTF-8 at the key "${keys.prefix}${uid}"`));
    });
  }

  private async notUtf8(keys: ModelKeys, uids: readonly string[]): Promise<ReadonlySet<string>> {
    const bytes = await this.commands.read((client) => client.mgetBuffer(uids.map((uid) => keys.prefix + uid)));
    return new Set(uids.filter((_, at) => !isUtf8(bytes[at] ?? Buffer.of())));
  }

  /** One function for all records of a model, because each of them keeps a reference to it. */
  private decodeErrorOf(model: string): DecodeErrorFactory {
    let decodeError = this.decodeErrors.get(model);
    if (decodeError === undefined) {
      decodeError = (uid, cause) => {
        const where = `the key "${this.keys.holding(model, uid).prefix}${uid}"`;
        return this.corrupt(model, uid, `is no stored object at ${where}`, cause);
      };
      this.decodeErrors.set(model, decodeError);
    }
    return decodeError;
  }
}

function isDoubtful(json: unknown): boolean {
  return typeof json === 'string' && json.includes(REPLACEMENT);
}
