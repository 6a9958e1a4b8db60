import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { ObjectAlreadyExists, ObjectNotFound } from '../../errors.js';
import type { ModelClass } from '../../model/model-class.js';
import type { BaseStore } from '../../store/base-store.js';
import { copyStore } from '../../store/copy-store.js';
import { deferAdd, deferLink, deferPatch, deferRemove, snapshotOf } from '../../store/engine-access.js';
import {
  newStoreId,
  rejection,
  uidsOf,
  type ContractContext,
  type ContractTest,
  type ContractTheme,
} from './contract-context.js';
import { Device, devices, Interface, Site } from './models.js';

const MODELS = [Site, Device, Interface];

/** Of one caller. */
const WRITES_OF_A_CALLER = 40;
const CALLERS = 4;

async function cursorOf(store: BaseStore, model: ModelClass = Device): Promise<string> {
  const { cursor } = await store.changesSince({ model });
  assert.ok(cursor !== undefined, `${String(store)} keeps no log of changes`);
  return cursor;
}

/** Asks what was written since a cursor, which must be known. The log may name more than `expected`. */
async function assertWritten(
  store: BaseStore,
  model: ModelClass,
  cursor: string,
  expected: readonly string[],
): Promise<void> {
  const { uids } = await store.changesSince({ model, cursor });
  assert.ok(uids !== undefined, `what was written since ${cursor} is not known`);
  assert.equal(new Set(uids).size, uids.length, `there are unique ids twice: ${uids.join()}`);
  const named = new Set(uids);
  const missing = expected.filter((uid) => !named.has(uid));
  assert.deepEqual(missing, [], `of ${model.modelName}, what was written is not named`);
}

async function assertUnknown(store: BaseStore, cursor: string): Promise<void> {
  const { uids } = await store.changesSince({ model: Device, cursor });
  assert.equal(uids, undefined, `what was written since ${cursor.slice(0, 100)} is not known, and answered`);
}

/** A write, and the unique ids that it writes. */
interface Write {
  readonly run: (store: BaseStore, context: ContractContext) => Promise<unknown>;
  readonly written: Readonly<{ site?: readonly string[]; device?: readonly string[]; interface?: readonly string[] }>;
}

const port = (name: string): Interface => new Interface({ device: 'r0', port: name });

/** Objects of every model, linked: two sites, five devices, two interfaces. */
async function fill(store: BaseStore): Promise<void> {
  const objs = [
    new Site({ name: 'nyc', devices: ['r0', 'r1'] }),
    new Site({ name: 'lon' }),
    ...devices(5),
    port('e0'),
    port('e1'),
  ];
  for (const obj of objs) if (obj instanceof Device && obj.name === 'r0') obj.interfaces = ['r0__e0', 'r0__e1'];
  await store.addMany({ objs });
}

const readSite = (store: BaseStore, name = 'nyc'): Promise<Site> => store.get({ model: Site, identifier: name });
const readDevice = (store: BaseStore, name = 'r0'): Promise<Device> => store.get({ model: Device, identifier: name });

const WRITES: Readonly<Record<string, Write>> = {
  'add()': {
    run: (store) => store.add({ obj: new Device({ name: 'new' }) }),
    written: { device: ['new'] },
  },
  'addMany()': {
    run: (store) => store.addMany({ objs: [...devices(3, 'new'), new Site({ name: 'new' })] }),
    written: { device: ['new0', 'new1', 'new2'], site: ['new'] },
  },
  'addMany() that rejects': {
    run: (store) => {
      const objs = [
        new Device({ name: 'new' }),
        new Device({ name: 'r0', role: 'another' }),
        new Device({ name: 'last' }),
      ];
      return rejection(store.addMany({ objs }), ObjectAlreadyExists);
    },
    written: { device: ['new', 'last'] },
  },
  'update()': {
    run: (store) => store.update({ obj: new Device({ name: 'r1', role: 'spine' }) }),
    written: { device: ['r1'] },
  },
  'update() of what is not there': {
    run: (store) => store.update({ obj: new Device({ name: 'new' }) }),
    written: { device: ['new'] },
  },
  'updateMany()': {
    run: (store) => store.updateMany({ objs: [new Device({ name: 'r1', role: 'x' }), new Device({ name: 'new' })] }),
    written: { device: ['r1', 'new'] },
  },
  'remove()': {
    run: (store) => store.remove({ obj: new Device({ name: 'r1' }) }),
    written: { device: ['r1'] },
  },
  'remove({ removeChildren })': {
    run: async (store) => store.remove({ obj: await readSite(store), removeChildren: true }),
    written: { site: ['nyc'], device: ['r0', 'r1'], interface: ['r0__e0', 'r0__e1'] },
  },
  'removeMany()': {
    run: (store) => store.removeMany({ objs: devices(2) }),
    written: { device: ['r0', 'r1'] },
  },
  'removeMany({ removeChildren })': {
    run: async (store) => store.removeMany({ objs: [await readSite(store)], removeChildren: true }),
    written: { site: ['nyc'], device: ['r0', 'r1'], interface: ['r0__e0', 'r0__e1'] },
  },
  'removeMany() that rejects': {
    run: (store) =>
      rejection(store.removeMany({ objs: [new Device({ name: 'missing' }), ...devices(2)] }), ObjectNotFound),
    written: { device: ['r0', 'r1'] },
  },
  'remove() and add()': {
    run: async (store) => {
      await store.remove({ obj: new Device({ name: 'r1' }) });
      await store.add({ obj: new Device({ name: 'r1' }) });
    },
    written: { device: ['r1'] },
  },
  'getOrInstantiate()': {
    run: (store) => store.getOrInstantiate({ model: Device, ids: { name: 'new' } }),
    written: { device: ['new'] },
  },
  'updateOrInstantiate()': {
    run: async (store) => {
      await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { vlan: 7 } });
      await store.updateOrInstantiate({ model: Device, ids: { name: 'new' }, attrs: { vlan: 7 } });
    },
    written: { device: ['r1', 'new'] },
  },
  'getOrAddModelInstance()': {
    run: (store) => store.getOrAddModelInstance(new Device({ name: 'new' })),
    written: { device: ['new'] },
  },
  'updateOrAddModelInstance()': {
    run: async (store) => {
      await store.updateOrAddModelInstance(new Device({ name: 'r1', vlan: 7 }));
      await store.updateOrAddModelInstance(new Device({ name: 'new' }));
    },
    written: { device: ['r1', 'new'] },
  },
  'addChild()': {
    run: async (store) => (await readSite(store, 'lon')).addChild(new Device({ name: 'r4' })),
    written: { site: ['lon'] },
  },
  'removeChild()': {
    run: async (store) => (await readDevice(store)).removeChild(port('e1')),
    written: { device: ['r0'] },
  },
  'copyStore()': {
    run: async (store, context) => {
      const source = await context.open();
      await source.addMany({ objs: [...devices(3, 'new'), new Site({ name: 'new' })] });
      await copyStore(source, store, { onConflict: 'overwrite' });
    },
    written: { device: ['new0', 'new1', 'new2'], site: ['new'] },
  },
  'a sync': {
    run: async (store) => {
      const [nyc, lon, changed] = [await readSite(store), await readSite(store, 'lon'), await readDevice(store, 'r3')];
      const before = snapshotOf(changed);
      changed.role = 'spine';
      deferPatch(store, before, changed);
      deferRemove(store, await readDevice(store, 'r1'), nyc);
      deferAdd(store, new Device({ name: 'new' }), lon);
      const leaf = new Device({ name: 'leaf' });
      deferAdd(store, leaf);
      deferLink(store, lon, leaf, true);
      await store.flush();
    },
    written: { site: ['nyc', 'lon'], device: ['r1', 'r3', 'new', 'leaf'] },
  },
  'updateMany() of many objects': {
    run: (store) => store.updateMany({ objs: devices(2500) }),
    written: { device: uidsOf(devices(2500)) },
  },
};

/** A test for each kind of write. */
function writes(): Record<string, ContractTest> {
  const tests: Record<string, ContractTest> = {};
  for (const [name, { run, written }] of Object.entries(WRITES)) {
    tests[`changesSince() names what ${name} has written`] = async (context) => {
      const { store } = await context.openBound(MODELS);
      await fill(store);
      const cursors = new Map<ModelClass, string>();
      for (const model of MODELS) cursors.set(model, await cursorOf(store, model));
      await run(store, context);
      for (const [model, cursor] of cursors) {
        await assertWritten(store, model, cursor, written[model.modelName as keyof Write['written']] ?? []);
      }
    };
  }
  return tests;
}

/** Writers write at the same time, while what they write is asked for again and again, from answer to answer. */
async function askWhileWriting(asked: BaseStore, writers: readonly BaseStore[]): Promise<void> {
  const first = await cursorOf(asked);
  const acknowledged = new Set<string>();
  const named = new Set<string>();
  let cursor = first;
  const ask = async (): Promise<void> => {
    const due = [...acknowledged];
    const answer = await asked.changesSince({ model: Device, cursor });
    assert.ok(answer.cursor !== undefined && answer.uids !== undefined, 'what was written is not known');
    ({ cursor } = answer as { cursor: string });
    for (const uid of answer.uids) named.add(uid);
    for (const uid of due) assert.ok(named.has(uid), `"${uid}" was written before the question, and is not named`);
  };
  const write = async (store: BaseStore, caller: number): Promise<void> => {
    for (let at = 0; at < WRITES_OF_A_CALLER; at++) {
      const obj = new Device({ name: `c${caller}-${at}` });
      if (at % 2 === 0) await store.add({ obj });
      else await store.addMany({ objs: [obj] });
      if (at % 3 === 0) await store.remove({ obj });
      acknowledged.add(obj.name);
    }
  };
  const over = new AbortController();
  const writing = Promise.all(
    Array.from({ length: CALLERS }, (_, caller) => write(writers[caller % writers.length] ?? asked, caller)),
  ).finally(() => over.abort());
  const asking = (async () => {
    while (!over.signal.aborted) {
      await ask();
      // A store in memory answers at once, and would keep the writers from their turn.
      await setImmediate();
    }
  })();
  await Promise.all([writing, asking]);
  await ask();
  assert.equal(named.size, CALLERS * WRITES_OF_A_CALLER);
  await assertWritten(asked, Device, first, [...named]);
}

/** Only for stores that keep a log of changes. */
export const CHANGES: ContractTheme = {
  theme: 'changes',
  tests: {
    'changesSince() without a cursor gives one, and knows nothing of before': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Device({ name: 'r0' }) });
      const { cursor, uids } = await store.changesSince({ model: Device });
      assert.equal(typeof cursor, 'string');
      assert.equal(uids, undefined);
    },

    ...writes(),

    'changesSince() of a model without objects gives a cursor that stays good': async (context) => {
      const store = await context.open();
      const cursor = await cursorOf(store);
      await assertWritten(store, Device, cursor, []);
      await store.addMany({ objs: devices(3) });
      await store.remove({ obj: new Device({ name: 'r1' }) });
      await assertWritten(store, Device, cursor, ['r0', 'r1', 'r2']);
    },

    'changesSince() gives a cursor that stays good when the last object is removed': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(2) });
      const cursor = await cursorOf(store);
      await store.removeMany({ objs: devices(2) });
      const emptied = await cursorOf(store);
      await store.add({ obj: new Device({ name: 'new' }) });
      await assertWritten(store, Device, cursor, ['r0', 'r1', 'new']);
      await assertWritten(store, Device, emptied, ['new']);
    },

    'changesSince() with the same cursor again names no less': async (context) => {
      const store = await context.open();
      const cursor = await cursorOf(store);
      await store.add({ obj: new Device({ name: 'r0' }) });
      await assertWritten(store, Device, cursor, ['r0']);
      await store.add({ obj: new Device({ name: 'r1' }) });
      await store.update({ obj: new Device({ name: 'r0', role: 'spine' }) });
      for (let times = 0; times < 3; times++) await assertWritten(store, Device, cursor, ['r0', 'r1']);
    },

    'changesSince() from answer to answer leaves nothing out': async (context) => {
      const store = await context.open();
      let cursor = await cursorOf(store);
      for (const obj of devices(5)) {
        await store.update({ obj });
        await assertWritten(store, Device, cursor, [obj.name]);
        cursor = (await store.changesSince({ model: Device, cursor })).cursor ?? '';
      }
      await assertWritten(store, Device, cursor, []);
    },

    'changesSince() names unique ids of any kind': async (context) => {
      const store = await context.open();
      const cursor = await cursorOf(store);
      const uids = ['a b', 'a:b', 'a,b', '"a"', 'a\nb', 'a\0b', '', '__proto__', '7', '\u{1F600}', 'x'.repeat(16_384)];
      for (const name of uids) await store.add({ obj: new Device({ name }) });
      await assertWritten(store, Device, cursor, uids);
      const before = await cursorOf(store);
      for (const name of uids) await store.remove({ obj: new Device({ name }) });
      await assertWritten(store, Device, before, uids);
    },

    'changesSince() with a cursor from before a clear() does not know': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(2) });
      const before = await cursorOf(store);
      await store.clear();
      await assertUnknown(store, before);
      await store.addMany({ objs: devices(2) });
      await assertUnknown(store, before);
      const after = await cursorOf(store);
      await store.add({ obj: new Device({ name: 'new' }) });
      await assertWritten(store, Device, after, ['new']);
    },

    'changesSince() with a cursor from before a clear(), when the model had no objects, does not know': async (
      context,
    ) => {
      const store = await context.open();
      const empty = await cursorOf(store);
      await store.addMany({ objs: devices(2) });
      await store.clear();
      await assertUnknown(store, empty);
      await store.add({ obj: new Device({ name: 'new' }) });
      await assertUnknown(store, empty);
    },

    'changesSince() with the cursor of another model or store does not know': async (context) => {
      const store = await context.open();
      const other = context.scope(store);
      await other.open();
      for (const each of [store, other]) await each.addMany({ objs: [...devices(3), new Site({ name: 'nyc' })] });
      for (const cursor of [await cursorOf(store, Site), await cursorOf(other)]) await assertUnknown(store, cursor);
    },

    'changesSince() with the cursor of another model or store, without objects, does not know': async (context) => {
      const store = await context.open();
      const other = context.scope(store);
      await other.open();
      const cursors = [await cursorOf(store, Site), await cursorOf(other)];
      for (const cursor of cursors) await assertUnknown(store, cursor);
      await store.addMany({ objs: devices(3) });
      for (const cursor of cursors) await assertUnknown(store, cursor);
    },

    'changesSince() with a text that is no cursor does not know': async (context) => {
      const store = await context.open();
      await store.addMany({ objs: devices(3) });
      for (const cursor of ['', ' ', '-1', 'NaN', 'x y', 'undefined', '{}', '\0', '9'.repeat(10_000)]) {
        await assertUnknown(store, cursor);
      }
    },

    'changesSince() while others write names all that was written before': async (context) => {
      const store = await context.open();
      await askWhileWriting(store, [store]);
    },
  },

  sharedTests: {
    'changesSince() names what a second handle has written': async (context) => {
      const storeId = newStoreId();
      const [store, other] = [await context.open(storeId), await context.open(storeId)];
      const cursor = await cursorOf(store);
      await other.addMany({ objs: devices(3) });
      await other.update({ obj: new Device({ name: 'r1', role: 'spine' }) });
      await other.remove({ obj: new Device({ name: 'r2' }) });
      await assertWritten(store, Device, cursor, ['r0', 'r1', 'r2']);
      const between = await cursorOf(other);
      await store.add({ obj: new Device({ name: 'new' }) });
      await assertWritten(store, Device, between, ['new']);
      await assertWritten(other, Device, cursor, ['r0', 'r1', 'r2', 'new']);
      await other.clear();
      await assertUnknown(store, between);
    },

    'changesSince() while two handles write names all that was written before': async (context) => {
      const storeId = newStoreId();
      const stores = [await context.open(storeId), await context.open(storeId)] as const;
      await askWhileWriting(stores[0], stores);
    },
  },

  persistentTests: {
    'changesSince() of a store that was closed and opened again leaves nothing out': async (context) => {
      const store = await context.open();
      const cursor = await cursorOf(store);
      await store.addMany({ objs: devices(2) });
      const later = await cursorOf(store);
      await store.close();
      await store.open();
      await store.add({ obj: new Device({ name: 'new' }) });
      for (const [from, expected] of [
        [cursor, ['r0', 'r1', 'new']],
        [later, ['new']],
      ] as const) {
        const { uids } = await store.changesSince({ model: Device, cursor: from });
        // It may have lost the log with the connection, and then it knows nothing.
        if (uids !== undefined) await assertWritten(store, Device, from, expected);
      }
    },
  },
};
