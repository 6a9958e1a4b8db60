import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import pMap from 'p-map';
import { ObjectStoreException } from '../../errors.js';
import { decodeRecord } from '../../model/record-codec.js';
import type { ModelRecord } from '../../model/model-record.js';
import { TextRecord, type DamagedText } from '../../model/text-record.js';
import { BaseStore, isDamage } from '../base-store.js';
import { inTurns } from '../event-loop.js';
import type { StoreReport } from '../store-report.js';
import type { InsertConflict, ModelChanges, RecordChange } from '../write-behind.js';
import { Failed, Gatherer } from './gatherer.js';
import { singly, textOf, uidChunks, WRITE_CHUNK, writeChunks, type Chunk, type WriteChunk } from './redis-chunks.js';
import { RedisConnection } from './redis-connection.js';
import { layoutFailure } from './redis-errors.js';
import { scanKeys } from './redis-find.js';
import { RedisKeys, type ModelKeys } from './redis-keys.js';
import { RedisLanes } from './redis-lanes.js';
import { checkRedisOptions, type RedisStoreOptions } from './redis-options.js';
import { early, listedPages, mergedPages, sortedPages, type Reading, type StoredText } from './redis-pages.js';
import { RedisRenewal } from './redis-renewal.js';
import { saveArgs, type SavedModel, type Swap } from './redis-save.js';
import type { ScriptedRedis } from './redis-scripts.js';
import { RedisVerification, type VerifiedStore } from './redis-verify.js';
import { Turns } from './turns.js';

/** Objects in one read. */
const READ_CHUNK = 1000;
/** Chunks in flight: a third gains little and keeps other clients waiting. */
const WINDOW = 2;
/** Objects whose expiry is put off in one step. */
const RENEW_CHUNK = 1000;

/** When a step is given up: by default at the time-out from its beginning, for what is gathered by that of the operation. */
interface Limit {
  readonly deadline?: number;
  readonly signal?: AbortSignal | undefined;
}

/** What `Gatherer` gathers: records to write, unique ids to read or remove. */
type Piece = ModelRecord | string;

/** Of one object: its record or what is made of it, undefined where there is none, or why it cannot be had. */
type Result<T = ModelRecord> = T | Failed | undefined;

/** The client puts it in the place of bytes that are no UTF-8. */
const REPLACEMENT = '\uFFFD';

/**
 * Objects in Redis 7, shared by all processes with the same store id: on one server, behind Sentinel, or on a cluster.
 * Each object is readable JSON at `diffsync:<store id>:<model>:<unique id>`; a sorted set beside them keeps their order.
 * Every write is one atomic step on the server for up to 500 objects and their places. Operations that are started
 * without awaiting each one go together.
 */
export class RedisStore extends BaseStore {
  readonly engine = 'redis';
  protected override readonly keepsTexts: boolean = true;
  declare readonly storeId: string;
  private readonly keys: RedisKeys;
  private readonly connection: RedisConnection;
  private readonly lanes = new RedisLanes();
  private readonly renewal: RedisRenewal | undefined;
  private readonly writing = new Map<string, Gatherer<Piece, unknown>>();
  private readonly reading = new Map<string, Gatherer<Piece, unknown>>();
  /** Of split models: settles when the writes that were asked for before have their places. */
  private readonly beginning = new Map<string, Promise<void>>();
  private readonly turns = new Map<string, Turns>();
  private readonly damaged = new Map<string, DamagedText>();
  /** Models that the server has been told of -> how often the connection had broken then: another server may not know. */
  private readonly named = new Map<string, number>();

  /**
   * Connects only in `open`. Default `storeId`: a random UUID.
   * @throws ValueError for wrong options, such as `url` and `host` together.
   */
  constructor(options: RedisStoreOptions = {}, connection?: RedisConnection) {
    const { storeId = randomUUID(), name, logger, maxObjectBytes, ...own } = options;
    super({ storeId, name, logger, maxObjectBytes });
    if (connection === undefined) checkRedisOptions(own);
    this.connection = connection ?? new RedisConnection(own);
    const { shards = 1, ttl } = own;
    this.keys = new RedisKeys(storeId, { cluster: this.connection.isCluster, shards, ttl });
    if (ttl === undefined) return;
    this.renewal = new RedisRenewal(
      ttl,
      () => this.renew(ttl),
      (error) => this.logger.warning(`${String(this)}: its expiry is not put off yet`, { reason: String(error) }),
    );
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
    const { shards, ttl } = this.keys;
    const { logger, maxObjectBytes } = this;
    return new RedisStore({ storeId, name, logger, maxObjectBytes, shards, ttl }, this.connection);
  }

  protected override async connect(): Promise<void> {
    await this.connection.acquire(String(this));
    try {
      await this.checkLayout();
    } catch (error) {
      // Only an open store can be verified; whatever uses what is damaged fails by itself.
      if (!isDamage(error)) {
        await this.connection.release();
        throw error;
      }
    }
    this.renewal?.start();
  }

  protected override async disconnect(): Promise<void> {
    await this.renewal?.stop();
    this.named.clear();
    await this.connection.release();
  }

  protected override async probe(): Promise<void> {
    await this.read((client) => client.ping());
  }

  protected override readRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<(ModelRecord | undefined)[]> {
    return this.readEach(model, uids, asItIs, signal);
  }

  protected override async readEach<T>(
    model: string,
    uids: readonly string[],
    make: (record: ModelRecord) => T,
    signal?: AbortSignal,
  ): Promise<(T | undefined)[]> {
    const [only] = uids;
    const limit = this.limit(signal);
    await this.written(model);
    if (uids.length !== 1 || only === undefined) return whole(await this.readMany(model, uids, make, { signal }));
    const [record] = await this.gatherer(this.reading, model).do('read', only, only, limit);
    return [record === undefined ? undefined : make(record as ModelRecord)];
  }

  /** Some are asked for before they are needed. */
  protected override async *readPages(
    model: string,
    uids: readonly string[],
  ): AsyncGenerator<(ModelRecord | undefined)[], void, undefined> {
    await this.written(model);
    const size = READ_CHUNK * this.keys.shards;
    const ahead: Promise<Result[]>[] = [];
    for (let at = 0; at < uids.length; at += size) {
      ahead.push(early(this.readMany(model, uids.slice(at, at + size), asItIs, {})));
      if (ahead.length >= WINDOW) yield whole(await (ahead.shift() as Promise<Result[]>));
    }
    for (const last of ahead) yield whole(await last);
  }

  protected override async *scanRecords(
    model: string,
    pageSize: number,
  ): AsyncGenerator<ModelRecord[], void, undefined> {
    await this.written(model);
    for await (const page of this.pages(model, pageSize)) yield await this.recordsOf(model, page);
  }

  protected override async countRecords(model: string): Promise<number> {
    await this.written(model);
    return this.countOf(model);
  }

  protected override async countAllRecords(): Promise<ReadonlyMap<string, number>> {
    for (const model of this.writing.keys()) await this.written(model);
    const models = await this.models();
    const counts = await Promise.all(models.map((model) => this.countOf(model)));
    const all = models.map((model, at): [string, number] => [model, counts[at] ?? 0]);
    return new Map(all.filter(([, count]) => count > 0));
  }

  protected override insertRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<(ModelRecord | undefined)[]> {
    const only = records.length === 1 ? records[0] : undefined;
    if (only === undefined) return this.insertAll(model, records, signal);
    const inserted = this.gatherer(this.writing, model).do('insert', only.uid, only, this.limit(signal));
    return inserted as Promise<[ModelRecord | undefined]>;
  }

  protected override async putRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<void> {
    const [only] = records;
    if (records.length === 1 && only !== undefined) {
      await this.gatherer(this.writing, model).do('put', only.uid, only, this.limit(signal));
      return;
    }
    await this.written(model);
    await this.putMany(model, records, { signal });
  }

  protected override async modifyRecords(
    model: string,
    uids: readonly string[],
    change: RecordChange,
    signal?: AbortSignal,
  ): Promise<void> {
    let { deadline } = this.limit();
    await this.written(model);
    let left = uids;
    for (let attempt = 0; left.length > 0; attempt++) {
      if (attempt > 0) await pause(attempt);
      const chunks = uidChunks(left, (uid) => this.keysOf(model, uid), WRITE_CHUNK);
      const limit = { deadline };
      const swap = async ({ keys, items }: Chunk<string>): Promise<string[]> => {
        // A replica may be behind for longer than anybody waits.
        const before = await this.texts(model, keys, items, { fromMaster: attempt > 0, ...limit });
        return this.swap(model, keys, items, before, change, limit);
      };
      const again = (await inWindow(chunks, left.length, swap, signal)).flat();
      if (again.length < left.length) ({ deadline } = this.limit());
      left = again;
      if (left.length > 0 && performance.now() >= deadline) throw this.contended(model, left);
    }
  }

  protected override async deleteRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<boolean[]> {
    const [only] = uids;
    if (uids.length === 1 && only !== undefined) {
      return this.gatherer(this.writing, model).do('delete', only, only, this.limit(signal)) as Promise<[boolean]>;
    }
    await this.written(model);
    return this.deleteMany(model, uids, { signal });
  }

  /** Not on a cluster, where a step has the keys of one model; nor where it would keep the server too long. */
  protected override async saveTogether(
    changes: readonly ModelChanges[],
  ): Promise<readonly InsertConflict[] | undefined> {
    if (this.connection.isCluster || this.keys.shards > 1) return undefined;
    const limit = this.limit();
    for (const { model } of changes) await this.written(model);
    const grown = changes.filter(({ inserts, puts }) => inserts.length + puts.length > 0);
    for (const { model } of grown) await this.begin(model, 0, limit);
    for (let attempt = 0; ; attempt++) {
      if (attempt > 0) await pause(attempt);
      const models = await Promise.all(changes.map((each) => this.savedModel(each, attempt > 0, limit)));
      const args = saveArgs(models);
      if (args === undefined) return undefined;
      const answers = await this.save(models, args, limit);
      if (answers.length > 0) {
        const all = models.map((each, at) => ({ ...each, answer: answers[at] ?? [] }));
        for (const { changes: each, answer } of all) {
          if (grown.includes(each)) await this.nameAgain(each.model, answer[0] === 1, limit);
        }
        const conflicts = all.map(({ changes: each, keys, answer }) => this.conflictsOf(each, keys, answer));
        return (await Promise.all(conflicts)).flat();
      }
      const [first] = models.filter(({ swaps }) => swaps.length > 0);
      if (first !== undefined && performance.now() >= limit.deadline) {
        throw this.contended(first.changes.model, first.changes.modified);
      }
    }
  }

  protected override async clearRecords(signal?: AbortSignal): Promise<void> {
    for (const model of await this.models()) {
      signal?.throwIfAborted();
      await this.written(model);
      for (const keys of this.keys.of(model)) await this.clearModel(keys);
      const { models, shards } = this.keys;
      await this.writeAbout(models, (client, limit) => client.diffsyncUnname(models, model, limit));
      if (shards > 1) {
        const places = this.keys.places(model);
        const layout = this.keys.layoutOf(model);
        await this.writeAbout(places, (client, limit) => client.diffsyncUnplace(places, layout, limit));
      }
      await this.writeAbout(models, async (client) => {
        // What others added meanwhile is not hidden: they name their model again only when it was empty.
        if ((await countOf(client, this.keys.of(model))) > 0) await client.sadd(models, model);
      });
      this.named.delete(model);
    }
  }

  protected override async verifyRecords({ repair }: { readonly repair: boolean }): Promise<StoreReport> {
    for (const model of this.writing.keys()) await this.written(model);
    const verified: VerifiedStore = {
      keys: this.keys,
      read: (send) => this.read(send),
      write: (key, send) => this.write(key, send),
      ledgered: (keys, send) => this.ledgered(keys, {}, send),
      scan: (pattern) => scanKeys(this.connection, String(this), pattern),
      reasonAgainst: (model, uid, text) => this.reasonAgainst(model, uid, text),
      nameModel: (model) => this.nameModel(model, {}),
      reservePlaces: (model, count) => this.reservePlaces(model, count, {}),
    };
    return new RedisVerification(verified, repair).run();
  }

  // ---- Many at once

  /** @param make gets each record as soon as its chunk is there, so that few of them are held at a time. */
  private async readMany<T>(
    model: string,
    uids: readonly string[],
    make: (record: ModelRecord) => T,
    limit: Limit,
  ): Promise<Result<T>[]> {
    const found: Result<T>[] = Array.from({ length: uids.length });
    const chunks = uidChunks(uids, (uid) => this.keysOf(model, uid), READ_CHUNK);
    const resultOf = this.decoder(model, make);
    const read = async ({ keys, positions, items }: Chunk<string>): Promise<void> => {
      const texts = await this.texts(model, keys, items, limit);
      let at = 0;
      await inTurns(texts, (text) => {
        found[positions[at] as number] = resultOf(items[at] as string, text);
        at++;
      });
    };
    await inWindow(chunks, uids.length, read, limit.signal);
    return found;
  }

  private async insertAll(
    model: string,
    records: readonly ModelRecord[],
    signal: AbortSignal | undefined,
  ): Promise<(ModelRecord | undefined)[]> {
    await this.written(model);
    return whole(await this.insertMany(model, records, { signal }));
  }

  /** @param each whether an object that cannot be written fails alone, and not its whole chunk. */
  private async insertMany(
    model: string,
    records: readonly ModelRecord[],
    limit: Limit,
    each = false,
  ): Promise<Result[]> {
    const inTheWay: Result[] = Array.from({ length: records.length });
    const resultOf = this.decoder(model, asItIs);
    const insert = async ({ keys, positions, items, places }: WriteChunk): Promise<boolean> => {
      const answer = await this.ledgered(keys, limit, (client, ...ledger) =>
        client.diffsyncInsert(keys.index, keys.state, ...ledger, places, items),
      );
      if (answer.length === 1) return answer[0] === 1;
      const uids = items.filter((_, at) => at % 2 === 0);
      for (const { position, text } of await this.textsInTheWay(model, keys, uids, answer)) {
        const given = positions[position] as number;
        // Nobody need decode it to see that it is equal.
        const same = text === items[2 * position + 1];
        inTheWay[given] = same ? records[given] : resultOf(uids[position] as string, text);
      }
      return answer[0] === 1;
    };
    await this.writeMany(model, records, limit, insert, each ? inTheWay : undefined);
    return inTheWay;
  }

  private async putMany(
    model: string,
    records: readonly ModelRecord[],
    limit: Limit,
    each = false,
  ): Promise<(Failed | undefined)[]> {
    const failures: (Failed | undefined)[] = Array.from({ length: records.length });
    const put = async ({ keys, items, places }: WriteChunk): Promise<boolean> => {
      const created = await this.ledgered(keys, limit, (client, ...ledger) =>
        client.diffsyncPut(keys.index, keys.state, ...ledger, places, items),
      );
      return created === 1;
    };
    await this.writeMany(model, records, limit, put, each ? failures : undefined);
    return failures;
  }

  private async deleteMany(model: string, uids: readonly string[], limit: Limit): Promise<boolean[]> {
    const present = Array.from({ length: uids.length }, () => true);
    const chunks = uidChunks(uids, (uid) => this.keysOf(model, uid), WRITE_CHUNK);
    const remove = async ({ keys, positions, items }: Chunk<string>): Promise<void> => {
      const missing = await this.ledgered(keys, limit, (client, ...ledger) =>
        client.diffsyncDelete(keys.index, keys.state, ...ledger, ...items),
      );
      for (const position of missing) present[positions[position - 1] as number] = false;
    };
    await inWindow(chunks, uids.length, remove, limit.signal);
    return present;
  }

  /**
   * @param write answers whether it put the first object into its keys.
   * @param failures gets, by position, what one object is at fault for; without it, all fail with that one.
   */
  private async writeMany(
    model: string,
    records: readonly ModelRecord[],
    limit: Limit,
    write: (chunk: WriteChunk) => Promise<boolean>,
    failures?: Result[],
  ): Promise<void> {
    if (records.length === 0) return;
    const fail = failures && ((position: number, error: unknown) => void (failures[position] = new Failed(error)));
    const one = fail === undefined ? write : singly(write, isOfOne, fail);
    const shards = this.keys.of(model);
    const created = await this.inTurn(model, records, limit, async (before) => {
      const firstPlace = await this.begin(model, records.length, limit);
      await before;
      const chunks = writeChunks(records, (uid) => shards[this.keys.shardOf(uid)] as ModelKeys, firstPlace);
      return inWindow(chunks, records.length, one, limit.signal);
    });
    await this.nameAgain(model, created.includes(true), limit);
  }

  /**
   * After a write: another process may have found the model empty meanwhile, and taken its name away.
   * @param created whether it put the first object into its keys.
   */
  private async nameAgain(model: string, created: boolean, limit: Limit): Promise<void> {
    if (!created && this.named.get(model) === this.connection.breaks) return;
    try {
      await this.nameModel(model, limit);
    } catch (error) {
      throw new ObjectStoreException(
        `${String(this)}: objects of ${model} are stored, but the store's list of models may not name it: ${String(error)}`,
        { code: 'STORE_OUTCOME_UNKNOWN', cause: error },
      );
    }
  }

  /**
   * Of two calls with equal objects, one must not be the first in one shard and the other in the next: the order would be
   * that of neither. What has a deadline does not wait for calls that may take longer.
   */
  private inTurn<T>(
    model: string,
    records: readonly ModelRecord[],
    { deadline }: Limit,
    work: (before?: Promise<unknown>) => Promise<T>,
  ): Promise<T> {
    if (this.keys.shards === 1 || deadline !== undefined) return work();
    const turns = this.turns.get(model) ?? new Turns();
    this.turns.set(model, turns);
    return turns.take(
      records.map(({ uid }) => uid),
      work,
    );
  }

  /** @returns the place of the first record, where places are given and not found. */
  private async begin(model: string, count: number, limit: Limit): Promise<number | undefined> {
    const name = async (): Promise<void> => {
      if (!this.named.has(model)) await this.nameModel(model, limit);
    };
    if (this.keys.shards === 1) {
      await name();
      return undefined;
    }
    // One write after the other, whose places then are in the order of the calls whatever delays one of them.
    const before = this.beginning.get(model);
    const begun = (before ?? Promise.resolve()).then(async () => {
      await name();
      return this.reservePlaces(model, count, limit);
    });
    const ended = begun.then(
      () => undefined,
      () => undefined,
    );
    this.beginning.set(model, ended);
    return begun;
  }

  /** @returns the unique ids that somebody else changed in between. */
  private async swap(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    before: readonly (string | Failed | undefined)[],
    change: RecordChange,
    limit: Limit,
  ): Promise<string[]> {
    const swaps = this.swapsOf(model, uids, before, change);
    if (swaps.length === 0) return [];
    const changed = await this.ledgered(keys, limit, (client, ...ledger) =>
      client.diffsyncSwap(keys.index, keys.state, ...ledger, ...swaps.flat()),
    );
    return changed.map((position) => (swaps[position - 1] as Swap)[0]);
  }

  private swapsOf(
    model: string,
    uids: readonly string[],
    before: readonly (string | Failed | undefined)[],
    change: RecordChange,
  ): Swap[] {
    return uids.flatMap((uid, at): Swap[] => {
      const text = before[at];
      if (text instanceof Failed) throw text.error;
      const next = change(uid, text === undefined ? undefined : this.decode(model, uid, text));
      return text === undefined || next === undefined ? [] : [[uid, text, textOf(model, next, this.maxObjectBytes)]];
    });
  }

  private async savedModel(changes: ModelChanges, again: boolean, limit: Limit): Promise<SavedModel> {
    const { model, modified, change } = changes;
    const [keys] = this.keys.of(model) as [ModelKeys];
    // A replica may be behind for longer than anybody waits.
    const before =
      modified.length === 0 ? [] : await this.texts(model, keys, modified, { fromMaster: again, ...limit });
    return { changes, keys, swaps: this.swapsOf(model, modified, before, change) };
  }

  /** @returns by model what `save.lua` answers; nothing when somebody else changed an object in between. */
  private save(
    models: readonly SavedModel[],
    args: readonly string[],
    limit: Limit,
  ): Promise<readonly (readonly (number | string)[])[]> {
    const keys = models.flatMap(({ keys: { index, state } }) => [index, state]);
    const { layout, ttl = 0 } = this.keys;
    const grows = models.some(
      ({ changes: { inserts, puts }, swaps }) =>
        inserts.length + puts.length > 0 || swaps.some(([, expected, text]) => text.length > expected.length),
    );
    return this.lanes.lend(({ name, number }) => {
      const send = (client: ScriptedRedis, time: string): Promise<(number | string)[][]> => {
        const all = [...keys, name, number, time, layout, String(ttl), args];
        return grows ? client.diffsyncSave(keys.length, ...all) : client.diffsyncShrink(keys.length, ...all);
      };
      return this.write(keys[0] as string, send, limit);
    });
  }

  private async conflictsOf(
    { model, inserts }: ModelChanges,
    keys: ModelKeys,
    answer: readonly (number | string)[],
  ): Promise<InsertConflict[]> {
    const uids = inserts.map(({ uid }) => uid);
    const resultOf = this.decoder(model, asItIs);
    return (await this.textsInTheWay(model, keys, uids, answer)).map(({ position, text }) => {
      const existing = resultOf(uids[position] as string, text);
      if (existing instanceof Failed) throw existing.error;
      return { model, record: inserts[position] as ModelRecord, existing: existing as ModelRecord };
    });
  }

  /** @param answer of a step that inserted the objects with these unique ids. @returns by position in them. */
  private async textsInTheWay(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    [, ...there]: readonly (number | string)[],
  ): Promise<{ readonly position: number; readonly text: string | Failed | undefined }[]> {
    const positions = there.flatMap((each, at) => (at % 2 === 0 ? [Number(each) - 1] : []));
    const found = there.filter((_, at) => at % 2 === 1).map(String);
    const texts = await this.utf8(
      model,
      keys,
      positions.map((position) => uids[position] as string),
      found,
    );
    return positions.map((position, at) => ({ position, text: texts[at] }));
  }

  private async clearModel(keys: ModelKeys): Promise<void> {
    const clearSome = (client: ScriptedRedis, limit: string): Promise<number> =>
      client.diffsyncClear(keys.index, keys.state, keys.prefix, WRITE_CHUNK, limit);
    while ((await this.write(keys.index, clearSome)) > 0);
  }

  /** By steps that are no use of the store. */
  private async renew(ttl: number): Promise<void> {
    const { models } = this.keys;
    const store = String(this);
    for (const model of await this.connection.run({ store, send: (client) => client.smembers(models) })) {
      for (const { index, state, prefix } of this.keys.of(model)) {
        let after = '-inf';
        do {
          const from = after;
          const send = (client: ScriptedRedis): Promise<string> =>
            client.diffsyncRenew(index, state, prefix, from, ttl, RENEW_CHUNK);
          after = await this.connection.run({ store, writes: index, send });
        } while (after !== '');
      }
    }
    await this.connection.run({ store, writes: models, send: (client) => client.pexpire(models, 2 * ttl) });
  }

  // ---- Pages

  private async *pages(model: string, size: number): AsyncGenerator<readonly StoredText[], void, undefined> {
    const readings = this.keys.of(model).map((keys): Reading => ({
      keys,
      size,
      read: (commands) => this.read(commands),
      empty: () => this.checkEmpty(model, keys),
    }));
    const [only] = readings;
    if (readings.length !== 1 || only === undefined) yield* mergedPages(readings);
    // SORT takes the first "*" of a pattern for the place of the unique id.
    else if (this.connection.sorts && !only.keys.prefix.includes('*')) yield* sortedPages(only);
    else yield* listedPages(only);
  }

  private async recordsOf(model: string, page: readonly StoredText[]): Promise<ModelRecord[]> {
    if (page.some(({ text }) => text === null || isDoubtful(text))) return this.recordsFound(model, page);
    const damaged = this.damagedOf(model);
    return page.map(({ uid, text }) => new TextRecord(uid, text as string, damaged));
  }

  /** The same, of a page with texts that are to be looked at again. */
  private async recordsFound(model: string, page: readonly StoredText[]): Promise<ModelRecord[]> {
    const resultOf = this.decoder(model, asItIs);
    const results: Result[] = Array.from({ length: page.length });
    const uids = page.map(({ uid }) => uid);
    for (const { keys, positions, items } of uidChunks(uids, (uid) => this.keysOf(model, uid), READ_CHUNK)) {
      const found = await this.again(
        model,
        keys,
        items,
        positions.map((at) => page[at]?.text ?? null),
      );
      for (const [at, uid] of items.entries()) {
        results[positions[at] as number] = resultOf(uid, found[at]);
      }
    }
    return whole(results).filter((record) => record !== undefined);
  }

  /** Undefined for what is not there. */
  private async texts(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    { fromMaster = false, ...limit }: Limit & { readonly fromMaster?: boolean } = {},
  ): Promise<readonly (string | Failed | undefined)[]> {
    if (fromMaster) return this.utf8(model, keys, uids, await this.recheck(model, keys, uids, limit));
    const texts = await this.read((client) => client.mget(uids.map((uid) => keys.prefix + uid)), limit);
    return this.again(model, keys, uids, texts, limit);
  }

  /** The texts that were found, and those that are when they are looked for again. */
  private async again(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    texts: readonly (string | null)[],
    limit: Limit = {},
  ): Promise<readonly (string | Failed | undefined)[]> {
    if (!texts.includes(null)) return this.utf8(model, keys, uids, texts as readonly string[]);
    const absent = uids.filter((_, at) => texts[at] === null);
    const rechecked = await this.recheck(model, keys, absent, limit);
    let next = 0;
    const all = texts.map((text) => text ?? rechecked[next++]);
    return this.utf8(model, keys, uids, all);
  }

  /** What was not found is looked for again, at one moment with its place, and at the master. */
  private async recheck(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    limit: Limit = {},
  ): Promise<(string | Failed | undefined)[]> {
    const recheck = (client: ScriptedRedis): Promise<(number | string)[]> =>
      client.diffsyncRecheck(keys.index, keys.state, keys.prefix, ...uids);
    const found = await this.read(recheck, limit);
    return uids.map((uid, at) => {
      const text = found[at];
      if (typeof text === 'string') return text;
      if (text === 0) return undefined;
      if (text === 3) return new Failed(this.lost(model, keys));
      const where = `the key "${keys.prefix}${uid}"`;
      if (text === 1) return new Failed(this.corrupt(model, uid, `is listed, and its object is gone from ${where}`));
      const what = `is no stored object, but something else at ${where}`;
      return new Failed(this.corrupt(model, uid, what, undefined, 'STORE_WRONG_KEY_TYPE'));
    });
  }

  /** The texts, but for those in which the client has replaced bytes that are no UTF-8. */
  private async utf8(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    texts: readonly (string | Failed | undefined)[],
  ): Promise<readonly (string | Failed | undefined)[]> {
    if (!texts.some(isDoubtful)) return texts;
    const doubtful = uids.filter((_, at) => isDoubtful(texts[at]));
    const broken = await this.notUtf8(keys, doubtful);
    return texts.map((text, at) => {
      const uid = uids[at] as string;
      if (!broken.has(uid)) return text;
      return new Failed(this.corrupt(model, uid, `is not UTF-8 at the key "${keys.prefix}${uid}"`));
    });
  }

  private async notUtf8(keys: ModelKeys, uids: readonly string[]): Promise<ReadonlySet<string>> {
    const bytes = await this.read((client) => client.mgetBuffer(uids.map((uid) => keys.prefix + uid)));
    return new Set(uids.filter((_, at) => !isUtf8(bytes[at] ?? Buffer.of())));
  }

  /** What is made of the texts that are read; an error is the result of its own text. */
  private decoder<T>(
    model: string,
    make: (record: ModelRecord) => T,
  ): (uid: string, text: string | Failed | undefined) => Result<T> {
    const damaged = this.damagedOf(model);
    return (uid, text) => {
      if (text === undefined || text instanceof Failed) return text;
      try {
        return make(new TextRecord(uid, text, damaged));
      } catch (error) {
        return new Failed(error);
      }
    };
  }

  private decode(model: string, uid: string, text: string): ModelRecord {
    return new TextRecord(uid, text, this.damagedOf(model));
  }

  /** One for all that is there: each record holds on to it. */
  private damagedOf(model: string): DamagedText {
    let damaged = this.damaged.get(model);
    if (damaged === undefined) {
      damaged = (uid, cause) => {
        const where = `the key "${this.keysOf(model, uid).prefix}${uid}"`;
        return this.corrupt(model, uid, `is no stored object at ${where}`, cause);
      };
      this.damaged.set(model, damaged);
    }
    return damaged;
  }

  /** Why a value is no object; undefined when it is one. */
  private async reasonAgainst(model: string, uid: string, text: string): Promise<string | undefined> {
    if (text.includes(REPLACEMENT) && (await this.notUtf8(this.keysOf(model, uid), [uid])).size > 0) {
      return 'is not UTF-8';
    }
    try {
      return this.misfitOf(model, decodeRecord(uid, text));
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private lost(model: string, { index }: ModelKeys): ObjectStoreException {
    return new ObjectStoreException(
      `${String(this)} is damaged: the order of its model "${model}" at the key "${index}" is lost, and with it which ` +
        `objects there are. verify() with repair makes a new one of those that are left`,
      { code: 'STORE_CORRUPT' },
    );
  }

  /** @throws ObjectStoreException when it only looks as if there were none. */
  private async checkEmpty(model: string, keys: ModelKeys): Promise<void> {
    if ((await this.read((client) => client.diffsyncLost(keys.index, keys.state))) === 1) throw this.lost(model, keys);
  }

  private async countOf(model: string): Promise<number> {
    const parts = this.keys.of(model);
    const counts = await this.read((client) => Promise.all(parts.map(({ index }) => client.zcard(index))));
    for (const [at, keys] of parts.entries()) if (counts[at] === 0) await this.checkEmpty(model, keys);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  // ---- Models

  private async models(): Promise<string[]> {
    return this.read((client) => client.smembers(this.keys.models));
  }

  /** Before the first write, so that no crash leaves a model that has objects and no name. */
  private async nameModel(model: string, limit: Limit): Promise<void> {
    const { models, layout, shards, ttl } = this.keys;
    const layoutKey = this.keys.layoutOf(model);
    const { breaks } = this.connection;
    const name = async (client: ScriptedRedis): Promise<void> => {
      const found =
        shards === 1
          ? [client.sadd(models, model)]
          : [client.sadd(models, model), client.hsetnx(layoutKey, 'format', layout), client.hget(layoutKey, 'format')];
      if (ttl !== undefined) found.push(client.pexpire(models, 2 * ttl));
      await Promise.all(found);
    };
    await this.writeAbout(models, name, limit);
    if (shards > 1) await this.checkLayout([model]);
    this.named.set(model, breaks);
  }

  /** @throws ObjectStoreException for models that are kept otherwise than these options say. */
  private async checkLayout(models?: readonly string[]): Promise<void> {
    for (const model of models ?? (await this.models())) {
      const found = await this.read((client) => client.hget(this.keys.layoutOf(model), 'format'));
      if (found === null || found === this.keys.layout) continue;
      const { code, text } = layoutFailure(found);
      throw new ObjectStoreException(`${String(this)} at ${this.address}: model "${model}": ${text}`, { code });
    }
  }

  private async reservePlaces(model: string, count: number, limit: Limit): Promise<number> {
    const places = this.keys.places(model);
    // Sent twice it leaves a gap, which is no harm.
    return (await this.writeAbout(places, (client) => client.incrby(places, count), limit)) - count + 1;
  }

  private keysOf(model: string, uid: string): ModelKeys {
    return this.keys.of(model)[this.keys.shardOf(uid)] as ModelKeys;
  }

  // ---- Steps

  private gatherer(gatherers: Map<string, Gatherer<Piece, unknown>>, model: string): Gatherer<Piece, unknown> {
    let gatherer = gatherers.get(model);
    if (gatherer === undefined) {
      const most = gatherers === this.writing ? WRITE_CHUNK : READ_CHUNK;
      const work = (kind: string, items: readonly Piece[], deadline: number): Promise<readonly unknown[]> =>
        this.together(kind, model, items, { deadline });
      gatherer = new Gatherer(work, most, WINDOW, () => this.connection.overloaded(String(this), 'operations'));
      gatherers.set(model, gatherer);
    }
    return gatherer;
  }

  private async together(
    kind: string,
    model: string,
    items: readonly Piece[],
    limit: Limit,
  ): Promise<readonly unknown[]> {
    switch (kind) {
      case 'read':
        return this.readMany(model, items as string[], asItIs, limit);
      case 'insert':
        return this.insertMany(model, items as ModelRecord[], limit, true);
      case 'delete':
        return this.deleteMany(model, items as string[], limit);
      default:
        return this.putMany(model, items as ModelRecord[], limit, true);
    }
  }

  /** Settles when the single writes that were asked for before are done. */
  private written(model: string): Promise<void> | undefined {
    return this.writing.get(model)?.settled();
  }

  /** A write that its model's state remembers, so that it is done once however often it is sent. */
  private ledgered<T>(
    keys: ModelKeys,
    limit: Limit,
    send: (client: ScriptedRedis, ...ledger: string[]) => Promise<T>,
  ): Promise<T> {
    const { layout, ttl = 0 } = this.keys;
    return this.lanes.lend(({ name, number }) => {
      const marked = (client: ScriptedRedis, time: string): Promise<T> =>
        send(client, keys.prefix, name, number, time, layout, String(ttl));
      return this.write(keys.index, marked, limit);
    });
  }

  private read<T>(send: (client: ScriptedRedis) => Promise<T>, { deadline }: Limit = {}): Promise<T> {
    this.renewal?.use();
    return this.connection.run({ store: String(this), send, deadline });
  }

  /** @param send gets the limit by the server's clock. */
  private write<T>(
    key: string,
    send: (client: ScriptedRedis, limit: string) => Promise<T>,
    { deadline }: Limit = {},
  ): Promise<T> {
    this.renewal?.use();
    return this.connection.run({ store: String(this), writes: key, send, deadline });
  }

  /** Of an operation that begins now. */
  private limit(signal?: AbortSignal): Limit & { readonly deadline: number } {
    return { deadline: this.connection.deadline(), signal };
  }

  private contended(model: string, uids: readonly string[]): ObjectStoreException {
    return new ObjectStoreException(
      `${String(this)}: ${model} "${uids[0]}" was changed by others each time before it could be; it was left alone`,
      { code: 'STORE_TIMEOUT' },
    );
  }

  /** Of what is no object: no caller is told that replicas have it. */
  private writeAbout<T>(
    key: string,
    send: (client: ScriptedRedis, limit: string) => Promise<T>,
    { deadline }: Limit = {},
  ): Promise<T> {
    this.renewal?.use();
    return this.connection.run({ store: String(this), writes: key, unconfirmed: true, send, deadline });
  }
}

/** @throws the first error. */
function whole<T>(results: Result<T>[]): (T | undefined)[] {
  for (const result of results) if (result instanceof Failed) throw result.error;
  return results as (T | undefined)[];
}

function asItIs(record: ModelRecord): ModelRecord {
  return record;
}

function isDoubtful(text: unknown): boolean {
  return typeof text === 'string' && text.includes(REPLACEMENT);
}

function isOfOne(error: unknown): boolean {
  return error instanceof ObjectStoreException && error.code === 'STORE_WRONG_KEY_TYPE';
}

/** @param pieces in all chunks together. */
async function inWindow<T, R>(
  chunks: Generator<T, void, undefined>,
  pieces: number,
  work: (chunk: T) => Promise<R>,
  signal: AbortSignal | undefined,
): Promise<R[]> {
  if (pieces > 1) return pMap(chunks, work, { concurrency: WINDOW, ...(signal === undefined ? {} : { signal }) });
  const [only] = chunks;
  return only === undefined ? [] : [await work(only)];
}

async function countOf(client: ScriptedRedis, keys: readonly ModelKeys[]): Promise<number> {
  const counts = await Promise.all(keys.map(({ index }) => client.zcard(index)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Writers that meet at one object come back at different times: full jitter from about 1 ms to 64 ms. */
async function pause(attempt: number): Promise<void> {
  await setTimeout(Math.random() * Math.min(2 ** attempt, 64));
}
