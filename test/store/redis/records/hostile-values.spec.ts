// Somebody has written to the server what no store would. Not in the contract suite: keys are Redis's own.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { Adapter, DiffSyncError, LocalStore, ObjectStoreException, type ModelClass } from '../../../../src/index.js';
import { RedisStore } from '../../../../src/store/redis/index.js';
import { Box, Device, devices, Interface } from '../../../../src/testing/contract/models.js';
import { startRedis, type RedisServer } from '../../../support/redis-server.js';

class Inventory extends Adapter {
  static override readonly models: readonly ModelClass[] = [Device, Interface, Box];
  static override readonly topLevel = ['device', 'box'];
}

let server: RedisServer;
let redis: Redis;
let store: RedisStore;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});

afterEach(async () => {
  await store.close();
  await redis.flushall();
});

afterAll(async () => {
  await redis.quit();
  await server.stop();
});

const KEY = 'diffsync:inv:device:r1';
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const device = (fields: object): Buffer =>
  json({ name: 'r1', role: 'leaf', vlan: null, tags: [], interfaces: [], ...fields });

/** Bytes that are no device "r1", and what can be said of them. */
const DAMAGED: Record<string, [bytes: Buffer, reason: RegExp]> = {
  nothing: [Buffer.of(), /is no stored object/],
  'bytes that are no text': [Buffer.from([0x80, 0x03, 0x7d, 0xff]), /is not UTF-8/],
  'broken UTF-8 in a text': [Buffer.from(String(device({ role: '\xff' })), 'latin1'), /is not UTF-8/],
  'half of it': [device({}).subarray(0, 20), /is no stored object/],
  'a list': [json([1]), /is no stored object/],
  'deep lists': [Buffer.from(`{"name":"r1","tags":${'['.repeat(90_000)}${']'.repeat(90_000)}}`), /is no stored object/],
  'a bigint of a million digits': [
    Buffer.from(`{"name":"r1","vlan":{"$diffsync":"bigint","v":"${'1'.repeat(1_000_000)}"}}`),
    /is no stored object/,
  ],
  'another object': [device({ name: 'r2' }), /identifiers of another unique id/],
  'no identifier': [json({ role: 'leaf' }), /identifiers of another unique id/],
  'an identifier that is no text': [device({ name: { toString: 1 } }), /identifiers of another unique id/],
  'an identifier on the prototype': [Buffer.from('{"__proto__":{"name":"r1"}}'), /identifiers of another unique id/],
  'children that are no list': [device({ interfaces: { length: 1, 0: 'x' } }), /"interfaces" that is no list/],
  'children that are no unique ids': [device({ interfaces: ['x', 1] }), /"interfaces" that is no list/],
  'flags that are none': [json({ $diffsync: 'object', flags: 2 ** 40, v: { name: 'r1' } }), /is no stored object/],
};

async function withDevices(): Promise<void> {
  store = await RedisStore.connect({ url: server.url, storeId: 'inv' });
  await store.addMany({ objs: devices(3) });
}

async function outcomes(work: Record<string, () => Promise<unknown>>): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [name, run] of Object.entries(work)) {
    found[name] = await run().then(
      () => 'done',
      (error: unknown) => error,
    );
  }
  return found;
}

/** Everything that reads the model, and so the damaged object. */
function reads(): Record<string, () => Promise<unknown>> {
  const target = new Inventory({ store: new LocalStore() });
  const source = new Inventory({ store: store.scope({ storeId: 'inv' }) });
  const whileOpen = async (work: () => Promise<unknown>): Promise<unknown> => {
    await source.store.open();
    try {
      return await work();
    } finally {
      await source.store.close();
    }
  };
  return {
    get: () => store.get({ model: Device, identifier: 'r1' }),
    find: () => store.find({ model: Device, uids: ['r0', 'r1'] }),
    getAll: () => store.getAll({ model: Device }),
    iterate: async () => {
      for await (const _ of store.iterate({ model: Device }));
    },
    updateOrInstantiate: () => store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { role: 'x' } }),
    'add of another': () => store.add({ obj: new Device({ name: 'r1', role: 'other' }) }),
    diff: () => whileOpen(() => target.diffFrom(source)),
    sync: () => whileOpen(() => target.syncFrom(source)),
  };
}

describe('what is no object', () => {
  it.each(Object.entries(DAMAGED))(
    '%s: every read fails with STORE_CORRUPT that says so',
    async (_, [bytes, reason]) => {
      await withDevices();
      await redis.set(KEY, bytes);
      for (const [name, error] of Object.entries(await outcomes(reads()))) {
        expect([name, error]).toEqual([name, expect.any(ObjectStoreException)]);
        const { code, message } = error as ObjectStoreException;
        expect([name, code]).toEqual([name, 'STORE_CORRUPT']);
        expect(message).toMatch(reason);
        expect(message).toContain('device "r1"');
        expect(message).toContain('verify()');
        expect(message.length).toBeLessThan(300);
      }
      expect((await redis.getBuffer(KEY))?.equals(bytes)).toBe(true);
      expect(({} as Record<string, unknown>)['name']).toBeUndefined();
      const { problems } = await store.verify({ repair: true });
      expect(problems).toEqual([expect.objectContaining({ kind: 'undecodable', uniqueId: 'r1', repaired: false })]);
      await store.update({ obj: new Device({ name: 'r1' }) });
      expect((await store.verify()).clean).toBe(true);
    },
  );

  it('of several, in whatever chunks they come, a read by unique ids names the first that was asked for', async () => {
    store = await RedisStore.connect({ url: server.url, storeId: 'inv' });
    await store.addMany({ objs: devices(3000) });
    // One that is found as soon as its chunk is there, one that is found when it is decoded, one that is another object.
    const damage = { r2500: 'cut', r1500: '{"name":}', r500: '{"name":"r501"}' };
    for (const [uid, text] of Object.entries(damage)) await redis.set(`diffsync:inv:device:${uid}`, text);
    const uids = Array.from({ length: 3000 }, (_, at) => `r${at}`);
    for (const [asked, first] of [
      [uids, 'r500'],
      [uids.toReversed(), 'r2500'],
      [[...uids.slice(1000, 2000), ...uids.slice(0, 1000)], 'r1500'],
    ] as const) {
      const found = store.find({ model: Device, uids: asked });
      await expect(found).rejects.toMatchObject({
        code: 'STORE_CORRUPT',
        message: expect.stringContaining(`"${first}"`),
      });
    }
  });

  it('a key of another type fails every read and write of it with STORE_WRONG_KEY_TYPE, and no other', async () => {
    await withDevices();
    await redis.del(KEY);
    await redis.hset(KEY, 'a', 'b');
    for (const [name, error] of Object.entries(await outcomes(reads()))) {
      expect([name, (error as ObjectStoreException).code]).toEqual([name, 'STORE_WRONG_KEY_TYPE']);
    }
    const single = await Promise.allSettled([
      store.get({ model: Device, identifier: 'r0' }),
      store.get({ model: Device, identifier: 'r1' }),
      store.get({ model: Device, identifier: 'r2' }),
      ...['n1', 'r1', 'n2'].map((name) => store.add({ obj: new Device({ name, role: 'new' }) })),
    ]);
    expect(single.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(await redis.hgetall(KEY)).toEqual({ a: 'b' });
    expect(await store.count()).toBe(5);
  });

  it('one that cannot be read in a batch of single calls fails its own call only', async () => {
    await withDevices();
    await redis.set(KEY, 'x');
    const names = ['r0', 'r1', 'r2'];
    const calls = [
      ...names.map((name) => store.get({ model: Device, identifier: name })),
      ...names.map((name) => store.getOrAddModelInstance(new Device({ name, role: 'other' }))),
    ];
    const statuses = (await Promise.allSettled(calls)).map(({ status }) => status);
    const expected = ['fulfilled', 'rejected', 'fulfilled'];
    expect(statuses).toEqual([...expected, ...expected]);
  });
});

describe('what is an object, though no store wrote it', () => {
  it.each([
    ['attributes of other kinds', device({ role: { deep: [1] }, vlan: 'x', tags: null })],
    ['fields that the model does not have', device({ prototype: 2, length: 3, modelFlags: 'x' })],
    ['duplicate keys', Buffer.from('{"name":"r2","name":"r1","name":"r1"}')],
    ['huge numbers', Buffer.from('{"name":"r1","vlan":1e999,"note":123456789012345678901234567890}')],
    [
      'tagged values where plain ones are due',
      json({ name: 'r1', tags: { $diffsync: 'Set', v: [{ $diffsync: 'Map', v: [] }] } }),
    ],
  ])('%s: is data for every read', async (_, bytes) => {
    await withDevices();
    await redis.set(KEY, bytes);
    const found = await outcomes(reads());
    for (const [name, outcome] of Object.entries(found)) {
      if (name === 'add of another') expect((outcome as DiffSyncError).code).toBe('OBJECT_ALREADY_EXISTS');
      else expect([name, outcome]).toEqual([name, 'done']);
    }
  });

  it('a field with the name of a method is STORE_CORRUPT when the object is made', async () => {
    await withDevices();
    for (const field of ['getUniqueId', '__proto__', 'constructor', 'hasOwnProperty']) {
      await redis.set(KEY, `{"name":"r1","${field}":{"polluted":1}}`);
      const error = await store.get({ model: Device, identifier: 'r1' }).catch((reason: unknown) => reason);
      expect([field, (error as ObjectStoreException).code]).toEqual([field, 'STORE_CORRUPT']);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      expect((await store.verify()).problems).toEqual([
        expect.objectContaining({ kind: 'undecodable', uniqueId: 'r1' }),
      ]);
    }
  });
});
