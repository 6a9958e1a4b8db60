import { isUtf8 } from 'node:buffer';
import { isModelName } from '../../../model/model-definition.js';
import type { ModelRecord } from '../../../record/model-record.js';
import { decodeRecord } from '../../../record/record-codec.js';
import { StoreReporter, type StoreProblem, type StoreProblemKind, type StoreReport } from '../../verify-report.js';
import { WRITE_CHUNK } from '../records/chunks.js';
import { scanKeys } from './store-scan.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { ModelIndex } from '../records/model-index.js';
import type { ShardSequence } from '../records/shard-sequence.js';
import type { CommandExecutor } from '../commands/command-executor.js';
import type { RecordReader } from '../records/record-reader.js';

/** The parts of the store that is verified. */
interface VerifiedStore {
  readonly keys: RedisKeys;
  readonly steps: CommandExecutor;
  readonly models: ModelIndex;
  readonly places: ShardSequence;
  readonly texts: RecordReader;
  /** Why a record is no object of its model; undefined when it is one. `StoredObjects#misfitOf`. */
  misfitOf(model: string, record: ModelRecord): string | undefined;
}

type Treatment = '' | 'move' | 'remove';

/** UTF-8 bytes; as `checkUniqueId` has it. */
const MAX_UID_BYTES = 16 * 1024;

/** Compares a store's index with its objects. One verification. */
export class RedisVerification {
  private readonly reporter = new StoreReporter();
  /** Models of which there is more than a name. */
  private readonly found = new Set<string>();
  private readonly prepared = new Set<string>();
  /** An index that is none: nothing can be compared with it. */
  private readonly broken = new Set<ModelKeys>();
  /** Keys of objects that are told of already. */
  private readonly told = new Set<string>();

  constructor(
    private readonly store: VerifiedStore,
    private readonly repair: boolean,
  ) {}

  async run(): Promise<StoreReport> {
    const { store, connection } = this.store.steps;
    const named = await this.names();
    for (const model of named) await this.prepare(model);
    for await (const batch of scanKeys(connection, store, this.store.keys.pattern)) await this.examineKeys(batch);
    for (const model of [...new Set([...named, ...this.found])].toSorted()) {
      for (const [shard, keys] of this.store.keys.of(model).entries()) {
        if (!this.broken.has(keys)) await this.readIndex(model, keys, shard);
      }
      if (named.has(model) || !this.found.has(model)) continue;
      await this.tell({ kind: 'unnamed', model, at: this.store.keys.models }, () => this.store.models.register(model));
    }
    return this.reporter.report();
  }

  private async names(): Promise<Set<string>> {
    const { models } = this.store.keys;
    if (await this.isOther(models, 'set')) {
      await this.tell({ kind: 'wrong-type', at: models }, () => this.drop(models));
      return new Set();
    }
    const names = new Set(await this.store.steps.read((client) => client.smembers(models)));
    for (const name of [...names].filter((each) => !isModelName(each))) {
      names.delete(name);
      await this.tell({ kind: 'wrong-type', model: name, at: models }, async () => {
        await this.store.steps.write(models, (client) => client.srem(models, name));
      });
    }
    return names;
  }

  /** What is kept of a model besides its objects. Once, before anything else is asked of it. */
  private async prepare(model: string): Promise<void> {
    if (this.prepared.has(model)) return;
    this.prepared.add(model);
    const { keys } = this.store;
    let last = 0;
    for (const part of keys.of(model)) {
      if (await this.isOther(part.state, 'hash')) {
        await this.tell({ kind: 'wrong-type', model, at: part.state }, () => this.drop(part.state));
      }
      if (await this.isOther(part.index, 'zset')) {
        if (!this.repair) this.broken.add(part);
        await this.tell({ kind: 'wrong-type', model, at: part.index }, () => this.drop(part.index));
      }
      if (!this.broken.has(part) && (await this.isLost(part))) {
        await this.tell({ kind: 'dangling', model, at: part.index }, async () => {
          await this.store.steps.write(part.state, (client) => client.hdel(part.state, 'filled'));
        });
      }
      if (keys.shards > 1 && !this.broken.has(part)) last = Math.max(last, await this.lastPlace(part));
    }
    if (last > 0) await this.checkCounter(model, last);
  }

  private async lastPlace({ index }: ModelKeys): Promise<number> {
    const [, place] = await this.store.steps.read((client) =>
      client.zrange(index, '9007199254740990', '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1, 'WITHSCORES'),
    );
    return Number(place ?? 0);
  }

  /** Of a split model: a counter that is behind would give places a second time. */
  private async checkCounter(model: string, last: number): Promise<void> {
    const places = this.store.keys.places(model);
    const other = await this.isOther(places, 'string');
    const text = other ? null : await this.store.steps.read((client) => client.get(places));
    const isCounter = /^\d{1,15}$/.test(text ?? '');
    if (isCounter && Number(text) >= last) return;
    await this.tell({ kind: text === null || isCounter ? 'misplaced' : 'wrong-type', model, at: places }, async () => {
      if (!isCounter) await this.drop(places);
      const behind = last - (isCounter ? Number(text) : 0);
      await this.store.steps.write(places, (client) => client.incrby(places, behind));
    });
  }

  private async examineKeys(batch: readonly Buffer[]): Promise<void> {
    const groups = new Map<ModelKeys, { model: string; shard: number; uids: Buffer[] }>();
    for (const key of batch) {
      const known = this.store.keys.parse(key);
      if (known === undefined) continue;
      const { model, shard, uid } = known;
      this.found.add(model);
      await this.prepare(model);
      const keys = this.store.keys.of(model)[shard] as ModelKeys;
      if (uid === undefined || this.broken.has(keys)) continue;
      let group = groups.get(keys);
      if (group === undefined) groups.set(keys, (group = { model, shard, uids: [] }));
      group.uids.push(uid);
    }
    for (const [keys, { model, shard, uids }] of groups) {
      const possible = await this.dropImpossible(model, keys, shard, uids);
      for (let at = 0; at < possible.length; at += WRITE_CHUNK) {
        const some = possible.slice(at, at + WRITE_CHUNK);
        const verdicts = await this.examine(keys, some);
        // What dangles is met again in the index.
        for (const kind of ['unindexed', 'wrong-type'] as const) {
          await this.mend(
            kind,
            model,
            keys,
            some.filter((_, each) => verdicts[each] === kind),
          );
        }
      }
    }
  }

  /** In order, from place to place, so that what is removed meanwhile makes nothing be passed over. */
  private async readIndex(model: string, keys: ModelKeys, shard: number): Promise<void> {
    let [from, previous] = ['-inf', 0];
    /** What has been read at the place `from`: there may be more. */
    let read = new Set<string>();
    for (;;) {
      const [start, most] = [from, WRITE_CHUNK + read.size];
      const flat = await this.store.steps.read((client) =>
        client.zrangeBuffer(keys.index, start, '+inf', 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES'),
      );
      const uids: Buffer[] = [];
      const misplaced: Buffer[] = [];
      for (let at = 0; at < flat.length; at += 2) {
        const [uid, score] = [flat[at] as Buffer, String(flat[at + 1])];
        const bytes = uid.toString('latin1');
        if (score !== from) read = new Set();
        else if (read.has(bytes)) continue;
        read.add(bytes);
        from = score;
        const place = Number(score);
        if (!Number.isSafeInteger(place) || place <= previous) misplaced.push(uid);
        else previous = place;
        uids.push(uid);
      }
      const known = await this.readObjects(model, keys, await this.dropImpossible(model, keys, shard, uids));
      await this.mend(
        'misplaced',
        model,
        keys,
        misplaced.filter((uid) => known.has(uid)),
        'move',
      );
      if (flat.length < 2 * most) return;
    }
  }

  /** @returns those that are there. */
  private async readObjects(model: string, keys: ModelKeys, uids: readonly Buffer[]): Promise<ReadonlySet<Buffer>> {
    if (uids.length === 0) return new Set();
    const texts = await this.store.steps.read((client) => client.mget(uids.map((uid) => keys.prefix + String(uid))));
    const there = new Set<Buffer>();
    const absent: Buffer[] = [];
    for (const [at, uid] of uids.entries()) {
      const text = texts[at];
      if (typeof text !== 'string') {
        absent.push(uid);
        continue;
      }
      there.add(uid);
      const reason = await this.reasonAgainst(model, String(uid), text);
      if (reason === undefined) this.reporter.objects++;
      else this.reporter.add({ kind: 'undecodable', ...this.about(model, keys, uid), reason, repaired: false });
    }
    const verdicts = absent.length === 0 ? [] : await this.examine(keys, absent);
    for (const kind of ['dangling', 'wrong-type'] as const) {
      await this.mend(
        kind,
        model,
        keys,
        absent.filter((_, at) => verdicts[at] === kind),
      );
    }
    return there;
  }

  /** Why a value is no object; undefined when it is one. */
  private async reasonAgainst(model: string, uid: string, text: string): Promise<string | undefined> {
    if (await this.store.texts.isNotUtf8(model, uid, text)) return 'is not UTF-8';
    try {
      return this.store.misfitOf(model, decodeRecord(uid, text));
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Unique ids that no object can have. @returns the others. */
  private async dropImpossible(
    model: string,
    keys: ModelKeys,
    shard: number,
    uids: readonly Buffer[],
  ): Promise<readonly Buffer[]> {
    const isPossible = (uid: Buffer): boolean =>
      isUtf8(uid) && uid.length <= MAX_UID_BYTES && this.store.keys.shardOf(String(uid)) === shard;
    const impossible = uids.filter((uid) => !isPossible(uid));
    if (impossible.length === 0) return uids;
    await this.mend('wrong-type', model, keys, impossible, 'remove');
    return uids.filter(isPossible);
  }

  private examine({ index, prefix }: ModelKeys, uids: readonly Buffer[]): Promise<string[]> {
    return this.store.steps.read((client) => client.diffsyncInspect(index, prefix, ...uids));
  }

  private async mend(
    kind: StoreProblemKind,
    model: string,
    keys: ModelKeys,
    found: readonly Buffer[],
    how: Treatment = '',
  ): Promise<void> {
    const uids = found.filter((uid) => !this.told.has(keyOf(keys, uid)));
    if (uids.length === 0) return;
    if (this.repair) {
      const places = this.store.keys.shards === 1 ? '' : await this.newPlaces(model, uids.length);
      await this.store.steps.executeIdempotent(keys.index, {}, (client, ...ledger) =>
        client.diffsyncRepair(keys.index, keys.state, keys.prefix, ...ledger, places, how, ...uids),
      );
    }
    for (const uid of uids) {
      this.told.add(keyOf(keys, uid));
      this.reporter.add({ kind, ...this.about(model, keys, uid), repaired: this.repair });
    }
  }

  private async newPlaces(model: string, count: number): Promise<string> {
    const first = await this.store.places.reserve(model, count);
    return Array.from({ length: count }, (_, at) => first + at).join(',');
  }

  private async tell(problem: Omit<StoreProblem, 'repaired'>, repair: () => Promise<void>): Promise<void> {
    if (this.repair) await repair();
    this.reporter.add({ ...problem, repaired: this.repair });
  }

  private about(model: string, { prefix }: ModelKeys, uid: Buffer): Pick<StoreProblem, 'model' | 'uniqueId' | 'at'> {
    return { model, uniqueId: String(uid), at: prefix + String(uid) };
  }

  private async isOther(key: string, type: string): Promise<boolean> {
    const found = await this.store.steps.read((client) => client.type(key));
    return found !== type && found !== 'none';
  }

  private async isLost({ index, state }: ModelKeys): Promise<boolean> {
    if (await this.isOther(state, 'hash')) return false;
    return (await this.store.steps.read((client) => client.diffsyncIsIndexLost(index, state))) === 1;
  }

  private async drop(key: string): Promise<void> {
    await this.store.steps.write(key, (client) => client.unlink(key));
  }
}

function keyOf({ prefix }: ModelKeys, uid: Buffer): string {
  return prefix + uid.toString('latin1');
}
