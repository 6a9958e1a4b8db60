/**
 * Does the work for each item, some at a time, and begins them in their order.
 * @param concurrency how many at a time.
 * @param goesOn is called with each result; after false no further item is begun.
 * @returns the results by position; undefined for items that were not begun.
 */
export async function callEach<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<R>,
  goesOn: (result: R) => boolean,
): Promise<(R | undefined)[]> {
  const results = Array.from<R | undefined>({ length: items.length });
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      const result = await work(items[at] as T);
      results[at] = result;
      if (!goesOn(result)) next = items.length;
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, run));
  return results;
}
