import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { AutoBatcher } from '../../src/async/auto-batcher.js';
import { Failed } from '../../src/async/outcome.js';

const LIMITS = { deadline: Infinity };

function batcher({ maxItems = 10 }: { readonly maxItems?: number } = {}) {
  const calls: string[] = [];
  const kinds = {
    double: async (items: readonly number[], deadline: number): Promise<(number | Failed)[]> => {
      calls.push(`double ${items.join()} by ${deadline}`);
      await setTimeout(1);
      return items.map((item) => (item < 0 ? new Failed(new Error(`no ${item}`)) : 2 * item));
    },
    name: async (items: readonly string[]): Promise<string[]> => {
      calls.push(`name ${items.join()}`);
      return items.map((item) => item.toUpperCase());
    },
  };
  return { calls, batches: new AutoBatcher(kinds, maxItems, 2, () => new Error('too many')) };
}

describe('AutoBatcher', () => {
  it('does neighbours of one kind in one call, by the earliest deadline, and gives each its own result', async () => {
    const { calls, batches } = batcher();
    const results = await Promise.allSettled([
      batches.run('double', 'a', 1, { deadline: 20 }),
      batches.run('double', 'b', -2, { deadline: 10 }),
      batches.run('name', 'c', 'x', LIMITS),
      batches.run('double', 'd', 3, LIMITS),
    ]);
    expect(calls).toEqual(['double 1,-2 by 10', 'name x', 'double 3 by Infinity']);
    expect(results).toMatchObject([{ value: [2] }, { reason: { message: 'no -2' } }, { value: ['X'] }, { value: [6] }]);
  });

  it('has no unique id in flight twice, nor more items than allowed in a batch', async () => {
    const { calls, batches } = batcher({ maxItems: 2 });
    const run = (uid: string, item: number): Promise<[number]> => batches.run('double', uid, item, LIMITS);
    await Promise.all([run('a', 1), run('a', 2), run('b', 3), run('c', 4)]);
    expect(calls.map((call) => call.split(' ')[1])).toEqual(['1', '2,3', '4']);
  });

  it('leaves out an item whose signal has aborted', async () => {
    const { calls, batches } = batcher();
    const signal = AbortSignal.abort(new Error('ended'));
    const ended = batches.run('double', 'a', 1, { deadline: 5, signal });
    await expect(ended).rejects.toThrow('ended');
    await expect(batches.run('double', 'b', 2, LIMITS)).resolves.toEqual([4]);
    expect(calls).toEqual(['double 2 by Infinity']);
  });

  it('settled() waits for all that was asked for before, and is undefined when there is nothing', async () => {
    const { batches } = batcher();
    expect(batches.settled()).toBeUndefined();
    let done = false;
    const work = batches.run('double', 'a', 1, LIMITS).then(() => (done = true));
    await batches.settled();
    expect(done).toBe(true);
    await work;
  });
});
