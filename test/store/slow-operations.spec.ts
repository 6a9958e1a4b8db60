// Slow operations are warnings.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import Database from 'better-sqlite3';
import { LocalStore, ValueError, type DiffSyncLogger, type LogParams, type ModelRecord } from '../../src/index.js';
import { RedisStore } from '../../src/store/redis/index.js';
import { SqliteStore } from '../../src/store/sqlite/index.js';
import { Device } from '../fixtures/inventory.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

class Lines implements DiffSyncLogger {
  readonly warnings: [string, LogParams | undefined][] = [];

  constructor(private readonly verbosity = 0) {}

  isEnabled(level: number): boolean {
    return level <= this.verbosity;
  }

  debug(): void {}

  info(): void {}

  warning(message: string, params?: LogParams): void {
    this.warnings.push([message, params]);
  }

  error(message: string, params?: LogParams): void {
    this.warning(message, params);
  }
}

/** The clock of the stores below, in milliseconds: it goes on where a test says so, and not with the machine. */
let clock = 0;

function useClock(): void {
  beforeEach(() => void jest.spyOn(performance, 'now').mockImplementation(() => clock));
  afterEach(() => void jest.restoreAllMocks());
}

/** A store whose reads by unique id take so many milliseconds, and which does not say that its records are in memory. */
class SlowStore extends LocalStore {
  protected override readonly capabilities = { hasDeadlines: true };
  delay = 0;

  protected override async readRecords(model: string, uids: readonly string[]): Promise<(ModelRecord | undefined)[]> {
    clock += this.delay;
    return super.readRecords(model, uids);
  }
}

const devices = ['a', 'b', 'c'].map((name) => new Device({ name }));

async function filled(options: { slowOperationMs?: number; verbosity?: number }): Promise<[SlowStore, Lines]> {
  const logger = new Lines(options.verbosity);
  const store = new SlowStore({ storeId: 'cmdb', logger, slowOperationMs: options.slowOperationMs });
  await store.addMany({ objs: devices });
  return [store, logger];
}

describe('an operation that takes as long as slowOperationMs', () => {
  useClock();

  it.each([0, 2])('is a warning with operation, model and size, verbosity %d', async (verbosity) => {
    const [store, { warnings }] = await filled({ slowOperationMs: 500, verbosity });
    store.delay = 500;
    await store.find({ model: Device, uids: ['a', 'b', 'c', 'missing'] });
    const params = { store: 'SlowStore (cmdb)', operation: 'getByUids', model: 'device', count: 4 };
    expect(warnings).toEqual([['store getByUids is slow', { ...params, durationMs: 500 }]]);
  });

  it('is one also where it fails', async () => {
    const [store, { warnings }] = await filled({ slowOperationMs: 500 });
    store.delay = 500;
    await expect(store.get({ model: Device, identifier: 'missing' })).rejects.toThrow();
    expect(warnings.map(([message]) => message)).toEqual(['store get is slow']);
  });

  it('is one of many that are slow at once: the next line has their number', async () => {
    const [store, { warnings }] = await filled({ slowOperationMs: 1 });
    store.delay = 1;
    await Promise.all(devices.map(({ name }) => store.get({ model: Device, identifier: name })));
    expect(warnings).toHaveLength(1);
    store.delay = 1100;
    await store.get({ model: Device, identifier: 'a' });
    expect(warnings[1]?.[1]).toMatchObject({ moreSince: 2 });
  });
});

describe('slowOperationMs', () => {
  useClock();

  it('0 switches the warnings off', async () => {
    const [store, { warnings }] = await filled({ slowOperationMs: 0 });
    store.delay = 1100;
    await store.get({ model: Device, identifier: 'a' });
    expect(warnings).toEqual([]);
  });

  it('is not looked at by a store in memory: a clock would cost as much as its operations', async () => {
    class InMemory extends SlowStore {
      protected override readonly capabilities = { hasDeadlines: true, sharesRecords: true };
    }
    const logger = new Lines();
    const store = new InMemory({ logger, slowOperationMs: 1 });
    await store.addMany({ objs: devices });
    store.delay = 5;
    await store.get({ model: Device, identifier: 'a' });
    expect(logger.warnings).toEqual([]);
  });

  it('is 1000 by default, and that of the store for each scope of it', async () => {
    expect(new LocalStore().slowOperationMs).toBe(1000);
    expect(new LocalStore({ slowOperationMs: 50 }).scope({ storeId: 'x' }).slowOperationMs).toBe(50);
  });

  it.each([-1, Number.NaN, '50'])('%p is refused', (slowOperationMs) => {
    expect(() => new LocalStore({ slowOperationMs: slowOperationMs as number })).toThrow(ValueError);
  });
});

describe('a backend that is slow', () => {
  const slowOperationMs = 200;
  let server: RedisServer;
  let folder: string;

  beforeAll(async () => {
    server = await startRedis();
    folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-slow-'));
  });

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it('a file that another process writes to', async () => {
    const logger = new Lines();
    const path = join(folder, 'slow.db');
    const store = await SqliteStore.connect({ path, logger, slowOperationMs });
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    const added = store.addMany({ objs: devices });
    await sleep(slowOperationMs + 100);
    other.exec('COMMIT');
    await added;
    other.close();
    await store.close();
    const said = logger.warnings.map(([message, params]) => [message, params?.model, params?.['count']]);
    expect(said).toContainEqual(['store addMany is slow', 'device', 3]);
  });

  it('a server that hangs', async () => {
    const logger = new Lines();
    const store = await RedisStore.connect({ url: server.url, logger, slowOperationMs });
    await server.pause();
    const counting = store.count({ model: Device });
    await sleep(slowOperationMs + 100);
    server.resume();
    await counting;
    await store.close();
    expect(logger.warnings.map(([message, params]) => [message, params?.model])).toContainEqual([
      'store count is slow',
      'device',
    ]);
  });
});
