// An incremental comparison finds what a comparison of everything finds, also in histories that leave much untidy. In memory, where
// many of them run fast; every-store.spec.ts plays others on every store.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { DiffSyncFlags, LocalStore } from '../../../src/index.js';
import { play, type History } from './histories.js';
import { LastingStore } from './lasting-store.js';
import { changesOf } from './random-changes.js';
import { sized } from '../../support/full.js';

const NUM_RUNS = Number(process.env['INCREMENTAL_RUNS'] ?? sized(150, 75));

const histories: fc.Arbitrary<History> = fc.boolean().chain((isTidy) => {
  const round = fc.record({
    changes: fc.array(changesOf(4, isTidy), { maxLength: 5 }),
    flags: fc.oneof(
      { weight: 3, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constant(DiffSyncFlags.SKIP_UNMATCHED_DST) },
    ),
    failing: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.subarray(['d0', 'd1', 'd2']) },
    ),
    syncs: fc.integer({ min: 0, max: 3 }).map((number) => number > 0),
  });
  return fc.record({
    first: fc.array(changesOf(4, isTidy), { minLength: 10, maxLength: 40 }),
    terms: fc.constant({ flags: DiffSyncFlags.NONE }),
    rounds: fc.array(round, { minLength: 2, maxLength: 6 }),
    isLoadedAnew: fc.boolean(),
  });
});

describe('in memory', () => {
  it('an incremental comparison says what one of everything says, whatever was written in between', async () => {
    let incremental = 0;
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const [src, dst] = [new LocalStore(), new LastingStore()];
        try {
          const how = await play(history, src, dst);
          incremental += how.filter((word) => word === 'incremental').length;
        } finally {
          await src.close();
          await dst.close();
        }
      }),
      { numRuns: NUM_RUNS },
    );
    // Of those that nothing forbids to be incremental, most are.
    expect(incremental).toBeGreaterThan(NUM_RUNS / 2);
  });
});
