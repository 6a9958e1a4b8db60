import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import * as fc from 'fast-check';
import { Diff, DiffElement, type Adapter, type DiffSyncAction, type Selection } from '../../src/index.js';
import { Device, fill, Inventory, Site } from '../fixtures/inventory.js';
import { elementsOf, plant, plantedPaths, treePairs, treePairsInPlace } from '../support/random-trees.js';
import { engineStores } from '../support/stores.js';

const selections: fc.Arbitrary<Selection> = fc.record(
  {
    actions: fc.subarray<DiffSyncAction>(['create', 'update', 'delete']),
    modelTypes: fc.subarray(['site', 'device', 'interface', 'rack']),
  },
  { requiredKeys: [] },
);

/** Each change, with the types and names above it. */
function changes(diff: Diff): string[] {
  const found: string[] = [];
  const visit = (elements: readonly DiffElement[], above: readonly string[]): void => {
    for (const element of elements) {
      const path = [...above, `${element.type} ${element.name}`];
      if (element.action !== null) found.push(JSON.stringify([element.action, ...path, element.getAttrsDiffs()]));
      visit(element.getChildren(), path);
    }
  };
  visit(diff.getChildren(), []);
  return found;
}

/** nyc is updated and has all three actions below it; sfo is created, lon deleted, each with a device. */
async function sides(): Promise<[Adapter, Adapter]> {
  const [source, target] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
  await fill(source, { nyc: { same: ['e0'], changed: [], fresh: [] }, sfo: { d1: [] } });
  await fill(target, { nyc: { same: [], changed: [], gone: [] }, lon: { d2: [] } });
  await source.update(new Site({ name: 'nyc', region: 'us', devices: ['same', 'changed', 'fresh'] }));
  await source.update(new Device({ name: 'changed', role: 'spine' }));
  return [source, target];
}

async function made(diffClass: new () => Diff = Diff): Promise<Diff> {
  const [source, target] = await sides();
  return target.diffFrom(source, { diffClass });
}

function actionsOf(diff: Diff): string[] {
  return elementsOf(diff).map(({ name, action }) => `${action ?? '-'} ${name}`);
}

/** A created element below another. */
function chain(diff: Diff, above: DiffElement | undefined, level: number): DiffElement {
  const element = new DiffElement('node', `n${level}`, { name: `n${level}` });
  element.addAttrs({ source: { value: '' } });
  (above?.childDiff ?? diff).add(element);
  return element;
}

beforeAll(() => {
  Logger.overrideLogger(false);
});

describe('filter()', () => {
  it.each<[string, Selection, string[]]>([
    ['by action', { actions: ['create'] }, ['- nyc', '- same', 'create e0', 'create fresh', 'create sfo', 'create d1']],
    ['by type', { modelTypes: ['site'] }, ['update nyc', 'create sfo', 'delete lon']],
    [
      'by both',
      { actions: ['delete', 'update'], modelTypes: ['device'] },
      ['- nyc', 'update changed', 'delete gone', '- lon', 'delete d2'],
    ],
    [
      'by nothing',
      {},
      [
        'update nyc',
        '- same',
        'create e0',
        'update changed',
        'create fresh',
        'delete gone',
        'create sfo',
        'create d1',
        'delete lon',
        'delete d2',
      ],
    ],
    ['by no action', { actions: [] }, []],
    ['by no type', { modelTypes: [] }, []],
    ['by a type that is not there', { modelTypes: ['rack'] }, []],
  ])('%s keeps these changes, and what is above them without a change of its own', async (_how, selection, left) => {
    expect(actionsOf((await made()).filter(selection))).toEqual(left);
  });

  it('what is above a change and is not wanted itself shows and counts as unchanged', async () => {
    const diff = (await made()).filter({ modelTypes: ['interface'] });
    expect(diff.toDict()).toEqual({
      site: {
        nyc: { '+': {}, '-': {}, device: { same: { '+': {}, '-': {}, interface: { e0: { '+': { mtu: 1500 } } } } } },
      },
    });
    expect(diff.summary()).toEqual({ create: 1, update: 0, delete: 0, 'no-change': 2, skip: 0 });
  });

  it('below a parent that would be created or deleted, that parent stays as it is', async () => {
    const [source, target] = await sides();
    const diff = (await target.diffFrom(source)).filter({ actions: ['delete'], modelTypes: ['device'] });
    await target.syncFrom(source, { diff });
    expect(await target.get(Site, 'lon')).toMatchObject({ devices: [] });
    expect(await target.getOrNone(Device, 'd2')).toBeNull();
  });
});

describe('exclude()', () => {
  it('has all that filter() leaves', async () => {
    const diff = await made();
    expect(actionsOf(diff.exclude({ actions: ['create', 'update'] }))).toEqual([
      '- nyc',
      'delete gone',
      'delete lon',
      'delete d2',
    ]);
    expect(actionsOf(diff.exclude({ actions: ['create'], modelTypes: ['device'] }))).toEqual([
      'update nyc',
      '- same',
      'create e0',
      'update changed',
      'delete gone',
      'create sfo',
      'delete lon',
      'delete d2',
    ]);
    expect(diff.exclude({}).length).toBe(0);
    expect(diff.exclude({ actions: [] }).toString()).toBe(diff.toString());
  });
});

describe('a selection', () => {
  class Backwards extends Diff {
    completed = 0;

    override complete(): void {
      this.completed++;
    }

    protected override orderChildren(_group: string, elements: readonly DiffElement[]): DiffElement[] {
      return elements.toReversed();
    }
  }

  it('is a new diff of the same class, in its order, on all levels; the original is as it was', async () => {
    const diff = (await made(Backwards)) as Backwards;
    const before = [diff.toString(), JSON.stringify(diff), diff.length];
    const selected: Backwards = diff.filter({ modelTypes: ['device'] });
    expect(selected).toBeInstanceOf(Backwards);
    expect(selected.getChildren()[0]?.childDiff).toBeInstanceOf(Backwards);
    expect(actionsOf(selected)).toEqual([
      '- lon',
      'delete d2',
      '- sfo',
      'create d1',
      '- nyc',
      'delete gone',
      'create fresh',
      'update changed',
    ]);
    expect(selected.completed).toBe(0);
    const [site] = selected.getChildren();
    site?.addAttrs({ source: { region: 'changed' } });
    expect([diff.toString(), JSON.stringify(diff), diff.length]).toEqual(before);
  });

  it('can be selected from again', async () => {
    const diff = await made();
    const steps = diff.filter({ actions: ['create'] }).filter({ modelTypes: ['device'] });
    expect(changes(steps)).toEqual(changes(diff.filter({ actions: ['create'], modelTypes: ['device'] })));
    expect(changes(steps)).toHaveLength(2);
  });

  it('of 10,000 levels is made like any other', () => {
    const diff = new Diff();
    let above: DiffElement | undefined;
    for (let level = 0; level < 10_000; level++) above = chain(diff, above, level);
    expect(diff.filter({ actions: ['create'] }).length).toBe(10_000);
    expect(diff.exclude({ actions: ['create'] }).length).toBe(0);
  });

  it('by what is no selection does not compile', async () => {
    const diff = await made();
    // @ts-expect-error no action
    expect(diff.filter({ actions: ['remove'] }).length).toBe(0);
    // @ts-expect-error an unknown word
    expect(diff.filter({ models: ['site'] }).hasDiffs()).toBe(true);
  });
});

describe('for random trees', () => {
  it('each change is in exactly one of filter() and exclude(), under its parents, and the summaries add up', async () => {
    await fc.assert(
      fc.asyncProperty(treePairs, selections, async (pair, selection) => {
        const [source, target] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
        await plant(source, pair.source);
        await plant(target, pair.target);
        const diff = await target.diffFrom(source);
        const text = diff.toString();
        const parts = [diff.filter(selection), diff.exclude(selection)] as const;
        expect(parts.flatMap(changes).toSorted()).toEqual(changes(diff).toSorted());
        const [wanted, rest] = parts.map((part) => part.summary());
        for (const action of ['create', 'update', 'delete'] as const) {
          expect((wanted?.[action] ?? 0) + (rest?.[action] ?? 0)).toBe(diff.summary()[action]);
        }
        for (const { action, type } of elementsOf(parts[0])) {
          if (action === null) continue;
          expect(selection.actions ?? [action]).toContain(action);
          expect(selection.modelTypes ?? [type]).toContain(type);
        }
        for (const part of parts) {
          expect(elementsOf(part).every((element) => element.hasDiffs())).toBe(true);
        }
        expect(diff.toString()).toBe(text);
      }),
    );
  });

  it.each(engineStores)(
    'creates and updates, then the deletes, leave on the $name store what the whole sync leaves',
    async ({ open, close }) => {
      await fc.assert(
        fc.asyncProperty(treePairsInPlace, async (pair) => {
          const opened = [await open(), await open()] as const;
          try {
            const source = new Inventory({ name: 'source' });
            await plant(source, pair.source);
            const [whole, parts] = opened.map((store) => new Inventory({ name: 'target', store })) as [
              Adapter,
              Adapter,
            ];
            await plant(whole, pair.target);
            await plant(parts, pair.target);
            await whole.syncFrom(source);
            const diff = await parts.diffFrom(source);
            const selection: Selection = { actions: ['create', 'update'] };
            await parts.syncFrom(source, { diff: diff.filter(selection) });
            await parts.syncFrom(source, { diff: diff.exclude(selection) });
            expect(await parts.toDict()).toEqual(await whole.toDict());
            expect(await plantedPaths(parts)).toEqual(await plantedPaths(source));
            expect((await parts.diffFrom(source)).hasDiffs()).toBe(false);
          } finally {
            for (const store of opened) await close(store);
          }
        }),
        { numRuns: 25 },
      );
    },
  );
});
