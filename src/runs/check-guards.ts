import { SyncRefused, TooManyDeletes } from '../errors.js';
import { visibleText } from '../values/visible-text.js';
import type { ResolvedGuards, ResolvedLimits } from './guard-limits.js';
import type { GuardCode, GuardFinding } from './guards.js';

/** How many objects, and the unique ids of the first. */
export interface NamedObjects {
  readonly count: number;
  readonly named: readonly string[];
}

/** What the guards know of one model. */
export interface GuardedModel {
  readonly model: string;
  /** Objects of the source; of a reload, objects that `load` has brought. */
  readonly source: number;
  /** Objects of the target; of a reload, objects that the store has. */
  readonly target: number;
  /** The objects that would be gone. */
  readonly deleted: NamedObjects;
  /** The objects that would be updated. */
  readonly updated: NamedObjects;
  /** How many objects the source had in its last good run; undefined where that is not known, or not to be looked at. */
  readonly baseline?: number | undefined;
  /** How many objects the source's store has now; the baseline is compared with it. */
  readonly now: number;
  /** Whether `load` has said that objects are missing: nothing of the model is deleted, and nothing else is looked at. */
  readonly incomplete: boolean;
}

/** What is looked at: for the words of a message. */
export interface GuardedWork {
  readonly at: GuardFinding['at'];
  /** What gives the objects: the source, or `load` of an adapter. */
  readonly from: string;
  /** The adapter that loses objects. */
  readonly to: string;
}

const NAMED = 10;
const NO_OBJECTS: NamedObjects = { count: 0, named: [] };

/** Adds up objects, and names the first of all. */
export function addNamed(a: NamedObjects, b: NamedObjects): NamedObjects {
  return { count: a.count + b.count, named: [...a.named, ...b.named].slice(0, NAMED) };
}

/** Returns how many objects there are, and names the first. */
export function namedObjects(uids: readonly string[] = []): NamedObjects {
  return { count: uids.length, named: uids.slice(0, NAMED) };
}

/** Returns what the guards find. What a model alone is stopped for is not counted against all together. */
export function checkGuards(
  work: GuardedWork,
  models: readonly GuardedModel[],
  guards: ResolvedGuards,
): GuardFinding[] {
  const check = new GuardCheck(work, guards.skipsDeletes);
  const all = guards.of(undefined);
  const complete = models.filter(({ incomplete }) => !incomplete);
  if (all !== undefined && complete.length === models.length) {
    const whole = check.ofAll(models, all, ['SYNC_SOURCE_EMPTY']);
    if (whole.length > 0) return whole;
  }
  const found: GuardFinding[] = [];
  const stopped = new Set<GuardedModel>();
  for (const model of complete) {
    const limits = guards.of(model.model);
    const finding = limits && check.ofModel(model, limits);
    if (finding === undefined) continue;
    found.push(finding);
    if (finding.code !== 'SYNC_TOO_MANY_UPDATES') stopped.add(model);
  }
  if (all === undefined) return found;
  const rest = models.map((model) => {
    const isOff = guards.of(model.model) === undefined;
    return stopped.has(model) || model.incomplete || isOff
      ? { ...model, deleted: NO_OBJECTS, baseline: undefined }
      : model;
  });
  return [
    ...found,
    ...check.ofAll(rest, all, ['SYNC_BASELINE_DROP', 'SYNC_TOO_MANY_DELETES', 'SYNC_TOO_MANY_UPDATES']),
  ];
}

/** Returns the error of what the guards have found. */
export function refusal(findings: readonly GuardFinding[]): SyncRefused {
  const [first, ...others] = findings as [GuardFinding, ...GuardFinding[]];
  const also = others.map((each) => `${each.code}${each.model === undefined ? '' : ` of ${each.model}`}`);
  const message = also.length === 0 ? first.message : `${first.message}. Also found: ${also.join(', ')}`;
  return first.code === 'SYNC_TOO_MANY_DELETES' ? new TooManyDeletes(message) : new SyncRefused(message, first.code);
}

/** The numbers that one guard compares. */
interface Measure {
  readonly code: GuardCode;
  readonly count: number;
  readonly of: number;
  readonly limit: number | undefined;
  readonly objects: readonly string[];
}

class GuardCheck {
  constructor(
    private readonly work: GuardedWork,
    private readonly skips: boolean,
  ) {}

  /** Returns the first thing that is found of one model; what follows from it is not said again. */
  ofModel(model: GuardedModel, limits: ResolvedLimits): GuardFinding | undefined {
    const codes = [
      'SYNC_SOURCE_EMPTY',
      'SYNC_BASELINE_DROP',
      'SYNC_TOO_MANY_DELETES',
      'SYNC_TOO_MANY_UPDATES',
    ] as const;
    return this.check([model], limits, codes, model.model)[0];
  }

  ofAll(models: readonly GuardedModel[], limits: ResolvedLimits, codes: readonly GuardCode[]): GuardFinding[] {
    return this.check(models, limits, codes, undefined);
  }

  private check(
    models: readonly GuardedModel[],
    limits: ResolvedLimits,
    codes: readonly GuardCode[],
    model: string | undefined,
  ): GuardFinding[] {
    return codes
      .map((code) => measure(code, models, limits))
      .filter((found) => found !== undefined)
      .map((found) => this.finding(found, model));
  }

  private finding({ code, count, of, limit, objects }: Measure, model: string | undefined): GuardFinding {
    const outcome = this.skips && code !== 'SYNC_TOO_MANY_UPDATES' ? 'deletes-skipped' : 'refused';
    const { at } = this.work;
    const numbers = { code, at, model, count, of, limit, objects, outcome } as const;
    return { ...numbers, message: this.message(numbers) };
  }

  private message({ code, model, count, of, limit, objects, outcome }: Omit<GuardFinding, 'message'>): string {
    const { at, from, to } = this.work;
    const kind = model === undefined ? 'objects' : `objects of ${model}`;
    const named = objects.map(visibleText).join(', ');
    const list = objects.length === 0 ? '' : `: ${named}${count > objects.length ? ', …' : ''}`;
    const share = `${count} of ${of} ${kind}`;
    const percent = `${Math.round((1000 * count) / of) / 10} %`;
    const subject = at === 'sync' ? 'The sync' : `The reload of ${to}`;
    const said = {
      SYNC_TOO_MANY_DELETES: `${subject} would delete ${share} of ${to} (${percent}), and maxDeletePercent is ${limit}${list}`,
      SYNC_TOO_MANY_UPDATES: `${subject} would update ${share} of ${to} (${percent}), and maxUpdatePercent is ${limit}${list}`,
      SYNC_SOURCE_EMPTY: `${from} has no ${kind}, and ${to} has ${of}${list}`,
      SYNC_BASELINE_DROP: `${from} has lost ${share} since its last good run (${percent}), and baselineDropPercent is ${limit}${list}`,
    }[code];
    if (outcome === 'deletes-skipped') return `${said}. These deletes were skipped, and all other changes made`;
    const option = {
      SYNC_TOO_MANY_DELETES: `maxDeletePercent: ${Math.ceil((100 * count) / of)}`,
      SYNC_TOO_MANY_UPDATES: `maxUpdatePercent: ${Math.ceil((100 * count) / of)}`,
      // The deletes themselves would be too many then.
      SYNC_SOURCE_EMPTY: 'emptySource: false, maxDeletePercent: 100',
      SYNC_BASELINE_DROP: `baselineDropPercent: ${Math.ceil((100 * count) / of)}`,
    }[code];
    const guards = model === undefined ? `{ ${option} }` : `{ perModel: { ${model}: { ${option} } } }`;
    const skip = code === 'SYNC_TOO_MANY_UPDATES' ? '' : `, or make all other changes by onExceeded: 'skip-deletes'`;
    return `${said}. Nothing was touched. Check whether ${from} was read in full; if so, run again with guards: ${guards}${skip}`;
  }
}

function measure(code: GuardCode, models: readonly GuardedModel[], limits: ResolvedLimits): Measure | undefined {
  const target = sum(models, (each) => each.target);
  const isSmall = target < limits.minObjects;
  switch (code) {
    case 'SYNC_SOURCE_EMPTY': {
      if (!limits.emptySource || isSmall || target === 0 || sum(models, (each) => each.source) > 0) return undefined;
      const gone = sum(models, (each) => each.deleted.count);
      // What is left alone by a flag or filter is not lost with an empty source.
      return gone === 0
        ? undefined
        : { code, count: gone, of: target, limit: undefined, objects: first(models, 'deleted') };
    }
    case 'SYNC_BASELINE_DROP': {
      const known = models.filter((each) => each.baseline !== undefined);
      const before = sum(known, (each) => each.baseline ?? 0);
      const lost = before - sum(known, (each) => each.now);
      if (before < limits.minObjects || !exceeds(lost, before, limits.baselineDropPercent)) return undefined;
      return { code, count: lost, of: before, limit: limits.baselineDropPercent, objects: first(known, 'deleted') };
    }
    case 'SYNC_TOO_MANY_DELETES': {
      const count = sum(models, (each) => each.deleted.count);
      if (isSmall || !exceeds(count, target, limits.maxDeletePercent)) return undefined;
      return { code, count, of: target, limit: limits.maxDeletePercent, objects: first(models, 'deleted') };
    }
    case 'SYNC_TOO_MANY_UPDATES': {
      const count = sum(models, (each) => each.updated.count);
      if (isSmall || !exceeds(count, target, limits.maxUpdatePercent)) return undefined;
      return { code, count, of: target, limit: limits.maxUpdatePercent, objects: first(models, 'updated') };
    }
  }
}

function exceeds(count: number, of: number, percent: number): boolean {
  return count > 0 && (100 * count) / Math.max(of, 1) > percent;
}

function sum(models: readonly GuardedModel[], count: (model: GuardedModel) => number): number {
  return models.reduce((total, model) => total + count(model), 0);
}

function first(models: readonly GuardedModel[], which: 'deleted' | 'updated'): string[] {
  const named: string[] = [];
  for (const each of models) {
    for (const uid of each[which].named.slice(0, NAMED - named.length)) named.push(`${each.model} ${uid}`);
  }
  return named;
}
