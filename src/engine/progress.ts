import type { CallbackFailures } from './callback-failures.js';

/**
 * Is called as the work proceeds.
 * @param stage - The work: a comparison or a sync.
 * @param current - How many objects are done. It never falls, and ends at `total`.
 * @param total - How many objects are expected.
 */
export type ProgressCallback = (stage: 'diff' | 'sync', current: number, total: number) => void;

/** Counts objects towards a total that is an estimate: a diff may read more or fewer objects than the stores hold. */
export class Progress {
  private done = 0;
  private reported = 0;

  /** @param failures where the callback ends if it throws: it is not called again. */
  constructor(
    private readonly stage: 'diff' | 'sync',
    private readonly total: number,
    private callback: ProgressCallback | undefined,
    private readonly failures: CallbackFailures,
  ) {}

  get current(): number {
    return this.done;
  }

  /** Counts from 0 again; what was reported stays reported. */
  restart(): void {
    this.done = 0;
  }

  advance(by: number): void {
    if (by === 0) return;
    this.done += by;
    this.report(Math.min(this.done, this.total));
  }

  /** Reports the total, whatever was counted. */
  finish(): void {
    this.report(this.total);
  }

  private report(current: number): void {
    if (current <= this.reported) return;
    this.reported = current;
    const { callback } = this;
    if (callback === undefined) return;
    this.failures.call(
      () => callback(this.stage, current, this.total),
      () => (this.callback = undefined),
    );
  }
}
