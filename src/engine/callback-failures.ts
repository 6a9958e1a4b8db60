/**
 * What callbacks and loggers of the caller throw while a diff or sync runs. It is no object's failure: the work goes on, and is
 * rejected with the first of them when it is done.
 */
export class CallbackFailures {
  private first: { readonly error: unknown } | undefined;
  private isSettled = false;

  /**
   * Calls a callback. It may be asynchronous, although nothing waits for it.
   * @param onFailure is called when it fails.
   * @returns undefined if it throws.
   */
  call<T>(callback: () => T, onFailure?: () => void): T | undefined {
    const note = (error: unknown): undefined => {
      this.note(error);
      onFailure?.();
    };
    try {
      const result = callback();
      if (isThenable(result)) result.then(undefined, note);
      return result;
    } catch (error) {
      return note(error);
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

  /** Notes what a callback has thrown. */
  note(error: unknown): void {
    if (this.isSettled) warn(error);
    else this.first ??= { error };
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
