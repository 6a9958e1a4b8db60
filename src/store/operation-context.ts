import type { DiffSyncLogger } from '../logging/logger.js';

/** A store as its operations see it. They flush by the public method, which a subclass may override. */
export interface OperatedStore {
  toString(): string;
  readonly name: string;
  readonly storeId: string | undefined;
  readonly engine: string;
  readonly address: string | undefined;
  readonly slowOperationMs: number;
  readonly logger: DiffSyncLogger;
  flush(options?: OperationOptions): Promise<void>;
}

/** Options that every operation of a store takes. */
export interface OperationOptions {
  /**
   * Ends the operation. It then rejects with STORE_ABORTED, or with STORE_OUTCOME_UNKNOWN where it may have written; the
   * signal's reason is the cause. `AbortSignal.timeout(ms)` gives one operation a deadline of its own.
   */
  readonly signal?: AbortSignal | undefined;
}

export interface NestedOperationOptions extends OperationOptions {
  /** Whether the operation is part of a call that began while the store was open. It then runs also on a closing store. */
  readonly nested?: boolean;
}

/** What an operation reads or writes: decides whether pending writes must be flushed first, and what is logged. */
export interface OperationContext extends NestedOperationOptions {
  readonly model?: string | undefined;
  readonly uid?: string;
  /** The unique ids that the operation reads, if not all. */
  readonly reads?: readonly string[];
  /** The unique ids that the operation writes; absent for a read. */
  readonly uids?: readonly string[];
  /** Whether the operation writes although it has no `uids`. */
  readonly writes?: boolean;
  /** How many objects it reads or writes, where it names none of them. */
  readonly size?: number;
}

/** Whether an operation may change what is stored. */
export function isWrite({ uids, writes }: OperationContext): boolean {
  return uids !== undefined || writes === true;
}

/** How many objects an operation reads or writes; undefined where that is not known when it begins. */
export function sizeOf({ model, size, uids, reads }: OperationContext): number | undefined {
  // `clear` writes all, and names none.
  return size ?? (model === undefined ? undefined : (uids ?? reads)?.length);
}
