import { SerialQueue } from '../async/serial-queue.js';
import type { ModelRecord } from '../record/model-record.js';
import { BaseStore } from './base-store.js';
import type { RecordChange } from './store-backend.js';

/**
 * A store for a backend that one process at a time has to itself, such as files: its primitives concern one record each and
 * run one after another. A backend that several processes share, or that runs many requests at once, extends `BaseStore`.
 *
 * The primitives are those below, and `connect`, `disconnect`, `probe` and `scope`. An error that one of them throws becomes
 * the cause of an `ObjectStoreException`. A record that is passed in belongs to the backend; records and lists that are
 * returned belong to the caller.
 *
 * @example
 * ```ts
 * class FileStore extends SerialStore {
 *   readonly engine = 'file';
 *   protected override async readRecord(model: string, uid: string) {
 *     return this.readFile(model, uid);
 *   }
 *   // connect, disconnect, probe, scope, listModels, listUids, writeRecord, removeRecord
 * }
 * ```
 */
export abstract class SerialStore extends BaseStore {
  readonly #queue = new SerialQueue();

  /**
   * Lists the models that may have records.
   * @returns their names, in any order.
   */
  protected abstract listModels(): Promise<readonly string[]>;

  /**
   * Lists the unique ids of a model's records.
   * @param model - the name of the model.
   * @returns the unique ids in insertion order; none for an unknown model.
   */
  protected abstract listUids(model: string): Promise<readonly string[]>;

  /**
   * Reads a record.
   * @param model - the name of the model.
   * @param uid - the unique id.
   * @returns the record, or undefined where there is none.
   */
  protected abstract readRecord(model: string, uid: string): Promise<ModelRecord | undefined>;

  /**
   * Replaces a record at its position in the order, or appends it; done as a whole or not at all.
   * @param model - the name of the model.
   * @param record - the record to write.
   */
  protected abstract writeRecord(model: string, record: ModelRecord): Promise<void>;

  /**
   * Removes a record.
   * @param model - the name of the model.
   * @param uid - the unique id.
   * @returns whether there was one.
   */
  protected abstract removeRecord(model: string, uid: string): Promise<boolean>;

  protected override readRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<(ModelRecord | undefined)[]> {
    return this.#eachSerially(uids, (uid) => this.readRecord(model, uid), signal);
  }

  protected override async *scanRecords(
    model: string,
    pageSize: number,
    signal?: AbortSignal,
  ): AsyncGenerator<ModelRecord[], void, undefined> {
    const uids = await this.#enqueue(() => this.listUids(model));
    for (let at = 0; at < uids.length; at += pageSize) {
      const page = await this.readRecords(model, uids.slice(at, at + pageSize), signal);
      yield page.filter((record) => record !== undefined);
    }
  }

  protected override async *scanUids(model: string): AsyncGenerator<readonly string[], void, undefined> {
    const uids = await this.#enqueue(() => this.listUids(model));
    if (uids.length > 0) yield uids;
  }

  protected override async countRecords(model: string): Promise<number> {
    return (await this.#enqueue(() => this.listUids(model))).length;
  }

  protected override async countAllRecords(signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const model of await this.#enqueue(() => this.listModels())) {
      signal?.throwIfAborted();
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
    return this.#eachSerially(records, insert, signal);
  }

  protected override async putRecords(
    model: string,
    records: readonly ModelRecord[],
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#eachSerially(records, (record) => this.writeRecord(model, record), signal);
  }

  protected override async modifyRecords(
    model: string,
    uids: readonly string[],
    change: RecordChange,
    signal?: AbortSignal,
  ): Promise<void> {
    const modify = async (uid: string): Promise<void> => {
      const current = await this.readRecord(model, uid);
      const next = change(uid, current);
      if (current !== undefined && next !== undefined) await this.writeRecord(model, next);
    };
    await this.#eachSerially(uids, modify, signal);
  }

  protected override deleteRecords(model: string, uids: readonly string[], signal?: AbortSignal): Promise<boolean[]> {
    return this.#eachSerially(uids, (uid) => this.removeRecord(model, uid), signal);
  }

  protected override clearRecords(signal?: AbortSignal): Promise<void> {
    return this.#enqueue(async () => {
      for (const model of await this.listModels()) {
        for (const uid of await this.listUids(model)) {
          signal?.throwIfAborted();
          await this.removeRecord(model, uid);
        }
      }
    });
  }

  /** Does the work for each item, as one task of the queue. Returns the results by position. */
  #eachSerially<T, R>(items: readonly T[], work: (item: T) => Promise<R>, signal?: AbortSignal): Promise<R[]> {
    return this.#enqueue(async () => {
      const results: R[] = [];
      for (const item of items) {
        signal?.throwIfAborted();
        results.push(await work(item));
      }
      return results;
    });
  }

  async #enqueue<R>(task: () => Promise<R>): Promise<R> {
    try {
      return await this.#queue.run(task);
    } catch (error) {
      throw this.backendError(error);
    }
  }
}
