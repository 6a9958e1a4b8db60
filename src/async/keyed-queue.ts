/** Calls about the same objects go one after another; all others go at once. */
export class Turns {
  /** Unique id -> settles when the last call about it has ended. */
  private readonly last = new Map<string, Promise<void>>();

  /** @param work begins now; `before` settles when the earlier calls about any of these objects have ended. */
  async take<T>(uids: readonly string[], work: (before: Promise<unknown>) => Promise<T>): Promise<T> {
    const before = new Set(uids.flatMap((uid) => this.last.get(uid) ?? []));
    const done = work(Promise.all(before));
    const ended = done.then(
      () => undefined,
      () => undefined,
    );
    for (const uid of uids) this.last.set(uid, ended);
    try {
      return await done;
    } finally {
      for (const uid of uids) if (this.last.get(uid) === ended) this.last.delete(uid);
    }
  }
}
