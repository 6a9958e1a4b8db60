// The answers of the JSON interface as schemas, for its description. `board-api.ts` has their types, and says what they mean.
import { z } from 'zod';

const count = z.int().min(0);
const text = z.string();
const values = z.record(z.string(), z.unknown());
const counts = { create: count, update: count, delete: count };
const name = z.strictObject({ model: text, uid: text });
const action = z.enum(['create', 'update', 'delete', 'link', 'unlink']);
const result = z.enum(['planned', 'done', 'failed', 'stale', 'left-out']);

export const BoardError = z.looseObject({ statusCode: z.int(), code: text, message: text });

export const BoardInfo = z.strictObject({
  readOnly: z.boolean(),
  adapters: z.array(
    z.strictObject({
      name: text,
      type: text,
      store: text.nullable(),
      topLevel: z.array(text),
      models: z.array(
        z.strictObject({
          model: text,
          identifiers: z.array(text),
          attributes: z.array(text),
          secret: z.array(text),
          children: z.record(text, text),
        }),
      ),
    }),
  ),
});

export const DecideInfo = z.strictObject({ by: text });

export const StoreView = z.strictObject({
  store: text,
  title: text,
  engine: text,
  storeId: text.nullable(),
  address: text.nullable(),
  adapters: z.array(text),
  health: z.strictObject({
    status: z.enum(['up', 'degraded', 'down']),
    responseTime: z.number(),
    reason: text.optional(),
    code: text.optional(),
    message: text.optional(),
    details: values,
  }),
  models: z.array(z.strictObject({ model: text, count })).nullable(),
  objects: count.nullable(),
  size: z.strictObject({ bytes: count, of: z.enum(['file', 'server']) }).nullable(),
  lastChange: z.strictObject({ at: z.iso.datetime(), target: text, run: text }).nullable(),
});

export const StoreList = z.strictObject({ stores: z.array(StoreView) });

export const ObjectPage = z.strictObject({
  model: text,
  objects: z.array(z.strictObject({ uid: text, fields: values.nullable() })),
  next: text.nullable(),
});

export const ObjectView = z.strictObject({
  store: text,
  model: text,
  uid: text,
  fields: z
    .array(
      z.strictObject({
        name: text,
        kind: z.enum(['identifier', 'attribute', 'other']),
        secret: z.boolean(),
        value: z.unknown().optional(),
      }),
    )
    .nullable(),
  flags: z.int(),
  children: z.array(z.strictObject({ model: text, uids: z.array(text), count })),
  parents: z.strictObject({ found: z.array(name), complete: z.boolean() }),
});

const change = {
  run: text,
  index: count,
  model: text,
  uid: text,
  parents: z.array(name),
  action,
  moves: z.boolean(),
  old: values.nullable(),
  new: values.nullable(),
  secrets: z.array(text),
  result,
  message: text.optional(),
  unlinked: z.boolean().optional(),
};

export const ObjectHistory = z.strictObject({
  changes: z.array(z.strictObject({ ...change, target: text })),
  more: z.boolean(),
});

/** What `SyncRun` has; a later version may have more. */
const Run = z.looseObject({
  id: text,
  kind: z.enum(['sync', 'dry-run', 'apply', 'undo']),
  outcome: z.enum(['running', 'succeeded', 'refused', 'failed', 'aborted', 'interrupted']),
  source: text,
  target: text,
  label: text.optional(),
  by: text.optional(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().optional(),
  of: text.optional(),
  approval: z.strictObject({ by: text, at: z.iso.datetime() }).optional(),
  appliedBy: text.optional(),
  phases: z.array(z.strictObject({ phase: text, startMs: z.number(), endMs: z.number().optional() })),
  counts: values.optional(),
  results: z.strictObject({ done: count, failed: count, stale: count, leftOut: count }).optional(),
  guards: z.array(values),
  flapping: z.array(values),
  error: z.strictObject({ name: text, code: text.optional(), message: text }).optional(),
  changes: count,
});

export const BoardRunPage = z.strictObject({
  runs: z.array(Run),
  next: text.nullable(),
  unavailable: z.array(z.strictObject({ target: text, code: text, message: text })),
});

const stale = z.strictObject({
  changes: z.array(z.looseObject({ model: text, uid: text, parents: z.array(name), action, reason: text })),
  count,
});

export const RunView = z.strictObject({
  run: Run,
  models: z.array(z.strictObject({ model: text, ...counts })),
  decisions: z.array(z.enum(['approve', 'apply', 'undo'])),
  stale: stale.nullable(),
});

export const ChangePage = z.strictObject({ changes: z.array(z.strictObject(change)), next: count.nullable() });

export const RunStarted = z.strictObject({ run: Run });

export const StaleAnswer = z.strictObject({
  statusCode: z.literal(409),
  code: z.literal('DIFF_STALE'),
  message: text,
  stale,
  run: text.nullable(),
});

export const Conflict = z.union([StaleAnswer, BoardError]);
