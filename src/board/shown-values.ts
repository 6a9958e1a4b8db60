import { recordToJson, type RunChange, type SyncRun } from '../index.js';
import type { BoardChange, Value, Values } from './board-api.js';

/** Characters of JSON that are shown of one value, and of one that is longer. */
const LONGEST = 65_536;
const BEGINNING = 2000;

/** The names of secret attributes by model. */
export type Secrets = ReadonlyMap<string, ReadonlySet<string>>;

/** Returns values as JSON, without secret ones. What JSON lacks is tagged; of a value that is too long there is the beginning. */
export function shownValues(
  values: Readonly<Record<string, unknown>>,
  secret: ReadonlySet<string> | undefined,
): Values {
  const shown = Object.entries(values).filter(([name]) => secret?.has(name) !== true);
  return Object.fromEntries(shown.map(([name, value]) => [name, shownValue(value)]));
}

/** Returns a value as JSON. */
export function shownValue(value: unknown): Value {
  if (typeof value !== 'object' && typeof value !== 'string') return jsonOf(value);
  const json = jsonOf(value);
  const text = JSON.stringify(json);
  return text.length <= LONGEST
    ? json
    : { $diffsync: 'cut', v: { length: text.length, text: text.slice(0, BEGINNING) } };
}

function jsonOf(value: unknown): Value {
  return recordToJson({ uid: '', data: { value } })['value'];
}

/** Returns a change as it is shown. What was declared as secret only after the run, is left out here. */
export function shownChange(kept: RunChange, secrets: Secrets): BoardChange {
  const { record: _, ...change } = kept;
  const secret = secrets.get(change.model);
  const { old, new: changed } = change;
  const hidden = [...(secret ?? [])].filter((name) => hasOwn(old, name) || hasOwn(changed, name));
  return {
    ...change,
    secrets: [...new Set([...change.secrets, ...hidden])],
    old: old && shownValues(old, secret),
    new: changed && shownValues(changed, secret),
  };
}

/** Returns a run as it is shown: the values that it has are those of flapping attributes. */
export function shownRun(run: SyncRun, secrets: Secrets): SyncRun {
  if (run.flapping.length === 0) return run;
  const flapping = run.flapping.map(({ old, new: changed, ...rest }) => {
    const isSecret = secrets.get(rest.model)?.has(rest.attribute) === true;
    return { ...rest, ...(isSecret ? {} : shownValues({ old, new: changed }, undefined)) };
  });
  return { ...run, flapping };
}

function hasOwn(values: object | null, name: string): boolean {
  return values !== null && Object.hasOwn(values, name);
}
