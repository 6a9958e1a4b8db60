import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import pMap from 'p-map';
import { ObjectStoreException } from '../../errors.js';
import { decodeRecord, encodeRecord } from '../../model/record-codec.js';
import type { ModelRecord } from '../../model/model-record.js';
import { BaseStore } from '../base-store.js';
import type { RecordChange } from '../write-behind.js';
import { RedisConnection } from './redis-connection.js';
import { RedisKeys } from './redis-keys.js';
import { checkRedisOptions, type RedisStoreOptions } from './redis-options.js';
import type { ScriptedRedis } from './redis-scripts.js';

/** Objects, and characters of text, in one write: larger ones block the server for too long. */
const WRITE_CHUNK = 500;
const WRITE_CHUNK_CHARS = 256 * 1024;
/** Objects in one read. */
const READ_CHUNK = 1000;
/** Chunks in flight: a third gains little and keeps other clients waiting. */
const WINDOW = 2;

/**
 * Objects in Redis 7, shared by all processes with the same store id. Each object is readable JSON at
 * `diffsync:<store id>:<model>:<unique id>`; a sorted set beside them keeps their order. Every write is one atomic step
 * on the server for up to 500 objects and their places.
 */
export class RedisStore extends BaseStore {
  readonly engine = 'redis';
  declare readonly storeId: string;
  private readonly keys: RedisKeys;
  private readonly connection: RedisConnection;

  /**
   * Connects only in `open`. Default `storeId`: a random UUID.
   * @throws ValueError for wrong options, such as `url` and `host` together.
   */
  constructor(options: RedisStoreOptions = {}, connection?: RedisConnection) {
    const { storeId = randomUUID(), name, logger, ...own } = options;
    super({ storeId, name, logger });
    checkRedisOptions(own);
    this.keys = new RedisKeys(storeId);
    this.connection = connection ?? new RedisConnection(own);
  }

  /** A new store, open. @throws ObjectStoreException when the server cannot be reached. */
  static async connect(options: RedisStoreOptions = {}): Promise<RedisStore> {
    const store = new RedisStore(options);
    await store.open();
    return store;
  }

  override get address(): string {
    return this.connection.address;
  }

  override scope({ storeId, name }: { readonly storeId: string; readonly name?: string }): RedisStore {
    return new RedisStore({ storeId, name, logger: this.logger }, this.connection);
  }

  protected override async connect(): Promise<void> {
    await this.connection.acquire(String(this));
  }

  protected override async disconnect(): Promise<void> {
    await this.connection.release();
  }

  protected override async probe(): Promise<void> {
    await this.reads((client) => client.ping());
  }

  protected override async readRecords(model: string, uids: readonly string[]): Promise<(ModelRecord | undefined)[]> {
    const chunks = await pMap(
      slices(uids, READ_CHUNK),
      async (chunk) => {
        const texts = await this.texts(model, chunk);
        return chunk.map((uid, at) => this.decode(model, uid, texts[at] ?? null));
      },
      { concurrency: WINDOW },
    );
    return chunks.flat();
  }

  /**
   * Follows the places, not the ranks, so that what others remove meanwhile makes nothing be passed over; ends at the
   * place that is last when it begins, so that what others add meanwhile does not keep it going.
   */
  protected override async *scanRecords(
    model: string,
    pageSize: number,
  ): AsyncGenerator<ModelRecord[], void, undefined> {
    const [, end] = await this.reads((client) => client.zrange(this.keys.index(model), '-1', '-1', 'WITHSCORES'));
    let next: Promise<Page> | undefined = end === undefined ? undefined : this.page(model, '-inf', end, pageSize);
    while (next !== undefined) {
      const { uids, last }: Page = await next;
      next = uids.length < pageSize ? undefined : this.page(model, `(${last}`, end as string, pageSize);
      next?.catch(() => undefined); // Awaited in its turn; the consumer may stop before.
      if (uids.length > 0) yield await this.readPage(model, uids);
    }
  }

  protected override async countRecords(model: string): Promise<number> {
    return this.reads((client) => client.zcard(this.keys.index(model)));
  }

  protected override async countAllRecords(): Promise<ReadonlyMap<string, number>> {
    const models = await this.models();
    const counts = await this.reads((client) =>
      Promise.all(models.map((model) => client.zcard(this.keys.index(model)))),
    );
    const all = models.map((model, at): [string, number] => [model, counts[at] ?? 0]);
    return new Map(all.filter(([, count]) => count > 0));
  }

  protected override async insertRecords(
    model: string,
    records: readonly ModelRecord[],
  ): Promise<(ModelRecord | undefined)[]> {
    const index = this.keys.index(model);
    const found = await pMap(
      writeChunks(records),
      async (chunk) => {
        const there = await this.writes((client) =>
          client.diffsyncInsert(index, this.keys.models(), this.keys.objectPrefix(model), model, ...chunk.flat()),
        );
        const inTheWay: (ModelRecord | undefined)[] = Array.from({ length: chunk.length });
        for (let at = 0; at < there.length; at += 2) {
          const position = Number(there[at]) - 1;
          const [uid] = chunk[position] as EncodedRecord;
          inTheWay[position] = this.decode(model, uid, String(there[at + 1]));
        }
        return inTheWay;
      },
      { concurrency: WINDOW },
    );
    return found.flat();
  }

  protected override async putRecords(model: string, records: readonly ModelRecord[]): Promise<void> {
    const index = this.keys.index(model);
    await pMap(
      writeChunks(records),
      (chunk) =>
        this.writes((client) =>
          client.diffsyncPut(index, this.keys.models(), this.keys.objectPrefix(model), model, ...chunk.flat()),
        ),
      { concurrency: WINDOW },
    );
  }

  protected override async modifyRecords(model: string, uids: readonly string[], change: RecordChange): Promise<void> {
    let left = uids;
    for (let attempt = 0; left.length > 0; attempt++) {
      if (attempt > 0) await pause(attempt);
      const again = await pMap(slices(left, WRITE_CHUNK), (chunk) => this.swap(model, chunk, change), {
        concurrency: WINDOW,
      });
      left = again.flat();
    }
  }

  protected override async deleteRecords(model: string, uids: readonly string[]): Promise<boolean[]> {
    const chunks = await pMap(
      slices(uids, WRITE_CHUNK),
      async (chunk) => {
        const missing = await this.writes((client) =>
          client.diffsyncDelete(this.keys.index(model), this.keys.objectPrefix(model), ...chunk),
        );
        const gone = new Set(missing);
        return chunk.map((_, at) => !gone.has(at + 1));
      },
      { concurrency: WINDOW },
    );
    return chunks.flat();
  }

  protected override async clearRecords(): Promise<void> {
    const { keys } = this;
    for (const model of await this.models()) {
      const clearSome = (client: ScriptedRedis): Promise<number> =>
        client.diffsyncClear(keys.index(model), keys.models(), keys.objectPrefix(model), model, WRITE_CHUNK);
      while ((await this.writes(clearSome)) > 0);
    }
  }

  /** @returns the unique ids that somebody else changed in between. */
  private async swap(model: string, uids: readonly string[], change: RecordChange): Promise<string[]> {
    const before = await this.texts(model, uids);
    const swaps = uids.flatMap((uid, at) => {
      const text = before[at] ?? null;
      const next = change(uid, this.decode(model, uid, text));
      return next === undefined ? [] : [[uid, text ?? '', encodeRecord(next)] as const];
    });
    if (swaps.length === 0) return [];
    const changed = await this.writes((client) =>
      client.diffsyncSwap(
        this.keys.index(model),
        this.keys.models(),
        this.keys.objectPrefix(model),
        model,
        ...swaps.flat(),
      ),
    );
    return changed.map((position) => (swaps[position - 1] as readonly [string, string, string])[0]);
  }

  private async page(model: string, after: string, end: string, size: number): Promise<Page> {
    const flat = await this.reads((client) =>
      client.zrange(this.keys.index(model), after, end, 'BYSCORE', 'LIMIT', 0, size, 'WITHSCORES'),
    );
    return { uids: flat.filter((_, at) => at % 2 === 0), last: flat.at(-1) ?? '-inf' };
  }

  private async readPage(model: string, uids: readonly string[]): Promise<ModelRecord[]> {
    const records = await this.readRecords(model, uids);
    const absent = uids.filter((_, at) => records[at] === undefined);
    if (absent.length === 0) return records as ModelRecord[];
    const found = await this.reads((client) =>
      client.diffsyncRecheck(this.keys.index(model), this.keys.objectPrefix(model), ...absent),
    );
    const rechecked = new Map(absent.map((uid, at) => [uid, found[at]]));
    return uids.flatMap((uid, at) => {
      const record = records[at];
      if (record !== undefined) return [record];
      const text = rechecked.get(uid);
      if (typeof text === 'string') return [this.decode(model, uid, text) as ModelRecord];
      if (text === 0) return [];
      throw new ObjectStoreException(
        `${String(this)} is damaged: its index lists ${model} "${uid}", but the key that held it is gone`,
        { code: 'STORE_CORRUPT' },
      );
    });
  }

  private async texts(model: string, uids: readonly string[]): Promise<(string | null)[]> {
    const prefix = this.keys.objectPrefix(model);
    const [only] = uids;
    if (uids.length === 1 && only !== undefined) return [await this.reads((client) => client.get(prefix + only))];
    return uids.length === 0 ? [] : this.reads((client) => client.mget(uids.map((uid) => prefix + uid)));
  }

  private async models(): Promise<string[]> {
    return this.reads((client) => client.smembers(this.keys.models()));
  }

  private decode(model: string, uid: string, text: string | null): ModelRecord | undefined {
    if (text === null) return undefined;
    try {
      return decodeRecord(uid, text);
    } catch (error) {
      throw new ObjectStoreException(
        `${String(this)}: the value of ${model} "${uid}" at key "${this.keys.objectPrefix(model)}${uid}" is no stored object`,
        { code: 'STORE_CORRUPT', cause: error },
      );
    }
  }

  private reads<T>(commands: (client: ScriptedRedis) => Promise<T>): Promise<T> {
    return this.connection.run(String(this), false, commands);
  }

  private writes<T>(commands: (client: ScriptedRedis) => Promise<T>): Promise<T> {
    return this.connection.run(String(this), true, commands);
  }
}

interface Page {
  readonly uids: readonly string[];
  /** The place of the last one. */
  readonly last: string;
}

type EncodedRecord = readonly [uid: string, text: string];

/** Encoded as they are taken, so that encoding one chunk overlaps the wire of the one before. */
function* writeChunks(records: readonly ModelRecord[]): Generator<EncodedRecord[], void, undefined> {
  let chunk: EncodedRecord[] = [];
  let chars = 0;
  for (const record of records) {
    const text = encodeRecord(record);
    if (chunk.length === WRITE_CHUNK || (chars + text.length > WRITE_CHUNK_CHARS && chunk.length > 0)) {
      yield chunk;
      chunk = [];
      chars = 0;
    }
    chunk.push([record.uid, text]);
    chars += text.length;
  }
  if (chunk.length > 0) yield chunk;
}

function* slices<T>(list: readonly T[], size: number): Generator<readonly T[], void, undefined> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}

/** Writers that meet at one object come back at different times: full jitter from about 1 ms to 64 ms. */
async function pause(attempt: number): Promise<void> {
  await setTimeout(Math.random() * Math.min(2 ** attempt, 64));
}
