// Other processes write while sides are compared, or are killed in the middle of a sync: the next comparison misses nothing.
import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { SEED } from '../../faults/seed.js';
import { bundle, type Bundled } from '../../support/bundled.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';
import { answerOf, ask } from '../../support/shared-engines.js';
import { howOf, sayings } from './histories.js';
import { sidesOf, sync, write, type Engine, type Order } from './processes.worker.js';

const WORKER = 'test/engine/incremental/processes.worker.ts';

const ROUNDS = Number(process.env['INCREMENTAL_ROUNDS'] ?? 6);
/** A process is killed within so many milliseconds: some syncs later. */
const WITHIN_MS = 150;

let server: RedisServer;
let bundled: Bundled;
let folder: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  server = await startRedis();
  bundled = await bundle(WORKER);
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-incremental-'));
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  bundled.remove();
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});

const where: Record<Engine, () => string> = { redis: () => server.url, sqlite: () => join(folder, 'sides.db') };

/** A process that waits for its order. */
async function standby(): Promise<ChildProcess> {
  const child = fork(bundled.path, { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } });
  children.add(child);
  child.once('exit', () => children.delete(child));
  await once(child, 'message');
  return child;
}

type Sides = Awaited<ReturnType<typeof sidesOf>>;

/** Compares incrementally and in full, when nobody writes, and expects the same. @returns how. */
async function compare({ source, target }: Sides): Promise<string> {
  const options = { unlisted: 'delete' } as const;
  const diff = await target.diffFrom(source, { ...options, incremental: true });
  expect(sayings(diff)).toEqual(sayings(await target.diffFrom(source, options)));
  return howOf(diff);
}

async function close({ source, target }: Sides): Promise<void> {
  for (const { store } of [source, target]) {
    await store.clear();
    await store.close();
  }
}

describe.each(['redis', 'sqlite'] as const)('two sides on %s', (engine) => {
  it(`writers in two other processes hide nothing from the next comparison (SEED=${SEED})`, async () => {
    const order: Order = { engine, where: where[engine](), pair: randomUUID(), task: 'write', by: 0, seed: SEED };
    const sides = await sidesOf(engine, order.where, order.pair);
    const writers = [await standby(), await standby()];
    for (const [at, writer] of writers.entries()) {
      expect(await ask(writer, { ...order, by: at, seed: SEED + 1000 * at })).toBe('stopped');
    }
    const how: string[] = [];
    let during = 0;
    for (let round = 0; round < ROUNDS; round++) {
      for (const writer of writers) writer.send('go');
      for (let each = 0; each < 4; each++) {
        const isIncremental = await sync(sides).catch(() => false);
        if (isIncremental) during++;
      }
      await Promise.all(writers.map((writer) => ask(writer, 'stop')));
      how.push(await compare(sides));
      await sync(sides);
      how.push(await compare(sides));
    }
    process.stdout.write(`${engine}: ${during} incremental among writers, ${how.join(' ')}\n`);
    for (const writer of writers) writer.disconnect();
    await close(sides);
    // How many are incremental among writers is a matter of who is faster; what they leave is looked at when nobody writes.
    expect(how.filter((each) => each === 'incremental').length).toBeGreaterThan(ROUNDS / 4);
  });

  it(`processes that are killed in a sync leave a baseline that holds (SEED=${SEED})`, async () => {
    const order: Order = { engine, where: where[engine](), pair: randomUUID(), task: 'sync', by: 0, seed: SEED };
    const sides = await sidesOf(engine, order.where, order.pair);
    await write(sides, 0, SEED, 60);
    const moments = fc.sample(fc.double({ min: 0, max: WITHIN_MS, noNaN: true }), { numRuns: ROUNDS, seed: SEED });
    const how: string[] = [];
    let next = standby();
    for (const [at, moment] of moments.entries()) {
      const child = await next;
      next = at + 1 < ROUNDS ? standby() : next;
      const exited = once(child, 'exit');
      child.send({ ...order, seed: SEED + 1000 * at });
      expect(await answerOf(child)).toBe('stopped');
      await write(sides, 0, SEED + at, 5);
      expect(await ask(child, 'go')).toBe('synced');
      await sleep(moment);
      child.kill('SIGKILL');
      await exited;
      how.push(await compare(sides));
      if (at % 2 === 0) await sync(sides);
      how.push(await compare(sides));
    }
    process.stdout.write(`${engine}: after kills ${how.join(' ')}\n`);
    await close(sides);
    expect(how.filter((each) => each === 'incremental').length).toBeGreaterThan(ROUNDS / 4);
  });
});
