import assert from 'node:assert/strict';
import { ObjectAlreadyExists } from '../../errors.js';
import type { BaseStore } from '../../store/base-store.js';
import { newStoreId, order, type ContractTheme } from './contract-context.js';
import { Board, COUNTERS, Device, devices } from './models.js';

const CALLERS = 20;

/** Every caller adds a different object under one unique id, on alternate stores. */
async function raceToAdd(stores: readonly BaseStore[]): Promise<void> {
  const objs = Array.from({ length: CALLERS }, (_, index) => new Device({ name: 'r1', role: `caller ${index}` }));
  const outcomes = await Promise.allSettled(objs.map((obj, index) => at(stores, index).add({ obj })));
  const winners = objs.filter((_, index) => outcomes[index]?.status === 'fulfilled');
  assert.equal(winners.length, 1, `${winners.length} of ${CALLERS} won`);
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    assert.ok(outcome.reason instanceof ObjectAlreadyExists);
    assert.equal((outcome.reason.existingObject as Device).role, winners[0]?.role);
  }
  const [stored] = await at(stores, 0).getAll({ model: Device });
  assert.equal(stored?.role, winners[0]?.role);
  assert.equal(await at(stores, 0).count(), 1);
}

async function raceToInstantiate(stores: readonly BaseStore[]): Promise<void> {
  const calls = Array.from({ length: CALLERS }, (_, index) =>
    at(stores, index).getOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { role: `caller ${index}` } }),
  );
  const results = await Promise.all(calls);
  assert.equal(results.filter(([, created]) => created).length, 1);
  const roles = new Set(results.map(([obj]) => obj.role));
  assert.equal(roles.size, 1);
}

/** Every caller sets an attribute of its own. */
async function raceToUpdate(stores: readonly BaseStore[]): Promise<void> {
  const updates = COUNTERS.map((attribute, index) =>
    at(stores, index).updateOrInstantiate({ model: Board, ids: { id: 'x' }, attrs: { [attribute]: index + 1 } }),
  );
  const results = await Promise.all(updates);
  assert.equal(results.filter(([, created]) => created).length, 1);
  const stored = await at(stores, 0).get({ model: Board, identifier: 'x' });
  assert.deepEqual(
    COUNTERS.map((attribute) => stored[attribute]),
    COUNTERS.map((_, index) => index + 1),
  );
}

function at(stores: readonly BaseStore[], index: number): BaseStore {
  const store = stores[index % stores.length];
  assert.ok(store);
  return store;
}

export const CONCURRENCY: ContractTheme = {
  theme: 'concurrency',
  tests: {
    'add() of different objects with one uid at the same time has exactly one winner': async (context) =>
      raceToAdd([await context.open()]),

    'add() of equal objects at the same time never conflicts': async (context) => {
      const store = await context.open();
      await Promise.all(Array.from({ length: CALLERS }, () => store.addMany({ objs: devices(3) })));
      assert.deepEqual(await order(store, Device), ['r0', 'r1', 'r2']);
    },

    'getOrInstantiate() at the same time creates one object, which all get': async (context) =>
      raceToInstantiate([await context.open()]),

    'updateOrInstantiate() of different attributes at the same time: all win': async (context) =>
      raceToUpdate([await context.open()]),

    'remove() at the same time has exactly one winner': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(1) });
      const removals = Array.from({ length: CALLERS }, () => store.remove({ obj: new Device({ name: 'r0' }) }));
      const outcomes = await Promise.allSettled(removals);
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    },

    'update() at the same time stores one of the objects whole': async (context) => {
      const store = await context.open();
      const objs = Array.from({ length: CALLERS }, (_, at) => new Device({ name: 'r1', vlan: at, note: `of ${at}` }));
      await Promise.all(objs.map((obj) => store.update({ obj })));
      const [stored, ...others] = await store.getAll({ model: Device });
      assert.deepEqual(others, []);
      assert.equal(stored?.note, `of ${stored?.vlan}`);
    },

    'addMany() in opposite orders at the same time stores each object once': async (context) => {
      const store = await context.open();
      const objs = devices(50);
      await Promise.all([store.addMany({ objs }), store.addMany({ objs: objs.toReversed() })]);
      assert.deepEqual((await order(store, Device)).toSorted(), objs.map((obj) => obj.name).toSorted());
    },

    'updateOrInstantiate() and remove() at the same time leave the object whole or gone': async (context) => {
      const store = await context.open();
      for (let round = 0; round < 10; round++) {
        await store.update({ obj: new Board({ id: 'x', a: 1 }) });
        const call = { model: Board, ids: { id: 'x' }, attrs: { b: 2 } };
        const [[obj]] = await Promise.all([
          store.updateOrInstantiate(call),
          store.remove({ obj: new Board({ id: 'x' }) }),
        ]);
        assert.equal(obj.b, 2);
        for (const stored of await store.getAll({ model: Board })) assert.equal(stored.b, 2);
      }
    },

    'add() of many objects at the same time stores all': async (context) => {
      const store = await context.open();
      const objs = devices(200);
      await Promise.all(objs.map((obj) => store.add({ obj })));
      assert.deepEqual(new Set(await order(store, Device)), new Set(objs.map((obj) => obj.name)));
      assert.equal(await store.count(), 200);
    },
  },

  sharedTests: {
    'add() of different objects in two handles at the same time has exactly one winner': async (context) => {
      const storeId = newStoreId();
      await raceToAdd([await context.open(storeId), await context.open(storeId)]);
    },

    'getOrInstantiate() in two handles at the same time creates one object, which all get': async (context) => {
      const storeId = newStoreId();
      await raceToInstantiate([await context.open(storeId), await context.open(storeId)]);
    },

    'updateOrInstantiate() of different attributes in two handles at the same time: all win': async (context) => {
      const storeId = newStoreId();
      await raceToUpdate([await context.open(storeId), await context.open(storeId)]);
    },
  },
};
