import { isUtf8 } from 'node:buffer';
import { setTimeout } from 'node:timers/promises';
import { isModelName } from '../../../model/model-definition.js';
import type { ModelRecord } from '../../../record/model-record.js';
import { decodeRecord } from '../../../record/record-codec.js';
import type { VerifyRecordsOptions } from '../../store-backend.js';
import { StoreReporter, type StoreProblem, type StoreProblemKind, type StoreReport } from '../../verify-report.js';
import { WRITE_CHUNK } from '../records/chunks.js';
import { scanKeys } from './store-scan.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { ObjectSizes } from '../records/object-sizes.js';
import type { ModelIndex } from '../records/model-index.js';
import type { ShardSequence } from '../records/shard-sequence.js';
import type { WriteLease } from '../../lease-context.js';
import type { CommandExecutor, WriteLimits } from '../commands/command-executor.js';
import { readValues } from '../records/read-values.js';
import type { RecordReader } from '../records/record-reader.js';
import type { ScriptedRedis } from '../scripts/scripts.js';

/** The parts of the store that is verified. */
interface VerifiedStore {
  readonly keys: RedisKeys;
  readonly commands: CommandExecutor;
  readonly models: ModelIndex;
  readonly sequence: ShardSequence;
  readonly reader: RecordReader;
  readonly sizes: ObjectSizes;
  /** That the repairs are made under. */
  readonly lease: WriteLease | undefined;
  /** Says why a record is no object of its model; undefined when it is one. */
  validate(model: string, record: ModelRecord): string | undefined;
}

/** What `repair-2.lua` does beside the repair by what is there. */
type Treatment = '' | 'move' | 'remove';

/** Within this time a client that has cleared a model names it again, where others have added objects to it. */
const RENAMING_MS = 200;
/** Unique ids that are kept until they are inspected, many of a model at a time. */
const MAX_COLLECTED = 50_000;

/** The bound of a unique id, in UTF-8 bytes, as `checkUniqueId` has it. */
const MAX_UID_BYTES = 16 * 1024;

/** One verification of a store: compares its index with its objects, and repairs it on demand. */
export class RedisVerification {
  private readonly reporter = new StoreReporter();
  /** Models that have a key of their own. */
  private readonly found = new Set<string>();
  private readonly prepared = new Set<string>();
  /** Shards whose index is no sorted set, so that nothing can be compared with it. */
  private readonly broken = new Set<ModelKeys>();
  /** What the scan has found and is not inspected yet. */
  private readonly collected = new Map<ModelKeys, { model: string; shard: number; uids: Buffer[] }>();
  private collectedUids = 0;
  /** Keys of the objects that are in the report already. */
  private readonly reported = new Set<string>();

  private readonly repair: boolean;
  /** Of what it writes. */
  private readonly limits: WriteLimits;
  private readonly signal: AbortSignal | undefined;

  constructor(
    private readonly store: VerifiedStore,
    { repair, signal }: VerifyRecordsOptions,
  ) {
    this.repair = repair;
    this.limits = { lease: store.lease };
    this.signal = signal;
  }

  async run(): Promise<StoreReport> {
    const { store, connection } = this.store.commands;
    const named = await this.names();
    for (const model of named) await this.prepare(model);
    for await (const batch of scanKeys(connection, store, this.store.keys.pattern)) {
      this.signal?.throwIfAborted();
      await this.collectKeys(batch);
    }
    await this.inspectCollected();
    for (const model of [...new Set([...named, ...this.found])].toSorted()) {
      for (const [shard, keys] of this.store.keys.of(model).entries()) {
        if (!this.broken.has(keys)) await this.readIndex(model, keys, shard);
      }
      if (named.has(model) || !this.found.has(model) || (await this.isNamed(model))) continue;
      await this.report({ kind: 'unnamed', model, at: this.store.keys.models }, () =>
        this.store.models.register(model),
      );
    }
    return this.reporter.report();
  }

  private async names(): Promise<Set<string>> {
    const { models } = this.store.keys;
    if (await this.isOther(models, 'set')) {
      await this.report({ kind: 'wrong-type', at: models }, () => this.drop(models));
      return new Set();
    }
    const names = new Set(await this.store.commands.read((client) => client.smembers(models)));
    for (const name of [...names].filter((each) => !isModelName(each))) {
      names.delete(name);
      await this.report({ kind: 'wrong-type', model: name, at: models }, async () => {
        await this.store.commands.write(models, (client) => client.srem(models, name), this.limits);
      });
    }
    return names;
  }

  /**
   * Whether a model is named after all: others may have added its first objects meanwhile, or may be about to name it again
   * after they cleared it.
   */
  private async isNamed(model: string): Promise<boolean> {
    const { models } = this.store.keys;
    if (await this.isOther(models, 'set')) return false;
    for (let looks = 0; looks < 2; looks++) {
      if (looks > 0) await setTimeout(RENAMING_MS);
      if ((await this.store.commands.read((client) => client.smembers(models))).includes(model)) return true;
    }
    return false;
  }

  /** Checks what is kept of a model beside its objects, once, before anything else is read of it. */
  private async prepare(model: string): Promise<void> {
    if (this.prepared.has(model)) return;
    this.prepared.add(model);
    const { keys, models } = this.store;
    // Before anything is repaired: what another layout has looks damaged.
    if (!(await this.isOther(keys.formatKey(model), 'hash'))) await models.checkLayout([model]);
    let last = 0;
    for (const part of keys.of(model)) {
      if (await this.isOther(part.log, 'list')) {
        await this.report({ kind: 'wrong-type', model, at: part.log }, () => this.drop(part.log));
      }
      const noState = await this.isOther(part.state, 'hash');
      if (noState) {
        await this.report({ kind: 'wrong-type', model, at: part.state }, () => this.drop(part.state));
      }
      if (await this.isOther(part.index, 'zset')) {
        if (!this.repair) this.broken.add(part);
        await this.report({ kind: 'wrong-type', model, at: part.index }, async () => {
          await this.drop(part.index);
          await models.beginLog(part, this.limits);
        });
      }
      if (!noState && !this.broken.has(part) && (await this.isLost(part))) {
        await this.report({ kind: 'dangling', model, at: part.index }, async () => {
          await this.store.commands.write(part.state, (client) => client.hdel(part.state, 'filled'), this.limits);
          // Which of the objects are gone, only the index knew.
          await models.beginLog(part, this.limits);
        });
      }
      if (keys.shards > 1 && !this.broken.has(part)) last = Math.max(last, await this.lastScore(part));
    }
    if (last > 0) await this.checkCounter(model, last);
  }

  private async lastScore({ index }: ModelKeys): Promise<number> {
    const [, score] = await this.store.commands.read((client) =>
      client.zrange(index, '9007199254740990', '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1, 'WITHSCORES'),
    );
    return Number(score ?? 0);
  }

  /** Checks the sequence of a split model: a counter that is behind would give scores a second time. */
  private async checkCounter(model: string, last: number): Promise<void> {
    const counter = this.store.keys.sequence(model);
    const other = await this.isOther(counter, 'string');
    const value = other ? null : await this.store.commands.read((client) => client.get(counter));
    const isCounter = /^\d{1,15}$/.test(value ?? '');
    if (isCounter && Number(value) >= last) return;
    await this.report(
      { kind: value === null || isCounter ? 'misplaced' : 'wrong-type', model, at: counter },
      async () => {
        if (!isCounter) await this.drop(counter);
        const behind = last - (isCounter ? Number(value) : 0);
        await this.store.commands.write(counter, (client) => client.incrby(counter, behind), this.limits);
      },
    );
  }

  private async collectKeys(batch: readonly Buffer[]): Promise<void> {
    for (const key of batch) {
      const known = this.store.keys.parse(key);
      if (known === undefined) continue;
      const { model, shard, uid } = known;
      this.found.add(model);
      await this.prepare(model);
      const keys = this.store.keys.of(model)[shard] as ModelKeys;
      if (uid === undefined || this.broken.has(keys)) continue;
      let part = this.collected.get(keys);
      if (part === undefined) this.collected.set(keys, (part = { model, shard, uids: [] }));
      part.uids.push(uid);
      if (++this.collectedUids >= MAX_COLLECTED) await this.inspectCollected();
    }
  }

  private async inspectCollected(): Promise<void> {
    for (const [keys, { model, shard, uids }] of this.collected) {
      const possible = await this.dropImpossible(model, keys, shard, uids);
      for (let at = 0; at < possible.length; at += WRITE_CHUNK) {
        this.signal?.throwIfAborted();
        const some = possible.slice(at, at + WRITE_CHUNK);
        const verdicts = await this.inspect(keys, some);
        // A dangling entry shows when the index is read.
        for (const kind of ['unindexed', 'wrong-type'] as const) {
          await this.repairObjects(
            kind,
            model,
            keys,
            some.filter((_, each) => verdicts[each] === kind),
          );
        }
      }
    }
    this.collected.clear();
    this.collectedUids = 0;
  }

  /** Reads the index by score, so that what other clients remove meanwhile makes it skip nothing. */
  private async readIndex(model: string, keys: ModelKeys, shard: number): Promise<void> {
    let [from, previous] = ['-inf', 0];
    /** The entries that were read with the score `from`: there may be more of them. */
    let read = new Set<string>();
    for (;;) {
      this.signal?.throwIfAborted();
      const [start, most] = [from, WRITE_CHUNK + read.size];
      const flat = await this.store.commands.read((client) =>
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
        const number = Number(score);
        if (!Number.isSafeInteger(number) || number <= previous) misplaced.push(uid);
        else previous = number;
        uids.push(uid);
      }
      const known = await this.readObjects(model, keys, await this.dropImpossible(model, keys, shard, uids));
      await this.repairObjects(
        'misplaced',
        model,
        keys,
        misplaced.filter((uid) => known.has(uid)),
        'move',
      );
      if (flat.length < 2 * most) return;
    }
  }

  /** Validates the objects of a page of the index. @returns those that are there. */
  private async readObjects(model: string, keys: ModelKeys, uids: readonly Buffer[]): Promise<ReadonlySet<Buffer>> {
    const there = new Set<Buffer>();
    for (let at = 0; at < uids.length;) {
      this.signal?.throwIfAborted();
      const some = uids.slice(at, at + this.store.sizes.chunk(model, WRITE_CHUNK));
      for (const uid of await this.readSome(model, keys, some)) there.add(uid);
      at += some.length;
    }
    return there;
  }

  private async readSome(model: string, keys: ModelKeys, uids: readonly Buffer[]): Promise<ReadonlySet<Buffer>> {
    const found = await this.store.commands.read((client) =>
      readValues(
        client,
        uids.map((uid) => keys.prefix + String(uid)),
      ),
    );
    this.store.sizes.noteAll(model, found);
    const there = new Set<Buffer>();
    const absent: Buffer[] = [];
    for (const [at, uid] of uids.entries()) {
      const json = found[at];
      if (typeof json !== 'string') {
        absent.push(uid);
        continue;
      }
      there.add(uid);
      const reason = await this.reasonAgainst(model, String(uid), json);
      if (reason === undefined) this.reporter.objects++;
      else this.reporter.add({ kind: 'undecodable', ...this.locate(model, keys, uid), reason, repaired: false });
    }
    const verdicts = absent.length === 0 ? [] : await this.inspect(keys, absent);
    for (const kind of ['dangling', 'wrong-type'] as const) {
      await this.repairObjects(
        kind,
        model,
        keys,
        absent.filter((_, at) => verdicts[at] === kind),
      );
    }
    return there;
  }

  /** @returns why a value is no object; undefined when it is one. */
  private async reasonAgainst(model: string, uid: string, json: string): Promise<string | undefined> {
    if (await this.store.reader.isNotUtf8(model, uid, json)) return 'is not UTF-8';
    try {
      return this.store.validate(model, decodeRecord(uid, json));
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Removes the entries of unique ids that no object can have. @returns the others. */
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
    await this.repairObjects('wrong-type', model, keys, impossible, 'remove');
    return uids.filter(isPossible);
  }

  private inspect(keys: ModelKeys, uids: readonly Buffer[]): Promise<string[]> {
    const declared = this.store.keys.declared(keys, uids);
    return this.store.commands.read((client) => client.diffsyncInspect(declared, keys.prefix, uids));
  }

  private async repairObjects(
    kind: StoreProblemKind,
    model: string,
    keys: ModelKeys,
    found: readonly Buffer[],
    treatment: Treatment = '',
  ): Promise<void> {
    const uids = found.filter((uid) => !this.reported.has(keyOf(keys, uid)));
    if (uids.length === 0) return;
    if (this.repair) {
      const scores = this.store.keys.shards === 1 ? '' : await this.newScores(model, uids.length);
      await this.store.commands.executeIdempotent(keys.index, this.limits, (client, ...token) =>
        client.diffsyncRepair(
          this.store.keys.declaredForWrite(model, keys, uids),
          keys.prefix,
          ...token,
          scores,
          treatment,
          uids,
        ),
      );
    }
    for (const uid of uids) {
      this.reported.add(keyOf(keys, uid));
      this.reporter.add({ kind, ...this.locate(model, keys, uid), repaired: this.repair });
    }
  }

  private async newScores(model: string, count: number): Promise<string> {
    const first = await this.store.sequence.reserve(model, count);
    return Array.from({ length: count }, (_, at) => first + at).join(',');
  }

  private async report(problem: Omit<StoreProblem, 'repaired'>, repair: () => Promise<void>): Promise<void> {
    if (this.repair) await repair();
    this.reporter.add({ ...problem, repaired: this.repair });
  }

  private locate(model: string, { prefix }: ModelKeys, uid: Buffer): Pick<StoreProblem, 'model' | 'uniqueId' | 'at'> {
    return { model, uniqueId: String(uid), at: prefix + String(uid) };
  }

  private async isOther(key: string, type: string): Promise<boolean> {
    const found = await this.store.commands.read((client) => client.type(key));
    return found !== type && found !== 'none';
  }

  private async isLost({ index, state }: ModelKeys): Promise<boolean> {
    const { format } = this.store.keys;
    const count = (client: ScriptedRedis): Promise<number[]> => client.diffsyncCount(2, [index, state], format);
    return (await this.store.commands.read(count))[0] === -1;
  }

  private async drop(key: string): Promise<void> {
    await this.store.commands.write(key, (client) => client.unlink(key), this.limits);
  }
}

function keyOf({ prefix }: ModelKeys, uid: Buffer): string {
  return prefix + uid.toString('latin1');
}
