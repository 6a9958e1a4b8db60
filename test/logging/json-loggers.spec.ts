// What the loggers that write JSON make of a line and its parameters: fields, beside the message.
import { Writable } from 'node:stream';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Logger as PinoService, LoggerModule } from 'nestjs-pino';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  DiffSyncStoreModule,
  getStoreToken,
  ObjectNotUpdated,
  SyncRunner,
  type BaseStore,
} from '../../src/index.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), serial: z.bigint(), tags: z.set(z.string()), seen: z.date() }),
  identifiers: ['name'],
  attributes: ['serial', 'tags', 'seen'],
}) {
  override async update(): Promise<never> {
    throw new ObjectNotUpdated('100%s is no %d role: %o');
  }
}

class Inventory extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];
}

const device = (name: string, day: number): Device =>
  new Device({ name, serial: BigInt(day), tags: new Set(['a']), seen: new Date(Date.UTC(2026, 10, day)) });

type Line = Readonly<Record<string, unknown>>;

afterEach(() => {
  jest.restoreAllMocks();
  Logger.overrideLogger(false);
});

/** Runs a sync with a create and an update that fails, at verbosity 2. */
async function syncIn(
  imports: unknown[],
  loggerOf: (get: (token: unknown) => unknown) => LoggerService,
): Promise<void> {
  const app = await Test.createTestingModule({
    imports: [
      ...(imports as []),
      DiffSyncStoreModule.forRoot({ engine: 'local', verbosity: 2 }),
      DiffSyncStoreModule.forFeature(['cmdb']),
    ],
  })
    .setLogger(false as unknown as LoggerService)
    .compile();
  Logger.overrideLogger(loggerOf((token) => app.get(token as string)));
  const target = new Inventory({ name: 'target', store: app.get<BaseStore>(getStoreToken('cmdb')) });
  const source = new Inventory({ name: 'source' });
  await source.addMany([device('a', 2), device('b', 2)]);
  await target.add(device('a', 1));
  await app.get(SyncRunner).run({ source, target, load: 'none', continueOnFailure: true });
  await app.close();
}

/** What each line of a sync must say, whatever the logger calls its levels. */
function expectFields(fieldsOf: (message: string) => Line): void {
  const sides = { source: 'source', target: 'target', flags: 0 };
  expect(fieldsOf('Run begun')).toMatchObject({ ...sides, kind: 'sync', run: expect.stringMatching(/^\d{8}T/) });
  expect(fieldsOf('Sync complete')).toMatchObject({ ...sides, create: 1, update: 0, delete: 0, failed: 1 });
  expect(fieldsOf('Model complete')).toMatchObject({ ...sides, model: 'device', create: 1, failed: 1 });
  expect(fieldsOf('Created successfully')).toMatchObject({
    ...sides,
    action: 'create',
    model: 'device',
    uniqueId: 'b',
    status: 'success',
    diffs: { '+': { seen: '2026-11-02T00:00:00.000Z' } },
  });
  expect(fieldsOf('100%s is no %d role: %o')).toMatchObject({
    ...sides,
    action: 'update',
    uniqueId: 'a',
    status: 'error',
  });
  expect(fieldsOf('store add')).toMatchObject({ store: 'cmdb (cmdb)', model: 'device', outcome: 'done' });
}

describe("Nest's ConsoleLogger with json", () => {
  it('writes a line of JSON for each of ours, whose params are our parameters', async () => {
    const written: string[] = [];
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    }
    await syncIn([], () => new ConsoleLogger({ json: true }));
    jest.restoreAllMocks();
    // Node may have warned meanwhile.
    const lines = written.filter((text) => text.startsWith('{')).map((text) => JSON.parse(text) as Line);
    const find = (message: string): Line => {
      const found = lines.filter((each) => each['message'] === message);
      expect([message, found.length > 0]).toEqual([message, true]);
      return found[0] as Line;
    };
    expectFields((message) => find(message)['params'] as Line);
    const levels = ['Run ended', 'Sync complete', 'Model complete', 'Created successfully', '100%s is no %d role: %o'];
    expect(levels.map((message) => find(message)['level'])).toEqual(['log', 'log', 'debug', 'verbose', 'error']);
    expect(find('Sync complete')['context']).toBe('DiffSyncStore');
  });
});

describe('nestjs-pino', () => {
  it('writes our parameters as fields of the line', async () => {
    const written: string[] = [];
    const stream = new Writable({
      write: (chunk: Buffer, _, done) => {
        written.push(...String(chunk).trimEnd().split('\n'));
        done();
      },
    });
    await syncIn(
      [LoggerModule.forRoot({ pinoHttp: [{ level: 'trace', messageKey: 'text' }, stream] })],
      (get) => get(PinoService) as LoggerService,
    );
    const lines = written.map((text) => JSON.parse(text) as Line);
    const find = (message: string): Line => lines.find((each) => each['text'] === message) as Line;
    expectFields(find);
    const levels = ['Run ended', 'Sync complete', 'Model complete', 'Created successfully', '100%s is no %d role: %o'];
    expect(levels.map((message) => find(message)['level'])).toEqual([30, 30, 20, 10, 50]);
    expect(find('Sync complete')['context']).toBe('DiffSyncStore');
  });
});
