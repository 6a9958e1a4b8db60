import assert from 'node:assert/strict';
import { ObjectAlreadyExists } from '../../errors.js';
import { DiffSyncModelFlags } from '../../flags.js';
import {
  adapterOf,
  loggerInto,
  order,
  rejection,
  type ContractContext,
  type ContractTheme,
} from './contract-context.js';
import { Box, Device, devices, Interface, Site } from './models.js';

async function assertConflict(context: ContractContext, stored: unknown, given: unknown): Promise<void> {
  const store = await context.open();
  await store.add({ obj: new Box({ id: 'b', value: stored }) });
  const error = await rejection(store.add({ obj: new Box({ id: 'b', value: given }) }), ObjectAlreadyExists);
  assert.deepEqual((error.existingObject as Box).value, stored);
  assert.deepEqual((await store.get({ model: Box, identifier: 'b' })).value, stored);
}

export const ADDING: ContractTheme = {
  theme: 'add and addMany',
  tests: {
    'add() of a new object stores all its fields': async (context) => {
      const store = await context.open();
      const obj = new Device({ name: 'r1', role: 'spine', vlan: 7, tags: ['x'], interfaces: ['r1__e0'], note: 'n' });
      await store.add({ obj });
      const stored = await store.get({ model: Device, identifier: 'r1' });
      assert.ok(stored instanceof Device);
      assert.deepEqual(stored.toDict(), obj.toDict());
    },

    'add() of an equal object does nothing': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(2) });
      await store.add({ obj: new Device({ name: 'r0' }) });
      assert.deepEqual(await order(store, Device), ['r0', 'r1']);
    },

    'add() of the same object twice does nothing': async (context) => {
      const store = await context.open();
      const obj = new Device({ name: 'r1' });
      await store.add({ obj });
      await store.add({ obj });
      assert.equal(await store.count(), 1);
    },

    'add() of an object with the keys of a value in another order does nothing': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Box({ id: 'b', value: { x: 1, y: [2] } }) });
      await store.add({ obj: new Box({ id: 'b', value: { y: [2], x: 1 } }) });
      assert.equal(await store.count(), 1);
    },

    'add() of an equal object with values that JSON does not know does nothing': async (context) => {
      const store = await context.open();
      const value = (): unknown => [
        new Date(0),
        1n,
        Number.NaN,
        -0,
        undefined,
        new Map([['k', new Set([1])]]),
        new Uint8Array([1]),
      ];
      await store.add({ obj: new Box({ id: 'b', value: value() }) });
      await store.add({ obj: new Box({ id: 'b', value: value() }) });
      assert.equal(await store.count(), 1);
    },

    'add() of an equal object with an invalid Date does nothing': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Box({ id: 'b', value: { at: new Date(Number.NaN) } }) });
      await store.add({ obj: new Box({ id: 'b', value: { at: new Date(Number.NaN) } }) });
      assert.equal(await store.count(), 1);
    },

    'add() of a different object rejects with ObjectAlreadyExists and leaves the stored one': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', role: 'spine' }) });
      const different = new Device({ name: 'r1', role: 'leaf' });
      const error = await rejection(store.add({ obj: different }), ObjectAlreadyExists, 'device', 'r1', store.name);
      assert.equal(error.code, 'OBJECT_ALREADY_EXISTS');
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).role, 'spine');
      assert.equal(await store.count(), 1);
    },

    'add() of a different object rejects with existingObject being the stored one': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', role: 'spine' }) });
      const different = new Device({ name: 'r1', role: 'leaf' });
      const { existingObject } = await rejection(store.add({ obj: different }), ObjectAlreadyExists);
      assert.ok(existingObject instanceof Device && existingObject !== different);
      assert.equal(existingObject.role, 'spine');
    },

    'add() of an object that differs in no attribute but in another field rejects': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', note: 'one' }) });
      await rejection(store.add({ obj: new Device({ name: 'r1', note: 'two' }) }), ObjectAlreadyExists);
    },

    'add() of an object that differs in its children only rejects': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', interfaces: ['r1__e0'] }) });
      await rejection(store.add({ obj: new Device({ name: 'r1' }) }), ObjectAlreadyExists);
    },

    'add() of an object that differs in its flags only rejects': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1' }) });
      const flagged = new Device({ name: 'r1' });
      flagged.modelFlags = DiffSyncModelFlags.IGNORE;
      await rejection(store.add({ obj: flagged }), ObjectAlreadyExists);
    },

    'add() compares strictly: 1 is not true': (context) => assertConflict(context, 1, true),
    'add() compares strictly: 1 is not "1"': (context) => assertConflict(context, 1, '1'),
    'add() compares strictly: null is not undefined': (context) => assertConflict(context, null, undefined),
    'add() compares strictly: a list in another order is different': (context) =>
      assertConflict(context, [1, 2], [2, 1]),
    'add() compares strictly: a Set is not a list': (context) => assertConflict(context, new Set([1]), [1]),

    'add() of other identifiers that join to the same uid rejects and says so': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Interface({ device: 'a__b', port: 'c' }) });
      const other = new Interface({ device: 'a', port: 'b__c' });
      const error = await rejection(store.add({ obj: other }), ObjectAlreadyExists, 'a__b__c', "'a__b'", "'b__c'");
      assert.equal((error.existingObject as Interface).device, 'a__b');
    },

    'add() of one uid in two models stores both': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'x' }) });
      await store.add({ obj: new Site({ name: 'x' }) });
      assert.equal(await store.count(), 2);
    },

    'addMany() stores objects of several models, each in the order given': async (context) => {
      const store = await context.open();
      const [r0, r1, r2] = devices(3);
      assert.ok(r0 && r1 && r2);
      await store.addMany({ objs: [r1, new Site({ name: 's1' }), r0, new Site({ name: 's0' }), r2] });
      assert.deepEqual(await order(store, Device), ['r1', 'r0', 'r2']);
      assert.deepEqual(await order(store, Site), ['s1', 's0']);
    },

    'addMany() of nothing stores nothing': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: [] });
      assert.deepEqual(await store.getAllModelNames(), []);
    },

    'addMany() takes any iterable': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: new Set(devices(3)).values() });
      assert.equal(await store.count({ model: Device }), 3);
    },

    'addMany() of equal objects stores one': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: [...devices(2), ...devices(2)] });
      assert.deepEqual(await order(store, Device), ['r0', 'r1']);
    },

    'addMany() with a different object there stores the others, then rejects': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', role: 'spine' }) });
      const error = await rejection(store.addMany({ objs: devices(3) }), ObjectAlreadyExists, 'r1');
      assert.equal((error.existingObject as Device).role, 'spine');
      assert.deepEqual(await order(store, Device), ['r1', 'r0', 'r2']);
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).role, 'spine');
    },

    'addMany() with a different object there stores those of other models too': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r0', role: 'spine' }) });
      await rejection(store.addMany({ objs: [...devices(1), new Site({ name: 's1' })] }), ObjectAlreadyExists, 'r0');
      assert.deepEqual(await order(store, Site), ['s1']);
    },

    'addMany() with several different objects there rejects for the first of the call': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', role: 'spine' }) });
      const twins = [new Device({ name: 'r2' }), new Device({ name: 'r2', role: 'x' })];
      await rejection(store.addMany({ objs: [...devices(2), ...twins] }), ObjectAlreadyExists, 'r1');
      assert.deepEqual(await order(store, Device), ['r1', 'r0', 'r2']);
    },

    'addMany() of two different objects with one uid stores the first, then rejects': async (context) => {
      const store = await context.open();
      const objs = [new Device({ name: 'r1', role: 'first' }), new Device({ name: 'r1', role: 'second' })];
      const error = await rejection(store.addMany({ objs }), ObjectAlreadyExists);
      assert.equal((error.existingObject as Device).role, 'first');
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).role, 'first');
    },

    'addMany() of 1,200 objects stores all, in order': async (context) => {
      const store = await context.open();
      const objs = devices(1200);
      await store.addMany({ objs });
      assert.equal(await store.count({ model: Device }), 1200);
      assert.deepEqual(
        await order(store, Device),
        objs.map((obj) => obj.name),
      );
    },

    'add() binds the object to the adapter of the store': async (context) => {
      const { store, adapter } = await context.openBound([Device]);
      const obj = new Device({ name: 'r1' });
      await store.add({ obj });
      assert.equal(obj.adapter, adapter);
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).adapter, adapter);
    },

    'addMany() that rejects binds the objects that it stored': async (context) => {
      const { store, adapter } = await context.openBound([Device]);
      await store.add({ obj: new Device({ name: 'r1', role: 'spine' }) });
      const objs = devices(2);
      await rejection(store.addMany({ objs }), ObjectAlreadyExists);
      assert.deepEqual(
        objs.map((obj) => obj.adapter),
        [adapter, undefined],
      );
    },

    'add() of an object of another adapter stores it and leaves it with that adapter': async (context) => {
      const { store, adapter } = await context.openBound([Device]);
      const obj = new Device({ name: 'r1' });
      await store.add({ obj });
      const second = await context.open();
      second.bindAdapter(adapterOf(second, 'second'), [Device], loggerInto([]));
      await second.add({ obj });
      assert.equal(obj.adapter, adapter);
      assert.equal(await second.count(), 1);
    },
  },
};
