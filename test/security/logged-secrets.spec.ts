// Everything that an application prints while fault after fault is made, at verbosity 2: no secret is in it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { compile, type Compiled } from '../support/compiled.js';
import { call } from '../support/redis-client.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import type { FaultSetting, ServerFault } from './logged-secrets.worker.js';

const WORKER = 'test/security/logged-secrets.worker.ts';
/** Of the server, and of the values of secret attributes. */
const [PASSWORD, MARK] = ['gEh31m-PaSsWoRt', 'gEh31m-AtTrIbUt'];
const FORMS = [PASSWORD, MARK].flatMap((text) => [
  text,
  encodeURIComponent(text),
  Buffer.from(text).toString('base64').slice(0, -3),
  Buffer.from(text).toString('hex'),
]);

let compiled: Compiled;
let server: RedisServer;
let folder: string;

beforeAll(async () => {
  compiled = compile([WORKER]);
  server = await startRedis({ password: PASSWORD });
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-logged-'));
});

afterAll(async () => {
  compiled.remove();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const faults: Record<ServerFault, () => unknown> = {
  pause: () => server.pause(),
  resume: () => server.resume(),
  kill: async () => {
    server.kill('SIGKILL');
    await server.ended();
  },
  restart: async () => (server = await server.restart()),
  fill: () => call(server, 'CONFIG', 'SET', 'maxmemory', '1'),
  empty: () => call(server, 'CONFIG', 'SET', 'maxmemory', '0'),
  follow: () => call(server, 'REPLICAOF', '127.0.0.1', '1'),
  lead: () => call(server, 'REPLICAOF', 'NO', 'ONE'),
  damage: () => call(server, 'SET', 'diffsync:faults.cmdb:device:d3', `{"name":"d3","password":"${MARK}`),
};

/** What is printed when all has gone wrong. */
async function printed(): Promise<string> {
  const child = fork(compiled.pathOf(WORKER), {
    execArgv: [],
    stdio: 'pipe',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part: string) => (text += part));
  }
  child.on('message', ({ fault }: { fault: ServerFault }) => {
    void Promise.resolve(faults[fault]()).then(() => child.send('done'));
  });
  const wrongUrl = server.url.replace(PASSWORD, `${PASSWORD}2`);
  child.send({ url: server.url, wrongUrl, mark: MARK, folder } satisfies FaultSetting);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`The application ended with ${code}: ${text.slice(-2000)}`);
  return text;
}

it('no fault makes an application print a password or the value of a secret attribute', async () => {
  const text = await printed();
  for (const form of FORMS) {
    const at = text.indexOf(form);
    if (at !== -1) throw new Error(`A secret shows: ${text.slice(Math.max(0, at - 500), at + 100)}`);
  }
  // All of it was there to be seen.
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  expect(new Set(lines.map(({ level }) => level))).toEqual(new Set(['log', 'warn', 'error', 'debug', 'verbose']));
  const codes = [
    'STORE_AUTH',
    'STORE_UNAVAILABLE',
    'STORE_OUT_OF_MEMORY',
    'STORE_READ_ONLY',
    'STORE_TIMEOUT',
    'OBJECT_ALREADY_EXISTS',
    'MODEL_VALIDATION',
    'SYNC_IN_PROGRESS',
    'SYNC_SOURCE_EMPTY',
    'SYNC_ABORTED',
    'DIFF_STALE',
  ];
  expect(codes.filter((code) => !text.includes(`"code":"${code}"`))).toEqual([]);
  expect(text.includes('[secret]')).toBe(true);
});
