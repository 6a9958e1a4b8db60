import { describe, expect, it } from '@jest/globals';
import { ObjectAlreadyExists } from '../../src/index.js';
import { FlushScheduler } from '../../src/store/flush-scheduler.js';

/** A scheduler whose first drain waits for `fail`, and then meets a conflict. */
function conflicting(): { scheduler: FlushScheduler; begun: Promise<void>; fail: () => void; told: Promise<void> } {
  let fail = (): void => undefined;
  let begin = (): void => undefined;
  let tell = (): void => undefined;
  const failed = new Promise<void>((resolve) => (fail = resolve));
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const told = new Promise<void>((resolve) => (tell = resolve));
  let drains = 0;
  const drain = async (): Promise<void> => {
    if (drains++ > 0) return;
    begin();
    await failed;
    throw new ObjectAlreadyExists('there is another one');
  };
  return { scheduler: new FlushScheduler(drain, () => false, tell), begun, fail, told };
}

describe('the conflict of a scheduled flush', () => {
  it('is told to the next caller of flush, once', async () => {
    const { scheduler, begun, fail, told } = conflicting();
    scheduler.schedule();
    await begun;
    fail();
    await told;
    await expect(scheduler.flush()).rejects.toThrow(ObjectAlreadyExists);
    await scheduler.flush();
  });

  it('is not told again where a caller has waited for the same flush', async () => {
    const { scheduler, fail, told } = conflicting();
    const first = scheduler.flush(); // Queued, and not begun.
    const timer = (scheduler as unknown as { flushScheduled(): Promise<void> }).flushScheduled();
    fail();
    await expect(first).rejects.toThrow(ObjectAlreadyExists);
    await timer;
    await told;
    await scheduler.flush();
  });

  it('is told instead of a later one that its caller meets, and neither is told to the next', async () => {
    const conflicts = ['one', 'two'].map((each) => new ObjectAlreadyExists(each));
    let tell = (): void => undefined;
    const told = new Promise<void>((resolve) => (tell = resolve));
    const drain = async (): Promise<void> => {
      const conflict = conflicts.shift();
      if (conflict !== undefined) throw conflict;
    };
    const scheduler = new FlushScheduler(drain, () => false, tell);
    scheduler.schedule();
    await told;
    await expect(scheduler.flush()).rejects.toThrow('one');
    await scheduler.flush();
  });
});
