/** The store of examples/custom-store, on the contract and in its application; `docs/custom-store.md` says how it is written. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { z } from 'zod';
import { FileStore } from '../../examples/custom-store/src/file.store.js';
import {
  BaseStore,
  DiffSyncModel,
  DiffSyncStoreHealthIndicator,
  DiffSyncStoreModule,
  SerialStore,
  STORE,
} from '../../src/index.js';
import { storeContract } from '../../src/testing/index.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string() }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

const root = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-files-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const newFolder = (): string => mkdtempSync(join(root, 'path-'));

async function opened(path: string, storeId: string = randomUUID()): Promise<FileStore> {
  const store = new FileStore({ path, storeId });
  await store.open();
  return store;
}

storeContract({
  name: 'FileStore of examples/custom-store',
  persistent: true,
  open: async ({ storeId } = {}) => opened(root, storeId),
});

/** All files below the folder. */
function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

describe('FileStore', () => {
  it('takes no notice of a file that a killed process was writing', async () => {
    const path = newFolder();
    const store = await opened(path);
    await store.addMany({ objs: [new Device({ name: 'r1', role: 'leaf' }), new Device({ name: 'r2', role: 'leaf' })] });
    const [first = ''] = filesBelow(path);
    writeFileSync(join(dirname(first), 'new'), '{"model":"device","uid":"r1","obj');
    const anew = await opened(path, store.storeId);
    expect((await anew.getAll({ model: Device })).map(({ name }) => name)).toEqual(['r1', 'r2']);
    await anew.update({ obj: new Device({ name: 'r1', role: 'spine' }) });
    expect(await anew.get({ model: Device, identifier: 'r1' })).toMatchObject({ role: 'spine' });
  });

  it.each(['', '{"model":"device","uid":"r1","obj', '[]', '{"model":"device","uid":"r1","object":7}'])(
    'with a file that holds %j fails with STORE_CORRUPT naming it, never with fewer objects',
    async (text) => {
      const path = newFolder();
      const store = await opened(path);
      await store.addMany({
        objs: [new Device({ name: 'r1', role: 'leaf' }), new Device({ name: 'r2', role: 'leaf' })],
      });
      const [first = ''] = filesBelow(path);
      writeFileSync(first, text);
      const corrupt = { code: 'STORE_CORRUPT', message: expect.stringContaining(basename(first)) as unknown };
      await expect(store.getAll({ model: Device })).rejects.toMatchObject(corrupt);
      await expect(store.remove({ obj: new Device({ name: 'r2', role: 'leaf' }) })).resolves.toBeUndefined();
      await expect(opened(path, store.storeId)).rejects.toMatchObject(corrupt);
    },
  );

  it('with a file that is gone fails with the reason of the system', async () => {
    const path = newFolder();
    const store = await opened(path);
    await store.add({ obj: new Device({ name: 'r1', role: 'leaf' }) });
    for (const file of filesBelow(path)) rmSync(file);
    const failure = { code: 'STORE_FAILED', cause: { code: 'ENOENT' } };
    await expect(store.getAll({ model: Device })).rejects.toMatchObject(failure);
    rmSync(path, { recursive: true });
    await expect(store.ping()).rejects.toMatchObject(failure);
  });
});

/** The primitives of both bases, of BaseStore, and of SerialStore. */
const shared = ['connect', 'disconnect', 'probe', 'scope'];
const reads = ['readRecords', 'scanRecords', 'countRecords', 'countAllRecords'];
const records = [...reads, 'insertRecords', 'putRecords', 'modifyRecords', 'deleteRecords', 'clearRecords'];
const serial = ['listModels', 'listUids', 'readRecord', 'writeRecord', 'removeRecord'];

describe('docs/custom-store.md', () => {
  const doc = readFileSync(new URL('../../docs/custom-store.md', import.meta.url), 'utf8');
  const [, path = '', code = ''] = /<!-- (\S+) -->\n\n```ts\n(.*?)```/s.exec(doc) ?? [];

  it('shows the store as it is', () => {
    expect(code).toBe(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
  });

  it('shows no more than 60 lines, beside imports and comments', () => {
    const lines = code.split('\n').filter((line) => !/^\s*(\/\/|\/\*\*|\*|$)|^import /.test(line));
    expect(lines.length).toBeLessThanOrEqual(60);
  });

  it('counts the primitives right', () => {
    const counts = [...doc.matchAll(/\| `(\w+)` .*\| (\d+) primitives/g)].map(([, name, count]) => [
      name,
      Number(count),
    ]);
    expect(counts).toEqual([
      ['SerialStore', shared.length + serial.length],
      ['BaseStore', shared.length + records.length],
    ]);
  });
});

describe("a store of one's own", () => {
  it('has no primitive that does nothing unless it is written', () => {
    expect([...shared, ...records].filter((name) => name in BaseStore.prototype)).toEqual([]);
    expect([...shared, ...serial].filter((name) => name in SerialStore.prototype)).toEqual([]);
  });

  it('does not compile without one of them', () => {
    // @ts-expect-error writeRecord is missing
    class Unfinished extends SerialStore {
      readonly engine = 'own';
      override scope(): this {
        return this;
      }
      protected override async connect(): Promise<void> {}
      protected override async disconnect(): Promise<void> {}
      protected override async probe(): Promise<void> {}
      protected override async listModels(): Promise<string[]> {
        return [];
      }
      protected override async listUids(): Promise<string[]> {
        return [];
      }
      protected override async readRecord(): Promise<undefined> {}
      protected override async removeRecord(): Promise<boolean> {
        return false;
      }
    }
    // @ts-expect-error modifyRecords is missing
    class Own extends BaseStore {
      readonly engine = 'own';
      override scope(): this {
        return this;
      }
      protected override async connect(): Promise<void> {}
      protected override async disconnect(): Promise<void> {}
      protected override async probe(): Promise<void> {}
      protected override async readRecords(): Promise<[]> {
        return [];
      }
      protected override async *scanRecords(): AsyncGenerator<[]> {}
      protected override async countRecords(): Promise<number> {
        return 0;
      }
      protected override async countAllRecords(): Promise<Map<string, number>> {
        return new Map();
      }
      protected override async insertRecords(): Promise<[]> {
        return [];
      }
      protected override async putRecords(): Promise<void> {}
      protected override async deleteRecords(): Promise<[]> {
        return [];
      }
      protected override async clearRecords(): Promise<void> {}
    }
    expect([Unfinished.length, Own.length]).toEqual([0, 0]);
  });
});

describe('the application of examples/custom-store', () => {
  const apps: TestingModule[] = [];

  afterEach(async () => {
    jest.restoreAllMocks();
    for (const app of apps.splice(0)) await app.close();
  });

  async function boot(options: object): Promise<TestingModule> {
    const engine = { engine: FileStore, retryAttempts: 1, ...options } as never;
    const app = await Test.createTestingModule({ imports: [DiffSyncStoreModule.forRoot(engine)] })
      .setLogger(false as never)
      .compile();
    apps.push(app);
    return app.init();
  }

  it('saves to files, and finds nothing to do when it is run again', async () => {
    const path = newFolder();
    process.env['INVENTORY_PATH'] = path;
    const printed: unknown[] = [];
    jest.spyOn(console, 'log').mockImplementation((text: unknown) => printed.push(text));
    await import('../../examples/custom-store/src/main.js');
    expect(printed).toEqual(['device\n  device: r1 MISSING in CmdbAdapter\n  device: r2 MISSING in CmdbAdapter']);
    expect(filesBelow(path).map((file) => JSON.parse(readFileSync(file, 'utf8')) as unknown)).toEqual([
      { model: 'device', uid: 'r1', object: { name: 'r1', role: 'spine' } },
      { model: 'device', uid: 'r2', object: { name: 'r2', role: 'leaf' } },
    ]);

    const { AppModule, CmdbAdapter, NetworkAdapter } = await import('../../examples/custom-store/src/app.module.js');
    const again = await Test.createTestingModule({ imports: [AppModule] }).compile();
    apps.push(again);
    await again.get(NetworkAdapter).load();
    const diff = await again.get(CmdbAdapter).diffFrom(again.get(NetworkAdapter));
    expect(diff.summary()).toMatchObject({ create: 0, update: 0, delete: 0, 'no-change': 2 });
  });

  it('hands the options to the class, which is opened, healthy and closed with the application', async () => {
    const path = newFolder();
    const app = await boot({ path, storeId: 'inventory', name: undefined });
    const store = app.get<BaseStore>(STORE);
    expect(store).toBeInstanceOf(FileStore);
    expect(String(store)).toBe('FileStore (inventory)');
    const health = await app.get(DiffSyncStoreHealthIndicator).isHealthy('store');
    expect(health).toMatchObject({ store: { status: 'up', engine: 'file', storeId: 'inventory' } });
    await apps.pop()?.close();
    expect(store.isOpen).toBe(false);
  });

  it('does not start without a path, nor where the path is a file', async () => {
    await expect(boot({})).rejects.toMatchObject({ code: 'VALUE_ERROR', message: 'FileStore: path is missing' });
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    const failure = await boot({ path: file }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_FAILED', cause: { syscall: 'mkdir' } });
    expect(String(failure)).toContain(`FileStore (default) failed: `);
  });
});
