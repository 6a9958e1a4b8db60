// An incremental comparison finds what a comparison of everything finds, on every store that keeps a log of changes.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { loggedStores, type StoreUnderTest } from '../../support/stores.js';
import { histories, play, tally } from './histories.js';

const RUNS = Number(process.env['INCREMENTAL_RUNS'] ?? 0);
const [IN_MEMORY, ON_DISK_OR_WIRE] = [RUNS || 150, RUNS || 8];

const byName = new Map(loggedStores.map((store) => [store.name, store]));
/** Source and target. */
const pairs: readonly (readonly [string, string])[] = [
  ...loggedStores.map(({ name }) => [name, name] as const),
  ['local', 'sqlite with a log of changes'],
  ['local', 'redis with a log of changes'],
  ['redis with a log of changes', 'sqlite with a log of changes'],
  ['sqlite with a log of changes', 'redis cluster, each model in 4 shards, with a log of changes'],
];

describe.each(pairs)('from the store %s to the store %s', (from, to) => {
  const [source, target] = [byName.get(from), byName.get(to)] as [StoreUnderTest, StoreUnderTest];

  it('an incremental comparison says what one of everything says, whatever was written in between', async () => {
    const numRuns = source.shared || target.shared ? ON_DISK_OR_WIRE : IN_MEMORY;
    const how: string[] = [];
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const [src, dst] = [await source.open(), await target.open()];
        try {
          for (const each of await play(history, src, dst)) how.push(each);
        } finally {
          await source.close(src);
          await target.close(dst);
        }
      }),
      { numRuns },
    );
    const counts = tally(how);
    process.stdout.write(`${from} to ${to}: ${JSON.stringify(counts)}\n`);
    // One history in two is untidy and leaves a baseline seldom.
    expect(counts['incremental']).toBeGreaterThan(numRuns / 4);
  });
});
