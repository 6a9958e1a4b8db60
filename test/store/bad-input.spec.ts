// Every store, with names and values that no sane person would give it: an exact round trip, or a clear error and nothing
// stored. Random; the contract suite has the fixed cases.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  DiffSyncModel,
  ModelDefinitionError,
  ObjectNotFound,
  ValueError,
  type BaseStore,
  type ModelClass,
} from '../../src/index.js';
import { Box, Device, devices } from '../../src/testing/contract/models.js';
import { isDeepEqual } from '../../src/values/deep-equal.js';
import { sized } from '../support/full.js';
import { stores } from '../support/stores.js';

/** The shared ones have their seed printed when they fail. */
const RUNS = { numRuns: sized(30, 15) };
const MEGABYTE = 1024 * 1024;

const AWKWARD = [
  ['', ':', '*', '?', '[', ']', '{', '}', '{a}', '\\', '\n', '\u0000', '\u{1F600}', '\ud800', '\udfff', '\uFFFD'],
  ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then', 'toJSON', '$diffsync', 'v', '-1', 'inf'],
  ['a:b', 'diffsync:a', '[a-z]*', '%s', "';--", '../..', 'a__b', '__'],
].flat();

/** Texts that somebody, or some backend, takes for something else. */
const awkward = fc.oneof(
  fc.constantFrom(...AWKWARD),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const uniqueId = fc.oneof(
  { arbitrary: fc.array(awkward, { maxLength: 3 }).map((parts) => parts.join('')), weight: 20 },
  {
    arbitrary: fc.constantFrom('x'.repeat(16 * 1024), 'x'.repeat(16 * 1024 + 1), '\u6771'.repeat(MEGABYTE)),
    weight: 1,
  },
);

/** What a store keeps, and among it what none does. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    awkward,
    fc.constantFrom(undefined, null, true, -0, 2 ** 53 + 2, Number.MAX_VALUE, 5e-324, Number.NaN, -Infinity),
    fc.double(),
    fc.bigInt(),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array({ maxLength: 8 }),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(awkward, tie('any'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(fc.tuple(tie('any'), tie('any')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie('any'), { maxLength: 3 }).map((items) => new Set(items)),
  ),
})).any;

class Celsius {
  degrees = 20;
}

/** Made anew each time; none can be stored. */
const unstorable = fc.constantFrom<() => unknown>(
  () => () => 1,
  () => Symbol('s'),
  () => new Celsius(),
  () => new WeakMap(),
  () => 10n ** 1000n,
  () => nested(501),
  () => nested(100_000),
  () => cycle(),
  () => ({
    get late() {
      throw new Error('a getter');
    },
  }),
  () => new Proxy({}, { ownKeys: () => [].map((each) => each).concat(null as never) }),
  () => Proxy.revocable({}, {}).proxy && revoked(),
);

function nested(levels: number): unknown {
  let inner: unknown = 1;
  for (let level = 0; level < levels; level++) inner = [inner];
  return inner;
}

function cycle(): unknown {
  const map = new Map<string, unknown>();
  map.set('self', { map });
  return map;
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** A model with a field of any name beside its identifier. */
function modelWith(name: string, field: string): ModelClass {
  const schema: StandardSchemaV1<object, object> = {
    '~standard': { version: 1, vendor: 'test', validate: (input) => ({ value: { ...(input as object) } }) },
  };
  return DiffSyncModel.define({
    name,
    schema,
    identifiers: ['id'] as never,
    attributes: [field] as never,
  });
}

const PROTOTYPES = [Object, Array, Map, Set, String, DiffSyncModel].map(({ prototype }) => prototype as object);
const shapes = (): unknown => PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype));

const refused = async (work: Promise<unknown>): Promise<ValueError | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof ValueError) return error;
      throw error;
    },
  );

describe.each(stores)('bad input to $name', ({ open, close }) => {
  let store: BaseStore;
  let before: unknown;

  beforeAll(async () => {
    before = shapes();
    store = await open();
  });

  afterAll(async () => {
    await close(store);
    expect(shapes()).toEqual(before);
  });

  it('a unique id comes back as it was, or is refused with ValueError', async () => {
    await fc.assert(
      fc.asyncProperty(uniqueId, awkward, async (name, note) => {
        const obj = new Device({ name, note });
        const error = await refused(store.add({ obj }));
        const fits = name.isWellFormed() && Buffer.byteLength(name) <= 16 * 1024;
        expect(error === undefined).toBe(fits);
        if (error !== undefined) {
          expect(error.message).toContain('device');
          expect(error.message.length).toBeLessThan(500);
          expect(await store.count()).toBe(0);
          return;
        }
        const stored = await store.get({ model: Device, identifier: name });
        expect([stored.name, stored.note]).toEqual([name, note]);
        expect((await store.getAll({ model: Device })).map((each) => each.name)).toEqual([name]);
        await store.remove({ obj });
        await expect(store.get({ model: Device, identifier: name })).rejects.toThrow(ObjectNotFound);
      }),
      RUNS,
    );
  });

  it('a value comes back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 4 }), async (values) => {
        const objs = values.map((each, at) => new Box({ id: `b${at}`, value: each }));
        await store.addMany({ objs });
        const stored = await store.getAll({ model: Box });
        expect(stored.map((each) => each.id)).toEqual(objs.map(({ id }) => id));
        for (const [at, each] of stored.entries()) expect(isDeepEqual(each.value, values[at])).toBe(true);
        await store.clear();
      }),
      RUNS,
    );
  });

  it('an unstorable value is refused, naming model, uid and field: nothing of addMany() is stored, and of single adds the others', async () => {
    await fc.assert(
      fc.asyncProperty(unstorable, fc.nat({ max: 600 }), async (make, at) => {
        const objs = devices(600).map((device): DiffSyncModel => device);
        objs.splice(at, 0, new Box({ id: 'bad', value: [make()] }));
        const error = await refused(store.addMany({ objs }));
        expect(error?.message).toMatch(/^box "bad": the value of value/);
        expect(await store.count()).toBe(0);
        expect((await refused(store.updateMany({ objs })))?.message).toBe(error?.message);
        expect(await store.count()).toBe(0);
        const few = [...objs.slice(0, 3), objs[at] as DiffSyncModel, ...objs.slice(-3)];
        const outcomes = await Promise.allSettled(few.map((obj) => store.add({ obj })));
        expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(
          few.map(({ constructor }) => constructor !== Box),
        );
        expect(await store.count({ model: Box })).toBe(0);
        await store.clear();
      }),
      { numRuns: 11 },
    );
  });

  it('a field and a model of any name keep what they hold, or are refused when the model is declared', async () => {
    const name = fc.oneof(
      fc.constantFrom('__proto__', 'constructor', 'toString', 'x'.repeat(512), 'x'.repeat(513)),
      awkward,
    );
    await fc.assert(
      fc.asyncProperty(name, awkward, value, async (modelName, field, held) => {
        let model: ModelClass;
        try {
          model = modelWith(modelName, field);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelDefinitionError);
          expect((error as Error).message.length).toBeLessThan(500);
          if (/^[A-Za-z_][\w-]{0,511}$/.test(modelName))
            expect(field in DiffSyncModel.prototype || field === 'id').toBe(true);
          else await expect(store.count({ model: modelName })).rejects.toThrow(ValueError);
          return;
        }
        await store.add({ obj: new model({ id: 'x', [field]: held } as never) });
        const stored = await store.get<ModelClass>({ model, identifier: 'x' });
        expect(Object.keys(stored).toSorted()).toEqual(['id', 'modelFlags', field].toSorted());
        expect(isDeepEqual(stored.getAttrs(), { [field]: held })).toBe(true);
        expect(await store.getAllModelNames()).toEqual([modelName]);
        await store.clear();
      }),
      RUNS,
    );
  });

  it('a store id of any characters is a store of its own, or is refused with ValueError', async () => {
    await store.addMany({ objs: devices(3) });
    const awkwardId = fc.oneof(fc.constantFrom('x'.repeat(513), 'x'.repeat(MEGABYTE), '\u6771'.repeat(170)), awkward);
    await fc.assert(
      fc.asyncProperty(awkwardId, fc.boolean(), async (id, alone) => {
        const storeId = alone ? id : `${randomUUID()}${id}`;
        let scoped: BaseStore;
        try {
          scoped = store.scope({ storeId });
        } catch (error) {
          expect(error).toBeInstanceOf(ValueError);
          expect((error as Error).message.length).toBeLessThan(500);
          expect(storeId === '' || /[:{}\p{Cc}\p{Cs}]/u.test(storeId) || Buffer.byteLength(storeId) > 512).toBe(true);
          return;
        }
        await scoped.open();
        expect(await scoped.count()).toBe(0);
        await scoped.add({ obj: new Box({ id: 'b', value: storeId }) });
        expect(await store.getAllModelNames()).toEqual(['device']);
        expect((await scoped.get({ model: Box, identifier: 'b' })).value).toBe(storeId);
        await scoped.clear();
        await scoped.close();
      }),
      RUNS,
    );
    expect(await store.count()).toBe(3);
    await store.clear();
  });

  it('an object of 16 MiB is kept, and one of a byte more is refused, naming the largest field and its size', async () => {
    const rest = Buffer.byteLength(JSON.stringify(new Device({ name: 'big' })));
    const fits = new Device({ name: 'big', note: 'é'.repeat((16 * MEGABYTE - rest) / 2) });
    fits.role += rest % 2 === 0 ? '' : 'x';
    await store.add({ obj: fits });
    expect((await store.get({ model: Device, identifier: 'big' })).note).toHaveLength(fits.note.length);
    const tooLarge = new Device({ name: 'big', note: `${fits.note}x`, role: fits.role });
    const calls = [
      store.update({ obj: tooLarge }),
      store.addMany({ objs: [...devices(3), tooLarge] }),
      store.getOrAddModelInstance(tooLarge),
      store.updateOrInstantiate({ model: Device, ids: { name: 'big' }, attrs: { role: 'x'.repeat(100) } }),
    ];
    for (const error of await Promise.all(calls.map(refused))) {
      expect(error?.message).toMatch(
        /^device "big": it takes 1677\d{4} bytes, and maxObjectBytes is 16777216; its largest field is "note", with 1677\d{4} bytes$/,
      );
    }
    expect(await store.count()).toBe(1);
    await store.clear();
  });
});
