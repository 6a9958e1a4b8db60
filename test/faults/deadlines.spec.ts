// Whatever happens to the server or the way to it: operations end with a typed error, and work again by themselves.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, DiffSyncModel, ObjectStoreException } from '../../src/index.js';
import { SILENT_LOGGER } from '../../src/logging/logger.js';
import { RedisStore } from '../../src/store/redis/index.js';
import { call } from '../support/redis-client.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf'), parts: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['role'],
  children: { device: 'parts' },
}) {}

class Devices extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
}

const TIMEOUT = 400;
/** An operation that takes longer counts as hung: a busy machine may be late, but not by so much. */
const HUNG_MS = 8000;
const PATIENT_MS = 20_000;
const KEYS = 600;

const device = (name: string, role = 'leaf'): Device => new Device({ name, role });

const reads: Record<string, (store: RedisStore) => Promise<unknown>> = {
  ping: (store) => store.ping(),
  get: (store) => store.get({ model: Device, identifier: 'a' }),
  find: (store) => store.find({ model: Device, uids: ['a', 'b'] }),
  getAll: (store) => store.getAll({ model: Device }),
  iterate: async (store) => {
    for await (const each of store.iterate({ model: Device })) expect(each).toBeInstanceOf(Device);
  },
  count: (store) => store.count(),
  'count of a model': (store) => store.count({ model: Device }),
  getAllModelNames: (store) => store.getAllModelNames(),
};

const writes: Record<string, (store: RedisStore) => Promise<unknown>> = {
  add: (store) => store.add({ obj: device('a') }),
  addMany: (store) => store.addMany({ objs: [device('a'), device('b')] }),
  update: (store) => store.update({ obj: device('c') }),
  updateMany: (store) => store.updateMany({ objs: [device('c'), device('d')] }),
  updateOrInstantiate: (store) =>
    store.updateOrInstantiate({ model: Device, ids: { name: 'a' }, attrs: { role: 'leaf' } }),
  getOrAddModelInstance: (store) => store.getOrAddModelInstance(device('a')),
  remove: async (store) => {
    await store.add({ obj: device('gone') });
    await store.remove({ obj: device('gone') });
  },
  clear: (store) => store.clear(),
};

let server: RedisServer;
let proxy: TcpProxy;
let store: RedisStore;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

/** Made, and undone. */
const faults: Record<string, readonly [make: () => Promise<unknown> | void, heal: () => Promise<unknown> | void]> = {
  'a server that was killed': [
    async () => {
      await call(server, 'SAVE');
      server.kill('SIGKILL');
      await server.ended();
    },
    restart,
  ],
  'a server that is frozen': [() => server.pause(), () => server.resume()],
  'a server that cannot be reached': [() => proxy.refuse(), () => proxy.flow()],
  'a network that keeps everything back': [() => proxy.stall(), () => proxy.flow()],
  'a link that is half open': [() => proxy.darken(), () => proxy.flow()],
  'a network that is slower than the time-out': [() => proxy.delay(2 * TIMEOUT), () => proxy.flow()],
  'replies that are cut short': [() => proxy.truncate(3), () => proxy.flow()],
  'a server that is loading its data': [
    async () => {
      await call(server, 'DEBUG', 'POPULATE', KEYS);
      await call(server, 'SAVE');
      server.kill('SIGKILL');
      await restart();
    },
    () => undefined,
  ],
};

async function restart(): Promise<void> {
  server = await server.restart();
}

beforeAll(() => {
  process.on('unhandledRejection', onUnhandled);
});

afterAll(() => {
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});

beforeEach(async () => {
  server = await startRedis({
    // Loading takes 3 ms a key.
    args: [
      '--enable-debug-command',
      'yes',
      '--key-load-delay',
      '3000',
      '--loading-process-events-interval-bytes',
      '1024',
    ],
  });
  proxy = await startTcpProxy(server);
  const logger = { ...SILENT_LOGGER }; // The adapter's own would tell of the fault.
  store = new RedisStore({ url: proxy.url, storeId: 'deadlines', timeout: TIMEOUT, logger });
  // No fault is made yet, and a busy machine may be later than the time-out.
  const patient = await RedisStore.connect({ url: proxy.url, storeId: 'deadlines', timeout: PATIENT_MS });
  await patient.addMany({ objs: [device('a'), device('b')] });
  await patient.close();
  await untilDone(() => store.open());
  await untilDone(() => store.ping());
});

afterEach(async () => {
  await store.close();
  await proxy.close();
  await server.stop();
});

/** The code of its error, 'done', or 'hung'. */
async function ending(work: Promise<unknown>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const hung = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('hung'), HUNG_MS);
  });
  const ended = work.then(
    () => 'done',
    (error: unknown) => (error instanceof ObjectStoreException ? error.code : String(error)),
  );
  return Promise.race([ended, hung]).finally(() => clearTimeout(timer));
}

/** Does it again until it is done: a machine that is busy can miss the short deadline of the store. @returns how it ended last. */
async function untilDone(work: () => Promise<unknown>): Promise<string> {
  const deadline = Date.now() + HUNG_MS;
  for (;;) {
    const last = await ending(work());
    if (last === 'done' || Date.now() > deadline) return last;
  }
}

async function all(operations: typeof reads): Promise<Record<string, string>> {
  const started = Object.entries(operations).map(async ([name, work]) => [name, await ending(work(store))] as const);
  return Object.fromEntries(await Promise.all(started));
}

const every = (operations: typeof reads, outcome: unknown): Record<string, unknown> =>
  Object.fromEntries(Object.keys(operations).map((name) => [name, outcome]));

describe.each(Object.entries(faults))('%s', (_, [make, heal]) => {
  it('every operation ends with a typed error, and works again afterwards', async () => {
    await make();
    const [read, written] = await Promise.all([all(reads), all(writes)]);
    expect(read).toEqual(every(reads, expect.stringMatching(/^STORE_(UNAVAILABLE|TIMEOUT)$/)));
    expect(written).toEqual(every(writes, expect.stringMatching(/^STORE_(UNAVAILABLE|TIMEOUT|OUTCOME_UNKNOWN)$/)));
    expect(await ending(store.scope({ storeId: 'other' }).open())).toMatch(/^(STORE_(UNAVAILABLE|TIMEOUT)|done)$/);
    await heal();
    await untilDone(() => store.addMany({ objs: [device('a'), device('b')] }));
    for (const [name, work] of Object.entries({ ...reads, ...writes }))
      expect([name, await untilDone(() => work(store))]).toEqual([name, 'done']);
  });

  it('close() ends, and says that a child link is not saved', async () => {
    const parent = await new Devices({ store }).get(Device, 'a');
    await make();
    parent.addChild(device('b'));
    expect(await ending(store.close())).toMatch(/^STORE_(UNAVAILABLE|TIMEOUT|OUTCOME_UNKNOWN)$/);
    expect(store.isOpen).toBe(false);
    await heal();
    await untilDone(() => store.open());
    await store.flush();
    expect((await store.get({ model: Device, identifier: 'a' })).parts).toEqual(['b']);
  });
});

describe('a write that has failed for its caller', () => {
  it('is not done by a server that was frozen, when it wakes', async () => {
    const stores = Array.from({ length: 20 }, (_, at) => store.scope({ storeId: `late${at}` }));
    for (const each of stores) {
      expect(await untilDone(() => each.open())).toBe('done');
      expect(await untilDone(() => each.update({ obj: device('a', 'before') }))).toBe('done');
    }
    await server.pause();
    const writing = stores.map((each) => ending(each.update({ obj: device('a', 'late') })));
    expect(await Promise.all(writing)).toEqual(stores.map(() => 'STORE_OUTCOME_UNKNOWN'));
    server.resume();
    const now = stores.map(async (_, at) => call(server, 'GET', `diffsync:late${at}:device:a`));
    expect(await Promise.all(now)).toEqual(stores.map(() => expect.stringContaining('before')));
    for (const each of stores) await each.close();
  });

  it('clear() neither', async () => {
    await server.pause();
    expect(await ending(store.clear())).toMatch(/STORE_(OUTCOME_UNKNOWN|TIMEOUT)/);
    server.resume();
    expect(await call(server, 'ZCARD', 'diffsync.index:deadlines:device')).toBe(2);
    expect(await call(server, 'SMEMBERS', 'diffsync.models:deadlines')).toEqual(['device']);
  });
});

describe('an operation that is under way when its store is closed', () => {
  it('opens no connection any more', async () => {
    const closing = await RedisStore.connect({ url: proxy.url, storeId: 'closing', timeout: 3000 });
    proxy.darken();
    const pinging = ending(closing.ping());
    const closed = closing.close();
    proxy.flow();
    await closed;
    expect(await pinging).toBe('STORE_UNAVAILABLE');
  });
});

describe('what waits is bounded', () => {
  const codesOf = async (works: readonly Promise<unknown>[]): Promise<Record<string, number>> => {
    const codes: Record<string, number> = {};
    for (const ended of await Promise.allSettled(works)) {
      const code = ended.status === 'fulfilled' ? 'done' : (ended.reason as ObjectStoreException).code;
      codes[code] = (codes[code] ?? 0) + 1;
    }
    return codes;
  };

  it('100,000 single operations of a model: the next are refused, and all end by one deadline', async () => {
    const objs = Array.from({ length: 120_000 }, (_, at) => Device.hydrate({ name: `d${at}`, role: '', parts: [] }));
    await server.pause();
    let codes: Record<string, number> = {};
    const adding = codesOf(objs.map((obj) => store.add({ obj }))).then((found) => (codes = found));
    expect(await ending(adding)).toBe('done');
    const { STORE_OVERLOADED, STORE_OUTCOME_UNKNOWN = 0, STORE_TIMEOUT = 0, ...others } = codes;
    expect([STORE_OVERLOADED, STORE_OUTCOME_UNKNOWN + STORE_TIMEOUT, others]).toEqual([20_000, 100_000, {}]);
    expect(await ending(store.close())).toBe('done');
    server.resume();
  });

  it('1,000 operations: the next are refused', async () => {
    await server.pause();
    const codes = await codesOf(Array.from({ length: 1500 }, () => store.ping()));
    expect(codes).toEqual({ STORE_OVERLOADED: 500, STORE_TIMEOUT: 1000 });
    server.resume();
  });
});
