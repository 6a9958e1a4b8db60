import type { ModelRecord } from '../record/model-record.js';
import type { DeferredWrites } from './deferred-writes.js';
import type { ObjectMapper } from './object-mapper.js';
import type { OperatedStore } from './operation-context.js';
import type { OperationRunner } from './operation-runner.js';
import type { RecordWriter } from './write-behind.js';

/** Records of a page, in every read of a whole model. */
export const PAGE_SIZE = 1000;

/** The primitives of a store that the files of this room call; they are protected in `StoreBackend`. */
export interface StorePrimitives extends RecordWriter {
  readRecords(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly (ModelRecord | undefined)[]>;
  readPages(
    model: string,
    uids: readonly string[],
    signal?: AbortSignal,
  ): AsyncGenerator<readonly (ModelRecord | undefined)[], void, undefined>;
  scanRecords(model: string, pageSize: number, signal?: AbortSignal): AsyncIterable<readonly ModelRecord[]>;
  countAllRecords(signal?: AbortSignal): Promise<ReadonlyMap<string, number>>;
  orderUids(model: string, uids: readonly string[], signal?: AbortSignal): Promise<readonly string[]>;
  scanUids(model: string, signal?: AbortSignal): AsyncGenerator<readonly string[], void, undefined>;
}

/** The parts of one store, for the operations that stand in files of their own. */
export interface StoreCore {
  readonly store: OperatedStore;
  readonly backend: StorePrimitives;
  readonly objects: ObjectMapper;
  readonly operations: OperationRunner;
  readonly deferred: DeferredWrites;
  /** The store that keeps the runs of this one, once it is asked for. */
  beside?: Closable | undefined;
}

interface Closable {
  close(): Promise<void>;
}
