import type { RunChange, RunPage, SyncRun } from '../index.js';
import { quotedValue } from '../values/value-text.js';
import { redactUrls } from './redact-urls.js';

/** A run of a report. A comparison that is not recorded has no id. */
export type ShownRun = Omit<SyncRun, 'id'> & { readonly id?: string };

/** A change of a report: a comparison that is not recorded has no results. */
export type ShownChange = Omit<RunChange, 'run' | 'index' | 'record' | 'result'> &
  Partial<Pick<RunChange, 'run' | 'result'>>;

/** A run, and its changes where they are known. */
export interface RunReport {
  readonly run: ShownRun;
  readonly changes: AsyncIterable<ShownChange> | undefined;
}

/** Writes what a command has to say, piece by piece. */
export interface Reporter {
  run(report: RunReport): AsyncIterable<string>;
  /** The runs of a target. */
  runs(page: RunPage): Iterable<string>;
  /** What has happened to one object, the newest first. */
  object(model: string, uid: string, changes: readonly RunChange[]): Iterable<string>;
}

/** The value of an attribute before and after a change; undefined of what a change does not have. */
export interface ShownAttribute {
  readonly name: string;
  readonly old: string | undefined;
  readonly new: string | undefined;
}

/** Returns the attributes of a change as texts of one line. */
export function attributesOf({ old, new: changed, secrets }: ShownChange): ShownAttribute[] {
  const names = new Set([...Object.keys(old ?? {}), ...Object.keys(changed ?? {}), ...secrets]);
  const secret = new Set(secrets);
  const text = (attrs: ShownChange['old'], name: string): string | undefined =>
    attrs === null ? undefined : secret.has(name) ? '[secret]' : quotedValue(attrs[name]);
  return [...names].map((name) => ({ name, old: text(old, name), new: text(changed, name) }));
}

/** How many differences a run has found: objects and links. */
export function differencesOf({ counts }: Pick<SyncRun, 'counts'>): number {
  return counts === undefined ? 0 : counts.create + counts.update + counts.delete;
}

/** Returns what has become of a change, where it is not what its run was for. */
export function resultOf({ result }: ShownChange, run?: ShownRun): string | undefined {
  return result === 'done' || (result === 'planned' && run?.kind === 'dry-run') ? undefined : result;
}

/** A note on a run: what it is about, and its text. */
export type RunNote = readonly [name: string, text: string];

/** Returns what people should know of a run beside its changes. */
export function notesOf({ incomplete, guards, flapping, unrestored = [], error }: ShownRun): RunNote[] {
  return [
    ...incomplete.map(({ side, model, reason }): RunNote => ['Incomplete', `${model} of the ${side}: ${reason}`]),
    ...guards.map(({ message }): RunNote => ['Guard', message]),
    ...flapping.map(({ model, uid, attribute, runs, hint }): RunNote => {
      return ['Flapping', `${attribute} of ${model} ${uid}, set by ${runs} runs: ${hint}`];
    }),
    ...unrestored.map(({ model, uid, reason }): RunNote => ['Not restored', `${model} ${uid}: ${reason}`]),
    ...(error === undefined ? [] : [['Error', `${error.code ?? error.name}: ${error.message}`] as const]),
  ];
}

/** Returns a number with separators between groups of three digits. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

/** Returns a run whose messages, which are of others, show no user or password of a URL. */
export function redactRun<R extends ShownRun>(run: R): R {
  const { error, incomplete } = run;
  return {
    ...run,
    ...(error === undefined ? {} : { error: { ...error, message: redactUrls(error.message) } }),
    incomplete: incomplete.map((each) => ({ ...each, reason: redactUrls(each.reason) })),
  };
}

/** Returns a change whose message shows no user or password of a URL. */
export function redactChange<C extends ShownChange>(change: C): C {
  return change.message === undefined ? change : { ...change, message: redactUrls(change.message) };
}

/** Returns how long a run has taken, in seconds; undefined where it has not ended. */
export function secondsOf({ startedAt, endedAt }: Pick<SyncRun, 'startedAt' | 'endedAt'>): string | undefined {
  return endedAt === undefined ? undefined : `${((Date.parse(endedAt) - Date.parse(startedAt)) / 1000).toFixed(1)} s`;
}
