import assert from 'node:assert/strict';
import { ValueError } from '../../errors.js';
import { DiffSyncModelFlags } from '../../flags.js';
import { rejection, type ContractTheme } from './contract-context.js';
import { Device, devices, Interface } from './models.js';

export const CONVENIENCE: ContractTheme = {
  theme: 'get or add, update or add',
  tests: {
    'getOrInstantiate() of what is missing adds a new object and answers true': async (context) => {
      const store = await context.open();
      const [obj, created] = await store.getOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { role: 'x' } });
      assert.ok(created && obj instanceof Device && obj.role === 'x');
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).role, 'x');
    },

    'getOrInstantiate() of what is there answers it as it is, and false': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', role: 'stored' }) });
      const [obj, created] = await store.getOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { role: 'x' } });
      assert.deepEqual([obj.role, created], ['stored', false]);
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).role, 'stored');
    },

    'getOrInstantiate() with an identifier missing rejects with ValueError and stores nothing': async (context) => {
      const store = await context.open();
      const ids = { device: 'r1' } as { device: string; port: string };
      await rejection(store.getOrInstantiate({ model: Interface, ids }), ValueError, 'port');
      assert.equal(await store.count(), 0);
    },

    'getOrAddModelInstance() of what is missing adds the object itself and answers true': async (context) => {
      const { store, adapter } = await context.openBound([Device]);
      const given = new Device({ name: 'r1', role: 'x' });
      const [obj, created] = await store.getOrAddModelInstance(given);
      assert.ok(created && obj === given && obj.adapter === adapter);
      assert.equal(await store.count(), 1);
    },

    'getOrAddModelInstance() of what is there answers the stored object and false': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', role: 'stored' }) });
      const given = new Device({ name: 'r1', role: 'x' });
      const [obj, created] = await store.getOrAddModelInstance(given);
      assert.ok(!created && obj !== given && obj instanceof Device);
      assert.equal(obj.role, 'stored');
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).role, 'stored');
    },

    'getOrAddModelInstance() and getOrInstantiate() of an equal object answer false': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1' }) });
      const given = new Device({ name: 'r1' });
      const [obj, created] = await store.getOrAddModelInstance(given);
      assert.ok(!created && obj !== given);
      const [, instantiated] = await store.getOrInstantiate({ model: Device, ids: { name: 'r1' } });
      assert.equal(instantiated, false);
      assert.equal(await store.count(), 1);
    },

    'updateOrInstantiate() of what is missing adds a new object and answers true': async (context) => {
      const store = await context.open();
      const call = { model: Device, ids: { name: 'r1' }, attrs: { role: 'x', vlan: 7 } };
      const [obj, created] = await store.updateOrInstantiate(call);
      assert.deepEqual([obj.role, obj.vlan, created], ['x', 7, true]);
      const stored = await store.get({ model: Device, identifier: 'r1' });
      assert.deepEqual([stored.role, stored.vlan], ['x', 7]);
    },

    'updateOrInstantiate() of what is there sets the attributes, keeps the others, and answers false': async (
      context,
    ) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', role: 'old', vlan: 1, note: 'kept', interfaces: ['r1__e0'] }) });
      const call = { model: Device, ids: { name: 'r1' }, attrs: { role: 'new' } };
      const [obj, created] = await store.updateOrInstantiate(call);
      assert.ok(!created && obj instanceof Device);
      const stored = await store.get({ model: Device, identifier: 'r1' });
      const expected = { name: 'r1', role: 'new', vlan: 1, tags: [], interfaces: ['r1__e0'], note: 'kept' };
      assert.deepEqual(obj.toDict(), expected);
      assert.deepEqual(stored.toDict(), expected);
    },

    'updateOrInstantiate() with values that are there already changes nothing': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', role: 'x' }) });
      const call = { model: Device, ids: { name: 'r1' }, attrs: { role: 'x' } };
      const [obj, created] = await store.updateOrInstantiate(call);
      assert.deepEqual([obj.role, created], ['x', false]);
    },

    'updateOrInstantiate() with an unknown attribute rejects with ValueError and stores nothing': async (context) => {
      const store = await context.open();
      for (const attribute of ['rolle', '__proto__', 'constructor']) {
        const attrs = { role: 'x', ...(JSON.parse(`{"${attribute}": 1}`) as object) };
        const call = store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs });
        await rejection(call, ValueError, 'device', 'r1', attribute);
      }
      assert.equal(await store.count(), 0);
    },

    'updateOrInstantiate() of what is there, with an unknown attribute, rejects and changes nothing': async (
      context,
    ) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', role: 'stored' }) });
      const call = { model: Device, ids: { name: 'r1' }, attrs: { role: 'x', rolle: 'y' } };
      await rejection(store.updateOrInstantiate(call), ValueError, 'rolle');
      const stored = await store.get({ model: Device, identifier: 'r1' });
      assert.deepEqual(stored.toDict(), new Device({ name: 'r1', role: 'stored' }).toDict());
    },

    'updateOrInstantiate() with another value for an identifier rejects and changes nothing': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(1) });
      const call = { model: Device, ids: { name: 'r0' }, attrs: { name: 'r1' } as never };
      await rejection(store.updateOrInstantiate(call), ValueError, 'name');
      assert.equal(await store.count(), 1);
      assert.equal((await store.get({ model: Device, identifier: 'r0' })).name, 'r0');
    },

    'updateOrAddModelInstance() of what is missing adds the object itself and answers true': async (context) => {
      const { store, adapter } = await context.openBound([Device]);
      const given = new Device({ name: 'r1', role: 'x' });
      const [obj, created] = await store.updateOrAddModelInstance(given);
      assert.ok(created && obj === given && obj.adapter === adapter);
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).role, 'x');
    },

    'updateOrAddModelInstance() of what is there sets its attributes, keeps other fields, and answers false': async (
      context,
    ) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r1', role: 'old', note: 'kept', interfaces: ['r1__e0'] }) });
      const given = new Device({ name: 'r1', role: 'new', vlan: 7, note: 'not taken' });
      const [obj, created] = await store.updateOrAddModelInstance(given);
      assert.ok(!created && obj instanceof Device);
      const expected = { name: 'r1', role: 'new', vlan: 7, tags: [], interfaces: ['r1__e0'], note: 'kept' };
      assert.deepEqual(obj.toDict(), expected);
      assert.deepEqual((await store.get({ model: Device, identifier: 'r1' })).toDict(), expected);
    },

    'updateOrInstantiate() and updateOrAddModelInstance() keep the flags of the stored object': async (context) => {
      const store = await context.open();
      const stored = new Device({ name: 'r1' });
      stored.modelFlags = DiffSyncModelFlags.IGNORE;
      await store.add({ obj: stored });
      await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { role: 'x' } });
      const [obj] = await store.updateOrAddModelInstance(new Device({ name: 'r1', vlan: 7 }));
      assert.equal(obj.modelFlags, DiffSyncModelFlags.IGNORE);
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).modelFlags, DiffSyncModelFlags.IGNORE);
    },

    'all four bind what they answer to the adapter of the store': async (context) => {
      const { store, adapter } = await context.openBound([Device]);
      const ids = { name: 'r1' };
      for (let round = 0; round < 2; round++) {
        const answers = [
          await store.getOrInstantiate({ model: Device, ids }),
          await store.updateOrInstantiate({ model: Device, ids, attrs: { vlan: round } }),
          await store.getOrAddModelInstance(new Device({ name: `get ${round}` })),
          await store.updateOrAddModelInstance(new Device({ name: 'update' })),
        ];
        for (const [obj] of answers) assert.equal(obj.adapter, adapter);
      }
    },
  },
};
