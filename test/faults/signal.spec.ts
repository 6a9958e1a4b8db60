// An AbortSignal ends any operation of any store.
import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  ObjectStoreException,
  type BaseStore,
  type OperationOptions,
} from '../../src/index.js';
import { RedisStore } from '../../src/store/redis/index.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { stores } from '../support/stores.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string(), devices: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  children: { device: 'devices' },
}) {}

class Inventory extends Adapter {
  static override readonly models = [Site, Device];
  static override readonly topLevel = ['site'];
}

const device = (name: string): Device => new Device({ name });

type Operation = (store: BaseStore, options: OperationOptions) => Promise<unknown>;

const reads: Record<string, Operation> = {
  ping: (store, options) => store.ping(options),
  get: (store, options) => store.get({ model: Device, identifier: 'a', ...options }),
  find: (store, options) => store.find({ model: Device, uids: ['a', 'x'], ...options }),
  getByUids: (store, options) => store.getByUids({ model: Device, uids: ['a', 'b'], ...options }),
  getAll: (store, options) => store.getAll({ model: Device, ...options }),
  iterate: (store, options) => store.iterate({ model: Device, ...options }).next(),
  count: (store, options) => store.count(options),
  getAllModelNames: (store, options) => store.getAllModelNames(options),
  verify: (store, options) => store.verify(options),
};

const writes: Record<string, Operation> = {
  add: (store, options) => store.add({ obj: device('c'), ...options }),
  addMany: (store, options) => store.addMany({ objs: [device('c'), device('d')], ...options }),
  update: (store, options) => store.update({ obj: device('c'), ...options }),
  updateMany: (store, options) => store.updateMany({ objs: [device('c'), device('d')], ...options }),
  remove: (store, options) => store.remove({ obj: device('a'), ...options }),
  removeMany: (store, options) => store.removeMany({ objs: [device('a'), device('b')], ...options }),
  getOrAddModelInstance: (store, options) => store.getOrAddModelInstance(device('c'), options),
  updateOrAddModelInstance: (store, options) => store.updateOrAddModelInstance(device('c'), options),
  updateOrInstantiate: (store, options) =>
    store.updateOrInstantiate({ model: Device, ids: { name: 'a' }, attrs: { role: 'spine' }, ...options }),
  removeWithChildren: (store, options) => store.remove({ obj: device('a'), removeChildren: true, ...options }),
  repair: (store, options) => store.verify({ repair: true, ...options }),
  clear: (store, options) => store.clear(options),
};

/** What needs no reply of a server that has said nothing wrong. */
const others: Record<string, Operation> = {
  flush: (store, options) => store.flush(options),
  open: (store, options) => store.open(options),
  getOrInstantiate: (store, options) => store.getOrInstantiate({ model: Device, ids: { name: 'c' }, ...options }),
};

const REASON = new Error('the caller has gone');

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof ObjectStoreException ? [error.code, error.cause] : error),
  );
}

describe.each(stores.filter(({ name }) => !/cluster|sentinel/.test(name)))('$name', ({ open, close }) => {
  let store: BaseStore;

  beforeEach(async () => {
    store = await open();
    await store.addMany({ objs: [device('a'), device('b')] });
  });

  afterEach(async () => {
    await close(store);
  });

  it.each(Object.entries({ ...reads, ...writes, ...others }))(
    '%s with a signal that is aborted already rejects with STORE_ABORTED, and nothing is done',
    async (_, work) => {
      expect(await failure(work(store, { signal: AbortSignal.abort(REASON) }))).toEqual(['STORE_ABORTED', REASON]);
      const names = (await store.getAll({ model: Device })).map(({ name, role }) => [name, role]);
      expect(names).toEqual([
        ['a', 'leaf'],
        ['b', 'leaf'],
      ]);
    },
  );

  it.each(Object.entries({ ...reads, ...writes, ...others }))(
    '%s with a signal that is not aborted does as without, and leaves no listener',
    async (_, work) => {
      const { signal } = new AbortController();
      expect(await failure(work(store, { signal }))).toBe('done');
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    },
  );

  it('iterate() ends where it is', async () => {
    const controller = new AbortController();
    const names: string[] = [];
    const iterate = async (): Promise<void> => {
      for await (const { name } of store.iterate({ model: Device, batchSize: 1, signal: controller.signal })) {
        names.push(name);
        controller.abort(REASON);
      }
    };
    expect(await failure(iterate())).toEqual(['STORE_ABORTED', REASON]);
    expect(names).toEqual(['a']);
  });

  it('iterate() ends within a page', async () => {
    const controller = new AbortController();
    const objects = store.iterate({ model: Device, signal: controller.signal });
    expect((await objects.next()).value).toMatchObject({ name: 'a' });
    controller.abort(REASON);
    expect(await failure(objects.next())).toEqual(['STORE_ABORTED', REASON]);
  });
});

it('SQLite: a bulk write or removal that is ended begins no more chunks', async () => {
  const { open, close } = stores.find(({ name }) => name === 'sqlite') as (typeof stores)[number];
  const storeId = randomUUID();
  const [store, other] = [await open({ storeId }), await open({ storeId })];
  const objs = Array.from({ length: 20_000 }, (_, at) => device(`d${at}`));
  const changedBy = async (begin: (signal: AbortSignal) => Promise<void>): Promise<number> => {
    const before = await other.count();
    const controller = new AbortController();
    const work = failure(begin(controller.signal));
    while ((await other.count()) === before) await setImmediate();
    controller.abort(REASON);
    expect(await work).toEqual(['STORE_OUTCOME_UNKNOWN', REASON]);
    const atOnce = await other.count();
    await store.close(); // Waits for what is still running.
    await store.open();
    const after = await other.count();
    expect(Math.abs(after - atOnce)).toBeLessThanOrEqual(500);
    return Math.abs(after - before);
  };
  expect(await changedBy((signal) => store.addMany({ objs, signal }))).toBeLessThan(objs.length);
  await store.addMany({ objs });
  expect(await changedBy((signal) => store.removeMany({ objs, signal }))).toBeLessThan(objs.length);
  await other.close();
  await close(store);
});

describe('a server that does not reply', () => {
  let server: RedisServer;
  let store: RedisStore;

  beforeEach(async () => {
    server = await startRedis();
    store = await RedisStore.connect({ url: server.url, timeout: 60_000 });
    await store.addMany({ objs: [device('a'), device('b')] });
  });

  afterEach(async () => {
    await store.close();
    await server.stop();
  });

  it('reads end with STORE_ABORTED, writes with STORE_OUTCOME_UNKNOWN, long before the time-out', async () => {
    await server.pause();
    const signal = AbortSignal.timeout(100);
    const endings = async (operations: typeof reads): Promise<unknown[]> =>
      Promise.all(Object.values(operations).map((work) => failure(work(store, { signal }))));
    const [read, written] = await Promise.all([endings(reads), endings(writes)]);
    expect(read).toEqual(Object.keys(reads).map(() => ['STORE_ABORTED', signal.reason]));
    expect(written).toEqual(Object.keys(writes).map(() => ['STORE_OUTCOME_UNKNOWN', signal.reason]));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    server.resume();
  });

  it('flush() ends, and the next one writes what waits', async () => {
    const [site, child] = [new Site({ name: 's' }), device('a')];
    await new Inventory({ store }).add(site);
    await server.pause();
    site.addChild(child);
    expect(await failure(store.flush({ signal: AbortSignal.timeout(50) }))).toMatchObject([
      'STORE_OUTCOME_UNKNOWN',
      {},
    ]);
    server.resume();
    await store.flush();
    expect((await store.get({ model: Site, identifier: 's' })).devices).toEqual(['a']);
  });

  it('open() ends, and leaves no connection behind that nobody waits for', async () => {
    await store.close();
    await server.pause();
    const [given, patient] = [store.open({ signal: AbortSignal.timeout(50) }), new AbortController()];
    expect(await failure(given)).toMatchObject(['STORE_ABORTED', {}]);
    server.resume();
    // The abandoned attempt is over when this one, which shares it, has ended.
    const second = store.open({ signal: patient.signal });
    await second;
    expect(await store.count({ model: Device })).toBe(2);
    expect(getEventListeners(patient.signal, 'abort')).toEqual([]);
  });

  it('a bulk write that is ended begins no more chunks', async () => {
    const controller = new AbortController();
    const objs = Array.from({ length: 40_000 }, (_, at) => device(`d${at}`));
    const adding = failure(store.addMany({ objs, signal: controller.signal }));
    while ((await store.count({ model: Device })) < 1000);
    controller.abort(REASON);
    expect(await adding).toEqual(['STORE_OUTCOME_UNKNOWN', REASON]);
    await store.close();
    await store.open();
    expect(await store.count({ model: Device })).toBeLessThan(objs.length);
  });
});
