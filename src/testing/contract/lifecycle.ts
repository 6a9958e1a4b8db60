import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { ObjectStoreException, ValueError } from '../../errors.js';
import { DiffSyncModelFlags } from '../../flags.js';
import type { BaseStore } from '../../store/base-store.js';
import { adapterOf, loggerInto, newStoreId, order, rejection, type ContractTheme } from './contract-context.js';
import { Box, Device, devices, Site } from './models.js';

async function assertClosed(store: BaseStore): Promise<void> {
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
}

export const LIFECYCLE: ContractTheme = {
  theme: 'life cycle and clear',
  tests: {
    'an opened store is open, empty, and answers ping()': async (context) => {
      const store = await context.open();
      assert.equal(store.isOpen, true);
      await store.ping();
      assert.equal(await store.count(), 0);
      assert.deepEqual(await store.getAllModelNames(), []);
    },

    'a store has a name, an engine and no adapter': async (context) => {
      const store = await context.open();
      assert.ok(store.name.length > 0 && store.engine.length > 0);
      assert.equal(store.adapter, undefined);
      assert.ok(String(store).startsWith(store.name));
    },

    'open() of an open store does nothing': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(1) });
      await store.open();
      assert.equal(await store.count(), 1);
    },

    'close() twice, also at the same time, does nothing more': async (context) => {
      const store = await context.open();
      await Promise.all([store.close(), store.close()]);
      await store.close();
      assert.equal(store.isOpen, false);
    },

    'every call after close() rejects with STORE_CLOSED': async (context) => {
      const store = await context.open();
      await store.close();
      await assertClosed(store);
    },

    'every call before open() rejects with STORE_CLOSED, unless the store is open from the start': async (context) => {
      const store = context.scope(await context.open());
      if (!store.isOpen) await assertClosed(store);
      await store.open();
      assert.equal(await store.count(), 0);
    },

    'close() lets a call that runs come to its end': async (context) => {
      const store = await context.open();
      const objs = devices(200);
      const adding = store.addMany({ objs });
      await store.close();
      await adding;
      assert.equal(store.isOpen, false);
    },

    'close() during open() leaves the store closed': async (context) => {
      const store = context.scope(await context.open());
      await Promise.all([store.open(), store.close()]);
      assert.equal(store.isOpen, false);
      await rejection(store.count(), ObjectStoreException);
    },

    'addChild() on an object of a closed store throws STORE_CLOSED and links nothing': async (context) => {
      const { store } = await context.openBound([Site, Device]);
      const site = new Site({ name: 's1' });
      await store.add({ obj: site });
      await store.close();
      assert.throws(() => site.addChild(new Device({ name: 'r1' })), { code: 'STORE_CLOSED' });
      assert.deepEqual(site.devices, []);
    },

    'open() after close() makes the store usable again': async (context) => {
      const store = await context.open();
      await store.close();
      await Promise.all([store.open(), store.open()]);
      await store.clear();
      await store.addMany({ objs: devices(1) });
      assert.deepEqual(await order(store, Device), ['r0']);
    },

    'clear() removes every object of every model': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: [...devices(5), new Site({ name: 's1' })] });
      await store.clear();
      assert.equal(await store.count(), 0);
      assert.deepEqual(await store.getAllModelNames(), []);
      assert.deepEqual(await store.getAll({ model: Device }), []);
      assert.deepEqual(await store.find({ model: Device, uids: ['r0'] }), [undefined]);
    },

    'clear() of an empty store does nothing': async (context) => {
      const store = await context.open();
      await store.clear();
      await store.clear();
      assert.equal(await store.count(), 0);
    },

    'clear() leaves the store usable, with a new order': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(3) });
      await store.clear();
      await store.addMany({ objs: devices(3).toReversed() });
      assert.deepEqual(await order(store, Device), ['r2', 'r1', 'r0']);
    },

    'clear() touches no other store': async (context) => {
      const id = newStoreId();
      const [store, longer, other] = [await context.open(id), await context.open(`${id}.x`), await context.open()];
      for (const each of [store, longer, other]) await each.addMany({ objs: devices(2) });
      await store.clear();
      assert.deepEqual([await store.count(), await longer.count(), await other.count()], [0, 2, 2]);
      assert.deepEqual(await order(longer, Device), ['r0', 'r1']);
    },

    'flush() with nothing that waits does nothing': async (context) => {
      const store = await context.open();
      await store.flush();
      await Promise.all([store.flush(), store.flush()]);
      assert.equal(await store.count(), 0);
    },

    'inspect() tells name, store id, engine and state': async (context) => {
      const store = await context.open();
      assert.equal(inspect(store), `<${String(store)}, ${store.engine}, open>`);
      await store.close();
      assert.equal(inspect(store), `<${String(store)}, ${store.engine}, closed>`);
    },

    'scope() gives a store of the same engine that shares no objects': async (context) => {
      const store = await context.open();
      const scoped = context.scope(store);
      await scoped.open();
      assert.equal(scoped.engine, store.engine);
      await scoped.addMany({ objs: devices(2) });
      assert.equal(await store.count(), 0);
      await store.addMany({ objs: devices(1) });
      assert.deepEqual([await store.count(), await scoped.count()], [1, 2]);
    },

    'scope() gives a store with the id and name that it is given, or the name of its class': async (context) => {
      const store = await context.open();
      const storeId = newStoreId();
      const named = store.scope({ storeId, name: 'scoped' });
      assert.deepEqual([named.storeId, named.name, String(named)], [storeId, 'scoped', `scoped (${storeId})`]);
      assert.equal(store.scope({ storeId }).name, store.constructor.name);
      for (const wrong of ['', 'a:b', '{a}']) assert.throws(() => store.scope({ storeId: wrong }), ValueError);
    },

    'scope() gives a store that serves an adapter of its own': async (context) => {
      const { store } = await context.openBound([Device]);
      const scoped = context.scope(store);
      const adapter = adapterOf(scoped, 'second');
      scoped.bindAdapter(adapter, [Device], loggerInto([]));
      assert.ok(scoped.adapter === adapter && store.adapter !== adapter);
    },

    'close() of one of two stores on a connection leaves the other open': async (context) => {
      const store = await context.open();
      const [first, second] = [context.scope(store), context.scope(store)];
      await Promise.all([first.open(), second.open()]);
      await first.close();
      await store.addMany({ objs: devices(1) });
      await store.close();
      await second.addMany({ objs: devices(2) });
      assert.equal(await second.count(), 2);
      await store.open();
      await store.ping();
    },
  },

  persistentTests: {
    'a store that was closed and opened again has its objects, in order': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(3).toReversed() });
      await store.update({ obj: new Device({ name: 'r1', role: 'x' }) });
      await store.close();
      await store.open();
      await store.add({ obj: new Device({ name: 'a' }) });
      assert.deepEqual(await order(store, Device), ['r2', 'r1', 'r0', 'a']);
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).role, 'x');
    },

    'a store opened anew has what one with its id held: models, values, flags': async (context) => {
      const storeId = newStoreId();
      const store = await context.open(storeId);
      const box = new Box({ id: 'b', value: [new Date(0), new Map([[1n, undefined]])] });
      box.modelFlags = DiffSyncModelFlags.IGNORE;
      await store.addMany({ objs: [box, ...devices(2), new Site({ name: 'gone' })] });
      await store.removeMany({ objs: [new Site({ name: 'gone' }), new Device({ name: 'r0' })] });
      await store.close();
      const anew = await context.open(storeId);
      assert.deepEqual(await anew.getAllModelNames(), ['box', 'device']);
      assert.deepEqual(await order(anew, Device), ['r1']);
      const stored = await anew.get({ model: Box, identifier: 'b' });
      assert.deepEqual([stored.value, stored.modelFlags], [box.value, box.modelFlags]);
      await anew.add({ obj: box }); // Equal to what is there.
    },

    'clear() is not undone by close() and open()': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(3) });
      await store.clear();
      await store.close();
      await store.open();
      assert.deepEqual(await store.getAllModelNames(), []);
    },

    'close() saves child links made just before': async (context) => {
      const storeId = newStoreId();
      const store = await context.open(storeId);
      store.bindAdapter(adapterOf(store), [Site, Device], loggerInto([]));
      const site = new Site({ name: 's1' });
      await store.add({ obj: site });
      site.addChild(new Device({ name: 'r1' }));
      await store.close();
      const anew = await context.open(storeId);
      assert.deepEqual((await anew.get({ model: Site, identifier: 's1' })).devices, ['r1']);
    },
  },

  sharedTests: {
    'a second handle of the same id sees the same objects, in the same order': async (context) => {
      const storeId = newStoreId();
      const [first, second] = [await context.open(storeId), await context.open(storeId)];
      await first.addMany({ objs: devices(2) });
      await second.add({ obj: new Device({ name: 'a' }) });
      assert.equal((await second.get({ model: Device, identifier: 'r0' })).role, 'leaf');
      await first.update({ obj: new Device({ name: 'r0', role: 'x' }) });
      assert.deepEqual(await order(second, Device), ['r0', 'r1', 'a']);
      assert.deepEqual(await order(first, Device), ['r0', 'r1', 'a']);
      assert.equal((await second.get({ model: Device, identifier: 'r0' })).role, 'x');
      assert.deepEqual(await second.getAllModelNames(), ['device']);
      await first.remove({ obj: new Device({ name: 'r1' }) });
      assert.deepEqual(await second.find({ model: Device, uids: ['r1'] }), [undefined]);
      assert.equal(await second.count(), 2);
    },

    'scope() with the id of a store sees its objects': async (context) => {
      const storeId = newStoreId();
      const [store, other] = [await context.open(storeId), await context.open()];
      await store.addMany({ objs: devices(2) });
      const scoped = context.scope(other, storeId);
      await scoped.open();
      assert.deepEqual(await order(scoped, Device), ['r0', 'r1']);
    },
  },
};
