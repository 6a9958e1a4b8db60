/**
 * What callbacks and loggers of the caller throw while a diff or sync runs. It is no object's failure: the work goes on, and is
 * rejected with the first of them when it is done.
 */
export class CallbackFailures {
  private first: { readonly error: unknown } | undefined;
  private isSettled = false;

  /** Whether a callback has failed. */
  get any(): boolean {
    return this.first !== undefined;
  }

  /** Calls a callback. It may be asynchronous, although nothing waits for it. @returns undefined if it throws. */
  call<T>(callback: () => T): T | undefined {
    try {
      const result = callback();
      if (result instanceof Promise) result.catch((error: unknown) => this.note(error));
      return result;
    } catch (error) {
      this.note(error);
      return undefined;
    }
  }

  /**
   * Ends the work. What fails after this, or beside another failure, is a warning of the process.
   * @param failed whether the work is rejected with another error.
   * @throws what the first callback that failed has thrown.
   */
  settle(failed: boolean): void {
    this.isSettled = true;
    if (this.first === undefined) return;
    if (!failed) throw this.first.error;
    warn(this.first.error);
  }

  private note(error: unknown): void {
    if (this.isSettled) warn(error);
    else this.first ??= { error };
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
