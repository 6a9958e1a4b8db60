import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { doInSteps } from '../../async/steps.js';
import type { Diff, DiffElement } from '../../diff/diff.js';
import { DiffSyncError, ObjectStoreException, ValueError } from '../../errors.js';
import { DiffSyncFlags } from '../../flags.js';
import type { CallbackFailures } from '../callback-failures.js';
import { RunLogger } from '../run-logger.js';
import { unlinkMissing } from '../../store/engine-access.js';
import { LOGGER, abortedError, checkAborted, type Side } from '../side.js';
import { AtomicSubtrees } from './atomic-subtrees.js';
import { hasBulkHook } from './call-hooks.js';
import { checkDeleteLimits } from './delete-guard.js';
import { findDeleted } from './deleted-objects.js';
import { DepthFirstWalk } from './depth-first-walk.js';
import { FilterAnswers } from './filter-answers.js';
import { GroupedWalk } from './grouped-walk.js';
import type { SyncParts } from './object-work.js';
import { SyncLinks } from './sync-links.js';
import { findingExcluded, findingMoves, SyncMoves } from './sync-moves.js';
import { requireAtLeast, type SyncerOptions } from './sync-options.js';
import { SyncPlan } from './sync-plan.js';
import { SyncReport } from './sync-report.js';
import { TargetCache } from './target-cache.js';

/**
 * Applies a diff to the target: walks its elements, calls the models' hooks, and saves what they did. Target objects are
 * read, and changes written, in batches.
 */
export class Syncer {
  private constructor(
    private readonly diff: Diff,
    private readonly dst: Side,
    private readonly options: SyncerOptions,
    private readonly logger: RunLogger,
    private readonly parts: SyncParts,
    private readonly filter: FilterAnswers,
    private readonly batchSize: number,
  ) {}

  /**
   * Plans a sync.
   * @param stale the changes that are left out -> why.
   * @param callbacks what the caller's callbacks and logger throw: the sync goes on.
   * @throws ValueError for an option out of its range, or a run without an id; ObjectStoreWrongType for a type that the target has no model for.
   */
  static async plan(
    diff: Diff,
    src: Side,
    dst: Side,
    options: SyncerOptions,
    callbacks: CallbackFailures,
    stale: ReadonlyMap<DiffElement, string>,
  ): Promise<Syncer> {
    const concurrency = requireAtLeast('concurrency', options.concurrency ?? 1, 1);
    const batchSize = requireAtLeast('batchSize', options.batchSize ?? 500, 1);
    const { signal, flags = DiffSyncFlags.NONE } = options;
    const check = (): void => checkAborted(signal);
    const plan = await doInSteps(SyncPlan.making(diff, src, dst), check);
    const found = await doInSteps(findingMoves(plan), check);
    const excluded = await doInSteps(findingExcluded(plan, diff), check);
    const filter = new FilterAnswers(options.syncFilter, stale);
    const cache = new TargetCache(dst.store, plan, found, dst);
    const logger = new RunLogger(dst[LOGGER], { source: src.name, target: dst.name, flags }, callbacks);
    const report = new SyncReport(dst, plan, options, logger, callbacks);
    const moves = new SyncMoves(plan, found, cache, filter, report, excluded);
    // A plan does not say what its comparison has left out.
    const hidesParents = diff.hidesParents || diff.isPlan || diff.original !== undefined;
    const leavesUnmatched = (diff.terms.flags & DiffSyncFlags.SKIP_UNMATCHED_DST) !== 0;
    const keepsLinks = hidesParents || leavesUnmatched || plan.hasDeletes;
    const links = new SyncLinks(plan, dst, cache, filter, report, concurrency, keepsLinks);
    const subtrees = new AtomicSubtrees(dst.store);
    const moving = new Set(found.values());
    const caller = { adapter: dst, runId: runIdOf(options) };
    const parts = {
      plan,
      dst,
      cache,
      moves,
      moving,
      links,
      report,
      subtrees,
      caller,
      concurrency,
      signal,
      hidesParents,
    };
    return new Syncer(diff, dst, options, logger, parts, filter, batchSize);
  }

  /**
   * @returns whether anything was changed.
   * @throws TooManyDeletes before anything is changed; else what a hook threw, after all that was done before it is saved.
   */
  async perform(): Promise<boolean> {
    const { diff, dst } = this;
    const { report, links, subtrees } = this.parts;
    // Of an earlier sync with this diff nothing is left, also where this one is refused.
    Object.assign(diff, { operations: report.operations, errors: report.failures });
    const { plan, signal } = this.parts;
    const check = (): void => checkAborted(signal);
    await doInSteps(report.clearingStatuses(), check);
    const count = async (): Promise<number> => (await findDeleted(plan, dst, this.filter, signal)).size;
    await checkDeleteLimits(diff, dst.name, this.options, count).catch((error: unknown) => {
      throw abortedError(error, signal);
    });
    check();
    const started = performance.now();
    this.logger.debug('Beginning sync');
    try {
      await this.unlinkDangling();
      await this.walk().applyAll();
      await links.finish();
    } catch (error) {
      await this.flushAfter(error);
      throw abortedError(error, this.parts.signal);
    } finally {
      subtrees.closeAll();
    }
    await dst.store.flush();
    await links.takeBackLost();
    report.finish();
    report.logSummary(performance.now() - started);
    return report.changed;
  }

  /** Takes out of the target's lists what does not exist, before anything of that unique id is created. */
  private async unlinkDangling(): Promise<void> {
    const { dst, diff } = this;
    const links = diff.danglingLinks.target.filter(({ child }) => dst.modelClasses.has(child.model));
    const removed = await unlinkMissing(dst.store, links, this.parts.signal);
    if (removed.length > 0) this.parts.report.changed = true;
    for (const { model, uniqueId, child } of removed) {
      const message = `Unlinked ${child.model} ${child.uniqueId}, which does not exist`;
      this.logger.verbose(message, { model, uniqueId });
    }
  }

  /** Returns the walk in the reference's order, unless hooks are called for several objects at a time. */
  private walk(): DepthFirstWalk | GroupedWalk {
    const { plan, concurrency } = this.parts;
    return concurrency === 1 && !plan.nodes.some(hasBulkHook)
      ? new DepthFirstWalk(this.parts, this.filter)
      : new GroupedWalk(this.parts, this.filter, this.batchSize);
  }

  private async flushAfter(error: unknown): Promise<void> {
    try {
      await this.dst.store.flush();
    } catch (unsaved) {
      const what = `The sync into ${this.dst.name} failed, and what it had done before could not be saved`;
      const cause = new AggregateError([error, unsaved], `${String(error)}; ${String(unsaved)}`);
      const message = `${what}: ${cause.message}`;
      if (!(unsaved instanceof ObjectStoreException)) throw new DiffSyncError(message, { cause });
      throw new ObjectStoreException(message, { code: unsaved.code, cause });
    }
  }
}

/** Keys made of an empty id would be the same in all runs. */
function runIdOf({ runId = randomUUID() }: SyncerOptions): string {
  if (typeof runId === 'string' && runId !== '') return runId;
  throw new ValueError(`runId is ${inspect(runId)}, not the id of a run`);
}
