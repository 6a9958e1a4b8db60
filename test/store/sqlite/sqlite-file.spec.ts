// What happens to the file while it is open, and which files and drivers are taken.
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { DiffSyncModel, ValueError } from '../../../src/index.js';
import { SqliteStore } from '../../../src/store/sqlite/index.js';
import { adviceFor, generationOf, type DriverGeneration } from '../../../src/store/sqlite/sqlite-driver.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-file-'));
  path = join(folder, 'inventory.db');
});

afterEach(() => {
  chmodSync(folder, 0o755);
  rmSync(folder, { recursive: true });
});

/** Another program's change of the file. */
function execute(sql: string, file = path): void {
  const db = new Database(file);
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
}

async function namesIn(file: string): Promise<string[]> {
  const store = await SqliteStore.connect({ path: file });
  try {
    return (await store.getAll({ model: Device })).map(({ name }) => name);
  } finally {
    await store.close();
  }
}

describe('a path', () => {
  const URIS = [
    'file:data.db',
    'file::memory:?cache=shared',
    'file:mem1?mode=memory&cache=shared',
    'file:///abs/x.db',
    'sqlite:data.db',
    'sqlite:///abs/x.db',
    'SQLITE3:data.db',
    'redis://user:gEh31m@host',
    'https://host/x.db',
    ':x:',
    '::memory:',
    ' file:data.db',
  ];
  it.each(URIS)('%s is refused as a URI, without showing it', (uri) => {
    let thrown: unknown;
    try {
      void new SqliteStore({ path: uri });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ValueError);
    expect((thrown as Error).message).toContain('URI');
    expect((thrown as Error).message).not.toContain('gEh31m');
  });

  it.each([':Memory:', ':MEMORY:', ':memory:?cache=shared', 'memory', ':memory', 'memory:'])(
    '%s never becomes a file',
    (path) => {
      expect(() => new SqliteStore({ path })).toThrow(ValueError);
    },
  );

  it('may hold a colon below a folder', async () => {
    const odd = join(folder, 'a:b.db');
    await (await SqliteStore.connect({ path: odd })).close();
    expect(readdirSync(folder)).toEqual(['a:b.db']);
  });
});

describe('a file that is lost while it is open', () => {
  const LOSSES: [string, () => void][] = [
    ['moved', () => renameSync(path, `${path}.moved`)],
    ['moved with its log', () => ['', '-wal', '-shm'].forEach((end) => renameSync(path + end, `${path}.moved${end}`))],
    ['removed', () => rmSync(path)],
    ['removed with its folder', () => rmSync(folder, { recursive: true })],
    ['without its log', () => rmSync(`${path}-wal`)],
    [
      'replaced by a backup',
      () => {
        for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
        copyFileSync(`${path}.backup`, path);
      },
    ],
  ];

  it.each(LOSSES)('%s: the next write fails, or else close(), of each store on it', async (_, lose) => {
    await (await SqliteStore.connect({ path })).close();
    copyFileSync(path, `${path}.backup`);
    const store = await SqliteStore.connect({ path });
    const other = store.scope({ storeId: 'other' });
    await other.open();
    await store.add({ obj: new Device({ name: 'before' }) });
    lose();
    const error = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining(path) };
    await expect(store.add({ obj: new Device({ name: 'after' }) })).rejects.toMatchObject(error);
    await expect(store.ping()).rejects.toMatchObject(error);
    await store.close(); // It has been told.
    await expect(other.close()).rejects.toMatchObject(error);
    expect([store.isOpen, other.isOpen]).toEqual([false, false]);
    mkdirSync(folder, { recursive: true });
  });

  it('keeps what was written before in the file that was moved', async () => {
    const store = await SqliteStore.connect({ path });
    await store.add({ obj: new Device({ name: 'before' }) });
    renameSync(path, `${path}.moved`);
    await expect(store.close()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    rmSync(`${path}-wal`, { force: true });
    rmSync(`${path}-shm`, { force: true });
    expect(await namesIn(`${path}.moved`)).toEqual(['before']);
  });

  it('can be opened again', async () => {
    const store = await SqliteStore.connect({ path });
    rmSync(path);
    await expect(store.close()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
    await store.open();
    await store.add({ obj: new Device({ name: 'again' }) });
    await store.close();
    expect(await namesIn(path)).toEqual(['again']);
  });
});

describe('a file without our tables', () => {
  it.each([0, 1, 2, 7, 2 ** 31 - 1])(
    'and of nobody is made a store, whatever its user_version: %i',
    async (version) => {
      execute(`PRAGMA user_version = ${version}; CREATE TABLE t (a); DROP TABLE t`);
      expect(await namesIn(path)).toEqual([]);
      expect(await namesIn(path)).toEqual([]);
    },
  );

  it.each([0, 1, 7])("and another application's is refused, user_version %i", async (version) => {
    execute(`PRAGMA user_version = ${version}; PRAGMA application_id = 77; CREATE TABLE t (a); DROP TABLE t`);
    const before = readFileSync(path);
    await expect(SqliteStore.connect({ path })).rejects.toMatchObject({ code: 'STORE_WRONG_DATABASE' });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it.each([
    'DROP VIEW objects; DROP TABLE records; DROP TABLE collections',
    'DROP TABLE records',
    'DROP TABLE collections',
    'ALTER TABLE records RENAME COLUMN value TO text',
  ])('and marked as ours is refused, not filled: %s', async (sql) => {
    await (await SqliteStore.connect({ path })).close();
    execute(sql);
    for (const readonly of [false, true]) {
      await expect(SqliteStore.connect({ path, readonly })).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    }
  });
});

describe('a folder that cannot be written', () => {
  it.each([true, false])('is named as the reason, readonly: %s', async (readonly) => {
    await (await SqliteStore.connect({ path })).close();
    chmodSync(path, 0o666);
    chmodSync(folder, 0o555);
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65_534);
    try {
      await expect(SqliteStore.connect({ path, readonly })).rejects.toMatchObject({
        code: readonly ? 'STORE_PERMISSION' : 'STORE_READ_ONLY',
        message: expect.stringContaining(
          readonly ? 'let this user write to the folder' : 'its folder may not be written',
        ),
      });
    } finally {
      if (root) process.seteuid?.(0);
    }
  });
});

describe('the driver', () => {
  const TABLE: [DriverGeneration, string, 'taken' | 'warned of' | 'refused'][] = [
    [12, '20.19.0', 'taken'],
    [12, '22.12.0', 'taken'],
    [12, '24.18.1', 'taken'],
    [12, '24.19.0', 'warned of'],
    [12, '24.20.0', 'warned of'],
    [12, '24.21.0', 'warned of'],
    [12, '24.22.0', 'taken'],
    [13, '20.19.0', 'refused'],
    [13, '20.20.2', 'refused'],
    [13, '22.12.0', 'refused'],
    [13, '22.13.1', 'refused'],
    [13, '22.14.0', 'taken'],
    [13, '24.21.0', 'taken'],
    [13, '26.10.0', 'taken'],
  ];
  it.each(TABLE)('%i on Node %s is %s', (generation, node, expected) => {
    const advice = adviceFor(generation, node);
    expect(advice === undefined ? 'taken' : advice.refuse ? 'refused' : 'warned of').toBe(expected);
    if (advice !== undefined)
      expect(advice.text).toMatch(new RegExp(`Node ${node}: npm install better-sqlite3@1[23]$`));
  });

  it('is told by how it reaches its binary, which is not loaded', () => {
    expect(generationOf(Database)).toBe(process.env['SQLITE_DRIVER'] === '13' ? 13 : 12);
    class Thirteen {
      constructor(_path: string, { nativeBinding }: { nativeBinding: { initialize(): void } }) {
        nativeBinding.initialize();
      }
    }
    expect(generationOf(Thirteen as never)).toBe(13);
  });
});

describe('verify', () => {
  it('finds a number of objects that disagrees with them, and repairs it', async () => {
    const store = await SqliteStore.connect({ path });
    await store.addMany({ objs: ['a', 'b', 'c'].map((name) => new Device({ name })) });
    execute("DELETE FROM records WHERE uid <> 'a'");
    const found = await store.verify();
    expect(found).toMatchObject({ clean: false, found: 1, repaired: 0, counts: { miscounted: 1 } });
    expect(found.problems).toEqual([
      {
        kind: 'miscounted',
        model: 'device',
        at: 'collections.objects',
        reason: 'there are 1 objects',
        repaired: false,
      },
    ]);
    expect(await store.verify({ repair: true })).toMatchObject({ clean: true, found: 1, repaired: 1, objects: 1 });
    expect(await store.verify()).toMatchObject({ clean: true, found: 0 });
    expect(await store.count({ model: Device })).toBe(1);
    await store.remove({ obj: new Device({ name: 'a' }) });
    expect(await store.getAllModelNames()).toEqual([]);
    await store.close();
  });

  it('reads a model again that was counted as empty', async () => {
    const store = await SqliteStore.connect({ path });
    await store.add({ obj: new Device({ name: 'a' }) });
    execute('UPDATE collections SET objects = 0');
    expect(await store.verify({ repair: true })).toMatchObject({ clean: true, objects: 1, counts: { miscounted: 1 } });
    expect(await store.getAllModelNames()).toEqual(['device']);
    await store.close();
  });

  it('finds nothing while another connection writes', async () => {
    const store = await SqliteStore.connect({ path });
    const other = await SqliteStore.connect({ path });
    const over = new AbortController();
    const writes = (async () => {
      for (let at = 0; !over.signal.aborted; at++) {
        await other.add({ obj: new Device({ name: `w${at}` }) });
        if (at % 3 === 0) await other.remove({ obj: new Device({ name: `w${at}` }) });
      }
    })();
    try {
      for (let times = 0; times < 20; times++) expect(await store.verify()).toMatchObject({ clean: true, found: 0 });
    } finally {
      over.abort();
      await writes;
    }
    await store.close();
    await other.close();
  });
});
