import type { Diff } from '../diff/diff.js';
import type { SyncerOptions } from '../engine/apply/sync-options.js';
import type { DiffOptions } from '../engine/compare/differ.js';
import type { DiffSyncLogger } from '../logging/logger.js';
import type { BaseStore } from '../store/base-store.js';

/**
 * How an adapter is constructed.
 *
 * @example
 * ```ts
 * const cmdb = new Inventory({ name: 'cmdb', store: new SqliteStore({ path: 'cmdb.sqlite' }) });
 * ```
 */
export interface AdapterOptions {
  /** The store that keeps the adapter's objects, and those of no other adapter. Default: a new LocalStore. */
  readonly store?: BaseStore | undefined;
  /** The adapter's name in diffs, logs and errors. Default: the name of its class. */
  readonly name?: string | undefined;
  /** The adapter's logger. Default: the store's logger, else Nest's at the verbosity of `enableConsoleLogging`. */
  readonly logger?: DiffSyncLogger | undefined;
}

/**
 * How an adapter is made equal to another one.
 *
 * @example
 * ```ts
 * const diff = await cmdb.diffFrom(network);
 * await cmdb.syncFrom(network, { diff: diff.filter({ actions: ['create', 'update'] }), verify: true });
 * ```
 */
export interface SyncOptions extends DiffOptions, SyncerOptions {
  /** A diff that was made before; it is applied as it is, even when it is empty. Default: a new one. */
  readonly diff?: Diff;
  /** Whether to apply a diff that was loaded from a plan although a side has changed since. Default: false. */
  readonly allowStale?: boolean;
  /** Whether to compare again after the sync; what is not settled is then the diff's `unsettled`. Default: false. */
  readonly verify?: boolean;
  /**
   * How long to wait, in milliseconds, for another sync or reload of the same target in this process. After that the sync is
   * refused with SyncInProgress (SYNC_IN_PROGRESS). It compares once it has waited; a diff that is given may be stale by then.
   * Default: 0, it is refused at once.
   */
  readonly waitMs?: number;
}
