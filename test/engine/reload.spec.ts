// What others meet while a reload writes, on random inventories whose objects move between parents.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { z } from 'zod';
import { Adapter, DiffSyncModel, LocalStore, type ModelRecord } from '../../src/index.js';
import { SEED } from '../faults/seed.js';
import { sized } from '../support/full.js';

const schema = z.object({ name: z.string(), value: z.number(), as: z.array(z.string()), bs: z.array(z.string()) });

/** Models that are each other's children, and their own. */
class A extends DiffSyncModel.define({ name: 'a', schema, identifiers: ['name'], children: { a: 'as', b: 'bs' } }) {}
class B extends DiffSyncModel.define({ name: 'b', schema, identifiers: ['name'], children: { a: 'as', b: 'bs' } }) {}
/** A model that has children and is the child of none. */
class Top extends DiffSyncModel.define({
  name: 'top',
  schema,
  identifiers: ['name'],
  children: { a: 'as', b: 'bs' },
}) {}
const MODELS = { a: A, b: B, top: Top };

interface Item {
  readonly model: keyof typeof MODELS;
  readonly name: string;
  readonly value: number;
  readonly as: readonly string[];
  readonly bs: readonly string[];
}

const names = fc.constantFrom('1', '2', '3', '4', '5', '__proto__');
const keyOf = ({ model, name }: Pick<Item, 'model' | 'name'>): string => `${model} ${name}`;

/** Lists name what exists only. */
const inventories: fc.Arbitrary<readonly Item[]> = fc
  .uniqueArray(
    fc.record({
      model: fc.constantFrom('a', 'b', 'top'),
      name: names,
      value: fc.nat(1),
      as: fc.uniqueArray(names),
      bs: fc.uniqueArray(names),
    }) as fc.Arbitrary<Item>,
    { selector: keyOf, maxLength: 14 },
  )
  .map((items) => {
    const keys = new Set(items.map(keyOf));
    const existing = (model: Item['model'], uids: readonly string[]): string[] =>
      uids.filter((name) => keys.has(keyOf({ model, name })));
    return items.map((item) => ({ ...item, as: existing('a', item.as), bs: existing('b', item.bs) }));
  });

/** Writes record by record, and checks after each what a reader would meet. */
class WatchedStore extends LocalStore {
  /** Objects that are listed before and after. */
  listed: readonly string[] | undefined;
  writes = 0;

  protected override async putRecords(model: string, records: readonly ModelRecord[]): Promise<void> {
    for (const record of records) {
      await super.putRecords(model, [record]);
      await this.check();
    }
  }

  protected override async deleteRecords(model: string, uids: readonly string[]): Promise<boolean[]> {
    const present: boolean[] = [];
    for (const uid of uids) {
      present.push(...(await super.deleteRecords(model, [uid])));
      await this.check();
    }
    return present;
  }

  private async check(): Promise<void> {
    if (this.listed === undefined) return;
    this.writes++;
    const [present, named] = [new Set<string>(), new Set<string>()];
    for (const model of ['a', 'b', 'top'] as const) {
      for await (const page of this.scanRecords(model, 1000)) {
        for (const { uid, data } of page) {
          present.add(keyOf({ model, name: uid }));
          for (const name of data['as'] as string[]) named.add(keyOf({ model: 'a', name }));
          for (const name of data['bs'] as string[]) named.add(keyOf({ model: 'b', name }));
        }
      }
    }
    expect([...named].filter((key) => !present.has(key))).toEqual([]);
    expect(this.listed.filter((key) => !named.has(key))).toEqual([]);
  }
}

class Graph extends Adapter {
  static override readonly models = [B, Top, A];
  static override readonly topLevel = ['top'];
  items: readonly Item[] = [];

  override async load(): Promise<void> {
    await this.addMany(
      this.items.map(
        ({ model, ...fields }) => new MODELS[model]({ ...fields, as: [...fields.as], bs: [...fields.bs] }),
      ),
    );
  }
}

function listedIn(items: readonly Item[]): Set<string> {
  return new Set(
    items.flatMap(({ as, bs }) => [
      ...as.map((name) => keyOf({ model: 'a', name })),
      ...bs.map((name) => keyOf({ model: 'b', name })),
    ]),
  );
}

async function contents(graph: Graph): Promise<Record<string, unknown>[]> {
  const all = await Promise.all(
    Object.entries(MODELS).map(async ([model, type]) =>
      (await graph.getAll(type)).map((obj) => ({ model, ...obj.toDict() })),
    ),
  );
  return all.flat().toSorted((one, other) => (keyOf(one as Item) < keyOf(other as Item) ? -1 : 1));
}

describe(`reload, SEED=${SEED}`, () => {
  it('never shows a list that names a missing object, nor a moving child below no parent', async () => {
    let writes = 0;
    await fc.assert(
      fc.asyncProperty(inventories, inventories, async (before, after) => {
        const store = new WatchedStore();
        const graph = new Graph({ store });
        graph.items = before;
        await graph.load();
        graph.items = after;
        const lasting = listedIn(after);
        store.listed = [...listedIn(before)].filter((key) => lasting.has(key));
        const { created, updated, deleted, unchanged } = await graph.reload();
        store.listed = undefined;
        writes += store.writes;
        const [old, wanted] = [
          new Map(before.map((item) => [keyOf(item), item])),
          new Map(after.map((item) => [keyOf(item), item])),
        ];
        expect([created, updated + unchanged, deleted]).toEqual([
          [...wanted.keys()].filter((key) => !old.has(key)).length,
          [...wanted.keys()].filter((key) => old.has(key)).length,
          [...old.keys()].filter((key) => !wanted.has(key)).length,
        ]);
        expect(updated).toBe(
          [...wanted].filter(([key, item]) => old.has(key) && JSON.stringify(old.get(key)) !== JSON.stringify(item))
            .length,
        );
        const again = new Graph();
        again.items = after;
        await again.load();
        expect(await contents(graph)).toEqual(await contents(again));
      }),
      { seed: SEED, numRuns: sized(400, 200) },
    );
    expect(writes).toBeGreaterThan(1000);
  });
});
