// Decision 15: objects of a child type that no parent lists, which no diff compares, show in a verification.
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  LocalStore,
  ObjectStoreException,
  type BaseStore,
  type ModelRecord,
} from '../../src/index.js';
import { Device, fill, Graph, Interface, Inventory, Node, Site } from '../fixtures/inventory.js';
import { stores } from '../support/stores.js';

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

const unlisted = async (store: BaseStore, options?: { repair: boolean }): Promise<readonly string[]> => {
  const { problems, counts, clean, found, repaired } = await store.verify(options);
  const lines = problems.map(({ kind, model, uniqueId, repaired: isRepaired }) => {
    expect(isRepaired).toBe(false);
    return `${kind} ${model} ${uniqueId}`;
  });
  expect({ counts: counts.unlisted, found, repaired }).toEqual({
    counts: lines.length,
    found: lines.length,
    repaired: 0,
  });
  expect(clean).toBe(lines.length === 0);
  return lines;
};

describe.each(stores)('verify, $name', ({ open, close }) => {
  async function opens(): Promise<BaseStore> {
    const store = await open();
    opened.push(async () => close(store));
    return store;
  }

  it('reports what no parent lists, by model and unique id, and repairs none of it', async () => {
    const store = await opens();
    const adapter = new Inventory({ store });
    await fill(adapter, { nyc: { d1: ['e0'] }, sfo: {} });
    expect(await unlisted(store)).toEqual([]);
    // e9 is listed by a parent that is listed by none; e1 is linked, though its link is not written yet.
    await adapter.addMany([
      new Device({ name: 'd9', interfaces: ['e9'] }),
      ...['e1', 'e8', 'e9'].map((name) => new Interface({ name })),
    ]);
    (await adapter.get(Device, 'd1')).addChild(new Interface({ name: 'e1' }));
    const expected = ['unlisted device d9', 'unlisted interface e8'];
    expect(await unlisted(store)).toEqual(expected);
    expect(await unlisted(store, { repair: true })).toEqual(expected);
    expect((await store.verify()).objects).toBe(8);
    await adapter.add(new Site({ name: 'ams' }));
    (await adapter.get(Site, 'ams')).addChild(new Device({ name: 'd9' }));
    await adapter.remove(await adapter.get(Interface, 'e8'));
    expect(await unlisted(store)).toEqual([]);
  });

  it('reports neither top-level objects that are children too, nor anything without an adapter', async () => {
    const store = await opens();
    await store.addMany({
      objs: [new Node({ name: 'n1', nodes: ['n2'] }), new Node({ name: 'n2' }), new Interface({ name: 'e0' })],
    });
    await store.addMany({ objs: [new Device({ name: 'd1' })] });
    expect(await unlisted(store)).toEqual([]);
    // The adapter knows of no devices; their class is known by the object.
    expect(new Graph({ store }).store).toBe(store);
    expect(await unlisted(store)).toEqual(['unlisted interface e0']);
  });
});

describe('verify', () => {
  it('reads more objects than a page has', async () => {
    const store = new LocalStore();
    const names = Array.from({ length: 2500 }, (_, i) => `d${i}`);
    const adapter = new Inventory({ store });
    await adapter.addMany(names.map((name) => new Device({ name })));
    await adapter.addMany(names.slice(2, 2400).map((name) => new Site({ name, devices: [name] })));
    const { counts, problems } = await store.verify();
    expect(counts.unlisted).toBe(102);
    expect(problems.slice(1, 4).map(({ uniqueId }) => uniqueId)).toEqual(['d1', 'd2400', 'd2401']);
  });

  it('says nothing of children whose parents cannot all be read', async () => {
    class Damaged extends LocalStore {
      damaged = false;
      protected override async *scanRecords(
        model: string,
        size: number,
      ): AsyncGenerator<ModelRecord[], void, undefined> {
        if (this.damaged && model === 'site') throw new ObjectStoreException('damaged', { code: 'STORE_CORRUPT' });
        yield* super.scanRecords(model, size);
      }
    }
    const store = new Damaged();
    const adapter = new Inventory({ store });
    await adapter.addMany([new Site({ name: 'nyc' }), new Device({ name: 'd1' }), new Interface({ name: 'e0' })]);
    store.damaged = true;
    const { problems } = await store.verify();
    expect(problems.map(({ kind, model }) => `${kind} ${model}`)).toEqual(['undecodable site', 'unlisted interface']);
  });

  it('counts the children of a class that says itself what it lists', async () => {
    const schema = z.object({ name: z.string(), parts: z.array(z.string()) });
    class Rack extends DiffSyncModel.define({ name: 'rack', schema, identifiers: ['name'] }) {
      override getChildrenMapping(): Readonly<Record<string, string>> {
        return { interface: 'parts' };
      }
    }
    class Racks extends Adapter {
      static override readonly models = [Rack, Device, Interface];
      static override readonly topLevel = ['rack', 'device'];
    }
    const adapter = new Racks();
    await adapter.addMany([
      new Rack({ name: 'r', parts: ['e0'] }),
      ...['e0', 'e1'].map((name) => new Interface({ name })),
    ]);
    expect(await unlisted(adapter.store)).toEqual(['unlisted interface e1']);
  });

  it('reports nothing that another caller moves, or removes, meanwhile', async () => {
    class Busy extends LocalStore {
      scans = 0;
      meanwhile: () => Promise<void> = async () => undefined;
      protected override async *scanRecords(model: string): AsyncGenerator<ModelRecord[], void, undefined> {
        // Page by page, as from a server: what comes later is read as it is by then.
        for (const name of ['nyc', 'sfo', 'd1', 'd2']) {
          const records = await this.readRecords(model, [name]);
          yield records.filter((record) => record !== undefined);
          if (model === 'site' && name === 'nyc' && ++this.scans === 2) await this.meanwhile();
        }
      }
    }
    const store = new Busy();
    const adapter = new Inventory({ store });
    await fill(adapter, { nyc: {}, sfo: { d1: [], d2: [] } });
    store.meanwhile = async () => {
      // Of the verification, the first scan reads the records, the second one their lists.
      await adapter.update(new Site({ name: 'nyc', devices: ['d1'] }));
      await adapter.update(new Site({ name: 'sfo', devices: [] }));
      await adapter.remove(await adapter.get(Device, 'd2'));
    };
    expect(await unlisted(store)).toEqual([]);
    expect(store.scans).toBe(3);
  });
});
