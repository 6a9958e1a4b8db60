/**
 * Every benchmark by its name. `run(args)` measures this repository's build; `measureRound(options)` measures the rows of
 * our own code once, after a warm-up, for `--baseline`. One without it deals with that option itself.
 */
export const benchmarks = new Map([
  ['board', () => import('./board.mjs')],
  ['engine', () => import('./engine.mjs')],
  ['growth', () => import('./growth.mjs')],
  ['queue', () => import('./queue.mjs')],
  ['redis', () => import('./redis.mjs')],
  ['resync', () => import('./resync.mjs')],
  ['stores', () => import('./stores.mjs')],
  ['types', () => import('./types.mjs')],
]);
