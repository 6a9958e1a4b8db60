import type { ModelRecord } from '../record/model-record.js';
import { BaseStore } from './base-store.js';
import type { RecordChange } from './store-backend.js';

/**
 * For a backend that one process at a time has to itself, such as files: the primitives concern one record each and never
 * run at the same time, so that none meets another halfway. A backend that several processes share, or that does many
 * things at once, is a `BaseStore`.
 */
export abstract class SerialStore extends BaseStore {
  private last: Promise<unknown> = Promise.resolve();

  // ---- Primitives, beside `connect`, `disconnect`, `probe` and `scope`. What they throw becomes the cause of an
  // ObjectStoreException. Records passed in are the backend's to keep; records and lists handed out are the caller's.

  /** The names of the models that may have records, in any order. */
  protected abstract listModels(): Promise<readonly string[]>;
  /** The unique ids of a model's records, in insertion order; none for a model that nobody knows. */
  protected abstract listUids(model: string): Promise<readonly string[]>;
  /** Undefined where there is none. */
  protected abstract readRecord(model: string, uid: string): Promise<ModelRecord | undefined>;
  /** Replaces it at its place in the order, or appends it; done as a whole or not at all. */
  protected abstract writeRecord(model: string, record: ModelRecord): Promise<void>;
  /** Answers whether it was there. */
  protected abstract removeRecord(model: string, uid: string): Promise<boolean>;

  protected override readRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<(ModelRecord | undefined)[]> {
    return this.eachSerially(uids, (uid) => this.readRecord(model, uid), signal);
  }

  protected override async *scanRecords(
    model: string,
    pageSize: number,
  ): AsyncGenerator<ModelRecord[], void, undefined> {
    const uids = await this.step(() => this.listUids(model));
    for (let at = 0; at < uids.length; at += pageSize) {
      const page = await this.readRecords(model, uids.slice(at, at + pageSize));
      yield page.filter((record) => record !== undefined);
    }
  }

  protected override async countRecords(model: string): Promise<number> {
    return (await this.step(() => this.listUids(model))).length;
  }

  protected override async countAllRecords(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const model of await this.step(() => this.listModels())) {
      const count = await this.countRecords(model);
      if (count > 0) counts.set(model, count);
    }
    return counts;
  }

  protected override insertRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<(ModelRecord | undefined)[]> {
    const insert = async (record: ModelRecord): Promise<ModelRecord | undefined> => {
      const existing = await this.readRecord(model, record.uid);
      if (existing === undefined) await this.writeRecord(model, record);
      return existing;
    };
    return this.eachSerially(records, insert, signal);
  }

  protected override async putRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<void> {
    await this.eachSerially(records, (record) => this.writeRecord(model, record), signal);
  }

  protected override async modifyRecords(model: string, uids: readonly string[], change: RecordChange): Promise<void> {
    await this.eachSerially(uids, async (uid) => {
      const current = await this.readRecord(model, uid);
      const next = change(uid, current);
      if (current !== undefined && next !== undefined) await this.writeRecord(model, next);
    });
  }

  protected override deleteRecords(model: string, uids: readonly string[], signal?: AbortSignal): Promise<boolean[]> {
    return this.eachSerially(uids, (uid) => this.removeRecord(model, uid), signal);
  }

  protected override clearRecords(): Promise<void> {
    return this.step(async () => {
      for (const model of await this.listModels()) {
        for (const uid of await this.listUids(model)) await this.removeRecord(model, uid);
      }
    });
  }

  /** All of them in one step. Answers by position. */
  private eachSerially<T, R>(items: readonly T[], work: (item: T) => Promise<R>, signal?: AbortSignal): Promise<R[]> {
    return this.step(async () => {
      const answers: R[] = [];
      for (const item of items) {
        signal?.throwIfAborted();
        answers.push(await work(item));
      }
      return answers;
    });
  }

  /** Begins when the step before it has ended, however it ended. */
  private async step<R>(work: () => Promise<R>): Promise<R> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    try {
      return await done;
    } catch (error) {
      throw this.backendError(error);
    }
  }
}
