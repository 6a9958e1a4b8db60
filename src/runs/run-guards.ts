import type { Adapter } from '../adapter/adapter.js';
import { incompleteOf } from '../adapter/load-watch.js';
import type { Diff, DiffElement } from '../diff/diff.js';
import type { SyncFilter } from '../engine/apply/sync-options.js';
import type { ReloadReview } from '../engine/reload.js';
import { LOGGER } from '../engine/side.js';
import {
  checkGuards,
  namedObjects,
  refusal,
  type GuardedModel,
  type GuardedWork,
  type NamedObjects,
} from './check-guards.js';
import { getOwn } from '../values/own-property.js';
import type { ResolvedGuards } from './guard-limits.js';
import type { GuardFinding } from './guards.js';
import type { SideOfRun } from './load-sides.js';
import type { RunPartResult } from './run-parts.js';
import type { ModelTally } from './sync-run.js';
import { deletedByModel, updatedByModel, type DiffTally } from './tally.js';
import { deletesToWithhold, withModelsBelow, type Withheld } from './withhold.js';

type Counts = Readonly<Record<string, number>>;

/** The guards of one run, over its loads and its diff. */
export class RunGuards {
  /** Objects that the source had in its last good run, by model. */
  baseline: Counts = {};
  /** The models of which a guard has stopped the deletes. */
  private skipped: ReadonlySet<string> | 'all' = new Set();

  /**
   * @param guards - undefined where all are switched off.
   * @param found - where findings go.
   */
  constructor(
    private readonly source: Adapter,
    private readonly target: Adapter,
    private readonly guards: ResolvedGuards | undefined,
    private readonly found: GuardFinding[],
  ) {}

  /** Returns the guard of a reload. It throws SyncRefused, or keeps objects of some models. */
  review(side: SideOfRun): ReloadReview {
    return (reloaded) => {
      const adapter = this[side];
      const incomplete = withModelsBelow(incompleteOf(adapter).keys(), adapter);
      const baseline = side === 'source' ? this.baseline : {};
      const models = reloaded.map(({ model, loaded, stored, surplus }) => ({
        model,
        source: loaded,
        target: stored,
        deleted: namedObjects(surplus),
        updated: namedObjects(),
        baseline: getOwn(baseline, model),
        now: loaded,
        incomplete: incomplete.has(model),
      }));
      const work = { at: `reload-${side}`, from: `load of ${adapter.name}`, to: adapter.name } as const;
      const kept = this.check(work, models);
      const all = reloaded.map(({ model }) => model);
      return new Set([...incomplete, ...(kept === 'all' ? all : withModelsBelow(kept, adapter))]);
    };
  }

  /**
   * Looks at a diff, before anything is applied.
   * @param compared - What was compared: a plan has lost the unchanged objects.
   * @param sourceObjects - How many objects the source has, by model.
   * @returns the changes that are not made.
   * @throws SyncRefused
   */
  async checkDiff(
    diff: Diff,
    tally: DiffTally,
    compared: Readonly<Record<string, ModelTally>>,
    sourceObjects: Counts,
    syncFilter: SyncFilter | undefined,
    signal: AbortSignal,
  ): Promise<Withheld> {
    const { deleted, updated } = await this.affectedBy(diff, tally, syncFilter, signal);
    this.checkCounts({ models: compared, deleted, updated }, sourceObjects);
    return this.withheldOf(tally, signal);
  }

  /** Returns by model the objects that would be gone, or updated. */
  async affectedBy(
    diff: Diff,
    tally: DiffTally,
    syncFilter: SyncFilter | undefined,
    signal: AbortSignal,
  ): Promise<Pick<RunPartResult, 'deleted' | 'updated'>> {
    const withheld = await this.withheldOf(tally, signal);
    const deleted = tally.changed.some(({ element }) => element.action === 'delete')
      ? await deletedByModel(await without(diff, withheld), this.source, this.target, syncFilter, signal)
      : new Map<string, readonly string[]>();
    const named = (lists: ReadonlyMap<string, readonly string[]>): Record<string, NamedObjects> =>
      Object.fromEntries([...lists].map(([model, uids]) => [model, namedObjects(uids)]));
    return { deleted: named(deleted), updated: named(updatedByModel(tally)) };
  }

  /**
   * Looks at what would be changed, before anything is applied.
   * @param sourceObjects - How many objects the source has, by model.
   * @throws SyncRefused
   */
  checkCounts(
    { models: compared, deleted, updated }: Pick<RunPartResult, 'models' | 'deleted' | 'updated'>,
    sourceObjects: Counts,
  ): void {
    const { source, target } = this;
    const incomplete = this.incompleteModels();
    const names = new Set([...Object.keys(compared), ...Object.keys(deleted), ...Object.keys(this.baseline)]);
    const models = [...names].map((model) => {
      const tally = getOwn(compared, model);
      const gone = getOwn(deleted, model) ?? namedObjects();
      return {
        model,
        source: tally?.source ?? 0,
        target: Math.max(tally?.target ?? 0, gone.count),
        deleted: gone,
        updated: getOwn(updated, model) ?? namedObjects(),
        baseline: source.modelClasses.has(model) ? getOwn(this.baseline, model) : undefined,
        now: getOwn(sourceObjects, model) ?? 0,
        incomplete: incomplete.has(model),
      };
    });
    const skipped = this.check({ at: 'sync', from: source.name, to: target.name }, models);
    if (this.skipped === 'all') return;
    this.skipped = skipped === 'all' ? skipped : withModelsBelow([...this.skipped, ...skipped], source, target);
  }

  /**
   * Whether there is anything that the guards may stop: not in a target of fewer objects than they look at, whose source has no good run
   * to be compared with.
   * @param targetObjects - How many objects the target has, by model.
   */
  mayStop(targetObjects: Counts): boolean {
    const { guards } = this;
    if (guards === undefined) return false;
    const isLookedAt = (model: string | undefined, count: number): boolean =>
      count > 0 && count >= (guards.of(model)?.minObjects ?? Infinity);
    const counts = Object.entries(targetObjects);
    const all = counts.reduce((sum, [, count]) => sum + count, 0);
    const isKnown = Object.keys(this.baseline).length > 0;
    return isKnown || isLookedAt(undefined, all) || counts.some(([model, count]) => isLookedAt(model, count));
  }

  /** The models of which nothing is deleted: what is checked next is not counted against them. */
  get withoutDeletes(): ReadonlySet<string> | 'all' {
    return this.skipped === 'all' ? 'all' : new Set([...this.skipped, ...this.incompleteModels()]);
  }

  /** Of a part of a run: leaves out the deletes that the run has found to be left out. */
  skipDeletes(models: readonly string[] | 'all'): void {
    this.skipped = models === 'all' ? models : new Set(models);
  }

  /** Finds the deletes of models of which not all objects were loaded, and those that a guard has stopped. */
  async withheldOf(tally: DiffTally, signal: AbortSignal): Promise<Withheld> {
    const withheld = new Map<DiffElement, string>();
    const causes = [
      [this.incompleteModels(), 'Left out: not all objects of its model, or of one below it, were loaded'],
      [this.skipped, 'Left out: a guard has stopped these deletes'],
    ] as const;
    for (const [models, reason] of causes) {
      if (models !== 'all' && models.size === 0) continue;
      for (const element of await deletesToWithhold(tally, models, signal)) {
        if (!withheld.has(element)) withheld.set(element, reason);
      }
    }
    return withheld;
  }

  /** Returns the models of which nothing is deleted. */
  incompleteModels(): ReadonlySet<string> {
    const { source, target } = this;
    return withModelsBelow([...incompleteOf(source).keys(), ...incompleteOf(target).keys()], source, target);
  }

  /** @returns the models whose deletes are skipped. @throws SyncRefused */
  private check(work: GuardedWork, models: readonly GuardedModel[]): ReadonlySet<string> | 'all' {
    if (this.guards === undefined) return new Set();
    const findings = checkGuards(work, models, this.guards);
    // The whole of a run in parts is looked at twice: before the parts, and when it is settled.
    const isKnown = ({ at, code, model }: GuardFinding): boolean =>
      this.found.some((each) => each.at === at && each.code === code && each.model === model);
    const fresh = findings.filter((finding) => !isKnown(finding));
    for (const finding of fresh) this.found.push(finding);
    if (findings.some(({ outcome }) => outcome === 'refused')) throw refusal(findings);
    for (const { message, code } of fresh) this.target[LOGGER].warning(message, { code });
    const skipped = findings.map(({ model }) => model);
    return skipped.includes(undefined) ? 'all' : new Set(skipped.filter((model) => model !== undefined));
  }
}

/** Returns the diff without the changes that are not made; the same diff where there are none. */
export async function without(diff: Diff, withheld: Withheld): Promise<Diff> {
  return withheld.size === 0 ? diff : diff.without(new Set(withheld.keys()));
}
