// SIGTERM in the middle of a run: what is left of it, how the process ends, and that the next run completes it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SyncRunner, type BaseStore, type BuiltInEngineOptions } from '../../src/index.js';
import { RedisStore } from '../../src/store/redis/index.js';
import { SqliteStore } from '../../src/store/sqlite/index.js';
import { bundle, type Bundled } from '../support/bundled.js';
import { call, waitFor } from '../support/redis-client.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { CmdbAdapter, NetworkAdapter, OBJECTS, type Application, type Told } from './shutdown.worker.js';

const WORKER = 'test/faults/shutdown.worker.ts';
/** Hooks that may begin after the signal: those of what was begun already. */
const FEW = 1000;

let bundled: Bundled;
let folder: string;
let server: RedisServer;

beforeAll(async () => {
  bundled = await bundle(WORKER);
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-shutdown-'));
  server = await startRedis();
});

afterAll(async () => {
  bundled.remove();
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});

interface Running {
  readonly child: ChildProcess;
  /** The next thing that it tells, which must be this. */
  next<E extends Told['event']>(event: E): Promise<Extract<Told, { event: E }>>;
  readonly exited: Promise<[code: number | null, signal: NodeJS.Signals | null]>;
}

function start(application: Application): Running {
  const child = spawn(process.execPath, [bundled.path, JSON.stringify(application)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next: Running['next'] = async (event) => {
    const { value } = (await lines.next()) as { value: string | undefined };
    const told = JSON.parse(value ?? '{ "event": "end" }') as Told;
    expect(told.event).toBe(event);
    return told as never;
  };
  return { child, next, exited: once(child, 'exit') as Running['exited'] };
}

async function inTheMiddle(application: Application): Promise<Running & { readonly port: number }> {
  const running = start(application);
  const { port } = await running.next('listening');
  await running.next('applying');
  return { ...running, port };
}

/** What the ended process has left, and what the next run makes of it. */
async function checkLeft(store: BaseStore, id: string, done: number): Promise<void> {
  try {
    const [source, target] = [new NetworkAdapter(), new CmdbAdapter(store)];
    const runner = new SyncRunner();
    const run = await runner.history(target).get(id);
    expect(run).toMatchObject({ outcome: 'aborted', label: 'to be ended', results: { done, failed: 0 } });
    expect(run.endedAt).toBeDefined();
    expect(run.error?.code).toBe('SYNC_ABORTED');
    expect(await store.count({ model: 'device' })).toBe(done);
    expect(await store.leaseHolder()).toBeUndefined();
    const next = await runner.run({ source, target, load: 'source', verify: true });
    expect(next).toMatchObject({ outcome: 'succeeded', previous: id, unsettled: 0, results: { done: OBJECTS - done } });
    expect(await store.count({ model: 'device' })).toBe(OBJECTS);
  } finally {
    await store.close();
  }
}

const engines: readonly (readonly [string, () => BuiltInEngineOptions, () => Promise<BaseStore>])[] = [
  [
    'sqlite',
    () => ({ engine: 'sqlite', path: join(folder, 'signal.db'), storeId: 'cmdb' }),
    () => SqliteStore.connect({ path: join(folder, 'signal.db'), storeId: 'cmdb' }),
  ],
  [
    'redis',
    () => ({ engine: 'redis', url: server.url, storeId: 'cmdb' }),
    () => RedisStore.connect({ url: server.url, storeId: 'cmdb' }),
  ],
];

describe.each(engines)(`SIGTERM in a run of ${OBJECTS} objects into %s`, (_, options, open) => {
  it('ends it after the hooks in flight, and the next run completes it', async () => {
    const { child, next, exited } = await inTheMiddle({ store: options() });
    child.kill('SIGTERM');
    const atSignal = await next('signal');
    const { begun, ended, lastHook, run } = await next('aborted');
    // Nest raises the signal again: a shell shows 143.
    expect(await exited).toEqual([null, 'SIGTERM']);
    const ms = Date.now() - lastHook;
    process.stdout.write(`The process has ended ${ms} ms after the last hook of ${ended}\n`);
    expect(ms).toBeLessThan(60_000);
    expect(begun).toBe(ended);
    expect(begun - atSignal.begun).toBeLessThan(FEW);
    expect(ended).toBeLessThan(OBJECTS);
    expect(run.outcome).toBe('aborted');
    await checkLeft(await open(), run.id, ended);
  }, 180_000);
});

it('with useProcessExit the exit code is 0, and the store is closed by then', async () => {
  const file = { path: join(folder, 'exit.db'), storeId: 'cmdb' };
  const { child, next, exited } = await inTheMiddle({ store: { engine: 'sqlite', ...file }, useProcessExit: true });
  child.kill('SIGTERM');
  await next('signal');
  const { ended, run } = await next('aborted');
  expect((await next('exit')).isOpen).toBe(false);
  expect(await exited).toEqual([0, null]);
  await checkLeft(await SqliteStore.connect(file), run.id, ended);
}, 180_000);

it('Terminus reports shutting_down meanwhile, the run is recorded by then, and the connections are closed at the end', async () => {
  const store = { engine: 'redis', url: server.url, storeId: 'draining' } as const;
  const { child, next, exited, port } = await inTheMiddle({ store, waits: true });
  child.kill('SIGTERM');
  await next('signal');
  const { ended, run } = await next('aborted');
  const look = async (): Promise<object | undefined> => {
    const response = await fetch(`http://127.0.0.1:${port}/health`);
    const body = (await response.json()) as { status: string };
    return body.status === 'shutting_down' ? { http: response.status, ...body } : undefined;
  };
  // The store is still open, and answers.
  expect(await waitFor('a check that says shutting_down', look)).toMatchObject({
    http: 503,
    status: 'shutting_down',
    details: { store: { status: 'up' } },
  });
  child.stdin?.write('go on\n');
  expect(await exited).toEqual([null, 'SIGTERM']);
  const clients = String(await call(server, 'CLIENT', 'LIST', 'TYPE', 'normal'))
    .trim()
    .split('\n');
  expect(clients).toHaveLength(1);
  await checkLeft(await RedisStore.connect({ url: server.url, storeId: 'draining' }), run.id, ended);
}, 180_000);
