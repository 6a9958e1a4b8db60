import { ValueError } from '../errors.js';
import { withoutUndefined } from '../values/without-undefined.js';
import type { GuardLimits, Guards } from './guards.js';

/** The limits of one model, or of all together: a guard that is switched off has none. */
export interface ResolvedLimits {
  readonly maxDeletePercent: number;
  readonly maxUpdatePercent: number;
  readonly minObjects: number;
  readonly emptySource: boolean;
  readonly baselineDropPercent: number;
}

type AllLimits = { readonly [K in keyof GuardLimits]-?: Exclude<GuardLimits[K], undefined> };

const DEFAULTS: AllLimits = {
  maxDeletePercent: 50,
  maxUpdatePercent: false,
  minObjects: 20,
  emptySource: 'refuse',
  baselineDropPercent: 50,
};
const PERCENTS = ['maxDeletePercent', 'maxUpdatePercent', 'baselineDropPercent'] as const;
const LIMITS = Object.keys(DEFAULTS);

/** The guards of one run, with all defaults. */
export class ResolvedGuards {
  readonly skipsDeletes: boolean;
  private readonly general: GuardLimits;
  private readonly perModel: Readonly<Record<string, GuardLimits | false>>;

  /**
   * @param models - The names of the models that there are.
   * @throws ValueError for a guard that there is not, a wrong value, or a model that neither adapter has.
   */
  constructor(guards: Guards, models: ReadonlySet<string>) {
    const { onExceeded = 'refuse', perModel = {}, ...general } = guards;
    if (onExceeded !== 'refuse' && onExceeded !== 'skip-deletes') {
      throw new ValueError(`guards: onExceeded is ${String(onExceeded)}: it is "refuse" or "skip-deletes"`);
    }
    checkLimits('guards', general);
    for (const [model, limits] of Object.entries(perModel)) {
      if (!models.has(model)) throw new ValueError(`guards: perModel: neither adapter has a model "${model}"`);
      if (limits !== false) checkLimits(`guards: perModel: ${model}`, limits);
    }
    this.skipsDeletes = onExceeded === 'skip-deletes';
    this.general = general;
    this.perModel = perModel;
  }

  /** Returns the limits of a model, or of all models together; undefined where its guards are switched off. */
  of(model: string | undefined): ResolvedLimits | undefined {
    const own = model !== undefined && Object.hasOwn(this.perModel, model) ? this.perModel[model] : {};
    if (own === false) return undefined;
    const limits: AllLimits = { ...DEFAULTS, ...withoutUndefined(this.general), ...withoutUndefined(own ?? {}) };
    const percent = (limit: number | false): number => (limit === false ? Infinity : limit);
    return {
      maxDeletePercent: percent(limits.maxDeletePercent),
      maxUpdatePercent: percent(limits.maxUpdatePercent),
      minObjects: limits.minObjects,
      emptySource: limits.emptySource === 'refuse',
      baselineDropPercent: percent(limits.baselineDropPercent),
    };
  }
}

function checkLimits(where: string, limits: GuardLimits): void {
  const unknown = Object.keys(limits).find((name) => !LIMITS.includes(name));
  if (unknown !== undefined) throw new ValueError(`${where}: there is no guard "${unknown}": ${LIMITS.join(', ')}`);
  for (const name of PERCENTS) {
    const limit = limits[name];
    if (limit === undefined || limit === false || (typeof limit === 'number' && limit >= 0)) continue;
    throw new ValueError(`${where}: ${name} is ${String(limit)}: a number of per cent from 0 on, or false`);
  }
  const { minObjects = 0, emptySource = false } = limits;
  if (!(typeof minObjects === 'number' && minObjects >= 0)) {
    throw new ValueError(`${where}: minObjects is ${String(minObjects)}: a number of objects from 0 on`);
  }
  if (emptySource !== false && emptySource !== 'refuse') {
    throw new ValueError(`${where}: emptySource is ${String(emptySource)}: it is "refuse" or false`);
  }
}
