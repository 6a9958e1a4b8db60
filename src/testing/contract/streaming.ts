import assert from 'node:assert/strict';
import { ValueError } from '../../errors.js';
import type { BaseStore } from '../../store/base-store.js';
import { order, rejection, type ContractTheme } from './contract-context.js';
import { Device, devices } from './models.js';

async function streamed(store: BaseStore, batchSize?: number): Promise<string[]> {
  const uids: string[] = [];
  const options = batchSize === undefined ? { model: Device } : { model: Device, batchSize };
  for await (const obj of store.iterate(options)) uids.push(obj.name);
  return uids;
}

/** The pages of unique ids, one after another. */
async function paged(store: BaseStore, limit: number): Promise<string[][]> {
  const pages: string[][] = [];
  let after: string | undefined;
  do {
    const { uids, next } = await store.uidPage({ model: Device, limit, after });
    pages.push([...uids]);
    after = next;
  } while (after !== undefined);
  return pages;
}

export const STREAMING: ContractTheme = {
  theme: 'iterate',
  tests: {
    'uidPage() gives every unique id once, in order, in full pages': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(25).toReversed() });
      const all = await order(store, Device);
      for (const limit of [1, 7, 24, 25, 26, 1000]) {
        const pages = await paged(store, limit);
        assert.deepEqual(pages.flat(), all, `limit ${limit}`);
        assert.equal(pages.length, Math.ceil(25 / limit), `limit ${limit}`);
      }
      assert.deepEqual([...(await store.uidPage({ model: 'device' })).uids], all);
    },

    'uidPage() goes on where the page before has ended, whatever was removed and added meanwhile': async (context) => {
      const store = await context.open();
      const objs = devices(9);
      await store.addMany({ objs });
      const first = await store.uidPage({ model: Device, limit: 3 });
      await store.removeMany({ objs: objs.slice(0, 2).concat(objs.slice(4, 5)) });
      await store.add({ obj: new Device({ name: 'after' }) });
      const second = await store.uidPage({ model: Device, limit: 4, after: first.next });
      assert.deepEqual(
        [...second.uids],
        [...objs.slice(3, 4), ...objs.slice(5, 8)].map(({ name }) => name),
      );
      const third = await store.uidPage({ model: Device, limit: 4, after: second.next });
      assert.deepEqual(
        { ...third, uids: [...third.uids] },
        { uids: [(objs[8] as Device).name, 'after'], next: undefined },
      );
    },

    'uidPage() of a model without objects is empty, and the last one': async (context) => {
      const store = await context.open();
      const { uids, next } = await store.uidPage({ model: Device });
      assert.deepEqual([[...uids], next], [[], undefined]);
    },

    'uidPage() has what a write before it has stored': async (context) => {
      const store = await context.open();
      const written = store.addMany({ objs: devices(3) });
      await written;
      const added = store.add({ obj: new Device({ name: 'late' }) });
      const { uids } = await store.uidPage({ model: Device });
      await added;
      assert.deepEqual([...uids], await order(store, Device));
    },

    'uidPage() with a wrong limit, or a place that it has not given, rejects with ValueError': async (context) => {
      const store = await context.open();
      for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        await rejection(store.uidPage({ model: Device, limit }), ValueError, 'limit');
      }
      await rejection(store.uidPage({ model: Device, after: 'elsewhere' }), ValueError, 'after');
    },

    'iterate() gives every object once, in order, whatever the batch size': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(25).toReversed() });
      const all = await order(store, Device);
      for (const batchSize of [undefined, 1, 2, 7, 24, 25, 26, 1000]) {
        assert.deepEqual(await streamed(store, batchSize), all, `batchSize ${batchSize}`);
      }
    },

    'iterate() of a model without objects gives nothing': async (context) => {
      const store = await context.open();
      assert.deepEqual(await streamed(store), []);
    },

    'iterate() of 1,200 objects gives all, in order': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(1200) });
      const uids = await streamed(store);
      assert.equal(uids.length, 1200);
      assert.deepEqual(uids, await order(store, Device));
    },

    'iterate() by name gives objects of the class in use': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(2) });
      for await (const obj of store.iterate({ model: 'device' })) assert.ok(obj instanceof Device);
    },

    'iterate() with a wrong batch size rejects with ValueError': async (context) => {
      const store = await context.open();
      for (const batchSize of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        await rejection(store.iterate({ model: Device, batchSize }).next(), ValueError, 'batchSize');
      }
    },

    'iterate() may be left early, and the store goes on working': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(20) });
      for await (const obj of store.iterate({ model: Device, batchSize: 3 })) if (obj.name === 'r4') break;
      await store.add({ obj: new Device({ name: 'after' }) });
      assert.equal(await store.count(), 21);
    },

    'iterate() while every object is updated gives each once': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(20) });
      const seen: string[] = [];
      for await (const obj of store.iterate({ model: Device, batchSize: 3 })) {
        seen.push(obj.name);
        obj.role = 'updated';
        await store.update({ obj });
      }
      assert.deepEqual(seen, await order(store, Device));
      assert.ok((await store.getAll({ model: Device })).every((obj) => obj.role === 'updated'));
    },

    'iterate() while every object given is removed gives each once': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(20) });
      const seen: string[] = [];
      for await (const obj of store.iterate({ model: Device, batchSize: 3 })) {
        seen.push(obj.name);
        await store.remove({ obj });
      }
      assert.deepEqual(
        seen,
        devices(20).map((obj) => obj.name),
      );
      assert.equal(await store.count(), 0);
    },

    'iterate() while others are added and removed gives each that stays once, in order': async (context) => {
      const store = await context.open();
      const objs = devices(30);
      await store.addMany({ objs });
      const seen: string[] = [];
      for await (const obj of store.iterate({ model: Device, batchSize: 4 })) {
        if (seen.length === 8) {
          await store.removeMany({ objs: objs.slice(2, 6) });
          await store.addMany({ objs: devices(5, 'new') });
        }
        seen.push(obj.name);
      }
      const staying = seen.filter((name) => !name.startsWith('new') && !['r2', 'r3', 'r4', 'r5'].includes(name));
      const expected = objs.map((obj) => obj.name).filter((name) => !['r2', 'r3', 'r4', 'r5'].includes(name));
      assert.deepEqual(staying, expected);
    },

    'iterate() ends although an object is added for each one given': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(10) });
      const seen: string[] = [];
      for await (const obj of store.iterate({ model: Device, batchSize: 3 })) {
        assert.ok(seen.push(obj.name) <= 200, 'it does not come to an end');
        await store.add({ obj: new Device({ name: `new ${seen.length}` }) });
      }
      assert.deepEqual(
        seen.slice(0, 10),
        devices(10).map((obj) => obj.name),
      );
      assert.equal(new Set(seen).size, seen.length);
    },

    'iterate() gives objects that belong to the adapter of the store': async (context) => {
      const { store, adapter } = await context.openBound([Device]);
      await store.addMany({ objs: devices(2) });
      for await (const obj of store.iterate({ model: Device })) assert.equal(obj.adapter, adapter);
    },

    'two iterate() at the same time do not disturb each other': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(20) });
      const [first, second] = await Promise.all([streamed(store, 3), streamed(store, 5)]);
      assert.deepEqual(first, second);
      assert.equal(first.length, 20);
    },
  },
};
