// Unique ids that a schema or a class makes of what it is given: each object is there once, however its name is spelled.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  ObjectAlreadyExists,
  type BaseStore,
  type CreateContext,
  type ModelClass,
} from '../../src/index.js';
import { sized } from '../support/full.js';
import { engineStores, type StoreUnderTest } from '../support/stores.js';

const NUM_RUNS = sized(50, 25);
const NUM_RUNS_SHARED = sized(12, 6);
const TIMEOUT_MS = 120_000;

/** Neither transform may be done twice: the first would change the value again, the second refuse its own output. */
const values = {
  mtu: z.number().transform((value) => value * 2),
  vlans: z
    .string()
    .transform((text) => text.split(','))
    .optional(),
};
const attributes = ['mtu', 'vlans'] as const;
const lowerCase = z.string().trim().toLowerCase();
const numbered = z.number().transform((value) => `n${value}`);

class Rack extends DiffSyncModel.define({
  name: 'rack',
  schema: z.object({
    name: lowerCase,
    lower: z.array(z.string()).default(() => []),
    numbered: z.array(z.string()).default(() => []),
    pairs: z.array(z.string()).default(() => []),
    folded: z.array(z.string()).default(() => []),
    joined: z.array(z.string()).default(() => []),
  }),
  identifiers: ['name'],
  children: { lower: 'lower', numbered: 'numbered', pair: 'pairs', folded: 'folded', joined: 'joined' },
}) {}

class Lower extends DiffSyncModel.define({
  name: 'lower',
  schema: z.object({ name: lowerCase, ...values }),
  identifiers: ['name'],
  attributes,
}) {}

class Numbered extends DiffSyncModel.define({
  name: 'numbered',
  schema: z.object({ number: numbered, ...values }),
  identifiers: ['number'],
  attributes,
}) {}

/** A schema of which the fields cannot be reached: it is asked as a whole, and so must take the identifiers alone. */
class Pair extends DiffSyncModel.define({
  name: 'pair',
  schema: z
    .object({ name: lowerCase, number: numbered, ...values, mtu: values.mtu.optional() })
    .transform((each) => each),
  identifiers: ['name', 'number'],
  attributes,
}) {}

class Folded extends DiffSyncModel.define({
  name: 'folded',
  schema: z.object({ name: z.string(), ...values }),
  identifiers: ['name'],
  attributes,
}) {
  override getUniqueId() {
    return super.getUniqueId().trim().toLowerCase();
  }
}

class Joined extends DiffSyncModel.define({
  name: 'joined',
  schema: z.object({ name: z.string(), number: z.number(), ...values }),
  identifiers: ['name', 'number'],
  attributes,
}) {
  static override createUniqueId(ids: { name: string; number: number }) {
    return `${ids.name.trim().toUpperCase()}#${ids.number}`;
  }
}

class Inventory extends Adapter {
  static override readonly models = [Rack, Lower, Numbered, Pair, Folded, Joined];
  static override readonly topLevel = ['rack'];
}

interface Kind {
  readonly model: ModelClass & { prototype: DiffSyncModel & { mtu?: number | undefined } };
  /** What identifies the object with this number, in one of the spellings that mean the same. */
  ids(number: number, spelling: number): Record<string, unknown>;
  uid(number: number): string;
  create(input: Record<string, unknown>): DiffSyncModel;
}

const spelled = (number: number, spelling: number): string =>
  [`r${number}`, `R${number}`, ` r${number}`, `R${number} `][spelling] as string;

const kinds: readonly Kind[] = [
  {
    model: Lower,
    ids: (number, spelling) => ({ name: spelled(number, spelling) }),
    uid: (number) => `r${number}`,
    create: (input) => new Lower(input as never),
  },
  {
    model: Numbered,
    ids: (number) => ({ number }),
    uid: (number) => `n${number}`,
    create: (input) => new Numbered(input as never),
  },
  {
    model: Pair,
    ids: (number, spelling) => ({ name: spelled(number, spelling), number }),
    uid: (number) => `r${number}__n${number}`,
    create: (input) => new Pair(input as never),
  },
  {
    model: Folded,
    ids: (number, spelling) => ({ name: spelled(number, spelling) }),
    uid: (number) => `r${number}`,
    create: (input) => new Folded(input as never),
  },
  {
    model: Joined,
    ids: (number, spelling) => ({ name: spelled(number, spelling), number }),
    uid: (number) => `R${number}#${number}`,
    create: (input) => new Joined(input as never),
  },
];

const WAYS = ['add', 'getOrInstantiate', 'updateOrInstantiate', 'getOrAdd', 'updateOrAdd'] as const;

interface Row {
  readonly kind: Kind;
  readonly number: number;
  readonly spelling: number;
  readonly mtu: number;
  readonly way: (typeof WAYS)[number];
}

const rows: fc.Arbitrary<readonly Row[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...kinds),
    number: fc.nat(2),
    spelling: fc.nat(3),
    mtu: fc.constantFrom(1, 2, 4),
    way: fc.constantFrom(...WAYS),
  }),
  { maxLength: 10 },
);

/** Stores a row's object in its way, and links it. @returns the unique id of the object that the call returned. */
async function load(adapter: Adapter, rack: Rack, { kind, number, spelling, mtu, way }: Row): Promise<string> {
  const ids = kind.ids(number, spelling);
  const created = kind.create({ ...ids, mtu });
  const [model, given, attrs] = [kind.model, ids as never, { mtu } as never];
  const store = async (): Promise<DiffSyncModel> => {
    if (way === 'getOrInstantiate') return (await adapter.getOrInstantiate(model, given, attrs))[0];
    if (way === 'updateOrInstantiate') return (await adapter.updateOrInstantiate(model, given, attrs))[0];
    if (way === 'getOrAdd') return (await adapter.getOrAddModelInstance(created))[0];
    if (way === 'updateOrAdd') return (await adapter.updateOrAddModelInstance(created))[0];
    try {
      await adapter.add(created);
      return created;
    } catch (error) {
      if (error instanceof ObjectAlreadyExists) return error.existingObject as DiffSyncModel;
      throw error;
    }
  };
  const stored = await store();
  if (!rack.hasChild(stored)) rack.addChild(stored);
  return stored.getUniqueId();
}

/** `model uid` -> the value that is stored for the input. */
function expected(all: readonly Row[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { kind, number, mtu, way } of all) {
    const key = `${kind.model.modelName} ${kind.uid(number)}`;
    if (found[key] === undefined || way.startsWith('update')) found[key] = mtu * 2;
  }
  return found;
}

async function stored(adapter: Adapter): Promise<{ objects: Record<string, number>; listed: string[] }> {
  const objects: Record<string, number> = {};
  const listed: string[] = [];
  for (const { model } of kinds) {
    for (const each of await adapter.getAll(model)) {
      objects[`${model.modelName} ${each.getUniqueId()}`] = (each as unknown as { mtu: number }).mtu;
    }
  }
  for (const rack of await adapter.getAll(Rack)) {
    for (const [type, field] of Object.entries(rack.getChildrenMapping())) {
      for (const uid of rack[field as 'lower']) listed.push(`${type} ${uid}`);
    }
  }
  return { objects, listed };
}

async function withAdapters(
  { open, close }: StoreUnderTest,
  work: (from: Inventory, to: Inventory) => Promise<void>,
): Promise<void> {
  const opened: BaseStore[] = [];
  try {
    for (let side = 0; side < 2; side++) opened.push(await open());
    const [from, to] = opened.map((store, at) => new Inventory({ name: at === 0 ? 'source' : 'target', store }));
    await work(from as Inventory, to as Inventory);
  } finally {
    for (const store of opened) await close(store);
  }
}

describe.each(engineStores)('unique ids that schema or class make, on the $name store', (store) => {
  it(
    'every call finds the object that another spelling has stored, and a sync makes no second one',
    async () => {
      await fc.assert(
        fc.asyncProperty(rows, rows, fc.nat(3), async (source, target, spelling) => {
          await withAdapters(store, async (from, to) => {
            for (const [adapter, all, at] of [[from, source, 0] as const, [to, target, spelling] as const]) {
              const [rack] = await adapter.getOrInstantiate(Rack, { name: spelled(0, at) });
              for (const row of all) expect(await load(adapter, rack, row)).toBe(row.kind.uid(row.number));
              const { objects, listed } = await stored(adapter);
              expect(objects).toEqual(expected(all));
              expect(listed.toSorted()).toEqual(Object.keys(objects).toSorted());
            }

            const diff = await to.syncFrom(from, { verify: true });
            expect(diff.unsettled).toBeUndefined();
            const { objects, listed } = await stored(to);
            expect(objects).toEqual(expected(source));
            expect(listed.toSorted()).toEqual(Object.keys(objects).toSorted());
            expect((await to.diffFrom(from)).toDict()).toEqual({});
            for (const { kind, number } of source) {
              const found = await to.get(kind.model, kind.ids(number, spelling) as never);
              expect(found.getUniqueId()).toBe(kind.uid(number));
            }
          });
        }),
        { numRuns: store.shared ? NUM_RUNS_SHARED : NUM_RUNS },
      );
    },
    TIMEOUT_MS,
  );

  it('a value that a schema has transformed arrives as it is, and is not given to the schema again', async () => {
    await withAdapters(store, async (from, to) => {
      const folded = new Folded({ name: 'R1', mtu: 750, vlans: '1,2' });
      const pair = new Pair({ name: ' A', number: 1, mtu: 1, vlans: '3' });
      await from.addMany([new Rack({ name: 'RACK', folded: ['r1'], pairs: ['a__n1'] }), folded, pair]);
      await to.syncFrom(from);
      await to.syncFrom(from, { verify: true });
      expect((await to.get(Folded, { name: 'r1' })).toDict()).toEqual({ name: 'R1', mtu: 1500, vlans: ['1', '2'] });
      expect((await to.get(Pair, 'a__n1')).toDict()).toEqual({ name: 'a', number: 'n1', mtu: 2, vlans: ['3'] });
      expect((await to.diffFrom(from)).hasDiffs()).toBe(false);
    });
  });

  it("identifiers of an object are the schema's output: no call gives them to the schema again", async () => {
    await withAdapters(store, async (adapter, other) => {
      for (const { model, ids, uid, create } of kinds) {
        const obj = create({ ...ids(1, 1), mtu: 1 });
        const own = (): never => obj.getIdentifiers() as never;
        await adapter.add(obj);
        expect((await adapter.get(model, own())).getUniqueId()).toBe(uid(1));
        const attrs = { mtu: 4 } as never;
        const [found, isNew] = await adapter.getOrInstantiate(model, own(), attrs);
        expect([found.getUniqueId(), (found as { mtu?: number }).mtu, isNew]).toEqual([uid(1), 2, false]);
        if (model === Pair) {
          // Its schema shows no fields and takes numbers alone: it cannot say what it makes of the attributes.
          await expect(adapter.updateOrInstantiate(model, own(), attrs)).rejects.toMatchObject({
            code: 'MODEL_VALIDATION',
          });
          continue;
        }
        const [updated, isUpdated] = await adapter.updateOrInstantiate(model, own(), attrs);
        expect([updated.getUniqueId(), (updated as { mtu?: number }).mtu, isUpdated]).toEqual([uid(1), 8, false]);
        expect(await adapter.count(model)).toBe(1);
        const [made, isMade] = await other.updateOrInstantiate(model, own(), attrs);
        expect([made.toDict(), isMade]).toEqual([{ ...obj.toDict(), mtu: 8 }, true]);
      }
    });
  });

  it('a hook of a class that makes its own unique ids is called for the stored object', async () => {
    await withAdapters(store, async (from, to) => {
      const calls: string[] = [];
      class Hooked extends Folded {
        static override create(
          context: CreateContext<{ name: string }, { mtu?: number; vlans?: string[] | undefined }>,
        ) {
          calls.push(`create ${context.ids.name}`);
          return super.create(context);
        }

        override update(attrs: { mtu?: number; vlans?: string[] }) {
          calls.push(`update ${this.name} to ${attrs.mtu}`);
          return super.update(attrs);
        }

        override delete() {
          calls.push(`delete ${this.name}`);
          return super.delete();
        }
      }
      class Target extends Adapter {
        static override readonly models = [Rack, Lower, Numbered, Pair, Hooked, Joined];
        static override readonly topLevel = ['rack'];
      }
      const target = new Target({ name: 'hooked', store: await store.open() });
      try {
        await from.addMany([
          new Rack({ name: 'a', folded: ['r1', 'r3'] }),
          new Folded({ name: 'R1', mtu: 2 }),
          new Folded({ name: 'R3', mtu: 3 }),
        ]);
        await target.addMany([
          new Rack({ name: 'A ', folded: ['r1', 'r2'] }),
          new Hooked({ name: 'r1', mtu: 1 }),
          new Hooked({ name: 'R2', mtu: 1 }),
        ]);
        await target.syncFrom(from);
        expect(calls).toEqual(['update r1 to 4', 'create R3', 'delete R2']);
        expect((await target.getAll(Hooked)).map(({ mtu }) => mtu)).toEqual([4, 6]);
        expect((await target.get(Rack, 'a')).folded).toEqual(['r1', 'r3']);
      } finally {
        await store.close(target.store);
      }
      expect(await to.count()).toBe(0);
    });
  });
});
