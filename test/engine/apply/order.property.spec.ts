import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  DiffSyncModelFlags,
  ObjectNotCreated,
  ObjectNotDeleted,
  ObjectNotUpdated,
  type Adapter,
  type BaseStore,
  type BulkContext,
  type BulkResult,
  type CreateItem,
  type DeleteItem,
  type DiffSyncModel,
  type UpdateItem,
} from '../../../src/index.js';
import { Device, Interface, Inventory, Site, Warnings } from '../../fixtures/inventory.js';
import { sized } from '../../support/full.js';
import { plant, treePairs, type RandomTree } from '../../support/random-trees.js';
import { engineStores } from '../../support/stores.js';

const NUM_RUNS = sized(80, 40);
const NUM_RUNS_SHARED = sized(15, 8);

/** Refuses the calls for which it returns an error. */
type Refuse = (call: string) => Error | undefined;

/** An inventory whose hooks, single or in bulk, ask `refuse`. */
function hooked(store: BaseStore, refuse: Refuse, bulk: readonly string[]): Inventory {
  const attempt = async <T>(call: string, work: () => Promise<T>): Promise<T> => {
    const error = refuse(call);
    if (error !== undefined) throw error;
    return work();
  };
  class HookedSite extends Site {
    static override create(context: Parameters<typeof Site.create>[0]) {
      return attempt(`create site ${context.ids.name}`, () => super.create(context));
    }
    override update(attrs: { region?: string }) {
      return attempt(`update site ${this.name}`, () => super.update(attrs));
    }
    override delete() {
      return attempt(`delete site ${this.name}`, () => super.delete());
    }
  }
  class HookedDevice extends Device {
    static override create(context: Parameters<typeof Device.create>[0]) {
      return attempt(`create device ${context.ids.name}`, () => super.create(context));
    }
    override update(attrs: { role?: string }) {
      return attempt(`update device ${this.name}`, () => super.update(attrs));
    }
    override delete() {
      return attempt(`delete device ${this.name}`, () => super.delete());
    }
  }
  class HookedInterface extends Interface {
    static override create(context: Parameters<typeof Interface.create>[0]) {
      return attempt(`create interface ${context.ids.name}`, () => super.create(context));
    }
    override update(attrs: { mtu?: number }) {
      return attempt(`update interface ${this.name}`, () => super.update(attrs));
    }
    override delete() {
      return attempt(`delete interface ${this.name}`, () => super.delete());
    }
  }
  const models = [HookedSite, HookedDevice, HookedInterface];
  const results = (calls: Promise<DiffSyncModel | null>[]): Promise<BulkResult[]> =>
    Promise.all(calls.map((call) => call.catch((error: unknown) => error as BulkResult)));
  for (const model of models) {
    if (!bulk.includes(model.modelName)) continue;
    Object.assign(model, {
      createBulk: ({ adapter, objects }: BulkContext<CreateItem>) =>
        results(objects.map((item) => model.create({ adapter, ...item } as never))),
      updateBulk: ({ objects }: BulkContext<UpdateItem>) =>
        results(objects.map(({ model: each, attrs }) => each.update(attrs))),
      deleteBulk: ({ objects }: BulkContext<DeleteItem>) => results(objects.map(({ model: each }) => each.delete())),
    });
  }
  class Target extends Inventory {
    static override readonly models = models;
  }
  return new Target({ name: 'target', store, logger: new Warnings() });
}

/** A further parent of a child, each by its number, in one of the sides. */
interface ExtraLink {
  readonly side: 'source' | 'target';
  readonly of: 'site' | 'device';
  readonly parent: number;
  readonly child: number;
}

interface Scenario {
  readonly source: RandomTree;
  readonly target: RandomTree;
  readonly links: readonly ExtraLink[];
  /** The flags of the target's sites and devices, by their number. */
  readonly flags: readonly number[];
}

const scenarios: fc.Arbitrary<Scenario> = fc
  .record({
    pair: treePairs,
    links: fc.array(
      fc.record({
        side: fc.constantFrom('source' as const, 'target' as const),
        of: fc.constantFrom('site' as const, 'device' as const),
        parent: fc.nat(10),
        child: fc.nat(10),
      }),
      { maxLength: 6 },
    ),
    flags: fc.array(
      fc.constantFrom(
        0,
        0,
        DiffSyncModelFlags.NATURAL_DELETION_ORDER as number,
        DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE as number,
      ),
      { minLength: 4, maxLength: 4 },
    ),
  })
  .map(({ pair, links, flags }) => ({ ...pair, links, flags }));

async function prepare(adapter: Adapter, side: 'source' | 'target', scenario: Scenario): Promise<void> {
  await plant(adapter, scenario[side]);
  const sites = await adapter.getAll(Site);
  const devices = await adapter.getAll(Device);
  const interfaces = await adapter.getAll(Interface);
  for (const link of scenario.links) {
    const [parents, children] = link.of === 'site' ? [sites, devices] : [devices, interfaces];
    const [parent, child] = [parents[link.parent % parents.length], children[link.child % children.length]];
    if (link.side === side && parent !== undefined && child !== undefined && !parent.hasChild(child))
      parent.addChild(child);
  }
  await adapter.store.flush();
  if (side === 'source') return;
  for (const [at, each] of [...(await adapter.getAll(Site)), ...(await adapter.getAll(Device))].entries()) {
    each.modelFlags = scenario.flags[at % scenario.flags.length] as number;
    await adapter.update(each);
  }
}

/** All objects by model and unique id, with sorted child lists. */
async function contents(adapter: Adapter): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const { name, region, devices, modelFlags } of await adapter.getAll(Site)) {
    found[`site ${name}`] = [region, devices.toSorted(), modelFlags];
  }
  for (const { name, role, interfaces, modelFlags } of await adapter.getAll(Device)) {
    found[`device ${name}`] = [role, interfaces.toSorted(), modelFlags];
  }
  for (const { name, mtu } of await adapter.getAll(Interface)) found[`interface ${name}`] = mtu;
  return found;
}

/** What lists name and no object has. */
async function dangling(adapter: Adapter): Promise<string[]> {
  const [devices, interfaces] = [await adapter.getAll(Device), new Set((await adapter.getAll(Interface)).map(String))];
  const names = new Set(devices.map(String));
  return [
    ...(await adapter.getAll(Site)).flatMap((site) => site.devices.filter((uid) => !names.has(uid))),
    ...devices.flatMap((device) => device.interfaces.filter((uid) => !interfaces.has(uid))),
  ];
}

const bulkModels = fc.subarray(['site', 'device', 'interface']);
const options = fc.record({ concurrency: fc.integer({ min: 1, max: 8 }), batchSize: fc.integer({ min: 1, max: 5 }) });

describe.each(engineStores)('for random trees with links and flags, on the $name store', ({ open, close, shared }) => {
  const numRuns = shared ? NUM_RUNS_SHARED : NUM_RUNS;

  async function withTarget<T>(
    scenario: Scenario,
    refuse: Refuse,
    bulk: readonly string[],
    work: (target: Adapter, source: Adapter) => Promise<T>,
  ): Promise<T> {
    const store = await open();
    try {
      const source = new Inventory({ name: 'source' });
      const target = hooked(store, refuse, bulk);
      await prepare(source, 'source', scenario);
      await prepare(target, 'target', scenario);
      return await work(target, source);
    } finally {
      await close(store);
    }
  }

  it('a sync has the contents of one with concurrency 1, and then nothing differs', async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, options, bulkModels, async (scenario, chosen, bulk) => {
        const accept: Refuse = () => undefined;
        const expected = await withTarget(scenario, accept, [], async (target, source) => {
          await target.syncFrom(source);
          expect((await target.diffFrom(source)).toString()).toBe('(no diffs)');
          return contents(target);
        });
        await withTarget(scenario, accept, bulk, async (target, source) => {
          await target.syncFrom(source, chosen);
          expect(await contents(target)).toEqual(expected);
          expect((await target.diffFrom(source)).toString()).toBe('(no diffs)');
        });
      }),
      { numRuns },
    );
  });

  it('a sync in which hooks fail leaves no list that names what is not there, and a second one converges', async () => {
    const errors = [
      new ObjectNotCreated('refused'),
      new ObjectNotUpdated('refused'),
      new ObjectNotDeleted('refused'),
    ] as const;
    await fc.assert(
      fc.asyncProperty(scenarios, options, bulkModels, fc.nat(), async (scenario, chosen, bulk, seed) => {
        let failing = true;
        const made = new Set<string>();
        const failed = new Set<string>();
        const refuse: Refuse = (call) => {
          let hash = seed;
          for (const char of call) hash = (hash * 31 + (char.codePointAt(0) as number)) % 1009;
          const error = failing && hash % 4 === 0 ? errors[hash % 3] : undefined;
          (error === undefined ? made : failed).add(call);
          return error;
        };
        await withTarget(scenario, refuse, bulk, async (target, source) => {
          const diff = await target.syncFrom(source, { ...chosen, continueOnFailure: true });
          expect(await dangling(target)).toEqual([]);
          const stored = await contents(target);
          for (const call of made) {
            const [action, object] = [call.slice(0, call.indexOf(' ')), call.slice(call.indexOf(' ') + 1)];
            // Unharmed by what failed beside it: what was created is there, what was deleted and not created is gone.
            if (action === 'create') expect(Object.keys(stored)).toContain(object);
            if (action === 'delete' && !made.has(`create ${object}`)) expect(Object.keys(stored)).not.toContain(object);
          }
          expect(diff.errors.length).toBeGreaterThanOrEqual(failed.size);
          failing = false;
          await target.syncFrom(source);
          const left = await target.diffFrom(source);
          expect(left.toString()).toBe('(no diffs)');
        });
      }),
      { numRuns },
    );
  });
});
