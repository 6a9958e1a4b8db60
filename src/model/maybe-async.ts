/**
 * Work that is synchronous wherever the schemas that it asks are: a store's calls that are not awaited then keep their order. It
 * yields each promise that it waits for, by `settled`.
 */
export type MaybeAsync<T> = Generator<PromiseLike<unknown>, T, unknown>;

/** Waits for a value within such work, if it is a promise. @returns what it resolves to; throws what it rejects with. */
export function* settled<T>(value: T | PromiseLike<T>): MaybeAsync<T> {
  return isPromise(value) ? ((yield value) as T) : value;
}

/** Runs the work. @returns its result; a promise of it where the work waits for one. */
export function runMaybeAsync<T>(work: MaybeAsync<T>): T | Promise<T> {
  const first = work.next();
  return first.done === true ? first.value : finish(work, first.value);
}

async function finish<T>(work: MaybeAsync<T>, first: PromiseLike<unknown>): Promise<T> {
  let awaited = first;
  for (;;) {
    const next = await awaited.then(
      (value) => work.next(value),
      (error: unknown) => work.throw(error),
    );
    if (next.done === true) return next.value;
    awaited = next.value;
  }
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
