/** Stands for the result of one item of a batch that failed by itself, while its neighbours did not. */
export class Failed {
  constructor(readonly error: unknown) {}
}

/** The outcome of one item of a batch: its value, undefined where there is none, or its failure. */
export type Result<T> = T | Failed | undefined;

/** @returns the values, by position. @throws the error of the first failure. */
export function throwFirstFailure<T>(results: Result<T>[]): (T | undefined)[] {
  for (const result of results) if (result instanceof Failed) throw result.error;
  return results as (T | undefined)[];
}
