import { SyncAborted } from '../errors.js';
import type { DiffSyncLogger } from '../logging/logger.js';
import type { ModelClass } from '../model/defined-model.js';
import type { ModelHost } from '../model/model-hooks.js';
import type { BaseStore } from '../store/base-store.js';

/** All that the engine knows of an adapter. */
export interface Side extends ModelHost {
  readonly topLevel: readonly string[];
  readonly store: BaseStore;
  readonly logger: DiffSyncLogger;
  /** Every model of the adapter, by name. */
  readonly modelClasses: ReadonlyMap<string, ModelClass>;
}

/** @throws SyncAborted, with the signal's reason as its cause. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new SyncAborted('Aborted by its signal', { cause: signal.reason });
}

/** Called as work proceeds: `current` never falls, and ends at `total`. */
export type ProgressCallback = (stage: 'diff' | 'sync', current: number, total: number) => void;

/** Counts towards a total that is only an estimate: what a diff visits may be more or less than what the stores hold. */
export class Progress {
  private done = 0;
  private reported = 0;

  constructor(
    private readonly stage: 'diff' | 'sync',
    private readonly total: number,
    private readonly callback: ProgressCallback | undefined,
  ) {}

  get current(): number {
    return this.done;
  }

  advance(by: number): void {
    if (by === 0) return;
    this.done += by;
    this.report(Math.min(this.done, this.total));
  }

  /** Reaches the total, whatever was counted. */
  finish(): void {
    this.report(this.total);
  }

  private report(current: number): void {
    if (current <= this.reported) return;
    this.reported = current;
    this.callback?.(this.stage, current, this.total);
  }
}
