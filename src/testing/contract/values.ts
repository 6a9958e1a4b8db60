import assert from 'node:assert/strict';
import { ValueError } from '../../errors.js';
import { DiffSyncModelFlags } from '../../flags.js';
import { rejection, type ContractContext, type ContractTest, type ContractTheme } from './contract-context.js';
import { Box, Device } from './models.js';

async function roundTrip(context: ContractContext, value: unknown): Promise<unknown> {
  const store = await context.open();
  await store.add({ obj: new Box({ id: 'b', value }) });
  const [stored] = await store.getAll({ model: Box });
  assert.deepEqual(stored?.value, (await store.get({ model: Box, identifier: 'b' })).value);
  return stored?.value;
}

const survives =
  (make: () => unknown): ContractTest =>
  async (context) =>
    assert.deepEqual(await roundTrip(context, make()), make());

function nested(levels: number): unknown {
  let value: unknown = 'bottom';
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

class Celsius {
  degrees = 20;
}

function cycle(): unknown {
  const list: unknown[] = [];
  list.push({ list });
  return list;
}

/** Values that no store can keep, by name: how to make each, and the path that the message names. */
const REFUSED: Readonly<Record<string, readonly [make: () => unknown, path: string]>> = {
  'a function': [() => ({ deep: [() => 1] }), 'value.deep[0]'],
  'a symbol': [() => Symbol('s'), 'value'],
  'a cycle': [cycle, 'value[0].list'],
  'an instance of a class': [() => [1, new Celsius()], 'value[1]'],
  'a regular expression': [() => /x/, 'value'],
  'a promise': [() => Promise.resolve(1), 'value'],
  'a function in a Map': [() => new Map([['k', () => 1]]), 'value'],
  'a function in a Set': [() => new Set([() => 1]), 'value'],
  'a value nested too deep': [() => nested(5000), 'value'],
};

function refusals(): Record<string, ContractTest> {
  const tests: Record<string, ContractTest> = {};
  for (const [name, [make, path]] of Object.entries(REFUSED)) {
    tests[`add() and update() of ${name} reject with ValueError naming model, uid and field, and store nothing`] =
      async (context) => {
        const store = await context.open();
        const good = new Box({ id: 'good', value: 1 });
        const bad = new Box({ id: 'bad uid', value: 1 });
        bad.value = make();
        await rejection(store.add({ obj: bad }), ValueError, 'box', 'bad uid', path);
        await rejection(store.update({ obj: bad }), ValueError, 'box', 'bad uid', path);
        await rejection(store.getOrAddModelInstance(bad), ValueError, 'box', 'bad uid', path);
        await rejection(store.addMany({ objs: [new Device({ name: 'r1' }), good, bad] }), ValueError, 'bad uid', path);
        await rejection(
          store.updateMany({ objs: [new Device({ name: 'r1' }), good, bad] }),
          ValueError,
          'bad uid',
          path,
        );
        assert.equal(await store.count(), 0);
      };
  }
  return tests;
}

export const VALUES: ContractTheme = {
  theme: 'values',
  tests: {
    'JSON values survive': survives(() => ({
      text: 'é \u{1F600} "quoted" \\ \n \u0000 \u2028 \u007f',
      numbers: [0, 1.5, -1, Number.MAX_SAFE_INTEGER, 5e-324, 1.7976931348623157e308, 0.1 + 0.2],
      flags: [true, false, null],
      empty: [{}, [], ''],
    })),
    'a lone surrogate in a text survives': survives(() => ['\ud800', { '\udc00': 'x\ud800y' }]),
    'a Date survives': survives(() => [
      new Date(0),
      new Date(1_700_000_000_123),
      new Date(8.64e15),
      new Date(-8.64e15),
    ]),
    'an invalid Date survives': async (context) => {
      const store = await context.open(); // Not by deep comparison, which finds two invalid Dates different.
      await store.add({ obj: new Box({ id: 'b', value: [new Date(Number.NaN)] }) });
      const { value } = await store.get({ model: Box, identifier: 'b' });
      const [date] = value as unknown[];
      assert.ok(date instanceof Date && Number.isNaN(date.getTime()));
    },
    'a bigint survives': survives(() => [0n, -1n, 123456789012345678901234567890n]),
    'a Map survives, with keys of any kind, in its order': async (context) => {
      const make = (): Map<unknown, unknown> =>
        new Map<unknown, unknown>([
          ['b', 1],
          ['a', new Map([[1, 'one']])],
          [1n, null],
          [undefined, undefined],
        ]);
      const value = await roundTrip(context, make());
      assert.deepEqual(value, make());
      assert.deepEqual(value instanceof Map && [...value.keys()], [...make().keys()]);
    },
    'a Set survives, in its order': async (context) => {
      const value = await roundTrip(context, new Set(['b', 'a', 1, new Date(0)]));
      assert.deepEqual([...(value as Set<unknown>)], ['b', 'a', 1, new Date(0)]);
    },
    'a Uint8Array survives': survives(() => [new Uint8Array([0, 1, 127, 128, 255]), new Uint8Array()]),
    'NaN and the infinities survive': survives(() => [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
    '-0 survives': survives(() => [-0, 0]),
    'undefined survives, also as the value of a key and in a list': survives(() => ({
      key: undefined,
      list: [1, undefined],
    })),
    'undefined survives as the value of a field': async (context) => {
      const store = await context.open();
      await store.add({ obj: new Box({ id: 'b', value: undefined }) });
      const stored = await store.get({ model: Box, identifier: 'b' });
      assert.ok(Object.hasOwn(stored, 'value') && stored.value === undefined);
    },
    'a gap in a list survives as undefined': async (context) => {
      const list: unknown[] = ['a'];
      list[2] = 'c';
      assert.deepEqual(await roundTrip(context, list), ['a', undefined, 'c']);
    },
    'kinds nested in each other survive': survives(() => ({
      map: new Map<unknown, unknown>([['set', new Set([{ at: new Date(0), n: [1n, Number.NaN] }])]]),
      list: [[[new Uint8Array([1])]], { undefined: undefined }],
    })),
    'values nested 400 levels deep survive': survives(() => nested(400)),
    'own keys named __proto__ and constructor are only data': async (context) => {
      const text =
        '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},"list":[{"__proto__":null}]}';
      const value = await roundTrip(context, JSON.parse(text));
      assert.equal(JSON.stringify(value), text);
      assert.equal(Object.getPrototypeOf(value), Object.prototype);
      assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    },
    'an own key $diffsync is only data': survives(() => ({
      $diffsync: 'Date',
      v: '1970-01-01T00:00:00.000Z',
      nested: [{ $diffsync: { $diffsync: 'object', v: {} } }, { $diffsync: 'undefined' }, new Date(0)],
    })),
    'text that looks like a tagged value is only text': survives(() => [
      '{"$diffsync":"Date","v":null}',
      '"$diffsync"',
      '{"$diffsync":"undefined"}',
    ]),
    'a text of 1 MiB survives': survives(() => 'äö'.repeat(512 * 1024)),
    'a list of 20,000 items survives': survives(() => Array.from({ length: 20_000 }, (_, index) => `item ${index}`)),
    'flags of an object survive every way to write and to read it': async (context) => {
      const store = await context.open();
      const flags = DiffSyncModelFlags.IGNORE | DiffSyncModelFlags.NATURAL_DELETION_ORDER;
      const obj = new Device({ name: 'r1' });
      obj.modelFlags = flags;
      await store.add({ obj });
      assert.equal((await store.get({ model: Device, identifier: 'r1' })).modelFlags, flags);
      obj.modelFlags = DiffSyncModelFlags.SKIP_UNMATCHED_DST;
      await store.update({ obj });
      await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { role: 'x' } });
      assert.equal((await store.getAll({ model: Device }))[0]?.modelFlags, DiffSyncModelFlags.SKIP_UNMATCHED_DST);
      obj.modelFlags = DiffSyncModelFlags.NONE;
      await store.update({ obj });
      for await (const stored of store.iterate({ model: Device })) {
        assert.equal(stored.modelFlags, DiffSyncModelFlags.NONE);
      }
    },
    'flags survive beside an own key $diffsync': async (context) => {
      const store = await context.open();
      const obj = new Box({ id: 'b', value: { $diffsync: 'object', v: 1, flags: 2 } });
      obj.modelFlags = DiffSyncModelFlags.IGNORE;
      await store.add({ obj });
      const stored = await store.get({ model: Box, identifier: 'b' });
      assert.equal(stored.modelFlags, DiffSyncModelFlags.IGNORE);
      assert.deepEqual(stored.value, { $diffsync: 'object', v: 1, flags: 2 });
    },
    'a refused attribute in updateOrInstantiate() changes nothing': async (context) => {
      const store = await context.open();
      const stored = new Box({ id: 'b', value: 1 });
      await store.add({ obj: stored });
      const attrs = { value: () => 1 };
      await rejection(
        store.updateOrInstantiate({ model: Box, ids: { id: 'b' }, attrs }),
        ValueError,
        'box',
        'b',
        'value',
      );
      await rejection(
        store.updateOrInstantiate({ model: Box, ids: { id: 'c' }, attrs }),
        ValueError,
        'box',
        'c',
        'value',
      );
      assert.deepEqual(
        (await store.getAll({ model: Box })).map((obj) => obj.toDict()),
        [stored.toDict()],
      );
    },
    ...refusals(),
  },
};
