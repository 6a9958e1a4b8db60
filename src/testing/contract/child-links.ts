import assert from 'node:assert/strict';
import { ObjectAlreadyExists, ObjectNotFound } from '../../errors.js';
import type { BaseStore } from '../../store/base-store.js';
import {
  newStoreId,
  adapterOf,
  loggerInto,
  rejection,
  type ContractContext,
  type ContractTheme,
} from './contract-context.js';
import { Device, Interface, Site } from './models.js';

const MODELS = [Site, Device, Interface];

function port(name: string): Interface {
  return new Interface({ device: 'r1', port: name });
}

async function withDevice(
  context: ContractContext,
  interfaces: string[] = [],
): Promise<{ store: BaseStore; device: Device }> {
  const { store } = await context.openBound(MODELS);
  const device = new Device({ name: 'r1', interfaces });
  await store.add({ obj: device });
  return { store, device };
}

async function stored(store: BaseStore): Promise<readonly string[]> {
  return (await store.get({ model: Device, identifier: 'r1' })).interfaces;
}

export const CHILD_LINKS: ContractTheme = {
  theme: 'child links',
  tests: {
    'addChild() on an added object is saved by itself': async (context) => {
      const { store, device } = await withDevice(context);
      device.addChild(port('e0'));
      assert.deepEqual(await stored(store), ['r1__e0']);
    },

    'addChild() on an object that was read is saved by itself': async (context) => {
      const { store } = await withDevice(context);
      (await store.get({ model: Device, identifier: 'r1' })).addChild(port('e0'));
      assert.deepEqual(await stored(store), ['r1__e0']);
    },

    'addChild() saves nothing but the link': async (context) => {
      const { store, device } = await withDevice(context);
      device.role = 'changed';
      device.addChild(port('e0'));
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).role, 'leaf');
      assert.equal(await store.count({ model: Interface }), 0);
    },

    'removeChild() is saved by itself': async (context) => {
      const { store, device } = await withDevice(context, ['r1__e0', 'r1__e1']);
      device.removeChild(port('e0'));
      assert.deepEqual(await stored(store), ['r1__e1']);
    },

    'addChild() and removeChild() in turn are saved in the order of the calls': async (context) => {
      const { store, device } = await withDevice(context, ['r1__e0']);
      device.addChild(port('e1'));
      device.removeChild(port('e0'));
      device.addChild(port('e2'));
      device.addChild(port('e0'));
      device.removeChild(port('e1'));
      assert.deepEqual(await stored(store), ['r1__e2', 'r1__e0']);
    },

    'addChild() on two copies of one object saves both links': async (context) => {
      const { store, device } = await withDevice(context);
      const copy = await store.get({ model: Device, identifier: 'r1' });
      device.addChild(port('e0'));
      copy.addChild(port('e1'));
      assert.deepEqual(await stored(store), ['r1__e0', 'r1__e1']);
    },

    'addChild() that throws saves nothing': async (context) => {
      const { store, device } = await withDevice(context, ['r1__e0']);
      assert.throws(() => device.addChild(port('e0')), ObjectAlreadyExists);
      assert.throws(() => device.removeChild(port('e9')), ObjectNotFound);
      assert.deepEqual(await stored(store), ['r1__e0']);
    },

    'every read sees a child link made just before': async (context) => {
      const { store, device } = await withDevice(context);
      const reads: readonly ((uid: string) => Promise<readonly (Device | undefined)[]>)[] = [
        () => store.getAll({ model: Device }),
        () => store.getByUids({ model: Device, uids: ['r1'] }),
        () => store.find({ model: Device, uids: ['r1'] }),
        async () => [(await store.iterate({ model: Device }).next()).value ?? undefined],
        async () => [(await store.getOrInstantiate({ model: Device, ids: { name: 'r1' } }))[0]],
        async () => [(await store.getOrAddModelInstance(new Device({ name: 'r1' })))[0]],
        async () => [(await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: {} }))[0]],
      ];
      for (const [index, read] of reads.entries()) {
        device.addChild(port(`e${index}`));
        const [seen] = await read('r1');
        assert.deepEqual(seen?.interfaces, device.interfaces);
      }
    },

    'a read that starts while child links are being saved sees them': async (context) => {
      const { store, device } = await withDevice(context);
      const site = new Site({ name: 's1' });
      await store.add({ obj: site });
      site.addChild(device);
      device.addChild(port('e0'));
      const saving = store.flush();
      assert.deepEqual(await stored(store), ['r1__e0']);
      await saving;
    },

    'update() after addChild() stores the whole object, link included': async (context) => {
      const { store, device } = await withDevice(context);
      device.addChild(port('e0'));
      device.role = 'changed';
      await store.update({ obj: device });
      const { role, interfaces } = await store.get({ model: Device, identifier: 'r1' });
      assert.deepEqual([role, interfaces], ['changed', ['r1__e0']]);
    },

    'add() of an equal object after addChild() is no conflict': async (context) => {
      const { store, device } = await withDevice(context);
      device.addChild(port('e0'));
      await store.add({ obj: device });
      assert.deepEqual(await stored(store), ['r1__e0']);
    },

    'addChild() just before remove() does not bring the object back': async (context) => {
      const { store, device } = await withDevice(context);
      device.addChild(port('e0'));
      await store.remove({ obj: device });
      await store.flush();
      assert.equal(await store.count(), 0);
    },

    'addChild() just before clear() does not bring the object back': async (context) => {
      const { store, device } = await withDevice(context);
      device.addChild(port('e0'));
      await store.clear();
      await store.flush();
      assert.equal(await store.count(), 0);
    },

    'addChild() on a removed object changes nothing stored': async (context) => {
      const { store, device } = await withDevice(context);
      await store.remove({ obj: device });
      device.addChild(port('e0'));
      await store.flush();
      assert.equal(await store.count(), 0);
    },

    'addChild() on an object of a store without an adapter needs update()': async (context) => {
      const store = await context.open();
      const device = new Device({ name: 'r1' });
      await store.add({ obj: device });
      device.addChild(port('e0'));
      assert.deepEqual(await stored(store), []);
      await store.update({ obj: device });
      assert.deepEqual(await stored(store), ['r1__e0']);
    },

    'one parent takes 10,000 child links, made one by one': async (context) => {
      const { store, device } = await withDevice(context);
      const children = Array.from({ length: 10_000 }, (_, index) => port(`e${index}`));
      for (const child of children) device.addChild(child);
      const interfaces = await stored(store);
      assert.equal(interfaces.length, 10_000);
      assert.deepEqual([interfaces[0], interfaces.at(-1)], ['r1__e0', 'r1__e9999']);
      for (const child of children.slice(1)) device.removeChild(child);
      assert.deepEqual(await stored(store), ['r1__e0']);
    },

    'a second adapter is refused with STORE_ALREADY_BOUND, naming forFeature': async (context) => {
      const { store, adapter } = await context.openBound(MODELS);
      store.bindAdapter(adapter, MODELS, loggerInto([]));
      const second = adapterOf(store, 'SecondAdapter');
      const bind = async (): Promise<void> => store.bindAdapter(second, MODELS, loggerInto([]));
      const error = await rejection(bind(), Error, 'forFeature', 'SecondAdapter');
      assert.equal((error as { code?: unknown }).code, 'STORE_ALREADY_BOUND');
      assert.equal(store.adapter, adapter);
    },
  },

  sharedTests: {
    'child links made in two handles at once are all saved': async (context) => {
      const storeId = newStoreId();
      const stores = [await context.open(storeId), await context.open(storeId)];
      await stores[0]?.add({ obj: new Device({ name: 'r1' }) });
      for (const [index, store] of stores.entries()) {
        store.bindAdapter(adapterOf(store, `adapter ${index}`), MODELS, loggerInto([]));
        const device = await store.get({ model: Device, identifier: 'r1' });
        for (let each = 0; each < 20; each++) device.addChild(port(`${index}-${each}`));
      }
      await Promise.all(stores.map((store) => store.flush()));
      assert.ok(stores[0]);
      assert.equal((await stored(stores[0])).length, 40);
    },
  },
};
