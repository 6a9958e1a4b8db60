// Worker processes that are killed, frozen and woken, and a master that fails over: each run ends in a right target and a true record.
import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SyncRunner, type RunChange } from '../../src/index.js';
import { SyncQueue, type QueuedRun } from '../../src/bullmq/index.js';
import { bundle, type Bundled } from '../support/bundled.js';
import { waitFor } from '../support/redis-client.js';
import { startSentinel, type RedisSentinel } from '../support/redis-sentinel.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { Cmdb, HASTY, inventory, type Place } from './inventory.js';
import type { Order } from './queue-processes.worker.js';

const WORKER = 'test/bullmq/queue-processes.worker.ts';
const DEVICES = 60;
const PARTS = 4;

let server: RedisServer;
let bundled: Bundled;
let app: INestApplicationContext | undefined;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  bundled = await bundle(WORKER);
  server = await startRedis();
});
afterAll(async () => {
  await server.stop();
  bundled.remove();
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  keys.clear();
  await app?.close();
  app = undefined;
});

function placeOn({ host, port, url }: RedisServer, worker: object = {}): Place {
  const name = randomUUID();
  return {
    store: { url },
    storeId: name,
    queue: { name, connection: { host, port }, worker: { ...HASTY, ...worker } },
  };
}

/** This process adds the run, and performs nothing. */
async function queueOf(place: Place): Promise<SyncQueue> {
  const own = { ...place, queue: { ...place.queue, worker: false as const } };
  app = await NestFactory.createApplicationContext(inventory(own), { logger: ['error'], abortOnError: false });
  return app.get(SyncQueue);
}

interface WorkerProcess {
  readonly child: ChildProcess;
  /** Resolves when it is at the device of its order. */
  readonly met: Promise<unknown>;
}

async function work(place: Place, order: Partial<Order> = {}, worker: object = {}): Promise<WorkerProcess> {
  const child = fork(bundled.path, { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } });
  children.add(child);
  child.once('exit', () => children.delete(child));
  await once(child, 'message');
  child.on('message', note);
  const ready = said(child, 'ready');
  const met = said(child, `at ${order.at}`);
  const options = place.queue.worker === false ? {} : place.queue.worker;
  child.send({
    place: { ...place, queue: { ...place.queue, worker: { ...options, ...worker } } },
    devices: DEVICES,
    waits: 0,
    ...order,
  });
  await ready;
  return { child, met };
}

function said(child: ChildProcess, what: string): Promise<void> {
  return new Promise((resolve) => {
    const listen = (message: unknown): void => {
      if (message !== what) return;
      child.off('message', listen);
      resolve();
    };
    child.on('message', listen);
  });
}

/** By device, the idempotency keys that its hook was called with, in all processes. */
const keys = new Map<string, string[]>();

function note(message: unknown): void {
  if (typeof message !== 'object' || message === null) return;
  const { name, idempotencyKey } = message as { name: string; idempotencyKey: string };
  keys.set(name, [...(keys.get(name) ?? []), idempotencyKey]);
}

/** Expects one key for each device, however often its hook was called. @param again - the device whose hook was called again. */
function expectOneKeyEach(again?: string): void {
  expect(keys.size).toBe(DEVICES);
  for (const [device, given] of keys) expect([device, ...new Set(given)]).toEqual([device, given[0]]);
  expect(new Set([...keys.values()].flat()).size).toBe(DEVICES);
  if (again !== undefined) expect(keys.get(again)?.length).toBeGreaterThan(1);
}

async function ended(queue: SyncQueue, runId: string): Promise<QueuedRun> {
  return waitFor('the end of the run', async () => {
    const found = await queue.get(runId);
    return found?.state === 'completed' || found?.state === 'failed' ? found : undefined;
  });
}

/**
 * Expects the target as the source is, and a record that is true: each object was created, by an attempt that says so or whose process ended
 * before it could. Where a process was ended or frozen, another one may have called a hook again. @param wasEnded - whether a process was ended in the middle of a part.
 */
async function expectRight(found: QueuedRun, wasEnded = false): Promise<void> {
  expect([found.state, found.error]).toEqual(['completed', undefined]);
  const { run, runId } = found;
  expect(run).toMatchObject({ id: runId, outcome: 'succeeded', results: { failed: 0, leftOut: 0 } });
  if (app === undefined) throw new Error('there is no application');
  const cmdb = app.get(Cmdb);
  const names = (await cmdb.getAll('device')).map((each) => each.getUniqueId()).toSorted();
  expect(names).toEqual(Array.from({ length: DEVICES }, (_, at) => `d${at}`).toSorted());
  const history = app.get(SyncRunner).history(cmdb);
  expect((await history.list()).runs.map(({ id }) => id)).toEqual([runId]);
  const changes: RunChange[] = [];
  for await (const change of history.changes(runId)) changes.push(change);
  const done = changes.filter(({ result }) => result === 'done').map(({ uid }) => uid);
  expect(
    new Set(changes.map(({ uid, action, result }) => `${action} ${uid} ${result === 'planned' ? 'done' : result}`)),
  ).toEqual(new Set(names.map((name) => `create ${name} done`)));
  if (!wasEnded) expect([done.length, changes.length, run?.results?.done]).toEqual([DEVICES, DEVICES, DEVICES]);
}

const RUN = { source: 'network', target: 'cmdb', load: 'source', exclusive: { ttlMs: 1500 } } as const;

describe('workers in several processes', () => {
  it('perform the parts of a run, and tell how far the whole is', async () => {
    const place = placeOn(server);
    const queue = await queueOf(place);
    const { runId } = await queue.add({ ...RUN, parts: PARTS });
    await Promise.all([work(place, { waits: 20 }), work(place, { waits: 20 })]);
    const progress = await waitFor('progress', async () => {
      const found = (await queue.get(runId))?.progress;
      return found?.phase === 'parts' && found.current > 0 ? found : undefined;
    });
    expect(progress.current).toBeLessThanOrEqual(DEVICES);
    await expectRight(await ended(queue, runId));
    expectOneKeyEach();
  });

  it.each([
    ['a part', PARTS, { runs: 0 }, { concurrency: 0 }],
    ['a run', PARTS, { concurrency: 0 }, { runs: 0 }],
    ['a run that is one job', undefined, {}, undefined],
  ])('one that is killed in the middle of %s: another goes on', async (_, parts, first, second) => {
    const place = placeOn(server);
    const queue = await queueOf(place);
    const at = 'runs' in first || parts === undefined ? 'd30' : 'load';
    const victim = await work(place, { at, does: 'SIGKILL', waits: 5 }, first);
    if (second !== undefined) await work(place, { waits: 5 }, second);
    const exit = once(victim.child, 'exit');
    const { runId } = await queue.add({ ...RUN, ...(parts === undefined ? {} : { parts }) });
    expect(await exit).toEqual([null, 'SIGKILL']);
    await work(place);
    await expectRight(await ended(queue, runId), true);
    expectOneKeyEach(at === 'load' ? undefined : at);
  });

  it.each([
    ['a part', { runs: 0 }, { concurrency: 0 }, 'd30'],
    ['a run', { concurrency: 0 }, { runs: 0 }, 'load'],
  ])(
    'one that is frozen past its lock in %s, and woken: another goes on, and it changes nothing',
    async (_, first, second, at) => {
      const place = placeOn(server);
      const queue = await queueOf(place);
      const frozen = await work(place, { at, does: 'SIGSTOP' }, first);
      await work(place, {}, second);
      const { runId } = await queue.add({ ...RUN, parts: PARTS });
      await frozen.met;
      await work(place);
      const found = await ended(queue, runId);
      await expectRight(found, true);
      frozen.child.kill('SIGCONT');
      const closed = said(frozen.child, 'closed');
      frozen.child.send('close');
      await closed;
      await expectRight(await ended(queue, runId), true);
    },
  );

  it('one of another version, which lacks the adapter, gives all back', async () => {
    const place = placeOn(server);
    const queue = await queueOf(place);
    const lacking = await work(place, { lacks: true });
    const { runId, job } = await queue.add({ ...RUN, parts: PARTS });
    await waitFor('a job that is given back', async () => ((await job.getState()) === 'delayed' ? true : undefined));
    await work(place);
    await expectRight(await ended(queue, runId));
    lacking.child.kill('SIGKILL');
  });

  it('one that is closed in the middle of a part gives it back, and another goes on', async () => {
    const place = placeOn(server);
    const queue = await queueOf(place);
    const closing = await work(place, { at: 'd30', does: 'tell', waits: 20 }, { runs: 0 });
    await work(place, { waits: 20 }, { concurrency: 0 });
    const { runId } = await queue.add({ ...RUN, parts: PARTS });
    await closing.met;
    const closed = said(closing.child, 'closed');
    closing.child.send('close');
    await closed;
    await work(place);
    await expectRight(await ended(queue, runId), true);
  });
});

describe('a master that fails over', () => {
  let sentinel: RedisSentinel;
  beforeAll(async () => void (sentinel = await startSentinel({ replicas: 1 })));
  afterAll(() => sentinel.stop());

  it('in the middle of the parts: they are performed to their end', async () => {
    const name = randomUUID();
    const { sentinels, masterName } = sentinel;
    const connection = { sentinels: [...sentinels], name: masterName };
    const place: Place = {
      store: { sentinels: [...sentinels], masterName },
      storeId: name,
      queue: { name, connection, worker: HASTY },
    };
    const queue = await queueOf(place);
    const { runId } = await queue.add({ ...RUN, parts: PARTS });
    const first = await work(place, { at: 'd30', does: 'tell', waits: 20 });
    await first.met;
    await sentinel.failover();
    await work(place);
    await expectRight(await ended(queue, runId), true);
  });
});
