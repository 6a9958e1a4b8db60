import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import * as fc from 'fast-check';
import { z } from 'zod';
import {
  Adapter,
  Diff,
  DiffElement,
  DiffInvalid,
  DiffStale,
  DiffSyncModel,
  type Attrs,
  type DiffOptions,
  type Plan,
  type SyncOptions,
} from '../../src/index.js';
import { isDeepEqual } from '../../src/values/deep-equal.js';
import { Device, fill, Graph, Hooks, Interface, Inventory, Node, Site, watched } from '../fixtures/inventory.js';
import { sized } from '../support/full.js';
import { elementsOf, plant, plantedPaths, treePairs } from '../support/random-trees.js';
import { engineStores } from '../support/stores.js';

const DIGEST = expect.stringMatching(/^[0-9a-f]{64}$/);

class Backwards extends Diff {
  protected override orderChildren(_group: string, elements: readonly DiffElement[]): DiffElement[] {
    return elements.toReversed();
  }
}

/** nyc holds an update, a create, a delete and an object that is the same; sfo is created, lon deleted. */
async function sides(): Promise<[source: Inventory, target: Inventory]> {
  const [source, target] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
  await fill(source, { nyc: { same: ['e0'], changed: [], fresh: ['e1'] }, sfo: { d1: [] } });
  await fill(target, { nyc: { same: ['e0'], changed: [], gone: [] }, lon: { d2: [] } });
  await source.update(new Device({ name: 'changed', role: 'spine' }));
  return [source, target];
}

/** As through a file. */
function reload(diff: Diff, target: Adapter): Diff {
  return Diff.fromJSON(JSON.parse(JSON.stringify(diff)), { target });
}

function flat(diff: Diff): unknown[] {
  return elementsOf(diff).flatMap((element) => {
    const { type, name, keys, action } = element;
    return element.hasDiffs() ? [[type, name, keys, action, element.getAttrsDiffs()]] : [];
  });
}

function deepFreeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) deepFreeze(each);
  return Object.freeze(value);
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

beforeAll(() => {
  Logger.overrideLogger(false);
});

describe('toJSON() and fromJSON()', () => {
  it('the form: what changes, what is above it, and digests of both sides', async () => {
    const [source, target] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
    await fill(source, { nyc: { a: ['e0'], same: [] } });
    await fill(target, { nyc: { a: [], same: [] }, lon: {} });
    const options = { flags: 0, modelTypes: ['site', 'device', 'interface'], excludeAttrs: { site: ['region'] } };
    const diff = await target.diffFrom(source, { ...options, filters: { device: () => true } });
    const nothing = { source: {}, dest: {} };
    const short = expect.stringMatching(/^[\w-]{22}$/);
    const above = { source: short, target: short };
    const seen = { children: short };
    expect(diff.toJSON()).toEqual({
      format: 'nestjs-diffsync.diff',
      version: 1,
      terms: { source: 'source', target: 'target', ...options, filtered: true, compared: 4 },
      fingerprint: { source: DIGEST, target: DIGEST },
      length: 4,
      elements: [
        { depth: 0, type: 'site', name: 'nyc', uid: 'nyc', keys: { name: 'nyc' }, ...nothing, seen: above },
        { depth: 1, type: 'device', name: 'a', uid: 'a', keys: { name: 'a' }, ...nothing, seen: above },
        { depth: 2, type: 'interface', name: 'e0', uid: 'e0', keys: { name: 'e0' }, source: { mtu: 1500 }, dest: null },
        {
          depth: 0,
          type: 'site',
          name: 'lon',
          uid: 'lon',
          keys: { name: 'lon' },
          source: null,
          dest: { region: '' },
          seen,
        },
      ],
      digest: DIGEST,
    });
    expect(JSON.parse(JSON.stringify(diff))).toEqual(diff.toJSON());
  });

  it('order, texts, dicts, names and counts of changes are those of the original', async () => {
    const [source, target] = await sides();
    const diff = await target.diffFrom(source);
    const loaded = reload(diff, target);
    expect(loaded.toString()).toBe(diff.toString());
    expect(loaded.toDict()).toEqual(diff.toDict());
    expect(flat(loaded)).toEqual(flat(diff));
    expect(loaded.terms).toEqual(diff.terms);
    const { create, update, delete: deleted } = diff.summary();
    expect(loaded.summary()).toMatchObject({ create, update, delete: deleted });
    expect(loaded.toJSON()).toEqual(diff.toJSON());
  });

  it('a plan that is nested deeper than any call stack is one that was changed', async () => {
    const [source, target] = await sides();
    let nested: object = {};
    for (let depth = 0; depth < 100_000; depth++) nested = { nested };
    const loaded = Diff.fromJSON({ ...(await target.diffFrom(source)).toJSON(), nested }, { target });
    expect(() => loaded.toJSON()).toThrow(DiffInvalid);
  });

  it('an empty diff is an empty plan', async () => {
    const [source] = await sides();
    const diff = await source.diffFrom(source);
    expect(diff.toJSON()).toMatchObject({ length: 0, elements: [] });
    expect(reload(diff, source).hasDiffs()).toBe(false);
  });

  it('a subclass keeps its class and its order, on all levels', async () => {
    const [source, target] = await sides();
    const diff = await target.diffFrom(source, { diffClass: Backwards });
    const loaded: Backwards = Backwards.fromJSON(JSON.parse(JSON.stringify(diff)), { target });
    expect(loaded).toBeInstanceOf(Backwards);
    expect(loaded.getChildren()[0]?.childDiff).toBeInstanceOf(Backwards);
    expect(flat(loaded)).toEqual(flat(diff));
    expect(loaded.toString()).toBe(diff.toString());
  });

  it('leaves what it is given as it is, so that it can be loaded again', () => {
    const diff = new Diff();
    const element = new DiffElement('x', 'x', { id: 1 });
    const value = { at: new Date(0), list: [{ big: 1n }], text: { $diffsync: 'bigint', v: '7' } };
    element.addAttrs({ source: { value }, dest: { value: null } });
    diff.add(element);
    const json = deepFreeze(JSON.parse(JSON.stringify(diff)));
    for (const _ of [1, 2]) {
      const [again] = Diff.fromJSON(json, { target: new Inventory() }).getChildren();
      expect(again?.sourceAttrs).toEqual({ value });
    }
  });

  const words = fc.constantFrom('__proto__', 'constructor', 'toJSON', '$diffsync', 'v', 'a');
  const values = fc.anything({
    key: fc.oneof(words, fc.string({ unit: 'binary', maxLength: 3 })),
    values: [
      fc.constantFrom<unknown>(Number.NaN, -0, Infinity, -Infinity, undefined, null, '', new Date(Number.NaN)),
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.constantFrom('\ud800', '\u2028\n', '$diffsync'),
      fc.double(),
      fc.boolean(),
      fc.bigInt(),
      fc.date({ noInvalidDate: false }),
      fc.uint8Array({ maxLength: 5 }),
    ],
    withMap: true,
    withSet: true,
    maxDepth: 4,
  });
  const attrs: fc.Arbitrary<Attrs> = fc.record(
    { one: values, $diffsync: values },
    { requiredKeys: ['one'], noNullPrototype: true },
  );

  it('values of every kind survive, in keys and attributes', () => {
    fc.assert(
      fc.property(attrs, attrs, attrs, (keys, source, dest) => {
        const element = new DiffElement('x', 'x', keys);
        element.addAttrs({ source, dest });
        const other = new DiffElement('x', 'y', keys);
        other.addAttrs({ dest });
        const diff = new Diff();
        diff.add(element);
        diff.add(other);
        const loaded = reload(diff, new Inventory()).getChildren();
        const [first, second] = element.action === null ? [undefined, ...loaded] : loaded;
        expect(loaded).toHaveLength(element.action === null ? 1 : 2);
        expect(isDeepEqual(second?.keys, keys)).toBe(true);
        expect(isDeepEqual(second?.destAttrs, dest)).toBe(true);
        expect(second?.sourceAttrs).toBeNull();
        if (element.action === null) return;
        expect(isDeepEqual(first?.sourceAttrs, source)).toBe(true);
        expect(isDeepEqual(first?.getAttrsDiffs(), element.getAttrsDiffs())).toBe(true);
        expect(Object.getPrototypeOf({})).toBe(Object.prototype);
        expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('a');
      }),
      { numRuns: sized(250, 100) },
    );
  });
});

describe('toJSONLines() and fromJSONLines()', () => {
  async function* later(chunks: readonly string[]): AsyncGenerator<string, void, undefined> {
    for (const chunk of chunks) yield await Promise.resolve(chunk);
  }

  it('load the same diff, wherever the text is cut', async () => {
    const [source, target] = await sides();
    await source.add(new Site({ name: 'line\nbreak \u2028 "quoted"' }));
    const diff = await target.diffFrom(source);
    const text = [...diff.toJSONLines()].join('');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 40 }), fc.boolean(), async (at, async) => {
        const cuts = [0, ...at.toSorted((a, b) => a - b), text.length];
        const chunks = cuts.slice(1).map((end, index) => text.slice(cuts[index], end));
        const loaded = await Diff.fromJSONLines(async ? later(chunks) : chunks, { target });
        expect(loaded.toJSON()).toEqual(diff.toJSON());
        expect(loaded.toString()).toBe(diff.toString());
      }),
    );
  });

  it('one line for the header, one for each element and one for the digest; blank lines and a missing last line break do no harm', async () => {
    const [source, target] = await sides();
    const diff = await target.diffFrom(source);
    const lines = [...diff.toJSONLines()];
    const { elements, digest, ...header } = diff.toJSON();
    expect(lines.every((line) => line.endsWith('\n'))).toBe(true);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([header, ...elements, { digest }]);
    const loaded = await Diff.fromJSONLines([`\n${lines.join('\r\n').trimEnd()}`], { target });
    expect(loaded.toJSON()).toEqual(diff.toJSON());
  });

  it('keep the class', async () => {
    const [source, target] = await sides();
    const diff = await target.diffFrom(source, { diffClass: Backwards });
    const loaded: Backwards = await Backwards.fromJSONLines(diff.toJSONLines(), { target });
    expect(loaded).toBeInstanceOf(Backwards);
    expect(loaded.toString()).toBe(diff.toString());
  });

  it('10,000 levels go there and back, and can be synchronised', async () => {
    const [source, target] = [new Graph({ name: 'source' }), new Graph({ name: 'target' })];
    const name = (level: number): string => `n${level}`;
    const levels = Array.from({ length: 10_000 }, (_, level) => level);
    await source.addMany(
      levels.map((level) => new Node({ name: name(level), nodes: level < 9_999 ? [name(level + 1)] : [] })),
    );
    const diff = await target.diffFrom(source);
    const loaded = await Diff.fromJSONLines(diff.toJSONLines(), { target });
    expect(loaded.length).toBe(10_000);
    expect(reload(diff, target).length).toBe(10_000);
    await target.syncFrom(source, { diff: loaded });
    expect(await target.count()).toBe(10_000);
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
  });

  it.each<[string, (lines: string[]) => string[], string]>([
    ['nothing at all', () => [], 'header'],
    ['no header', (lines) => lines.slice(1), 'header.format'],
    ['the last line missing', (lines) => lines.slice(0, -1), 'saved it, or its last line was cut off. Calculate'],
    ['the last two lines missing', (lines) => lines.slice(0, -2), 'last line.digest'],
    ['a line from the middle missing', (lines) => lines.toSpliced(3, 1), 'elements: 8, where the header promises 9'],
    ['a line cut short', (lines) => [...lines.slice(0, -1), lines.at(-1)?.slice(0, 9) ?? ''], 'line 11 is not JSON'],
    ['something else behind', (lines) => [...lines, '{}\n'], 'last line.digest'],
  ])('%s: DiffInvalid', async (_what, change, message) => {
    const [source, target] = await sides();
    const lines = [...(await target.diffFrom(source)).toJSONLines()];
    const error = await errorOf(Diff.fromJSONLines(change(lines), { target }));
    expect(error).toBeInstanceOf(DiffInvalid);
    expect(error).toMatchObject({ code: 'DIFF_INVALID', message: expect.stringContaining(message) });
  });

  it('take texts', () => {
    const wrong = async (): Promise<Diff> =>
      // @ts-expect-error bytes, whose chunks may end within a character
      Diff.fromJSONLines([new Uint8Array()], { target: new Inventory() });
    expect(wrong).toBeDefined();
  });
});

describe('what is no plan', () => {
  async function plan(): Promise<[Plan, Inventory]> {
    const [source, target] = await sides();
    return [(await target.diffFrom(source)).toJSON(), target];
  }

  function invalid(json: unknown): DiffInvalid {
    try {
      Diff.fromJSON(json, { target: new Inventory() });
    } catch (error) {
      if (error instanceof DiffInvalid) return error;
      throw error;
    }
    throw new Error('was loaded');
  }

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a text', '{}'],
    ['a list', []],
    ['a dict', { site: {} }],
  ])('%s is DiffInvalid', (_what, json) => {
    expect(invalid(json)).toMatchObject({ code: 'DIFF_INVALID', message: expect.stringContaining('header') });
  });

  const element = { depth: 0, type: 'site', name: 'x', keys: { name: 'x' }, source: {}, dest: null };

  it.each<[string, object, string[]]>([
    ['another version', { version: 2 }, ['header.version']],
    [
      'several things',
      { format: 'x', terms: { source: 1 } },
      ['header.format', 'header.terms.source', 'header.terms.flags'],
    ],
    ['no elements', { elements: undefined }, ['elements: not a list']],
    ['an element that is none', { elements: [1], length: 1 }, ['elements.0']],
    [
      'wrong fields',
      { elements: [element, { ...element, type: 1, keys: [] }], length: 2 },
      ['elements.1.type', 'elements.1.keys'],
    ],
    ['nothing above', { elements: [element, { ...element, depth: 2 }], length: 2 }, ['elements.1.depth']],
    ['a fraction', { elements: [{ ...element, depth: 0.5 }], length: 1 }, ['elements.0.depth']],
    ['twice the same', { elements: [element, element], length: 2 }, ['elements.1: a second site "x"']],
    ['too few', { elements: [], length: 1 }, ['elements: 0, where the header promises 1']],
    [
      'an unknown tag',
      { elements: [{ ...element, source: { a: [{ $diffsync: 'Function' }] } }], length: 1 },
      ['elements.0.source'],
    ],
    [
      'a damaged tag',
      { elements: [{ ...element, dest: { a: { $diffsync: 'Date', v: 'no' } } }], length: 1 },
      ['elements.0.dest'],
    ],
    [
      'a name that no field has',
      { elements: [{ ...element, keys: JSON.parse('{"__proto__":1}') }], length: 1 },
      ['elements.0.keys: a field named "__proto__"'],
    ],
    [
      'a value for keys',
      { elements: [{ ...element, keys: { $diffsync: 'Date', v: null } }], length: 1 },
      ['elements.0.keys'],
    ],
    [
      'a value for attributes',
      { elements: [{ ...element, source: { $diffsync: 'undefined' } }], length: 1 },
      ['elements.0.source'],
    ],
  ])('%s: each path is named', async (_what, change, paths) => {
    const [json] = await plan();
    const { message } = invalid({ ...json, ...change });
    for (const path of paths) expect(message).toContain(path);
    expect(message).toMatch(/^This is no saved diff: /);
  });

  it('one without a digest says that an older version saved it, and what to do', async () => {
    const [json] = await plan();
    expect(invalid({ ...json, digest: undefined }).message).toMatch(
      /^This plan has no digest.*: an older version of nestjs-diffsync saved it\. Calculate the diff again/,
    );
  });

  it('changed anywhere in any way, it either loads or is DiffInvalid, and no prototype is touched', async () => {
    const [json, target] = await plan();
    const text = JSON.stringify(json);
    const junk = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom<unknown>(
        JSON.parse('{"__proto__":{"polluted":true}}'),
        JSON.parse('{"constructor":{"prototype":{"polluted":true}}}'),
        JSON.parse('{"$diffsync":"object","v":{"__proto__":{"polluted":true}}}'),
        JSON.parse('{"$diffsync":"Map","v":[["__proto__",{"polluted":true}]]}'),
        JSON.parse('{"$diffsync":"undefined"}'),
        '__proto__',
        -1,
      ),
    );
    const paths = pathsOf(json);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...paths), junk), { minLength: 1, maxLength: 3 }), (changes) => {
        const changed: unknown = JSON.parse(text);
        for (const [path, value] of changes) put(changed, path, structuredClone(value));
        try {
          const diff = Diff.fromJSON(changed, { target });
          diff.summary();
          diff.toString();
          diff.toDict();
          expect(reload(diff, target).toJSON()).toEqual(diff.toJSON());
        } catch (error) {
          if (!(error instanceof DiffInvalid)) throw error;
        }
        expect(Object.keys(Object.prototype)).toEqual([]);
        expect({}).not.toHaveProperty('polluted');
        expect(Diff.prototype).not.toHaveProperty('polluted');
      }),
      { numRuns: sized(300, 100) },
    );
  });

  it('any JSON either loads or is DiffInvalid', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expect(invalid(json)).toBeInstanceOf(DiffInvalid);
      }),
    );
  });
});

/** Every path below a value. */
function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => [[...path, key], ...pathsOf(each, [...path, key])]);
}

function put(root: unknown, path: readonly string[], value: unknown): void {
  let at = root;
  for (const key of path.slice(0, -1)) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return;
    at = (at as Record<string, unknown>)[key];
  }
  if (typeof at === 'object' && at !== null) (at as Record<string, unknown>)[path.at(-1) ?? ''] = value;
}

describe.each(engineStores)('a sync with a loaded plan, on the $name store', ({ open, close }) => {
  it('for random trees does what the direct sync does, when nothing has changed', async () => {
    await fc.assert(
      fc.asyncProperty(treePairs, fc.boolean(), async (pair, inLines) => {
        const opened = [await open(), await open()] as const;
        try {
          const source = new Inventory({ name: 'source' });
          const hooks = [new Hooks(), new Hooks()] as const;
          const [direct, planned] = [
            watched(hooks[0], { store: opened[0] }),
            watched(hooks[1], { store: opened[1] }),
          ] as const;
          await plant(source, pair.source);
          await plant(direct, pair.target);
          await plant(planned, pair.target);
          const made = await planned.diffFrom(source);
          const plan = inLines
            ? await Diff.fromJSONLines(made.toJSONLines(), { target: planned })
            : reload(made, planned);
          const { operations } = await direct.syncFrom(source);
          expect((await planned.syncFrom(source, { diff: plan })).operations).toEqual(operations);
          expect(hooks[1].calls).toEqual(hooks[0].calls);
          expect(await planned.toDict()).toEqual(await direct.toDict());
          expect(await plantedPaths(planned)).toEqual(await plantedPaths(source));
        } finally {
          for (const store of opened) await close(store);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('values of every kind arrive', async () => {
    class Thing extends DiffSyncModel.define({
      name: 'thing',
      schema: z.object({ id: z.bigint(), value: z.unknown() }),
      identifiers: ['id'],
      attributes: ['value'],
    }) {}
    class Things extends Adapter {
      static override readonly models = [Thing];
      static override readonly topLevel = ['thing'];
    }
    const store = await open();
    try {
      const [source, target] = [new Things({ name: 'source' }), new Things({ name: 'target', store })];
      const all = [
        new Date(0),
        1n,
        new Map([[new Set([1]), [undefined]]]),
        new Uint8Array([1]),
        Number.NaN,
        -0,
        undefined,
      ];
      await source.addMany(all.map((value, at) => new Thing({ id: BigInt(at), value: { value } })));
      await source.add(new Thing({ id: 99n, value: JSON.parse('{"__proto__":1,"$diffsync":"x"}') }));
      await target.add(new Thing({ id: 0n, value: new Date(1) }));
      await target.syncFrom(source, { diff: reload(await target.diffFrom(source), target) });
      expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
      expect(await target.count()).toBe(8);
    } finally {
      await close(store);
    }
  });
});

describe('a plan that is not as it was saved', () => {
  /** Refused when it is loaded, or when it is used; what it shows may be looked at. */
  async function expectRefused(load: () => Diff | Promise<Diff>, [from, to]: [Adapter, Adapter]): Promise<void> {
    let diff: Diff;
    try {
      diff = await load();
    } catch (error) {
      expect(error).toBeInstanceOf(DiffInvalid);
      return;
    }
    expect([typeof diff.toString(), typeof diff.toDict(), typeof diff.summary()]).toEqual([
      'string',
      'object',
      'object',
    ]);
    const before = await to.toDict();
    for (const options of [{ diff }, { diff, allowStale: true }]) {
      expect(await errorOf(to.syncFrom(from, options))).toBeInstanceOf(DiffInvalid);
    }
    for (const use of [
      () => diff.toJSON(),
      () => [...diff.toJSONLines()],
      () => diff.filter({}),
      () => diff.exclude({}),
    ]) {
      expect(use).toThrow(DiffInvalid);
    }
    expect(await to.toDict()).toEqual(before);
  }

  function changesOf(value: unknown): unknown[] {
    if (typeof value === 'string') return [`${value}x`, ''];
    if (typeof value === 'number') return [value + 1];
    if (typeof value === 'boolean') return [!value];
    if (Array.isArray(value)) return [[...value, ...value.slice(-1)], value.slice(1), value.toReversed()];
    if (value === null) return [{}, { role: 'x' }];
    return [
      { ...value, more: 1 },
      null,
      ...Object.keys(value as object).map((key) => ({ ...value, [key]: undefined })),
    ];
  }

  it('is refused, whatever was changed in it', async () => {
    const [from, to] = await sides();
    const json: unknown = JSON.parse(JSON.stringify(await to.diffFrom(from)));
    for (const path of pathsOf(json)) {
      for (const change of changesOf(path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], json))) {
        const changed: unknown = structuredClone(json);
        put(changed, path, change);
        const text = JSON.stringify(changed);
        if (text === JSON.stringify(json)) continue;
        await expectRefused(() => Diff.fromJSON(JSON.parse(text), { target: to }), [from, to]);
      }
    }
  });

  it('is refused with an added delete, and with another number of compared objects', async () => {
    const [from, to] = await sides();
    const plan = (await to.diffFrom(from)).toJSON();
    const gone = { depth: 0, type: 'site', name: 'nyc', keys: { name: 'nyc' }, source: null, dest: { region: '' } };
    for (const changed of [
      { ...plan, length: plan.length + 1, elements: [...plan.elements, { ...gone, name: 'z', keys: { name: 'z' } }] },
      { ...plan, terms: { ...plan.terms, compared: 1e6 } },
    ]) {
      const load = (): Diff => Diff.fromJSON(JSON.parse(JSON.stringify(changed)), { target: to });
      expect(load()).toBeInstanceOf(Diff);
      await expectRefused(load, [from, to]);
    }
  });

  it('is refused with any other byte, line by line too', async () => {
    const [from, to] = await sides();
    const text = [...(await to.diffFrom(from)).toJSONLines()].join('');
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length - 2),
        fc.constantFrom('x', '0', '"', '}', '{', ' ', ',', '\\'),
        async (at, byte) => {
          const changed = text.slice(0, at) + byte + text.slice(at + 1);
          if (changed !== text) await expectRefused(() => Diff.fromJSONLines([changed], { target: to }), [from, to]);
        },
      ),
    );
  });

  it('with its keys in another order is as it was saved', async () => {
    const [from, to] = await sides();
    const diff = await to.diffFrom(from);
    const reversed: unknown = JSON.parse(JSON.stringify(diff), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).toReversed())
        : value,
    );
    await to.syncFrom(from, { diff: Diff.fromJSON(reversed, { target: to }) });
    expect((await to.diffFrom(from)).hasDiffs()).toBe(false);
  });
});

describe('a plan', () => {
  const source = (adapters: [Inventory, Inventory]): Inventory => adapters[0];
  const target = (adapters: [Inventory, Inventory]): Inventory => adapters[1];
  const both = 'source and target changed since the diff was made';

  it.each<[string, (sides: [Inventory, Inventory]) => Promise<unknown>, string]>([
    [
      'a changed object changes',
      (each) => source(each).update(new Device({ name: 'changed', role: 'x' })),
      'source changed',
    ],
    [
      'an object goes',
      async (each) => source(each).remove(await source(each).get(Site, 'sfo'), true),
      'source changed',
    ],
    ['an object moves', (each) => move(target(each)), 'target changed'],
    [
      'a parent changes',
      (each) => target(each).update(new Site({ name: 'nyc', region: 'us', devices: ['same', 'changed', 'gone'] })),
      'target changed',
    ],
    [
      'what is below a deleted object changes',
      async (each) => (await target(each).get(Site, 'lon')).addChild(await target(each).get(Device, 'same')),
      'target changed',
    ],
    [
      'the target gets elsewhere what is to be created',
      async (each) => {
        const fresh = new Device({ name: 'fresh' });
        await target(each).add(fresh);
        (await target(each).get(Site, 'lon')).addChild(fresh);
      },
      'target changed',
    ],
    [
      'both change alike',
      async (each) => {
        for (const side of each) await side.update(new Device({ name: 'changed', role: 'core' }));
      },
      both,
    ],
    ['it was used already', async (each) => target(each).syncFrom(source(each)), 'target changed'],
  ])('is refused when %s meanwhile, and nothing is touched', async (_what, change, message) => {
    const adapters = await sides();
    const [from, to] = adapters;
    const plan = reload(await to.diffFrom(from), to);
    await change(adapters);
    const before = await to.toDict();
    const error = await errorOf(to.syncFrom(from, { diff: plan }));
    expect(error).toBeInstanceOf(DiffStale);
    expect(error).toMatchObject({ code: 'DIFF_STALE', message: expect.stringMatching(`^${message}`) });
    expect(await to.toDict()).toEqual(before);
  });

  it.each<[string, (sides: [Inventory, Inventory]) => Promise<unknown>]>([
    ['an unchanged object in the source', (each) => source(each).update(new Interface({ name: 'e0', mtu: 9000 }))],
    ['an unchanged object in the target', (each) => target(each).update(new Interface({ name: 'e0', mtu: 9000 }))],
    ['an object that comes', (each) => target(each).add(new Site({ name: 'new' }))],
    [
      'both alike',
      async (each) => {
        for (const side of each) await side.update(new Interface({ name: 'e0', mtu: 9000 }));
      },
    ],
  ])('is used whatever else changes meanwhile: %s', async (_what, change) => {
    const adapters = await sides();
    const [from, to] = adapters;
    const plan = reload(await to.diffFrom(from), to);
    await change(adapters);
    await to.syncFrom(from, { diff: plan });
    expect(plan.stale).toEqual([]);
    expect(await to.get(Device, 'changed')).toMatchObject({ role: 'spine' });
    expect(await to.getOrNone(Site, 'lon')).toBeNull();
  });

  it('is refused when an object gives way to another one without attributes', async () => {
    class Tag extends DiffSyncModel.define({
      name: 'tag',
      schema: z.object({ id: z.string() }),
      identifiers: ['id'],
    }) {}
    class Tags extends Adapter {
      static override readonly models = [Tag];
      static override readonly topLevel = ['tag'];
    }
    const [from, to] = [new Tags({ name: 'source' }), new Tags({ name: 'target' })];
    await from.add(new Tag({ id: 'a' }));
    const plan = reload(await to.diffFrom(from), to);
    await from.remove(await from.get(Tag, 'a'));
    await from.add(new Tag({ id: 'b' }));
    await expect(to.syncFrom(from, { diff: plan })).rejects.toThrow('source changed');
  });

  async function move(side: Inventory): Promise<void> {
    const [nyc, lon, device] = [
      await side.get(Site, 'nyc'),
      await side.get(Site, 'lon'),
      await side.get(Device, 'same'),
    ];
    nyc.removeChild(device);
    lon.addChild(device);
  }

  it('is used anyway with allowStale, as it is', async () => {
    const [from, to] = await sides();
    const plan = reload(await to.diffFrom(from), to);
    await from.update(new Device({ name: 'changed', role: 'later' }));
    expect(await to.syncFrom(from, { diff: plan, allowStale: true })).toBe(plan);
    expect(await to.get(Device, 'changed')).toMatchObject({ role: 'spine' });
  });

  it('is for the sides it was made of: the wrong way round it is stale', async () => {
    const [from, to] = await sides();
    const plan = reload(await to.diffFrom(from), to);
    await expect(from.syncFrom(to, { diff: plan })).rejects.toThrow('target and source changed');
  });

  it('is not stale when a value is only stored anew, with its keys in another order', async () => {
    class Bag extends DiffSyncModel.define({
      name: 'bag',
      schema: z.object({ id: z.string(), value: z.unknown() }),
      identifiers: ['id'],
      attributes: ['value'],
    }) {}
    class Bags extends Adapter {
      static override readonly models = [Bag];
      static override readonly topLevel = ['bag'];
    }
    const [from, to] = [new Bags({ name: 'source' }), new Bags({ name: 'target' })];
    await from.add(new Bag({ id: 'x', value: [{ a: 1, b: 2 }] }));
    const plan = reload(await to.diffFrom(from), to);
    await from.update(new Bag({ id: 'x', value: [{ b: 2, a: 1 }] }));
    await to.syncFrom(from, { diff: plan });
    expect(await to.count(Bag)).toBe(1);
  });

  it('of a diff that was not loaded is none: such a diff is used as it is', async () => {
    const [from, to] = await sides();
    const diff = await to.diffFrom(from);
    await from.update(new Device({ name: 'changed', role: 'later' }));
    expect([diff.isPlan, diff.filter({}).isPlan, reload(diff, to).isPlan]).toEqual([false, false, true]);
    await to.syncFrom(from, { diff });
    expect(await to.get(Device, 'changed')).toMatchObject({ role: 'spine' });
  });

  it.each<[string, (diff: Diff, to: Adapter) => Diff]>([
    ['made of a selection', (diff, to) => reload(diff.filter({ actions: ['create'] }), to)],
    ['that is selected from', (diff, to) => reload(diff, to).exclude({ actions: ['update', 'delete'] })],
    ['of a plan of a selection', (diff, to) => reload(reload(diff.filter({ actions: ['create'] }), to), to)],
  ])('%s is fresh while nothing changes, and then stale', async (_what, make) => {
    const [from, to] = await sides();
    const diff = make(await to.diffFrom(from), to);
    expect(diff.isPlan).toBe(true);
    await to.syncFrom(from, { diff });
    expect((await to.diffFrom(from)).summary()).toMatchObject({ create: 0, update: 1, delete: 3 });
    await expect(to.syncFrom(from, { diff })).rejects.toThrow(DiffStale);
  });

  it('in an order of its own is fresh too, loaded as whatever class', async () => {
    for (const diffClass of [Backwards, Diff]) {
      const [from, to] = await sides();
      const made = await to.diffFrom(from, { diffClass: Backwards });
      const diff = diffClass.fromJSON(JSON.parse(JSON.stringify(made)), { target: to });
      await to.syncFrom(from, { diff });
      expect((await to.diffFrom(from)).hasDiffs()).toBe(false);
    }
  });

  it.each<[string, DiffOptions, SyncOptions]>([
    ['flags', { flags: 4 }, {}],
    ['modelTypes', { modelTypes: ['site', 'device'] }, {}],
    ['attributes', { syncAttrs: { device: [] }, excludeAttrs: { interface: ['mtu'] } }, {}],
    [
      'filters',
      { filters: { device: ({ name }: Device) => name !== 'same' } },
      { filters: { device: ({ name }: Device) => name !== 'same' } },
    ],
    ['no filters, where the sync has some', { modelTypes: ['site'] }, { filters: { site: () => false } }],
  ])('made with %s is looked at on the same terms', async (_what, terms, options) => {
    const [from, to] = await sides();
    const plan = reload(await to.diffFrom(from, terms), to);
    if (terms.flags === undefined) await to.update(new Interface({ name: 'e0', mtu: 9000 }));
    else await to.add(new Site({ name: 'only the target has it' }));
    await to.syncFrom(from, { diff: plan, ...options });
    expect((await to.diffFrom(from, terms)).hasDiffs()).toBe(false);
  });

  it('made with filters needs them again', async () => {
    const [from, to] = await sides();
    const filters = { site: ({ name }: Site) => name === 'sfo' };
    const plan = reload(await to.diffFrom(from, { filters }), to);
    const error = await errorOf(to.syncFrom(from, { diff: plan }));
    expect(error).toMatchObject({ code: 'DIFF_STALE', message: expect.stringContaining('pass the same filters') });
    const other = await errorOf(to.syncFrom(from, { diff: plan, filters: { site: () => true } }));
    expect(other).toBeUndefined();
    const third = reload(await to.diffFrom(from, { filters }), to);
    await to.syncFrom(from, { diff: third, filters });
    expect(await to.count(Site)).toBe(3);
    const again = reload(await to.diffFrom(from, { filters }), to);
    await to.syncFrom(from, { diff: again, allowStale: true });
  });

  it("compares as the target's models say", async () => {
    class Port extends DiffSyncModel.define({
      name: 'port',
      schema: z.object({ name: z.string(), vlans: z.array(z.number()).default([]), host: z.string().default('') }),
      identifiers: ['name'],
      attributes: ['vlans', 'host'],
      compare: { vlans: 'set' },
    }) {}
    class Ports extends Adapter {
      static override readonly models = [Port];
      static override readonly topLevel = ['port'];
    }
    const [from, to] = [new Ports({ name: 'source' }), new Ports({ name: 'target' })];
    await from.add(new Port({ name: 'p', vlans: [1, 2], host: 'a' }));
    await to.add(new Port({ name: 'p', vlans: [2, 1], host: 'b' }));
    const plan = reload(await to.diffFrom(from), to);
    expect(plan.toDict()).toEqual({ port: { p: { '+': { host: 'a' }, '-': { host: 'b' } } } });
    await to.syncFrom(from, { diff: plan });
    expect(await to.get(Port, 'p')).toMatchObject({ vlans: [2, 1], host: 'a' });
  });

  it('has types', () => {
    const types = (diff: Diff, to: Adapter): void => {
      const ordered: Backwards = Backwards.fromJSON(diff.toJSON(), { target: to });
      // @ts-expect-error the target's models are needed
      Diff.fromJSON(ordered.toJSON());
      // @ts-expect-error the target's, not the source's
      Diff.fromJSON(ordered.toJSON(), { source: to });
      // @ts-expect-error a plan is not to be changed
      diff.toJSON().elements.push();
    };
    expect(types).toBeDefined();
  });
});
