// The log of changes of a file: what is in it, who writes it, and when a cursor is known.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { Adapter, DiffSyncModel } from '../../../src/index.js';
import { KEPT_CHANGES } from '../../../src/store/change-log.js';
import { orderUids } from '../../../src/store/engine-access.js';
import { SqliteStore, type SqliteStoreOptions } from '../../../src/store/sqlite/index.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string(), devices: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  children: { device: 'devices' },
}) {}

const device = (name: string, role = 'leaf'): Device => new Device({ name, role });
const devices = (count: number, prefix = 'd', role = 'leaf'): Device[] =>
  Array.from({ length: count }, (_, at) => device(`${prefix}${at}`, role));

const CHILD = fileURLToPath(new URL('../../support/sqlite-child.mjs', import.meta.url));
const run = promisify(execFile);

let folder: string;
let path: string;
const open: SqliteStore[] = [];
const databases: Database.Database[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-changes-'));
  path = join(folder, 'inventory.db');
});

afterEach(async () => {
  for (const db of databases.splice(0)) db.close();
  for (const store of open.splice(0)) if (store.isOpen) await store.close();
  rmSync(folder, { recursive: true });
});

async function connect(options: Partial<SqliteStoreOptions> = {}): Promise<SqliteStore> {
  const store = await SqliteStore.connect({ path, changeLog: true, ...options });
  open.push(store);
  return store;
}

/** Another program's connection. */
function database(): Database.Database {
  const db = new Database(path);
  databases.push(db);
  return db;
}

const formatOf = (db = database()): unknown => db.pragma('user_version', { simple: true });
const rowsOf = (db = database()): unknown[] =>
  db.prepare("SELECT number, uids FROM changes JOIN collections ON id = collection WHERE model = 'device'").all();

async function cursorOf(store: SqliteStore): Promise<string> {
  const { cursor } = await store.changesSince({ model: Device });
  if (cursor === undefined) throw new Error('there is no log');
  return cursor;
}

/** The unique ids since a cursor, sorted. */
async function since(store: SqliteStore, cursor: string): Promise<string[] | undefined> {
  return (await store.changesSince({ model: Device, cursor })).uids?.toSorted();
}

describe('the log', () => {
  it('has a row for each transaction that wrote, with what it wrote', async () => {
    const store = await connect();
    await store.addMany({ objs: devices(501) });
    await store.add({ obj: device('d0') }); // Equal: nothing is written.
    await store.remove({ obj: device('d0') });
    await expect(store.remove({ obj: device('d0') })).rejects.toThrow();
    await store.update({ obj: device('d1', 'spine') });
    await store.updateOrInstantiate({ model: Device, ids: { name: 'd2' }, attrs: { role: 'spine' } });
    const names = devices(501).map(({ name }) => name);
    expect(rowsOf()).toEqual([
      { number: 500, uids: JSON.stringify(names.slice(0, 500)) },
      { number: 501, uids: '["d500"]' },
      { number: 502, uids: '["d0"]' },
      { number: 503, uids: '["d1"]' },
      { number: 504, uids: '["d2"]' },
    ]);
  });

  it('has a row for each model that a sync saves together', async () => {
    class Inventory extends Adapter {
      static override readonly models = [Site, Device];
      static override readonly topLevel = ['site'];
    }
    const source = new Inventory({ name: 'source' });
    const site = new Site({ name: 'nyc' });
    await source.add(site);
    for (const obj of devices(3)) {
      await source.add(obj);
      site.addChild(obj);
    }
    const store = await connect();
    await new Inventory({ name: 'target', store }).syncFrom(source);
    const rows = database()
      .prepare('SELECT model, uids FROM changes JOIN collections ON id = collection ORDER BY model')
      .all();
    expect(rows).toEqual([
      { model: 'device', uids: '["d0","d1","d2"]' },
      { model: 'site', uids: '["nyc"]' },
    ]);
  });

  it('names each unique id once since a cursor, any text it may be', async () => {
    const store = await connect();
    const cursor = await cursorOf(store);
    const odd = ['a\0b', '"', "'", '\u{1F600}', 'x'.repeat(16_000), '__proto__', ' '];
    for (const name of odd) await store.add({ obj: device(name) });
    await store.updateMany({ objs: odd.map((name) => device(name, 'spine')) });
    expect(await since(store, cursor)).toEqual(odd.toSorted());
    expect(await since(store, await cursorOf(store))).toEqual([]);
  });

  it('keeps so many unique ids at least, and drops the rows before them', async () => {
    const store = await connect();
    const empty = await cursorOf(store);
    await store.addMany({ objs: devices(4) });
    const early = await cursorOf(store);
    await store.addMany({ objs: devices(KEPT_CHANGES - 500, 'n') });
    expect(await since(store, early)).toHaveLength(KEPT_CHANGES - 500);
    expect(await since(store, empty)).toHaveLength(KEPT_CHANGES - 496);
    await store.addMany({ objs: devices(3000, 'm') });
    expect([await since(store, early), await since(store, empty)]).toEqual([undefined, undefined]);
    const [kept] = database().prepare('SELECT max(number) - min(number) FROM changes').pluck().all();
    expect(kept).toBeGreaterThanOrEqual(KEPT_CHANGES - 500);
    expect(kept).toBeLessThan(KEPT_CHANGES + 2048);
  });

  it('keeps more of a model with many objects', async () => {
    const store = await connect();
    const cursor = await cursorOf(store);
    await store.add({ obj: device('first') });
    database().exec(`UPDATE collections SET objects = ${40_000 * 8}`); // As if they were there.
    await store.addMany({ objs: devices(39_000) });
    expect(await since(store, cursor)).toHaveLength(39_001);
  });

  it('knows nothing before a transaction that wrote more than it keeps, and all after it', async () => {
    const store = await connect();
    await store.add({ obj: device('first') });
    const before = await cursorOf(store);
    const inserts = devices(KEPT_CHANGES + 1).map(({ name }) => ({ uid: name, data: { name, role: 'leaf' } }));
    class Reaching extends SqliteStore {
      saveAll(): Promise<unknown> {
        return this.saveTogether([
          { model: 'device', replaced: [], inserts, puts: [], modified: [], change: () => undefined, removed: [] },
        ]);
      }
    }
    const reaching = new Reaching({ path });
    await reaching.open();
    await reaching.saveAll();
    await reaching.close();
    expect(rowsOf()).toEqual([{ number: KEPT_CHANGES + 2, uids: null }]);
    const after = await cursorOf(store);
    await store.add({ obj: device('last') });
    expect([await since(store, before), await since(store, after)]).toEqual([undefined, ['last']]);
  });

  it('is gone with a clear, also what a cursor of an empty model says, and leaves no row behind', async () => {
    const store = await connect();
    const other = store.scope({ storeId: 'other' });
    await other.open();
    await other.add({ obj: device('theirs') });
    const [empty, others] = [await cursorOf(store), await cursorOf(other)];
    await store.addMany({ objs: devices(1200) });
    for (const obj of devices(600)) await store.remove({ obj });
    const full = await cursorOf(store);
    await store.clear();
    expect(database().prepare('SELECT count(*) FROM changes').pluck().get()).toBe(1);
    for (const cursor of [empty, full]) expect(await since(store, cursor)).toBeUndefined();
    await store.addMany({ objs: devices(5) });
    for (const cursor of [empty, full]) expect(await since(store, cursor)).toBeUndefined();
    expect(await since(other, others)).toEqual([]);
  });

  it('takes no cursor of another store, model or kind', async () => {
    const store = await connect();
    const other = store.scope({ storeId: 'other' });
    await other.open();
    const cursors = [await cursorOf(other), (await store.changesSince({ model: Site })).cursor ?? ''];
    await other.add({ obj: device('a') });
    await store.add({ obj: device('a') });
    cursors.push(await cursorOf(other), '', ' ', '0', '1', '1 ', 'x', '-1', '1e999 x');
    for (const cursor of cursors) expect([cursor, await since(store, cursor)]).toEqual([cursor, undefined]);
  });

  it('keeps the order of insertion for unique ids that are asked for', async () => {
    const store = await connect();
    await store.addMany({ objs: devices(1500) });
    await store.remove({ obj: device('d3') });
    await store.add({ obj: device('d3') });
    const asked = [...devices(1500).map(({ name }) => name), 'missing'].toReversed();
    const expected = (await store.getAll({ model: Device })).map(({ name }) => name);
    expect(await orderUids(store, 'device', asked)).toEqual(expected);
    expect(await orderUids(store, 'site', asked)).toEqual([]);
  });
});

describe('the format', () => {
  it('is 2 without the option, and there is no log', async () => {
    const store = await connect({ changeLog: undefined });
    await store.add({ obj: device('a') });
    expect(await store.changesSince({ model: Device })).toEqual({ cursor: undefined, uids: undefined });
    expect(formatOf()).toBe(2);
  });

  it.each([1, 2])('is raised from %i to 3 by the option, and the file keeps its objects', async (format) => {
    await (await connect({ changeLog: false })).close();
    if (format === 1) database().exec('DROP TABLE leases; PRAGMA user_version = 1');
    else await (await connect({ changeLog: false })).add({ obj: device('a') });
    const store = await connect();
    expect(formatOf()).toBe(3);
    expect(await store.count({ model: Device })).toBe(format - 1);
    const cursor = await cursorOf(store);
    await store.add({ obj: device('b') });
    expect(await since(store, cursor)).toEqual(['b']);
    expect(await store.verify()).toMatchObject({ clean: true });
    expect(database().prepare('SELECT uid FROM objects').pluck().all()).toContain('b');
    expect(database().pragma('integrity_check', { simple: true })).toBe('ok');
  });

  it('of 3 stays, and is logged without the option', async () => {
    await (await connect()).close();
    const store = await connect({ changeLog: false });
    const cursor = await cursorOf(store);
    await store.add({ obj: device('a') });
    expect(await since(store, cursor)).toEqual(['a']);
    expect(formatOf()).toBe(3);
  });

  it('may be raised while others have the file open: they log from their next write on', async () => {
    const early = await connect({ changeLog: false });
    await early.add({ obj: device('a') });
    const reader = await connect({ changeLog: false, readonly: true });
    expect(await reader.changesSince({ model: Device })).toEqual({ cursor: undefined, uids: undefined });
    const store = await connect();
    const cursor = await cursorOf(store);
    await early.add({ obj: device('b') });
    await early.update({ obj: device('a', 'spine') });
    await early.remove({ obj: device('b') });
    expect(await since(reader, cursor)).toEqual(['a', 'b']);
    expect(await reader.count()).toBe(1);
    await early.clear();
    expect(await since(reader, cursor)).toBeUndefined();
    expect(database().prepare('SELECT count(*) FROM changes').pluck().get()).toBe(0);
  });

  it('of 3 stops the writes of an older version that has the file open, and not its reads', async () => {
    const store = await connect({ changeLog: false });
    await store.add({ obj: device('a') });
    const db = database();
    const older = [
      "INSERT INTO records (collection, uid, value) VALUES (1, 'x', '{}') ON CONFLICT (collection, uid) DO NOTHING",
      "UPDATE records SET value = '{}' WHERE collection = 1 AND uid = 'a'",
      "DELETE FROM records WHERE collection = 1 AND uid = 'a'",
    ].map((sql) => db.prepare(sql));
    const read = db.prepare('SELECT uid FROM records WHERE collection = 1').pluck();
    await connect();
    for (const write of older) expect(() => write.run()).toThrow('cannot modify records because it is a view');
    expect(read.all()).toEqual(['a']);
  });

  it.each([false, true])('is read as it is by a reader, with the option: %s', async (changeLog) => {
    await (await connect({ changeLog: false })).close();
    const reader = await connect({ readonly: true, changeLog });
    expect(await reader.changesSince({ model: Device })).toEqual({ cursor: undefined, uids: undefined });
    expect(formatOf()).toBe(2);
    const store = await connect();
    const cursor = await cursorOf(reader);
    await store.add({ obj: device('a') });
    expect(await since(reader, cursor)).toEqual(['a']);
  });

  it('of a database in memory is 3 with the option', async () => {
    const store = await connect({ path: ':memory:' });
    const cursor = await cursorOf(store);
    await store.add({ obj: device('a') });
    expect(await since(store, cursor)).toEqual(['a']);
  });
});

describe('a file that is restored from a backup', () => {
  const backup = (): string => `${path}.backup`;

  /** Copies the closed file, goes on with it by `lost`, and puts the copy back. */
  async function restoreAfter(lost: () => Promise<string>): Promise<string> {
    for (const store of open.splice(0)) await store.close();
    copyFileSync(path, backup());
    const cursor = await lost();
    for (const store of open.splice(0)) await store.close();
    copyFileSync(backup(), path);
    return cursor;
  }

  it('does not know what came after the backup, even when as much is written again; what was before it stays', async () => {
    const early = await connect();
    await early.addMany({ objs: devices(3) });
    const kept = await cursorOf(early);
    const lost = await restoreAfter(async () => {
      const store = await connect();
      await store.add({ obj: device('x') });
      return cursorOf(store);
    });
    const store = await connect();
    expect(await since(store, lost)).toBeUndefined();
    await store.add({ obj: device('y') });
    expect((await cursorOf(store)).split(' ')[0]).toBe(lost.split(' ')[0]);
    expect([await since(store, lost), await since(store, kept)]).toEqual([undefined, ['y']]);
  });

  it('from before the upgrade does not know a cursor of the upgraded file', async () => {
    await (await connect({ changeLog: false })).add({ obj: device('a') });
    const lost = await restoreAfter(async () => {
      await (await connect({ changeLog: false })).update({ obj: device('a', 'spine') });
      return cursorOf(await connect());
    });
    expect(await since(await connect(), lost)).toBeUndefined();
  });

  it('from before a clear does not know a cursor of the cleared store', async () => {
    await (await connect()).add({ obj: device('a') });
    const lost = await restoreAfter(async () => {
      const store = await connect();
      await store.clear();
      return cursorOf(store);
    });
    expect(await since(await connect(), lost)).toBeUndefined();
  });
});

describe('several processes', () => {
  it('log what they write, each time', async () => {
    const store = await connect();
    const cursor = await cursorOf(store);
    const seen = new Set<string>();
    let from = cursor;
    const over = new AbortController();
    const reading = (async () => {
      while (!over.signal.aborted) {
        const answer = await store.changesSince({ model: Device, cursor: from });
        for (const uid of answer.uids ?? []) seen.add(uid);
        from = answer.cursor ?? '';
        await sleep(1);
      }
    })();
    await Promise.all(['left', 'right'].map((role) => run(process.execPath, [CHILD, 'race', path, role])));
    over.abort();
    await reading;
    for (const uid of (await store.changesSince({ model: Device, cursor: from })).uids ?? []) seen.add(uid);
    const stored = (await store.getAll({ model: Device })).map(({ name }) => name).toSorted();
    expect(stored).toHaveLength(200);
    expect([...seen].toSorted()).toEqual(stored);
    expect(await since(store, cursor)).toEqual(stored);
  });

  it('that are killed leave a write with its row of the log, or neither', async () => {
    const rounds = Array.from({ length: 6 }, (_, at) => at * 5);
    for (const delay of rounds) {
      const store = await connect();
      const cursor = await cursorOf(store);
      const child = spawn(process.execPath, [CHILD, 'fill', path], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = once(child, 'exit');
      await Promise.race([once(child.stdout, 'data'), exited]);
      await sleep(delay);
      child.kill('SIGKILL');
      expect((await exited)[1]).toBe('SIGKILL');
      const stored = (await store.getAll({ model: Device })).map(({ name }) => name).toSorted();
      expect(stored.length).toBeGreaterThan(0);
      const known = await since(store, cursor);
      // A machine that lets it fill for longer writes more than is kept.
      if (stored.length <= KEPT_CHANGES) expect(known).toEqual(stored);
      await store.clear();
    }
  });
});
