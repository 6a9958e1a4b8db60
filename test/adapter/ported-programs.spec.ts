// What a program that is ported from Python's diffsync relies on, and what it spells in Python's way.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  Adapter,
  Diff,
  DiffSyncModel,
  LocalStore,
  ModelDefinitionError,
  ValueError,
  type CreateContext,
} from '../../src/index.js';

const schema = z.object({ name: z.string(), role: z.string().default('leaf'), tags: z.array(z.string()).default([]) });

class Device extends DiffSyncModel.define({
  name: 'device',
  schema,
  identifiers: ['name'],
  attributes: ['role', 'tags'],
  compare: { role: (a, b) => a.toLowerCase() === b.toLowerCase(), tags: 'set' },
}) {}

class Inventory extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
}

describe('load', () => {
  class Loading extends Inventory {
    override async load(prefix: string, count: number): Promise<number> {
      await this.addMany(Array.from({ length: count }, (_, at) => new Device({ name: `${prefix}${at}` })));
      return count;
    }
  }

  it('gets its arguments and gives its result', async () => {
    const adapter = new Loading();
    expect(await adapter.load('r', 3)).toBe(3);
    expect((await adapter.getAll(Device)).map(({ name }) => name)).toEqual(['r0', 'r1', 'r2']);
  });

  it('gets the arguments of a reload', async () => {
    const adapter = new Loading();
    expect(await adapter.reload('r', 2)).toMatchObject({ created: 2 });
  });
});

describe('type', () => {
  class Nautobot extends Inventory {
    static override readonly type: string = 'nautobot';
  }

  it('of the class is that of the adapter, and its name unless one is given', () => {
    expect(new Nautobot()).toMatchObject({ type: 'nautobot', name: 'nautobot' });
    expect(new Nautobot({ name: 'lab' })).toMatchObject({ type: 'nautobot', name: 'lab' });
    expect(new Inventory()).toMatchObject({ type: 'Inventory', name: 'Inventory' });
  });
});

describe('an object that create has made', () => {
  it('has its adapter at once, and is stored with its links', async () => {
    const seen: unknown[] = [];
    class Watched extends Device {
      static override async create(context: CreateContext<{ name: string }, { role?: string }>) {
        const made = await super.create(context);
        seen.push(made?.adapter);
        return made;
      }
    }
    class Target extends Adapter {
      static override readonly models = [Watched];
      static override readonly topLevel = ['device'];
    }
    const [source, target] = [new Inventory(), new Target()];
    await source.add(new Device({ name: 'r1' }));
    await target.syncFrom(source);
    expect(seen).toEqual([target]);
    expect(await target.count()).toBe(1);
  });
});

describe('variant', () => {
  it('declares a model by the definition of another, with compare for what stays', () => {
    const Spare = Device.variant({ attributes: ['role'] });
    expect(Spare.definition).toMatchObject({ name: 'device', identifiers: ['name'], attributes: ['role'] });
    expect(Object.keys(Spare.definition.compare)).toEqual(['role']);
    expect(Spare.definition.compare['role']?.('A', 'a')).toBe(true);
    expect(new Spare({ name: 'r1' }).role).toBe('leaf');
  });

  it('takes further comparisons, another name and another schema', () => {
    const Rich = Device.variant({
      name: 'switch',
      schema: schema.extend({ serial: z.string().default('') }),
      attributes: ['role', 'tags', 'serial'],
      compare: { serial: () => true },
    });
    expect(Rich.definition).toMatchObject({ name: 'switch', attributes: ['role', 'tags', 'serial'] });
    expect(Object.keys(Rich.definition.compare)).toEqual(['role', 'tags', 'serial']);
    expect(Rich.definition.compare['tags']?.(['a', 'b'], ['b', 'a'])).toBe(true);
  });

  it('refuses what define refuses', () => {
    expect(() => Device.variant({ attributes: ['nope'] as never })).toThrow(ModelDefinitionError);
  });
});

describe('a name that there is not is an error with the right one', () => {
  const [source, target] = [new Inventory(), new Inventory()];

  it.each<[string, object, string]>([
    ['callback', { callback: () => undefined }, '"onProgress"'],
    ['diff_class', { diff_class: Diff }, '"diffClass"'],
    ['continueOnFailures', { continueOnFailures: true }, 'continueOnFailure'],
  ])('of an option of a diff and a sync: %s', async (name, options, right) => {
    for (const call of [target.diffFrom(source, options), target.syncFrom(source, options)]) {
      const error: unknown = await call.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ValueError);
      expect(String(error)).toContain(`"${name}"`);
      expect(String(error)).toContain(right);
    }
  });

  it('of an option of an adapter', () => {
    const options: object = { internal_storage_engine: new LocalStore() };
    expect(() => new Inventory(options)).toThrow(/"internal_storage_engine".*"store"/);
    const unknown: object = { stores: new LocalStore() };
    expect(() => new Inventory(unknown)).toThrow(/"stores": the options are logger, name, store/);
  });

  it('of an option of define', () => {
    const define = (options: object): unknown =>
      DiffSyncModel.define({ name: 'x', schema, identifiers: ['name'], ...options });
    expect(() => define({ _attributes: ['role'] })).toThrow(/model "x".*"_attributes".*"attributes"/);
    expect(() => define({ model_flags: 1 })).toThrow(/"model_flags".*"modelFlags"/);
    expect(() => define({ identifires: [] })).toThrow(/"identifires": the options are/);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'top_level of an adapter',
      () =>
        new (class extends Inventory {
          static readonly top_level = ['device'];
        })(),
      /"top_level".*"topLevel"/,
    ],
    [
      'a method of an adapter',
      () =>
        new (class extends Inventory {
          async sync_complete(): Promise<void> {}
        })(),
      /"sync_complete".*"syncComplete"/,
    ],
    [
      'a declaration of a model',
      () => {
        class Ported extends Device {
          static readonly _attributes = ['role'];
        }
        return new (class extends Adapter {
          static override readonly models = [Ported];
        })();
      },
      /Ported.*"_attributes".*attributes/,
    ],
    [
      'a method of a model',
      () => {
        class Ported extends Device {
          get_unique_id(): string {
            return this.name;
          }
        }
        return new (class extends Adapter {
          static override readonly models = [Ported];
        })();
      },
      /"get_unique_id".*"getUniqueId"/,
    ],
  ])('of %s', (_what, make, message) => {
    expect(make).toThrow(ModelDefinitionError);
    expect(make).toThrow(message);
  });

  it('of an order of a diff', async () => {
    class Ordered extends Diff {
      order_children_device(): void {}
    }
    await expect(target.diffFrom(source, { diffClass: Ordered })).rejects.toThrow(
      /"order_children_device".*"orderChildren"/,
    );
  });

  it('of members that only look like it there is none', () => {
    class Free extends Inventory {
      static readonly api_url = 'x';
      refresh_token(): void {}
    }
    expect(() => new Free()).not.toThrow();
  });
});

describe('a store', () => {
  it('is an object: its class is refused', () => {
    const options = { store: LocalStore as never };
    expect(() => new Inventory(options)).toThrow(ValueError);
    expect(() => new Inventory(options)).toThrow(/LocalStore; pass a store: new LocalStore\(…\)/);
    expect(() => new Inventory({ store: {} as never })).toThrow(ValueError);
  });
});
