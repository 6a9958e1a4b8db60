// An incremental comparison finds what a comparison of everything finds.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { copyStore, DiffSyncFlags, LocalStore, type Diff, type DiffSyncLogger } from '../../../src/index.js';
import { stores } from '../../support/stores.js';
import { LastingStore } from './lasting-store.js';
import { changesOf, Device, make, Network } from './random-changes.js';

const NUM_RUNS = Number(process.env['INCREMENTAL_RUNS'] ?? 150);
const NUM_RUNS_SHARED = 15;
const silent: DiffSyncLogger = { isEnabled: () => false, debug() {}, info() {}, warning() {}, error() {} };

/** All that a diff says, but for the elements that nothing has changed in. */
function sayings(diff: Diff): object {
  const { unlisted, danglingLinks, length } = diff;
  return {
    changes: [...diff.changes()],
    summary: diff.summary(),
    text: diff.toString(),
    compared: diff.terms.compared,
    length,
    unlisted,
    danglingLinks,
  };
}

async function outcomeOf(comparing: Promise<Diff>): Promise<{ readonly diff?: Diff; readonly says: object }> {
  try {
    const diff = await comparing;
    return { diff, says: sayings(diff) };
  } catch (error) {
    return { says: { error: (error as Error).name } };
  }
}

describe.each(stores.slice(0, 1))('on the $name store', ({ open, close, shared }) => {
  it('an incremental comparison says what one of everything says, whatever was written in between', async () => {
    const histories = fc.boolean().chain((isTidy) => {
      const round = fc.record({
        changes: fc.array(changesOf(4, isTidy), { maxLength: 5 }),
        flags: fc.constantFrom(
          DiffSyncFlags.NONE,
          DiffSyncFlags.NONE,
          DiffSyncFlags.NONE,
          DiffSyncFlags.SKIP_UNMATCHED_DST,
        ),
        failing: fc.oneof(
          { weight: 4, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: fc.subarray(['d0', 'd1', 'd2']) },
        ),
        syncs: fc.integer({ min: 0, max: 3 }).map((number) => number > 0),
      });
      return fc.record({
        first: fc.array(changesOf(4, isTidy), { minLength: 10, maxLength: 40 }),
        rounds: fc.array(round, { minLength: 2, maxLength: 6 }),
        isLoadedAnew: fc.boolean(),
      });
    });
    const numRuns = shared ? NUM_RUNS_SHARED : NUM_RUNS;
    const how = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(histories, async ({ first, rounds, isLoadedAnew }) => {
        const [src, dst] = [await open(), shared ? await open() : new LastingStore()];
        try {
          const target = new Network({ name: 'target', store: dst, logger: silent });
          for (const change of first) for (const side of change.sides) await make(side === 'src' ? src : dst, change);
          for (const { changes, flags, failing, syncs } of rounds) {
            for (const change of changes)
              for (const side of change.sides) await make(side === 'src' ? src : dst, change);
            Device.failing = new Set(failing);
            // A source that another process has loaded tells nothing of what has changed since the last one.
            const store = isLoadedAnew ? new LocalStore() : src;
            const source = new Network({ name: 'source', store, logger: silent });
            if (isLoadedAnew) await copyStore(src, store);
            const full = await outcomeOf(target.diffFrom(source, { flags }));
            const incremental = await outcomeOf(target.diffFrom(source, { flags, incremental: true }));
            expect(incremental.says).toEqual(full.says);
            const { diff } = incremental;
            if (diff === undefined) continue;
            const word = diff.incremental === false ? (diff.fullBecause as string) : 'incremental';
            how.set(word, (how.get(word) ?? 0) + 1);
            if (syncs) await target.syncFrom(source, { diff, flags, continueOnFailure: true }).catch(() => undefined);
          }
        } finally {
          Device.failing = new Set();
          await close(src);
          await close(dst);
        }
      }),
      { numRuns },
    );
    // Of those that nothing forbids to be incremental, most are.
    expect(how.get('incremental')).toBeGreaterThan(numRuns / 2);
  });
});
