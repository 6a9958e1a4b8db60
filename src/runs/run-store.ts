import { hostname } from 'node:os';
import { pid } from 'node:process';
import { isDeepStrictEqual } from 'node:util';
import { ObjectAlreadyExists, ObjectNotFound, RunNotFound, ValueError } from '../errors.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import type { BaseStore } from '../store/base-store.js';
import { runsStoreOf } from '../store/beside-store.js';
import type { ChangeParts } from './change-lines.js';
import { partRunId, wholeRunId } from './run-parts.js';
import {
  OpenRun,
  partKey,
  RunChunk,
  RunEntry,
  RunHead,
  RunIndex,
  RunPair,
  RunPlan,
  RunRecord,
  RunStreaks,
  runOf,
} from './run-records.js';
import type { ChangeResult, SyncRun } from './sync-run.js';

/** Records that are written or read at once. */
const BATCH = 64;
/** Records that are read first: a caller may want no more. */
const FIRST_BATCH = 4;
/** Numbers behind the last known one that are looked at: those of runs that were killed as they began. */
const AHEAD = 8;
const HEAD = 'head';
/** Attempts to perform a part that are looked for at once. */
const ATTEMPTS = 8;

/** The process that this is. */
const here = (): RunRecord['process'] => ({ host: hostname(), pid });

type TextModel = ModelClass &
  (new (fields: { key: string; text: string }) => DiffSyncModel & { readonly key: string; text: string });

/** A run that is being recorded. */
export interface OpenedRun {
  readonly number: number;
  /** Counts the runs without their parts. */
  readonly whole: number;
  readonly previous: string | undefined;
}

/** Returns the count of the runs until an entry. */
export function wholeOf({ whole, number }: RunEntry): number {
  return whole ?? number;
}

/** The records of the runs of one store. What is written stays readable at every moment, also where the process is killed. */
export class RunStore {
  private constructor(
    /** The store of the records. */
    readonly store: BaseStore,
    private readonly owner: string,
  ) {}

  /** Returns the records of the runs of a store. */
  static async of(target: BaseStore, signal?: AbortSignal): Promise<RunStore> {
    return new RunStore(await runsStoreOf(target, signal), String(target));
  }

  // ---- One run

  /** Begins a run: gives it the next number and lists it as open. One that is begun again keeps its number. */
  async begin(run: SyncRun): Promise<OpenedRun> {
    const { store } = this;
    const [again] = await this.records([run.id]);
    if (again !== undefined) {
      if (runOf(again).outcome === 'succeeded') {
        throw new ValueError(
          `The run "${run.id}" of ${this.owner} has succeeded already, and is begun no more: take another id`,
        );
      }
      await store.updateMany({ objs: [new OpenRun({ run: run.id })] });
      const { previous } = again.summary as Partial<SyncRun>;
      await this.save({ ...run, previous }, { process: here() }, false);
      const [entry] = await this.entries([again.number]);
      return { number: again.number, whole: entry === undefined ? again.number : wholeOf(entry), previous };
    }
    const { last, oldest } = await this.head();
    // Before its entry, so that no run is listed whose process was killed before it could be found.
    await store.add({ obj: new OpenRun({ run: run.id }) });
    let number = last + 1;
    let [before, whole]: [RunEntry | undefined, number] = [undefined, number];
    for (;;) {
      [before] = await this.entries([number - 1]);
      whole = before === undefined ? number : wholeOf(before) + (wholeRunId(before.run) === wholeRunId(run.id) ? 0 : 1);
      const entry = new RunEntry({ number, run: run.id, startedAt: run.startedAt, buckets: 0, whole });
      try {
        await store.add({ obj: entry });
        break;
      } catch (error) {
        if (!(error instanceof ObjectAlreadyExists)) throw error;
        number++;
      }
    }
    const previous = before && wholeRunId(before.run);
    const summary = { ...run, ...(previous === undefined ? {} : { previous }) };
    await store.add({
      obj: new RunRecord({ run: run.id, number, summary, chunks: 0, plans: 0, rest: 'planned', process: here() }),
    });
    await store.update({ obj: new RunHead({ key: HEAD, last: number, oldest }) });
    return { number, whole, previous };
  }

  /** Saves what is known of a run. @param ends - Whether it has ended. */
  async save(
    run: SyncRun,
    more: { chunks?: number; plans?: number; rest?: ChangeResult; process?: RunRecord['process'] },
    ends: boolean,
  ): Promise<void> {
    const record = await this.record(run.id);
    Object.assign(record, more, { summary: { ...run } });
    await this.store.update({ obj: record });
    if (ends) await this.forget([run.id]);
  }

  /** Whether this process is the last that has begun a run: one that was thought to be gone is not. */
  async isOwn(run: string): Promise<boolean> {
    return isDeepStrictEqual({ ...(await this.record(run)).process }, here());
  }

  /** Notes in the record of a run that has ended what becomes of its plan, and nothing else. */
  async note(run: string, attrs: Partial<Pick<RunRecord, 'approval' | 'appliedBy'>>): Promise<RunRecord> {
    const [record] = await this.store.updateOrInstantiate({ model: RunRecord, ids: { run }, attrs });
    return record;
  }

  /** Writes the changes of a run. */
  async writeChanges(
    run: string,
    { number, whole }: OpenedRun,
    startedAt: string,
    { parts, buckets }: ChangeParts,
  ): Promise<void> {
    await this.writeTexts(RunChunk, run, parts);
    await this.writeTexts(RunIndex, run, buckets);
    await this.store.update({ obj: new RunEntry({ number, run, startedAt, buckets: buckets.length, whole }) });
  }

  /** Writes the lines of a plan. @returns how many records it takes. */
  async writePlan(run: string, lines: AsyncIterable<string>): Promise<number> {
    let count = 0;
    let text: string[] = [];
    let length = 0;
    const write = async (): Promise<void> => {
      await this.store.update({ obj: new RunPlan({ key: partKey(run, count++), text: text.join('') }) });
      [text, length] = [[], 0];
    };
    const most = Math.min(262_144, this.maxLength);
    for await (const line of lines) {
      // A line may be longer than a record: a plan is a text, which may be cut anywhere.
      for (let at = 0; at < line.length; at += most) {
        const piece = line.slice(at, at + most);
        if (length > 0 && length + piece.length > most) await write();
        text.push(piece);
        length += piece.length;
      }
    }
    if (length > 0) await write();
    return count;
  }

  /** Yields the text of a plan. */
  async *plan(record: RunRecord): AsyncGenerator<string, void, undefined> {
    for await (const { text } of this.texts(RunPlan, record.run, record.plans)) yield text;
  }

  /** Replaces one part of the changes of a run. */
  async replaceChunks(run: string, parts: ReadonlyMap<number, string>): Promise<void> {
    await this.store.updateMany({
      objs: [...parts].map(([at, text]) => new RunChunk({ key: partKey(run, at), text })),
    });
  }

  /** Yields the parts of the changes of a run, in their order. @param from - the number of the first part. */
  async *chunks(record: RunRecord, from = 0, signal?: AbortSignal): AsyncGenerator<string, void, undefined> {
    for await (const { text } of this.texts(RunChunk, record.run, record.chunks, from, signal)) yield text;
  }

  // ---- Several runs

  /** Returns the numbers between which all runs are. */
  async head(signal?: AbortSignal): Promise<{ last: number; oldest: number }> {
    const [head] = await this.store.find({ model: RunHead, uids: [HEAD], signal });
    return head ?? { last: 0, oldest: 1 };
  }

  /** Returns the runs that have performed a part of a run, in their order. */
  async attemptsOf(run: string, index: number): Promise<readonly SyncRun[]> {
    const found: SyncRun[] = [];
    for (;;) {
      const ids = Array.from({ length: ATTEMPTS }, (_, at) => partRunId(run, index, found.length + at));
      const records = await this.records(ids);
      for (const record of records) found.push(runOf(record));
      if (records.length < ATTEMPTS) return found;
    }
  }

  /**
   * Returns those entries that there are, the newest first.
   * @param below - a number that is not reached.
   * @param isWanted - Default: all.
   */
  async newest(
    limit: number,
    below?: number,
    signal?: AbortSignal,
    isWanted: (entry: RunEntry) => boolean = () => true,
  ): Promise<readonly RunEntry[]> {
    const { last, oldest } = await this.head(signal);
    const found: RunEntry[] = [];
    let from = below === undefined ? last + AHEAD : below - 1;
    while (from >= oldest && found.length < limit) {
      const numbers = Array.from({ length: Math.min(limit + AHEAD, from - oldest + 1) }, (_, at) => from - at);
      for (const entry of await this.entries(numbers, signal)) {
        if (found.length < limit && isWanted(entry)) found.push(entry);
      }
      from -= numbers.length;
    }
    return found;
  }

  /** Returns those entries that there are. */
  async entries(numbers: readonly number[], signal?: AbortSignal): Promise<RunEntry[]> {
    const entries = await this.store.find({ model: RunEntry, uids: numbers.map(String), signal });
    return entries.filter((entry) => entry !== undefined);
  }

  /** Returns those records that there are, in the order of the ids. */
  async records(runs: readonly string[], signal?: AbortSignal): Promise<RunRecord[]> {
    const records = await this.store.find({ model: RunRecord, uids: runs, signal });
    return records.filter((record) => record !== undefined);
  }

  /** @throws RunNotFound if there is no such run. */
  async record(run: string, signal?: AbortSignal): Promise<RunRecord> {
    const [record] = await this.records([run], signal);
    if (record !== undefined) return record;
    throw new RunNotFound(
      `${this.owner} has no run "${run}" in its history, or no longer; history(…).list() has those that there are`,
    );
  }

  /** Returns the ids of the runs that have not ended, or whose process was killed. */
  async open(): Promise<readonly string[]> {
    return (await this.store.getAll({ model: OpenRun })).map(({ run }) => run);
  }

  /** Takes runs off the list of those that have not ended. */
  async forget(runs: readonly string[]): Promise<void> {
    if (runs.length === 0) return;
    await this.store.removeMany({ objs: runs.map((run) => new OpenRun({ run })) }).catch(ignoreMissing);
  }

  /** Returns what is known of the last good run of a source. */
  async pair(source: string): Promise<RunPair | undefined> {
    return (await this.store.find({ model: RunPair, uids: [source] }))[0];
  }

  /** Saves what the next run of the source has to know, in place of what there was. */
  async savePair(
    pair: Omit<Fields<RunPair>, 'streaks'>,
    streaks: readonly string[],
    before: RunPair | undefined,
  ): Promise<void> {
    await this.writeTexts(RunStreaks, pair.run, streaks);
    const { source, run, objects } = pair;
    await this.store.update({ obj: new RunPair({ source, run, objects: { ...objects }, streaks: streaks.length }) });
    if (before !== undefined && before.run !== run) await this.removeTexts(RunStreaks, before.run, before.streaks);
  }

  /** Yields the streaks that the last good run of a source has left. */
  async *streaks(pair: RunPair): AsyncGenerator<string, void, undefined> {
    for await (const { text } of this.texts(RunStreaks, pair.run, pair.streaks)) yield text;
  }

  /** Removes a run and all that belongs to it; its entry last, so that what a killed process has left is found again. */
  async remove(entry: RunEntry): Promise<void> {
    const [record] = await this.records([entry.run]);
    if (record !== undefined) {
      await this.removeTexts(RunChunk, entry.run, record.chunks);
      await this.removeTexts(RunIndex, entry.run, entry.buckets);
      await this.removeTexts(RunPlan, entry.run, record.plans);
      await this.store.removeMany({ objs: [record] }).catch(ignoreMissing);
    }
    const { last } = await this.head();
    await this.store.removeMany({ objs: [entry] }).catch(ignoreMissing);
    await this.store.update({ obj: new RunHead({ key: HEAD, last, oldest: entry.number + 1 }) });
  }

  /** Returns texts of the index by the keys of their records; undefined where there is none. */
  async indexTexts(keys: readonly string[], signal?: AbortSignal): Promise<(string | undefined)[]> {
    return (await this.store.find({ model: RunIndex, uids: keys, signal })).map((found) => found?.text);
  }

  /** Returns texts of changes by the keys of their records; undefined where there is none. */
  async chunkTexts(keys: readonly string[], signal?: AbortSignal): Promise<(string | undefined)[]> {
    return (await this.store.find({ model: RunChunk, uids: keys, signal })).map((found) => found?.text);
  }

  /** The longest text of a record: quotes and line breaks take two characters in it, and some characters three bytes. */
  get maxLength(): number {
    return Math.floor(this.store.maxObjectBytes / 6);
  }

  private async writeTexts(model: TextModel, run: string, texts: readonly string[]): Promise<void> {
    for (let at = 0; at < texts.length; at += BATCH) {
      const objs = texts
        .slice(at, at + BATCH)
        .map((text, offset) => new model({ key: partKey(run, at + offset), text }));
      await this.store.updateMany({ objs });
    }
  }

  private async removeTexts(model: TextModel, run: string, count: number): Promise<void> {
    for (let at = 0; at < count; at += BATCH) {
      const keys = Array.from({ length: Math.min(BATCH, count - at) }, (_, offset) => partKey(run, at + offset));
      await this.store.removeMany({ objs: keys.map((key) => new model({ key, text: '' })) }).catch(ignoreMissing);
    }
  }

  private async *texts(
    model: TextModel,
    run: string,
    count: number,
    from = 0,
    signal?: AbortSignal,
  ): AsyncGenerator<{ readonly text: string }, void, undefined> {
    let size = FIRST_BATCH;
    for (let at = from; at < count; at += size, size = Math.min(BATCH, 4 * size)) {
      const uids = Array.from({ length: Math.min(size, count - at) }, (_, offset) => partKey(run, at + offset));
      const found = await this.store.find({ model, uids, signal });
      for (const part of found) if (part !== undefined) yield part;
    }
  }
}

type Fields<M> = { readonly [K in 'source' | 'run' | 'objects' | 'streaks']: M[K & keyof M] };

/** Another process may have removed it. */
function ignoreMissing(error: unknown): void {
  if (!(error instanceof ObjectNotFound)) throw error;
}
