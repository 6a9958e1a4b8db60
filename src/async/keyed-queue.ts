/** Runs tasks that share a key one after another, in the order of the calls; tasks without a common key run at once. */
export class KeyedQueue {
  /** Key -> settles when the last task with that key has ended. */
  private readonly last = new Map<string, Promise<void>>();

  /**
   * Starts a task.
   * @param task - Is called now, to prepare its work; it awaits `earlier` before the part that must run alone. `earlier`
   *   settles when all earlier tasks with any of these keys have ended.
   * @returns what the task resolves to.
   */
  async run<T>(keys: readonly string[], task: (earlier: Promise<unknown>) => Promise<T>): Promise<T> {
    const earlier = new Set(keys.flatMap((key) => this.last.get(key) ?? []));
    const done = task(Promise.all(earlier));
    const ended = done.then(
      () => undefined,
      () => undefined,
    );
    for (const key of keys) this.last.set(key, ended);
    try {
      return await done;
    } finally {
      for (const key of keys) if (this.last.get(key) === ended) this.last.delete(key);
    }
  }
}
