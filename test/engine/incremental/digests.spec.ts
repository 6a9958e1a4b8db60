// What a baseline keeps of a source that is loaded anew: digests that tell values apart, and that may be damaged or too large.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, DiffSyncModel, type BaseStore, type DiffSyncLogger } from '../../../src/index.js';
import { Scope } from '../../../src/engine/compare/scope.js';
import { DIGEST_BYTES, ObjectDigester } from '../../../src/engine/incremental/object-digest.js';
import { digestAll } from '../../../src/engine/incremental/source-digests.js';
import { runsStoreOf } from '../../../src/store/beside-store.js';
import { LastingStore } from './lasting-store.js';

class Item extends DiffSyncModel.define({
  name: 'item',
  schema: z.object({ name: z.string(), first: z.unknown().optional(), second: z.unknown().optional() }),
  identifiers: ['name'],
  attributes: ['first', 'second'],
}) {}

class Items extends Adapter.define({ models: [Item], topLevel: ['item'] }) {}

/** Values whose texts are alike. */
// oxfmt-ignore
const VALUES: readonly unknown[] = [
  undefined, null, true, 0, 1, 2, '', '0', '1', '\u0001', '\u0002', 'null', 'true', 'first', 'second', '{}', '[]', '{"a":""}',
  [], [''], ['', ''], ['1'], ['1', ''], ['', '1'], ['second'], ['second', ''], ['{}'], [null], [1], [[]], [['']],
  {}, { a: '' }, new Date(0), new Set(['1']), new Map([['1', '']]),
];

async function load(items: readonly Item[]): Promise<Items> {
  const source = new Items({ name: 'source' });
  await source.addMany(items);
  return source;
}

it('two objects have one digest only where their values are equal', async () => {
  const items = VALUES.flatMap((first, a) => VALUES.map((second, b) => new Item({ name: `${a} ${b}`, first, second })));
  const source = await load(items);
  const digester = new ObjectDigester(new Scope({}, [source, source]), source);
  const byDigest = new Map<string, string>();
  for (const { uids, digests } of await digestAll(source, ['item'], digester, undefined)) {
    for (const [at, uid] of uids.entries()) {
      const digest = Buffer.from(digests.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES)).toString('hex');
      expect([uid, byDigest.get(digest)]).toEqual([uid, undefined]);
      byDigest.set(digest, uid);
    }
  }
  expect(byDigest.size).toBe(items.length);
});

describe('a sync with the option incremental', () => {
  const some = (count: number): Item[] =>
    Array.from({ length: count }, (_, number) => new Item({ name: `i${number}` }));

  async function syncInto(
    store: BaseStore,
    count: number,
  ): Promise<{ readonly why: string | undefined; readonly warnings: readonly string[] }> {
    const warnings: string[] = [];
    const logger: DiffSyncLogger = {
      isEnabled: () => true,
      debug() {},
      info() {},
      warning: (message) => warnings.push(message),
      error() {},
    };
    const target = new Items({ name: 'target', store, logger });
    const diff = await target.syncFrom(await load(some(count)), { incremental: true });
    expect(await target.count('item')).toBe(count);
    return { why: diff.fullBecause, warnings };
  }

  it('is done and says so where the store refuses what it leaves', async () => {
    const store = new LastingStore({ maxObjectBytes: 1000 });
    const { warnings } = await syncInto(store, 1000);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^The sync into target is done, but the next .* go on from it: baseline_\w+ .*maxObjectBytes/,
      ),
    ]);
  });

  it('compares everything where what an earlier one left is damaged, and leaves it anew', async () => {
    const store = new LastingStore();
    for (const why of ['no-baseline', undefined]) expect(await syncInto(store, 10)).toEqual({ why, warnings: [] });
    const runs = await runsStoreOf(store);
    const [part] = await runs.getAll({ model: 'baseline_digests' });
    await runs.update({ obj: Object.assign(part as DiffSyncModel, { uids: new Uint8Array([1, 2]) }) });
    for (const why of ['no-baseline', undefined]) expect(await syncInto(store, 10)).toEqual({ why, warnings: [] });
  });
});
