import assert from 'node:assert/strict';
import { ObjectNotFound, ValueError } from '../../errors.js';
import { orderUids, scanUids } from '../../store/engine-access.js';
import { order, rejection, uidsOf, type ContractTheme } from './contract-context.js';
import { Device, devices, Interface, modelNamed, Site } from './models.js';

const WRONG_NAMES = ['', ' ', 'a b', 'a:b', '1a', '-a', '../x', 'a*', 'ä', 'a\n', '{a}'];

export const READING: ContractTheme = {
  theme: 'reads and order',
  tests: {
    'get() by class and uid answers the object': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Interface({ device: 'r1', port: 'e0', speed: 10 }) });
      const obj = await store.get({ model: Interface, identifier: 'r1__e0' });
      assert.ok(obj instanceof Interface);
      assert.deepEqual([obj.device, obj.port, obj.speed], ['r1', 'e0', 10]);
    },

    'get() by class and identifiers answers the object, whatever their order': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Interface({ device: 'r1', port: 'e0' }) });
      const obj = await store.get({ model: Interface, identifier: { port: 'e0', device: 'r1' } });
      assert.equal(obj.getUniqueId(), 'r1__e0');
    },

    'get() by instance answers the object of its class': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(2) });
      const obj = await store.get({ model: new Device({ name: 'r0' }), identifier: { name: 'r1' } });
      assert.ok(obj instanceof Device && obj.name === 'r1');
    },

    'get() by the name of a model that was added answers the object': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(2) });
      assert.ok((await store.get({ model: 'device', identifier: 'r1' })) instanceof Device);
      assert.ok((await store.get({ model: 'device', identifier: { name: 'r1' } })) instanceof Device);
    },

    'get() answers objects of the class that the adapter lists': async (context) => {
      class CmdbDevice extends Device {}
      const { store } = await context.openBound([CmdbDevice]);
      await store.add({ obj: new Device({ name: 'r1' }) });
      assert.ok((await store.get({ model: 'device', identifier: 'r1' })) instanceof CmdbDevice);
      assert.ok((await store.get({ model: Device, identifier: 'r1' })) instanceof CmdbDevice);
    },

    'get() of a missing uid rejects with ObjectNotFound naming model, uid and store': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(1) });
      const missing = store.get({ model: Device, identifier: 'r9' });
      const error = await rejection(missing, ObjectNotFound, 'device', 'r9', String(store));
      assert.equal(error.code, 'OBJECT_NOT_FOUND');
    },

    'get() of a uid that another model has rejects with ObjectNotFound': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Site({ name: 'x' }) });
      await rejection(store.get({ model: Device, identifier: 'x' }), ObjectNotFound);
    },

    'get() by a model name without objects, with a uid, rejects with ObjectNotFound': async (context) => {
      const store = await context.open();
      await rejection(store.get({ model: 'unregistered', identifier: 'x' }), ObjectNotFound, 'unregistered');
    },

    'get() by a model name without a registered class, with identifiers, rejects with ValueError': async (context) => {
      const store = await context.open();
      const error = await rejection(
        store.get({ model: 'unregistered', identifier: { name: 'x' } }),
        ValueError,
        'unregistered',
      );
      assert.equal(error.code, 'VALUE_ERROR');
    },

    'get() with an identifier missing rejects with ValueError naming it': async (context) => {
      const store = await context.open();
      const identifier = { device: 'r1' } as { device: string; port: string };
      await rejection(store.get({ model: Interface, identifier }), ValueError, 'interface', 'port');
    },

    'calls with what is no model name reject with ValueError': async (context) => {
      const store = await context.open();
      for (const model of WRONG_NAMES) {
        await rejection(store.get({ model, identifier: 'x' }), ValueError, JSON.stringify(model));
        await rejection(store.getAll({ model }), ValueError);
        await rejection(store.getByUids({ model, uids: ['x'] }), ValueError);
        await rejection(store.count({ model }), ValueError);
        await rejection(store.iterate({ model }).next(), ValueError);
      }
    },

    'getAll() of a model without objects answers an empty list': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(1) });
      assert.deepEqual(await store.getAll({ model: Site }), []);
      assert.deepEqual(await store.getAll({ model: 'unregistered' }), []);
    },

    'getAll() by class, instance and name answers the same objects': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(3) });
      for (const model of [Device, new Device({ name: 'any' }), 'device']) {
        const objs = await store.getAll({ model });
        assert.ok(objs.every((obj) => obj instanceof Device));
        assert.deepEqual(uidsOf(objs), ['r0', 'r1', 'r2']);
      }
    },

    'getByUids() answers in the order of the uids, repeats included': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(4) });
      const uids = ['r3', 'r0', 'r3', 'r2'];
      assert.deepEqual(uidsOf(await store.getByUids({ model: Device, uids })), uids);
      assert.deepEqual(uidsOf(await store.getByUids({ model: 'device', uids })), uids);
    },

    'getByUids() of no uids answers an empty list': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(1) });
      assert.deepEqual(await store.getByUids({ model: Device, uids: [] }), []);
    },

    'getByUids() with missing uids rejects with ObjectNotFound naming the first': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(2) });
      const missing = store.getByUids({ model: Device, uids: ['r0', 'first', 'r1', 'second'] });
      await rejection(missing, ObjectNotFound, 'device', 'first');
    },

    'getByUids() of 1,200 uids answers all, in order': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(1200) });
      const uids = Array.from({ length: 1200 }, (_, index) => `r${1199 - index}`);
      assert.deepEqual(uidsOf(await store.getByUids({ model: Device, uids })), uids);
    },

    'find() answers undefined at the place of what is missing': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(2) });
      const found = await store.find({ model: Device, uids: ['gone', 'r1', 'gone', 'r0'] });
      assert.deepEqual(
        found.map((obj) => obj?.name),
        [undefined, 'r1', undefined, 'r0'],
      );
    },

    'find() of no uids answers an empty list': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(1) });
      assert.deepEqual(await store.find({ model: Device, uids: [] }), []);
    },

    'find() answers in the order of the uids, repeats included, each a copy of its own': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(3) });
      const uids = ['r2', 'r0', 'r2', 'r1', 'r2'];
      const found = await store.find({ model: Device, uids });
      assert.deepEqual(
        found.map((obj) => obj?.name),
        uids,
      );
      assert.equal(new Set(found).size, uids.length);
    },

    'calls with a uid that is no text reject with ValueError': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(1) });
      for (const uid of [1, null, undefined] as unknown as string[]) {
        await rejection(store.find({ model: Device, uids: ['r0', uid] }), ValueError, 'device');
        await rejection(store.getByUids({ model: Device, uids: [uid] }), ValueError, 'device');
      }
    },

    'count() answers for one model, by class, instance and name, and for all': async (context) => {
      const store = await context.open();
      assert.equal(await store.count(), 0);
      await store.addMany({ objs: [...devices(3), new Site({ name: 's1' })] });
      assert.equal(await store.count({ model: Device }), 3);
      assert.equal(await store.count({ model: new Device({ name: 'any' }) }), 3);
      assert.equal(await store.count({ model: 'device' }), 3);
      assert.equal(await store.count({ model: 'unregistered' }), 0);
      assert.equal(await store.count(), 4);
    },

    'count() follows every kind of write': async (context) => {
      const store = await context.open();
      const [obj] = devices(1);
      assert.ok(obj);
      await store.add({ obj });
      await store.update({ obj });
      await store.getOrAddModelInstance(obj);
      assert.equal(await store.count({ model: Device }), 1);
      await store.remove({ obj });
      assert.equal(await store.count({ model: Device }), 0);
      assert.equal(await store.count(), 0);
    },

    'getAllModelNames() answers the names in use, sorted': async (context) => {
      const store = await context.open();
      assert.deepEqual(await store.getAllModelNames(), []);
      for (const name of ['zebra', '_x', 'Apple', 'apple', 'a-b', 'a2']) {
        const Named = modelNamed(name);
        await store.add({ obj: new Named({ id: '1' }) });
      }
      assert.deepEqual(await store.getAllModelNames(), ['Apple', '_x', 'a-b', 'a2', 'apple', 'zebra']);
    },

    'getAllModelNames() no longer names a model whose last object was removed': async (context) => {
      const store = await context.open();
      const objs = devices(2);
      await store.addMany({ objs: [...objs, new Site({ name: 's1' })] });
      await store.removeMany({ objs });
      assert.deepEqual(await store.getAllModelNames(), ['site']);
    },

    'getAllModelNames() does not name a model that was only asked for': async (context) => {
      const store = await context.open();
      await store.getAll({ model: Device });
      await store.count({ model: Site });
      await rejection(store.remove({ obj: new Device({ name: 'x' }) }), ObjectNotFound);
      assert.deepEqual(await store.getAllModelNames(), []);
    },

    'getAll() answers in the order of insertion': async (context) => {
      const store = await context.open();
      for (const name of ['m', 'z', 'a', 'Z', '10', '9']) await store.add({ obj: new Device({ name }) });
      assert.deepEqual(await order(store, Device), ['m', 'z', 'a', 'Z', '10', '9']);
    },

    'orderUids() puts unique ids in the order of insertion, without those that are not there': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: ['c', 'a', 'd', 'b'].map((name) => new Device({ name })) });
      await store.remove({ obj: new Device({ name: 'c' }) });
      await store.add({ obj: new Device({ name: 'c' }) });
      await store.update({ obj: new Device({ name: 'a', role: 'spine' }) });
      assert.deepEqual(await orderUids(store, 'device', ['missing', 'c', 'b', 'a']), ['a', 'b', 'c']);
      assert.deepEqual(await orderUids(store, 'device', ['b']), ['b']);
      assert.deepEqual(await orderUids(store, 'device', ['missing']), []);
      assert.deepEqual(await orderUids(store, 'device', []), []);
      assert.deepEqual(await orderUids(store, 'site', ['a']), []);
      const objs = devices(1500);
      await store.addMany({ objs });
      const names = objs.map(({ name }) => name);
      assert.deepEqual(await orderUids(store, 'device', names.toReversed()), names);
    },

    'scanUids() yields all unique ids in the order of insertion': async (context) => {
      const store = await context.open();
      const all = async (model: string): Promise<string[]> => {
        const uids: string[] = [];
        for await (const page of scanUids(store, model)) for (const uid of page) uids.push(uid);
        return uids;
      };
      assert.deepEqual(await all('device'), []);
      const objs = devices(2500);
      await store.addMany({ objs });
      await store.remove({ obj: objs[3] as Device });
      await store.update({ obj: objs[7] as Device });
      assert.deepEqual(
        await all('device'),
        (await store.getAll({ model: Device })).map((device) => device.getUniqueId()),
      );
      assert.deepEqual(await all('site'), []);
    },

    'getAll() keeps uids that look like integers in the order of insertion': async (context) => {
      const store = await context.open();
      const uids = ['10', '9', '-1', '0', '1e3', '2', '4294967294', '01'];
      await store.addMany({ objs: uids.map((name) => new Device({ name })) });
      assert.deepEqual(await order(store, Device), uids);
    },

    'update() keeps the place in the order': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(3) });
      await store.update({ obj: new Device({ name: 'r1', role: 'changed' }) });
      await store.updateMany({ objs: [new Device({ name: 'r2', vlan: 1 }), new Device({ name: 'r0', vlan: 1 })] });
      assert.deepEqual(await order(store, Device), ['r0', 'r1', 'r2']);
    },

    'updateOrInstantiate() and updateOrAddModelInstance() keep the place in the order': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(3) });
      await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { role: 'changed' } });
      await store.updateOrAddModelInstance(new Device({ name: 'r0', role: 'changed' }));
      await store.updateOrInstantiate({ model: Device, ids: { name: 'last' }, attrs: {} });
      assert.deepEqual(await order(store, Device), ['r0', 'r1', 'r2', 'last']);
    },

    'a child link keeps the place of its parent in the order': async (context) => {
      const { store } = await context.openBound([Device, Interface]);
      const objs = devices(3);
      await store.addMany({ objs });
      objs[1]?.addChild(new Interface({ device: 'r1', port: 'e0' }));
      assert.deepEqual(await order(store, Device), ['r0', 'r1', 'r2']);
    },

    'add() after remove() puts the object last': async (context) => {
      const store = await context.open();
      const objs = devices(3);
      await store.addMany({ objs });
      assert.ok(objs[0]);
      await store.remove({ obj: objs[0] });
      await store.add({ obj: objs[0] });
      assert.deepEqual(await order(store, Device), ['r1', 'r2', 'r0']);
    },

    'add() after the last object was removed appends in order': async (context) => {
      const store = await context.open();
      const objs = devices(3);
      await store.addMany({ objs });
      assert.ok(objs[2]);
      await store.remove({ obj: objs[2] });
      await store.add({ obj: new Device({ name: 'a' }) });
      await store.add({ obj: objs[2] });
      assert.deepEqual(await order(store, Device), ['r0', 'r1', 'a', 'r2']);
    },
  },
};
