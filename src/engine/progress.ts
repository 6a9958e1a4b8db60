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
