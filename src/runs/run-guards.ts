import type { Adapter } from '../adapter/adapter.js';
import { incompleteOf } from '../adapter/load-watch.js';
import type { Diff, DiffElement } from '../diff/diff.js';
import type { SyncFilter } from '../engine/apply/sync-options.js';
import type { ReloadReview } from '../engine/reload.js';
import { LOGGER } from '../engine/side.js';
import { checkGuards, refusal, type GuardedModel, type GuardedWork } from './check-guards.js';
import type { ResolvedGuards } from './guard-limits.js';
import type { GuardFinding } from './guards.js';
import type { SideOfRun } from './load-sides.js';
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
        deleted: surplus,
        updated: [],
        baseline: baseline[model],
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
    const { source, target } = this;
    const withheld = await this.withheldOf(tally, signal);
    const updated = updatedByModel(tally);
    const deleted = tally.changed.some(({ element }) => element.action === 'delete')
      ? await deletedByModel(await without(diff, withheld), source, target, syncFilter, signal)
      : new Map<string, readonly string[]>();
    const incomplete = this.incompleteModels();
    const names = new Set([...Object.keys(compared), ...deleted.keys(), ...Object.keys(this.baseline)]);
    const models = [...names].map((model) => ({
      model,
      source: compared[model]?.source ?? 0,
      target: Math.max(compared[model]?.target ?? 0, deleted.get(model)?.length ?? 0),
      deleted: deleted.get(model) ?? [],
      updated: updated.get(model) ?? [],
      baseline: source.modelClasses.has(model) ? this.baseline[model] : undefined,
      now: sourceObjects[model] ?? 0,
      incomplete: incomplete.has(model),
    }));
    const skipped = this.check({ at: 'sync', from: source.name, to: target.name }, models);
    this.skipped = skipped === 'all' ? skipped : withModelsBelow(skipped, source, target);
    return this.withheldOf(tally, signal);
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
    for (const finding of findings) this.found.push(finding);
    if (findings.some(({ outcome }) => outcome === 'refused')) throw refusal(findings);
    for (const { message, code } of findings) this.target[LOGGER].warning(message, { code });
    const skipped = findings.map(({ model }) => model);
    return skipped.includes(undefined) ? 'all' : new Set(skipped.filter((model) => model !== undefined));
  }
}

/** Returns the diff without the changes that are not made; the same diff where there are none. */
export async function without(diff: Diff, withheld: Withheld): Promise<Diff> {
  return withheld.size === 0 ? diff : diff.without(new Set(withheld.keys()));
}
