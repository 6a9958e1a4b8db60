// Source and target have classes of their own: what the target's schema makes of the source's values is compared and stored.
import { describe, expect, it } from '@jest/globals';
import { type } from 'arktype';
import * as fc from 'fast-check';
import * as v from 'valibot';
import { z } from 'zod';
import {
  Adapter,
  Diff,
  DiffSyncFlags,
  DiffSyncModel,
  LocalStore,
  SyncHookError,
  type BaseStore,
  type ModelClass,
} from '../../src/index.js';
import { Warnings } from '../fixtures/inventory.js';
import { engineStores, type StoreUnderTest } from '../support/stores.js';

const TIMEOUT_MS = 120_000;

// ---- Schemas of the target, one for each library: names become lower-case, numbers are coerced, sizes are doubled.

const zodSchema = z.object({
  name: z.string().trim().toLowerCase(),
  role: z.string().toLowerCase().default('leaf'),
  size: z.number().transform((value) => value * 2),
  tags: z.array(z.string().toUpperCase()).optional(),
});
const valibotSchema = v.object({
  name: v.pipe(v.string(), v.trim(), v.toLowerCase()),
  role: v.optional(v.pipe(v.string(), v.toLowerCase()), 'leaf'),
  size: v.pipe(
    v.number(),
    v.transform((value) => value * 2),
  ),
  tags: v.optional(v.array(v.pipe(v.string(), v.toUpperCase()))),
});
const lowerCase = type('string').pipe((text) => text.trim().toLowerCase());
const arktypeSchema = type({
  name: lowerCase,
  role: type('string')
    .pipe((text) => text.toLowerCase())
    .default('leaf'),
  size: type('number').pipe((value) => value * 2),
  'tags?': type('string[]').pipe((all) => all.map((text) => text.toUpperCase())),
});
const wholeSchema = zodSchema.transform((fields) => ({ ...fields }));
const awaitedSchema = z.object({
  name: z.string().transform(async (text) => text.trim().toLowerCase()),
  role: z
    .string()
    .transform(async (text) => text.toLowerCase())
    .default('leaf'),
  size: z.number().transform(async (value) => value * 2),
  tags: z
    .array(z.string())
    .transform(async (all) => all.map((text) => text.toUpperCase()))
    .optional(),
});

const plain = z.object({
  name: z.string(),
  role: z.string().optional(),
  size: z.number(),
  tags: z.array(z.string()).optional(),
});
const fields = { identifiers: ['name'], attributes: ['role', 'size', 'tags'] } as const;
const children = { part: 'parts' } as const;

/** The classes of one kind: the child type `part`, and the parent of either side. */
function classesOf(schema: typeof zodSchema) {
  class SourcePart extends DiffSyncModel.define({ name: 'part', schema: plain, ...fields }) {}
  class TargetPart extends DiffSyncModel.define({ name: 'part', schema, ...fields }) {}
  const box = z.object({ name: z.string(), parts: z.array(z.string()).default(() => []) });
  class Box extends DiffSyncModel.define({ name: 'box', schema: box, identifiers: ['name'], children }) {}
  class LowerBox extends DiffSyncModel.define({
    name: 'box',
    schema: box.extend({ name: z.string().toLowerCase() }),
    identifiers: ['name'],
    children,
  }) {}
  return { SourcePart, TargetPart, Box, LowerBox };
}

function side(name: string, models: readonly ModelClass[], topLevel: readonly string[], store: BaseStore): Adapter {
  class Inventory extends Adapter {
    static override readonly models = models as never;
    static override readonly topLevel = topLevel;
  }
  return new Inventory({ name, store, logger: new Warnings() });
}

const kinds: readonly (readonly [name: string, schema: typeof zodSchema])[] = [
  ['zod', zodSchema],
  ['valibot', valibotSchema as unknown as typeof zodSchema],
  ['arktype', arktypeSchema as unknown as typeof zodSchema],
  ['an object-level transform', wholeSchema as unknown as typeof zodSchema],
  ['an asynchronous schema', awaitedSchema as unknown as typeof zodSchema],
];

interface Row {
  readonly number: number;
  readonly spelling: number;
  readonly role: string | undefined;
  readonly size: number;
  readonly tags: string[] | undefined;
  readonly boxes: readonly number[];
}

const row: fc.Arbitrary<Row> = fc.record({
  number: fc.nat(4),
  spelling: fc.nat(3),
  role: fc.constantFrom(undefined, 'Leaf', 'leaf', 'SPINE'),
  size: fc.constantFrom(1, 2, 4),
  tags: fc.constantFrom(undefined, ['a'], ['A'], ['b', 'c']),
  boxes: fc.uniqueArray(fc.nat(2), { maxLength: 3 }),
});
const rows = fc.uniqueArray(row, { maxLength: 5, selector: ({ number }) => number });
const spelled = (number: number, spelling: number): string =>
  [`p${number}`, `P${number}`, ` p${number}`, `P${number} `][spelling] as string;

/** What the target must hold for a row. */
function expected({ number, role, size, tags }: Row): Record<string, unknown> {
  return {
    name: `p${number}`,
    role: role?.toLowerCase() ?? 'leaf',
    size: size * 2,
    tags: tags?.map((tag) => tag.toUpperCase()),
  };
}

function sorted(items: readonly unknown[]): string[] {
  return items.map((item) => JSON.stringify(item)).toSorted();
}

async function contents(adapter: Adapter): Promise<{ parts: string[]; boxes: string[] }> {
  const [parts, boxes] = [await adapter.getAll('part'), await adapter.getAll('box')];
  const dicts = parts.map((part) => {
    const { name, role, size, tags } = part.toDict();
    return { name, role, size, tags };
  });
  return {
    parts: sorted(dicts),
    boxes: sorted(boxes.map((each) => [each.getUniqueId(), (each.toDict()['parts'] as string[]).toSorted()])),
  };
}

/** Stores rows as a source has them. */
async function load(adapter: Adapter, classes: ReturnType<typeof classesOf>, all: readonly Row[]): Promise<void> {
  for (const { number, spelling, role, size, tags } of all) {
    await adapter.add(new classes.SourcePart({ name: spelled(number, spelling), role, size, tags }));
  }
  for (const box of [0, 1, 2]) {
    const listed = all.filter(({ boxes }) => boxes.includes(box));
    const parts = listed.map(({ number, spelling }) => spelled(number, spelling));
    await adapter.add(new classes.Box({ name: `Box${box}`, parts }));
  }
}

describe.each(kinds)('a target whose schema changes values, by %s', (kind, schema) => {
  const classes = classesOf(schema);
  const { SourcePart, TargetPart, Box, LowerBox } = classes;
  const open = (boxes: ModelClass, topLevel: readonly string[]) => ({
    from: side('source', [SourcePart, Box], topLevel, new LocalStore()),
    to: side('target', [TargetPart, boxes], topLevel, new LocalStore()),
  });

  it.each([
    ['in the order of the reference', {}],
    ['in groups', { concurrency: 4 }],
  ])(
    'holds what it makes of any source, below the same parents, and a second diff is empty (%s)',
    async (__, options) => {
      await fc.assert(
        fc.asyncProperty(rows, rows, fc.boolean(), fc.boolean(), async (before, after, renamesBoxes, asPlan) => {
          const { to } = open(renamesBoxes ? LowerBox : Box, ['box']);
          for (const state of [before, after]) {
            const { from } = open(Box, ['box']);
            await load(from, classes, state);
            const diff = await to.diffFrom(from, { unlisted: 'delete' });
            const used = asPlan ? Diff.fromJSON(JSON.parse(JSON.stringify(diff)), { target: to }) : diff;
            await to.syncFrom(from, { ...options, diff: used, verify: true, unlisted: 'delete' });
            const listed = state.filter(({ boxes }) => boxes.length > 0);
            const { parts, boxes } = await contents(to);
            expect(parts).toEqual(sorted(listed.map(expected)));
            expect(boxes).toEqual(
              sorted(
                [0, 1, 2].map((box) => {
                  const own = state.filter((each) => each.boxes.includes(box)).map(({ number }) => `p${number}`);
                  return [renamesBoxes ? `box${box}` : `Box${box}`, own.toSorted()];
                }),
              ),
            );
            const again = await to.diffFrom(from);
            expect(again.toDict()).toEqual({});
            expect(again.summary()).toMatchObject({ create: 0, update: 0, delete: 0 });
          }
        }),
        { numRuns: 20 },
      );
    },
    TIMEOUT_MS,
  );

  it('names objects, links and moves as the target does', async () => {
    const { from, to } = open(LowerBox, ['box']);
    const state = { role: 'Leaf', size: 1, tags: undefined, spelling: 1 };
    await load(from, classes, [
      { number: 1, boxes: [0, 1], ...state },
      { number: 2, boxes: [1], ...state },
      { number: 3, boxes: [2], ...state, role: 'SPINE' },
    ]);
    await to.addMany([
      ...['p1', 'p2', 'p3'].map((name) => TargetPart.hydrate({ name, role: 'leaf', size: 2, tags: undefined })),
      new LowerBox({ name: 'box0', parts: ['p1', 'p2'] }),
      new LowerBox({ name: 'box2', parts: [] }),
    ]);
    const diff = await to.diffFrom(from);
    expect(diff.toString().split('\n')).toEqual([
      'box',
      '  box: box0',
      '    part',
      '      part: p2 MISSING in source',
      '  box: box1 MISSING in target',
      '    part',
      '      part: p2 MISSING in target',
      '      part: p1 (link) MISSING in target',
      '  box: box2',
      '    part',
      '      part: p3',
      '        role    source(spine)    target(leaf)',
      '      part: p3 (link) MISSING in target',
    ]);
    await to.syncFrom(from, { diff });
    expect(Object.fromEntries(diff.operations)).toEqual({
      box: { create: ['box1'], update: [], delete: [] },
      part: { create: ['p2'], update: ['p3'], delete: ['p2'] },
    });
    expect((await to.diffFrom(from)).toDict()).toEqual({});
  });

  it('finds top-level objects by what it makes of their identifiers', async () => {
    const { from, to } = open(Box, ['part', 'box']);
    const attrs = { role: 'leaf', size: 1 };
    await from.addMany(['P1', 'P2 '].map((name) => new SourcePart({ name, ...attrs })));
    await to.addMany(['p1', 'p3'].map((name) => TargetPart.hydrate({ name, role: 'leaf', size: 2, tags: undefined })));
    const diff = await to.diffFrom(from);
    expect(diff.summary()).toMatchObject({ create: 1, update: 0, delete: 1, 'no-change': 1 });
    await to.syncFrom(from, { diff });
    expect((await to.getAll('part')).map((part) => part.getUniqueId()).toSorted()).toEqual(['p1', 'p2']);
  });

  it.each([['top-level', ['part', 'box']] as const, ['listed', ['box']] as const])(
    'refuses to compare two %s objects that would be one, and names both',
    async (__, topLevel) => {
      const { from, to } = open(Box, topLevel);
      await from.addMany(['P1', 'p1'].map((name) => new SourcePart({ name, size: 1 })));
      await from.add(new Box({ name: 'b', parts: ['P1', 'p1'] }));
      await expect(to.diffFrom(from)).rejects.toMatchObject({
        code: 'DIFF_ERROR',
        message: expect.stringMatching(/^source: part "P1" and part "p1" .* would be one in target.*"p1"/) as unknown,
      });
    },
  );

  // A schema that shows no fields and refuses an object says nothing of its identifiers either.
  if (kind === 'an object-level transform') return;

  it.each([false, true])(
    'a value that the schema refuses is the failure of its object alone (from a saved plan: %s)',
    async (asPlan) => {
      const { from, to } = open(Box, ['part', 'box']);
      const wrong = SourcePart.hydrate({ name: 'P1', role: 'leaf', size: 'large' as never });
      await from.addMany([wrong, new SourcePart({ name: 'P2', role: 'SPINE', size: 1 })]);
      await to.addMany(
        ['p1', 'p2'].map((name) => TargetPart.hydrate({ name, role: 'leaf', size: 2, tags: undefined })),
      );
      let diff = await to.diffFrom(from);
      if (asPlan) diff = Diff.fromJSON(JSON.parse(JSON.stringify(diff)), { target: to });
      await to.syncFrom(from, { diff, continueOnFailure: true, allowStale: true });
      expect(diff.errors).toHaveLength(1);
      const { error, location } = diff.errors[0] as (typeof diff.errors)[0];
      expect(error).toBeInstanceOf(SyncHookError);
      expect(error.cause).toMatchObject({ code: 'MODEL_VALIDATION', issues: [{ path: 'size' }] });
      expect(error.message).toMatch(/^target: update of part "p1" failed: part: .* source has: size: /);
      expect(location).toMatchObject({ adapter: 'target', model: 'part', uniqueId: 'p1', action: 'update' });
      const stored = (await to.getAll('part')).map((part) => part.toDict());
      expect(stored.map(({ name, role, size }) => [name, role, size])).toEqual([
        ['p1', 'leaf', 2],
        ['p2', 'spine', 2],
      ]);
    },
  );
});

describe('identifiers that a target coerces', () => {
  it.each([
    ['zod', z.object({ id: z.coerce.number(), note: z.string() })],
    ['valibot', v.object({ id: v.pipe(v.union([v.string(), v.number()]), v.transform(Number)), note: v.string() })],
    ['arktype', type({ id: type('string|number').pipe((id) => Number(id)), note: 'string' })],
  ])('are the same object as text in the source, by %s', async (_, schema) => {
    class Text extends DiffSyncModel.define({
      name: 'item',
      schema: z.object({ id: z.string(), note: z.string() }),
      identifiers: ['id'],
      attributes: ['note'],
    }) {}
    class Numbered extends DiffSyncModel.define({
      name: 'item',
      schema: schema as z.ZodObject<{ id: z.ZodNumber; note: z.ZodString }>,
      identifiers: ['id'],
      attributes: ['note'],
    }) {}
    const from = side('source', [Text], ['item'], new LocalStore());
    const to = side('target', [Numbered], ['item'], new LocalStore());
    await from.addMany(['2', '03'].map((id) => new Text({ id, note: 'new' })));
    await to.addMany([2, 3].map((id) => Numbered.hydrate({ id, note: 'old' })));
    expect((await to.syncFrom(from, { verify: true })).summary()).toMatchObject({ update: 2, create: 0, delete: 0 });
    expect((await to.getAll('item')).map((item) => item.toDict())).toEqual([
      { id: 2, note: 'new' },
      { id: 3, note: 'new' },
    ]);
  });
});

describe('objects that the target has and no parent lists', () => {
  it('are adopted by what the target makes of their identifiers', async () => {
    const { SourcePart, TargetPart, Box } = classesOf(zodSchema);
    const from = side('source', [SourcePart, Box], ['box'], new LocalStore());
    const to = side('target', [TargetPart, Box], ['box'], new LocalStore());
    await from.addMany([new SourcePart({ name: 'P1', size: 1 }), new Box({ name: 'b', parts: ['P1'] })]);
    await to.addMany([new TargetPart({ name: 'p1', size: 5 }), new Box({ name: 'b' })]);
    const diff = await to.syncFrom(from, { verify: true });
    expect(diff.unsettled).toBeUndefined();
    expect(Object.fromEntries(diff.operations)).toEqual({ part: { create: [], update: ['p1'], delete: [] } });
    expect((await to.get(Box, 'b')).parts).toEqual(['p1']);
  });
});

describe('hooks of a target with another schema', () => {
  it('create gets what the source has, update what the schema has made of it', async () => {
    const { SourcePart, TargetPart, Box } = classesOf(zodSchema);
    const calls: unknown[] = [];
    class Hooked extends TargetPart {
      static override create(context: Parameters<typeof TargetPart.create>[0]) {
        calls.push(['create', context.ids, context.attrs]);
        return super.create(context);
      }

      override update(attrs: Parameters<InstanceType<typeof TargetPart>['update']>[0]) {
        calls.push(['update', this.name, attrs]);
        return super.update(attrs);
      }
    }
    const from = side('source', [SourcePart, Box], ['part'], new LocalStore());
    const to = side('target', [Hooked, Box], ['part'], new LocalStore());
    await from.addMany(['P1', 'P2'].map((name) => new SourcePart({ name, role: 'SPINE', size: 1 })));
    await to.add(Hooked.hydrate({ name: 'p1', role: 'leaf', size: 4 }));
    await to.syncFrom(from, { flags: DiffSyncFlags.NONE });
    expect(calls).toEqual([
      ['update', 'p1', { role: 'spine', size: 2 }],
      ['create', { name: 'P2' }, { role: 'SPINE', size: 1 }],
    ]);
  });
});

describe.each(engineStores)('two schemas, on the $name store', ({ open, close }: StoreUnderTest) => {
  it('a target is synchronised once, with its children, and stays', async () => {
    const { SourcePart, TargetPart, Box, LowerBox } = classesOf(zodSchema);
    const opened = [await open(), await open()];
    try {
      const [a, b] = opened as [BaseStore, BaseStore];
      const from = side('source', [SourcePart, Box], ['box'], a);
      const to = side('target', [TargetPart, LowerBox], ['box'], b);
      const names = Array.from({ length: 30 }, (_, at) => `P${at}`);
      await from.addMany([
        ...names.map((name, at) => new SourcePart({ name, size: at })),
        new Box({ name: 'A', parts: names }),
      ]);
      await to.syncFrom(from);
      expect((await to.get(LowerBox, 'a')).parts).toEqual(names.map((name) => name.toLowerCase()));
      expect((await to.getAll(TargetPart)).map(({ size }) => size)).toEqual(names.map((_, at) => at * 2));
      expect((await to.diffFrom(from)).summary()).toMatchObject({ create: 0, update: 0, delete: 0, 'no-change': 31 });
    } finally {
      for (const store of opened) await close(store);
    }
  });
});
