import assert from 'node:assert/strict';
import { ObjectAlreadyExists } from '../../errors.js';
import type { BaseStore } from '../../store/base-store.js';
import { rejection, type ContractContext, type ContractTheme } from './contract-context.js';
import { Device } from './models.js';

async function withDevice(context: ContractContext): Promise<{ store: BaseStore; given: Device }> {
  const store = await context.open();
  const given = new Device({ name: 'r1', tags: ['stored'] });
  await store.add({ obj: given });
  return { store, given };
}

function spoil(obj: Device): void {
  obj.role = 'spoiled';
  obj.tags.push('spoiled');
}

async function assertUnspoiled(store: BaseStore): Promise<void> {
  const obj = await store.get({ model: Device, identifier: 'r1' });
  assert.deepEqual([obj.role, obj.tags], ['leaf', ['stored']]);
}

export const COPIES: ContractTheme = {
  theme: 'copies',
  tests: {
    'add() keeps a copy: changing the object afterwards changes nothing stored': async (context) => {
      const { store, given } = await withDevice(context);
      spoil(given);
      await assertUnspoiled(store);
    },

    'update() keeps a copy: changing the object afterwards changes nothing stored': async (context) => {
      const { store, given } = await withDevice(context);
      await store.update({ obj: given });
      spoil(given);
      await assertUnspoiled(store);
    },

    'get() hands out a copy: changing it changes nothing stored': async (context) => {
      const { store } = await withDevice(context);
      spoil(await store.get({ model: Device, identifier: 'r1' }));
      await assertUnspoiled(store);
    },

    'getAll() hands out copies: changing one changes nothing stored': async (context) => {
      const { store } = await withDevice(context);
      (await store.getAll({ model: Device })).forEach(spoil);
      await assertUnspoiled(store);
    },

    'iterate() hands out copies: changing one changes nothing stored': async (context) => {
      const { store } = await withDevice(context);
      for await (const obj of store.iterate({ model: Device })) spoil(obj);
      await assertUnspoiled(store);
    },

    'getByUids() with a repeated uid hands out copies that share nothing': async (context) => {
      const { store } = await withDevice(context);
      const [first, second] = await store.getByUids({ model: Device, uids: ['r1', 'r1'] });
      assert.ok(first !== undefined && second !== undefined && first !== second);
      spoil(first);
      assert.deepEqual([second.role, second.tags], ['leaf', ['stored']]);
      await assertUnspoiled(store);
    },

    'add() of a different object rejects with a copy of the stored one': async (context) => {
      const { store } = await withDevice(context);
      const error = await rejection(store.add({ obj: new Device({ name: 'r1', role: 'x' }) }), ObjectAlreadyExists);
      spoil(error.existingObject as Device);
      await assertUnspoiled(store);
    },

    'addMany() of two different objects with one uid rejects with a copy of the first': async (context) => {
      const store = await context.open();
      const objs = [new Device({ name: 'r1', tags: ['stored'] }), new Device({ name: 'r1', role: 'x' })];
      const error = await rejection(store.addMany({ objs }), ObjectAlreadyExists);
      spoil(error.existingObject as Device);
      await assertUnspoiled(store);
    },

    'getOrAddModelInstance() and getOrInstantiate() hand out copies of the stored object': async (context) => {
      const { store } = await withDevice(context);
      spoil((await store.getOrAddModelInstance(new Device({ name: 'r1' })))[0]);
      spoil((await store.getOrInstantiate({ model: Device, ids: { name: 'r1' } }))[0]);
      await assertUnspoiled(store);
    },

    'updateOrInstantiate() and updateOrAddModelInstance() hand out copies of the stored object': async (context) => {
      const { store, given } = await withDevice(context);
      const [updated] = await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { vlan: 7 } });
      spoil(updated);
      spoil((await store.updateOrAddModelInstance(new Device({ name: 'r1', tags: ['stored'] })))[0]);
      spoil(given);
      await assertUnspoiled(store);
    },
  },
};
