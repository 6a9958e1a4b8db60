import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { CopyAborted, CopyConflict, CopyMismatch, ValueError } from '../errors.js';
import type { ModelRecord } from '../record/model-record.js';
import { isSameRecord } from '../record/record-equality.js';
import { canonicalJson } from '../values/extended-json.js';
import type { BaseStore } from './base-store.js';
import { refuseOtherCopy } from '../values/package-copy.js';
import { checkOptions } from './check-options.js';
import { insertAsIs, putAsIs, recordPages, recordsAt } from './engine-access.js';

/**
 * Is called after each batch, in one stage after the other. `current` and `total` are numbers of objects; `current` never falls,
 * and ends at `total`.
 */
export type CopyProgressCallback = (stage: 'copy' | 'verify', current: number, total: number) => void;

/** Options of `copyStore`. */
export interface CopyStoreOptions {
  /** Is called after each batch. */
  onProgress?: CopyProgressCallback | undefined;
  /** Ends the copy between two batches. It then rejects with `CopyAborted`. */
  signal?: AbortSignal | undefined;
  /**
   * The number of objects that are read and written as one batch.
   * @defaultValue 500
   */
  batchSize?: number | undefined;
  /**
   * What to do with a model of which the target has objects already. `error`: they must be the first objects of the source, as
   * an earlier copy has left them. `keep` and `overwrite`: objects of the target keep their positions in the order; of two
   * different objects with one unique id the target's is kept, or replaced by the source's.
   * @defaultValue 'error'
   */
  onConflict?: 'error' | 'keep' | 'overwrite' | undefined;
}

/** The result of `copyStore` for one model. */
export interface CopiedModel {
  /** The name of the model. */
  readonly model: string;
  /** The number of objects in the source. */
  readonly objects: number;
  /** The number of objects that were written; the target had the others already. */
  readonly copied: number;
  /** The number of different objects that were kept or overwritten. */
  readonly conflicts: number;
  /** SHA-256 of these objects in the target, in the source's order. Equal objects have the same digest in every engine. */
  readonly digest: string;
}

/** The result of `copyStore`. */
export interface CopyResult {
  /** The result for each model, sorted by name. */
  readonly models: readonly CopiedModel[];
  /** The number of objects in the source. */
  readonly objects: number;
  /** The number of objects that were written. */
  readonly copied: number;
}

const OPTIONS = z.strictObject({
  onProgress: z.custom<CopyProgressCallback>((value) => typeof value === 'function', 'no function').optional(),
  signal: z.instanceof(AbortSignal).optional(),
  batchSize: z.int().min(1).optional(),
  onConflict: z.enum(['error', 'keep', 'overwrite']).optional(),
});

/**
 * Copies all objects of an open store into another open store of any engine, with their order, values and flags; then reads the
 * target and compares digests. Holds a few batches in memory. Each batch is one write, atomic where the target's engine makes
 * it so. A copy that ended early goes on from there when it is called again. Both stores must have no other writer meanwhile.
 * Models that only the target has are left alone.
 * @param from - the open store to copy.
 * @param to - the open store to copy into.
 * @param options - batch size, progress, signal, and what to do with objects that the target has already.
 * @returns the number of objects, and the digest of each model.
 * @throws {CopyConflict} before anything is written, when the target's objects are not the first ones of the source.
 * @throws {CopyMismatch} when the target differs from the source in the end.
 * @throws {CopyAborted} when the signal ended the copy.
 * @throws {ValueError} for wrong options, or one store given twice.
 * @example
 * ```ts
 * const { objects, copied } = await copyStore(sqliteStore, redisStore);
 * ```
 */
export async function copyStore(from: BaseStore, to: BaseStore, options: CopyStoreOptions = {}): Promise<CopyResult> {
  const { onProgress, signal, batchSize = 500, onConflict = 'error' } = checkOptions('copyStore', OPTIONS, options);
  for (const store of [from, to]) refuseOtherCopy('copyStore: the store', store);
  if (isSame(from, to)) throw new ValueError(`copyStore: ${String(from)} cannot be copied into itself`);
  const copy = new Copy(from, to, batchSize, signal, await from.count(), onProgress);
  const names = await from.getAllModelNames();
  const models: CopiedModel[] = [];
  if (onConflict === 'error') {
    const present = new Map<string, number>();
    for (const model of names) present.set(model, await copy.countPresent(model));
    for (const model of names) models.push(await copy.append(model, present.get(model) ?? 0));
    for (const copied of models) await copy.verify(copied);
  } else {
    for (const model of names) models.push(await copy.merge(model, onConflict));
  }
  copy.finish();
  const sum = (key: 'objects' | 'copied'): number => models.reduce((total, each) => total + each[key], 0);
  return { models, objects: sum('objects'), copied: sum('copied') };
}

class Copy {
  private readonly done = { copy: 0, verify: 0 };

  constructor(
    private readonly from: BaseStore,
    private readonly to: BaseStore,
    private readonly batchSize: number,
    private readonly signal: AbortSignal | undefined,
    private readonly total: number,
    private readonly onProgress: CopyProgressCallback | undefined,
  ) {}

  /** Counts the first objects of the source that the target has. @throws {CopyConflict} when it has any other. */
  async countPresent(model: string): Promise<number> {
    let present = 0;
    if ((await this.to.count({ model })) === 0) return present;
    const source = each(this.pages(this.from, model));
    try {
      for await (const record of each(this.pages(this.to, model))) {
        const { value: expected } = await source.next();
        if (expected?.uid !== record.uid) throw this.outOfOrder(model, record.uid, expected?.uid);
        if (!isSameRecord(expected, record)) throw this.different(model, record.uid);
        present++;
      }
    } finally {
      await source.return(undefined);
    }
    return present;
  }

  /** Appends the objects that the target lacks. @param present - the number of first objects that it has already. */
  async append(model: string, present: number): Promise<CopiedModel> {
    const digest = createHash('sha256');
    let objects = 0;
    for await (const page of this.pages(this.from, model)) {
      for (const record of page) digest.update(digestInput(record)); // Before the records belong to the target.
      const missing = page.slice(Math.max(0, present - objects));
      for (const [index, existing] of (await this.insert(model, missing)).entries()) {
        if (existing !== undefined) throw this.outOfOrder(model, existing.uid, missing[index]?.uid);
      }
      objects += page.length;
      this.advance('copy', page.length);
    }
    return { model, objects, copied: Math.max(0, objects - present), conflicts: 0, digest: digest.digest('hex') };
  }

  /** Reads the target's objects of a model. @throws {CopyMismatch} when their digest differs. */
  async verify({ model, objects, digest }: CopiedModel): Promise<void> {
    const found = createHash('sha256');
    let count = 0;
    for await (const page of this.pages(this.to, model)) {
      for (const record of page) found.update(digestInput(record));
      count += page.length;
      this.advance('verify', page.length);
    }
    this.compare(model, { objects, digest }, { objects: count, digest: found.digest('hex') });
  }

  /** Writes and verifies batch by batch: other objects of the target do not count. */
  async merge(model: string, onConflict: 'keep' | 'overwrite'): Promise<CopiedModel> {
    const [expected, found] = [createHash('sha256'), createHash('sha256')];
    let [objects, foundObjects, copied, conflicts] = [0, 0, 0, 0];
    for await (const page of this.pages(this.from, model)) {
      const inputs = page.map(digestInput);
      const existing = await this.insert(model, page);
      const different = page.filter(
        (record, index) => existing[index] !== undefined && !isSameRecord(existing[index], record),
      );
      if (onConflict === 'overwrite' && different.length > 0) await putAsIs(this.to, model, different);
      const kept = new Set(onConflict === 'keep' ? different : []);
      for (const [index, record] of page.entries()) {
        const own = kept.has(record) ? existing[index] : undefined;
        expected.update(own === undefined ? String(inputs[index]) : digestInput(own));
      }
      const uids = page.map(({ uid }) => uid);
      for (const record of await recordsAt(this.to, model, uids)) {
        if (record === undefined) continue;
        found.update(digestInput(record));
        foundObjects++;
      }
      objects += page.length;
      copied += existing.filter((record) => record === undefined).length + different.length - kept.size;
      conflicts += different.length;
      this.advance('copy', page.length);
    }
    const digest = expected.digest('hex');
    this.compare(model, { objects, digest }, { objects: foundObjects, digest: found.digest('hex') });
    return { model, objects, copied, conflicts, digest };
  }

  /** Advances the progress to the totals: the source may have changed since they were counted. */
  finish(): void {
    for (const stage of ['copy', 'verify'] as const) this.advance(stage, this.total - this.done[stage]);
  }

  private advance(stage: 'copy' | 'verify', by: number): void {
    const before = this.done[stage];
    this.done[stage] = Math.min(this.total, before + by);
    if (this.done[stage] > before) this.onProgress?.(stage, this.done[stage], this.total);
  }

  /** Yields to the event loop after each page. */
  private async *pages(store: BaseStore, model: string): AsyncGenerator<readonly ModelRecord[], void, undefined> {
    this.checkAborted();
    for await (const page of recordPages(store, model, this.batchSize)) {
      yield page;
      await setImmediate();
      this.checkAborted();
    }
  }

  private async insert(model: string, records: readonly ModelRecord[]): Promise<readonly (ModelRecord | undefined)[]> {
    return records.length === 0 ? [] : insertAsIs(this.to, model, records);
  }

  private checkAborted(): void {
    if (this.signal?.aborted !== true) return;
    throw new CopyAborted(
      `The copy of ${String(this.from)} into ${String(this.to)} was aborted after ${this.done.copy} of ${this.total} ` +
        `objects; run again it goes on from there`,
      { cause: this.signal.reason },
    );
  }

  private compare(
    model: string,
    expected: Pick<CopiedModel, 'objects' | 'digest'>,
    found: Pick<CopiedModel, 'objects' | 'digest'>,
  ): void {
    if (found.objects === expected.objects && found.digest === expected.digest) return;
    const describe = ({ objects, digest }: typeof found): string => `${objects} objects with the digest ${digest}`;
    throw new CopyMismatch(
      `${String(this.to)} holds of ${model} ${describe(found)}, where ${describe(expected)} were copied from ` +
        `${String(this.from)}: does another process write to it?`,
      model,
    );
  }

  private different(model: string, uid: string): CopyConflict {
    return new CopyConflict(
      `${model} "${uid}" in ${String(this.to)} differs from the one in ${String(this.from)}: clear the target, or say ` +
        `with onConflict which is to stay`,
      model,
      uid,
    );
  }

  private outOfOrder(model: string, uid: string, expected: string | undefined): CopyConflict {
    const next = expected === undefined ? 'there is no more of them' : `"${expected}" comes next`;
    return new CopyConflict(
      `${model} "${uid}" is in ${String(this.to)}, where by the order of ${String(this.from)} ${next}: clear the target, ` +
        `or pass onConflict to leave what it holds where it is`,
      model,
      uid,
    );
  }
}

async function* each(pages: AsyncIterable<readonly ModelRecord[]>): AsyncGenerator<ModelRecord, undefined, undefined> {
  for await (const page of pages) yield* page;
  return undefined;
}

/** One line of the text that the digest is made of. */
function digestInput({ uid, data, flags }: ModelRecord): string {
  return `${canonicalJson([uid, data, flags])}\n`;
}

/** Whether both are the same store, as far as their addresses show. */
function isSame(from: BaseStore, to: BaseStore): boolean {
  if (from === to) return true;
  const { engine, address, storeId } = from;
  return address !== undefined && engine === to.engine && address === to.address && storeId === to.storeId;
}
