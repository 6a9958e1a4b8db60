// Slow operations are warnings. What is slow here takes as long as the test says, not as long as the machine.
import { describe, expect, it } from '@jest/globals';
import { LocalStore, ValueError, type DiffSyncLogger, type LogParams, type ModelRecord } from '../../src/index.js';
import { Device } from '../fixtures/inventory.js';

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

/** A store whose reads by unique id take so many milliseconds. */
class SlowStore extends LocalStore {
  delay = 0;

  protected override async readRecords(model: string, uids: readonly string[]): Promise<(ModelRecord | undefined)[]> {
    const end = performance.now() + this.delay;
    while (performance.now() < end);
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
  it.each([0, 2])('is a warning with operation, model and size, verbosity %d', async (verbosity) => {
    const [store, { warnings }] = await filled({ slowOperationMs: 500, verbosity });
    store.delay = 500;
    await store.find({ model: Device, uids: ['a', 'b', 'c', 'missing'] });
    const params = { store: 'SlowStore (cmdb)', operation: 'getByUids', model: 'device', count: 4 };
    expect(warnings).toEqual([['store getByUids is slow', { ...params, durationMs: expect.any(Number) }]]);
    expect(warnings[0]?.[1]?.['durationMs']).toBeGreaterThanOrEqual(500);
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
  it('0 switches the warnings off', async () => {
    const [store, { warnings }] = await filled({ slowOperationMs: 0 });
    store.delay = 1100;
    await store.get({ model: Device, identifier: 'a' });
    expect(warnings).toEqual([]);
  });

  it('is 1000 by default, and that of the store for each scope of it', async () => {
    expect(new LocalStore().slowOperationMs).toBe(1000);
    expect(new LocalStore({ slowOperationMs: 50 }).scope({ storeId: 'x' }).slowOperationMs).toBe(50);
  });

  it.each([-1, Number.NaN, '50'])('%p is refused', (slowOperationMs) => {
    expect(() => new LocalStore({ slowOperationMs: slowOperationMs as number })).toThrow(ValueError);
  });
});
