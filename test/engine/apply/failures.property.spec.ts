// Whatever hooks, answers and callbacks do: the store holds what the hooks did outside, each failure is reported once, and a
// sync without failures converges.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  DiffSyncError,
  LocalStore,
  ObjectNotUpdated,
  type Adapter,
  type BaseStore,
  type BulkResult,
  type CreateContext,
  type Diff,
  type DiffSyncLogger,
  type DiffSyncModel,
  type ModelClass,
  type SyncFailure,
} from '../../../src/index.js';
import type { ModelRecord } from '../../../src/record/model-record.js';
import type { RecordChange } from '../../../src/store/store-backend.js';
import { SqliteStore } from '../../../src/store/sqlite/index.js';
import { Device, Interface, Inventory, Site } from '../../fixtures/inventory.js';
import { sized } from '../../support/full.js';
import { plant, treePairs, type RandomTree, type TreePair } from '../../support/random-trees.js';

const NUM_RUNS = sized(60, 40);

/** What a hook does instead of its work; the outside is not changed by it. */
const FAULTS = [
  'throws',
  'refuses',
  'answers null',
  'answers no model',
  'answers a function',
  'answers a getter',
] as const;
type Fault = (typeof FAULTS)[number];
type FaultOf = (call: string) => Fault | undefined;

/** Model -> the attribute that is compared. */
const FIELDS: Readonly<Record<string, string>> = { site: 'region', device: 'role', interface: 'mtu' };

/** The system behind the target: `model uid` -> value, and the calls that failed. */
class Outside {
  readonly objects = new Map<string, unknown>();
  readonly failed: string[] = [];

  constructor(private readonly faultOf: FaultOf) {}

  async create(model: ModelClass, { ids, attrs }: { ids: object; attrs: object }): Promise<DiffSyncModel | null> {
    const key = `${model.modelName} ${(ids as { name: string }).name}`;
    const value = (attrs as Record<string, unknown>)[FIELDS[model.modelName] as string];
    const make = (): DiffSyncModel => new model({ ...ids, ...attrs } as never);
    return this.change(`create ${key}`, make, () => this.objects.set(key, value));
  }

  async update(model: DiffSyncModel, attrs: object): Promise<DiffSyncModel | null> {
    const key = `${model.getType()} ${model.getUniqueId()}`;
    const value = (attrs as Record<string, unknown>)[FIELDS[model.getType()] as string];
    return this.change(
      `update ${key}`,
      () => Object.assign(model, attrs),
      () => this.objects.set(key, value),
    );
  }

  async delete(model: DiffSyncModel): Promise<DiffSyncModel | null> {
    const key = `${model.getType()} ${model.getUniqueId()}`;
    return this.change(
      `delete ${key}`,
      () => model,
      () => this.objects.delete(key),
    );
  }

  private async change(call: string, answer: () => DiffSyncModel, effect: () => void): Promise<DiffSyncModel | null> {
    await Promise.resolve(); // Other hooks run meanwhile.
    const fault = this.faultOf(call);
    if (fault === undefined) {
      effect();
      return answer();
    }
    this.failed.push(call);
    if (fault === 'throws') throw new Error('the system is down');
    if (fault === 'refuses') throw new ObjectNotUpdated('refused');
    if (fault === 'answers null') return null;
    // What a delete answers is not stored.
    if (fault === 'answers no model' || call.startsWith('delete')) return { id: 7 } as never;
    const model = answer();
    const get = (): (() => number) => {
      if (fault === 'answers a getter') throw new Error('not loaded');
      return () => 1;
    };
    return Object.defineProperty(model, FIELDS[model.getType()] as string, {
      get,
      enumerable: true,
      configurable: true,
    });
  }
}

/** A class with single hooks, or bulk ones, that change the outside. */
function hooked(base: ModelClass, outside: Outside, bulk: boolean): ModelClass {
  const all = async <T>(objects: readonly T[], work: (object: T) => Promise<DiffSyncModel | null>) => {
    const results = await Promise.allSettled(objects.map((object) => work(object)));
    return results.map((result): BulkResult =>
      result.status === 'fulfilled' ? result.value : (result.reason as never),
    );
  };
  const model = class extends (base as unknown as typeof Site) {
    static override create(context: CreateContext): Promise<never> {
      return outside.create(model, context) as Promise<never>;
    }
    override update(attrs: object): Promise<this> {
      return outside.update(this, attrs) as Promise<this>;
    }
    override delete(): Promise<this> {
      return outside.delete(this) as Promise<this>;
    }
  } as unknown as ModelClass;
  const bulkHooks: Partial<ModelClass> = {
    createBulk: ({ objects }) => all(objects, (item) => outside.create(model, item)),
    updateBulk: ({ objects }) => all(objects, (item) => outside.update(item.model, item.attrs)),
    deleteBulk: ({ objects }) => all(objects, (item) => outside.delete(item.model)),
  };
  return bulk ? Object.assign(model, bulkHooks) : model;
}

function targetOf(outside: Outside, store: BaseStore, bulk: boolean, logger: DiffSyncLogger): Adapter {
  class Target extends Inventory {
    static override readonly models = [Site, Device, Interface].map((base) => hooked(base, outside, bulk)) as never;
  }
  return new Target({ name: 'target', store, logger });
}

/** What a store holds, `model uid` -> value. */
async function contents(adapter: Adapter): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const [model, field] of Object.entries(FIELDS)) {
    for (const obj of await adapter.getAll(model)) found.set(`${model} ${obj.getUniqueId()}`, obj.toDict()[field]);
  }
  return found;
}

/** What lists name and the store does not have. */
async function dangling(adapter: Adapter): Promise<string[]> {
  const there = new Set((await contents(adapter)).keys());
  const listed: string[] = [];
  for (const { devices } of await adapter.getAll(Site)) listed.push(...devices.map((uid) => `device ${uid}`));
  for (const { interfaces } of await adapter.getAll(Device))
    listed.push(...interfaces.map((uid) => `interface ${uid}`));
  return listed.filter((key) => !there.has(key));
}

/** Throws at the call with this number, and at all after it. */
class Breaking {
  private calls = 0;

  constructor(
    private readonly at: number,
    readonly error: Error,
  ) {}

  readonly call = (): void => {
    if (this.calls++ >= this.at) throw this.error;
  };
}

interface Circumstances {
  readonly concurrency: number;
  readonly batchSize: number;
  readonly bulk: boolean;
  /** Of twenty calls, how many fail. */
  readonly rate: number;
  readonly seed: number;
  readonly progressBreaksAt: number | undefined;
  readonly loggerBreaksAt: number | undefined;
}

const circumstances: fc.Arbitrary<Circumstances> = fc.record({
  concurrency: fc.integer({ min: 1, max: 8 }),
  batchSize: fc.constantFrom(1, 3, 500),
  bulk: fc.boolean(),
  rate: fc.constantFrom(0, 3, 10),
  seed: fc.nat(1000),
  progressBreaksAt: fc.option(fc.nat(8), { nil: undefined, freq: 3 }),
  loggerBreaksAt: fc.option(fc.nat(20), { nil: undefined, freq: 3 }),
});

/** A fault for some calls, always the same for a call. */
function faults({ rate, seed }: Circumstances): FaultOf {
  return (call) => {
    let hash = seed;
    for (const letter of call) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003;
    return hash % 20 < rate ? FAULTS[hash % FAULTS.length] : undefined;
  };
}

const keyOf = ({ location: { action, model, uniqueId } }: SyncFailure): string => `${action} ${model} ${uniqueId}`;

/** What is wrong on purpose, to see that the law finds it. */
interface Mistake {
  readonly store?: () => LocalStore & { isMistaken: boolean };
  readonly errors?: (errors: readonly SyncFailure[]) => readonly SyncFailure[];
}

const silent = { isEnabled: () => true, debug() {}, info() {}, warning() {}, error() {} };

async function check(open: () => Promise<BaseStore>, sides: TreePair, given: Circumstances, mistake: Mistake = {}) {
  const mistaken = mistake.store?.();
  const stores = [new LocalStore(), mistaken ?? (await open())] as const;
  try {
    const from = new Inventory({ name: 'source', store: stores[0] });
    let isBroken = false;
    const faultOf = faults(given);
    const outside = new Outside((call) => (isBroken ? faultOf(call) : undefined));
    const broken = new Breaking(given.loggerBreaksAt ?? Infinity, new Error('EPIPE of the logger'));
    const log = (): void => (isBroken ? broken.call() : undefined);
    const logger = { ...silent, debug: log, info: log, warning: log, error: log };
    const to = targetOf(outside, stores[1], given.bulk, logger);
    await plant(from, sides.source);
    await plantTarget(to, sides.target, outside);
    if (mistaken !== undefined) mistaken.isMistaken = true;

    const diff = await to.diffFrom(from);
    const progress = new Breaking(given.progressBreaksAt ?? Infinity, new Error('EPIPE of the progress'));
    const { concurrency, batchSize } = given;
    isBroken = true;
    const options = { diff, concurrency, batchSize, continueOnFailure: true, onProgress: progress.call };
    const error: unknown = await to.syncFrom(from, options).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    isBroken = false;
    if (error !== undefined) {
      expect([progress.error, broken.error]).toContain(error);
      expect((error as { diff?: Diff }).diff).toBe(diff);
    }

    expect(await contents(to)).toEqual(outside.objects);
    expect(await dangling(to)).toEqual([]);
    const reported = (mistake.errors?.(diff.errors) ?? diff.errors).map(keyOf);
    expect(new Set(reported).size).toBe(reported.length);
    expect(reported).toEqual(expect.arrayContaining(outside.failed));
    for (const { error: failure } of diff.errors) expect(failure).toBeInstanceOf(DiffSyncError);

    // Beside the calls that failed only objects that could not be created, because their old places still have them.
    const others = reported.filter((key) => !outside.failed.includes(key));
    expect(others.filter((key) => !key.startsWith('create '))).toEqual([]);

    await to.syncFrom(from, { concurrency, batchSize, unlisted: 'delete' });
    const again = await to.diffFrom(from);
    expect(again.toDict()).toEqual({});
    expect(again.unlisted).toEqual({});
    expect(await contents(to)).toEqual(outside.objects);
    expect(outside.objects).toEqual(await contents(from));
  } finally {
    for (const store of stores) await store.close();
  }
}

async function plantTarget(to: Adapter, tree: RandomTree, outside: Outside): Promise<void> {
  await plant(to, tree);
  for (const [key, value] of await contents(to)) outside.objects.set(key, value);
}

const stores = [
  ['local', async () => new LocalStore({ logger: silent })],
  ['sqlite', async () => SqliteStore.connect({ path: ':memory:', logger: silent })],
] as const;

describe.each(stores)('for random trees, failures and circumstances, on the %s store', (_name, open) => {
  it('a sync stores what its hooks did, reports each failure once, and converges without failures', async () => {
    await fc.assert(
      fc.asyncProperty(treePairs, circumstances, (sides, given) => check(open, sides, given)),
      { numRuns: NUM_RUNS },
    );
  });
});

/** Makes its mistake once both sides are planted. */
abstract class Mistaken extends LocalStore {
  isMistaken = false;
}

/** Loses the last of the objects that are inserted together. */
class LosesInserts extends Mistaken {
  protected override insertRecords(model: string, records: readonly ModelRecord[]) {
    return super.insertRecords(model, this.isMistaken && records.length > 1 ? records.slice(0, -1) : records);
  }
}

/** Keeps the last of the objects that are deleted together. */
class KeepsDeleted extends Mistaken {
  protected override async deleteRecords(model: string, uids: readonly string[]) {
    return super.deleteRecords(model, this.isMistaken ? uids.slice(0, -1) : uids);
  }
}

/** Writes no change of a stored object. */
class LosesUpdates extends Mistaken {
  protected override async modifyRecords(model: string, uids: readonly string[], change: RecordChange): Promise<void> {
    if (!this.isMistaken) await super.modifyRecords(model, uids, change);
  }
}

describe('the law above finds', () => {
  it.each<[string, Mistake]>([
    ['a sibling that is not saved', { store: () => new LosesInserts({ logger: silent }) }],
    ['a delete that is not saved', { store: () => new KeepsDeleted({ logger: silent }) }],
    ['an update that is not saved', { store: () => new LosesUpdates({ logger: silent }) }],
    ['a failure that is not reported', { errors: (errors) => errors.slice(1) }],
    ['a failure that is reported twice', { errors: (errors) => [...errors, ...errors.slice(0, 1)] }],
  ])(
    '%s',
    async (_name, mistake) => {
      const law = fc.asyncProperty(treePairs, circumstances, (sides, given) =>
        check(async () => new LocalStore({ logger: silent }), sides, given, mistake),
      );
      const { failed } = await fc.check(law, { numRuns: NUM_RUNS, endOnFailure: true });
      expect(failed).toBe(true);
    },
    120_000,
  );
});
