import { setTimeout as sleep } from 'node:timers/promises';
import { SyncAborted } from '../errors.js';

/** The runs of one runner that have not ended, and their end when the runner is stopped. */
export class RunsUnderWay {
  private readonly runs = new Map<AbortController, Promise<void>>();
  private stopped: { readonly reason: unknown } | undefined;

  /**
   * Performs a run.
   * @param signal - The caller's, which ends it too.
   * @throws SyncAborted if the runner was stopped before; what the work throws.
   */
  async perform<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.stopped !== undefined) {
      throw new SyncAborted('The runner was stopped, and begins no run', { cause: this.stopped.reason });
    }
    const controller = new AbortController();
    const signals = signal === undefined ? [controller.signal] : [controller.signal, signal];
    const run = work(AbortSignal.any(signals));
    const settled = run.then(
      () => undefined,
      () => undefined,
    );
    this.runs.set(controller, settled);
    try {
      return await run;
    } finally {
      this.runs.delete(controller);
    }
  }

  /** Ends all runs, and refuses later ones. */
  abort(reason: unknown): void {
    this.stopped ??= { reason };
    for (const controller of this.runs.keys()) controller.abort(this.stopped.reason);
  }

  /** Resolves when all have ended and are recorded, or the time is over. */
  async settled(ms: number): Promise<void> {
    const over = new AbortController();
    const timeout = sleep(ms, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.runs.values()), timeout]);
    over.abort();
  }
}
