/** Runs tasks one after another, in the order of the calls. A task that fails does not stop those behind it. */
export class SerialQueue {
  private last: Promise<unknown> = Promise.resolve();
  private pending = 0;

  /** Whether no task runs or waits. */
  get isIdle(): boolean {
    return this.pending === 0;
  }

  /** @returns what the task resolves to, once all tasks before it have settled and it has run. */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    this.pending++;
    const done = this.last.then(task).finally(() => this.pending--);
    this.last = done.catch(() => undefined);
    return done;
  }
}
