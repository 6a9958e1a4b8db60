import { type } from 'arktype';
import { describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { z } from 'zod';
import {
  DiffSyncModel,
  DiffSyncModelFlags,
  DiffSyncStatus,
  LocalStore,
  ModelDefinitionError,
  ModelValidationError,
  ObjectAlreadyExists,
  ObjectNotFound,
  ObjectStoreWrongType,
  ValueError,
  type ModelHost,
} from '../../src/index.js';

const identity = { identifiers: ['name'], attributes: ['vlan'] } as const;

class ZodDevice extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), vlan: z.number().default(1), interfaces: z.array(z.string()).default([]) }),
  ...identity,
  children: { interface: 'interfaces' },
}) {}

class ValibotDevice extends DiffSyncModel.define({
  name: 'device',
  schema: v.object({
    name: v.string(),
    vlan: v.optional(v.number(), 1),
    interfaces: v.optional(v.array(v.string()), () => []),
  }),
  ...identity,
  children: { interface: 'interfaces' },
}) {}

class ArkDevice extends DiffSyncModel.define({
  name: 'device',
  schema: type({ name: 'string', vlan: 'number = 1', interfaces: type('string[]').default(() => []) }),
  ...identity,
  children: { interface: 'interfaces' },
}) {}

class Interface extends DiffSyncModel.define({
  name: 'interface',
  schema: z.object({ device: z.string(), port: z.string(), speed: z.number().default(1000) }),
  identifiers: ['device', 'port'],
  attributes: ['speed'],
  shortname: ['port'],
}) {}

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const port = (name: string): Interface => new Interface({ device: 'r1', port: name });

describe.each([
  ['zod', ZodDevice],
  ['valibot', ValibotDevice],
  ['arktype', ArkDevice],
] as const)('a model over %s', (_, Device) => {
  it('new validates and takes the defaults of the schema', () => {
    expect(new Device({ name: 'r1' }).toDict()).toEqual({ name: 'r1', vlan: 1, interfaces: [] });
    expect(new Device({ name: 'r1' })).toBeInstanceOf(DiffSyncModel);
  });

  it('new with wrong input throws ModelValidationError with the path of the field', () => {
    const error = caught(() => new Device({ name: 'r1', vlan: 'one' } as never));
    expect(error).toBeInstanceOf(ModelValidationError);
    expect(error).toMatchObject({ code: 'MODEL_VALIDATION', issues: [{ path: 'vlan' }] });
    expect((error as Error).message).toContain('device: vlan: ');
  });

  it('parse() validates and takes the defaults of the schema', async () => {
    const device = await Device.parse({ name: 'r1', vlan: 7 });
    expect(device).toBeInstanceOf(Device);
    expect(device.toDict()).toEqual({ name: 'r1', vlan: 7, interfaces: [] });
    await expect(Device.parse({ vlan: 7 } as never)).rejects.toThrow(ModelValidationError);
  });

  it('hydrate() does not validate', () => {
    const device = Device.hydrate({ name: 'r1', vlan: 'trusted' as never, interfaces: [] });
    expect(device).toBeInstanceOf(Device);
    expect(device.vlan).toBe('trusted');
  });

  it('definition with a field that the schema does not have throws, naming model and field', () => {
    const options = { name: 'wrong', schema: Device.definition.schema, identifiers: ['nmae'] };
    const define = (): unknown => DiffSyncModel.define(options as never);
    expect(define).toThrow(ModelDefinitionError);
    expect(define).toThrow(/wrong.*nmae/);
  });
});

describe('an asynchronous schema', () => {
  class Slow extends DiffSyncModel.define({
    name: 'slow',
    schema: z.object({ name: z.string().refine(async (name) => name !== 'taken', 'is taken') }),
    identifiers: ['name'],
  }) {}

  it('makes new throw ModelDefinitionError that names parse()', () => {
    expect(() => new Slow({ name: 'r1' })).toThrow(ModelDefinitionError);
    expect(() => new Slow({ name: 'taken' })).toThrow('await Slow.parse(data)');
  });

  it('works with parse()', async () => {
    expect((await Slow.parse({ name: 'r1' })).name).toBe('r1');
    await expect(Slow.parse({ name: 'taken' })).rejects.toThrow('slow: name: is taken');
  });

  it('works with the default create() and with getOrInstantiate()', async () => {
    const store = new LocalStore();
    const [obj] = await store.getOrInstantiate({ model: Slow, ids: { name: 'r1' } });
    expect(obj).toBeInstanceOf(Slow);
    const adapter: ModelHost = { type: 't', name: 'n', getOrNone: async () => null };
    expect(await Slow.create({ adapter, ids: { name: 'r2' }, attrs: {} })).toBeInstanceOf(Slow);
  });
});

describe('a parsed field that the class body declares again', () => {
  const Base = DiffSyncModel.define({
    name: 'device',
    schema: z.object({ name: z.string(), role: z.string().optional() }),
    identifiers: ['name'],
    attributes: ['role'],
  });

  class WithBang extends Base {
    override name!: string;
  }
  class WithValue extends Base {
    override name = 'x';
  }
  class WithQuestionMark extends Base {
    override role?: string;
  }

  it.each([
    ['name!: string', WithBang, 'name'],
    ["name = 'x'", WithValue, 'name'],
    ['role?: string', WithQuestionMark, 'role'],
  ])('as "%s" is refused at first use, with the remedy', async (_, Model, field) => {
    const data = { name: 'r1', role: 'leaf' };
    for (let use = 0; use < 2; use++) {
      expect(() => new Model(data)).toThrow(ModelDefinitionError);
      expect(() => new Model(data)).toThrow(`class ${Model.name}: the field "${field}" of model device`);
      expect(() => new Model(data)).toThrow(`write "declare ${field}: …"`);
      expect(() => Model.hydrate(data)).toThrow(ModelDefinitionError);
      await expect(Model.parse(data)).rejects.toThrow(ModelDefinitionError);
    }
  });

  it('is refused also when the first object does not have the field', () => {
    class Late extends Base {
      override role?: string;
    }
    expect(new Late({ name: 'r1' }).name).toBe('r1');
    expect(() => new Late({ name: 'r2', role: 'leaf' })).toThrow('declare role');
    expect(() => new Late({ name: 'r2', role: 'leaf' })).toThrow('declare role');
  });

  it('with "declare" is fine', () => {
    class Declared extends Base {
      declare name: string;
      declare role?: string;
    }
    expect(new Declared({ name: 'r1', role: 'leaf' }).toDict()).toEqual({ name: 'r1', role: 'leaf' });
  });
});

describe('fields of the class itself', () => {
  const Base = DiffSyncModel.define({
    name: 'device',
    schema: z.object({ name: z.string(), role: z.string().optional() }),
    identifiers: ['name'],
    attributes: ['role'],
  });

  class Annotated extends Base {
    note = 'new';
    #passing = 0;
    touch(): number {
      return ++this.#passing;
    }
  }

  it('are stored and come back as they were, also where the class was never constructed before', async () => {
    const store = new LocalStore();
    const obj = new Annotated({ name: 'r1' });
    obj.note = 'changed';
    await store.add({ obj });
    class Unseen extends Base {
      note = 'new';
    }
    const hydrated = Unseen.hydrate({ ...obj.toDict() });
    expect(hydrated.note).toBe('changed');
    const stored = await store.get({ model: Annotated, identifier: 'r1' });
    expect([stored.note, stored.touch()]).toEqual(['changed', 1]);
  });

  it('may be set by a constructor, which sees the parsed fields', () => {
    class Guessing extends Base {
      constructor(input: { name: string; role?: string | undefined }) {
        super(input);
        this.role ??= 'leaf';
      }
    }
    expect(new Guessing({ name: 'r1' }).role).toBe('leaf');
    expect(new Guessing({ name: 'r1', role: 'spine' }).role).toBe('spine');
    expect(Guessing.hydrate({ name: 'r1', role: 'spine' }).role).toBe('spine');
  });
});

describe('a model', () => {
  it('refuses to be made from DiffSyncModel itself', () => {
    class Undefined extends DiffSyncModel {}
    expect(() => new Undefined({})).toThrow('Undefined: extend DiffSyncModel.define({ … })');
  });

  it('refuses a schema whose field has the name of a method', () => {
    const Odd = DiffSyncModel.define({
      name: 'odd',
      schema: z.object({ name: z.string(), getAttrs: z.string() }),
      identifiers: ['name'],
    });
    expect(() => new Odd({ name: 'x', getAttrs: 'y' })).toThrow(ModelDefinitionError);
    expect(() => new Odd({ name: 'x', getAttrs: 'y' })).toThrow(/odd.*"getAttrs"/);
  });

  it.each(['getUniqueId', 'adapter', 'constructor', 'toString'])(
    'refuses data with the field "%s", however it is made',
    async (field) => {
      class Open extends DiffSyncModel.define({
        name: 'open',
        schema: z.looseObject({ name: z.string() }),
        identifiers: ['name'],
      }) {}
      expect(new Open({ name: 'a', other: 1 }).toDict()).toEqual({ name: 'a', other: 1 });
      const data = { name: 'b', [field]: 1 };
      const message = `model open: field "${field}" has a name that every model uses itself`;
      for (const create of [() => new Open(data), () => Open.parse(data), () => Open.hydrate(data)]) {
        const error: unknown = await Promise.resolve()
          .then(create)
          .catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(ModelDefinitionError);
        expect(error).toMatchObject({ code: 'MODEL_DEFINITION', message });
      }
    },
  );

  it('may make other models in its constructor, before super() and after', async () => {
    class Vendor extends DiffSyncModel.define({
      name: 'vendor',
      schema: z.object({ name: z.string() }),
      identifiers: ['name'],
    }) {}
    class Made extends DiffSyncModel.define({
      name: 'made',
      schema: z.object({ name: z.string(), vendor: z.string() }),
      identifiers: ['name'],
      attributes: ['vendor'],
    }) {
      constructor(input: { name: string; vendor: string }) {
        const vendor = new Vendor({ name: input.vendor });
        super({ ...input, vendor: Vendor.hydrate({ name: vendor.name }).getUniqueId() });
        this.vendor = new Vendor({ name: this.vendor }).name;
      }
    }
    const fields = { name: 'r1', vendor: 'acme' };
    expect(new Made(fields).toDict()).toEqual(fields);
    expect((await Made.parse(fields)).toDict()).toEqual(fields);
    expect(Made.hydrate(fields).toDict()).toEqual(fields);
    const store = new LocalStore();
    await store.add({ obj: new Made(fields) });
    expect((await store.get({ model: Made, identifier: 'r1' })).toDict()).toEqual(fields);
  });

  it('returns its identity, class and instance alike', () => {
    const obj = new Interface({ device: 'r1', port: 'e0' });
    expect([Interface.modelName, Interface.getType(), obj.getType()]).toEqual(Array(3).fill('interface'));
    expect(obj.getUniqueId()).toBe('r1__e0');
    expect(Interface.createUniqueId({ port: 'e0', device: 'r1' })).toBe('r1__e0');
    expect(obj.getShortname()).toBe('e0');
    expect(new ZodDevice({ name: 'r1' }).getShortname()).toBe('r1');
    expect(String(obj)).toBe('r1__e0');
    expect(ZodDevice.getChildrenMapping()).toEqual({ interface: 'interfaces' });
    expect(new ZodDevice({ name: 'r1' }).getChildrenMapping()).toEqual({ interface: 'interfaces' });
  });

  it('has the unique id that its class makes of the identifiers that it returns', () => {
    class Upper extends Interface {
      static override createUniqueId({ device, port }: { device: string; port: string }): string {
        return `${device.toUpperCase()}/${port}`;
      }
    }
    class Renamed extends Interface {
      override getIdentifiers(): { device: string; port: string } {
        return { device: 'other', port: this.port };
      }
    }
    class Numbered extends DiffSyncModel.define({
      name: 'numbered',
      schema: z.object({ site: z.string(), id: z.union([z.number(), z.null()]) as unknown as z.ZodNumber }),
      identifiers: ['site', 'id'],
    }) {}
    const fields = { device: 'r1', port: 'e0' };
    expect(new Upper(fields).getUniqueId()).toBe('R1/e0');
    expect(new Renamed(fields).getUniqueId()).toBe('other__e0');
    expect(new Numbered({ site: 'nyc', id: 7 }).getUniqueId()).toBe('nyc__7');
    expect(() => new Numbered({ site: 'nyc', id: null as never }).getUniqueId()).toThrow('identifier "id" is null');
  });

  it('returns identifiers and attributes in the order of the definition', () => {
    const obj = new Interface({ speed: 10, port: 'e0', device: 'r1' });
    expect(Object.entries(obj.getIdentifiers())).toEqual([
      ['device', 'r1'],
      ['port', 'e0'],
    ]);
    expect(obj.getAttrs()).toEqual({ speed: 10 });
  });

  it('leaves an attribute out of getAttrs() that it does not have', () => {
    const Optional = DiffSyncModel.define({
      name: 'optional',
      schema: z.object({ name: z.string(), role: z.string().optional() }),
      identifiers: ['name'],
      attributes: ['role'],
    });
    expect(Object.keys(new Optional({ name: 'r1' }).getAttrs())).toEqual([]);
    expect(new Optional({ name: 'r1', role: undefined }).getAttrs()).toEqual({ role: undefined });
  });

  it('returns copies from getAttrs() and toDict()', () => {
    const Tagged = DiffSyncModel.define({
      name: 'tagged',
      schema: z.object({ name: z.string(), tags: z.array(z.string()) }),
      identifiers: ['name'],
      attributes: ['tags'],
    });
    const obj = new Tagged({ name: 'r1', tags: ['a'] });
    obj.getAttrs().tags.push('b');
    obj.toDict().tags.push('c');
    expect(obj.tags).toEqual(['a']);
  });

  it('toDict() and JSON hold all fields, and the flags where they are not the default', () => {
    const obj = new Interface({ device: 'r1', port: 'e0' });
    expect(JSON.parse(JSON.stringify(obj))).toEqual({ device: 'r1', port: 'e0', speed: 1000 });
    obj.modelFlags = DiffSyncModelFlags.IGNORE;
    expect(obj.toDict()).toEqual({ device: 'r1', port: 'e0', speed: 1000, modelFlags: 1 });
  });

  it('starts with the flags of the definition', () => {
    const Flagged = DiffSyncModel.define({
      name: 'flagged',
      schema: z.object({ name: z.string() }),
      identifiers: ['name'],
      modelFlags: DiffSyncModelFlags.SKIP_UNMATCHED_BOTH,
    });
    expect(new Flagged({ name: 'x' }).modelFlags).toBe(DiffSyncModelFlags.SKIP_UNMATCHED_BOTH);
    expect(Flagged.hydrate({ name: 'x' }).modelFlags).toBe(DiffSyncModelFlags.SKIP_UNMATCHED_BOTH);
    expect(new Flagged({ name: 'x' }).toDict()).toEqual({ name: 'x' });
  });

  it('default hooks set status and message', async () => {
    const adapter: ModelHost = { type: 't', name: 'n', getOrNone: async () => null };
    const obj = await Interface.create({ adapter, ids: { device: 'r1', port: 'e0' }, attrs: { speed: 10 } });
    expect(obj?.speed).toBe(10);
    expect(obj?.getStatus()).toEqual([DiffSyncStatus.SUCCESS, 'Created successfully']);
    expect((await obj?.update({ speed: 20 }))?.speed).toBe(20);
    expect(obj?.getStatus()).toEqual([DiffSyncStatus.SUCCESS, 'Updated successfully']);
    expect(await obj?.delete()).toBe(obj);
    expect(obj?.getStatus()).toEqual([DiffSyncStatus.SUCCESS, 'Deleted successfully']);
    obj?.setStatus(DiffSyncStatus.ERROR);
    expect(obj?.getStatus()).toEqual([DiffSyncStatus.ERROR, '']);
  });

  it('default create() with wrong attributes rejects with ModelValidationError', async () => {
    const adapter: ModelHost = { type: 't', name: 'n', getOrNone: async () => null };
    const attrs = { speed: 'fast' } as never;
    await expect(Interface.create({ adapter, ids: { device: 'r1', port: 'e0' }, attrs })).rejects.toThrow(ValueError);
  });
});

describe('children of a model', () => {
  it('addChild() lists the unique id, removeChild() takes it out', () => {
    const device = new ZodDevice({ name: 'r1' });
    device.addChild(port('e0'));
    device.addChild(port('e1'));
    device.removeChild(port('e0'));
    expect(device.interfaces).toEqual(['r1__e1']);
  });

  it('addChild() of a linked child throws ObjectAlreadyExists', () => {
    const device = new ZodDevice({ name: 'r1', interfaces: ['r1__e0'] });
    const child = port('e0');
    const error = caught(() => device.addChild(child));
    expect(error).toBeInstanceOf(ObjectAlreadyExists);
    expect(error).toMatchObject({ existingObject: child });
    expect(device.interfaces).toEqual(['r1__e0']);
  });

  it('removeChild() of a child that is not linked throws ObjectNotFound', () => {
    expect(() => new ZodDevice({ name: 'r1' }).removeChild(port('e0'))).toThrow(ObjectNotFound);
  });

  it('addChild() and removeChild() of another type throw ObjectStoreWrongType naming the valid ones', () => {
    const device = new ZodDevice({ name: 'r1' });
    expect(() => device.addChild(new ZodDevice({ name: 'r2' }))).toThrow(ObjectStoreWrongType);
    expect(() => device.addChild(new ZodDevice({ name: 'r2' }))).toThrow('valid types are [interface]');
    expect(() => device.removeChild(new ZodDevice({ name: 'r2' }))).toThrow(ObjectStoreWrongType);
  });

  it('follow a list that was changed or replaced by hand', () => {
    const device = new ZodDevice({ name: 'r1' });
    device.addChild(port('e0'));
    device.interfaces = [];
    device.addChild(port('e0'));
    device.interfaces.push('r1__e1');
    expect(() => device.addChild(port('e1'))).toThrow(ObjectAlreadyExists);
    expect(device.interfaces).toEqual(['r1__e0', 'r1__e1']);
  });

  it('addChild() makes the list where there is none', () => {
    const Rack = DiffSyncModel.define({
      name: 'rack',
      schema: z.object({ name: z.string(), interfaces: z.array(z.string()).optional() }),
      identifiers: ['name'],
      children: { interface: 'interfaces' },
    });
    const rack = new Rack({ name: 'x' });
    rack.addChild(port('e0'));
    expect(rack.interfaces).toEqual(['r1__e0']);
  });
});

describe('str()', () => {
  it('shows type, unique id, attributes and the children known by uid only', async () => {
    const device = new ZodDevice({ name: 'r1', interfaces: ['r1__e0'] });
    expect(await device.str()).toBe("device: r1: { vlan: 1 }\n  interfaces: [ 'r1__e0' ]");
  });

  it('shows the children of an object of an adapter, and those that are missing', async () => {
    const store = new LocalStore();
    const host: ModelHost = {
      type: 't',
      name: 'n',
      getOrNone: async (model, uid) => (await store.find({ model, uids: [uid] }))[0] ?? null,
    };
    store.bindAdapter(host, [ZodDevice, Interface], store.logger);
    const device = new ZodDevice({ name: 'r1', interfaces: ['r1__e0', 'r1__e9'] });
    await store.addMany({ objs: [device, port('e0')] });
    const head = 'device: r1: { vlan: 1 }';
    const child = '    interface: r1__e0: { speed: 1000 }';
    expect(await device.str()).toBe(`${head}\n  interfaces\n${child}\n    r1__e9 (ERROR: details unavailable)`);
    expect(await device.str(false)).toBe(`${head}\n  interfaces: [ 'r1__e0', 'r1__e9' ]`);
  });
});
