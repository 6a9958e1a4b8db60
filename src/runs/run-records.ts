// The objects that a history consists of. They are objects of a store like any others, so that every engine keeps them.
import { z } from 'zod';
import { DiffSyncModel } from '../model/diffsync-model.js';
import { withoutUndefined } from '../values/without-undefined.js';
import type { SyncRun } from './sync-run.js';

const anything = z.record(z.string(), z.unknown());

/** The numbers of the runs that there are. A hint: the entries themselves say it. */
export class RunHead extends DiffSyncModel.define({
  name: 'run_head',
  schema: z.object({ key: z.string(), last: z.int(), oldest: z.int() }),
  identifiers: ['key'],
  attributes: ['last', 'oldest'],
}) {}

/** One run by its number: what a reader of many runs has to know of each. */
export class RunEntry extends DiffSyncModel.define({
  name: 'run_entry',
  schema: z.object({
    number: z.int(),
    run: z.string(),
    startedAt: z.string(),
    buckets: z.int(),
    /** Counts the runs; the parts of a run have its count. Absent in entries of before there were parts. */
    whole: z.int().optional(),
  }),
  identifiers: ['number'],
  attributes: ['run', 'startedAt', 'buckets', 'whole'],
}) {}

/** One run by its id. */
export class RunRecord extends DiffSyncModel.define({
  name: 'run',
  schema: z.object({
    run: z.string(),
    number: z.int(),
    /** The run, as its readers get it. */
    summary: anything,
    /** Records of each kind that belong to it. */
    chunks: z.int(),
    plans: z.int(),
    /** The result of every change whose line does not say another one. */
    rest: z.string(),
    /** Where it runs: whether that process is still there tells whether a run was killed. */
    process: z.object({ host: z.string(), pid: z.int() }),
    // They are written after the run has ended, by others than its process: apart from the summary, which is written as a whole.
    approval: z.object({ by: z.string(), at: z.string() }).optional(),
    appliedBy: z.string().optional(),
  }),
  identifiers: ['run'],
  attributes: ['number', 'summary', 'chunks', 'plans', 'rest', 'process', 'approval', 'appliedBy'],
}) {}

/** Returns the run of a record, as its readers get it. */
export function runOf({ summary, approval, appliedBy }: RunRecord): SyncRun {
  return { ...(summary as unknown as SyncRun), ...withoutUndefined({ approval, appliedBy }) };
}

/** A run that has not ended, or whose process was killed. */
export class OpenRun extends DiffSyncModel.define({
  name: 'run_open',
  schema: z.object({ run: z.string() }),
  identifiers: ['run'],
}) {}

/** What the next run of the same source has to know. */
export class RunPair extends DiffSyncModel.define({
  name: 'run_pair',
  schema: z.object({
    source: z.string(),
    /** The last good run. */
    run: z.string(),
    /** Model -> objects that the source had then. */
    objects: z.record(z.string(), z.int()),
    /** How many records have the attributes that it has set. */
    streaks: z.int(),
  }),
  identifiers: ['source'],
  attributes: ['run', 'objects', 'streaks'],
}) {}

const text = z.object({ key: z.string(), text: z.string() });

/** A part of the changes of a run: JSON Lines. */
export class RunChunk extends DiffSyncModel.define({
  name: 'run_changes',
  schema: text,
  identifiers: ['key'],
  attributes: ['text'],
}) {}

/** Which parts have the changes of an object; the objects are divided by the hash of their names. */
export class RunIndex extends DiffSyncModel.define({
  name: 'run_index',
  schema: text,
  identifiers: ['key'],
  attributes: ['text'],
}) {}

/** A part of a plan: JSON Lines. */
export class RunPlan extends DiffSyncModel.define({
  name: 'run_plan',
  schema: text,
  identifiers: ['key'],
  attributes: ['text'],
}) {}

/** Attributes that a run has set, and how many runs in a row have. */
export class RunStreaks extends DiffSyncModel.define({
  name: 'run_streaks',
  schema: text,
  identifiers: ['key'],
  attributes: ['text'],
}) {}

/** Returns the unique id of one of the numbered records of a run. */
export function partKey(run: string, part: number): string {
  return `${run}/${part}`;
}
