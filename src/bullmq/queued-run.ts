import { createHash, randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { JobsOptions, JobState } from 'bullmq';
import { z } from 'zod';
import { Adapter, ValueError, type RunPhase, type SyncRun, type SyncRunOptions } from '../index.js';

/** The options of a run that are plain values, as a queue keeps them. */
export type QueuedTerms = Pick<
  SyncRunOptions,
  | 'label'
  | 'by'
  | 'guards'
  | 'exclusive'
  | 'load'
  | 'dryRun'
  | 'history'
  | 'incremental'
  | 'fullCompareEvery'
  | 'flags'
  | 'unlisted'
  | 'modelTypes'
  | 'syncAttrs'
  | 'excludeAttrs'
  | 'verify'
  | 'continueOnFailure'
  | 'concurrency'
  | 'batchSize'
  | 'maxDeletes'
  | 'maxDeletePercent'
>;

/** What is put on the queue: the names of both sides, and the options of the run that are plain values. */
export interface QueueRunOptions extends QueuedTerms {
  /** The adapter that the target is made equal to, or its name. */
  source: string | Adapter;
  /** The adapter that is changed, or its name. */
  target: string | Adapter;
  /** In how many parts the run is made; each is a job of its own. Default: the run is one job. */
  parts?: number | undefined;
  /** BullMQ's options of the job that performs the run: delay, priority, and what is kept of it. Default: kept for 7 days. */
  job?:
    | Pick<JobsOptions, 'delay' | 'priority' | 'lifo' | 'removeOnComplete' | 'removeOnFail' | 'keepLogs' | 'telemetry'>
    | undefined;
}

/** How far a run or part is. */
export interface QueueProgress {
  readonly phase: RunPhase;
  /** How many objects are done. */
  readonly current: number;
  /** How many are expected; absent where that is not known. */
  readonly total?: number | undefined;
}

/** A run that is or was on the queue. */
export interface QueuedRun {
  /** The id of the run, in the history of its target too. */
  readonly runId: string;
  readonly source: string;
  readonly target: string;
  readonly label?: string | undefined;
  readonly by?: string | undefined;
  readonly parts?: number | undefined;
  readonly dryRun: boolean;
  /** What BullMQ says of its job. */
  readonly state: JobState | 'unknown';
  readonly progress?: QueueProgress | undefined;
  /** The run as its history has it, where this process has the target's adapter; else as it has ended. */
  readonly run?: SyncRun | undefined;
  /** Why its job has failed: the code of the error, and its message. */
  readonly error?: string | undefined;
}

const TERMS: Readonly<Record<keyof QueuedTerms, true>> = {
  label: true,
  by: true,
  guards: true,
  exclusive: true,
  load: true,
  dryRun: true,
  history: true,
  incremental: true,
  fullCompareEvery: true,
  flags: true,
  unlisted: true,
  modelTypes: true,
  syncAttrs: true,
  excludeAttrs: true,
  verify: true,
  continueOnFailure: true,
  concurrency: true,
  batchSize: true,
  maxDeletes: true,
  maxDeletePercent: true,
};

/** The data of a job that performs a run. */
export interface RunData {
  readonly source: string;
  readonly target: string;
  readonly parts?: number | undefined;
  readonly terms: QueuedTerms;
}

const TEXT = z.string().min(1);
const RUN_DATA = z.strictObject({
  source: TEXT,
  target: TEXT,
  parts: z.int().min(1).optional(),
  terms: z.custom<QueuedTerms>(
    (value) => typeof value === 'object' && value !== null && unknownTerm(value) === undefined,
  ),
});

const OWNER = 'SyncQueue';

/** @throws ValueError for an option that there is not, or that is no plain value. @returns the data of the job. */
export function runDataOf(options: QueueRunOptions): RunData {
  const { source, target, parts, job: _, ...terms } = options;
  const data = { source: nameOf('source', source), target: nameOf('target', target), terms };
  if (data.source === data.target) throw new ValueError(`${OWNER}: source and target are the same adapter`);
  if (parts !== undefined && (!Number.isInteger(parts) || parts < 1 || parts > 1000)) {
    throw new ValueError(`${OWNER}: parts: a whole number from 1 to 1000`);
  }
  const wrong = unknownTerm(terms);
  if (wrong !== undefined) {
    throw new ValueError(
      `${OWNER}: there is no option "${wrong}": a queue keeps values only. Functions are what the option "functions" of the module ` +
        `returns, and the options are source, target, parts, job, ${Object.keys(TERMS).join(', ')}`,
    );
  }
  for (const [name, value] of Object.entries(terms)) {
    if (value !== undefined && !isPlain(value)) {
      throw new ValueError(`${OWNER}: ${name}: a queue keeps what JSON can say, and this it cannot`);
    }
  }
  return parts === undefined ? data : { ...data, parts };
}

/** @throws ValueError for data that is not that of a run. */
export function parseRunData(data: unknown): RunData {
  const parsed = RUN_DATA.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new ValueError(
    'A job on the queue of runs has data that this version does not know: of what version is who added it?',
  );
}

const PROGRESS = z.object({
  phase: z.custom<RunPhase>((value) => typeof value === 'string'),
  current: z.number(),
  total: z.number().optional(),
});

/** @returns the progress of a job; undefined where it has none, as before it begins. */
export function parseProgress(progress: unknown): QueueProgress | undefined {
  const parsed = PROGRESS.safeParse(progress);
  return parsed.success ? parsed.data : undefined;
}

/** @returns an id that sorts by time, as those that runs give themselves. */
export function newRunId(): string {
  return idOf(Date.now(), randomBytes(4).toString('hex'));
}

/** @returns the id of the run that a job of a schedule adds: the same however often that job is performed. */
export function scheduledRunId(jobId: string, time: number): string {
  return idOf(time, createHash('sha256').update(jobId).digest('hex').slice(0, 8));
}

function idOf(time: number, rest: string): string {
  return `${new Date(time).toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${rest}`;
}

function nameOf(side: string, adapter: unknown): string {
  const name = adapter instanceof Adapter ? adapter.name : adapter;
  if (typeof name === 'string' && name !== '') return name;
  throw new ValueError(`${OWNER}: ${side}: an adapter, or the name of one`);
}

function unknownTerm(terms: object): string | undefined {
  return Object.keys(terms).find((name) => !Object.hasOwn(TERMS, name));
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'function') return false;
  // What JSON leaves out is undefined, which stands for an option that is not given.
  const text = JSON.stringify(value);
  return text !== undefined && isDeepStrictEqual(JSON.parse(text), withoutUndefined(value));
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  const given = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(given.map(([name, each]) => [name, withoutUndefined(each)]));
}
