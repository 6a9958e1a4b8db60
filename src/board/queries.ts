// What the routes take. All of it is checked before anything is looked up by it.
import { HttpStatus, Injectable, type PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import { refusal } from './board-errors.js';

const ACTIONS = ['create', 'update', 'delete', 'link', 'unlink'] as const;
const RESULTS = ['planned', 'done', 'failed', 'stale', 'left-out'] as const;

const adapter = z.string().min(1).max(1024).meta({ description: 'The name of an adapter' });
const store = z
  .string()
  .max(1024)
  .default('')
  .meta({ description: 'The name of a store; empty for the store without a name' });
const model = z
  .string()
  .max(512)
  .regex(/^[A-Za-z_][\w-]*$/, 'is no name of a model')
  .meta({ description: 'The name of a model' });
const uid = z.string().min(1).max(16_384).meta({ description: 'A unique id' });
const search = z.string().max(1024).optional().meta({ description: 'A part of the unique id' });
const run = z
  .string()
  .max(64)
  .regex(/^[\w-]+$/, 'is no id of a run')
  .meta({ description: 'The id of a run' });

/** One or several values of a parameter: `?action=update&action=delete`. */
function several<T extends z.ZodType>(each: T): z.ZodOptional<z.ZodPreprocess<z.ZodArray<T>>> {
  return z
    .preprocess((given) => (given === undefined || Array.isArray(given) ? given : [given]), z.array(each).max(100))
    .optional();
}

const limit = (most: number, standard: number) => z.coerce.number().int().min(1).max(most).default(standard);
const next = z.string().max(20_000).optional().meta({ description: 'The `next` of the page before' });

export const StoreQuery = z.object({ store });
export const ObjectsQuery = z.object({ store, model, search, limit: limit(200, 50), after: next });
export const ObjectQuery = z.object({ store, model, uid });
export const RunsQuery = z.object({ target: adapter.optional(), limit: limit(100, 20), after: next });
export const RunQuery = z.object({ target: adapter });
export const ChangesQuery = z.object({
  target: adapter,
  model: several(model),
  action: several(z.enum(ACTIONS)),
  result: several(z.enum(RESULTS)),
  search,
  limit: limit(200, 100),
  from: z.coerce.number().int().min(0).default(0).meta({ description: 'The `next` of the page before' }),
});
export const RunId = run;

export const StartBody = z.strictObject({
  source: adapter,
  target: adapter,
  label: z.string().max(200).optional().meta({ description: 'What the run is called' }),
});
export const ApproveBody = z.strictObject({ target: adapter });
export const ApplyBody = z.strictObject({
  target: adapter,
  onStale: z
    .enum(['refuse', 'skip'])
    .optional()
    .meta({ description: '`skip` makes those changes that still hold. Default: `refuse`' }),
});
export const UndoBody = z.strictObject({ target: adapter });

/** Validates a part of a request. */
@Injectable()
export class Checked<T extends z.ZodType> implements PipeTransform<unknown, z.output<T>> {
  constructor(private readonly schema: T) {}

  /** @throws HttpException (400) that names what is wrong. */
  transform(value: unknown): z.output<T> {
    const { success, data, error } = this.schema.safeParse(value ?? {});
    if (success) return data;
    const issues = error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
    throw refusal(HttpStatus.BAD_REQUEST, 'BAD_REQUEST', issues.join('; '));
  }
}
