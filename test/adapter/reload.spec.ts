import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Adapter, LocalStore, ReloadConflict, SyncInProgress, type BaseStore } from '../../src/index.js';
import { Device, fill, Inventory, Site, tree } from '../fixtures/inventory.js';
import { engineStores } from '../support/stores.js';

type Sites = Parameters<typeof fill>[1];

/** Loads what its system holds, page by page, or does what a test sets. */
class Network extends Inventory {
  system: Sites = {};
  #pages = 0; // A private field: the very object must be loaded, no copy of it.
  during: (page: number) => Promise<void> = async () => undefined;

  override async load(region = ''): Promise<void> {
    for (const [site, devices] of Object.entries(this.system)) {
      await this.during(this.#pages++);
      await fill(this, { [site]: devices });
      if (region !== '') await this.update(new Site({ name: site, region, devices: Object.keys(devices) }));
    }
  }
}

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

const FIRST: Sites = { nyc: { d1: ['e0', 'e1'], d2: [] }, sfo: { d3: ['e3'] }, old: { d4: ['e4'] } };
/** Of the first: d2 and e1 have moved, d4 is gone with its site, ams is new. */
const SECOND: Sites = { ams: { d5: ['e5'] }, nyc: { d1: ['e0'] }, sfo: { d3: ['e3', 'e1'], d2: [] } };

describe.each(engineStores)('reload, $name', ({ shared, open, close }) => {
  async function network(system: Sites): Promise<Network> {
    const store = await open();
    opened.push(async () => close(store));
    const adapter = new Network({ store, name: 'network' });
    adapter.system = system;
    return adapter;
  }

  /** Another process's view of the store. */
  async function elsewhere({ store }: Adapter): Promise<Network> {
    const other = await open({ storeId: String(store.storeId) });
    opened.push(async () => other.close());
    return new Network({ store: other, name: 'elsewhere' });
  }

  it('writes only differences; moves, links and order are those of load', async () => {
    const adapter = await network(FIRST);
    expect(await adapter.reload()).toEqual({ created: 11, updated: 0, deleted: 0, unchanged: 0 });
    expect(await adapter.reload()).toEqual({ created: 0, updated: 0, deleted: 0, unchanged: 11 });
    adapter.system = SECOND;
    // Created: ams, d5, e5. Updated: nyc, sfo, d1, d3. Deleted: old, d4, e4. Unchanged: d2, e0, e1, e3.
    expect(await adapter.reload()).toEqual({ created: 3, updated: 4, deleted: 3, unchanged: 4 });
    expect(await tree(adapter)).toEqual({ sites: SECOND, orphans: [] });
    expect((await adapter.getAll(Site)).map(String)).toEqual(['nyc', 'sfo', 'ams']);
    expect((await adapter.getAll(Device)).map(String)).toEqual(['d1', 'd2', 'd3', 'd5']);
    expect((await adapter.store.verify()).found).toBe(0);
    adapter.system = {};
    expect(await adapter.reload()).toEqual({ created: 0, updated: 0, deleted: 11, unchanged: 0 });
    expect(await adapter.count()).toBe(0);
  });

  it('passes its arguments to load, and load passes them on too', async () => {
    const adapter = await network({ nyc: {} });
    await adapter.load('us');
    expect((await adapter.get(Site, 'nyc')).region).toBe('us');
    expect(await adapter.reload('eu')).toMatchObject({ updated: 1 });
    expect((await adapter.get(Site, 'nyc')).region).toBe('eu');
  });

  it('shows others the old objects until load is done, and after a load that fails', async () => {
    const adapter = await network(FIRST);
    await adapter.load();
    const seen: unknown[] = [];
    // Started here, so that it is not part of the load's asynchronous context.
    let look = (): void => undefined;
    const looking = new Promise<void>((resolve) => (look = resolve)).then(async () => {
      seen.push((await tree(adapter)).sites, adapter.store === real);
    });
    const real = adapter.store;
    adapter.system = SECOND;
    adapter.during = async (page) => {
      expect(adapter.store).not.toBe(real);
      if (page % 3 !== 1) return; // The load before had three pages.
      look();
      await looking;
      seen.push(await adapter.count());
      throw new Error('the API is down');
    };
    await expect(adapter.reload()).rejects.toThrow('the API is down');
    expect(seen).toEqual([FIRST, true, 3]); // The copy has ams, d5 and e5.
    expect(adapter.store).toBe(real);
    expect(await tree(adapter)).toEqual({ sites: FIRST, orphans: [] });
    adapter.during = async () => undefined;
    await adapter.reload();
    expect(await tree(adapter)).toEqual({ sites: SECOND, orphans: [] });
  });

  it('binds the objects of load as load does: their links are saved afterwards', async () => {
    const adapter = await network({ nyc: {} });
    let site: Site | undefined;
    adapter.load = async () => {
      await adapter.add((site = new Site({ name: 'nyc' })));
      await adapter.add(new Device({ name: 'd1' }), { parent: site });
      expect((await adapter.get(Site, 'nyc')).devices).toEqual(['d1']); // Load sees what it has done.
    };
    await adapter.reload();
    expect(site?.adapter).toBe(adapter);
    await adapter.add(new Device({ name: 'd2' }), { parent: site as Site });
    expect((await adapter.get(Site, 'nyc')).devices).toEqual(['d1', 'd2']);
  });

  if (!shared) return;

  it('of 1,500 devices proposes no delete to dry runs of another process', async () => {
    const adapter = await network({});
    const sites = (turn: number): Sites =>
      Object.fromEntries(
        Array.from({ length: 10 }, (_, site) => [
          `s${site}`,
          // Every device moves to the next site at each reload, and 100 are new.
          Object.fromEntries(
            Array.from({ length: 150 + turn * 10 }, (__, i) => [`d${((site + turn) % 10) + i * 10}`, []]),
          ),
        ]),
      );
    adapter.system = sites(0);
    await adapter.load();
    const [source, target] = [await elsewhere(adapter), new Inventory()];
    await target.syncFrom(adapter);
    adapter.system = sites(1);
    adapter.during = async () => sleep(5);
    const state = { reloading: true };
    const reload = adapter.reload().finally(() => (state.reloading = false));
    const deletes: number[] = [];
    while (state.reloading || deletes.length < 5) {
      const diff = await target.diffFrom(source, { modelTypes: ['site', 'device'] });
      // A device that leaves a site where it still is elsewhere is a move, and no delete.
      deletes.push(goneFrom(diff, await target.getAll(Device)));
    }
    expect(await reload).toMatchObject({ created: 100, updated: 10, deleted: 0, unchanged: 1500 });
    expect(deletes.filter((gone) => gone > 0)).toEqual([]);
    expect(await tree(source)).toEqual({ sites: sites(1), orphans: [] });
  });
});

/** How many devices a diff deletes and creates nowhere. */
function goneFrom(diff: Awaited<ReturnType<Adapter['diffFrom']>>, devices: readonly Device[]): number {
  const [created, deleted] = [new Set<string>(), new Set<string>()];
  for (const site of diff.getChildren()) {
    for (const element of site.getChildren()) {
      if (element.action === 'create') created.add(element.name);
      if (element.action === 'delete' && !element.linkOnly) deleted.add(element.name);
    }
  }
  return devices.filter(({ name }) => deleted.has(name) && !created.has(name)).length;
}

describe('reload', () => {
  it('runs beside no sync of the same adapter, and no other reload', async () => {
    const adapter = new Network({ name: 'network' });
    adapter.system = FIRST;
    const errors: unknown[] = [];
    const refused = async (promise: Promise<unknown>): Promise<void> => {
      await promise.catch((error: unknown) => errors.push(error));
    };
    let page = 0;
    adapter.during = async () => (page++ === 2 ? refused(adapter.reload()) : undefined); // It would never end.
    const reload = adapter.reload();
    await refused(adapter.reload());
    await refused(adapter.syncFrom(new Inventory({ name: 'api' })));
    await reload;
    class Cmdb extends Network {
      override async syncComplete(): Promise<void> {
        await refused(this.reload());
      }
    }
    await new Cmdb({ name: 'cmdb' }).syncFrom(adapter);
    for (const error of errors) expect(error).toBeInstanceOf(SyncInProgress);
    expect(errors.map((error) => (error as Error).message)).toEqual([
      'The reload of network cannot begin, because the reload of network is still running: wait until it has settled',
      'The sync from api into network cannot begin, because the reload of network is still running: wait until it has ' +
        'settled, or pass waitMs',
      expect.stringContaining('was started inside the reload of network'),
      expect.stringContaining('was started inside the sync from network into cmdb'),
    ]);
    expect((await tree(adapter)).sites).toEqual(FIRST);
  });

  it('may load by a sync into itself', async () => {
    class Mirror extends Inventory {
      override async load(): Promise<void> {
        await this.syncFrom(system);
      }
    }
    const [system, mirror] = [new Inventory(), new Mirror()];
    await fill(mirror, FIRST);
    await fill(system, SECOND);
    expect(await mirror.reload()).toEqual({ created: 3, updated: 4, deleted: 3, unchanged: 4 });
    expect(await tree(mirror)).toEqual({ sites: SECOND, orphans: [] });
  });

  it('keeps out what a failed load has left running', async () => {
    const adapter = new Network({ name: 'network' });
    await fill(adapter, FIRST);
    let late: Promise<unknown> = Promise.resolve();
    let goOn = (): void => undefined;
    const site = new Site({ name: 'late' });
    adapter.load = async () => {
      await adapter.add(site);
      late = new Promise<void>((resolve) => (goOn = resolve)).then(async () =>
        adapter.add(new Device({ name: 'late' })),
      );
      throw new Error('down');
    };
    await expect(adapter.reload()).rejects.toThrow('down');
    goOn();
    await expect(late).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    expect(() => site.addChild(new Device({ name: 'd9' }))).toThrow('copy of LocalStore');
    expect(await tree(adapter)).toEqual({ sites: FIRST, orphans: [] });
  });

  it('lets what a load has left running, such as a timer, see the store', async () => {
    const adapter = new Network({ name: 'network' });
    const { store } = adapter;
    let seen: BaseStore | undefined;
    let tick = (): void => undefined;
    let ticked: Promise<void> = Promise.resolve();
    adapter.during = async () => {
      ticked = new Promise<void>((resolve) => (tick = resolve)).then(() => void (seen = adapter.store));
    };
    adapter.system = { nyc: {} };
    await adapter.reload();
    adapter.during = async () => {
      tick();
      await ticked;
      expect(seen).toBe(store);
      expect(adapter.store).not.toBe(store);
    };
    await adapter.reload();
    expect(Object.getOwnPropertyDescriptor(adapter, 'store')).toMatchObject({ value: store, writable: true });
  });

  it('is refused, and deletes nothing, when load writes past it into the store', async () => {
    class Direct extends Inventory {
      constructor(private readonly injected: BaseStore) {
        super({ store: injected, name: 'direct' });
      }
      override async load(): Promise<void> {
        await this.injected.updateMany({ objs: [new Site({ name: 'nyc' }), new Site({ name: 'sfo' })] });
      }
    }
    const adapter = new Direct(new LocalStore());
    await adapter.load();
    const error = await adapter.reload().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ReloadConflict);
    expect(error).toMatchObject({
      code: 'RELOAD_CONFLICT',
      message: expect.stringContaining('direct was not reloaded'),
    });
    expect((await adapter.getAll(Site)).map(String)).toEqual(['nyc', 'sfo']);
  });

  it('of a subclass that declares store itself works, and takes the arguments of its load', async () => {
    class Declared extends Network {
      constructor(override readonly store: LocalStore) {
        super({ store });
      }
    }
    const adapter = new Declared(new LocalStore());
    adapter.system = { nyc: { d1: [] } };
    expect(await adapter.reload('eu')).toMatchObject({ created: 2 });
    // @ts-expect-error -- load takes a string
    const wrong = (): Promise<unknown> => adapter.reload(1);
    expect(wrong).toBeInstanceOf(Function);
    const base: Adapter = adapter;
    expect(await base.reload()).toEqual({ created: 0, updated: 1, deleted: 0, unchanged: 1 });
  });

  it('that cannot write leaves objects of before or after, and the next one completes it', async () => {
    let fail = true;
    class FailingStore extends LocalStore {
      protected override async deleteRecords(model: string, uids: readonly string[]): Promise<boolean[]> {
        if (fail) throw new Error('the disk is full');
        return super.deleteRecords(model, uids);
      }
    }
    const adapter = new Network({ store: new FailingStore() });
    await fill(adapter, FIRST);
    adapter.system = SECOND;
    await expect(adapter.reload()).rejects.toThrow('the disk is full');
    fail = false;
    expect(await adapter.reload()).toEqual({ created: 0, updated: 0, deleted: 3, unchanged: 11 });
    expect(await tree(adapter)).toEqual({ sites: SECOND, orphans: [] });
  });
});
