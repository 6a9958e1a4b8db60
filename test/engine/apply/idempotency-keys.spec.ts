// A hook gets a key that names its change: the same in every sync of a run, and no other change has it.
import { expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  SyncRunner,
  type BulkContext,
  type CreateContext,
  type CreateItem,
  type DeleteItem,
  type HookContext,
  type SyncOptions,
  type UpdateItem,
} from '../../../src/index.js';
import { silent } from '../incremental/histories.js';

/** By change, the keys that its hook was called with. */
type Keys = Map<string, string[]>;
type Values = Readonly<Record<string, number>>;

const port = (name: string) =>
  DiffSyncModel.define({
    name,
    schema: z.object({ id: z.string(), value: z.number() }),
    identifiers: ['id'],
    attributes: ['value'],
  });

/** A target of two models, of which one has bulk hooks; its hooks note their keys. */
function targetOf(keys: Keys): new (options: { name: string; logger: typeof silent }) => Adapter {
  const note = (change: string, key: string | undefined): void => {
    keys.set(change, [...(keys.get(change) ?? []), key ?? 'none']);
  };
  class Single extends port('single') {
    static override async create(context: CreateContext<{ id: string }, { value?: number }>) {
      note(`create single ${context.ids.id}`, context.idempotencyKey);
      return super.create(context);
    }

    override async update(attrs: { value?: number }, context: HookContext) {
      note(`update single ${this.id}`, context.idempotencyKey);
      return super.update(attrs, context);
    }

    override async delete({ idempotencyKey }: HookContext) {
      note(`delete single ${this.id}`, idempotencyKey);
      return super.delete();
    }
  }
  class Bulk extends port('bulk') {
    static override createBulk({ adapter, objects }: BulkContext<CreateItem<{ id: string }, { value?: number }>>) {
      for (const { ids, idempotencyKey } of objects) note(`create bulk ${ids.id}`, idempotencyKey);
      return Promise.all(objects.map((item) => this.create({ adapter, ...item })));
    }

    static override updateBulk({ objects }: BulkContext<UpdateItem<Bulk, { value?: number }>>) {
      for (const { model, idempotencyKey } of objects) note(`update bulk ${model.id}`, idempotencyKey);
      return Promise.all(objects.map(({ model, attrs }) => model.update(attrs)));
    }

    static override async deleteBulk({ objects }: BulkContext<DeleteItem<Bulk>>) {
      for (const { model, idempotencyKey } of objects) note(`delete bulk ${model.id}`, idempotencyKey);
      return objects.map(({ model }) => model);
    }
  }
  return class Target extends Adapter {
    static override readonly models = [Single, Bulk];
    static override readonly topLevel = ['single', 'bulk'];
  };
}

class Single extends port('single') {}
class Bulk extends port('bulk') {}
class Source extends Adapter {
  static override readonly models = [Single, Bulk];
  static override readonly topLevel = ['single', 'bulk'];
}

const BEFORE: Values = { a: 1, b: 1, c: 1, d: 1 };
/** One is new, one is changed, one is gone. */
const AFTER: Values = { a: 2, b: 1, c: 1, e: 1 };
const CHANGES = ['single', 'bulk'].flatMap((model) => [`create ${model} e`, `update ${model} a`, `delete ${model} d`]);

async function sides(keys: Keys): Promise<{ source: Source; target: Adapter }> {
  const source = new Source({ name: 'source', logger: silent });
  const target = new (targetOf(keys))({ name: 'target', logger: silent });
  for (const [adapter, values] of [
    [source, AFTER],
    [target, BEFORE],
  ] as const) {
    for (const Model of adapter.modelClasses.values()) {
      await adapter.addMany(Object.entries(values).map(([id, value]) => new Model({ id, value } as never)));
    }
  }
  return { source, target };
}

/** @returns by change, its key. */
async function keysOf(work: (source: Source, target: Adapter) => Promise<unknown>): Promise<Map<string, string>> {
  const keys: Keys = new Map();
  const { source, target } = await sides(keys);
  await work(source, target);
  expect([...keys.keys()].toSorted()).toEqual(CHANGES.toSorted());
  return new Map([...keys].map(([change, [key = '', ...others]]) => [change, others.length > 0 ? 'twice' : key]));
}

const keysOfSync = (options: SyncOptions): Promise<Map<string, string>> =>
  keysOf((source, target) => target.syncFrom(source, options));

it('each change has a key of its own', async () => {
  const keys = await keysOfSync({});
  expect(new Set(keys.values()).size).toBe(CHANGES.length);
  for (const key of keys.values()) expect(key).toMatch(/^[0-9a-f]{32}$/);
});

it('a sync of the same run has the same keys, another one has others', async () => {
  const first = await keysOfSync({ runId: 'nightly-1' });
  expect(await keysOfSync({ runId: 'nightly-1', concurrency: 4 })).toEqual(first);
  const others = [await keysOfSync({ runId: 'nightly-2' }), await keysOfSync({}), await keysOfSync({})];
  const all = [first, ...others].flatMap((keys) => [...keys.values()]);
  expect(new Set(all).size).toBe(4 * CHANGES.length);
});

it('a run has the same keys when it is begun again under its id, as one or in parts', async () => {
  const keysOfRun = (id: string, parts?: number): Promise<Map<string, string>> =>
    keysOf((source, target) => new SyncRunner().run({ source, target, id, parts, load: 'none', history: false }));
  const id = '20261201T000000000Z-0a1b2c3d';
  const whole = await keysOfRun(id);
  expect(new Set(whole.values()).size).toBe(CHANGES.length);
  expect(await keysOfRun(id, 3)).toEqual(whole);
  expect(await keysOfRun('20261201T000000000Z-0a1b2c3e', 3)).not.toEqual(whole);
  expect(whole).toEqual(await keysOfSync({ runId: id }));
});

it.each([
  ['an empty text', ''],
  ['null', null],
  ['a number', 7],
])('%s is no id of a run', async (_, runId) => {
  const { source, target } = await sides(new Map());
  const synced = target.syncFrom(source, { runId: runId as string });
  await expect(synced).rejects.toMatchObject({ code: 'VALUE_ERROR', message: expect.stringMatching(/^runId is /) });
  expect(await target.getOrNone('single', 'e')).toBeNull();
});
