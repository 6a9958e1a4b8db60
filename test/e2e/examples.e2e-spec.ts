/** The small examples, one after another, as they print and as they change what they change. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { compile, type Compiled } from '../support/compiled.js';
import { launch, type Ended } from '../support/example-process.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

const example = (path: string): string => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));
const argv = process.argv;

afterEach(() => {
  jest.restoreAllMocks();
  process.argv = argv;
});

/** Runs `main` in this process, to its end. */
async function run(name: string, ...args: string[]): Promise<unknown[]> {
  const printed: unknown[] = [];
  jest.spyOn(console, 'log').mockImplementation((...values: unknown[]) => void printed.push(...values));
  process.argv = [process.execPath, example(`${name}/src/main.ts`), ...args];
  await import(example(`${name}/src/main.ts`));
  return printed;
}

it('multiple-sources keeps what discovery cannot see, and makes monitoring equal to the CMDB', async () => {
  const [discovered, monitored, after] = await run('multiple-sources');
  expect(discovered).toContain('role    discovery(leaf)    cmdb(access)');
  expect(discovered).toContain('site: atl MISSING in cmdb');
  expect(discovered).not.toContain('jfk-printer');
  expect(monitored).toContain('device: jfk-printer MISSING in monitoring');
  expect(monitored).toContain('device: jfk-old MISSING in cmdb');
  expect(after).toBe('then: (no diffs)');
});

it('progress prints a line for each tenth of the comparison and of the sync', async () => {
  const printed = await run('progress');
  const lines = printed.slice(0, -1).map(String);
  expect(lines.filter((line) => line.startsWith('diff'))).toHaveLength(11);
  expect(lines.filter((line) => line.startsWith('sync'))).toHaveLength(11);
  expect(lines.at(-1)).toBe('sync ########## 100 %, 6000 of 6000');
  expect(printed.at(-1)).toMatchObject({ create: 2000, update: 1000, delete: 0, 'no-change': 3000 });
});

it('remote-system changes the system by its API, which then has nothing that differs', async () => {
  const [diff, after] = await run('remote-system');
  expect(diff).toContain('capital    file(Vilnius)    remote(Kaunas)');
  expect(String(diff).indexOf('region: Antarctica MISSING in file')).toBeGreaterThan(String(diff).indexOf('Northern'));
  expect(after).toBe('then: (no diffs)');
});

it('get-or-create adds each service and port once, and says which it has added', async () => {
  const [, registry, , site, tree] = await run('get-or-create');
  expect(registry).toEqual({ services: 8, ports: 19 });
  expect(site).toEqual({ added: ['inventory'], changed: ['ssh'] });
  expect(tree).toContain('port: ssh__2222__tcp');
  expect(String(tree).match(/port: ssh__22__tcp/g)).toHaveLength(1);
});

describe('ip-prefixes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-prefixes-'));
  const file = join(folder, 'filter.json');

  afterEach(() => void jest.resetModules()); // `main` runs twice

  afterAll(() => {
    delete process.env['FILTER_FILE'];
    rmSync(folder, { recursive: true, force: true });
  });

  it('pairs prefixes however they are written, and leaves the spelling of those that are there', async () => {
    copyFileSync(example('ip-prefixes/data/filter.json'), file);
    process.env['FILTER_FILE'] = file;
    const [diff, summary] = await run('ip-prefixes', '--sync');
    expect(summary).toMatchObject({ create: 9, update: 1, delete: 1, 'no-change': 4 });
    expect(diff).toContain('name    registry(Private-Use)    filter(RFC 1918)');
    expect(diff).not.toContain('db8');
    const rules = JSON.parse(readFileSync(file, 'utf8')) as { network: string }[];
    expect(rules).toContainEqual({ network: '2001:0DB8::', mask: '32', comment: 'Documentation', action: 'drop' });
    expect(rules).toContainEqual({
      network: '192.168.0.0',
      mask: '255.255.0.0',
      comment: 'Private-Use',
      action: 'accept',
    });
    expect(rules.map(({ network }) => network)).not.toContain('192.88.99.0');
  });

  it('has nothing to do when it is run again', async () => {
    process.env['FILTER_FILE'] = file;
    expect(await run('ip-prefixes')).toEqual(['(no diffs)', expect.objectContaining({ 'no-change': 14 })]);
  });

  it('refuses what is no prefix', async () => {
    const { canonicalPrefix } = await import('../../examples/ip-prefixes/src/prefix.js');
    expect(['10.0.0.0 255.0.0.0', '2001:0DB8:0::/32', '0.0.0.0/0'].map(canonicalPrefix)).toEqual([
      '10.0.0.0/8',
      '2001:db8::/32',
      '0.0.0.0/0',
    ]);
    expect(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/255.0.255.0', 'r1/8', '::/129'].map(canonicalPrefix)).toEqual(
      Array(5).fill(undefined),
    );
  });
});

describe('two-processes', () => {
  const SOURCES = ['examples/two-processes/src/app.module.ts', 'examples/two-processes/src/main.ts'] as const;
  let compiled: Compiled;
  let redis: RedisServer;

  beforeAll(async () => {
    compiled = compile(SOURCES);
    redis = await startRedis();
  });

  afterAll(async () => {
    compiled.remove();
    await redis.stop();
  });

  const start = (task: string): Promise<Ended> =>
    launch([compiled.pathOf(SOURCES[1]), task], tmpdir(), {
      PATH: process.env['PATH'] ?? '',
      REDIS_URL: redis.url,
    }).ended;

  it('compares in one process what another one has collected', async () => {
    expect(await start('collect')).toMatchObject({ code: 0, stdout: 'collected 12 objects\n', stderr: '' });
    const first = await start('compare');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('device: r4 MISSING in cmdb');
    expect(await start('compare')).toMatchObject({ code: 0, stdout: '(no diffs)\n', stderr: '' });
  });
});
