import type { Diff } from '../diff/diff.js';
import type { SyncerOptions } from '../engine/apply/sync-options.js';
import type { DiffOptions } from '../engine/compare/differ.js';
import { ValueError } from '../errors.js';
import type { DiffSyncLogger } from '../logging/logger.js';
import type { Refused } from '../model/declared-fields.js';
import type { DiffSyncModel } from '../model/diffsync-model.js';
import { BaseStore } from '../store/base-store.js';
import { findUnknownOption, optionHint, type OptionNames } from '../values/option-names.js';

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
  store?: BaseStore | undefined;
  /** The adapter's name in diffs, logs and errors. Default: the name of its class. */
  name?: string | undefined;
  /** The adapter's logger. Default: the store's logger, else Nest's at the verbosity of `enableConsoleLogging`. */
  logger?: DiffSyncLogger | undefined;
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
  diff?: Diff | undefined;
  /**
   * What becomes of a diff that was loaded from a plan, where an object that it changes, or the parent, is no longer as the plan saw
   * it, on either side: `refuse` throws DiffStale (DIFF_STALE) before anything is changed, `skip` leaves those changes out, which are
   * then in the diff's `stale`, and makes all others. What else has changed since is of no matter. Default: `refuse`.
   */
  onStale?: 'refuse' | 'skip' | undefined;
  /** Whether to apply a diff that was loaded from a plan as it is, whatever has changed since. Default: false. */
  allowStale?: boolean | undefined;
  /** Whether to compare again after the sync; what is not settled is then the diff's `unsettled`. Default: false. */
  verify?: boolean | undefined;
  /**
   * How long to wait, in milliseconds, for another sync or reload of the same target in this process. After that the sync is
   * refused with SyncInProgress (SYNC_IN_PROGRESS). It compares once it has waited; a diff that is given may be stale by then.
   * Default: 0, it is refused at once.
   */
  waitMs?: number | undefined;
}

/** The class of the diff, which is that of the answer, and filters that are checked by the names of their models. */
export interface OfDiffClass<D extends Diff, Filtered = FilteredObjects> {
  /** The class of the diff that is returned. Default: `Diff`. */
  diffClass?: (new () => D) | undefined;
  /** Filters by model: a pair is compared, with everything below it, if the object of either side passes. Default: none. */
  filters?: (FiltersOf<Filtered> & OwnFilters<NoInfer<Filtered>>) | undefined;
}

/** Options of a diff without those that are typed by the call. */
export type UntypedDiffOptions = Omit<DiffOptions, keyof OfDiffClass<Diff>>;
/** Options of a sync without those that are typed by the call. */
export type UntypedSyncOptions = Omit<SyncOptions, keyof OfDiffClass<Diff> | 'diff'>;

/** An object of a model whose class is not known: its fields may hold anything. */
export type AnyObject = DiffSyncModel & { readonly [field: string]: unknown };
/** The objects that filters get, by model. */
export type FilteredObjects = Readonly<Record<string, DiffSyncModel>>;
/** The objects that filters get whose parameter has no type. */
export type AnyObjects = Readonly<Record<string, AnyObject>>;
/** Filters of these objects, by model. */
export type FiltersOf<Filtered> = {
  readonly [Name in keyof Filtered]: { filter(obj: Filtered[Name]): boolean }['filter'] | undefined;
};
/** What is wrong with filters that stand under the name of another model. */
export type OwnFilters<Filtered> = {
  readonly [Name in keyof Filtered]: Filtered[Name] extends { getType(): infer Own }
    ? Name extends Own
      ? unknown
      : string extends Name
        ? unknown
        : Refused<`this filter is for objects of the model "${Own & string}"`>
    : unknown;
};

export const ADAPTER_OPTIONS: OptionNames<AdapterOptions> = { store: true, name: true, logger: true };

export const SYNC_OPTIONS: OptionNames<SyncOptions> = {
  flags: true,
  diffClass: true,
  onProgress: true,
  signal: true,
  unlisted: true,
  partition: true,
  incremental: true,
  fullCompareEvery: true,
  modelTypes: true,
  filters: true,
  syncAttrs: true,
  excludeAttrs: true,
  diff: true,
  onStale: true,
  allowStale: true,
  verify: true,
  waitMs: true,
  syncFilter: true,
  continueOnFailure: true,
  concurrency: true,
  runId: true,
  batchSize: true,
  maxDeletes: true,
  maxDeletePercent: true,
};

/** Options of Python's diffsync that have another name here, besides those that are spelled in camelCase. */
export const PYTHON_OPTIONS = { callback: 'onProgress' };

/** @throws ValueError for what is no store, the class of one for example. */
export function checkStore(store: unknown): BaseStore {
  if (store instanceof BaseStore) return store;
  if (typeof store === 'function') {
    throw new ValueError(`store is the class ${store.name}; pass a store: new ${store.name}(…)`);
  }
  throw new ValueError('store is no store: it must extend BaseStore');
}

/** @throws ValueError for an option that there is not: it would be ignored. */
export function checkOptionNames(
  owner: string,
  options: object,
  known: Readonly<Record<string, true>>,
  renamed: Readonly<Record<string, string>>,
): void {
  const unknown = findUnknownOption(options, known, renamed);
  if (unknown === undefined) return;
  throw new ValueError(`${owner} has no option "${unknown.name}": ${optionHint(unknown.meant, known)}`);
}
