import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { SyncInProgress, ValueError } from '../errors.js';
import { checkAborted } from './side.js';

/** A sync or reload that is running. */
interface TargetRun {
  /** What is running, for messages: `sync from network into cmdb`. */
  readonly what: string;
  /** Resolves when it has settled. */
  readonly over: Promise<void>;
}

/** The run that an asynchronous call belongs to, and the run inside which that one was started. */
interface RunContext {
  readonly run: TargetRun;
  readonly outer: RunContext | undefined;
}

/** How a run takes the lock of its target. */
export interface TargetLockOptions {
  /** How long it waits for another run of the target, in milliseconds. Default: it cannot wait. */
  readonly waitMs?: number | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the run calls code that may start another run and wait for it. Following that costs time for each promise. */
  readonly tracked: boolean;
}

/** The longest delay of a timer; Node replaces a longer one by 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The run of each target, by its store. */
const runs = new Map<object, TargetRun>();
const contexts = new AsyncLocalStorage<RunContext>();
let tracked = 0;

/**
 * Runs what changes a target, unless something else does so in this process. The lock is released when the work has settled.
 * @param target - The target's store.
 * @param what - What is to run, for messages.
 * @throws SyncInProgress if another run has the target and does not end within `waitMs`, or if this one was started inside it;
 * SyncAborted if the signal ends the wait; ValueError for a wrong `waitMs`.
 */
export async function runAlone<T>(
  target: object,
  what: string,
  options: TargetLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const { waitMs, signal } = options;
  if (waitMs !== undefined && (!Number.isFinite(waitMs) || waitMs < 0)) {
    throw new ValueError(`waitMs is ${waitMs}, not a number of milliseconds from 0 on`);
  }
  const deadline = performance.now() + (waitMs ?? 0);
  // Nothing is awaited between the look that finds no other run and the entry of this one.
  for (let other = runs.get(target); other !== undefined; other = runs.get(target)) {
    checkAborted(signal);
    checkWait(other, what, waitMs, deadline);
    await waitFor(other, deadline - performance.now(), signal);
  }
  let settle = (): void => undefined;
  const run: TargetRun = { what, over: new Promise((resolve) => (settle = resolve)) };
  runs.set(target, run);
  try {
    return await (options.tracked ? runTracked(run, work) : work());
  } finally {
    runs.delete(target);
    settle();
  }
}

async function runTracked<T>(run: TargetRun, work: () => Promise<T>): Promise<T> {
  tracked++;
  try {
    return await contexts.run({ run, outer: contexts.getStore() }, work);
  } finally {
    // While it is enabled it costs time for every promise of the process, on Node 20 and 22.
    if (--tracked === 0) contexts.disable();
  }
}

/** @throws SyncInProgress if waiting for the other run is of no use, or has taken too long. */
function checkWait(other: TargetRun, what: string, waitMs: number | undefined, deadline: number): void {
  if (isInside(other)) {
    throw new SyncInProgress(
      `The ${what} was started inside the ${other.what}, by a hook for example, and would wait for itself: start it after ` +
        `that one has settled`,
    );
  }
  if (performance.now() < deadline) return;
  const still = `The ${what} cannot begin, because the ${other.what}`;
  if (waitMs === undefined) throw new SyncInProgress(`${still} is still running: wait until it has settled`);
  if (waitMs > 0) throw new SyncInProgress(`${still} was still running after ${waitMs} ms: wait longer, or try again`);
  throw new SyncInProgress(`${still} is still running: wait until it has settled, or pass waitMs`);
}

/** Resolves when the run is over, when the time is, or when the signal is aborted. */
async function waitFor({ over }: TargetRun, ms: number, signal: AbortSignal | undefined): Promise<void> {
  const ended = new AbortController();
  const signals = signal === undefined ? ended.signal : AbortSignal.any([ended.signal, signal]);
  // Rejects only when one of these signals is aborted, which the caller checks.
  const timeout = sleep(Math.min(Math.ceil(ms), MAX_TIMER_MS), undefined, { signal: signals }).catch(() => undefined);
  await Promise.race([over, timeout]);
  ended.abort();
}

/** Whether the caller was started inside the run. */
function isInside(run: TargetRun): boolean {
  for (let context = contexts.getStore(); context !== undefined; context = context.outer) {
    if (context.run === run) return true;
  }
  return false;
}
