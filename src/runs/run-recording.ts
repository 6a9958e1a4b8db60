import type { Diff } from '../diff/diff.js';
import type { BaseStore } from '../store/base-store.js';
import type { ChangeParts } from './change-lines.js';
import { Streaks } from './flapping.js';
import type { Retention } from './history-types.js';
import { markInterrupted } from './interrupted.js';
import { pruneRuns } from './prune.js';
import { saveOutcomes, type ChangeOutcomes } from './run-changes.js';
import type { RunDraft } from './run-draft.js';
import { runOf, type RunPair } from './run-records.js';
import { RunStore, type OpenedRun } from './run-store.js';
import type { SyncRun } from './sync-run.js';

/** The record of one run, from its beginning to its end. */
export class RunRecording {
  private constructor(
    private readonly history: RunStore,
    private readonly draft: RunDraft,
    private readonly opened: OpenedRun,
    /** What the last good run of the source has left. */
    readonly pair: RunPair | undefined,
  ) {}

  /** Begins the record of a run, and marks those as interrupted whose process was killed. @param joined - a run that goes on. */
  static async begin(
    store: BaseStore,
    draft: RunDraft,
    exclusive: SyncRun['exclusive'],
    joined: string | undefined,
    signal: AbortSignal,
  ): Promise<RunRecording> {
    const history = await RunStore.of(store, signal);
    await markInterrupted(history, exclusive, joined);
    const pair = await history.pair(draft.toRun().source);
    const opened = await history.begin(draft.toRun());
    draft.facts.previous = opened.previous;
    return new RunRecording(history, draft, opened, pair);
  }

  /** The longest text of a record. */
  get maxLength(): number {
    return this.history.maxLength;
  }

  /** Returns the counts of how often the attributes were set by the runs before. */
  async streaks(): Promise<Streaks> {
    return Streaks.read(this.pair === undefined ? noTexts() : this.history.streaks(this.pair));
  }

  /** Returns a run of this target. @throws RunNotFound */
  async runOf(id: string): Promise<SyncRun> {
    return runOf(await this.history.record(id));
  }

  /** Notes in the record of a plan that this run applies it. */
  async applies(plan: string): Promise<void> {
    await this.history.note(plan, { appliedBy: this.draft.id });
  }

  /** Returns the runs that have performed a part of this one, the last one last. */
  attemptsOf(index: number): Promise<readonly SyncRun[]> {
    return this.history.attemptsOf(this.draft.id, index);
  }

  /** Writes what is to be changed, before it is. */
  async writeChanges(parts: ChangeParts): Promise<void> {
    const { history, draft, opened } = this;
    await history.writeChanges(draft.id, opened, draft.startedAt, parts);
    await history.save(draft.toRun(), { chunks: parts.parts.length }, false);
  }

  /** Writes the plan of a dry run. */
  async writePlan(diff: Diff): Promise<void> {
    const { history, draft } = this;
    const plans = await history.writePlan(draft.id, diff.toJSONLinesAsync());
    await history.save(draft.toRun(), { plans }, false);
  }

  /** Writes what has become of the changes. */
  async writeOutcomes(outcomes: ChangeOutcomes): Promise<void> {
    const { history, draft } = this;
    const rest = await saveOutcomes(history, await history.record(draft.id), outcomes);
    await history.save(draft.toRun(), { rest }, false);
  }

  /**
   * Ends the record.
   * @param good - Whether later runs are compared with this one. @param streaks - what the next run has to know.
   */
  async end(
    good: boolean,
    streaks: readonly string[],
    kept: Readonly<Record<string, number>>,
    retention: Retention,
  ): Promise<void> {
    const { history, draft, pair } = this;
    const run = draft.toRun();
    // Another process has gone on with it since, and the record is that one's.
    if (!(await history.isOwn(run.id))) return;
    if (good) await history.savePair({ source: run.source, run: run.id, objects: kept }, streaks, pair);
    await history.save(run, {}, true);
    await pruneRuns(history, retention);
  }
}

async function* noTexts(): AsyncGenerator<string, void, undefined> {}
