/** The example application as its users run it: built, in a process of its own, on the real snapshots. */
import { cp, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { bundle, type Bundled } from '../support/bundled.js';
import { launch as launchProcess, type Ended, type ExampleProcess } from '../support/example-process.js';
import { isFull } from '../support/full.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = fileURLToPath(new URL('../../examples/registry-sync/dist/main.js', import.meta.url));
const NEST = fileURLToPath(new URL('../../node_modules/@nestjs/cli/bin/nest.js', import.meta.url));
/** What `npm start` needs, beside node_modules. */
const COPIED = [
  'scripts',
  'package.json',
  '.npmrc',
  'nest-cli.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'src',
  'examples',
];
const LIMIT_MS = 240_000;
const API_TOKEN = 'sesame-street';
const AUTHORIZED = { headers: { authorization: `Bearer ${API_TOKEN}` } };
const DIFF = { create: 19_228, update: 4_727, delete: 1, 'no-change': 29_775 };
const AFTER_SYNC = { create: 0, update: 0, delete: 0, 'no-change': 53_730 };

let oneFile: Bundled;
const runs: ExampleProcess[] = [];
const servers: RedisServer[] = [];

/**
 * Not in the project's folder, whose `.env` would count; not with the environment of the tests. On a busy machine operations may be
 * slow, which is no matter here.
 */
function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  main: string = MAIN,
): ExampleProcess {
  return launch([main, ...args], tmpdir(), {
    PATH: process.env['PATH'] ?? '',
    DIFFSYNC_STORE_SLOW_OPERATION_MS: '0',
    ...env,
  });
}

/** What does not start is run from one file, which is quicker; not the board, whose page is not in it. */
function startRefused(args: readonly string[], env: Readonly<Record<string, string>> = {}): ExampleProcess {
  return start(args, env, oneFile.path);
}

function launch(...given: Parameters<typeof launchProcess>): ExampleProcess {
  const run = launchProcess(...given);
  runs.push(run);
  return run;
}

async function redis(options: { password?: string } = {}): Promise<RedisServer> {
  const server = await startRedis(options);
  servers.push(server);
  return server;
}

/** The environment that names a server and a store id. */
function on(url: string, storeId = 'e2e'): Record<string, string> {
  return { DIFFSYNC_STORE_ENGINE: 'redis', DIFFSYNC_STORE_URL: url, DIFFSYNC_STORE_ID: storeId };
}

async function serve(env: Readonly<Record<string, string>>): Promise<{ run: ExampleProcess; base: string }> {
  const run = start(['--serve'], { ...env, API_TOKEN, PORT: '0' });
  const [, base = ''] = await run.stdout(/^Listening on (\S+)\n/m);
  return { run, base };
}

function expectOneReadableError({ code, stdout, stderr }: Ended, secret: string): void {
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr.match(/^Error: /gm)).toHaveLength(1);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr).not.toContain(secret);
}

function expectNothingToDo(stdout: string): void {
  expect(stdout).toContain('It held 53,730 assignments of an earlier run');
  for (const action of ['create', 'update', 'delete']) expect(stdout).toMatch(new RegExp(`${action}\\W+0\\W+0\\W`));
  expect(stdout).toMatch(/no-change\W+53,730\W+53,730\W/);
  expect(stdout).toContain('Nothing to do');
}

describe('examples/registry-sync', () => {
  beforeAll(async () => {
    const { code, stdout, stderr } = await launch([NEST, 'build', 'registry-sync'], ROOT, process.env).ended;
    if (code !== 0) throw new Error(`The example does not build:\n${stdout}${stderr}`);
    oneFile = await bundle('examples/registry-sync/src/main.ts');
  }, LIMIT_MS);

  afterAll(() => oneFile.remove());

  afterEach(async () => {
    for (const run of runs.splice(0)) await run.stop();
    for (const server of servers.splice(0)) await server.stop();
  }, LIMIT_MS);

  it(
    'without options, reports the diff, examples, the empty second diff, health, time and memory',
    async () => {
      const { code, stdout, stderr } = await start([]).ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      for (const row of [
        /create\W+19,228\W+0\W/,
        /update\W+4,727\W+0\W/,
        /delete\W+1\W+0\W/,
        /no-change\W+29,775\W+53,730\W/,
      ]) {
        expect(stdout).toMatch(row);
      }
      for (const action of ['create', 'update', 'delete'])
        expect(stdout).toMatch(new RegExp(`^${action} {2}\\w{6}`, 'm'));
      expect(stdout).toMatch(/^Run +\d{8}T\d{6}Z-\w+ succeeded$/m);
      expect(stdout).toContain('nothing left to do');
      expect(stdout).toContain('local is up');
      expect(Number(/whole program ([\d.]+)/.exec(stdout)?.[1])).toBeGreaterThan(0);
      expect(Number(/Peak memory +(\d+) MB/.exec(stdout)?.[1])).toBeLessThan(700);
    },
    LIMIT_MS,
  );

  it(
    '--json prints one line of JSON and nothing else, and what is logged elsewhere',
    async () => {
      const { code, stdout, stderr } = await start(['--json'], { DIFFSYNC_STORE_VERBOSITY: '2' }).ended;
      expect(code).toBe(0);
      expect(stderr).toContain('store addMany');
      expect(stdout).toMatch(/^\{.*\}\n$/);
      const number: unknown = expect.any(Number);
      expect(JSON.parse(stdout)).toEqual({
        engine: 'local',
        run: expect.stringMatching(/^\d{8}T\d{6}Z-\w+$/),
        source: 'PublishedRegistry',
        target: 'MirroredRegistry',
        diff: DIFF,
        afterSync: AFTER_SYNC,
        health: { store: { status: 'up', engine: 'local', storeId: 'registry-sync', responseTime: number } },
        seconds: { load: number, diff: number, sync: number },
      });
    },
    LIMIT_MS,
  );

  // It builds the package once more.
  (isFull ? it : it.skip)(
    'npm start --silent -- --json builds, and prints one line of JSON and nothing else',
    async () => {
      // In a copy: a build here would take the files away from under the other tests.
      const folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-e2e-'));
      try {
        for (const part of COPIED) await cp(join(ROOT, part), join(folder, part), { recursive: true });
        await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
        const { PATH = '', HOME = '' } = process.env;
        const command = ['start', '--silent', '--', '--json'];
        const { code, stdout, stderr } = await launch(
          command,
          folder,
          { PATH, HOME, DIFFSYNC_STORE_SLOW_OPERATION_MS: '0' },
          'npm',
        ).ended;
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(stdout).toMatch(/^\{.*\}\n$/);
        expect(JSON.parse(stdout)).toMatchObject({ engine: 'local', diff: DIFF, afterSync: AFTER_SYNC });
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    3 * LIMIT_MS,
  );

  it(
    'on Redis finds the same, another process sees what was synchronised, and a second run has nothing to do',
    async () => {
      const { url } = await redis({ password: 'sesame' });
      const first = await start(['--json'], on(url)).ended;
      expect(JSON.parse(first.stdout)).toMatchObject({ engine: 'redis', diff: DIFF, afterSync: AFTER_SYNC });

      const { run, base } = await serve(on(url));
      const created = await fetch(`${base}/assignments/101988`, AUTHORIZED);
      expect(await created.json()).toMatchObject({ prefix: '101988', organization: 'Mother Computer Inc.' });
      const updated = await fetch(`${base}/assignments/101331`, AUTHORIZED);
      expect(await updated.json()).toMatchObject({ organization: 'Vantiva Technologies Belgium' });
      const deleted = await fetch(`${base}/assignments/7C8AC0`, AUTHORIZED);
      expect(deleted.status).toBe(404);
      const other = await serve(on(url, 'other'));
      expect((await fetch(`${other.base}/assignments/101988`, AUTHORIZED)).status).toBe(404);
      for (const { child } of [run, other.run]) child.kill('SIGTERM');
      expect(await Promise.all([run.ended, other.run.ended])).toMatchObject([{ code: 0 }, { code: 0 }]);

      const second = await start([], on(url)).ended;
      expect(second).toMatchObject({ code: 0, stderr: '' });
      expectNothingToDo(second.stdout);
    },
    LIMIT_MS,
  );

  it(
    'in a SQLite file finds the same, a second run finds the data there and has nothing to do, and a server reads it',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-e2e-'));
      const env = { DIFFSYNC_STORE_ENGINE: 'sqlite', DIFFSYNC_STORE_PATH: join(folder, 'registry.db') };
      try {
        const first = await start(['--json'], env).ended;
        expect(first).toMatchObject({ code: 0, stderr: '' });
        expect(JSON.parse(first.stdout)).toMatchObject({ engine: 'sqlite', diff: DIFF, afterSync: AFTER_SYNC });

        const second = await start([], env).ended;
        expect(second).toMatchObject({ code: 0, stderr: '' });
        expectNothingToDo(second.stdout);
        expect(second.stdout).toContain('sqlite is up');

        const { run, base } = await serve(env);
        const created = await fetch(`${base}/assignments/101988`, AUTHORIZED);
        expect(await created.json()).toMatchObject({ prefix: '101988', organization: 'Mother Computer Inc.' });
        const health = await fetch(`${base}/health`);
        expect(await health.json()).toMatchObject({ details: { store: { status: 'up', engine: 'sqlite' } } });
        run.child.kill('SIGTERM');
        expect(await run.ended).toMatchObject({ code: 0 });
        expect(await readdir(folder)).toEqual(['registry.db']);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    LIMIT_MS,
  );

  it(
    'does not start on a path that is a folder, and says so at once',
    async () => {
      const env = { DIFFSYNC_STORE_ENGINE: 'sqlite', DIFFSYNC_STORE_PATH: tmpdir() };
      const ended = await startRefused([], env).ended;
      expectOneReadableError(ended, 'sesame');
      expect(ended.stderr).toContain(`at ${tmpdir()}: this is a directory, not a file`);
      expect(ended.stderr).not.toContain('Retrying');
    },
    LIMIT_MS,
  );

  it(
    'does not start where nothing listens, and says so once its attempts are over',
    async () => {
      const { port, stop } = await redis();
      await stop();
      const ended = await startRefused([], on(`redis://:sesame@127.0.0.1:${port}`)).ended;
      expectOneReadableError(ended, 'sesame');
      expect(ended.stderr).toMatch(new RegExp(`^Error: .*e2e.* at redis://127.0.0.1:${port}/0: .*ECONNREFUSED`, 'm'));
      expect(ended.stderr.match(/Retrying/g)).toHaveLength(2);
    },
    LIMIT_MS,
  );

  it.each([['run', []] as const, ['server', ['--serve']] as const])(
    'does not start as a %s with a wrong password, and says so at once',
    async (_, args) => {
      const { url, port } = await redis({ password: 'sesame' });
      const ended = await start(args, { ...on(url.replace('sesame', 'swordfish')), API_TOKEN }).ended;
      expectOneReadableError(ended, 'swordfish');
      expect(ended.stderr).toMatch(
        new RegExp(`^Error: .*redis://127.0.0.1:${port}/0: user name or password is wrong`, 'm'),
      );
      expect(ended.stderr).not.toContain('Retrying');
    },
    LIMIT_MS,
  );

  it.each(['http://:sesame@127.0.0.1:1', 'sesame', 'redis://:sesame@127.0.0.1:1/sesame'])(
    'does not start with the wrong URL %s, and says so at once',
    async (url) => {
      const ended = await startRefused([], on(url)).ended;
      expectOneReadableError(ended, 'sesame');
      expect(ended.stderr).toMatch(/^Error: diffSyncStoreConfig: the environment is wrong:\nDIFFSYNC_STORE_URL: /);
    },
    LIMIT_MS,
  );

  it(
    '--serve answers /health 200, then 503 without the server, and ends with SIGTERM',
    async () => {
      const server = await redis({ password: 'sesame' });
      const { run, base } = await serve(on(server.url));
      const up = await fetch(`${base}/health`);
      expect(up.status).toBe(200);
      expect(await up.json()).toMatchObject({ status: 'ok', details: { store: { status: 'up', engine: 'redis' } } });

      await server.stop();
      const down = await fetch(`${base}/health`);
      expect(down.status).toBe(503);
      expect(await down.json()).toMatchObject({
        status: 'error',
        error: { store: { status: 'down', code: expect.stringMatching(/^STORE_(UNAVAILABLE|TIMEOUT)$/) } },
      });

      run.child.kill('SIGTERM');
      const { code, stderr } = await run.ended;
      expect(code).toBe(0);
      expect(stderr).not.toContain('sesame');
    },
    LIMIT_MS,
  );

  it.each([
    [['--serve'], 'API_TOKEN is not set'] as const,
    [['--jsn'], 'jsn'] as const,
    [['extra'], 'extra'] as const,
    [['--json', '--serve'], 'do not go together'] as const,
  ])(
    'refuses %j with its usage and exit code 2',
    async (args, words) => {
      const { code, stdout, stderr } = await startRefused(args).ended;
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^Error: /);
      expect(stderr).toContain(words);
      expect(stderr).toContain('Usage: npm start');
    },
    LIMIT_MS,
  );

  it(
    '--help prints the usage',
    async () => {
      const { code, stdout } = await startRefused(['--help']).ended;
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Usage: npm start/);
    },
    LIMIT_MS,
  );
});
