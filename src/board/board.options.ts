import type { CanActivate, ModuleMetadata, Type } from '@nestjs/common';
import { z } from 'zod';
import { ValueError, type Adapter, type ApplyRunOptions, type SyncRunOptions } from '../index.js';

/** A guard of Nest: its class, which Nest makes for the board, or an object. */
export type BoardGuard = Type<CanActivate> | CanActivate;

/** A run that is about to be started from the board. */
export interface BoardRun {
  readonly kind: 'dry-run' | 'apply' | 'undo';
  /** Of an undo, the target itself. */
  readonly source: Adapter;
  readonly target: Adapter;
}

/** The options of a run that the application decides about, and no request. An undo takes `guards`, `exclusive` and how it is applied. */
export type BoardRunOptions = Pick<
  SyncRunOptions & ApplyRunOptions,
  | 'load'
  | 'guards'
  | 'exclusive'
  | 'flags'
  | 'unlisted'
  | 'modelTypes'
  | 'filters'
  | 'syncAttrs'
  | 'excludeAttrs'
  | 'incremental'
  | 'syncFilter'
  | 'continueOnFailure'
  | 'concurrency'
  | 'batchSize'
  | 'verify'
>;

/** Where the board is, who may see it, who may decide, and how the runs are made that are started from it. */
export interface DiffSyncBoardOptions {
  /** The path of the board, below the global prefix and version of the application. Default: `diffsync`. */
  readonly path?: string | undefined;
  /**
   * What protects every route of the board, the page itself included: at least one guard, or `'none'`, which says that all who reach the
   * application may see everything that is not secret. Guards of the whole application apply besides.
   */
  readonly guards: readonly BoardGuard[] | 'none';
  /** What protects besides that whatever changes something. Default: no more than `guards`. */
  readonly decideGuards?: readonly BoardGuard[] | undefined;
  /** Whether there are no routes that change something. Default: false. */
  readonly readOnly?: boolean | undefined;
  /** Origins other than its own from which the board is used, such as `https://tools.example.com`. Default: none. */
  readonly origins?: readonly string[] | undefined;
  /** Modules that export what the guards ask for. */
  readonly imports?: ModuleMetadata['imports'] | undefined;
  /**
   * Says who makes a request: the runs and approvals have it as `by`.
   * @param request - The request of the platform; it has what the guards have put there.
   * @returns The name; an empty one is refused. Default: `board`.
   */
  user?(request: object): string | Promise<string>;
  /**
   * Says how a run is made that is started from the board.
   * @param run - What is to be done, and with which adapters.
   * @returns The options. Default: those of `SyncRunner`.
   */
  runOptions?(run: BoardRun): BoardRunOptions | Promise<BoardRunOptions>;
}

/** The options, checked. */
export interface ResolvedBoardOptions {
  readonly path: string;
  readonly readOnly: boolean;
  readonly origins: readonly string[];
  readonly guards: readonly BoardGuard[];
  readonly decideGuards: readonly BoardGuard[];
  readonly user: (request: object) => string | Promise<string>;
  readonly runOptions: (run: BoardRun) => BoardRunOptions | Promise<BoardRunOptions>;
}

const SEGMENTS = /^[\w-]+(?:\/[\w-]+)*$/;

const isGuard = (given: unknown): given is BoardGuard =>
  typeof given === 'function' ||
  (typeof given === 'object' && given !== null && 'canActivate' in given && typeof given.canActivate === 'function');
const guard = z.custom<BoardGuard>(isGuard, 'is no guard: a class, or an object with canActivate');
const callback = <F>(): z.ZodType<F> => z.custom<F>((given) => typeof given === 'function', 'is no function');

const Options = z.strictObject({
  path: z
    .string()
    .transform((path) => path.replaceAll(/^\/+|\/+$/g, ''))
    .refine((path) => SEGMENTS.test(path), 'is no path of letters, digits, "_", "-" and "/"')
    .default('diffsync'),
  guards: z.union([z.literal('none'), z.array(guard).min(1)], {
    error: `is to be a list of guards, or 'none' for a board that all may see who reach the application`,
  }),
  decideGuards: z.array(guard).default([]),
  readOnly: z.boolean().default(false),
  origins: z
    .array(z.string().refine((origin) => URL.canParse(origin) && new URL(origin).origin === origin, 'is no origin'))
    .default([]),
  imports: z.array(z.unknown()).optional(),
  user: callback<ResolvedBoardOptions['user']>().default(() => () => 'board'),
  runOptions: callback<ResolvedBoardOptions['runOptions']>().default(() => () => ({})),
});

/** @throws ValueError for wrong options, path by path. */
export function checkBoardOptions(options: DiffSyncBoardOptions): ResolvedBoardOptions {
  const { success, data, error } = Options.safeParse(options ?? {});
  if (!success) {
    const issues = error.issues.map(({ path, message }) => `${path.join('.') || 'options'}: ${message}`);
    throw new ValueError(`DiffSyncBoardModule.forRoot: ${issues.join('; ')}`);
  }
  const { guards, imports: _, ...rest } = data;
  return { ...rest, guards: guards === 'none' ? [] : guards };
}
