import { describe, expect, it } from '@jest/globals';
import { isFull } from '../support/full.js';
import { stores, type StoreUnderTest } from '../support/stores.js';
import { deviations, expectedOfAdapter, expectedOfStore, expectedOfSync } from './deviations.js';
import type { Deviation } from './expectations.js';
import { differences } from './facts.js';
import { readingMatters } from './readings.js';
import { adapterCases, storeCases, syncCases } from './recorded-cases.js';
import { replayAdapter } from './replay-adapter.js';
import { replayStore } from './replay-store.js';
import { replaySync } from './replay-sync.js';

interface Case {
  readonly id: string;
  /** What the case shows on a store that differs from what is expected: as recorded, but for these deviations. */
  replay(store: StoreUnderTest, list?: readonly Deviation[]): Promise<string[]>;
}

const cases: readonly Case[] = [
  ...syncCases.map((recorded) => ({
    id: recorded.id,
    replay: async ({ open, close }: StoreUnderTest, list?: readonly Deviation[]) => {
      const [source, target] = [await open(), await open()];
      try {
        return differences(expectedOfSync(recorded, list), await replaySync(recorded, source, target));
      } finally {
        await close(source);
        await close(target);
      }
    },
  })),
  ...storeCases.map((recorded) => ({
    id: recorded.id,
    replay: async ({ open, close }: StoreUnderTest, list?: readonly Deviation[]) => {
      const store = await open();
      try {
        return differences(expectedOfStore(recorded, list), await replayStore(recorded, store));
      } finally {
        await close(store);
      }
    },
  })),
  ...adapterCases.map((recorded) => ({
    id: recorded.id,
    replay: async ({ open, close }: StoreUnderTest, list?: readonly Deviation[]) => {
      const [store, second] = [await open(), await open()];
      try {
        return differences(expectedOfAdapter(recorded, list), await replayAdapter(recorded, store, second));
      } finally {
        await close(store);
        await close(second);
      }
    },
  })),
];

/** In memory all cases are replayed; each on one of the other stores too, with `TEST_FULL=1` on all of them. */
const others = stores.filter(({ name }) => name !== 'local');

describe.each(stores)('what the reference did, replayed on the $name store', (store) => {
  const isWhole = isFull || store.name === 'local';
  const replayed = isWhole ? cases : cases.filter((_, at) => others[at % others.length] === store);

  it.each(replayed.map((each) => [each.id, each] as const))('%s', async (_id, { replay }) => {
    expect(await replay(store)).toEqual([]);
  });
});

describe('the recorded cases', () => {
  it('are all there', () => {
    expect([syncCases.length, storeCases.length, adapterCases.length]).toEqual([220, 72, 28]);
    expect(storeCases.flatMap(({ ops }) => ops)).toHaveLength(1223);
    expect(new Set(cases.map(({ id }) => id)).size).toBe(320);
  });

  it('are read by a rule, where the form of a fact is another, in so many of them', () => {
    const matters = syncCases.map(readingMatters);
    expect({
      progress: matters.filter(({ progress }) => progress).length,
      statuses: matters.filter(({ statuses }) => statuses).length,
    }).toEqual({ progress: 86, statuses: 29 });
  });
});

describe('the list of deviations', () => {
  const caseOf = (id: string): string => id.replace(/\[\d+\]$/, '');

  it('covers at most 73 cases and 130 operations of store sequences', () => {
    const covered = new Set(deviations.flatMap(({ covers }) => covers.map(caseOf)));
    expect(covered.size).toBeLessThanOrEqual(73);
    const operations = deviations.flatMap((entry) => {
      if (entry.kind === 'operation') return entry.covers;
      const refused = entry.kind === 'definition' ? storeCases.filter(({ id }) => entry.covers.includes(id)) : [];
      return refused.flatMap(({ id, ops }) => ops.map((_, index) => `${id}[${index}]`));
    });
    expect(new Set(operations).size).toBeLessThanOrEqual(130);
  });

  it.each(deviations.map((entry) => [entry.decision, entry] as const))(
    'needs each of its entries, for each case that it covers: %s',
    async (_decision, entry) => {
      const [store] = stores as [StoreUnderTest];
      const others = deviations.filter((each) => each !== entry);
      for (const id of entry.covers) {
        const covered = cases.find((each) => each.id === caseOf(id));
        const found = (await covered?.replay(store, others)) ?? [];
        const index = /\[\d+\]$/.exec(id)?.[0] ?? '';
        expect(found.filter((line) => line.startsWith(`.results${index}`) || index === '')).not.toEqual([]);
      }
    },
  );
});
