// Random histories of two sides: writes, comparisons in full and incrementally, and syncs, of which some fail.
import { expect } from '@jest/globals';
import * as fc from 'fast-check';
import {
  copyStore,
  DiffSyncFlags,
  LocalStore,
  type Adapter,
  type BaseStore,
  type Diff,
  type DiffSyncLogger,
} from '../../../src/index.js';
import { changesOf, Device, make, Network, type Change } from './random-changes.js';

export const silent: DiffSyncLogger = { isEnabled: () => false, debug() {}, info() {}, warning() {}, error() {} };

/** What of a comparison has a baseline of its own. */
interface Terms {
  readonly flags: DiffSyncFlags;
  readonly unlisted?: 'delete';
  readonly modelTypes?: string[];
}

interface Round {
  readonly changes: readonly Change[];
  /** Instead of those of the history. */
  readonly flags: DiffSyncFlags | undefined;
  readonly failing: readonly string[];
  readonly syncs: boolean;
}

export interface History {
  readonly first: readonly Change[];
  readonly terms: Terms;
  /** Whether each comparison has a source of its own, as another process loads it. */
  readonly isLoadedAnew: boolean;
  readonly rounds: readonly Round[];
}

const NONE: Terms = { flags: DiffSyncFlags.NONE };
const terms = fc.oneof(
  { weight: 5, arbitrary: fc.constant(NONE) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Terms>(
      { flags: DiffSyncFlags.SKIP_UNMATCHED_SRC },
      { ...NONE, unlisted: 'delete' },
      { ...NONE, modelTypes: ['group', 'device'] },
      { ...NONE, modelTypes: ['device'] },
    ),
  },
);

/** How many objects of a type there may be. */
const NAMES = 4;
const tidy = changesOf(NAMES, true);
/** What both sides have at first, mostly: what differs then is settled by the first sync. */
const placed = tidy.map((change): Change => ({ ...change, kind: 'add', sides: ['src', 'dst'] }));
const moved = tidy.map((change): Change => ({ ...change, kind: change.other % 2 === 0 ? 'move' : 'share' }));
const written = (any: fc.Arbitrary<Change>): fc.Arbitrary<Change> =>
  fc.oneof({ weight: 2, arbitrary: any }, { weight: 1, arbitrary: moved });

export const histories: fc.Arbitrary<History> = fc.boolean().chain((isTidy) => {
  const round = fc.record<Round>({
    changes: fc.array(written(changesOf(NAMES, isTidy)), { maxLength: 4 }),
    flags: fc.oneof(
      { weight: 8, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constant(DiffSyncFlags.SKIP_UNMATCHED_DST) },
    ),
    failing: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.subarray(['d0', 'd1', 'd2']) },
    ),
    syncs: fc.integer({ min: 0, max: 4 }).map((number) => number > 0),
  });
  return fc.record<History>({
    first: fc
      .tuple(fc.array(placed, { minLength: 15, maxLength: 40 }), fc.array(tidy, { maxLength: 5 }))
      .map((changes) => changes.flat()),
    terms,
    isLoadedAnew: fc.nat(5).map((number) => number === 0),
    rounds: fc.array(round, { minLength: 3, maxLength: 7 }),
  });
});

/** All that a diff says, but for the elements that nothing has changed in. */
export function sayings(diff: Diff): object {
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

/** How a comparison was made: `incremental`, or why not. */
export function howOf(diff: Diff): string {
  return diff.incremental === false ? String(diff.fullBecause) : 'incremental';
}

/**
 * Plays a history in two stores, and expects each incremental comparison to say what one of everything says.
 * @returns how each was made.
 */
export async function play(history: History, src: BaseStore, dst: BaseStore): Promise<readonly string[]> {
  const target: Adapter = new Network({ name: 'target', store: dst, logger: silent });
  const change = async (changes: readonly Change[]): Promise<void> => {
    for (const each of changes) for (const side of each.sides) await make(side === 'src' ? src : dst, each);
  };
  const how: string[] = [];
  await change(history.first);
  try {
    for (const { changes, flags, failing, syncs } of history.rounds) {
      await change(changes);
      Device.failing = new Set(failing);
      const store = history.isLoadedAnew ? new LocalStore() : src;
      if (history.isLoadedAnew) await copyStore(src, store);
      const source: Adapter = new Network({ name: 'source', store, logger: silent });
      const options = { ...history.terms, ...(flags === undefined ? {} : { flags }) };
      const full = await outcomeOf(target.diffFrom(source, options));
      const { diff, says } = await outcomeOf(target.diffFrom(source, { ...options, incremental: true }));
      expect(says).toEqual(full.says);
      if (diff === undefined) continue;
      how.push(howOf(diff));
      if (syncs) await target.syncFrom(source, { diff, ...options, continueOnFailure: true }).catch(() => undefined);
    }
  } finally {
    Device.failing = new Set();
  }
  return how;
}

/** Counts how comparisons were made. */
export function tally(how: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const each of how) counts[each] = (counts[each] ?? 0) + 1;
  return counts;
}
