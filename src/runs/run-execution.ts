import { withHidden } from '../values/hidden-property.js';
import type { Diff } from '../diff/diff.js';
import type { DiffOptions } from '../engine/compare/differ.js';
import type { ProgressCallback } from '../engine/progress.js';
import { abortedError, LOGGER } from '../engine/side.js';
import { LeaseLost, SyncAborted } from '../errors.js';
import { countByModel } from '../store/engine-access.js';
import { Streaks } from './flapping.js';
import type { ResolvedGuards } from './guard-limits.js';
import { whileRunning } from './interrupted.js';
import { loadSides } from './load-sides.js';
import { countResults, outcomesOf, partsOfChanges } from './run-changes.js';
import type { RunDraft } from './run-draft.js';
import { RunGuards, without } from './run-guards.js';
import { RunLog } from './run-log.js';
import type { ExclusiveOptions } from './run-options.js';
import { RunRecording } from './run-recording.js';
import { addResults, PartedRun } from './parted-run.js';
import type { RunWork } from './run-work.js';
import type { SyncRun } from './sync-run.js';
import { tallyOf, type DiffTally } from './tally.js';
import type { Withheld } from './withhold.js';

/** What is to be changed, and what a walk over it has found. */
interface Changes {
  readonly diff: Diff;
  readonly tally: DiffTally;
}

/** One run that holds its target: its phases in their order. */
export class RunExecution {
  private readonly guards: RunGuards;
  private recording: RunRecording | undefined;
  private streaks: Streaks | undefined;

  constructor(
    private readonly work: RunWork,
    private readonly draft: RunDraft,
    guards: ResolvedGuards | undefined,
    private readonly exclusive: ExclusiveOptions | undefined,
  ) {
    this.guards = new RunGuards(work.source, work.target, guards, draft.guards);
  }

  /** @returns the run. @throws what has ended it, with the run. */
  async perform(scope: SyncRun['exclusive'], signal: AbortSignal): Promise<SyncRun> {
    const { draft, work } = this;
    draft.facts.exclusive = scope;
    return whileRunning(draft.id, async () => {
      if (work.history) {
        const { target } = work;
        this.recording = await RunRecording.begin(target.store, draft, scope, this.exclusive?.joins, signal);
        this.guards.baseline = this.recording.pair?.objects ?? {};
      }
      const log = new RunLog(work, draft.callbacks);
      log.begun(draft.toRun());
      draft.callbacks.call(() => work.onBegin?.(draft.toRun()));
      try {
        await this.phases(signal);
      } catch (error) {
        const reason = reasonOf(abortedError(error, signal));
        draft.end({ error: reason });
        log.ended(draft.toRun());
        await this.endRecord(false, reason);
        draft.callbacks.settle(true);
        throw withHidden(reason, 'run', draft.toRun());
      }
      draft.end();
      log.ended(draft.toRun());
      await this.endRecord(true, undefined);
      draft.callbacks.settle(false);
      return draft.toRun();
    });
  }

  private async phases(signal: AbortSignal): Promise<void> {
    const { draft, work, guards } = this;
    const { source, target, kind, load = 'both', sync } = work;
    const waitMs = this.exclusive?.waitMs ?? 0;
    await loadSides(draft, { source, target, load, waitMs, review: (side) => guards.review(side) }, signal);
    const sourceObjects = Object.fromEntries(await countByModel(source.store, signal));
    draft.facts.sourceObjects = sourceObjects;
    if (work.withoutDeletes !== undefined) guards.skipDeletes(work.withoutDeletes);
    const parted = this.partedRun();
    await parted?.checkGuards(sourceObjects, signal);
    await parted?.synchronise(this.recording, signal);
    if (parted !== undefined && !(await parted.leavesMore(signal))) {
      Object.assign(draft.facts, parted.compared);
      return;
    }
    const onProgress: ProgressCallback = (_, current, total) => draft.report('compare', current, total);
    const diff = await draft.phase('compare', () => work.compare({ onProgress, signal }, draft.facts));
    const tally = await tallyOf(diff, signal);
    const planned = diff.isPlan && work.of !== undefined ? await this.recording?.runOf(work.of) : undefined;
    // A plan has lost the unchanged objects, which its run has counted.
    const { counts, models } = planned ?? parted?.addTo(tally.counts, tally.models) ?? tally;
    const { incremental, fullBecause } = diff;
    Object.assign(draft.facts, {
      counts,
      models,
      fullBecause,
      incremental: incremental === false ? undefined : incremental,
    });
    const check = (): Promise<Withheld> =>
      guards.checkDiff(diff, tally, (planned ?? tally).models, sourceObjects, sync.syncFilter, signal);
    const changes = { diff, tally };
    let withheld: Withheld;
    try {
      withheld = await draft.phase('guard', check);
    } catch (error) {
      // A plan that was refused can be looked at, and applied with other guards.
      if (kind === 'dry-run') await this.record(changes, new Map(), signal);
      throw error;
    }
    await this.record(changes, withheld, signal);
    if (kind === 'dry-run') return;
    await this.apply(changes, withheld, parted, signal);
    if (work.verify === true) await draft.phase('verify', () => this.verify(diff, signal));
  }

  /** @returns undefined for a run that is not divided. A dry run is made as one, so that its plan is one. */
  private partedRun(): PartedRun | undefined {
    const { work, draft, guards } = this;
    const { parts, kind } = work;
    return parts === undefined || kind === 'dry-run' ? undefined : new PartedRun(work, parts, draft, guards);
  }

  /** Records the changes before they are made, so that it is known what a killed process may have done. */
  private async record({ diff, tally }: Changes, withheld: Withheld, signal: AbortSignal): Promise<void> {
    const { draft, recording, work } = this;
    if (recording === undefined) return;
    await draft.phase('record', async () => {
      this.streaks = await recording.streaks();
      const { maxLength } = recording;
      const parts = await partsOfChanges(tally, work.target, withheld, this.streaks, maxLength, signal);
      draft.facts.changes = (draft.facts.changes ?? 0) + parts.count;
      draft.facts.flapping = this.streaks.flapping;
      await recording.writeChanges(parts);
      if (work.kind === 'dry-run') await recording.writePlan(await without(diff, withheld));
    });
  }

  private async apply(
    { diff, tally }: Changes,
    withheld: Withheld,
    parted: PartedRun | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { draft, work, recording } = this;
    const { source, target } = work;
    const applied = await without(diff, withheld);
    await parted?.checkRest(applied, tally, signal);
    const sync =
      parted === undefined ? work.sync : { ...work.sync, maxDeletes: undefined, maxDeletePercent: undefined };
    const onProgress: DiffOptions['onProgress'] = (_, current, total) => draft.report('apply', current, total);
    const runId = work.part?.run ?? draft.id;
    let hasEnded = false;
    try {
      const waitMs = this.exclusive?.waitMs ?? 0;
      await draft.phase('apply', () =>
        target.syncFrom(source, { ...sync, runId, diff: applied, onProgress, signal, waitMs }),
      );
      hasEnded = true;
    } finally {
      const outcomes = await outcomesOf(tally, applied, withheld, hasEnded);
      const results = countResults(outcomes);
      draft.facts.results = addResults(draft.facts.results, results);
      await recording?.writeOutcomes(outcomes);
      // A plan that was stale, and refused for that, was not applied.
      const isApplied = work.kind === 'apply' && (hasEnded || results.done > 0);
      if (isApplied && work.of !== undefined) await recording?.applies(work.of);
    }
  }

  /** Compares again. What was left out on purpose is no difference. */
  private async verify({ terms }: Diff, signal: AbortSignal): Promise<void> {
    const { draft, work, guards } = this;
    const { source: _, target: __, compared: ___, filtered: ____, secret: _____, ...scope } = terms;
    const { filters, diffClass } = work.sync;
    const onProgress: DiffOptions['onProgress'] = (_stage, current, total) => draft.report('verify', current, total);
    const again = await work.target.diffFrom(work.source, { ...scope, filters, diffClass, onProgress, signal });
    const tally = await tallyOf(again, signal);
    const unsettled = tally.changed.length - (await guards.withheldOf(tally, signal)).size;
    draft.facts.unsettled = unsettled;
    if (unsettled === 0) return;
    work.target[LOGGER].warning(`The run ${draft.id} has left ${unsettled} differences in ${work.target.name}`);
  }

  /** Ends the record. A record that cannot be written fails the run, unless it has failed already. */
  private async endRecord(succeeded: boolean, failure: unknown): Promise<void> {
    const { draft, recording, work } = this;
    if (recording === undefined) return;
    const good = succeeded && work.kind !== 'dry-run' && work.kind !== 'undo' && work.part === undefined;
    try {
      await recording.end(good, this.streaks?.texts() ?? [], this.goodObjects(), work.retention);
    } catch (error) {
      if (failure === undefined) throw withHidden(error, 'run', draft.toRun());
      work.target[LOGGER].error(`The end of the run ${draft.id} could not be recorded: ${String(error)}`);
    }
  }

  /** Returns the objects of the source with which the next run is compared: those of an incomplete model stay as they were. */
  private goodObjects(): Readonly<Record<string, number>> {
    const incomplete = this.guards.incompleteModels();
    const { baseline } = this.guards;
    const kept = Object.entries(baseline).filter(([model]) => incomplete.has(model));
    const counted = Object.entries(this.draft.facts.sourceObjects ?? {}).filter(([model]) => !incomplete.has(model));
    return Object.fromEntries([...counted, ...kept]);
  }
}

/** Returns why a run was aborted where it was not its signal. */
function reasonOf(error: unknown): unknown {
  return error instanceof SyncAborted && error.cause instanceof LeaseLost ? error.cause : error;
}
