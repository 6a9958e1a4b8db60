import { isUtf8 } from 'node:buffer';
import type { ObjectStoreException, StoreErrorCode } from '../../../errors.js';
import type { ModelRecord } from '../../../record/model-record.js';
import { EncodedRecord, type DecodeErrorFactory } from '../../../record/encoded-record.js';
import { Failed } from '../../../async/outcome.js';
import { READ_CHUNK, uidChunks } from './chunks.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { ModelIndex } from './model-index.js';
import type { StoredText } from './page-scan.js';
import type { ScriptedRedis } from '../scripts/scripts.js';
import type { OperationLimits, CommandExecutor } from '../commands/command-executor.js';

/** Of one object: its text, undefined where there is none, or why it cannot be had. */
export type FoundText = string | Failed | undefined;

/** Of one object: its record or what is made of it, undefined where there is none, or why it cannot be had. */
export type Result<T = ModelRecord> = T | Failed | undefined;

/** The error for an object that is damaged; `StoredObjects#corrupt`. */
export type DamagedObject = (
  model: string,
  uid: string,
  reason: string,
  cause?: unknown,
  code?: StoreErrorCode,
) => ObjectStoreException;

/** The client puts it in the place of bytes that are no UTF-8. */
const REPLACEMENT = '\uFFFD';

/** Reads the texts of objects and makes records of them; an object that is damaged fails alone. */
export class RecordReader {
  private readonly damaged = new Map<string, DecodeErrorFactory>();

  constructor(
    private readonly keys: RedisKeys,
    private readonly steps: CommandExecutor,
    private readonly models: ModelIndex,
    private readonly corrupt: DamagedObject,
  ) {}

  /** @param keys those of all of them. @returns by position. */
  async read(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    { fromMaster = false, ...limit }: OperationLimits & { readonly fromMaster?: boolean } = {},
  ): Promise<readonly FoundText[]> {
    if (fromMaster) return this.utf8(model, keys, uids, await this.recheck(model, keys, uids, limit));
    const texts = await this.steps.read((client) => client.mget(uids.map((uid) => keys.prefix + uid)), limit);
    return this.again(model, keys, uids, texts, limit);
  }

  /** @param answer of a step that inserted the objects with these unique ids. @returns by position in them. */
  async conflicts(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    [, ...there]: readonly (number | string)[],
  ): Promise<{ readonly position: number; readonly text: FoundText }[]> {
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

  /** Of a page, but for what is not there any more. @throws the error of the first object that is damaged. */
  async recordsOf(model: string, page: readonly StoredText[]): Promise<ModelRecord[]> {
    if (page.some(({ text }) => text === null || isDoubtful(text))) return this.recordsFound(model, page);
    const damaged = this.damagedOf(model);
    return page.map(({ uid, text }) => new EncodedRecord(uid, text as string, damaged));
  }

  /** What is made of the texts that are read; an error is the result of its own text. */
  decoder<T>(model: string, make: (record: ModelRecord) => T): (uid: string, text: FoundText) => Result<T> {
    const damaged = this.damagedOf(model);
    return (uid, text) => {
      if (text === undefined || text instanceof Failed) return text;
      try {
        return make(new EncodedRecord(uid, text, damaged));
      } catch (error) {
        return new Failed(error);
      }
    };
  }

  decode(model: string, uid: string, text: string): ModelRecord {
    return new EncodedRecord(uid, text, this.damagedOf(model));
  }

  /** Whether a text that was read stands for bytes that are no UTF-8. */
  async isNotUtf8(model: string, uid: string, text: string): Promise<boolean> {
    return isDoubtful(text) && (await this.notUtf8(this.keys.holding(model, uid), [uid])).size > 0;
  }

  /** The same as `recordsOf`, of a page with texts that are to be looked at again. */
  private async recordsFound(model: string, page: readonly StoredText[]): Promise<ModelRecord[]> {
    const resultOf = this.decoder(model, asItIs);
    const results: Result[] = Array.from({ length: page.length });
    const uids = page.map(({ uid }) => uid);
    for (const { keys, positions, items } of uidChunks(uids, (uid) => this.keys.holding(model, uid), READ_CHUNK)) {
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
    return throwFirstFailure(results).filter((record) => record !== undefined);
  }

  /** The texts that were found, and those that are when they are looked for again. */
  private async again(
    model: string,
    keys: ModelKeys,
    uids: readonly string[],
    texts: readonly (string | null)[],
    limit: OperationLimits = {},
  ): Promise<readonly FoundText[]> {
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
    limit: OperationLimits,
  ): Promise<readonly FoundText[]> {
    const recheck = (client: ScriptedRedis): Promise<(number | string)[]> =>
      client.diffsyncRecheck(keys.index, keys.state, keys.prefix, ...uids);
    const found = await this.steps.read(recheck, limit);
    return uids.map((uid, at) => {
      const text = found[at];
      if (typeof text === 'string') return text;
      if (text === 0) return undefined;
      if (text === 3) return new Failed(this.models.lost(model, keys));
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
    texts: readonly FoundText[],
  ): Promise<readonly FoundText[]> {
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
    const bytes = await this.steps.read((client) => client.mgetBuffer(uids.map((uid) => keys.prefix + uid)));
    return new Set(uids.filter((_, at) => !isUtf8(bytes[at] ?? Buffer.of())));
  }

  /** One for all that is there: each record holds on to it. */
  private damagedOf(model: string): DecodeErrorFactory {
    let damaged = this.damaged.get(model);
    if (damaged === undefined) {
      damaged = (uid, cause) => {
        const where = `the key "${this.keys.holding(model, uid).prefix}${uid}"`;
        return this.corrupt(model, uid, `is no stored object at ${where}`, cause);
      };
      this.damaged.set(model, damaged);
    }
    return damaged;
  }
}

/** @throws the first error. */
export function throwFirstFailure<T>(results: Result<T>[]): (T | undefined)[] {
  for (const result of results) if (result instanceof Failed) throw result.error;
  return results as (T | undefined)[];
}

export function asItIs(record: ModelRecord): ModelRecord {
  return record;
}

function isDoubtful(text: unknown): boolean {
  return typeof text === 'string' && text.includes(REPLACEMENT);
}
