// Changes from an index on: what is before them is not read, whatever the size of the changes.
import { afterAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  LocalStore,
  storeChannel,
  SyncRunner,
  type RunChange,
  type StoreTrace,
} from '../../src/index.js';

class Note extends DiffSyncModel.define({
  name: 'note',
  schema: z.object({ name: z.string(), text: z.string() }),
  identifiers: ['name'],
  attributes: ['text'],
}) {}

class Notes extends Adapter {
  static override readonly models = [Note];
  static override readonly topLevel = ['note'];
}

let partsRead = 0;
const count = (message: unknown): void => {
  const { model, operation, uids = [] } = message as StoreTrace;
  if (model === 'run_changes' && operation === 'getByUids') partsRead += [...uids].length;
};
storeChannel.start.subscribe(count);
afterAll(() => storeChannel.start.unsubscribe(count));

/** @returns the changes from an index on, up to a number of them, and how many parts were read. */
async function from(
  changes: AsyncIterable<RunChange>,
  limit: number,
): Promise<{ readonly found: number[]; readonly parts: number }> {
  const before = partsRead;
  const found: number[] = [];
  for await (const { index } of changes) {
    if (found.push(index) === limit) break;
  }
  return { found, parts: partsRead - before };
}

/** Half of the changes are so large that a part has one or two of them. */
const LARGE = 40_000;

describe.each([
  ['small changes', 4000, () => 'text'],
  ['large changes first', 600, (at: number) => 'x'.repeat(at < 300 ? LARGE : 1)],
  ['large changes last', 600, (at: number) => 'x'.repeat(at < 300 ? 1 : LARGE)],
])('history.changes() with `from`, %s', (_, size, textOf) => {
  it('reads the changes from there on, and few parts before them', async () => {
    const [source, target] = [
      new Notes({ name: 'source' }),
      new Notes({ name: 'target', store: new LocalStore({ storeId: 'seek' }) }),
    ];
    await source.addMany(Array.from({ length: size }, (_, at) => new Note({ name: `n${at}`, text: textOf(at) })));
    const runner = new SyncRunner();
    const run = await runner.run({ source, target, load: 'none', dryRun: true });
    const history = runner.history(target);
    const indices = [0, 1, 31, 32, 33, 64, 299, 300, 301, 450, size - 33, size - 32, size - 1];
    for (const index of indices) {
      const { found, parts } = await from(history.changes(run.id, { from: index }), 10);
      expect(found).toEqual(Array.from({ length: Math.min(10, size - index) }, (_, at) => index + at));
      expect([index, parts <= 30]).toEqual([index, true]);
    }
    expect(await from(history.changes(run.id, { from: size }), 1)).toMatchObject({ found: [] });
    const { found } = await from(history.changes(run.id, { from: 100 }), Infinity);
    expect(found).toEqual(Array.from({ length: size - 100 }, (_, at) => 100 + at));
  });

  it('of a run without changes finds none', async () => {
    const [source, target] = [new Notes({ name: 'source' }), new Notes({ name: 'target' })];
    const runner = new SyncRunner();
    const run = await runner.run({ source, target, load: 'none', dryRun: true });
    expect(await from(runner.history(target).changes(run.id, { from: 5 }), 1)).toEqual({ found: [], parts: 0 });
  });
});
