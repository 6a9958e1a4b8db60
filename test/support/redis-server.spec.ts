import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { afterEachTest } from './cleanups.js';
import { Redis } from 'ioredis';
import { call } from './redis-client.js';
import { launch, onFreePorts, REDIS_MISSING_MESSAGE, startAll, startRedis, type RedisServer } from './redis-server.js';
import { gone, runs, startTestProcess, until, type Remains } from './test-process.js';

const cleanup = afterEachTest();

async function start(options: Parameters<typeof startRedis>[0] = {}): Promise<RedisServer> {
  const server = await startRedis(options);
  cleanup(() => server.stop());
  return server;
}

const CLIENT = { lazyConnect: true, maxRetriesPerRequest: 0, enableOfflineQueue: false, retryStrategy: () => null };

async function connected(url: string, client = new Redis(url, CLIENT)): Promise<Redis> {
  client.on('error', () => {}); // the command or connect() that fails says it
  // On an ended client disconnect() leaves a timer that keeps the process alive for 2 s.
  cleanup(() => client.status === 'end' || client.disconnect());
  await client.connect();
  return client;
}

describe('startRedis()', () => {
  it('gives a server of our own that replies at its url', async () => {
    const server = await start();
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
    const client = await connected(server.url);
    expect(await client.info('server')).toContain(`process_id:${server.pid}\r\n`);
    expect(await client.set('key', 'value')).toBe('OK');
    expect(await client.config('GET', 'bind')).toEqual(['bind', '127.0.0.1']);
  });

  it('replies at its Unix socket too', async () => {
    const server = await start({ password: 'secret' });
    const client = await connected(server.socket, new Redis({ ...CLIENT, path: server.socket, password: 'secret' }));
    expect(await client.info('server')).toContain(`process_id:${server.pid}\r\n`);
  });

  it('with a password refuses a client without it, and its url carries it', async () => {
    const server = await start({ password: 'p@ss:wörd/%41 "1"' });
    const client = await connected(server.url);
    expect(await client.ping()).toBe('PONG');
    const url = `redis://${server.host}:${server.port}`;
    const stranger = await connected(url, new Redis(url, { ...CLIENT, protocol: 2, enableReadyCheck: false }));
    await expect(stranger.ping()).rejects.toThrow('NOAUTH');
  });

  it('passes args on, and says what redis-server said of wrong ones', async () => {
    const client = await connected((await start({ args: ['--appendonly', 'yes'] })).url);
    expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    await expect(startRedis({ args: ['--no-such-setting', '1'] })).rejects.toThrow('no-such-setting');
  });

  it('has the users that args or call() add', async () => {
    const server = await start({ args: ['--user', 'reader', 'on', '>a', '~*', '+@read', '+@connection', '+info'] });
    await call(server, 'ACL', 'SETUSER', 'writer', 'on', '>b', '~own:*', '+@all');
    const reader = await connected(server.url.replace('//', '//reader:a@'));
    const writer = await connected(server.url.replace('//', '//writer:b@'));
    expect(await writer.set('own:key', 'value')).toBe('OK');
    expect(await reader.get('own:key')).toBe('value');
    await expect(reader.set('own:key', 'other')).rejects.toThrow('NOPERM');
    await expect(writer.set('key', 'value')).rejects.toThrow('NOPERM');
  });

  it('ten at once get different ports and processes', async () => {
    const servers = await Promise.all(Array.from({ length: 10 }, () => start()));
    expect(new Set(servers.map((server) => server.port)).size).toBe(10);
    expect(new Set(servers.map((server) => server.pid)).size).toBe(10);
  });

  it('without a redis-server on PATH rejects with what to install', async () => {
    const path = process.env['PATH'];
    cleanup(() => (process.env['PATH'] = path));
    process.env['PATH'] = join(tmpdir(), 'no-such-folder');
    await expect(startRedis()).rejects.toThrow(REDIS_MISSING_MESSAGE);
  });
});

describe('stop()', () => {
  it('leaves no process and no folder, however often it is called', async () => {
    const server = await start();
    const { folder } = server;
    expect(existsSync(folder)).toBe(true);
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    await server.ended();
    expect(runs(server.pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  it('works on a paused server', async () => {
    const server = await start();
    await server.pause();
    await server.stop();
    expect(runs(server.pid)).toBe(false);
  });

  it('removes the folder of a server that was killed, which cannot be signalled again', async () => {
    const server = await start();
    const { folder } = server;
    expect(existsSync(folder)).toBe(true);
    server.kill('SIGKILL');
    await server.ended();
    expect(runs(server.pid)).toBe(false);
    expect(existsSync(folder)).toBe(true);
    expect(() => server.kill('SIGTERM')).toThrow('has ended');
    await server.stop();
    expect(existsSync(folder)).toBe(false);
  });

  (existsSync('/proc/thread-self/children') ? it : it.skip)('ends what the server forked', async () => {
    const server = await start({ args: ['--rdb-key-save-delay', '60000000'] });
    const client = await connected(server.url);
    await client.set('key', 'value');
    await client.bgsave();
    const [fork] = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'latin1').split(' ');
    const forkRuns = () => existsSync(`/proc/${fork}/exe`); // no longer there for a zombie, which init may be slow to reap
    expect(forkRuns()).toBe(true);
    await server.stop();
    await until(() => !forkRuns(), 2_000);
  });
});

describe('pause()', () => {
  it('keeps commands waiting until resume()', async () => {
    const server = await start();
    const client = await connected(server.url);
    await server.pause();
    if (process.platform === 'linux') expect(readFileSync(`/proc/${server.pid}/stat`, 'latin1')).toContain(') T ');
    let answered = false;
    const ping = client.ping().finally(() => (answered = true));
    await sleep(50);
    expect(answered).toBe(false);
    server.resume();
    expect(await ping).toBe('PONG');
  });
});

describe('restart()', () => {
  it('of a killed server gives one with its port, settings and files', async () => {
    const server = await start({ password: 'secret', args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    await (await connected(server.url)).set('key', 'value');
    server.kill('SIGKILL');
    const restarted = await server.restart();
    cleanup(() => restarted.stop());
    expect(restarted.url).toBe(server.url);
    expect(await (await connected(restarted.url)).get('key')).toBe('value');
    expect(gone([server])).toBe(true);
    await restarted.stop();
    expect(gone([restarted])).toBe(true);
  });
});

describe('onFreePorts()', () => {
  it('starts again with other ports when one is taken', async () => {
    const taken = await start();
    const tried: number[] = [];
    const server = await onFreePorts(1, ([free = 0]) => {
      const port = tried.length === 0 ? taken.port : free;
      tried.push(port);
      return launch({ port, args: ['--port', String(port)] });
    });
    cleanup(() => server.stop());
    expect(tried).toEqual([taken.port, server.port]);
  });
});

describe('startAll()', () => {
  it('stops the servers that started when one does not', async () => {
    const server = startRedis();
    await expect(startAll([server, startRedis({ args: ['--no-such-setting', '1'] })])).rejects.toThrow(
      'no-such-setting',
    );
    expect(gone([await server])).toBe(true);
  });
});

describe('the end of the test process', () => {
  async function child(ending: string, env: NodeJS.ProcessEnv = {}) {
    const setup = `
      import { startRedis } from './redis-server.js';
      const { pid, folder } = await startRedis();
      const report = [{ pid, folder }];`;
    const test = await startTestProcess(setup, ending, env);
    cleanup(test.cleanup);
    const servers = test.report as Remains[];
    expect(servers.map(({ pid, folder }) => [runs(pid), existsSync(folder)])).toEqual([[true, true]]);
    return { ...test, servers };
  }

  const endings = {
    SIGKILL: "process.kill(process.pid, 'SIGKILL')",
    'a throw': "throw new Error('thrown')",
    'process.exit()': 'process.exit(3)',
    'an unstopped server': '',
  };
  it.each(Object.entries(endings))('by %s leaves no redis-server and no folder within 2 s', async (_name, ending) => {
    const { end, exited, servers } = await child(ending);
    end();
    await exited;
    await until(() => gone(servers), 2_000);
  });

  it('by SIGKILL leaves nothing where setpriv cannot help', async () => {
    const fakes = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-spec-'));
    cleanup(() => rmSync(fakes, { recursive: true }));
    writeFileSync(join(fakes, 'setpriv'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const { main, exited, servers } = await child('', { PATH: `${fakes}:${process.env['PATH']}` });
    main.kill('SIGKILL');
    await exited;
    await until(() => gone(servers), 2_000);
  });
});
