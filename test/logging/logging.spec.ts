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
  type BaseStore,
  type Verbosity,
} from '../../src/index.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string() }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

class Inventory extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
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
  logger = { log: at('log'), warn: at('warn'), error: at('error'), debug: at('debug') };
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
    [2, ['debug', 'log']],
  ])('verbosity %i lets through %j of a quiet sync', async (verbosity, expected) => {
    enableConsoleLogging({ verbosity });
    await sync(new Inventory({ name: 'target' }));
    expect(levels()).toEqual(expected);
  });
});

describe('the lines of a sync', () => {
  const run = { source: 'source', target: 'target', flags: 0 };

  it('carry action, model, uniqueId, status and diffs as parameters, and all lines source, target and flags', async () => {
    enableConsoleLogging({ verbosity: 1 });
    await sync(new Inventory({ name: 'target' }));
    expect(lines).toContainEqual({
      level: 'log',
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
      level: 'log',
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
    for (const { params } of lines) expect(params).toMatchObject(run);
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
