import assert from 'node:assert/strict';
import { ObjectStoreException } from '../../errors.js';
import { newStoreId, order, rejection, type ContractTheme } from './harness.js';
import { Device, devices, Site } from './models.js';

export const LIFECYCLE: ContractTheme = {
  theme: 'life cycle and clear',
  tests: {
    'an opened store is open, empty, and answers ping()': async (bench) => {
      const store = await bench.open();
      assert.equal(store.isOpen, true);
      await store.ping();
      assert.equal(await store.count(), 0);
      assert.deepEqual(await store.getAllModelNames(), []);
    },

    'a store has a name, an engine and no adapter': async (bench) => {
      const store = await bench.open();
      assert.ok(store.name.length > 0 && store.engine.length > 0);
      assert.equal(store.adapter, undefined);
      assert.ok(String(store).startsWith(store.name));
    },

    'open() of an open store does nothing': async (bench) => {
      const store = await bench.open();
      await store.addMany({ objs: devices(1) });
      await store.open();
      assert.equal(await store.count(), 1);
    },

    'close() twice, also at the same time, does nothing more': async (bench) => {
      const store = await bench.open();
      await Promise.all([store.close(), store.close()]);
      await store.close();
      assert.equal(store.isOpen, false);
    },

    'every call after close() rejects with STORE_CLOSED': async (bench) => {
      const store = await bench.open();
      await store.close();
      const obj = new Device({ name: 'r1' });
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        ping: () => store.ping(),
        getAllModelNames: () => store.getAllModelNames(),
        get: () => store.get({ model: Device, identifier: 'r1' }),
        getAll: () => store.getAll({ model: Device }),
        getByUids: () => store.getByUids({ model: Device, uids: ['r1'] }),
        find: () => store.find({ model: Device, uids: ['r1'] }),
        iterate: () => store.iterate({ model: Device }).next(),
        count: () => store.count(),
        countOfModel: () => store.count({ model: Device }),
        add: () => store.add({ obj }),
        addMany: () => store.addMany({ objs: [obj] }),
        update: () => store.update({ obj }),
        updateMany: () => store.updateMany({ objs: [obj] }),
        remove: () => store.remove({ obj }),
        removeMany: () => store.removeMany({ objs: [obj] }),
        clear: () => store.clear(),
        getOrInstantiate: () => store.getOrInstantiate({ model: Device, ids: { name: 'r1' } }),
        getOrAddModelInstance: () => store.getOrAddModelInstance(obj),
        updateOrInstantiate: () => store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: {} }),
        updateOrAddModelInstance: () => store.updateOrAddModelInstance(obj),
      };
      for (const [name, call] of Object.entries(calls)) {
        const error = await rejection(call(), ObjectStoreException, store.name);
        assert.equal(error.code, 'STORE_CLOSED', name);
      }
    },

    'addChild() on an object of a closed store throws STORE_CLOSED and links nothing': async (bench) => {
      const { store } = await bench.openBound([Site, Device]);
      const site = new Site({ name: 's1' });
      await store.add({ obj: site });
      await store.close();
      assert.throws(() => site.addChild(new Device({ name: 'r1' })), { code: 'STORE_CLOSED' });
      assert.deepEqual(site.devices, []);
    },

    'open() after close() makes the store usable again': async (bench) => {
      const store = await bench.open();
      await store.close();
      await Promise.all([store.open(), store.open()]);
      await store.clear();
      await store.addMany({ objs: devices(1) });
      assert.deepEqual(await order(store, Device), ['r0']);
    },

    'clear() removes every object of every model': async (bench) => {
      const store = await bench.open();
      await store.addMany({ objs: [...devices(5), new Site({ name: 's1' })] });
      await store.clear();
      assert.equal(await store.count(), 0);
      assert.deepEqual(await store.getAllModelNames(), []);
      assert.deepEqual(await store.getAll({ model: Device }), []);
      assert.deepEqual(await store.find({ model: Device, uids: ['r0'] }), [undefined]);
    },

    'clear() of an empty store does nothing': async (bench) => {
      const store = await bench.open();
      await store.clear();
      await store.clear();
      assert.equal(await store.count(), 0);
    },

    'clear() leaves the store usable, with a new order': async (bench) => {
      const store = await bench.open();
      await store.addMany({ objs: devices(3) });
      await store.clear();
      await store.addMany({ objs: devices(3).toReversed() });
      assert.deepEqual(await order(store, Device), ['r2', 'r1', 'r0']);
    },

    'clear() touches no other store': async (bench) => {
      const id = newStoreId();
      const [store, longer, other] = [await bench.open(id), await bench.open(`${id}.x`), await bench.open()];
      for (const each of [store, longer, other]) await each.addMany({ objs: devices(2) });
      await store.clear();
      assert.deepEqual([await store.count(), await longer.count(), await other.count()], [0, 2, 2]);
      assert.deepEqual(await order(longer, Device), ['r0', 'r1']);
    },

    'scope() gives a store of the same engine that shares no objects': async (bench) => {
      const store = await bench.open();
      const scoped = store.scope({ storeId: newStoreId(), name: 'scoped' });
      try {
        await scoped.open();
        assert.deepEqual([scoped.engine, scoped.name], [store.engine, 'scoped']);
        await scoped.addMany({ objs: devices(2) });
        assert.equal(await store.count(), 0);
        await scoped.clear();
      } finally {
        await scoped.close();
      }
      await store.addMany({ objs: devices(1) });
      assert.equal(await store.count(), 1);
    },
  },

  sharedTests: {
    'a second handle of the same id sees the same objects, in the same order': async (bench) => {
      const storeId = newStoreId();
      const [first, second] = [await bench.open(storeId), await bench.open(storeId)];
      await first.addMany({ objs: devices(2) });
      await second.add({ obj: new Device({ name: 'a' }) });
      await first.update({ obj: new Device({ name: 'r0', role: 'x' }) });
      assert.deepEqual(await order(second, Device), ['r0', 'r1', 'a']);
      assert.deepEqual(await order(first, Device), ['r0', 'r1', 'a']);
      assert.equal((await second.get({ model: Device, identifier: 'r0' })).role, 'x');
      assert.deepEqual(await second.getAllModelNames(), ['device']);
    },

    'a store that was closed and opened again has its objects, in order': async (bench) => {
      const store = await bench.open();
      await store.addMany({ objs: devices(3).toReversed() });
      await store.close();
      await store.open();
      await store.add({ obj: new Device({ name: 'a' }) });
      assert.deepEqual(await order(store, Device), ['r2', 'r1', 'r0', 'a']);
    },
  },
};
