import { describe, expect, it } from '@jest/globals';
import { startRedis } from '../support/redis-server.js';
import { cli } from './cli.js';

describe('failures', () => {
  it('no server listening: one line with the reason', async () => {
    const gone = await startRedis();
    await gone.stop();
    const { code, stdout, stderr } = await cli(['stores', '--url', `redis://:geheim@127.0.0.1:${gone.port}`]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^Error: .*RedisStore at redis:\/\/127\.0\.0\.1:\d+\/0: .*ECONNREFUSED.*\n$/);
    expect(stderr).not.toContain('geheim');
  });

  it('a frozen server: one line within the deadline', async () => {
    const frozen = await startRedis();
    try {
      await frozen.pause();
      const { code, stderr } = await cli(['stores', '--url', frozen.url]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^Error: [^\n]+ \d+ ?ms[^\n]*\n$/);
    } finally {
      await frozen.stop();
    }
  });

  it('a wrong password is reported and not shown, wherever it stood; the right one from the environment wins', async () => {
    const guarded = await startRedis({ password: 'richtig' });
    try {
      const wrong = ['stores', '--url', `redis://:falsch@127.0.0.1:${guarded.port}`];
      const byEnvironment = ['stores', '--url', `redis://127.0.0.1:${guarded.port}`];
      for (const ended of [
        await cli(wrong),
        await cli(byEnvironment, { env: { DIFFSYNC_STORE_PASSWORD: 'falsch' } }),
      ]) {
        expect(ended).toMatchObject({ code: 1, stdout: '' });
        expect(ended.stderr).toMatch(/^Error: .*password is wrong.*\n$/);
        expect(ended.stderr).not.toMatch(/falsch|richtig/);
      }
      expect((await cli(wrong, { env: { DIFFSYNC_STORE_PASSWORD: 'richtig' } })).code).toBe(0);
    } finally {
      await guarded.stop();
    }
  });
});

describe('arguments', () => {
  it('--help says all options', async () => {
    const { code, stdout } = await cli(['--help']);
    expect(code).toBe(0);
    for (const option of [
      '--url',
      '--cluster',
      '--sentinel',
      '--prune',
      '--yes',
      '--json',
      'DIFFSYNC_STORE_PASSWORD',
      '--app',
      '--guards',
    ])
      expect(stdout).toContain(option);
  });

  it.each([
    [[], 'the commands are stores, plan, apply, drift, runs, undo'],
    [['redis://:geheim@a'], 'the commands are stores, '],
    [['stores', 'redis://:geheim@a'], 'stores takes no arguments'],
    [['stores'], 'set DIFFSYNC_STORE_URL'],
    [['stores', '--url'], '--url'],
    [['stores', '--url', 'http://:geheim@a'], 'url: not a redis:// or rediss:// URL'],
    [['stores', '--url', 'redis://:geheim@a', '--db', 'x'], '--db: not a whole number'],
    [['stores', '--url', 'redis://a', '--cluster', 'b:1'], `can't be specified together`],
    [['stores', '--url', 'redis://a', '--password=geheim'], 'Unknown option'],
    [['stores', '--url', 'redis://a', '--tls-ca', '/no/such/file'], '--tls-ca: ENOENT'],
    [['stores', '--url', 'redis://a', '--tls-cert', '/no/such/file'], '--tls-cert and --tls-key'],
    [['stores', '--cluster', 'redis://:geheim@a:1'], '--cluster: not host:port'],
    [['stores', '--cluster', 'a:1', '--db', '3'], `can't be specified together`],
    [['stores', '--sentinel', 'a:1'], 'masterName: missing'],
    [['plan'], 'Give --app ./dist/app.module.js'],
    [['plan', '--app', './app.js'], 'as --target'],
    [['drift', '--app', './app.js', '--target', 'A'], 'as --source'],
    [['plan', 'geheim', '--app', './app.js', '--target', 'A', '--source', 'B'], 'plan takes no arguments'],
    [['undo', '--app', './app.js', '--target', 'A'], 'nestjs-diffsync undo <run>'],
    [['runs', '1', '2', '--app', './app.js', '--target', 'A'], 'runs takes one run'],
    [['runs', '--app', './app.js', '--target', 'A', '--load', 'geheim'], '--load goes with plan, apply, drift only'],
    [
      ['plan', '--app', './app.js', '--target', 'A', '--source', 'B', '--load', 'geheim'],
      '--load: one of both, source, target, none',
    ],
    [['plan', '--app', './app.js', '--target', 'A', '--source', 'B', '--guards', 'geheim'], '--guards: neither'],
    [['runs', '--app', './app.js', '--target', 'A', '--of', 'geheim'], '--of: not model:unique-id'],
    [['runs', '1', '--app', './app.js', '--target', 'A', '--of', 'a:b'], `can't be specified together`],
    [['runs', '--app', './app.js', '--target', 'A', '--limit', '0'], '--limit: not a whole number above 0'],
    [['runs', '--app', './app.js', '--target', 'A', '--json', '--markdown'], `can't be specified together`],
  ])('%j: one line that says what is wrong, and its exit code', async (argv, message) => {
    const { code, stdout, stderr } = await cli(argv);
    // For the commands over runs 2 says that there are differences.
    const isRuns = ['plan', 'apply', 'drift', 'runs', 'undo'].includes(argv[0] ?? '');
    expect({ code, stdout }).toEqual({ code: isRuns ? 1 : 2, stdout: '' });
    expect(stderr).toMatch(/^Error: [^\n]+\n$/);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('geheim');
  });
});
