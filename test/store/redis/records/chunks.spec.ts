import { describe, expect, it } from '@jest/globals';
import { mapChunks } from '../../../../src/store/redis/records/chunks.js';

/** Chunks 1 to 6, the work on each of which ends when the test says so. */
function controlled(signal?: AbortSignal) {
  const made: number[] = [];
  const begun: number[] = [];
  const ends = new Map<number, { resolve(value: string): void; reject(error: unknown): void }>();
  function* chunks(): Generator<number, void, undefined> {
    for (let chunk = 1; chunk <= 6; chunk++) {
      made.push(chunk);
      yield chunk;
    }
  }
  const work = (chunk: number): Promise<string> =>
    new Promise((resolve, reject) => {
      begun.push(chunk);
      ends.set(chunk, { resolve, reject });
    });
  const all = mapChunks(chunks(), 6, work, signal);
  all.catch(() => undefined);
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const end = async (chunk: number, error?: unknown): Promise<void> => {
    if (error === undefined) ends.get(chunk)?.resolve(`did ${chunk}`);
    else ends.get(chunk)?.reject(error);
    await settle();
  };
  return { all, made, begun, end, settle };
}

describe('chunks in a window', () => {
  it('two are worked on at a time, and the next one is made meanwhile', async () => {
    const { all, made, begun, end, settle } = controlled();
    await settle();
    expect({ made, begun }).toEqual({ made: [1, 2, 3], begun: [1, 2] });
    await end(1);
    expect({ made, begun }).toEqual({ made: [1, 2, 3, 4], begun: [1, 2, 3] });
    for (const chunk of [2, 3, 4, 5, 6]) await end(chunk);
    expect(await all).toEqual([1, 2, 3, 4, 5, 6].map((chunk) => `did ${chunk}`));
  });

  it('none is begun after a failure, whichever of the two fails', async () => {
    for (const [failing, other] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const { all, begun, end, settle } = controlled();
      await settle();
      const error = new Error('refused');
      await end(failing, error);
      await expect(all).rejects.toBe(error);
      await end(other);
      expect(begun).toEqual([1, 2]);
    }
  });

  it('none is begun once the caller waits no longer', async () => {
    const ending = new AbortController();
    const { all, begun, end, settle } = controlled(ending.signal);
    await settle();
    ending.abort(new Error('enough'));
    await expect(all).rejects.toThrow('enough');
    await end(1);
    await end(2);
    expect(begun).toEqual([1, 2]);
  });
});
