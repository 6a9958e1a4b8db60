// What the HTTP API takes and answers: Nest validates by it, and the OpenAPI document is made of it.
import { z } from 'zod';

const ACTIONS = ['create', 'update', 'delete', 'link', 'unlink'] as const;
const attrs = z.record(z.string(), z.unknown());
const count = z.int().min(0);

/** The body of `POST /runs`. */
export const StartRun = z
  .strictObject({
    dryRun: z.boolean().optional().meta({ description: 'Stop before anything is changed, and keep the plan' }),
    label: z.string().max(100).optional().meta({ description: 'What the run is called in the history' }),
    by: z.string().max(100).optional().meta({ description: 'Who starts it' }),
  })
  .prefault({});
export type StartRun = z.infer<typeof StartRun>;

/** The query of `GET /runs`. */
export const RunsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  after: z.string().optional().meta({ description: 'The `next` of the page before' }),
});
export type RunsQuery = z.infer<typeof RunsQuery>;

/** One or several values of a parameter: `?action=update&action=delete`. */
function several<T extends z.ZodType>(each: T): z.ZodPreprocess<z.ZodArray<T>> {
  return z.preprocess((given) => (Array.isArray(given) ? given : [given]), z.array(each));
}

/** The query of `GET /runs/:id/changes`. */
export const ChangesQuery = z.strictObject({
  model: several(z.string()).optional(),
  action: several(z.enum(ACTIONS)).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.coerce.number().int().min(0).default(0).meta({ description: 'The `next` of the page before' }),
});
export type ChangesQuery = z.infer<typeof ChangesQuery>;

/** A run, as its history has it; `SyncRun` of nestjs-diffsync says more. */
export const Run = z.looseObject({
  id: z.string(),
  kind: z.enum(['sync', 'dry-run', 'apply', 'undo']),
  outcome: z.enum(['running', 'succeeded', 'refused', 'failed', 'aborted', 'interrupted']),
  source: z.string(),
  target: z.string(),
  label: z.string().optional(),
  by: z.string().optional(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().optional(),
  counts: z.record(z.string(), count).optional().meta({ description: 'What was compared, by action' }),
  results: z
    .object({ done: count, failed: count, stale: count, leftOut: count })
    .optional()
    .meta({ description: 'What has become of the changes' }),
  error: z.object({ name: z.string(), code: z.string().optional(), message: z.string() }).optional(),
  changes: count.meta({ description: 'How many changes the history has' }),
});

/** A page of runs, the newest first. */
export const RunPage = z.object({ runs: z.array(Run), next: z.string().optional() });

/** One change of a run. */
export const Change = z.looseObject({
  index: count,
  model: z.string(),
  uid: z.string(),
  action: z.enum(ACTIONS),
  old: attrs.nullable(),
  new: attrs.nullable(),
  result: z.enum(['planned', 'done', 'failed', 'stale', 'left-out']),
  message: z.string().optional(),
});

/** A page of the changes of a run. */
export const ChangePage = z.object({
  changes: z.array(Change),
  next: count.nullable().meta({ description: 'The `cursor` of the next page; null on the last one' }),
});

/** A store of the application, and how many objects of each model are in it. */
export const Store = z.object({
  name: z.string().nullable(),
  engine: z.string(),
  storeId: z.string().nullable(),
  address: z.string().nullable().meta({ description: 'Where it is, without credentials' }),
  objects: z.record(z.string(), count),
});

/** An error of nestjs-diffsync: the code is stable, the message for people. */
export const ApiError = z.object({
  statusCode: z.int(),
  code: z.string(),
  message: z.string(),
});
