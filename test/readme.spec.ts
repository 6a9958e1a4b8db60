import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AppModule, CmdbAdapter, Device, NetworkAdapter } from '../examples/readme/src/application.js';
import * as library from '../src/index.js';
import { STORE, type BaseStore } from '../src/index.js';
import { VARIABLES } from '../src/module/store-environment.js';

const fileUrl = (path: string): URL => new URL(`../${path}`, import.meta.url);
const read = (path: string): string => readFileSync(fileUrl(path), 'utf8');
const readme = read('README.md');

/** The rows of every table that begins with this heading, cell by cell. */
function tables(text: string, heading: string): string[][] {
  const [, ...after] = text.split(new RegExp(`^\\| ${heading} .*$`, 'm'));
  return after.flatMap((rest) => {
    const rows = rest.split('\n').slice(2);
    const end = rows.findIndex((line) => !line.startsWith('|'));
    return rows.slice(0, end === -1 ? undefined : end).map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  });
}

/** The text below each heading of the second level. */
function sections(text: string): ReadonlyMap<string, string> {
  return new Map(text.split(/^## /m).map((section) => [section.slice(0, section.indexOf('\n')), section] as const));
}

describe('the README', () => {
  afterEach(() => {
    jest.restoreAllMocks();
    delete process.env['DIFFSYNC_STORE_ENGINE'];
  });

  it('shows its examples as they are in the repository', () => {
    const blocks = [...readme.matchAll(/<!-- (\S+) -->\n\n```ts\n(.*?)```/gs)];
    expect(blocks).toHaveLength(3);
    for (const [, path = '', code] of blocks) expect(code).toBe(read(path));
    expect(readme.match(/```ts/g)).toHaveLength(blocks.length);
  });

  it('fits on a page', () => {
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(160);
    expect(readme).toContain('npm install nestjs-diffsync zod');
  });

  it('says what the first example prints', async () => {
    const printed: unknown[] = [];
    jest.spyOn(console, 'log').mockImplementation((text: unknown) => printed.push(text));
    await import('../examples/readme/src/quick-start.js');
    const [, expected] = /prints\n\n```text\n(.*?)```/s.exec(readme) ?? [];
    expect(`${printed.join('\n')}\n`).toBe(expected);
  });

  it('leads to an application that starts, synchronises and reports its health as docs/nest.md says', async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    const app = module.createNestApplication<INestApplication<Server>>();
    await app.listen(0, '127.0.0.1');
    try {
      const [network, cmdb] = [app.get(NetworkAdapter), app.get(CmdbAdapter)];
      await network.load();
      await cmdb.syncFrom(network);
      expect((await cmdb.get(Device, 'r1')).interfaces).toEqual(['r1__eth0']);
      const { port } = app.getHttpServer().address() as AddressInfo;
      const response = await fetch(`http://127.0.0.1:${port}/health`);
      const { details } = (await response.json()) as { details: { store: { responseTime: number } } };
      details.store.responseTime = 0;
      const [, written = ''] = /`(\{"store":.*?\}\})`/.exec(read('docs/nest.md')) ?? [];
      expect(details).toEqual(JSON.parse(written));
    } finally {
      await app.close();
    }
  });

  it('leads to a configuration that takes the engine from the environment', async () => {
    process.env['DIFFSYNC_STORE_ENGINE'] = 'local';
    const { ConfiguredModule } = await import('../examples/readme/src/configured.module.js');
    const app = await Test.createTestingModule({ imports: [ConfiguredModule] }).compile();
    expect(app.get<BaseStore>(STORE).engine).toBe('local');
    await app.close();
    const variables = tables(read('docs/configuration.md'), 'variable').map(([name = '']) => name.replaceAll('`', ''));
    expect(variables).toEqual(VARIABLES);
  });

  it('leads to a list of every option of forRoot, and of none that is not there', () => {
    const samples: Record<string, unknown> = {
      storeId: 'a',
      name: 'a',
      isGlobal: false,
      maxObjectBytes: 1000,
      slowOperationMs: 100,
      verbosity: 1,
      retryAttempts: 1,
      retryDelay: 0,
      url: 'redis://127.0.0.1',
      host: '127.0.0.1',
      port: 6379,
      db: 1,
      username: 'u',
      password: 'p',
      credentials: () => ({ password: 'p' }),
      path: '/run/redis.sock',
      readonly: true,
      tls: {},
      sentinels: [{ host: 'h', port: 1 }],
      masterName: 'm',
      sentinelUsername: 'u',
      sentinelPassword: 'p',
      sentinelTls: {},
      cluster: { nodes: [{ host: 'h', port: 1 }] },
      scaleReads: 'all',
      shards: 2,
      durability: { replicas: 1 },
      ttl: 60_000,
      changeLog: true,
      client: { status: 'ready', options: {}, defineCommand: () => undefined },
      timeout: 100,
    };
    const pages = sections(read('docs/configuration.md'));
    const rows = (
      [
        ['Module', ['local', 'redis', 'sqlite']],
        ['Every engine', ['local', 'redis', 'sqlite']],
        ['SQLite', ['sqlite']],
        ['Redis', ['redis']],
      ] as const
    ).flatMap(([heading, engines]) =>
      tables(pages.get(heading) ?? '', 'option').map(([name = '']) => [name.replaceAll('`', ''), engines] as const),
    );
    const documented = new Set(rows.map(([name]) => name));
    expect([...documented].toSorted()).toEqual(['engine', ...Object.keys(samples)].toSorted());
    for (const [name, engines] of rows.filter(([option]) => option !== 'engine')) {
      const options = { [name]: samples[name] };
      const configure = (chosen: string) => (): unknown => {
        const address = chosen === 'redis' ? { url: 'redis://localhost:6379' } : {};
        return library.DiffSyncStoreModule.forRoot({ engine: chosen, ...address, ...options } as never);
      };
      for (const engine of engines) expect(configure(engine)).not.toThrow();
      if (!engines.some((engine) => engine === 'local')) expect(configure('local')).toThrow(`${name}: no such option`);
    }
  });

  it('leads to a map of the names of Python to names that are there', () => {
    const { Adapter, Diff, DiffElement, BaseStore } = library;
    const classes: Record<string, { prototype: object }> = { Device, Adapter, Diff, DiffElement, BaseStore };
    const names = tables(read('docs/coming-from-python.md'), 'Python').flatMap(([, ours = '']) => [
      ...ours.matchAll(/`(\w+)([.#])(\w+)`/g),
    ]);
    expect(names.length).toBeGreaterThan(80);
    for (const [text, owner = '', mark, member = ''] of names) {
      const holder = owner === 'DiffSyncModel' ? library.DiffSyncModel : classes[owner];
      const found = mark === '#' ? member in (holder?.prototype ?? {}) : member in (holder ?? {});
      expect([text, found]).toEqual([text, true]);
    }
    for (const [name] of [['enableConsoleLogging'], ['DiffSyncStoreRegistry'], ['STORE'], ['BaseStore']] as const) {
      expect(name in library).toBe(true);
    }
  });

  it('names commands that package.json has', async () => {
    const { stdout } = await promisify(execFile)('npm', ['pkg', 'get', 'scripts'], { cwd: fileUrl('.') });
    for (const [, script = ''] of readme.matchAll(/npm (start|test)\b/g)) expect(stdout).toContain(`"${script}"`);
  });
});
