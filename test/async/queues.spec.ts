import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { KeyedQueue } from '../../src/async/keyed-queue.js';
import { SerialQueue } from '../../src/async/serial-queue.js';

describe('SerialQueue', () => {
  it('runs tasks one after another, in the order of the calls, also after one that fails', async () => {
    const queue = new SerialQueue();
    const events: string[] = [];
    const task = (name: string, ms: number) => async (): Promise<string> => {
      events.push(`${name} begins`);
      await setTimeout(ms);
      events.push(`${name} ends`);
      if (name === 'b') throw new Error('b fails');
      return name;
    };
    const all = await Promise.allSettled([queue.run(task('a', 5)), queue.run(task('b', 1)), queue.run(task('c', 0))]);
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(queue.isIdle).toBe(true);
  });
});

describe('KeyedQueue', () => {
  it('makes tasks with a common key wait for each other, and no others', async () => {
    const queue = new KeyedQueue();
    const events: string[] = [];
    const task = (name: string, ms: number) => async (earlier: Promise<unknown>) => {
      await earlier;
      await setTimeout(ms);
      events.push(name);
    };
    await Promise.all([
      queue.run(['x', 'y'], task('first of x and y', 10)),
      queue.run(['y'], task('second of y', 0)),
      queue.run(['z'], task('only one of z', 0)),
    ]);
    expect(events).toEqual(['only one of z', 'first of x and y', 'second of y']);
  });

  it('runs a task after one of the same key that has failed', async () => {
    const queue = new KeyedQueue();
    const failed = queue.run(['x'], () => Promise.reject(new Error('fails')));
    const next = queue.run(['x'], async (earlier) => {
      await earlier;
      return 'done';
    });
    await expect(failed).rejects.toThrow('fails');
    await expect(next).resolves.toBe('done');
  });
});
