// Every store that keeps a log of changes: whatever is written, and by whom, what differs from an earlier moment is named.
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { BaseStore, ModelClass } from '../../src/index.js';
import { SEED } from '../faults/seed.js';
import { Device, Inventory, Site, Warnings } from '../fixtures/inventory.js';
import { storesWithOptions } from '../support/stores.js';

const logged = storesWithOptions.filter(({ changes }) => changes === true);
const NUM_RUNS = 12;
const MODELS = [Site, Device] as const;

/** Few, so that writes meet. */
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const role = fc.constantFrom('', 'leaf', 'spine');
const tree = fc.dictionary(name, fc.uniqueArray(name, { maxLength: 3 }), { maxKeys: 3, noNullPrototype: true });

type Run = (store: BaseStore, adapter: Inventory) => Promise<unknown>;

const device = fc.record({ name, role }).map((fields) => () => new Device(fields));
const devices = fc.array(device, { maxLength: 6 }).map((made) => () => made.map((make) => make()));

const link = (linked: boolean): fc.Arbitrary<Run> =>
  fc.tuple(name, name).map(([parent, child]) => async (store) => {
    const site = await store.get({ model: Site, identifier: parent });
    if (linked) site.addChild(new Device({ name: child }));
    else site.removeChild(new Device({ name: child }));
    await store.flush();
  });

/** An inventory in memory: its sites, and the devices of each. */
async function sourceOf(sites: Record<string, string[]>, deviceRole: string): Promise<Inventory> {
  const source = new Inventory({ name: 'source', logger: new Warnings() });
  for (const [each, children] of Object.entries(sites)) {
    await source.add(new Site({ name: each, devices: children }));
    for (const child of children) await source.getOrAddModelInstance(new Device({ name: child, role: deviceRole }));
  }
  return source;
}

const write: fc.Arbitrary<readonly [string, Run]> = fc.oneof(
  device.map((make): [string, Run] => ['add', (store) => store.add({ obj: make() })]),
  devices.map((make): [string, Run] => ['addMany', (store) => store.addMany({ objs: make() })]),
  device.map((make): [string, Run] => ['update', (store) => store.update({ obj: make() })]),
  devices.map((make): [string, Run] => ['updateMany', (store) => store.updateMany({ objs: make() })]),
  device.map((make): [string, Run] => ['remove', (store) => store.remove({ obj: make() })]),
  devices.map((make): [string, Run] => ['removeMany', (store) => store.removeMany({ objs: make() })]),
  fc
    .record({ name, role })
    .map(({ role: value, ...ids }): [string, Run] => [
      'updateOrInstantiate',
      (store) => store.updateOrInstantiate({ model: Device, ids, attrs: { role: value } }),
    ]),
  device.map((make): [string, Run] => ['getOrAdd', (store) => store.getOrAddModelInstance(make())]),
  name.map((site): [string, Run] => ['add a site', (store) => store.add({ obj: new Site({ name: site }) })]),
  name.map((site): [string, Run] => [
    'remove a site and its children',
    async (store) => store.remove({ obj: await store.get({ model: Site, identifier: site }), removeChildren: true }),
  ]),
  link(true).map((run): [string, Run] => ['addChild', run]),
  link(false).map((run): [string, Run] => ['removeChild', run]),
  fc
    .tuple(tree, role)
    .map(([sites, value]): [string, Run] => [
      'sync',
      async (_store, adapter) => adapter.syncFrom(await sourceOf(sites, value)),
    ]),
);

/** A clear while others write may leave a log that knows nothing until the next write. Half the runs have none. */
const writeOrClear = fc.oneof(
  { arbitrary: write, weight: 12 },
  { arbitrary: fc.constant<[string, Run]>(['clear', (store) => store.clear()]), weight: 1 },
);

/** Writes that are made at the same time, each by one of two handles. */
const batchesOf = (writes: typeof write): fc.Arbitrary<(readonly [readonly [string, Run], number])[][]> =>
  fc.array(fc.array(fc.tuple(writes, fc.nat(1)), { minLength: 1, maxLength: 4 }), { minLength: 3, maxLength: 8 });
const batches = fc.oneof(batchesOf(write), batchesOf(writeOrClear));

/** What a model had at a moment, and the cursor that was given before it was read. */
interface Moment {
  readonly model: ModelClass;
  readonly cursor: string;
  readonly objects: ReadonlyMap<string, string>;
}

async function momentOf(store: BaseStore, model: ModelClass): Promise<Moment> {
  const { cursor } = await store.changesSince({ model });
  if (cursor === undefined) throw new Error('there is no log');
  const objects = new Map<string, string>();
  for (const obj of await store.getAll({ model })) objects.set(obj.getUniqueId(), JSON.stringify(obj.toDict()));
  return { model, cursor, objects };
}

const differing = (one: Moment, other: Moment): string[] =>
  [...new Set([...one.objects.keys(), ...other.objects.keys()])].filter(
    (uid) => one.objects.get(uid) !== other.objects.get(uid),
  );

describe.each(logged)('$name', ({ open, shared, close }) => {
  it(`names all that differs from any earlier moment, seed ${SEED}`, async () => {
    let known = 0;
    const property = fc.asyncProperty(batches, async (written) => {
      const storeId = randomUUID();
      const first = await open({ storeId });
      const stores = [first, shared ? await open({ storeId }) : first];
      const adapters = [...new Set(stores)].map((store) => new Inventory({ store, logger: new Warnings() }));
      try {
        let cleared = false;
        const moments: Moment[] = [];
        for (const batch of [[], ...written]) {
          // Whether each succeeds is no matter here: a device may be there already, or not at all.
          await Promise.allSettled(
            batch.map(([[, run], by]) => run(stores[by] as BaseStore, adapters[by % adapters.length] as Inventory)),
          );
          cleared ||= batch.some(([[kind]]) => kind === 'clear');
          for (const model of MODELS) {
            const now = await momentOf(first, model);
            for (const moment of moments.filter((each) => each.model === model)) {
              const { uids } = await first.changesSince({ model, cursor: moment.cursor });
              if (uids === undefined) {
                expect(cleared).toBe(true);
                continue;
              }
              known++;
              expect(uids).toEqual(expect.arrayContaining(differing(moment, now)));
            }
            moments.push(now);
          }
        }
      } finally {
        if (stores[1] !== first) await stores[1]?.close();
        await close(first);
      }
    });
    await fc.assert(property, { numRuns: NUM_RUNS, seed: SEED });
    expect(known).toBeGreaterThan(2 * NUM_RUNS);
  });
});
