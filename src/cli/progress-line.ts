import type { RunPhase } from '../index.js';
import type { Io } from './io.js';

const WIDTH = 30;
/** Milliseconds between two updates of the line. */
const INTERVAL = 100;

/** The progress of a run, in one line of the terminal that standard error is; nothing where it is none. */
export class ProgressLine {
  private shownAt = -Infinity;
  private isShown = false;

  constructor(private readonly stderr: Io['stderr']) {}

  show(phase: RunPhase, current: number, total: number | undefined): void {
    if (this.stderr.isTTY !== true) return;
    const now = performance.now();
    // Both sides load at once: their turns on the line are those of the clock.
    if (now - this.shownAt < INTERVAL) return;
    this.shownAt = now;
    this.isShown = true;
    this.stderr.write(`\r\u001b[K${lineOf(phase, current, total)}`);
  }

  /** Removes the line. */
  clear(): void {
    if (this.isShown) this.stderr.write('\r\u001b[K');
    this.isShown = false;
  }
}

function lineOf(phase: RunPhase, current: number, total: number | undefined): string {
  const count = current.toLocaleString('en-US');
  if (total === undefined || total === 0) return `${phase.padEnd(11)} ${count}`;
  const done = Math.min(WIDTH, Math.floor((WIDTH * current) / total));
  const bar = '#'.repeat(done).padEnd(WIDTH, '-');
  return `${phase.padEnd(11)} [${bar}] ${count} / ${total.toLocaleString('en-US')}`;
}
