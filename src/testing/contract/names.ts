import assert from 'node:assert/strict';
import { ObjectNotFound, ValueError } from '../../errors.js';
import { newStoreId, order, rejection, type ContractTest, type ContractTheme } from './contract-context.js';
import { Box, Device, devices, modelNamed, Parent, Site } from './models.js';

/** Unique ids that a backend might mistake for something else. */
const AWKWARD_UIDS: Readonly<Record<string, string>> = {
  'with letters of other scripts': 'Zürich \u6771\u4eac \u{1F600} e\u0301',
  'with colons': 'a:b::c:',
  'with glob characters': '*?[a-z]{x}\\',
  'with a line break': 'a\r\nb',
  'with NUL': 'a\u0000b',
  'with quotes and backslashes': `'"\`\\"; DROP TABLE x; --`,
  'with per cent and underscore': '%_%25',
  'that is a path': '../../etc/passwd',
  'that begins and ends with a space': ' a ',
  'that is __proto__': '__proto__',
  'that is constructor': 'constructor',
  'that is toString': 'toString',
  'that is empty': '',
  'that is a number': '0',
  'of 16 KiB': 'x'.repeat(16 * 1024),
  'of 16 KiB in letters of three bytes': '\u6771'.repeat(5461),
};

function awkwardUids(): Record<string, ContractTest> {
  const tests: Record<string, ContractTest> = {};
  for (const [name, uid] of Object.entries(AWKWARD_UIDS)) {
    tests[`every call works with a uid ${name}`] = async (context) => {
      const store = await context.open();
      const obj = new Device({ name: uid, role: 'first' });
      await store.addMany({ objs: [new Device({ name: 'before' }), obj, new Device({ name: 'after' })] });
      assert.deepEqual(await order(store, Device), ['before', uid, 'after']);
      assert.equal((await store.get({ model: Device, identifier: uid })).role, 'first');
      assert.equal((await store.get({ model: Device, identifier: { name: uid } })).name, uid);
      await store.update({ obj: new Device({ name: uid, role: 'second' }) });
      await store.updateOrInstantiate({ model: Device, ids: { name: uid }, attrs: { vlan: 7 } });
      const [found] = await store.getByUids({ model: Device, uids: [uid] });
      assert.deepEqual([found?.role, found?.vlan], ['second', 7]);
      await store.remove({ obj });
      await rejection(store.get({ model: Device, identifier: uid }), ObjectNotFound);
      assert.deepEqual(await order(store, Device), ['before', 'after']);
    };
  }
  return tests;
}

/** Groups of unique ids that a careless store would mistake for one another. */
const DISTINCT_UIDS: readonly (readonly string[])[] = [
  ['a', 'A', 'a ', ' a', 'a\u0000', 'á', 'a\u0301'],
  ['1', '01', '1.0', '1e0', '+1'],
  ['*', '?', 'a*', '[a]', 'a%', 'a_', '%'],
  ['\u{1F600}', '\ufffd', '??'],
];

export const NAMES: ContractTheme = {
  theme: 'names and unique ids',
  tests: {
    ...awkwardUids(),

    'uids that are nearly the same are kept apart': async (context) => {
      for (const uids of DISTINCT_UIDS) {
        const store = await context.open();
        await store.addMany({ objs: uids.map((name) => new Device({ name, note: `of ${name}` })) });
        assert.deepEqual(await order(store, Device), uids);
        for (const name of uids) {
          assert.equal((await store.get({ model: Device, identifier: name })).note, `of ${name}`);
        }
      }
    },

    'a uid of more than 16 KiB is refused with ValueError, and nothing is stored': async (context) => {
      const store = await context.open();
      for (const uid of ['x'.repeat(16 * 1024 + 1), '\u6771'.repeat(5462)]) {
        await rejection(store.add({ obj: new Device({ name: uid }) }), ValueError, 'device', '16 KiB');
        await rejection(store.update({ obj: new Device({ name: uid }) }), ValueError, '16 KiB');
        await rejection(store.get({ model: Device, identifier: uid }), ValueError, '16 KiB');
        await rejection(store.find({ model: Device, uids: ['x', uid] }), ValueError, '16 KiB');
        const call = { model: Device, ids: { name: uid }, attrs: {} };
        await rejection(store.updateOrInstantiate(call), ValueError, '16 KiB');
      }
      assert.equal(await store.count(), 0);
    },

    'a uid with a lone surrogate is refused with ValueError, and nothing is stored': async (context) => {
      const store = await context.open();
      for (const uid of ['\ud800', 'a\udc00b', '\udc00\ud800']) {
        await rejection(store.add({ obj: new Device({ name: uid }) }), ValueError, 'device', 'surrogate');
        await rejection(store.update({ obj: new Device({ name: uid }) }), ValueError, 'surrogate');
        await rejection(store.getByUids({ model: Device, uids: [uid] }), ValueError, 'surrogate');
      }
      assert.equal(await store.count(), 0);
    },

    'a model may be named __proto__, constructor or like part of another name': async (context) => {
      const store = await context.open();
      const names = ['__proto__', 'constructor', 'dev', 'dev-ice', 'dev_ice', 'device', 'deviceX', 'hasOwnProperty'];
      for (const name of names) {
        const Named = modelNamed(name);
        await store.add({ obj: new Named({ id: 'x', value: name }) });
      }
      assert.deepEqual(await store.getAllModelNames(), names.toSorted());
      for (const name of names) {
        assert.equal(await store.count({ model: name }), 1);
        const obj = await store.get({ model: modelNamed(name), identifier: 'x' });
        assert.deepEqual(obj.getAttrs(), { value: name });
        assert.equal((await store.getAll({ model: name })).length, 1);
        await store.remove({ obj });
      }
      assert.equal(await store.count(), 0);
      assert.equal(({} as Record<string, unknown>)['value'], undefined);
    },

    'a child model named __proto__ is linked as any other': async (context) => {
      const Child = modelNamed('__proto__');
      const { store } = await context.openBound([Child, Parent]);
      const [parent, child] = [new Parent({ name: 'p' }), new Child({ id: 'x' })];
      await store.addMany({ objs: [parent, child] });
      parent.addChild(child);
      assert.deepEqual((await store.get({ model: Parent, identifier: 'p' })).members, ['x']);
      await store.remove({ obj: parent, removeChildren: true });
      assert.equal(await store.count(), 0);
    },

    'a store id that is empty or has ":", "{", "}" or a control character is refused with ValueError': async (
      context,
    ) => {
      for (const storeId of ['', 'a:b', ':', '{a}', 'a}', 'a\nb', '\u0000', '\u007f', 'a\ud800']) {
        await rejection(context.open(storeId), ValueError, 'storeId');
      }
    },

    'String() of the store is its name, with the store id where there is one': async (context) => {
      const storeId = newStoreId();
      const store = await context.open(storeId);
      assert.equal(store.storeId, storeId);
      assert.equal(String(store), `${store.name} (${storeId})`);
    },

    'stores whose ids extend one another do not see each other': async (context) => {
      const id = newStoreId();
      const ids = [id, `${id}2`, `${id}.network`, `${id}-`, `x${id}`, `${id} `];
      const stores = await Promise.all(ids.map((storeId) => context.open(storeId)));
      for (const [index, store] of stores.entries()) await store.addMany({ objs: devices(index + 1) });
      for (const [index, store] of stores.entries()) {
        assert.equal(await store.count(), index + 1);
        assert.equal(await store.count({ model: Device }), index + 1);
        assert.equal((await store.getAll({ model: Device })).length, index + 1);
      }
    },

    'store ids that look like paths, or differ in their case only, are kept apart': async (context) => {
      const id = newStoreId();
      const ids = [
        `${id}/a`,
        `${id}/../a`,
        `${id}\\a`,
        `${id}%2Fa`,
        `${id}.`,
        `${id}..`,
        `${id}Ä`,
        `${id}ä`,
        `${id}X`,
        `${id}x`,
      ];
      const stores = await Promise.all(ids.map((storeId) => context.open(storeId)));
      for (const [index, store] of stores.entries()) await store.add({ obj: new Box({ id: 'b', value: index }) });
      for (const [index, store] of stores.entries()) {
        assert.deepEqual(
          (await store.getAll({ model: Box })).map((obj) => obj.value),
          [index],
          ids[index],
        );
      }
    },

    'glob characters in a store id mean nothing': async (context) => {
      const id = newStoreId();
      const plain = await context.open(`${id}a`);
      await plain.addMany({ objs: devices(2) });
      for (const pattern of ['*', '?', '[a]', '%', '_']) {
        const store = await context.open(`${id}${pattern}`);
        assert.equal(await store.count(), 0);
        assert.deepEqual(await store.getAllModelNames(), []);
        await store.addMany({ objs: [new Site({ name: 's1' })] });
        await store.clear();
      }
      assert.deepEqual(await order(plain, Device), ['r0', 'r1']);
    },

    'two stores with ids of their own hold different objects under one uid': async (context) => {
      const [first, second] = [await context.open(), await context.open()];
      await first.add({ obj: new Box({ id: 'b', value: 1 }) });
      await second.add({ obj: new Box({ id: 'b', value: 2 }) });
      assert.equal((await first.get({ model: Box, identifier: 'b' })).value, 1);
      await second.remove({ obj: new Box({ id: 'b' }) });
      assert.equal(await first.count(), 1);
    },
  },
};
