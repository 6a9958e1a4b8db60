import type { Diff } from '../diff/diff.js';
import type { DiffSyncAction } from '../flags.js';
import { traceChannel, type TraceContext } from '../logging/channels.js';

/** Says which adapter loads its objects: the message of `diffsync:load`. */
export interface LoadTrace extends TraceContext {
  /** The name of the adapter. */
  readonly adapter: string;
  /** Whether it is a `reload`: the call of `load`, which is a message of its own, and the writes that make the store equal to it. */
  readonly reload: boolean;
}

/** Says which sides are compared: the message of `diffsync:diff`. */
export interface DiffTrace extends TraceContext {
  /** The name of the source's adapter. */
  readonly source: string;
  /** The name of the target's adapter. */
  readonly target: string;
  /** The diff, once the comparison has ended. */
  result?: Diff;
}

/** Says which sync is running: the message of `diffsync:sync`. */
export interface SyncTrace extends TraceContext {
  /** The name of the source's adapter. */
  readonly source: string;
  /** The name of the target's adapter. */
  readonly target: string;
  /** The diff that is applied, once it is known. Its `operations` and `errors` say what was done, also of a sync that has failed. */
  diff?: Diff;
}

/**
 * Says which hook is called: the message of `diffsync:hook`. Single hooks are called for one object, bulk hooks for many. Those that
 * a model does not override are not told of: they change nothing but the store.
 */
export interface HookTrace extends TraceContext {
  /** The name of the method: `create`, `update`, `delete`, `createBulk`, `updateBulk` or `deleteBulk`. */
  readonly hook: DiffSyncAction | `${DiffSyncAction}Bulk`;
  readonly action: DiffSyncAction;
  /** The name of the objects' model. */
  readonly model: string;
  /** The name of the target's adapter. */
  readonly target: string;
  /** How many objects it is called for. */
  readonly size: number;
  /** The unique ids of those objects. */
  readonly uids: readonly string[];
}

/**
 * The tracing channel `diffsync:load`: calls of an adapter's `load`, and reloads around them.
 *
 * @example
 * ```ts
 * loadChannel.asyncEnd.subscribe((message) => console.log('loaded', (message as LoadTrace).adapter));
 * ```
 */
export const loadChannel = traceChannel<LoadTrace>('diffsync:load');

/**
 * The tracing channel `diffsync:diff`: comparisons of two adapters.
 *
 * @example
 * ```ts
 * diffChannel.asyncEnd.subscribe((message) => console.log((message as DiffTrace).result?.summary()));
 * ```
 */
export const diffChannel = traceChannel<DiffTrace>('diffsync:diff');

/**
 * The tracing channel `diffsync:sync`: syncs, from the moment at which they have their target for themselves.
 *
 * @example
 * ```ts
 * syncChannel.asyncEnd.subscribe((message) => console.log((message as SyncTrace).diff?.operations));
 * ```
 */
export const syncChannel = traceChannel<SyncTrace>('diffsync:sync');

/**
 * The tracing channel `diffsync:hook`: each call of a hook that a model overrides, by a sync.
 *
 * @example
 * ```ts
 * hookChannel.error.subscribe((message) => console.log((message as HookTrace).hook, (message as HookTrace).error));
 * ```
 */
export const hookChannel = traceChannel<HookTrace>('diffsync:hook');
