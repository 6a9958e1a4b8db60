import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { CopyAborted, CopyConflict, CopyMismatch, ValueError } from '../errors.js';
import { isSameRecord, type ModelRecord } from '../record/model-record.js';
import { canonicalJson } from '../values/extended-json.js';
import type { BaseStore } from './base-store.js';
import { checkOptions } from './check-options.js';
import { insertAsIs, putAsIs, recordPages, recordsAt } from './engine-access.js';

/** Called after each batch, in one stage after the other: `current` never falls, and ends at `total`. In objects. */
export type CopyProgressCallback = (stage: 'copy' | 'verify', current: number, total: number) => void;

export interface CopyStoreOptions {
  readonly onProgress?: CopyProgressCallback | undefined;
  /** Ends the copy with CopyAborted, between two batches. */
  readonly signal?: AbortSignal | undefined;
  /** So many objects are read and written in one go. @default 500 */
  readonly batchSize?: number | undefined;
  /**
   * What becomes of a model of which the target holds objects already. `error`: they must be the first ones of the source,
   * as an earlier copy has left them. `keep` and `overwrite`: whatever they are, they stay where they are in the order; of
   * two different objects with one unique id the target's is kept, or the source's put in its place. @default 'error'
   */
  readonly onConflict?: 'error' | 'keep' | 'overwrite' | undefined;
}

/** What became of a model. */
export interface CopiedModel {
  readonly model: string;
  /** How many the source has. */
  readonly objects: number;
  /** How many of them were written; the others were there already. */
  readonly copied: number;
  /** How many different objects were kept or overwritten. */
  readonly conflicts: number;
  /** SHA-256 of these objects as the target holds them, in the source's order; the same for the same objects in every engine. */
  readonly digest: string;
}

export interface CopyResult {
  /** Sorted by name. */
  readonly models: readonly CopiedModel[];
  readonly objects: number;
  readonly copied: number;
}

const OPTIONS = z.strictObject({
  onProgress: z.custom<CopyProgressCallback>((value) => typeof value === 'function', 'no function').optional(),
  signal: z.instanceof(AbortSignal).optional(),
  batchSize: z.int().min(1).optional(),
  onConflict: z.enum(['error', 'keep', 'overwrite']).optional(),
});

/**
 * Copies all objects of an open store into another open one, whatever their engines, with their order, values and flags;
 * then reads the target and compares. Holds a few batches in memory. Each batch is one write, done as a whole where the
 * target's engine does so. Ended early it is run again, and goes on where it was. Nobody else may write to either store
 * meanwhile. Models that only the target has are left alone.
 * @throws CopyConflict before anything is written, when the target holds what is not the beginning of the source.
 * @throws CopyMismatch when the target holds in the end not what was copied.
 * @throws CopyAborted
 * @throws ValueError for wrong options, or one store given twice.
 */
export async function copyStore(from: BaseStore, to: BaseStore, options: CopyStoreOptions = {}): Promise<CopyResult> {
  const { onProgress, signal, batchSize = 500, onConflict = 'error' } = checkOptions('copyStore', OPTIONS, options);
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

  /** How many of the source's first objects the target has. @throws CopyConflict when it has anything else. */
  async countPresent(model: string): Promise<number> {
    let present = 0;
    if ((await this.to.count({ model })) === 0) return present;
    const source = each(this.pages(this.from, model));
    try {
      for await (const record of each(this.pages(this.to, model))) {
        const { value: expected } = await source.next();
        if (expected?.uid !== record.uid) throw this.outOfPlace(model, record.uid, expected?.uid);
        if (!isSameRecord(expected, record)) throw this.different(model, record.uid);
        present++;
      }
    } finally {
      await source.return(undefined);
    }
    return present;
  }

  /** @param present how many of the first are there already. */
  async append(model: string, present: number): Promise<CopiedModel> {
    const digest = createHash('sha256');
    let objects = 0;
    for await (const page of this.pages(this.from, model)) {
      for (const record of page) digest.update(textOf(record)); // Before the target has them to keep.
      const missing = page.slice(Math.max(0, present - objects));
      for (const [at, existing] of (await this.insert(model, missing)).entries()) {
        if (existing !== undefined) throw this.outOfPlace(model, existing.uid, missing[at]?.uid);
      }
      objects += page.length;
      this.advance('copy', page.length);
    }
    return { model, objects, copied: Math.max(0, objects - present), conflicts: 0, digest: digest.digest('hex') };
  }

  /** @throws CopyMismatch */
  async verify({ model, objects, digest }: CopiedModel): Promise<void> {
    const found = createHash('sha256');
    let count = 0;
    for await (const page of this.pages(this.to, model)) {
      for (const record of page) found.update(textOf(record));
      count += page.length;
      this.advance('verify', page.length);
    }
    this.compare(model, { objects, digest }, { objects: count, digest: found.digest('hex') });
  }

  /** Each batch is verified as soon as it is written, for what else the target has does not count. */
  async merge(model: string, onConflict: 'keep' | 'overwrite'): Promise<CopiedModel> {
    const [expected, found] = [createHash('sha256'), createHash('sha256')];
    let [objects, there, copied, conflicts] = [0, 0, 0, 0];
    for await (const page of this.pages(this.from, model)) {
      const texts = page.map(textOf);
      const existing = await this.insert(model, page);
      const different = page.filter((record, at) => existing[at] !== undefined && !isSameRecord(existing[at], record));
      if (onConflict === 'overwrite' && different.length > 0) await putAsIs(this.to, model, different);
      const kept = new Set(onConflict === 'keep' ? different : []);
      for (const [at, record] of page.entries()) {
        const own = kept.has(record) ? existing[at] : undefined;
        expected.update(own === undefined ? String(texts[at]) : textOf(own));
      }
      const uids = page.map(({ uid }) => uid);
      for (const record of await recordsAt(this.to, model, uids)) {
        if (record === undefined) continue;
        found.update(textOf(record));
        there++;
      }
      objects += page.length;
      copied += existing.filter((record) => record === undefined).length + different.length - kept.size;
      conflicts += different.length;
      this.advance('copy', page.length);
    }
    const digest = expected.digest('hex');
    this.compare(model, { objects, digest }, { objects: there, digest: found.digest('hex') });
    return { model, objects, copied, conflicts, digest };
  }
  /** Reaches the totals, whatever was counted: the source may have changed. */
  finish(): void {
    for (const stage of ['copy', 'verify'] as const) this.advance(stage, this.total - this.done[stage]);
  }

  private advance(stage: 'copy' | 'verify', by: number): void {
    const before = this.done[stage];
    this.done[stage] = Math.min(this.total, before + by);
    if (this.done[stage] > before) this.onProgress?.(stage, this.done[stage], this.total);
  }

  /** Whoever else has work to do in this process comes between two pages. */
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
    const told = ({ objects, digest }: typeof found): string => `${objects} objects with the digest ${digest}`;
    throw new CopyMismatch(
      `${String(this.to)} holds of ${model} ${told(found)}, where ${told(expected)} were copied from ` +
        `${String(this.from)}: does somebody else write to it?`,
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

  private outOfPlace(model: string, uid: string, expected: string | undefined): CopyConflict {
    const due = expected === undefined ? 'there is no more of them' : `"${expected}" comes next`;
    return new CopyConflict(
      `${model} "${uid}" is in ${String(this.to)}, where by the order of ${String(this.from)} ${due}: clear the target, ` +
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

function textOf({ uid, data, flags }: ModelRecord): string {
  return `${canonicalJson([uid, data, flags])}\n`;
}

/** Two handles of one store, as far as can be told. */
function isSame(from: BaseStore, to: BaseStore): boolean {
  if (from === to) return true;
  const { engine, address, storeId } = from;
  return address !== undefined && engine === to.engine && address === to.address && storeId === to.storeId;
}
