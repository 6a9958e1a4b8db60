/** The example of operations: one code base in three environments, and what its health says when something is wrong. */
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { compile, type Compiled } from '../support/compiled.js';
import { launch, type ExampleProcess } from '../support/example-process.js';
import { call } from '../support/redis-client.js';
import type { RedisServer } from '../support/redis-server.js';
import { startTlsRedis, type TlsRedisServer } from '../support/redis-tls.js';
import { LEAST_RIGHTS } from '../support/stores.js';
import { comparable, readAnswers, writeAnswers, type HealthAnswer } from './health-bodies.js';

const EXAMPLE = 'examples/operations';
const LIMIT_MS = 240_000;
const PASSWORD = 'correct-horse-battery-staple';
/** While a server loads so many keys with a delay for each, it answers that it does. */
const KEYS = 5000;

/** The user of production.env. */
const USER = ['--user', 'inventory', 'on', `>${PASSWORD}`, ...LEAST_RIGHTS];
const SLOW_LOADING = [
  '--enable-debug-command',
  'yes',
  '--key-load-delay',
  '1000',
  '--loading-process-events-interval-bytes',
  '1024',
];

let compiled: Compiled;
let tls: TlsRedisServer;
/** Of the application: its working directory, with the files that its platform mounts. */
let folder: string;
const processes: ExampleProcess[] = [];

beforeAll(async () => {
  compiled = compile(readdirSync(join(EXAMPLE, 'src')).map((name) => join(EXAMPLE, 'src', name)));
  cpSync(join(EXAMPLE, 'env'), join(dirname(compiled.pathOf(join(EXAMPLE, 'src'))), 'env'), { recursive: true });
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-operations-'));
  tls = await startTlsRedis({
    password: 'geheim',
    args: [...USER, ...SLOW_LOADING],
  });
  writeFileSync(join(folder, 'redis-password'), `${PASSWORD}\n`);
  writeFileSync(join(folder, 'redis-ca.pem'), tls.ca);
}, LIMIT_MS);

afterEach(async () => {
  for (const each of processes.splice(0)) await each.stop();
}, LIMIT_MS);

afterAll(async () => {
  compiled.remove();
  rmSync(folder, { recursive: true, force: true });
  await tls.stop();
}, LIMIT_MS);

interface Served {
  readonly process: ExampleProcess;
  readonly base: string;
}

async function serve(environment: string, env: Readonly<Record<string, string>> = {}): Promise<Served> {
  const main = compiled.pathOf(join(EXAMPLE, 'src/main.ts'));
  const started = launch([main], folder, {
    PATH: process.env['PATH'],
    NODE_ENV: environment,
    HOST: '127.0.0.1',
    PORT: '0',
    ...env,
  });
  processes.push(started);
  const [, base = ''] = await started.stdout(/Listening on (http:\/\/[\d.:]+)/);
  return { process: started, base };
}

/** Production, but for what is another one on this machine: the address of the server, and where secrets are mounted. */
const production = (env: Readonly<Record<string, string>> = {}): Promise<Served> =>
  serve('production', {
    DIFFSYNC_STORE_HOST: '127.0.0.1',
    DIFFSYNC_STORE_TLS_SERVER_NAME: 'localhost',
    DIFFSYNC_STORE_PORT: String(tls.port),
    DIFFSYNC_STORE_PASSWORD_FILE: join(folder, 'redis-password'),
    DIFFSYNC_STORE_TLS_CA_FILE: join(folder, 'redis-ca.pem'),
    ...env,
  });

async function health(base: string): Promise<{ status: number; body: { status: string } & Record<string, unknown> }> {
  const response = await fetch(`${base}/health`);
  return { status: response.status, body: (await response.json()) as { status: string } & Record<string, unknown> };
}

async function put(base: string, role: string): Promise<unknown> {
  const response = await fetch(`${base}/devices/r1`, {
    method: 'PUT',
    body: JSON.stringify({ role }),
    headers: { 'content-type': 'application/json' },
  });
  return response.json();
}

describe('examples/operations', () => {
  it.each([
    ['development', 'local', () => serve('development')],
    ['test', 'sqlite', () => serve('test')],
    ['production', 'redis', () => production()],
  ])(
    'runs in %s, on %s',
    async (_, engine, start) => {
      const { process: started, base } = await start();
      expect(await health(base)).toMatchObject({
        status: 200,
        body: { status: 'ok', details: { store: { status: 'up', engine, storeId: 'inventory' } } },
      });
      expect(await (await fetch(`${base}/live`)).json()).toEqual({ status: 'ok' });
      expect(await put(base, 'spine')).toMatchObject({ name: 'r1', role: 'spine' });
      const found = await fetch(`${base}/devices/r1`);
      expect(await found.json()).toMatchObject({ name: 'r1', role: 'spine' });
      expect((await fetch(`${base}/devices/r2`)).status).toBe(404);
      started.child.kill('SIGTERM');
      const { code, stdout, stderr } = await started.ended;
      expect([code, stderr]).toEqual([0, '']);
      const lines = stdout.trimEnd().split('\n');
      expect(lines.every((line) => line.startsWith('{'))).toBe(engine === 'redis');
      expect(stdout.includes('store updateOrInstantiate')).toBe(engine === 'local');
      expect(stdout).not.toContain(PASSWORD);
    },
    LIMIT_MS,
  );

  it(
    'says by its health what is wrong, as docs/operations.md has it',
    async () => {
      const answers: HealthAnswer[] = [];
      const { process: started, base } = await production({ SHUTDOWN_DELAY_MS: '3000' });
      /** Asks until the answer has the words, which say that what was done to the server has come into effect. */
      const capture = async (state: string, words: string): Promise<void> => {
        for (const deadline = Date.now() + LIMIT_MS / 4; ; await sleep(50)) {
          const answer = await health(base);
          if (JSON.stringify(answer).includes(words)) {
            const { details, ...body } = answer.body;
            expect(details).toEqual({ ...(body['info'] as object), ...(body['error'] as object) });
            return void answers.push({ state, status: answer.status, body });
          }
          if (Date.now() > deadline) throw new Error(`${state}: no ${words} in ${JSON.stringify(answer)}`);
        }
      };
      let server: RedisServer = tls;
      const configure = (name: string, value: string): Promise<unknown> => call(server, 'CONFIG', 'SET', name, value);

      await capture('The store is up', '"up"');
      await configure('maxmemory', '1gb');
      await configure('maxmemory-policy', 'allkeys-lru');
      await capture('The server may evict objects', '"degraded"');
      await configure('maxmemory-policy', 'noeviction');
      await configure('maxmemory', '1');
      await capture('The memory of the server is full', 'STORE_OUT_OF_MEMORY');
      await configure('maxmemory', '0');
      await call(server, 'REPLICAOF', '127.0.0.1', '1');
      await capture('The server has become a replica', 'STORE_READ_ONLY');
      await call(server, 'REPLICAOF', 'NO', 'ONE');
      await server.pause();
      await capture('The server does not answer', 'STORE_TIMEOUT');
      server.resume();
      await capture('The server answers again', '"up"');
      answers.pop();
      await call(server, 'DEBUG', 'POPULATE', KEYS);
      await call(server, 'SAVE');
      server.kill('SIGKILL');
      await server.ended();
      await capture('Nothing listens at the address', 'ECONNREFUSED');
      const restarting = server.restart();
      await capture('The server is loading its data', 'loading');
      server = await restarting;
      tls = { ...tls, ...server };
      await capture('The server is back', '"up"');
      answers.pop();
      await call(server, 'ACL', 'SETUSER', 'inventory', 'resetpass', '>another');
      await call(server, 'CLIENT', 'KILL', 'USER', 'inventory');
      await capture('The password has changed, and the file has not', 'STORE_AUTH');
      await call(server, 'ACL', 'SETUSER', 'inventory', `>${PASSWORD}`);
      await capture('The password is right again', '"up"');
      answers.pop();
      started.child.kill('SIGTERM');
      await capture('The application is shutting down', 'shutting_down');
      expect(await started.ended).toMatchObject({ code: 0 });

      if (process.env['UPDATE_DOCS'] !== undefined) await writeAnswers(answers);
      expect(answers.map(comparable)).toEqual((await readAnswers()).map(comparable));
    },
    LIMIT_MS,
  );
});
