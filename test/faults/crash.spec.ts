// SIGKILL of the application in the middle of loading and syncing; of the server under writes.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { RedisStore } from '../../src/store/redis/index.js';
import { bundle, type Bundled } from '../support/bundled.js';
import { sized } from '../support/full.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { engines, job, Port, sourceOf, type Engine } from './crash.worker.js';
import { SEED } from './seed.js';

/** The long form, CRASH_ROUNDS=50, takes more than a minute. */
const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? sized(12, 6));
const WORKER = 'test/faults/crash.worker.ts';

let server: RedisServer;
let redis: Redis;
let bundled: Bundled;
let folder: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  bundled = await bundle(WORKER);
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-crash-'));
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  redis.disconnect();
  bundled.remove();
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});

/** Where the store is, and what is wrong with it: [] for a store that is whole. */
const cases: Record<Engine, { readonly where: () => string; readonly damage: () => Promise<string[]> }> = {
  redis: { where: () => server.url, damage: redisDamage },
  sqlite: { where: () => join(folder, 'crash.db'), damage: async () => sqliteDamage(join(folder, 'crash.db')) },
};

/** Index, objects, names of models and format must agree. */
async function redisDamage(): Promise<string[]> {
  const damage: string[] = [];
  const named = await redis.smembers('diffsync.models:crash');
  const keys = await redis.keys('*');
  for (const model of ['device', 'port']) {
    const indexed = new Set(await redis.zrange(`diffsync.index:crash:${model}`, '0', '-1'));
    const prefix = `diffsync:crash:${model}:`;
    const stored = new Set(keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)));
    for (const uid of indexed) if (!stored.has(uid)) damage.push(`${model} ${uid} is indexed, and not there`);
    for (const uid of stored) if (!indexed.has(uid)) damage.push(`${model} ${uid} is there, and not indexed`);
    if (stored.size > 0 && !named.includes(model)) damage.push(`${model} has objects, and no name`);
    if (stored.size > 0 && (await redis.hget(`diffsync.state:crash:${model}`, 'format')) !== '1') {
      damage.push(`${model} has no format`);
    }
  }
  return damage;
}

/** By SQLite's own check: a file has no index of ours that could disagree. */
function sqliteDamage(path: string): string[] {
  const db = new Database(path, { readonly: true });
  const answer = String(db.pragma('integrity_check', { simple: true }));
  db.close();
  return answer === 'ok' ? [] : [answer];
}

/** A process that has all loaded and waits for its job. */
async function standby(): Promise<ChildProcess> {
  const child = fork(bundled.path, { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } });
  children.add(child);
  child.once('exit', () => children.delete(child));
  await once(child, 'message');
  return child;
}

describe.each(Object.keys(cases) as Engine[])('SIGKILL of an application that syncs into %s', (engine) => {
  it(`${ROUNDS} times: the store is whole, and the job done again converges (SEED=${SEED})`, async () => {
    const { where, damage } = cases[engine];
    const run = async (round: number): Promise<boolean> => {
      const store = await engines[engine](where());
      try {
        const [target, source] = [await job(store, round), await sourceOf(round)];
        expect([await target.count(), await store.verify()]).toMatchObject([await source.count(), { clean: true }]);
        return (await target.diffFrom(source)).hasDiffs();
      } finally {
        await store.close();
      }
    };
    // How long the whole job takes here decides when it is killed.
    await run(0);
    const started = performance.now();
    await run(1);
    const whole = performance.now() - started;
    const moments = fc.sample(fc.double({ min: 0, max: 1, noNaN: true }), { numRuns: ROUNDS, seed: SEED });
    let halfway = 0;
    let next = standby();
    for (const [at, moment] of moments.entries()) {
      const round = at + 2;
      const child = await next;
      next = at + 1 < ROUNDS ? standby() : next;
      const exited = once(child, 'exit');
      let last: unknown;
      child.on('message', (message) => (last = message));
      child.send({ engine, where: where(), round });
      await once(child, 'message');
      await sleep(moment * whole);
      child.kill('SIGKILL');
      await exited;
      if (last === 'running') halfway++;

      expect(await damage()).toEqual([]);
      expect([round, await run(round)]).toEqual([round, false]);
    }
    expect(await damage()).toEqual([]);
    expect(halfway).toBeGreaterThan(ROUNDS / 4);
    process.stdout.write(`${engine}: killed ${ROUNDS} times, ${halfway} in the middle\n`);
  }, 180_000);
});

describe('SIGKILL of the server: what docs/redis.md says of a single server', () => {
  /** By the setting as the document names it: what it is started with, and whether acknowledged writes survive. */
  const promises: Record<string, { readonly args: readonly string[]; readonly survive: boolean }> = {
    'one server, `appendfsync always`': { args: ['--appendonly', 'yes', '--appendfsync', 'always'], survive: true },
    'one server, `appendfsync everysec`': { args: ['--appendonly', 'yes', '--appendfsync', 'everysec'], survive: true },
    'one server without persistence': { args: [], survive: false },
  };

  it('has these rows and no other', () => {
    const text = readFileSync('docs/redis.md', 'utf8');
    const rows = [...text.matchAll(/^\| (one server[^|]*?) +\| ([^|]*?) +\|$/gm)].map(([, name, words = '']) => [
      name,
      words.startsWith('survives a crash of the server'),
    ]);
    expect(rows).toEqual(Object.entries(promises).map(([name, { survive }]) => [name, survive]));
  });

  it.each(Object.entries(promises))(
    '%s',
    async (_, { args, survive }) => {
      let own = await startRedis({ args });
      const store = await RedisStore.connect({ url: own.url, storeId: 'crash' });
      const acknowledged: string[] = [];
      const end = new AbortController();
      const writers = Array.from({ length: 8 }, async (_each, writer) => {
        for (let at = 0; !end.signal.aborted; at++) {
          const obj = new Port({ name: `${writer}-${at}`, speed: at });
          const done = await store.add({ obj }).then(
            () => true,
            () => false,
          );
          if (done && !end.signal.aborted) acknowledged.push(obj.name);
        }
      });
      while (acknowledged.length < 400) await sleep(1);
      own.kill('SIGKILL');
      await own.ended();
      end.abort();
      own = await own.restart();
      await Promise.all(writers);
      const found = await store.find({ model: Port, uids: acknowledged });
      const there = found.filter((obj) => obj !== undefined).length;
      expect(there).toBe(survive ? acknowledged.length : 0);
      expect(await store.count({ model: Port })).toBeGreaterThanOrEqual(there);
      await store.close();
      await own.stop();
    },
    60_000,
  );
});
