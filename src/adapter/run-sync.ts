import { withHidden } from '../values/hidden-property.js';
import { inspect } from 'node:util';
import { Diff, type DiffElement } from '../diff/diff.js';
import type { ModelOperations } from '../diff/sync-outcome.js';
import { findDoneByOthers } from '../engine/apply/done-by-others.js';
import { Syncer } from '../engine/apply/syncer.js';
import type { DiffOptions } from '../engine/compare/differ.js';
import { settlePlan } from '../engine/compare/staleness.js';
import { CallbackFailures } from '../engine/callback-failures.js';
import { leaveBaseline } from '../engine/incremental/compare-incrementally.js';
import { LOGGER, type Side } from '../engine/side.js';
import { runAlone } from '../engine/target-lock.js';
import { syncChannel, type SyncTrace } from '../engine/traces.js';
import { DiffClassMismatch, DiffCompareFailed, ValueError } from '../errors.js';
import { DiffSyncFlags } from '../flags.js';
import { traced } from '../logging/channels.js';
import type { DiffSyncLogger } from '../logging/logger.js';
import { whileOpen } from '../store/engine-access.js';
import { DiffSyncModel } from '../model/diffsync-model.js';
import type { ModelClass } from '../model/model-class.js';
import type { SyncOptions } from './adapter-options.js';

/** What a sync calls on the adapter that it changes. */
interface SyncTarget<Source extends Side> extends Side {
  diffFrom(source: Source, options: DiffOptions): Promise<Diff>;
  syncComplete(
    source: Source,
    diff: Diff,
    flags: DiffSyncFlags,
    logger: DiffSyncLogger,
    operations: ReadonlyMap<string, ModelOperations>,
  ): Promise<void>;
}

const NONE: ReadonlyMap<DiffElement, string> = new Map();
/** So many stale changes are in the warning; all are in the diff. */
const MAX_NAMED = 10;

const STATIC_HOOKS = ['create', 'createBulk', 'updateBulk', 'deleteBulk'];
const OBJECT_HOOKS = ['update', 'delete', 'linkChild', 'unlinkChild'];

/**
 * Makes a target equal to a source, as `Adapter.syncFrom` says. No other sync or reload of the target runs meanwhile.
 * @param callsSyncComplete - Whether the target's `syncComplete` does anything.
 */
export async function runSync<Source extends Side>(
  target: SyncTarget<Source>,
  source: Source,
  options: SyncOptions,
  callsSyncComplete: boolean,
): Promise<Diff> {
  const { diffClass = Diff, waitMs = 0, signal, onStale = 'refuse' } = options;
  if (onStale !== 'refuse' && onStale !== 'skip')
    throw new ValueError(`onStale is 'refuse' or 'skip', not ${inspect(onStale)}`);
  if (onStale === 'skip' && options.allowStale === true) {
    throw new ValueError("onStale: 'skip' leaves out what is stale, and allowStale makes it: pass one of them");
  }
  const given = options.diff?.constructor.name;
  if (given !== undefined && !(options.diff instanceof diffClass)) {
    throw new DiffClassMismatch(
      `The provided diff's class (${given}) does not match the diff_class: ${diffClass.name}`,
    );
  }
  const tracked = callsSyncComplete || callsUserCode(target, options);
  return runAlone(target.store, `sync from ${source.name} into ${target.name}`, { waitMs, signal, tracked }, () =>
    whileOpen(target.store, signal, (open) => {
      const given = { ...options, signal: open };
      if (!syncChannel.hasSubscribers) return sync(target, source, given);
      const trace: SyncTrace = { source: source.name, target: target.name };
      return traced(syncChannel, trace, () => sync(target, source, given, trace));
    }),
  );
}

async function sync<Source extends Side>(
  target: SyncTarget<Source>,
  source: Source,
  options: SyncOptions,
  trace?: SyncTrace,
): Promise<Diff> {
  options.diff?.checkIntact();
  const stale = await leftOut(target, source, options);
  const diff = options.diff ?? (await target.diffFrom(source, options));
  if (trace !== undefined) trace.diff = diff;
  if (diff.stale.length > 0) logStale(target, diff);
  try {
    await applyDiff(target, source, diff, options, stale);
    await leaveForNext(diff, target);
  } catch (error) {
    throw withHidden(error, 'diff', diff);
  }
  return diff;
}

/** Returns the changes of a given diff that are not made -> why. */
async function leftOut(target: Side, source: Side, options: SyncOptions): Promise<ReadonlyMap<DiffElement, string>> {
  const { diff, signal } = options;
  if (diff?.isPlan === true) return settlePlan(diff, source, target, options);
  return diff?.terms.partition === undefined ? NONE : findDoneByOthers(diff, source, target, signal);
}

async function applyDiff<Source extends Side>(
  target: SyncTarget<Source>,
  source: Source,
  diff: Diff,
  options: SyncOptions,
  stale: ReadonlyMap<DiffElement, string>,
): Promise<void> {
  const { flags = DiffSyncFlags.NONE } = options;
  const callbacks = new CallbackFailures();
  try {
    const changed = await (await Syncer.plan(diff, source, target, options, callbacks, stale)).perform();
    if (changed) await target.syncComplete(source, diff, flags, target[LOGGER], diff.operations);
    if (options.verify === true) await compareAgain(target, source, diff, options);
  } catch (error) {
    callbacks.settle(true);
    throw error;
  }
  callbacks.settle(false);
}

/** Leaves what the next incremental comparison goes on from. The sync is done and stored whatever becomes of that. */
async function leaveForNext(diff: Diff, target: Side): Promise<void> {
  try {
    await leaveBaseline(diff, target);
  } catch (error) {
    target[LOGGER].warning(
      `The sync into ${target.name} is done, but the next incremental comparison cannot go on from it: ` +
        (error instanceof Error ? error.message : inspect(error)),
    );
  }
}

function logStale(target: Side, { stale }: Diff): void {
  const named = stale
    .slice(0, MAX_NAMED)
    .map(({ action, model, uid, reason }) => `${action} ${model} ${uid}: ${reason}`);
  const more = stale.length > MAX_NAMED ? `; and ${stale.length - MAX_NAMED} more` : '';
  target[LOGGER].warning(`Some changes of the plan are stale and left out: ${named.join('; ')}${more}`);
}

async function compareAgain<Source extends Side>(
  target: SyncTarget<Source>,
  source: Source,
  diff: Diff,
  options: SyncOptions,
): Promise<void> {
  const { onProgress: _, ...terms } = options;
  const again = await target.diffFrom(source, terms);
  const summary = await differences(again);
  diff.unsettled = summary === undefined ? undefined : again;
  if (summary === undefined) return;
  target[LOGGER].warning(`The sync from ${source.name} has left differences in ${target.name}`, { summary });
}

/** Returns a summary of what differs; undefined if nothing does. */
async function differences(diff: Diff): Promise<object | undefined> {
  try {
    const summary = await diff.summaryAsync();
    return summary.create + summary.update + summary.delete > 0 ? { ...summary } : undefined;
  } catch (error) {
    if (error instanceof DiffCompareFailed) return { failed: error.message };
    throw error;
  }
}

/** Whether a sync waits for code of the caller, which may start another sync. */
function callsUserCode({ modelClasses }: Side, { syncFilter, diffClass, onProgress, diff }: SyncOptions): boolean {
  return (
    syncFilter !== undefined ||
    onProgress !== undefined ||
    (diffClass ?? diff?.constructor ?? Diff) !== Diff ||
    [...modelClasses.values()].some(overridesHook)
  );
}

function overridesHook(model: ModelClass): boolean {
  const overrides = (owner: object, base: object, hook: string): boolean =>
    Reflect.get(owner, hook) !== Reflect.get(base, hook);
  return (
    STATIC_HOOKS.some((hook) => overrides(model, DiffSyncModel, hook)) ||
    OBJECT_HOOKS.some((hook) => overrides(model.prototype, DiffSyncModel.prototype, hook))
  );
}
