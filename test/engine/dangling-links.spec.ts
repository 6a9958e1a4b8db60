// Child lists that name objects which do not exist: what a comparison says of them, and what a sync makes of them.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { DiffSyncModelFlags, LocalStore, type Adapter, type BaseStore, type Diff } from '../../src/index.js';
import { Device, fill, Interface, Inventory, Site, Warnings } from '../fixtures/inventory.js';
import { sized } from '../support/full.js';
import { elementsOf } from '../support/random-trees.js';
import {
  inventoryPairs,
  keyOf,
  Network,
  plantNetwork,
  reachable,
  stateOf,
  storedState,
  type Item,
} from '../support/shared-children.js';
import { storesWithOptions, type StoreUnderTest } from '../support/stores.js';

const NUM_RUNS = sized(50, 30);
const NUM_RUNS_SHARED = 8;
const TIMEOUT_MS = 120_000;
const stores = storesWithOptions.filter(({ name }) => !/TLS|Unix|rights|ttl|replica|sentinel|log/.test(name));

const changesOf = (diff: Diff): string[] =>
  elementsOf(diff)
    .filter(({ action }) => action !== null)
    .map(({ type, name, action }) => `${action} ${keyOf(type, name)}`);

/** Removes objects, and leaves the lists that name them. */
async function lose(adapter: Adapter, items: readonly Item[]): Promise<void> {
  for (const { type, name } of items) await adapter.remove(await adapter.get(type, name));
}

/** The links of what is stored that name what is not. */
async function danglingOf(adapter: Network): Promise<string[]> {
  const { objects, links } = await storedState(adapter);
  return [...links].filter((link) => !objects.has(link.split(' > ')[1] ?? '')).toSorted();
}

async function withStores(
  { open, close }: StoreUnderTest,
  work: (source: BaseStore, target: BaseStore) => Promise<void>,
): Promise<void> {
  const [source, target] = [await open(), await open()];
  try {
    await work(source, target);
  } finally {
    await close(source);
    await close(target);
  }
}

describe.each(stores)('links to objects that do not exist, on the $name store', (store) => {
  const numRuns = store.shared ? NUM_RUNS_SHARED : NUM_RUNS;
  const losses = inventoryPairs.chain(({ source, target }) => {
    const some = (items: readonly Item[]) => fc.subarray(items.filter(({ type }) => type !== 'site'));
    return fc.record({
      source: fc.constant(source),
      target: fc.constant(target),
      fromSource: some(source),
      fromTarget: some(target),
    });
  });

  it(
    'of the target are named by a diff and gone after the sync, which makes it equal all the same',
    async () => {
      await fc.assert(
        fc.asyncProperty(losses, fc.integer({ min: 1, max: 3 }), async (each, concurrency) => {
          await withStores(store, async (here, there) => {
            const warnings = new Warnings();
            const from = new Network({ name: 'source', store: here });
            const to = new Network({ name: 'target', store: there, logger: warnings });
            await plantNetwork(from, each.source);
            await plantNetwork(to, each.target);
            await lose(to, each.fromTarget);
            const expected = await danglingOf(to);
            const reached = reachable(await storedState(to));

            const report = await to.store.verify();
            const named = report.problems
              .filter(({ kind }) => kind === 'dangling-link')
              .map(({ model, uniqueId, child }) => `${model} ${uniqueId} > ${child?.model} ${child?.uniqueId}`);
            expect(named.toSorted()).toEqual(expected);
            expect(report.counts['dangling-link']).toBe(expected.length);

            const diff = await to.diffFrom(from);
            const met = diff.danglingLinks.target.map(
              ({ model, uniqueId, child }) => `${model} ${uniqueId} > ${child.model} ${child.uniqueId}`,
            );
            expect(met.filter((link) => !expected.includes(link))).toEqual([]);
            expect(expected.filter((link) => reached.links.has(link) && !met.includes(link))).toEqual([]);
            expect(warnings.lines.some((line) => line.includes('do not exist'))).toBe(met.length > 0);

            await to.syncFrom(from, { concurrency });
            const after = await storedState(to);
            const wanted = stateOf(each.source);
            expect([...reachable(after).links].toSorted()).toEqual([...wanted.links].toSorted());
            expect(Object.fromEntries(reachable(after).objects)).toEqual(Object.fromEntries(wanted.objects));
            expect(changesOf(await to.diffFrom(from))).toEqual([]);

            // What no comparison reaches, below unlisted objects, a repair removes.
            await to.store.verify({ repair: true });
            expect(await danglingOf(to)).toEqual([]);
            expect((await to.store.verify()).counts['dangling-link']).toBe(0);
          });
        }),
        { numRuns },
      );
    },
    TIMEOUT_MS,
  );

  it(
    'of the source are named, and what the target has of them stays',
    async () => {
      await fc.assert(
        fc.asyncProperty(losses, async (each) => {
          await withStores(store, async (here, there) => {
            const from = new Network({ name: 'source', store: here });
            const to = new Network({ name: 'target', store: there, logger: new Warnings() });
            await plantNetwork(from, each.source);
            await plantNetwork(to, each.target);
            await lose(from, each.fromSource);
            const [before, source] = [await storedState(to), await storedState(from)];
            const lost = (await danglingOf(from)).filter((link) => reachable(source).links.has(link));
            const diff = await to.diffFrom(from);
            const met = diff.danglingLinks.source.map(
              ({ model, uniqueId, child }) => `${model} ${uniqueId} > ${child.model} ${child.uniqueId}`,
            );
            expect(met.toSorted()).toEqual(lost.toSorted());
            const deletes = elementsOf(diff).filter(({ action, linkOnly }) => action === 'delete' && !linkOnly);
            const deleted = new Set(deletes.map(({ type, name }) => keyOf(type, name)));
            await to.syncFrom(from, { diff });
            const after = await storedState(to);
            for (const link of lost) {
              const child = link.split(' > ')[1] ?? '';
              expect([child, after.objects.has(child)]).toEqual([child, before.objects.has(child)]);
              // A parent that is deleted, and may be created again elsewhere, loses its links.
              const kept = [...before.links].filter(
                (each) => each.endsWith(`> ${child}`) && !deleted.has(each.split(' > ')[0] ?? ''),
              );
              expect(kept.filter((each) => !after.links.has(each))).toEqual([]);
            }
            expect(await danglingOf(to)).toEqual([]);
            expect([...(await storedState(from)).links].toSorted()).toEqual([...source.links].toSorted());
          });
        }),
        { numRuns },
      );
    },
    TIMEOUT_MS,
  );

  it('of a link that was made to what another process has just removed are taken back', async () => {
    const storeId = `two-processes-${store.name.replaceAll(/\W/g, '-')}`;
    const first = await store.open({ storeId });
    // A store in memory is one process's: the other one is another adapter call then.
    const second = store.shared ? await store.open({ storeId }) : undefined;
    try {
      const from = new Inventory({ name: 'source' });
      await fill(from, { nyc: { d1: ['e0'], d2: ['e0'] } });
      const remover = second === undefined ? undefined : new Inventory({ name: 'second', store: second });
      class Linking extends Device {
        override async linkChild(): Promise<void> {
          const other: Adapter = remover ?? to;
          const obj = await other.get(Interface, 'e0');
          const d1 = await other.get(Device, 'd1');
          d1.removeChild(obj);
          await other.store.flush();
          await other.remove(obj);
        }
      }
      class Target extends Inventory {
        static override readonly models = [Site, Linking, Interface];
      }
      const to: Adapter = new Target({ name: 'target', store: first, logger: new Warnings() });
      await fill(to, { nyc: { d1: ['e0'], d2: [] } });
      const diff = await to.syncFrom(from);
      expect((await to.get(Device, 'd2')).interfaces).toEqual([]);
      expect(elementsOf(diff).find(({ linkOnly }) => linkOnly)?.message).toMatch(/^Left out: .*any more/);
      expect((await to.store.verify()).clean).toBe(true);
      expect(changesOf(await to.diffFrom(from))).toEqual(['create interface e0', 'create interface e0']);
    } finally {
      await second?.close();
      await store.close(first);
    }
  });
});

describe('a repair of dangling links', () => {
  /** Runs a function once, between the look at what dangles and the write. */
  class Meanwhile extends LocalStore {
    meanwhile: (() => Promise<void>) | undefined;
    protected override async modifyRecords(...args: Parameters<LocalStore['modifyRecords']>): Promise<void> {
      const { meanwhile } = this;
      this.meanwhile = undefined;
      await meanwhile?.();
      await super.modifyRecords(...args);
    }
  }

  it('leaves what another process has stored, linked or changed meanwhile', async () => {
    const store = new Meanwhile();
    const adapter = new Inventory({ store });
    await adapter.addMany([
      new Site({ name: 'nyc', devices: ['d1', 'd2'] }),
      new Device({ name: 'd1', interfaces: ['e0', 'e1', 'e2'] }),
      new Interface({ name: 'e2' }),
    ]);
    store.meanwhile = async () => {
      await adapter.add(new Interface({ name: 'e0' }));
      await adapter.add(new Device({ name: 'd2', interfaces: ['e3'] }));
      await adapter.update(new Device({ name: 'd1', role: 'leaf', interfaces: ['e0', 'e1', 'e2'] }));
    };
    const report = await store.verify({ repair: true });
    expect(report.problems).toEqual([
      {
        kind: 'dangling-link',
        model: 'device',
        uniqueId: 'd1',
        child: { model: 'interface', uniqueId: 'e1' },
        repaired: true,
      },
    ]);
    const [site, device] = [await adapter.get(Site, 'nyc'), await adapter.get(Device, 'd1')];
    expect([site.devices, device.role, device.interfaces.toSorted()]).toEqual([['d1', 'd2'], 'leaf', ['e0', 'e2']]);
    expect((await store.verify()).problems.map(({ child }) => child?.uniqueId)).toEqual(['e3']);
  });

  it('reports nothing that a loader completes before the second look', async () => {
    const store = new LocalStore();
    const adapter = new Inventory({ store });
    await adapter.add(new Site({ name: 'nyc', devices: ['d1'] }));
    const verified = store.verify({ repair: true });
    setImmediate(() => void adapter.add(new Device({ name: 'd1' })));
    expect((await verified).problems).toEqual([]);
    expect((await adapter.get(Site, 'nyc')).devices).toEqual(['d1']);
  });

  it('says nothing of lists of a type that the adapter does not know and the store does not have', async () => {
    class Sites extends Inventory {
      static override readonly models = [Site] as never;
    }
    const adapter = new Sites();
    await adapter.add(new Site({ name: 'nyc', devices: ['elsewhere'] }));
    expect((await adapter.store.verify({ repair: true })).problems).toEqual([]);
  });
});

describe('a list that names what does not exist', () => {
  it('does not keep a parent from being deleted with all below it', async () => {
    const [from, to] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target', logger: new Warnings() })];
    await fill(from, { nyc: {} });
    await fill(to, { nyc: { d1: ['e0', 'e1'] } });
    const device = await to.get(Device, 'd1');
    device.modelFlags = DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE;
    await to.update(device);
    await to.remove(await to.get(Interface, 'e0'));
    await to.syncFrom(from);
    expect([await to.count(Device), await to.count(Interface)]).toEqual([0, 0]);
  });

  it('below each parent that the source has for it is linked again when it is created', async () => {
    const [from, to] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target', logger: new Warnings() })];
    for (const each of [from, to]) await fill(each, { nyc: { d1: ['e0'], d2: ['e0'], d3: [] } });
    (await to.get(Device, 'd3')).addChild(new Interface({ name: 'e0' }));
    await to.remove(await to.get(Interface, 'e0'));
    await to.syncFrom(from);
    const lists = (await to.getAll(Device)).map(({ name, interfaces }) => [name, [...interfaces]]);
    expect(lists).toEqual([
      ['d1', ['e0']],
      ['d2', ['e0']],
      ['d3', []],
    ]);
    expect(changesOf(await to.diffFrom(from))).toEqual([]);
  });

  it('of many is named by its first links, with the number of the others', async () => {
    const warnings = new Warnings();
    const [from, to] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target', logger: warnings })];
    await fill(from, { nyc: {} });
    await to.add(new Site({ name: 'nyc', devices: Array.from({ length: 12 }, (_, at) => `d${at}`) }));
    expect((await to.diffFrom(from)).danglingLinks.target).toHaveLength(12);
    expect(warnings.lines.join()).toMatch(/target name objects .*: device d0 in site nyc, .* and 2 more; a sync takes/);
  });
});
