import { Presets, SingleBar } from 'cli-progress';

/** A bar for one piece of work after the other: of two loads side by side, the first. On standard error, and only on a terminal. */
export class ProgressBars {
  private shown: { readonly work: string; readonly bar: SingleBar } | undefined;

  /** A ProgressListener, to be passed along by itself. */
  readonly report = (work: string, current: number, total: number | undefined): void => {
    if (total === undefined || (this.shown !== undefined && this.shown.work !== work)) return;
    this.shown ??= { work, bar: begin(work, total) };
    this.shown.bar.update(current);
    if (current >= total) this.stop();
  };

  /** Leaves the terminal as it was, whatever was reached. */
  stop(): void {
    this.shown?.bar.stop();
    this.shown = undefined;
  }
}

function begin(work: string, total: number): SingleBar {
  const bar = new SingleBar(
    {
      format: `${work.padEnd(14)} {bar} {percentage}% {value}/{total}`,
      stream: process.stderr,
      noTTYOutput: false,
      // The work gives timers no turn in memory; a bar then draws itself every second frame.
      fps: 40,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return bar;
}
