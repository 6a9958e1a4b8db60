import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger, type LoggerService } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  DiffSyncStoreModule,
  enableConsoleLogging,
  getStoreToken,
  SyncRefused,
  SyncRunner,
  type BaseStore,
  type Verbosity,
} from '../../src/index.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string() }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

class Inventory extends Adapter {
  static override readonly models = [Device, Site];
  static override readonly topLevel = ['device', 'site'];
}

interface Line {
  readonly level: string;
  readonly message: string;
  readonly params: unknown;
}

let lines: Line[];
let logger: LoggerService;

beforeEach(() => {
  lines = [];
  const at =
    (level: string) =>
    (message: string, ...rest: unknown[]): void => {
      lines.push({ level, message, params: typeof rest[0] === 'object' ? rest[0] : undefined });
    };
  logger = {
    log: at('log'),
    warn: at('warn'),
    error: at('error'),
    debug: at('debug'),
    verbose: at('verbose'),
  };
  Logger.overrideLogger(logger);
});

afterEach(() => {
  enableConsoleLogging({ verbosity: 0 });
  Logger.overrideLogger(false);
});

async function sync(target: Inventory): Promise<void> {
  const source = new Inventory({ name: 'source' });
  await source.add(new Device({ name: 'a', role: 'spine' }));
  await source.add(new Device({ name: 'b', role: 'leaf' }));
  await target.add(new Device({ name: 'a', role: 'leaf' }));
  lines.length = 0;
  await target.syncFrom(source);
}

const levels = (): string[] => [...new Set(lines.map(({ level }) => level))].toSorted();

describe('enableConsoleLogging', () => {
  it.each<[Verbosity, string[]]>([
    [0, []],
    [1, ['log']],
    [2, ['debug', 'log', 'verbose']],
  ])('verbosity %i lets through %j of a quiet sync', async (verbosity, expected) => {
    enableConsoleLogging({ verbosity });
    await sync(new Inventory({ name: 'target' }));
    expect(levels()).toEqual(expected);
  });
});

describe('the lines of a sync', () => {
  const run = { source: 'source', target: 'target', flags: 0 };

  it('are one at verbosity 1, with what was done', async () => {
    enableConsoleLogging({ verbosity: 1 });
    await sync(new Inventory({ name: 'target' }));
    const done = { create: 1, update: 1, delete: 0, failed: 0, durationMs: expect.any(Number) };
    expect(lines).toEqual([{ level: 'log', message: 'Sync complete', params: { ...run, ...done } }]);
  });

  it('are one for each model at debug', async () => {
    enableConsoleLogging({ verbosity: 2 });
    const [source, target] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
    await source.addMany([new Device({ name: 'a', role: 'leaf' }), new Site({ name: 'x' }), new Site({ name: 'y' })]);
    await target.add(new Device({ name: 'b', role: 'leaf' }));
    lines.length = 0;
    await target.syncFrom(source);
    const models = lines.filter(({ message }) => message === 'Model complete');
    expect(models).toEqual([
      {
        level: 'debug',
        message: 'Model complete',
        params: { model: 'device', create: 1, update: 0, delete: 1, failed: 0, ...run },
      },
      {
        level: 'debug',
        message: 'Model complete',
        params: { model: 'site', create: 2, update: 0, delete: 0, failed: 0, ...run },
      },
    ]);
  });

  it('about objects carry action, model, uniqueId, status and diffs as parameters, and all lines source, target and flags', async () => {
    enableConsoleLogging({ verbosity: 2 });
    await sync(new Inventory({ name: 'target' }));
    expect(lines).toContainEqual({
      level: 'verbose',
      message: 'Updated successfully',
      params: {
        action: 'update',
        model: 'device',
        uniqueId: 'a',
        status: 'success',
        diffs: { '+': { role: 'spine' }, '-': { role: 'leaf' } },
        ...run,
      },
    });
    expect(lines).toContainEqual({
      level: 'verbose',
      message: 'Created successfully',
      params: {
        action: 'create',
        model: 'device',
        uniqueId: 'b',
        status: 'success',
        diffs: { '+': { role: 'leaf' } },
        ...run,
      },
    });
    const ofSync = lines.filter(({ message }) => !message.startsWith('store '));
    for (const { params } of ofSync) expect(params).toMatchObject(run);
  });

  it('about objects are debug lines for a logger without verbose, and no logger without it fails a sync', async () => {
    const seen: string[] = [];
    const own = (level: string) => (message: string) => void seen.push(`${level}: ${message}`);
    const target = new Inventory({
      name: 'target',
      logger: {
        isEnabled: () => true,
        debug: own('debug'),
        info: own('info'),
        warning: own('warning'),
        error: own('error'),
      },
    });
    await sync(target);
    expect(seen).toContain('debug: Updated successfully');
    expect(seen).toContain('info: Sync complete');
  });
});

describe('the lines of a run', () => {
  const sides = { source: 'source', target: 'target', flags: 0 };

  it('are one when it begins and one when it has ended, beside that of its sync', async () => {
    enableConsoleLogging({ verbosity: 1 });
    const [source, target] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
    await source.add(new Device({ name: 'a', role: 'leaf' }));
    const run = await new SyncRunner().run({ source, target, load: 'none', label: 'nightly', by: 'cron' });
    const { id, counts, results } = run;
    expect(lines.map(({ level, message, params }) => [level, message, params])).toEqual([
      ['log', 'Run begun', { ...sides, run: id, kind: 'sync', label: 'nightly', by: 'cron' }],
      ['log', 'Sync complete', expect.objectContaining({ create: 1 })],
      [
        'log',
        'Run ended',
        { ...sides, run: id, kind: 'sync', outcome: 'succeeded', counts, results, durationMs: expect.any(Number) },
      ],
    ]);
  });

  it('say why it was refused', async () => {
    enableConsoleLogging({ verbosity: 1 });
    const [source, target] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target' })];
    await target.add(new Device({ name: 'a', role: 'leaf' }));
    const guards = { minObjects: 1 };
    await expect(new SyncRunner().run({ source, target, load: 'none', guards })).rejects.toThrow(SyncRefused);
    expect(lines.map(({ message }) => message)).toEqual(['Run begun', 'Run ended']);
    expect(lines[1]?.params).toMatchObject({ outcome: 'refused', code: 'SYNC_SOURCE_EMPTY', counts: { delete: 1 } });
  });

  it('that a logger throws do not end it: the run is rejected with that when it is done', async () => {
    const info = (message: string): void => {
      if (message.startsWith('Run ')) throw new Error('EPIPE');
    };
    const logger = { isEnabled: () => true, debug() {}, info, warning() {}, error() {} };
    const [source, target] = [new Inventory({ name: 'source' }), new Inventory({ name: 'target', logger })];
    await source.add(new Device({ name: 'a', role: 'leaf' }));
    const runner = new SyncRunner();
    await expect(runner.run({ source, target, load: 'none' })).rejects.toThrow('EPIPE');
    expect(await target.count()).toBe(1);
    expect((await runner.history(target).list()).runs).toMatchObject([{ outcome: 'succeeded' }]);
  });
});

describe('the module option verbosity', () => {
  it('2 logs every store operation with model, unique id and duration', async () => {
    const app = await Test.createTestingModule({
      imports: [
        DiffSyncStoreModule.forRoot({ engine: 'local', verbosity: 2 }),
        DiffSyncStoreModule.forFeature(['network']),
      ],
    })
      .setLogger(logger)
      .compile();
    const store = app.get<BaseStore>(getStoreToken('network'));
    lines.length = 0;
    await store.add({ obj: new Device({ name: 'a', role: 'leaf' }) });
    await store.get({ model: Device, identifier: 'a' });
    await store.count();
    await store.ping();
    await store.get({ model: Device, identifier: 'missing' }).catch(() => undefined);
    expect(lines.map(({ level, message, params }) => [level, message, params])).toEqual(
      [
        ['store add', { model: 'device', uniqueId: 'a', count: 1, outcome: 'done' }],
        ['store get', { model: 'device', uniqueId: 'a', outcome: 'done' }],
        ['store count', { outcome: 'done' }],
        ['store ping', { outcome: 'done' }],
        ['store get', { model: 'device', uniqueId: 'missing', outcome: 'OBJECT_NOT_FOUND' }],
      ].map(([message, params]) => [
        'debug',
        message,
        { store: 'network (network)', durationMs: expect.any(Number), ...(params as object) },
      ]),
    );
    await app.close();
  });

  it('also decides what the adapter of the store logs', async () => {
    const app = await Test.createTestingModule({
      imports: [DiffSyncStoreModule.forRoot({ engine: 'local', verbosity: 1 }), DiffSyncStoreModule.forFeature(['a'])],
    })
      .setLogger(logger)
      .compile();
    await sync(new Inventory({ store: app.get<BaseStore>(getStoreToken('a')) }));
    expect(lines.map(({ message }) => message)).toContain('Sync complete');
    await app.close();
  });
});
