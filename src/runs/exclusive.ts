import { ValueError } from '../errors.js';
import type { BaseStore } from '../store/base-store.js';
import type { ExclusiveOptions, RunOptions } from './run-options.js';
import type { SyncRun } from './sync-run.js';

/** Who asks for a target. */
export interface RunHolder {
  readonly id: string;
  readonly by: string | undefined;
}

/** @throws ValueError for what is neither a boolean nor options. @returns the options; undefined where others are not kept out. */
export function exclusiveOptions(exclusive: RunOptions['exclusive']): ExclusiveOptions | undefined {
  if (exclusive === undefined || exclusive === true) return {};
  if (exclusive === false) return undefined;
  if (typeof exclusive !== 'object' || exclusive === null) {
    throw new ValueError('exclusive is neither true, false, nor an object: { ttlMs, waitMs, joins }');
  }
  return exclusive;
}

/**
 * Runs work that changes a target, unless another run of the target is under way: the lease of its store is held meanwhile.
 * @param work - gets how far others are kept out, and a signal that is aborted too when the lease is lost.
 * @throws SyncInProgress if another run has the target and does not end within `waitMs`; LeaseLost.
 */
export async function holdTarget<T>(
  store: BaseStore,
  { id, by }: RunHolder,
  options: ExclusiveOptions | undefined,
  signal: AbortSignal,
  work: (kind: SyncRun['exclusive'], signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (options === undefined) return work('none', signal);
  const lease = await store.acquireLease({ ...options, holder: { runId: id, by }, signal });
  let result: T;
  try {
    const either = AbortSignal.any([signal, lease.lost]);
    result = await lease.run(() => work(lease.scope === 'store' ? 'lease' : 'process', either));
  } catch (error) {
    await lease.release().catch(() => undefined); // It expires by itself, and the caller gets the first error.
    throw error;
  }
  await lease.release();
  return result;
}
