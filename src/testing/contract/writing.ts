import assert from 'node:assert/strict';
import { ObjectNotFound } from '../../errors.js';
import { adapterOf, loggerInto, order, rejection, type ContractTheme } from './contract-context.js';
import { Address, Device, devices, Interface, Site } from './models.js';

export const WRITING: ContractTheme = {
  theme: 'update and remove',
  tests: {
    'update() of a stored object replaces all its fields': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', role: 'spine', tags: ['x'], note: 'old' }) });
      await store.update({ obj: new Device({ name: 'r1', vlan: 7 }) });
      const stored = await store.get({ model: Device, identifier: 'r1' });
      assert.deepEqual(stored.toDict(), new Device({ name: 'r1', vlan: 7 }).toDict());
      assert.equal(await store.count(), 1);
    },

    'update() of an object that is not there stores it': async (context) => {
      const store = await context.open();
      await store.update({ obj: new Device({ name: 'r1' }) });
      assert.deepEqual(await order(store, Device), ['r1']);
    },

    'updateMany() replaces what is there and stores what is not, of several models': async (context) => {
      const store = await context.open();
      await store.addMany({
        objs: [new Device({ name: 'r0', role: 'old' }), new Site({ name: 's0', devices: ['r0'] })],
      });
      await store.updateMany({ objs: [new Site({ name: 's0' }), ...devices(2), new Site({ name: 's1' })] });
      assert.deepEqual(
        (await store.getAll({ model: Device })).map((obj) => obj.role),
        ['leaf', 'leaf'],
      );
      assert.deepEqual(
        (await store.getAll({ model: Site })).map((obj) => [obj.name, obj.devices]),
        [
          ['s0', []],
          ['s1', []],
        ],
      );
    },

    'updateMany() of one uid twice stores the last': async (context) => {
      const store = await context.open();
      await store.updateMany({ objs: [new Device({ name: 'r1', role: 'a' }), new Device({ name: 'r1', role: 'b' })] });
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).role, 'b');
      assert.equal(await store.count(), 1);
    },

    'updateMany() and removeMany() take any iterable': async (context) => {
      const store = await context.open();
      await store.updateMany({ objs: new Set(devices(3)).values() });
      await store.removeMany({ objs: new Set(devices(2)).values() });
      assert.deepEqual(await order(store, Device), ['r2']);
    },

    'update() and updateMany() bind the objects to the adapter of the store': async (context) => {
      const { store, adapter } = await context.openBound([Device]);
      const [first, ...others] = devices(3);
      assert.ok(first);
      await store.update({ obj: first });
      await store.updateMany({ objs: others });
      for (const obj of [first, ...others]) assert.equal(obj.adapter, adapter);
    },

    'updateMany() of nothing stores nothing': async (context) => {
      const store = await context.open();
      await store.updateMany({ objs: [] });
      assert.equal(await store.count(), 0);
    },

    'remove() of a stored object removes it and nothing else': async (context) => {
      const store = await context.open();
      const [first, second] = devices(2);
      assert.ok(first && second);
      await store.addMany({ objs: [first, second, new Site({ name: 'r0' })] });
      await store.remove({ obj: first });
      assert.deepEqual(await order(store, Device), ['r1']);
      assert.deepEqual(await order(store, Site), ['r0']);
      await rejection(store.get({ model: Device, identifier: 'r0' }), ObjectNotFound);
    },

    'remove() goes by the uid: the object given may differ from the stored one': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', role: 'spine' }) });
      await store.remove({ obj: new Device({ name: 'r1' }) });
      assert.equal(await store.count(), 0);
    },

    'remove() of an object that is not there rejects with ObjectNotFound': async (context) => {
      const store = await context.open();
      const error = await rejection(store.remove({ obj: new Device({ name: 'r1' }) }), ObjectNotFound, 'device', 'r1');
      assert.equal(error.code, 'OBJECT_NOT_FOUND');
    },

    'remove() of a removed object rejects with ObjectNotFound': async (context) => {
      const store = await context.open();
      const obj = new Device({ name: 'r1' });
      await store.add({ obj });
      await store.remove({ obj });
      await rejection(store.remove({ obj }), ObjectNotFound);
    },

    'add() after remove() stores the object anew': async (context) => {
      const store = await context.open();
      const obj = new Device({ name: 'r1', role: 'old' });
      await store.add({ obj });
      await store.remove({ obj });
      await store.add({ obj: new Device({ name: 'r1', role: 'new' }) });
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).role, 'new');
    },

    'removeMany() removes objects of several models': async (context) => {
      const store = await context.open();
      const objs = [...devices(2), new Site({ name: 's1' })];
      await store.addMany({ objs: [...objs, new Device({ name: 'stays' })] });
      await store.removeMany({ objs });
      assert.equal(await store.count(), 1);
      assert.deepEqual(await order(store, Device), ['stays']);
    },

    'removeMany() of one object twice removes it once': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(2) });
      await store.removeMany({ objs: [...devices(1), ...devices(1)] });
      assert.deepEqual(await order(store, Device), ['r1']);
    },

    'removeMany() of nothing removes nothing': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(1) });
      await store.removeMany({ objs: [] });
      assert.equal(await store.count(), 1);
    },

    'removeMany() with a missing object removes the others, then rejects': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: [new Device({ name: 'r0' }), new Device({ name: 'r2' })] });
      await rejection(store.removeMany({ objs: devices(3) }), ObjectNotFound, 'r1');
      assert.equal(await store.count(), 0);
    },

    'removeMany() with a missing object removes those of other models too': async (context) => {
      const store = await context.open();
      const site = new Site({ name: 's1' });
      await store.add({ obj: site });
      await rejection(store.removeMany({ objs: [...devices(1), site] }), ObjectNotFound, 'r0');
      assert.equal(await store.count(), 0);
    },

    'remove() frees the object from the adapter of the store': async (context) => {
      const { store } = await context.openBound([Device]);
      const obj = new Device({ name: 'r1' });
      await store.add({ obj });
      await store.remove({ obj });
      assert.equal(obj.adapter, undefined);
    },

    'remove() by an object of another adapter leaves it with that adapter': async (context) => {
      const { store, adapter } = await context.openBound([Device]);
      const obj = new Device({ name: 'r1' });
      await store.add({ obj });
      const second = await context.open();
      second.bindAdapter(adapterOf(second, 'second'), [Device], loggerInto([]));
      await second.add({ obj: new Device({ name: 'r1' }) });
      await second.remove({ obj });
      assert.equal(obj.adapter, adapter);
    },

    'remove() without removeChildren leaves the children': async (context) => {
      const store = await context.open();
      const site = new Site({ name: 's1', devices: ['r0'] });
      await store.addMany({ objs: [site, ...devices(1)] });
      await store.remove({ obj: site });
      assert.deepEqual(await order(store, Device), ['r0']);
    },

    'remove() with removeChildren removes every level below, and nothing beside': async (context) => {
      const { store, errors } = await context.openBound([Site, Device, Interface, Address]);
      const site = new Site({ name: 's1', devices: ['r0', 'r1'] });
      await store.addMany({
        objs: [
          site,
          new Device({ name: 'r0', interfaces: ['r0__e0'] }),
          ...devices(3).slice(1),
          new Interface({ device: 'r0', port: 'e0', addresses: ['10.0.0.1'] }),
          new Address({ ip: '10.0.0.1' }),
          new Address({ ip: '10.0.0.2' }),
        ],
      });
      await store.remove({ obj: site, removeChildren: true });
      assert.deepEqual(await order(store, Device), ['r2']);
      assert.deepEqual(await order(store, Interface), []);
      assert.deepEqual(await order(store, Address), ['10.0.0.2']);
      assert.deepEqual(errors, []);
    },

    'remove() with removeChildren of objects in a cycle ends': async (context) => {
      const { store } = await context.openBound([Site]);
      const first = new Site({ name: 'a', sites: ['b'] });
      await store.addMany({
        objs: [first, new Site({ name: 'b', sites: ['c', 'b'] }), new Site({ name: 'c', sites: ['a'] })],
      });
      await store.remove({ obj: first, removeChildren: true });
      assert.equal(await store.count(), 0);
    },

    'remove() with removeChildren and a missing child removes the others and logs an error': async (context) => {
      const { store, errors } = await context.openBound([Site, Device]);
      const site = new Site({ name: 's1', devices: ['gone', 'r0'] });
      await store.addMany({ objs: [site, ...devices(1)] });
      await store.remove({ obj: site, removeChildren: true });
      assert.equal(await store.count(), 0);
      assert.equal(errors.length, 1);
      for (const text of ['gone', 'site', 's1']) assert.ok(errors[0]?.includes(text), errors[0]);
    },

    'remove() with removeChildren sees child links made just before': async (context) => {
      const { store } = await context.openBound([Site, Device, Interface]);
      const site = new Site({ name: 's1', devices: ['r0'] });
      const [device] = devices(1);
      const port = new Interface({ device: 'r0', port: 'e0' });
      assert.ok(device);
      await store.addMany({ objs: [site, device, port] });
      device.addChild(port);
      await store.remove({ obj: site, removeChildren: true });
      assert.deepEqual(await store.getAllModelNames(), []);
    },

    'remove() with removeChildren leaves a child that another model has under the same uid': async (context) => {
      const { store } = await context.openBound([Site, Device]);
      const site = new Site({ name: 's1', devices: ['x'] });
      await store.addMany({ objs: [site, new Device({ name: 'x' }), new Address({ ip: 'x' })] });
      await store.remove({ obj: site, removeChildren: true });
      assert.deepEqual(await store.getAllModelNames(), ['address']);
    },

    'removeMany() with removeChildren removes what is below each': async (context) => {
      const { store } = await context.openBound([Site, Device]);
      const objs = [new Site({ name: 'a', devices: ['r0'] }), new Site({ name: 'b', devices: ['r1'] })];
      await store.addMany({ objs: [...objs, ...devices(2)] });
      await store.removeMany({ objs, removeChildren: true });
      assert.equal(await store.count(), 0);
    },
  },
};
