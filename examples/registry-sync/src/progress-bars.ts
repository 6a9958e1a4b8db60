import { MultiBar, Presets, type SingleBar } from 'cli-progress';

/** A bar for each piece of work; both loads run side by side. On standard error, and only on a terminal. */
export class ProgressBars {
  private readonly bars = new Map<string, SingleBar>();
  private readonly all = new MultiBar(
    {
      format: '{work} {bar} {percentage}% {value}/{total}',
      stream: process.stderr,
      noTTYOutput: false,
      // The work gives timers no turn in memory; a bar then draws itself every second frame.
      fps: 40,
    },
    Presets.shades_classic,
  );

  /** A ProgressListener, to be passed along by itself. */
  readonly report = (work: string, current: number, total: number | undefined): void => {
    if (total === undefined) return;
    let bar = this.bars.get(work);
    if (bar === undefined) this.bars.set(work, (bar = this.all.create(total, 0, { work: work.padEnd(14) })));
    bar.update(current);
  };

  /** Leaves the terminal as it was, whatever was reached. */
  stop(): void {
    this.all.stop();
  }
}
