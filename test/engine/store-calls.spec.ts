import { describe, expect, it } from '@jest/globals';
import { LocalStore, type ModelRecord, type RecordChange } from '../../src/index.js';
import { Device, Inventory, Site, tree } from '../fixtures/inventory.js';

/** Counts how often the backend is asked, as round trips of a remote one would be. */
class CountingStore extends LocalStore {
  reads = 0;
  writes = 0;

  protected override async readRecords(model: string, uids: readonly string[]) {
    this.reads++;
    return super.readRecords(model, uids);
  }

  /** In one call, as of a backend that pages by itself. */
  protected override async *readPages(model: string, uids: readonly string[]) {
    if (uids.length > 0) yield await this.readRecords(model, uids);
  }

  protected override scanRecords(model: string, pageSize: number) {
    this.reads++;
    return super.scanRecords(model, pageSize);
  }

  protected override async insertRecords(model: string, records: readonly ModelRecord[]) {
    this.writes++;
    return super.insertRecords(model, records);
  }

  protected override async putRecords(model: string, records: readonly ModelRecord[]) {
    this.writes++;
    return super.putRecords(model, records);
  }

  protected override async modifyRecords(model: string, uids: readonly string[], change: RecordChange) {
    this.writes++;
    return super.modifyRecords(model, uids, change);
  }

  protected override async deleteRecords(model: string, uids: readonly string[]) {
    this.writes++;
    return super.deleteRecords(model, uids);
  }
}

describe('asking the store', () => {
  const SITES = 100;
  const DEVICES = 50;

  /** 100 sites with 50 devices each; with `shift`, each device is `shift` sites further on. */
  async function inventory(name: string, { shift = 0, role = '' } = {}): Promise<[Inventory, CountingStore]> {
    const store = new CountingStore();
    const adapter = new Inventory({ name, store });
    const devices = Array.from({ length: SITES * DEVICES }, (_, index) => `d${index}`);
    const sites = Array.from({ length: SITES }, (_, site) => {
      const from = ((site + shift) % SITES) * DEVICES;
      return new Site({ name: `s${site}`, devices: devices.slice(from, from + DEVICES) });
    });
    await adapter.addMany([...sites, ...devices.map((each) => new Device({ name: each, role }))]);
    store.reads = 0;
    store.writes = 0;
    return [adapter, store];
  }

  it('a diff does so once for many objects of a level', async () => {
    const [[source, sourceStore], [target, targetStore]] = [await inventory('source'), await inventory('target')];
    expect((await target.diffFrom(source)).length).toBe(SITES * (DEVICES + 1));
    expect([sourceStore.reads, targetStore.reads, sourceStore.writes, targetStore.writes]).toEqual([2, 2, 0, 0]);
  });

  it.each([
    ['creates', undefined, { role: 'new' }],
    ['updates', { role: 'old' }, { role: 'new' }],
    ['moves to a parent before', { shift: 99 }, {}],
    ['moves to a parent behind', { shift: 1 }, {}],
  ])('a sync that %s 5,000 objects does so once for many of them', async (_what, before, after) => {
    const [source] = await inventory('source', after);
    const store = new CountingStore();
    const [target, counted] =
      before === undefined
        ? ([new Inventory({ name: 'target', store }), store] as const)
        : await inventory('target', before);
    const diff = await target.diffFrom(source);
    counted.reads = 0;
    await target.syncFrom(source, { diff });
    expect(counted.reads).toBeLessThan(100);
    expect(counted.writes).toBeLessThan(200);
    expect(await tree(target)).toEqual(await tree(source));
  });
});
