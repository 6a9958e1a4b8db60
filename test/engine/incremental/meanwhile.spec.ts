// What is written while a comparison reads, and what is left after many of them.
import { expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, DiffSyncModel, LocalStore } from '../../../src/index.js';
import { runsStoreOf } from '../../../src/store/beside-store.js';
import { LastingStore } from './lasting-store.js';

class Item extends DiffSyncModel.define({
  name: 'item',
  schema: z.object({ name: z.string(), text: z.string().default('') }),
  identifiers: ['name'],
  attributes: ['text'],
}) {}

class Items extends Adapter.define({ models: [Item], topLevel: ['item'] }) {}

async function load(texts: Readonly<Record<string, string>>): Promise<Items> {
  const source = new Items({ name: 'source', store: new LocalStore() });
  for (const [name, text] of Object.entries(texts)) await source.add(new Item({ name, text }));
  return source;
}

it('finds what was written during an earlier comparison, and is again as it was before it, in a source that is loaded anew', async () => {
  const target = new Items({ name: 'target', store: new LastingStore() });
  const source = await load({ x: 'old', y: 'a' });
  for (let time = 0; time < 3; time++) await target.syncFrom(source, { incremental: true });
  await source.update(new Item({ name: 'y', text: 'b' }));
  let written: Promise<void> | undefined;
  const onProgress = (): void => {
    written ??= source.update(new Item({ name: 'x', text: 'new' }));
  };
  const diff = await target.diffFrom(source, { incremental: true, onProgress });
  await written;
  await target.syncFrom(source, { diff });
  for (let time = 0; time < 3; time++) await target.syncFrom(source, { incremental: true });
  expect((await target.get(Item, 'x')).text).toBe('new');
  const anew = await load({ x: 'old', y: 'b' });
  const [incremental, full] = [await target.diffFrom(anew, { incremental: true }), await target.diffFrom(anew)];
  expect(incremental.summary()).toEqual(full.summary());
});

it('keeps a bounded number of digest parts, with a full comparison now and then', async () => {
  const target = new Items({ name: 'target', store: new LastingStore() });
  const runs = await runsStoreOf(target.store);
  for (let night = 0; night < 60; night++) {
    await target.syncFrom(await load({ x: String(night), y: 'a' }), { incremental: true, fullCompareEvery: 10 });
  }
  expect(await runs.count({ model: 'baseline_digests' })).toBeLessThan(30);
});
