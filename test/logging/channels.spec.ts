// What the tracing channels say of real work, and that the work runs inside the contexts of their subscribers.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { TracingChannel } from 'node:diagnostics_channel';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Adapter,
  diffChannel,
  hookChannel,
  loadChannel,
  ObjectNotFound,
  phaseChannel,
  runChannel,
  storeChannel,
  syncChannel,
  SyncInProgress,
  SyncRefused,
  SyncRunner,
  type BaseStore,
  type BulkContext,
  type CreateItem,
  type HookTrace,
  type RunTrace,
  type StoreTrace,
  type SyncTrace,
  type TraceContext,
  type ModelClass,
} from '../../src/index.js';
import { placeOf } from '../../src/store/store-trace.js';
import { Device, fill, Hooks, Inventory, Site, watched } from '../fixtures/inventory.js';
import { engineStores } from '../support/stores.js';

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Keeps the messages of a channel, each once it has ended. */
function ended<Message extends TraceContext>(channel: TracingChannel<unknown, Message>): Message[] {
  const messages: Message[] = [];
  const note = (message: unknown): void => void messages.push(message as Message);
  channel.asyncEnd.subscribe(note);
  ends.push(() => channel.asyncEnd.unsubscribe(note));
  return messages;
}

/** A network whose source of data is a record. */
class Network extends Inventory {
  constructor(
    private readonly sites: Parameters<typeof fill>[1],
    options: { name?: string } = {},
  ) {
    super({ name: 'network', ...options });
  }

  override async load(): Promise<void> {
    await fill(this, this.sites);
  }
}

const summary = ({ operation, model, size }: StoreTrace): string =>
  [operation, model, size].filter((each) => each !== undefined).join(' ');

describe.each(engineStores.slice(0, 3))('diffsync:store, $name', ({ name, open, close }) => {
  const openStores: BaseStore[] = [];

  afterEach(async () => {
    for (const store of openStores.splice(0)) await close(store);
  });

  async function opened(): Promise<BaseStore> {
    const store = await open();
    openStores.push(store);
    return store;
  }

  it('tells of each operation: model, number and unique ids of objects, and where the store is', async () => {
    const store = await opened();
    const traces = ended(storeChannel);
    await store.addMany({ objs: ['a', 'b', 'c'].map((each) => new Device({ name: each })) });
    await store.get({ model: Device, identifier: 'a' });
    await store.getAll({ model: Device });
    await store.count();
    expect(traces.map(summary)).toEqual(['addMany device 3', 'get device 1', 'getAll device', 'count']);
    const [added] = traces;
    expect(added).toMatchObject({
      store: store.name,
      storeId: store.storeId,
      engine: store.engine,
      uids: ['a', 'b', 'c'],
    });
    const { serverAddress, serverPort, namespace } = added as StoreTrace;
    const place = [serverAddress, serverPort, namespace];
    if (name === 'local') expect(place).toEqual([undefined, undefined, undefined]);
    if (name === 'sqlite') expect(place).toEqual([undefined, undefined, 'stores.db']);
    if (name === 'redis') expect(place).toEqual(['127.0.0.1', expect.any(Number), '0']);
  });

  it('tells what an operation has failed with', async () => {
    const store = await opened();
    const traces = ended(storeChannel);
    await expect(store.get({ model: Device, identifier: 'a' })).rejects.toThrow(ObjectNotFound);
    expect(traces[0]?.error).toBeInstanceOf(ObjectNotFound);
  });

  it('tells of each page of a long read', async () => {
    const store = await opened();
    await store.addMany({ objs: ['a', 'b', 'c'].map((each) => new Device({ name: each })) });
    const traces = ended(storeChannel);
    for await (const _ of store.iterate({ model: Device, batchSize: 2 }));
    expect(traces.filter(({ operation }) => operation === 'iterate').length).toBeGreaterThanOrEqual(3);
  });

  it('tells of what a sync has deferred, when it is written', async () => {
    const store = await opened();
    const source = new Inventory({ name: 'source' });
    await fill(source, { nyc: { d1: ['e0'] } });
    const target = new Inventory({ name: 'target', store });
    const traces = ended(storeChannel);
    await target.syncFrom(source);
    const flushed = traces.filter(({ operation, storeId }) => operation === 'flush' && storeId === store.storeId);
    expect(flushed.reduce((sum, { size = 0 }) => sum + size, 0)).toBe(3);
  });

  it('tells of an operation that a signal has ended, at once', async () => {
    const store = await opened();
    const traces = ended(storeChannel);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(store.count({ signal })).rejects.toMatchObject({ code: 'STORE_ABORTED' });
    expect(traces[0]?.error).toMatchObject({ code: 'STORE_ABORTED' });
  });
});

describe('where a store is', () => {
  it.each([
    ['redis://localhost:6379/2', 'localhost', 6379, '2'],
    ['rediss://[::1]:6380/0', '::1', 6380, '0'],
    ['unix:///run/redis/redis.sock/3', '/run/redis/redis.sock', undefined, '3'],
    ['redis-cluster://a:7000', 'a', 7000, undefined],
    ['redis-cluster://a:7000,b:7001', undefined, undefined, undefined],
    ['redis-sentinel://a:26379,b:26379/mymaster/0', undefined, undefined, '0'],
    ['/var/lib/app/inventory.db', undefined, undefined, 'inventory.db'],
    [undefined, undefined, undefined, undefined],
  ])('%s', (address, serverAddress, serverPort, namespace) => {
    expect(placeOf(address)).toEqual({ serverAddress, serverPort, namespace });
  });
});

describe('the channels of loads, diffs, syncs and hooks', () => {
  it('tell between which adapters, and of each hook', async () => {
    const network = new Network({ nyc: { d1: [], d2: [] } });
    const target = watched(new Hooks());
    const [loads, diffs, syncs, hooks] = [
      ended(loadChannel),
      ended(diffChannel),
      ended(syncChannel),
      ended(hookChannel),
    ];
    await network.load();
    const diff = await target.syncFrom(network);
    expect(loads).toEqual([expect.objectContaining({ adapter: 'network', reload: false })]);
    expect(diffs).toEqual([expect.objectContaining({ source: 'network', target: 'target', result: diff })]);
    expect(syncs).toEqual([expect.objectContaining({ source: 'network', target: 'target', diff })]);
    const said = hooks.map(({ hook, action, model, size, uids }: HookTrace) => [hook, action, model, size, ...uids]);
    expect(said).toEqual([
      ['create', 'create', 'site', 1, 'nyc'],
      ['create', 'create', 'device', 1, 'd1'],
      ['create', 'create', 'device', 1, 'd2'],
    ]);
  });

  it('tell of no hook that a model does not override', async () => {
    const source = new Inventory({ name: 'source' });
    await fill(source, { nyc: {} });
    const hooks = ended(hookChannel);
    const target = new Inventory({ name: 'target' });
    await target.syncFrom(source);
    await target.syncFrom(new Inventory({ name: 'source' }));
    expect(await target.count()).toBe(0);
    expect(hooks).toEqual([]);
  });

  it('tell of a bulk hook once, with all its objects', async () => {
    class Bulk extends Device {
      static override async createBulk({ adapter, objects }: BulkContext<CreateItem<{ name: string }>>) {
        return Promise.all(objects.map(({ ids, attrs }) => this.create({ adapter, ids, attrs })));
      }
    }
    class Target extends Adapter {
      static override readonly models: readonly ModelClass[] = [Bulk];
      static override readonly topLevel = ['device'];
    }
    const source = new Target();
    await source.addMany(['a', 'b'].map((name) => new Bulk({ name })));
    const hooks = ended(hookChannel);
    await new Target().syncFrom(source);
    expect(hooks).toEqual([
      expect.objectContaining({ hook: 'createBulk', action: 'create', size: 2, uids: ['a', 'b'] }),
    ]);
  });

  it('tell of a sync that has failed what it has done, and of the hook why', async () => {
    const source = new Inventory({ name: 'source' });
    await fill(source, { nyc: { d1: [], d2: [] } });
    const failing = new Hooks();
    const why = new Error('no power');
    failing.failures.set('create device d2', why);
    const [syncs, hooks] = [ended(syncChannel), ended(hookChannel)];
    await expect(watched(failing).syncFrom(source)).rejects.toMatchObject({ code: 'SYNC_HOOK_FAILED' });
    const [{ diff, error }] = syncs as [SyncTrace];
    expect(error).toMatchObject({ code: 'SYNC_HOOK_FAILED' });
    expect([...(diff?.operations ?? [])].map(([model, { create }]) => [model, create])).toEqual([
      ['site', ['nyc']],
      ['device', ['d1']],
    ]);
    expect(hooks.map((each) => each.error)).toEqual([undefined, undefined, why]);
  });

  it('tell of a reload, and of the load within', async () => {
    const network = new Network({ nyc: {} });
    const loads = ended(loadChannel);
    await network.reload();
    expect(loads.map(({ reload }) => reload)).toEqual([false, true]);
  });
});

describe('the channels of runs', () => {
  it('tell of the run and of its phases', async () => {
    const network = new Network({ nyc: { d1: [] } });
    const [runs, phases] = [ended(runChannel), ended(phaseChannel)];
    const target = new Inventory({ name: 'cmdb' });
    const run = await new SyncRunner().run({ source: network, target, label: 'nightly' });
    expect(runs).toEqual([
      expect.objectContaining({ id: run.id, kind: 'sync', label: 'nightly', source: 'network', target: 'cmdb', run }),
    ]);
    expect(new Set(phases.map(({ phase }) => phase))).toEqual(new Set(run.phases.map(({ phase }) => phase)));
    expect(new Set(phases.map(({ id }) => id))).toEqual(new Set([run.id]));
  });

  it('tell what a guard has refused', async () => {
    const target = new Inventory({ name: 'cmdb' });
    await target.addMany(Array.from({ length: 30 }, (_, at) => new Site({ name: `s${at}` })));
    const runs = ended(runChannel);
    const running = new SyncRunner().run({ source: new Network({}), target, load: 'source' });
    await expect(running).rejects.toThrow(SyncRefused);
    const [{ run, error }] = runs as [RunTrace];
    expect([run?.outcome, run?.guards.map(({ code }) => code)]).toEqual(['refused', ['SYNC_SOURCE_EMPTY']]);
    expect(error).toBeInstanceOf(SyncRefused);
  });

  it('tell of a run that has not begun, because another one has the target', async () => {
    const target = new Inventory({ name: 'cmdb' });
    const runner = new SyncRunner();
    class Outer extends Network {
      override async load(): Promise<void> {
        await expect(runner.run({ source: new Network({}), target, load: 'none' })).rejects.toThrow(SyncInProgress);
      }
    }
    const runs = ended(runChannel);
    await runner.run({ source: new Outer({}), target, guards: false });
    expect(runs.map(({ run }) => run?.outcome)).toEqual([undefined, 'succeeded']);
  });
});

describe('the work', () => {
  it('runs inside what a subscriber of `start` binds, and inside every `around`', async () => {
    const bound = new AsyncLocalStorage<string>();
    const own = new AsyncLocalStorage<readonly string[]>();
    hookChannel.start.bindStore(bound, ({ hook }) => hook);
    ends.push(() => hookChannel.start.unbindStore(bound));
    for (const each of ['first', 'second']) {
      const enter = (data: unknown): void => {
        const message = data as HookTrace;
        const { around } = message;
        message.around = (work) =>
          own.run([...(own.getStore() ?? []), each], () => (around === undefined ? work() : around(work)));
      };
      hookChannel.start.subscribe(enter);
      ends.push(() => hookChannel.start.unsubscribe(enter));
    }
    const seen: unknown[] = [];
    class Observed extends Device {
      static override async create(...args: Parameters<typeof Device.create>) {
        await Promise.resolve();
        seen.push(bound.getStore(), own.getStore());
        return super.create(...args);
      }
    }
    class Target extends Adapter {
      static override readonly models: readonly ModelClass[] = [Observed];
      static override readonly topLevel = ['device'];
    }
    const source = new Target();
    await source.add(new Observed({ name: 'a' }));
    await new Target().syncFrom(source);
    expect(seen).toEqual(['create', ['second', 'first']]);
    expect(own.getStore()).toBeUndefined();
  });
});
