import { inspect } from 'node:util';
import type { ConnectionOptions, JobsOptions, WorkerOptions } from 'bullmq';
import { z } from 'zod';
import { ValueError, type SyncRunOptions } from '../index.js';

/** What cannot be put on a queue: each process that performs runs gives its own. */
export type RunFunctions = Pick<SyncRunOptions, 'filters' | 'syncFilter' | 'diffClass'>;

/** Options of the workers of this process, those of BullMQ among them. */
export interface QueueWorkerOptions extends Omit<
  WorkerOptions,
  'connection' | 'prefix' | 'name' | 'autorun' | 'removeOnComplete' | 'removeOnFail' | 'useWorkerThreads'
> {
  /** How many parts this process performs at once; 0 for none. Default: 1. */
  concurrency?: number;
  /** How many runs this process performs at once; a run in parts mostly waits for them; 0 for none. Default: 1. */
  runs?: number;
}

/** The options of the queue of runs. */
export interface DiffSyncQueueOptions {
  /** Where the server is: options of ioredis, or a client that the application closes itself. BullMQ makes further ones like it. */
  readonly connection: ConnectionOptions;
  /** Begins each key of the queue. On a cluster it has braces, as in `{bull}`, so that all keys are in one slot. Default: `bull`. */
  readonly prefix?: string | undefined;
  /** The workers of this process; `false` for one that only adds runs. Default: one run and one part at a time. */
  readonly worker?: false | QueueWorkerOptions | undefined;
  /** Returns the functions that runs of two adapters are made with: a queue keeps values alone. Default: none. */
  readonly functions?: ((sides: { readonly source: string; readonly target: string }) => RunFunctions) | undefined;
  /** Options of the jobs that perform parts: attempts, backoff, priority. Default: 3 attempts, after 1 s and 2 s or so. */
  readonly partJob?: Pick<JobsOptions, 'attempts' | 'backoff' | 'priority'> | undefined;
  /** How long a run waits for one of its parts to be performed, in milliseconds. Default: 12 hours. */
  readonly partTimeoutMs?: number | undefined;
  /** How long the server has to answer, in milliseconds, when something is asked of it or added. Default: 5000. */
  readonly timeout?: number | undefined;
  /** How long the application waits for the server when it starts, in milliseconds. Default: 30000. */
  readonly startTimeoutMs?: number | undefined;
}

/** The options, with defaults. */
export interface ResolvedQueueOptions extends DiffSyncQueueOptions {
  readonly prefix: string;
  readonly worker: false | QueueWorkerOptions;
  readonly partTimeoutMs: number;
  readonly timeout: number;
  readonly startTimeoutMs: number;
}

/** The token of the options, as the module has resolved them. */
export const QUEUE_OPTIONS = 'DIFFSYNC_QUEUE_OPTIONS';

const DEFAULT_NAME = 'diffsync';
const OWNER = 'DiffSyncQueueModule';
const object = z.custom<object>((value) => typeof value === 'object' && value !== null, 'must be an object');
const ms = z.int().min(1).max(2_147_483_647);

const OPTIONS = z.strictObject({
  connection: z.custom<object>(
    (value) => typeof value === 'object' && value !== null,
    'missing: options of ioredis, { host, port } for example, or a client',
  ),
  prefix: z.string().min(1).optional(),
  worker: z.union([z.literal(false), object], 'must be false or the options of workers').optional(),
  functions: z.custom<object>((value) => typeof value === 'function', 'must be a function').optional(),
  partJob: z
    .strictObject({
      attempts: z.int().min(1).optional(),
      backoff: z.unknown().optional(),
      priority: z.int().optional(),
    })
    .optional(),
  partTimeoutMs: ms.optional(),
  timeout: ms.optional(),
  startTimeoutMs: ms.optional(),
});

const OURS = ['connection', 'prefix', 'name', 'autorun', 'removeOnComplete', 'removeOnFail', 'useWorkerThreads'];

/** @throws ValueError for wrong options, without their values. @returns the options with defaults; inspected, they show no secret. */
export function resolveQueueOptions(given: DiffSyncQueueOptions): ResolvedQueueOptions {
  const checked = OPTIONS.safeParse(given);
  if (!checked.success) {
    const lines = checked.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
    throw new ValueError(`${OWNER}: ${lines.join('; ')}`);
  }
  const { prefix = 'bull', worker = {}, partTimeoutMs = 43_200_000, timeout = 5000, startTimeoutMs = 30_000 } = given;
  if (/^diffsync[.:]/.test(`${prefix}:`)) {
    throw new ValueError(`${OWNER}: prefix: keys that begin with "${prefix}:" are those of stores; choose another one`);
  }
  if ('isCluster' in given.connection && given.connection['isCluster'] === true && !/\{[^{}]+\}/.test(prefix)) {
    throw new ValueError(
      `${OWNER}: prefix: on a cluster the keys of a queue must be in one slot; put it in braces: "{${prefix}}"`,
    );
  }
  if (worker !== false) {
    const wrong = Object.keys(worker).find((name) => OURS.includes(name));
    if (wrong !== undefined) throw new ValueError(`${OWNER}: worker.${wrong}: the module sets it itself`);
    for (const name of ['concurrency', 'runs'] as const) {
      const number = worker[name] ?? 1;
      if (!Number.isInteger(number) || number < 0)
        throw new ValueError(`${OWNER}: worker.${name}: a whole number from 0 on`);
    }
  }
  return redacted({ ...given, prefix, worker, partTimeoutMs, timeout, startTimeoutMs });
}

/** The names of the two queues: one of runs, and one of their parts, so that runs that wait for parts never keep them waiting. */
export function queueNames(name: string = DEFAULT_NAME): { readonly runs: string; readonly parts: string } {
  if (typeof name !== 'string' || !/^[\w.-]+$/.test(name)) {
    throw new ValueError(`${OWNER}: name: letters, digits and the characters . _ - only`);
  }
  return { runs: `${name}-runs`, parts: `${name}-parts` };
}

/** @returns the same options, which show nothing of the connection when they are inspected or converted to JSON. */
function redacted(options: ResolvedQueueOptions): ResolvedQueueOptions {
  const printed = (): object => {
    const { prefix, worker, partTimeoutMs, timeout, startTimeoutMs } = options;
    return { connection: '(hidden)', prefix, worker, partTimeoutMs, timeout, startTimeoutMs };
  };
  return Object.defineProperties(options, { [inspect.custom]: { value: printed }, toJSON: { value: printed } });
}
