// What a lease of any store promises beyond the contract suite: which writes it concerns, and when it ends.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  Adapter,
  DiffSyncError,
  LeaseLost,
  LocalStore,
  ValueError,
  type BaseStore,
  type Lease,
  type ModelClass,
} from '../../src/index.js';
import { MemoryLeases } from '../../src/store/lease-table.js';
import { adapterOf, loggerInto } from '../../src/testing/contract/contract-context.js';
import { Device, Site } from '../../src/testing/contract/models.js';
import { stores, type StoreUnderTest } from '../support/stores.js';

const LONG_MS = 60_000;
const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  jest.useRealTimers();
  for (const close of opened.splice(0)) await close();
});

async function open(under: StoreUnderTest, storeId?: string): Promise<BaseStore> {
  const store = await under.open(storeId === undefined ? {} : { storeId });
  opened.push(() => under.close(store));
  return store;
}

/** A lease that has expired, and the next one. */
async function followed(store: BaseStore, other = store): Promise<{ old: Lease; next: Lease }> {
  const old = await store.acquireLease({ holder: { runId: 'old' }, ttlMs: 100, autoRenew: false });
  const next = await other.acquireLease({ holder: { runId: 'next' }, waitMs: LONG_MS });
  return { old, next };
}

const add = (store: BaseStore, name: string): Promise<void> => store.add({ obj: new Device({ name }) });
const names = async (store: BaseStore): Promise<string[]> =>
  (await store.getAll({ model: Device })).map(({ name }) => name).toSorted();

describe.each(stores.map((each) => [each.name, each] as const))('a lease: %s', (_, under) => {
  it('concerns the writes of its run alone, of several runs in one process too', async () => {
    const store = await open(under);
    const other = under.shared ? await open(under, store.storeId) : store;
    const { old, next } = await followed(store, other);
    let wake = (): void => undefined;
    const woken = new Promise<void>((resolve) => (wake = resolve));
    const late = (lease: Lease, owner: BaseStore, name: string): Promise<void> =>
      lease.run(async () => {
        await woken;
        await add(owner, name);
      });
    const works = [late(next, other, 'of next'), late(old, store, 'of old'), woken.then(() => add(store, 'of none'))];
    wake();
    const [ofNext, ofOld, ofNone] = await Promise.allSettled(works);
    expect(ofNext).toMatchObject({ status: 'fulfilled' });
    expect(ofOld).toMatchObject({ status: 'rejected', reason: { code: 'LEASE_LOST' } });
    expect(ofNone).toMatchObject({ status: 'fulfilled' });
    expect(await names(store)).toEqual(['of next', 'of none']);
    await next.release();
  });

  it('released lets what its run has left behind write as everybody does', async () => {
    const store = await open(under);
    const lease = await store.acquireLease();
    let goOn = (): void => undefined;
    const later = new Promise<void>((resolve) => (goOn = resolve));
    let left: Promise<void> | undefined;
    await lease.run(async () => {
      left = later.then(() => add(store, 'left'));
    });
    await lease.release();
    await (await store.acquireLease()).release();
    goOn();
    await left;
    expect(await names(store)).toEqual(['left']);
    await expect(lease.run(async () => undefined)).rejects.toThrow(LeaseLost);
  });

  it('is not waited for by a run that is begun inside its own', async () => {
    const store = await open(under);
    const lease = await store.acquireLease({ holder: { runId: 'outer' } });
    await expect(lease.run(() => store.acquireLease({ waitMs: 600_000 }))).rejects.toMatchObject({
      code: 'SYNC_IN_PROGRESS',
      message: expect.stringContaining('inside run "outer"'),
    });
    await lease.release();
  });

  it('that has expired is not given to another run of the store whose work under it has not ended', async () => {
    const store = await open(under);
    const lease = await store.acquireLease({ holder: { runId: 'old' }, ttlMs: 100, autoRenew: false });
    let end = (): void => undefined;
    const work = lease.run(() => new Promise<void>((resolve) => (end = resolve)));
    while ((await store.leaseHolder()) !== undefined);
    await expect(store.acquireLease()).rejects.toMatchObject({ code: 'SYNC_IN_PROGRESS', holder: { runId: 'old' } });
    const waiting = store.acquireLease({ waitMs: LONG_MS });
    end();
    await work;
    await (await waiting).release();
  });
});

/** Is awaited by the hook of the last device. */
let atTheLast: () => Promise<void> = async () => undefined;

class SlowDevice extends Device {
  static override async create(context: Parameters<typeof Device.create>[0]): ReturnType<typeof Device.create> {
    if (context.ids['name'] === 'r9') await atTheLast();
    return super.create(context);
  }
}

class Inventory extends Adapter {
  static override readonly models: readonly ModelClass[] = [Site, Device];
  static override readonly topLevel = ['site'];
}

class SlowInventory extends Adapter {
  static override readonly models: readonly ModelClass[] = [Site, SlowDevice];
  static override readonly topLevel = ['site'];
}

const sharedStores = stores.filter(({ shared }) => shared).map((each) => [each.name, each] as const);

describe.each(sharedStores)('a sync: %s', (_, under) => {
  it('whose lease is lost in the middle is ended, and what waited is not written', async () => {
    const store = await open(under);
    const other = await open(under, store.storeId);
    const source = new Inventory({ name: 'source' });
    const target = new SlowInventory({ store, name: 'target' });
    await store.add({ obj: new Site({ name: 'nyc' }) });
    const site = new Site({ name: 'nyc' });
    await source.add(site);
    for (let at = 0; at < 10; at++) {
      const device = new Device({ name: `r${at}` });
      await source.add(device);
      site.addChild(device);
    }
    let before: unknown;
    const state = async (): Promise<unknown> => [
      await names(other),
      (await other.get({ model: Site, identifier: 'nyc' })).devices,
    ];
    atTheLast = async () => {
      const next = await other.acquireLease({ holder: { runId: 'next' }, waitMs: LONG_MS });
      await next.run(() => other.updateMany({ objs: [new Device({ name: 'of next' })] }));
      await next.run(() => other.updateOrAddModelInstance(new Site({ name: 'nyc' })));
      before = await state();
    };
    const lease = await store.acquireLease({ holder: { runId: 'old' }, ttlMs: 100, autoRenew: false });
    await expect(lease.run(() => target.syncFrom(source, { signal: lease.lost }))).rejects.toThrow(DiffSyncError);
    expect(lease.lost.reason).toMatchObject({ code: 'LEASE_LOST' });
    await lease.release();
    await store.flush();
    expect(before).toBeDefined();
    expect(await state()).toEqual(before);
  });

  it('whose lease a scheduled flush finds lost is told so: what waited is not written, and no later flush meets it', async () => {
    const store = await open(under);
    const other = await open(under, store.storeId);
    const target = new Inventory({ store, name: 'target' });
    const site = new Site({ name: 'nyc' });
    await target.add(site);
    const warning = jest.spyOn(store.logger, 'warning');
    const lease = await store.acquireLease({ holder: { runId: 'old' }, ttlMs: 100, autoRenew: false });
    const run = lease.run(async () => {
      const next = await other.acquireLease({ holder: { runId: 'next' }, waitMs: LONG_MS });
      await next.run(() => other.update({ obj: new Site({ name: 'nyc' }) }));
      site.addChild(new Device({ name: 'r1' }));
      while (warning.mock.calls.length === 0) await sleep(5);
    });
    await expect(run).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await lease.release();
    await store.flush();
    expect((await other.get({ model: Site, identifier: 'nyc' })).devices).toEqual([]);
  });
});

describe('options of acquireLease()', () => {
  it.each([
    [{ ttlMs: 99 }, 'ttlMs'],
    [{ ttlMs: 86_400_001 }, 'ttlMs'],
    [{ ttlMs: 1000.5 }, 'ttlMs'],
    [{ waitMs: -1 }, 'waitMs'],
    [{ waitMs: Number.NaN }, 'waitMs'],
    [{ holder: { runId: '' } }, 'runId'],
    [{ holder: { by: 'x'.repeat(513) } }, 'by'],
    [{ joins: '\ud800' }, 'joins'],
  ])('%j: ValueError that names %s', async (options, word) => {
    const asked = new LocalStore().acquireLease(options);
    await expect(asked).rejects.toThrow(ValueError);
    await expect(asked).rejects.toThrow(word);
  });
});

describe('a store whose backend keeps no leases', () => {
  class Plain extends LocalStore {
    protected override readonly leases = undefined as never;
    constructor(private readonly where?: string) {
      super({ storeId: 'plain' });
    }
    override get address(): string | undefined {
      return this.where;
    }
  }

  it('has one in this process, which all stores of one address share', async () => {
    const [first, second, elsewhere] = [new Plain('file:1'), new Plain('file:1'), new Plain('file:2')];
    const lease = await first.acquireLease();
    expect(lease.scope).toBe('process');
    await expect(second.acquireLease()).rejects.toMatchObject({ code: 'SYNC_IN_PROGRESS', holder: lease.holder });
    await (await elsewhere.acquireLease()).release();
    await (await new Plain().acquireLease()).release();
    await lease.release();
    expect((await second.acquireLease()).fence).toBeGreaterThan(lease.fence);
  });
});

describe('renewal', () => {
  class Counting extends LocalStore {
    renewals = 0;
    readonly renewed = new EventTarget();
    failing = false;
    protected override readonly leases = Object.assign(new MemoryLeases(), {
      renew: async (): Promise<boolean> => {
        this.renewals++;
        this.renewed.dispatchEvent(new Event('renewed'));
        if (this.failing) throw new Error('out of reach');
        return true;
      },
    });
  }

  it('comes at each third of the ttl, also after one that failed, until release() or close()', async () => {
    jest.useFakeTimers({
      doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date', 'setTimeout'],
    });
    for (const end of ['release', 'close'] as const) {
      const store = new Counting();
      const lease = await store.acquireLease({ ttlMs: 9000 });
      store.failing = true;
      await jest.advanceTimersByTimeAsync(3000);
      store.failing = false;
      await jest.advanceTimersByTimeAsync(2999);
      expect(store.renewals).toBe(1);
      await jest.advanceTimersByTimeAsync(1);
      expect(store.renewals).toBe(2);
      expect(lease.lost.aborted).toBe(false);
      await (end === 'release' ? lease.release() : store.close());
      await jest.advanceTimersByTimeAsync(60_000);
      expect(store.renewals).toBe(2);
    }
  });

  it('keeps no process alive', async () => {
    const store = new LocalStore();
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const lease = await store.acquireLease();
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before);
    await lease.release();
  });

  it('that finds another holder says so by the signal, with the error', async () => {
    const store = new LocalStore();
    const { old, next } = await followed(store);
    const lost = once(old.lost, 'abort');
    await expect(old.renew()).rejects.toMatchObject({ code: 'LEASE_LOST', holder: next.holder });
    await lost;
    expect(old.lost.reason).toBeInstanceOf(LeaseLost);
    expect(String(old.lost.reason)).toContain('run "next"');
    await next.release();
  });
});

it('the child links of a lost run are dropped, and the log says so', async () => {
  const store = new LocalStore();
  const errors: string[] = [];
  store.bindAdapter(adapterOf(store), [Site, Device], loggerInto(errors));
  const site = new Site({ name: 'nyc' });
  await store.add({ obj: site });
  const { old, next } = await followed(store);
  // Lost in the middle of its work, which the process does not know yet.
  await expect(
    old.run(async () => {
      site.addChild(new Device({ name: 'r1' }));
    }),
  ).rejects.toThrow(LeaseLost);
  await store.flush();
  expect((await store.get({ model: Site, identifier: 'nyc' })).devices).toEqual([]);
  expect(errors).toHaveLength(1);
  await next.release();
});
