// One identity: that of the object that the schema makes. Whoever looks up by identifiers finds it.
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, DiffSyncModel, ModelValidationError, ValueError, type BaseStore } from '../../src/index.js';
import { markParsed } from '../../src/model/parsed-values.js';
import { stores } from '../support/stores.js';

const declared = { name: 'device', identifiers: ['name'], attributes: ['role', 'mtu'] } as const;
const fields = {
  name: z.string().trim().toLowerCase(),
  role: z.string().default('leaf'),
  mtu: z
    .number()
    .transform((mtu) => mtu * 2)
    .optional(),
};

class Lower extends DiffSyncModel.define({ ...declared, schema: z.object(fields) }) {}
class Whole extends DiffSyncModel.define({ ...declared, schema: z.object(fields).transform((all) => all) }) {}
class Slow extends DiffSyncModel.define({
  ...declared,
  schema: z.object({ ...fields, name: fields.name.refine(async () => true) }),
}) {}
const plain = { ...fields, name: z.string() };
class Overridden extends DiffSyncModel.define({ ...declared, schema: z.object(plain) }) {
  override getUniqueId(): string {
    return super.getUniqueId().trim().toLowerCase();
  }
}
class OwnIds extends DiffSyncModel.define({ ...declared, schema: z.object(plain) }) {
  override getIdentifiers(): { name: string } {
    return { name: this.name.trim().toLowerCase() };
  }
}
class OwnJoin extends DiffSyncModel.define({ ...declared, schema: z.object(plain) }) {
  static override createUniqueId({ name }: { name: string }): string {
    return name.trim().toLowerCase();
  }
}
const CLASSES = { Lower, Whole, Slow, Overridden, OwnIds, OwnJoin } as unknown as Record<string, typeof Lower>;

describe.each(stores)('$name', ({ open, close }) => {
  const opened: BaseStore[] = [];
  const opening = async (): Promise<BaseStore> => {
    const store = await open();
    opened.push(store);
    return store;
  };
  afterEach(async () => {
    for (const store of opened.splice(0)) await close(store);
  });

  describe.each(Object.entries(CLASSES))('with the class %s', (_, Device) => {
    it('finds, creates and changes one object, whatever way its identifiers are written', async () => {
      const store = await opening();
      const [first, created] = await store.updateOrInstantiate({
        model: Device,
        ids: { name: ' R1' },
        attrs: { role: 'spine', mtu: 1500 },
      });
      expect([created, first.getUniqueId(), first.role, first.mtu]).toEqual([true, 'r1', 'spine', 3000]);
      const [second, again] = await store.updateOrInstantiate({
        model: Device,
        ids: { name: 'R1 ' },
        attrs: { mtu: 100 },
      });
      expect([again, second.role, second.mtu]).toEqual([false, 'spine', 200]);
      const [third, found] = await store.getOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { mtu: 9 } });
      expect([found, third.mtu]).toEqual([false, 200]);
      for (const identifier of [{ name: 'R1' }, { name: 'r1' }, first.getIdentifiers(), 'r1']) {
        expect((await store.get({ model: Device, identifier })).mtu).toBe(200);
      }
      await expect(store.get({ model: Device, identifier: 'R1' })).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
      const [, added] = await store.getOrInstantiate({ model: Device, ids: { name: 'R2' } });
      expect([added, await store.count({ model: Device })]).toEqual([true, 2]);
    });

    it('refuses an attribute that the schema refuses, and one that the model does not have', async () => {
      const store = await opening();
      const upsert = (attrs: object): Promise<unknown> =>
        store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs });
      await expect(upsert({ mtu: 'much' })).rejects.toThrow(ModelValidationError);
      await expect(upsert({ other: 1 })).rejects.toThrow(ValueError);
      expect(await store.count()).toBe(0);
      await upsert({ mtu: 1 });
      await expect(upsert({ mtu: 'much' })).rejects.toThrow(ModelValidationError);
      await expect(upsert({ other: 1 })).rejects.toThrow(ValueError);
      await expect(upsert({ name: 'r2' })).rejects.toThrow('"name" is an identifier and cannot be changed');
      expect((await store.get({ model: Device, identifier: 'r1' })).mtu).toBe(2);
    });

    it('loads what toDict() returned, parsed, without a second transform', async () => {
      class Inventory extends Adapter {
        static override readonly models = [Device];
        static override readonly topLevel = ['device'];
      }
      const [from, to] = [new Inventory({ store: await opening() }), new Inventory({ store: await opening() })];
      await from.add(await Device.parse({ name: 'r1', mtu: 1500 }));
      for (const excludeDefaults of [true, false]) {
        await to.loadFromDict(await from.toDict({ excludeDefaults }), { parsed: true });
        expect((await to.get(Device, 'r1')).toDict()).toEqual({ name: 'r1', role: 'leaf', mtu: 3000 });
      }
      await to.store.clear();
      await to.loadFromDict({ device: { r1: { name: 'R1', mtu: 1 } } });
      expect((await to.getAll(Device)).map((each) => [each.getUniqueId(), each.mtu])).toEqual([['r1', 2]]);
    });
  });

  it('changes attributes of a stored object, where those given make no new one', async () => {
    class Strict extends DiffSyncModel.define({
      ...declared,
      schema: z.object({ ...fields, role: z.string(), mtu: fields.mtu.unwrap() }),
    }) {}
    const store = await opening();
    const upsert = { model: Strict, ids: { name: 'R1' }, attrs: { mtu: 5 } };
    await expect(store.updateOrInstantiate(upsert)).rejects.toThrow(ModelValidationError);
    await store.add({ obj: new Strict({ name: 'R1', role: 'leaf', mtu: 1 }) });
    const [obj, created] = await store.updateOrInstantiate(upsert);
    expect([created, obj.mtu, obj.role]).toEqual([false, 10, 'leaf']);
    const attrs = {} as { role: string; mtu: number };
    expect((await store.getOrInstantiate({ model: Strict, ids: { name: 'R1' }, attrs }))[0].mtu).toBe(10);
  });

  it('takes no object whose data has a field with the name of its flags', async () => {
    class Open extends DiffSyncModel.define({
      name: 'open',
      schema: z.looseObject({ name: z.string() }),
      identifiers: ['name'],
    }) {}
    class Noted extends Open {
      note = '';
    }
    const store = await opening();
    const data = { name: 'b', modelFlags: 1 };
    for (const Class of [Open, Noted]) {
      for (const obj of [new Class(data), await Class.parse(data), Class.hydrate(data)]) {
        expect([obj.modelFlags, obj.toDict()['modelFlags'], obj['name']]).toEqual([0, undefined, 'b']);
        const message = 'open "b": its data has a field "modelFlags", a name that every model uses itself';
        const refusal = { code: 'MODEL_DEFINITION', message: expect.stringContaining(message) as unknown };
        await expect(store.add({ obj })).rejects.toMatchObject(refusal);
        await expect(store.update({ obj })).rejects.toMatchObject(refusal);
        const many = Array.from({ length: 1001 }, (_, at) => new Open({ name: `o${at}` }));
        await expect(store.addMany({ objs: [...many, obj] })).rejects.toMatchObject(refusal);
      }
    }
    expect(await store.count()).toBe(0);
  });
});

describe('an identifier', () => {
  class Any extends DiffSyncModel.define({
    name: 'any',
    schema: z.object({ id: z.any(), more: z.any().optional() }),
    identifiers: ['id'],
    attributes: ['more'],
  }) {}

  it.each([
    [null, 'is null'],
    [undefined, 'is undefined'],
    [{}, 'is an object'],
    [['a'], 'is a list'],
    [new Date(0), 'is a Date'],
    [Symbol('s'), 'is a symbol'],
    [() => 1, 'is a function'],
  ])('%p is refused when the object is made', async (id, message) => {
    const context = { adapter: {} as never, ids: { id }, attrs: {} };
    const marked = { ...context, ids: { id } };
    markParsed(marked.ids, Any.definition.schema);
    const create = [
      () => new Any({ id }),
      () => Any.parse({ id }),
      () => Any.hydrate({ id }),
      () => Any.create(context),
      () => Any.create(marked),
    ];
    for (const each of create) {
      const error: unknown = await Promise.resolve()
        .then(each)
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ModelValidationError);
      expect(error).toMatchObject({
        message: expect.stringContaining(`any: identifier "id" ${message}`) as unknown,
        issues: [{ path: 'id' }],
      });
    }
  });

  it.each(['', 'a', 0, -1.5, true, 10n])('%p is taken', (id) => {
    expect(new Any({ id, more: 1 }).getUniqueId()).toBe(String(id));
  });
});

describe('the default create()', () => {
  class Device extends DiffSyncModel.define({
    name: 'device',
    schema: z.object({
      name: z.string(),
      vlans: z.string().transform((text) => text.split(',')),
      role: z.string().default('leaf'),
      ports: z.array(z.string()).default([]),
    }),
    identifiers: ['name'],
    attributes: ['vlans'],
    children: { port: 'ports' },
  }) {}
  const adapter = {} as never;

  it('keeps what the source’s schema has put out, and adds what is missing', async () => {
    const context = { adapter, ids: { name: 'r1' }, attrs: { vlans: ['1', '2'] } };
    markParsed(context.ids, Device.definition.schema);
    // A hook may pass them on in another object.
    for (const each of [context, { ...context }, { ...context, attrs: { ...context.attrs } }]) {
      expect((await Device.create(each))?.toDict()).toEqual({ name: 'r1', vlans: ['1', '2'], role: 'leaf', ports: [] });
    }
  });

  it('parses what another schema has put out, or nobody has marked', async () => {
    const context = { adapter, ids: { name: 'r1' }, attrs: { vlans: '1,2' as never } };
    expect((await Device.create(context))?.vlans).toEqual(['1', '2']);
    markParsed(context.ids, z.object({ name: z.string() }));
    expect((await Device.create(context))?.vlans).toEqual(['1', '2']);
  });
});
