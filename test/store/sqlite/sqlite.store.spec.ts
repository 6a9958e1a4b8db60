// Not shared with other stores: the file, its format, locks and errors are SQLite's own.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { DiffSyncModel, ObjectStoreException, ValueError } from '../../../src/index.js';
import { SqliteStore, type SqliteStoreOptions } from '../../../src/store/sqlite/index.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({
    name: z.string(),
    role: z.string().default('leaf'),
    a: z.number().optional(),
    b: z.number().optional(),
  }),
  identifiers: ['name'],
  attributes: ['role', 'a', 'b'],
}) {}

const devices = (count: number): Device[] =>
  Array.from({ length: count }, (_, at) => new Device({ name: `d${String(at).padStart(5, '0')}` }));

const CHILD = fileURLToPath(new URL('../../support/sqlite-child.mjs', import.meta.url));
const run = promisify(execFile);

let folder: string;
let path: string;
const open: SqliteStore[] = [];
const databases: Database.Database[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-sqlite-'));
  path = join(folder, 'inventory.db');
});

afterEach(async () => {
  for (const db of databases.splice(0)) db.close();
  for (const store of open.splice(0)) if (store.isOpen) await store.close();
  rmSync(folder, { recursive: true });
});

async function connect(options: Partial<SqliteStoreOptions> = {}): Promise<SqliteStore> {
  const store = await SqliteStore.connect({ path, ...options });
  open.push(store);
  return store;
}

/** Another program's connection. */
function database(file = path): Database.Database {
  const db = new Database(file);
  databases.push(db);
  return db;
}

async function failure(work: Promise<unknown>): Promise<ObjectStoreException> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ObjectStoreException);
  return error as ObjectStoreException;
}

describe('the file', () => {
  it('holds many stores, each object as readable JSON, in the order of insertion', async () => {
    const [store, other] = [await connect(), await connect({ storeId: 'other' })];
    await store.addMany({ objs: [new Device({ name: 'b', role: 'spine' }), new Device({ name: 'a' })] });
    await other.add({ obj: new Device({ name: 'c' }) });
    expect(database().prepare('SELECT * FROM objects').all()).toEqual([
      { store_id: 'default', model: 'device', uid: 'b', value: '{"name":"b","role":"spine"}' },
      { store_id: 'default', model: 'device', uid: 'a', value: '{"name":"a","role":"leaf"}' },
      { store_id: 'other', model: 'device', uid: 'c', value: '{"name":"c","role":"leaf"}' },
    ]);
  });

  it('says whose it is and in which format, and is in WAL mode', async () => {
    await connect();
    const db = database();
    const facts = ['application_id', 'user_version', 'journal_mode'].map((name) => db.pragma(name, { simple: true }));
    expect(facts).toEqual([0x44534e43, 2, 'wal']);
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  });

  it('is read through indexes alone', async () => {
    const store = await connect();
    await store.addMany({ objs: devices(10) });
    const plan = (sql: string): unknown =>
      database()
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all(...Array.from({ length: sql.split('?').length - 1 }, () => 1))
        .map((row) => (row as { detail: string }).detail);
    expect(
      plan(
        'SELECT place, uid, value FROM records WHERE collection = ? AND place > ? AND place <= ? ORDER BY place LIMIT ?',
      ),
    ).toEqual(['SEARCH records USING INDEX records_in_order (collection=? AND rowid>? AND rowid<?)']);
  });

  it('is another one for each store in memory, and is gone with the last store on it', async () => {
    const [store, other] = [await connect({ path: ':memory:' }), await connect({ path: ':memory:' })];
    const scoped = store.scope({ storeId: 'scoped' });
    await scoped.open();
    await scoped.addMany({ objs: devices(3) });
    await store.close();
    expect(await scoped.count()).toBe(3);
    expect(await other.count()).toBe(0);
    expect(store.address).toBeUndefined();
    await scoped.close();
    await scoped.open();
    expect(await scoped.count()).toBe(0);
    await scoped.close();
  });

  it('is shared by scoped stores on one connection, which closes with the last of them', async () => {
    const root = await connect();
    const scoped = root.scope({ storeId: 'default.a', name: 'a' });
    await scoped.open();
    await root.close();
    await scoped.add({ obj: new Device({ name: 'a' }) });
    expect(existsSync(`${path}-wal`)).toBe(true);
    await scoped.close();
    expect(readdirSync(folder)).toEqual(['inventory.db']);
  });
});

describe('migrations', () => {
  const migrations = fileURLToPath(new URL('../../../src/store/sqlite/migrations', import.meta.url));

  it('are numbered without gaps, all listed, and never change once they are released', () => {
    const files = readdirSync(migrations)
      .filter((name) => name !== 'texts.ts')
      .toSorted();
    const schema = readFileSync(join(migrations, '../sqlite-schema.ts'), 'utf8');
    for (const [at, name] of files.entries()) {
      expect(name).toMatch(new RegExp(`^${String(at + 1).padStart(4, '0')}_`));
      expect(schema).toContain(`'${name}'`);
    }
    const digest = (name: string): string =>
      createHash('sha256')
        .update(readFileSync(join(migrations, name)))
        .digest('hex')
        .slice(0, 16);
    expect(files.map((name) => [name, digest(name)])).toEqual([
      ['0001_records.sql', '75aba159f727aa70'],
      ['0002_leases.sql', '8732d64d897cd3f7'],
      ['0003_changes.sql', '7d726488d02e9c91'],
    ]);
  });

  it('a file of format 1 is read as it is by a reader, and gets leases when it is opened for writing', async () => {
    const db = database();
    db.exec(readFileSync(join(migrations, '0001_records.sql'), 'utf8'));
    db.exec(`
      INSERT INTO collections (store_id, model, objects) VALUES ('default', 'device', 1);
      INSERT INTO records (collection, uid, value) VALUES (1, 'r1', '{"name":"r1","role":"spine"}');
      PRAGMA application_id = 0x44534e43;
      PRAGMA user_version = 1`);
    db.close();
    const reader = await connect({ readonly: true });
    expect((await reader.get({ model: Device, identifier: 'r1' })).role).toBe('spine');
    expect(await reader.leaseHolder()).toBeUndefined();
    const writer = await connect();
    const lease = await writer.acquireLease({ holder: { runId: 'run-1' } });
    await lease.run(() => writer.update({ obj: new Device({ name: 'r1', role: 'leaf' }) }));
    expect(database().pragma('user_version', { simple: true })).toBe(2);
    expect((await reader.get({ model: Device, identifier: 'r1' })).role).toBe('leaf');
    expect(await reader.leaseHolder()).toEqual(lease.holder);
    await lease.release();
    expect((await failure(reader.acquireLease())).code).toBe('STORE_READ_ONLY');
  });

  it('a file in a newer format is refused with STORE_NEWER_FORMAT, and stays as it is', async () => {
    await (await connect()).close();
    const db = database();
    db.pragma('user_version = 7');
    db.close();
    const before = readFileSync(path);
    const error = await failure(connect());
    expect(error.code).toBe('STORE_NEWER_FORMAT');
    expect(error.message).toContain(`SqliteStore (default) at ${path}: it is kept in format 7`);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("another application's database is refused with STORE_WRONG_DATABASE, and stays as it is", async () => {
    const db = database();
    db.exec('CREATE TABLE theirs (a)');
    db.close();
    const before = readFileSync(path);
    expect((await failure(connect())).code).toBe('STORE_WRONG_DATABASE');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('one that cannot end leaves nothing of itself', async () => {
    database().exec('PRAGMA application_id = 1146310211; CREATE TABLE records (mine)'); // Ours, and in the way.
    expect((await failure(connect())).code).toBe('STORE_CORRUPT');
    expect(database().prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['records']);
  });

  it('run once, however many open a new file at the same time', async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, (_, at) => connect({ storeId: `s${at}` })));
    await Promise.all(stores.map((store) => store.addMany({ objs: devices(5) })));
    expect(await Promise.all(stores.map((store) => store.count()))).toEqual(stores.map(() => 5));
  });
});

describe('paths where no store can be', () => {
  const open = async (where: string): Promise<ObjectStoreException> => {
    const error = await failure(SqliteStore.connect({ path: where }));
    expect(error.message).toContain(`SqliteStore (default) at ${where}: `);
    // No `instanceof`: the driver's error may be that of another test file's modules.
    expect(error.cause).toMatchObject({ message: expect.stringMatching(/./), stack: expect.any(String) });
    return error;
  };

  /** As a user without rights, where the tests run as one with all of them. */
  async function unprivileged<T>(work: () => Promise<T>): Promise<T> {
    const root = process.geteuid?.() === 0;
    chmodSync(folder, 0o755);
    if (root) process.seteuid?.(65_534);
    try {
      return await work();
    } finally {
      if (root) process.seteuid?.(0);
    }
  }

  it('a directory: STORE_WRONG_DATABASE', async () => {
    expect((await open(folder)).code).toBe('STORE_WRONG_DATABASE');
  });

  it('a folder that is not there: STORE_UNAVAILABLE, and none is made', async () => {
    const error = await open(join(folder, 'none', 'x.db'));
    expect(error.code).toBe('STORE_UNAVAILABLE');
    expect(error.message).toContain('see that its folder exists');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('a file below a file: STORE_UNAVAILABLE', async () => {
    writeFileSync(path, '');
    expect((await open(join(path, 'x.db'))).code).toBe('STORE_UNAVAILABLE');
  });

  it.each([
    ['a word', 'hello'],
    ['plain text', 'hello world '.repeat(1000)],
  ])('a file that holds %s: STORE_WRONG_DATABASE, and it stays as it is', async (_, text) => {
    writeFileSync(path, text);
    expect((await open(path)).code).toBe('STORE_WRONG_DATABASE');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('a file that may not be written: STORE_READ_ONLY, and it can be opened "readonly" where its folder can be written', async () => {
    const store = await connect();
    await store.addMany({ objs: devices(3) });
    await store.close();
    chmodSync(path, 0o444);
    expect((await unprivileged(() => open(path))).code).toBe('STORE_READ_ONLY');
    const reader = await connect({ readonly: true });
    expect(await reader.count()).toBe(3);
  });

  it('a file that may not be read: STORE_PERMISSION', async () => {
    await (await connect()).close();
    chmodSync(path, 0o000);
    expect((await unprivileged(() => open(path))).code).toBe('STORE_PERMISSION');
  });

  it('a damaged file: STORE_CORRUPT, at the latest when what is damaged is read', async () => {
    const store = await connect();
    await store.addMany({ objs: devices(2000) });
    await store.close();
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 8 * 4096);
    writeFileSync(path, bytes);
    const reading = connect().then((damaged) => damaged.getAll({ model: Device }));
    expect((await failure(reading)).code).toBe('STORE_CORRUPT');
  });
});

describe('a full disk', () => {
  it('rejects with STORE_FULL, writes no part of a chunk, and goes on when there is room again', async () => {
    // The limit is one of the connection, so it takes the store's own.
    const pragma = jest.spyOn(Database.prototype, 'pragma');
    const store = await connect();
    const db = pragma.mock.contexts[0] as Database.Database;
    pragma.mockRestore();
    await store.addMany({ objs: devices(500) });
    db.pragma(`max_page_count = ${(db.pragma('page_count', { simple: true }) as number) + 20}`);
    const objs = devices(5000);
    const error = await failure(store.addMany({ objs }));
    expect(error.code).toBe('STORE_FULL');
    const stored = await store.getAll({ model: Device });
    expect(stored.length % 500).toBe(0);
    expect(stored.length).toBeLessThan(5000);
    expect(await store.count()).toBe(stored.length);
    db.pragma('max_page_count = 1000000');
    await store.addMany({ objs });
    expect(await store.count()).toBe(5000);
  });
});

describe('damage', () => {
  it('reads of a row that is no object reject with STORE_CORRUPT naming model and uid, not the value', async () => {
    const store = await connect();
    await store.addMany({ objs: devices(3) });
    const change = database().prepare(`UPDATE records SET value = ? WHERE uid = 'd00001'`);
    for (const text of ['{"name":', 'null', '[]', '7', '{"$diffsync":"future","v":1}', 'secret']) {
      change.run(text);
      const reads = [
        () => store.get({ model: Device, identifier: 'd00001' }),
        () => store.getAll({ model: Device }),
        () =>
          store
            .iterate({ model: Device, batchSize: 2 })
            .next()
            .then(() => store.find({ model: Device, uids: ['d00001'] })),
        () => store.add({ obj: new Device({ name: 'd00001' }) }),
        () => store.updateOrInstantiate({ model: Device, ids: { name: 'd00001' }, attrs: { role: 'x' } }),
      ];
      for (const read of reads) {
        const error = await failure(read());
        expect(error.code).toBe('STORE_CORRUPT');
        expect(error.message).toContain('device "d00001"');
        expect(error.message).not.toContain('secret');
      }
    }
    await store.update({ obj: new Device({ name: 'd00001' }) });
    expect(await store.getAll({ model: Device })).toHaveLength(3);
  });
});

describe('clear', () => {
  it('detaches all in one transaction, frees the room after it, and leaves no row behind', async () => {
    const [store, other] = [await connect(), await connect({ storeId: 'other' })];
    await store.addMany({ objs: devices(3000) });
    await other.addMany({ objs: devices(2) });
    const clearing = store.clear();
    expect(await other.count()).toBe(2);
    await clearing;
    const db = database();
    expect(db.prepare('SELECT count(*) FROM records').pluck().get()).toBe(2);
    expect(db.prepare('SELECT store_id FROM collections').pluck().all()).toEqual(['other']);
  });

  it('of any store also frees what a process that ended had cleared and not freed', async () => {
    const [store, other] = [await connect(), await connect({ storeId: 'other' })];
    await store.addMany({ objs: devices(1200) });
    database().exec(`UPDATE collections SET store_id = NULL WHERE store_id = 'default'`);
    expect([await store.count(), await store.getAllModelNames()]).toEqual([0, []]);
    await store.addMany({ objs: devices(1) });
    await other.clear();
    expect(database().prepare('SELECT count(*) FROM records').pluck().get()).toBe(1);
    expect(await store.count()).toBe(1);
  });

  it('beside a reading ends it, and gives nothing twice', async () => {
    const [store, other] = [await connect(), await connect()];
    await store.addMany({ objs: devices(2000) });
    const seen: string[] = [];
    for await (const { name } of store.iterate({ model: Device, batchSize: 100 })) {
      if (seen.push(name) !== 100) continue;
      await other.clear();
      await other.addMany({ objs: devices(500) });
    }
    expect(seen).toHaveLength(100);
  });
});

describe('readonly', () => {
  it('reads what others write, and rejects every write with STORE_READ_ONLY', async () => {
    const writer = await connect();
    const reader = await connect({ readonly: true });
    await writer.addMany({ objs: devices(2) });
    expect(await reader.getAll({ model: Device })).toHaveLength(2);
    const obj = new Device({ name: 'x' });
    for (const write of [reader.add({ obj }), reader.update({ obj }), reader.remove({ obj }), reader.clear()]) {
      expect((await failure(write)).code).toBe('STORE_READ_ONLY');
    }
    await reader.ping();
    expect(await writer.count()).toBe(2);
  });

  it('makes no file: STORE_UNAVAILABLE where there is none', async () => {
    expect((await failure(connect({ readonly: true }))).code).toBe('STORE_UNAVAILABLE');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses a file that would have to change first', async () => {
    writeFileSync(path, '');
    expect((await failure(connect({ readonly: true }))).code).toBe('STORE_READ_ONLY');
  });
});

describe('ping', () => {
  it('rejects with STORE_UNAVAILABLE once the file is removed or replaced', async () => {
    const store = await connect();
    await store.ping();
    rmSync(path);
    expect((await failure(store.ping())).code).toBe('STORE_UNAVAILABLE');
    writeFileSync(path, '');
    expect((await failure(store.ping())).message).toContain('replaced or removed');
    await expect(store.close()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('a file that another connection has locked', () => {
  it('is waited for, in the order of the calls, while reads and the event loop go on', async () => {
    const store = await connect();
    await store.addMany({ objs: devices(1) });
    const other = database();
    other.exec('BEGIN IMMEDIATE');
    const obj = (role: string): Device => new Device({ name: 'x', role });
    const writes = [
      store.add({ obj: obj('first') }),
      store.update({ obj: obj('second') }),
      store.remove({ obj: obj('') }),
    ];
    const done: number[] = [];
    for (const [at, write] of writes.entries()) void write.then(() => done.push(at));
    await sleep(50);
    expect(done).toEqual([]);
    expect(await store.count()).toBe(1);
    other.exec('COMMIT');
    await Promise.all(writes);
    expect(done).toEqual([0, 1, 2]);
    expect(await store.count()).toBe(1);
  });

  it('fails a write with STORE_TIMEOUT when it takes too long, and nothing is written', async () => {
    const store = await connect({ timeout: 30 });
    const other = database();
    other.exec('BEGIN IMMEDIATE');
    const errors = await Promise.all(devices(20).map((obj) => failure(store.add({ obj }))));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['STORE_TIMEOUT']));
    expect(errors[0]?.message).toContain(`SqliteStore (default) at ${path}: another process`);
    expect((await failure(SqliteStore.connect({ path, timeout: 0 }))).code).toBe('STORE_TIMEOUT');
    other.exec('COMMIT');
    expect(await store.count()).toBe(0);
    await store.addMany({ objs: devices(3) });
    expect(await store.count()).toBe(3);
  });
});

describe('the event loop', () => {
  it('keeps running while many objects are written, read, compared and removed', async () => {
    const store = await connect();
    const objs = devices(20_000);
    const work: Readonly<Record<string, () => Promise<unknown>>> = {
      addMany: () => store.addMany({ objs }),
      'addMany again': () => store.addMany({ objs }),
      updateMany: () => store.updateMany({ objs }),
      getAll: () => store.getAll({ model: Device }),
      getByUids: () => store.getByUids({ model: Device, uids: objs.map(({ name }) => name) }),
      get: async () => {
        for (const { name } of objs) await store.get({ model: Device, identifier: name });
      },
      removeMany: () => store.removeMany({ objs }),
    };
    for (const [name, each] of Object.entries(work)) {
      let turns = 0;
      let over = false;
      const turn = (): void => {
        turns++;
        if (!over) setImmediate(turn);
      };
      setImmediate(turn);
      await each();
      over = true;
      expect([name, turns > 1]).toEqual([name, true]);
    }
  });
});

describe('two processes', () => {
  it('add objects of the same unique ids: each has one winner', async () => {
    const roles = ['left', 'right'];
    const outputs = await Promise.all(roles.map((role) => run(process.execPath, [CHILD, 'race', path, role])));
    const won = outputs.map(({ stdout }) => Number(stdout));
    const stored = await (await connect()).getAll({ model: Device });
    expect(stored).toHaveLength(200);
    expect(roles.map((role) => stored.filter((device) => device.role === role).length)).toEqual(won);
  });

  it('set different attributes of one object: both win, each time', async () => {
    await Promise.all(['a', 'b'].map((attribute) => run(process.execPath, [CHILD, 'count', path, attribute])));
    const shared = await (await connect()).get({ model: Device, identifier: 'shared' });
    expect([shared.a, shared.b]).toEqual([200, 200]);
  });
});

describe('a process that is killed', () => {
  it('in the middle of addMany() leaves all of a batch or nothing of it, 20 times of 20', async () => {
    const delays = Array.from({ length: 20 }, (_, at) => at * 2);
    const rounds: { batches: number; torn: number }[] = [];
    const round = async (delay: number): Promise<void> => {
      const file = join(folder, `killed-${delay}.db`);
      const child = spawn(process.execPath, [CHILD, 'fill', file], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = once(child, 'exit');
      await Promise.race([once(child.stdout, 'data'), exited]);
      await sleep(delay);
      child.kill('SIGKILL');
      expect((await exited)[1]).toBe('SIGKILL');
      const store = await connect({ path: file });
      const batches = new Map<string, number>();
      for await (const { role } of store.iterate({ model: Device })) batches.set(role, (batches.get(role) ?? 0) + 1);
      expect(await store.count()).toBe([...batches.values()].reduce((sum, size) => sum + size, 0));
      rounds.push({ batches: batches.size, torn: [...batches.values()].filter((size) => size !== 500).length });
    };
    const waiting = [...delays];
    const lane = async (): Promise<void> => {
      for (let delay = waiting.shift(); delay !== undefined; delay = waiting.shift()) await round(delay);
    };
    await Promise.all([lane(), lane()]);
    expect(rounds).toHaveLength(20);
    expect(rounds.filter(({ torn }) => torn > 0)).toEqual([]);
    expect(rounds.every(({ batches }) => batches >= 1)).toBe(true);
  });
});

describe('options', () => {
  it.each([
    [{}, 'path: missing'],
    [{ path: '' }, 'path: '],
    [{ path: ' x.db' }, 'path: begins or ends with white space'],
    [{ path: 'a\0b' }, 'path: has a NUL character'],
    [{ path: ':memory:', readonly: true }, 'readonly: goes with a file only'],
    [{ path: 'x.db', timeout: -1 }, 'timeout: '],
    [{ path: 'x.db', timeout: Number.NaN }, 'timeout: '],
    [{ path: 'x.db', pth: 1 }, 'pth: no such option'],
    [{ path: 'x.db', storeId: 'a:b' }, 'storeId is not allowed'],
  ])('new SqliteStore(%j) throws a ValueError that says which', (options, message) => {
    const make = (): SqliteStore => new SqliteStore(options as SqliteStoreOptions);
    expect(make).toThrow(ValueError);
    expect(make).toThrow(message);
  });

  it('the address is the whole path', () => {
    expect(new SqliteStore({ path: 'x.db' }).address).toBe(join(process.cwd(), 'x.db'));
  });
});
