import { describe, expect, it, jest } from '@jest/globals';
import { z } from 'zod';
import {
  DiffSyncModel,
  LocalStore,
  ObjectAlreadyExists,
  type DiffSyncLogger,
  type LogParams,
  type ModelHost,
  type ModelRecord,
  type RecordChange,
} from '../../src/index.js';
import { deferAdd, deferPatch, deferRemove, isFlushDue, snapshotOf } from '../../src/store/engine-access.js';

// What the contract suite cannot show through `open`: a backend that is slow, fails, or is watched.

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf'), ports: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['role'],
  children: { port: 'ports' },
}) {}

class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

const host: ModelHost = { type: 'Host', name: 'host', getOrNone: async () => null };

/** Each child link is written when it is let through. */
class SlowStore extends LocalStore {
  readonly waiting: (() => void)[] = [];
  fails = false;
  connects = 0;
  disconnects = 0;

  protected override async connect(): Promise<void> {
    this.connects++;
  }

  protected override async disconnect(): Promise<void> {
    this.disconnects++;
    await super.disconnect();
  }

  protected override async modifyRecords(model: string, uids: readonly string[], change: RecordChange): Promise<void> {
    await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (this.fails) throw new Error('the backend failed');
    await super.modifyRecords(model, uids, change);
  }

  /** Lets the next write through, once it has come. */
  async letThrough(): Promise<void> {
    for (let turn = 0; turn < 100 && this.waiting.length === 0; turn++) await Promise.resolve();
    this.waiting.shift()?.();
  }
}

async function withDevice(): Promise<{ store: SlowStore; device: Device }> {
  const store = new SlowStore();
  store.bindAdapter(host, [Device, Port], store.logger);
  const device = new Device({ name: 'r1' });
  await store.add({ obj: device });
  return { store, device };
}

describe('child links of a store', () => {
  it('are seen by a read that starts while they are being written', async () => {
    const { store, device } = await withDevice();
    device.addChild(new Port({ name: 'p' }));
    const flushed = store.flush();
    const read = store.get({ model: Device, identifier: 'r1' });
    await store.letThrough();
    expect((await read).ports).toEqual(['p']);
    await flushed;
  });

  it('do not come back after a clear() that starts while they are being written', async () => {
    const { store, device } = await withDevice();
    device.addChild(new Port({ name: 'p' }));
    const flushed = store.flush();
    const cleared = store.clear();
    await store.letThrough();
    await Promise.all([flushed, cleared]);
    expect(await store.count()).toBe(0);
  });

  it('are written by themselves after a moment, also those made while others were being written', async () => {
    jest.useFakeTimers();
    try {
      const { store, device } = await withDevice();
      device.addChild(new Port({ name: 'p' }));
      await jest.advanceTimersByTimeAsync(20);
      expect(store.waiting).toHaveLength(1);
      device.addChild(new Port({ name: 'q' }));
      await store.letThrough();
      await jest.advanceTimersByTimeAsync(1000);
      expect(store.waiting).toHaveLength(1);
      await store.letThrough();
      await jest.advanceTimersByTimeAsync(1000);
      expect(store.waiting).toHaveLength(0);
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('that could not be written fail the next read, and are written by the one after', async () => {
    const { store, device } = await withDevice();
    device.addChild(new Port({ name: 'p' }));
    store.fails = true;
    const read = store.get({ model: Device, identifier: 'r1' });
    await store.letThrough();
    await expect(read).rejects.toThrow('the backend failed');
    store.fails = false;
    const again = store.get({ model: Device, identifier: 'r1' });
    await store.letThrough();
    expect((await again).ports).toEqual(['p']);
  });

  it('leave no timer behind after close()', async () => {
    jest.useFakeTimers();
    try {
      const { store, device } = await withDevice();
      device.addChild(new Port({ name: 'p' }));
      const closed = store.close();
      await store.letThrough();
      await closed;
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('open() and close() of a store', () => {
  it('called several times at once connect and disconnect once', async () => {
    const { store, device } = await withDevice();
    device.addChild(new Port({ name: 'p' }));
    const closed = Promise.all([store.close(), store.close()]);
    await store.letThrough();
    await closed;
    expect(store.disconnects).toBe(1);
    await Promise.all([store.open(), store.open()]);
    await store.open();
    expect(store.connects).toBe(1);
  });

  it('called right after each other end with a closed store', async () => {
    const { store } = await withDevice();
    await store.close();
    const opened = store.open();
    await store.close();
    await opened;
    expect([store.isOpen, store.connects, store.disconnects]).toEqual([false, 1, 2]);
  });

  it('that fail to write what waits reject, and the store is closed all the same', async () => {
    const { store, device } = await withDevice();
    device.addChild(new Port({ name: 'p' }));
    store.fails = true;
    const closed = store.close();
    await store.letThrough();
    await expect(closed).rejects.toThrow('the backend failed');
    expect([store.isOpen, store.disconnects]).toEqual([false, 1]);
  });

  it('that fail to connect leave a store that can be opened later', async () => {
    class Unreachable extends LocalStore {
      reachable = false;
      protected override async connect(): Promise<void> {
        if (!this.reachable) throw new Error('unreachable');
      }
    }
    const store = new Unreachable();
    await store.close();
    await expect(store.open()).rejects.toThrow('unreachable');
    expect(store.isOpen).toBe(false);
    await expect(store.count()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    store.reachable = true;
    await store.open();
    expect(await store.count()).toBe(0);
  });

  it('before the first open() every call fails with STORE_CLOSED that names open()', async () => {
    class Unopened extends LocalStore {
      constructor() {
        super();
        this.storeState = 'new';
      }
    }
    await expect(new Unopened().count()).rejects.toMatchObject({
      code: 'STORE_CLOSED',
      message: expect.stringContaining('await store.open()'),
    });
  });
});

describe('deferred writes of a store', () => {
  it('are seen by every read, merged and in order', async () => {
    const store = new LocalStore();
    await store.add({ obj: new Device({ name: 'old' }) });
    deferAdd(store, new Device({ name: 'a' }));
    deferAdd(store, new Device({ name: 'b' }));
    deferPatch(store, snapshotOf(new Device({ name: 'a' })), new Device({ name: 'a', role: 'changed' }));
    deferRemove(store, new Device({ name: 'old' }));
    expect((await store.getAll({ model: Device })).map(({ name, role }) => [name, role])).toEqual([
      ['a', 'changed'],
      ['b', 'leaf'],
    ]);
  });

  it('come before a later add() in the order', async () => {
    const store = new LocalStore();
    deferAdd(store, new Device({ name: 'a' }));
    await store.add({ obj: new Device({ name: 'b' }) });
    expect((await store.getAll({ model: Device })).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('that meet a different object reject with ObjectAlreadyExists; an equal one is fine', async () => {
    const store = new LocalStore();
    await store.addMany({ objs: [new Device({ name: 'a', role: 'there' }), new Device({ name: 'b' })] });
    deferAdd(store, new Device({ name: 'b' }));
    await store.flush();
    deferAdd(store, new Device({ name: 'a' }));
    await expect(store.flush()).rejects.toThrow(ObjectAlreadyExists);
    await store.flush();
  });

  it('are dropped by clear(), also those that could not have been written', async () => {
    const store = new LocalStore();
    await store.add({ obj: new Device({ name: 'a', role: 'there' }) });
    deferAdd(store, new Device({ name: 'a' }));
    await store.clear();
    expect(await store.count()).toBe(0);
  });

  it('are written in between when many wait', async () => {
    const inserted: number[] = [];
    class Watched extends LocalStore {
      protected override async insertRecords(
        model: string,
        records: readonly ModelRecord[],
      ): Promise<(ModelRecord | undefined)[]> {
        inserted.push(records.length);
        return super.insertRecords(model, records);
      }
    }
    const store = new Watched();
    for (let index = 0; index < 1200; index++) {
      deferAdd(store, new Device({ name: `r${index}` }));
      if (isFlushDue(store)) await store.flush();
    }
    expect(inserted).toEqual([500, 500]);
    expect(await store.count()).toBe(1200);
  });
});

describe('a store with a logger at verbosity 2', () => {
  it('logs every operation with its model, unique id, outcome and duration', async () => {
    const lines: [string, LogParams | undefined][] = [];
    const ignore = (): void => undefined;
    const logger: DiffSyncLogger = {
      isEnabled: () => true,
      debug: (message, params) => void lines.push([message, params]),
      info: ignore,
      warning: ignore,
      error: ignore,
    };
    const store = new LocalStore({ name: 'mine', storeId: '1', logger });
    await store.add({ obj: new Device({ name: 'r1' }) });
    await expect(store.get({ model: Device, identifier: 'r2' })).rejects.toThrow();
    await store.addMany({ objs: [new Device({ name: 'r2' }), new Device({ name: 'r3' })] });
    const durationMs = expect.any(Number);
    expect(lines).toEqual([
      ['store add', { store: 'mine (1)', model: 'device', uniqueId: 'r1', count: 1, outcome: 'done', durationMs }],
      ['store get', { store: 'mine (1)', model: 'device', uniqueId: 'r2', outcome: 'OBJECT_NOT_FOUND', durationMs }],
      ['store addMany', { store: 'mine (1)', model: 'device', count: 2, outcome: 'done', durationMs }],
    ]);
  });
});

describe('remove() with everything below', () => {
  it('takes a level of more objects than a function takes arguments', async () => {
    const store = new LocalStore();
    const ports = Array.from({ length: 130_000 }, (_, at) => new Port({ name: `p${at}` }));
    const device = new Device({ name: 'd', ports: ports.map(({ name }) => name) });
    await store.addMany({ objs: [device, ...ports] });
    await store.remove({ obj: device, removeChildren: true });
    expect(await store.count()).toBe(0);
  });
});
