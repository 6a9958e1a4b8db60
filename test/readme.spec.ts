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
import { STORE, type BaseStore, type DiffSyncStoreOptions } from '../src/index.js';

const fileUrl = (path: string): URL => new URL(`../${path}`, import.meta.url);
const readme = readFileSync(fileUrl('README.md'), 'utf8');

/** The rows of the table that begins with this heading, cell by cell. */
function table(heading: string): string[][] {
  const [, after = ''] = readme.split(new RegExp(`^\\| ${heading} .*$`, 'm'));
  const rows = after.split('\n').slice(2);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe('the README', () => {
  afterEach(() => {
    jest.restoreAllMocks();
    delete process.env['DIFFSYNC_STORE_ENGINE'];
  });

  it('shows its examples as they are in the repository', () => {
    const blocks = [...readme.matchAll(/<!-- (\S+) -->\n\n```ts\n(.*?)```/gs)];
    expect(blocks).toHaveLength(3);
    for (const [, path = '', code] of blocks) expect(code).toBe(readFileSync(fileUrl(path), 'utf8'));
    expect(readme.match(/```ts/g)).toHaveLength(blocks.length);
  });

  it('says what the first example prints', async () => {
    const printed: unknown[] = [];
    jest.spyOn(console, 'log').mockImplementation((text: unknown) => printed.push(text));
    await import('../examples/readme/src/quick-start.js');
    const [, expected] = /prints\n\n```text\n(.*?)```/s.exec(readme) ?? [];
    expect(`${printed.join('\n')}\n`).toBe(expected);
  });

  it('has an application that starts, synchronises and reports its health as written', async () => {
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
      const [, written = ''] = /`(\{"store":.*?\}\})`/.exec(readme) ?? [];
      expect(details).toEqual(JSON.parse(written));
    } finally {
      await app.close();
    }
  });

  it('has a configuration that takes the engine from the environment', async () => {
    process.env['DIFFSYNC_STORE_ENGINE'] = 'local';
    const { ConfiguredModule } = await import('../examples/readme/src/configured.module.js');
    const app = await Test.createTestingModule({ imports: [ConfiguredModule] }).compile();
    expect(app.get<BaseStore>(STORE).engine).toBe('local');
    await app.close();
    const variables = table('variable').map(([name = '']) => name.replaceAll('`', ''));
    for (const name of variables)
      expect(readFileSync(fileUrl('src/module/diffsync-store.config.ts'), 'utf8')).toContain(name);
  });

  it('lists every option of forRoot, and none that is not there', () => {
    const samples: Record<string, unknown> = {
      storeId: 'a',
      name: 'a',
      isGlobal: false,
      maxObjectBytes: 1000,
      verbosity: 1,
      retryAttempts: 1,
      retryDelay: 0,
      url: 'redis://127.0.0.1',
      host: '127.0.0.1',
      port: 6379,
      db: 1,
      username: 'u',
      password: 'p',
      path: '/run/redis.sock',
      readonly: true,
      tls: {},
      sentinels: [{ host: 'h', port: 1 }],
      masterName: 'm',
      sentinelUsername: 'u',
      sentinelPassword: 'p',
      cluster: { nodes: [{ host: 'h', port: 1 }] },
      scaleReads: 'all',
      shards: 2,
      durability: { replicas: 1 },
      ttl: 60_000,
      client: { status: 'ready', options: {}, defineCommand: () => undefined },
      timeout: 100,
    };
    const rows = table('option').map(([name = '', engine = '']) => [name.replaceAll('`', ''), engine] as const);
    expect(rows.map(([name]) => name)).toEqual(['engine', ...Object.keys(samples)]);
    for (const [name, engine] of rows.slice(1)) {
      const options = { [name]: samples[name] };
      const configure = (chosen: string) => (): unknown =>
        library.DiffSyncStoreModule.forRoot({ engine: chosen, ...options } as DiffSyncStoreOptions);
      if (engine === 'all') expect(configure('local')).not.toThrow();
      else expect(configure('local')).toThrow(`${name}: no such option`);
      for (const each of engine === 'all' ? ['redis', 'sqlite'] : engine.split(', ')) {
        expect(configure(each)).not.toThrow();
      }
    }
  });

  it('maps the names of Python to names that are there', () => {
    const classes: Record<string, { prototype: object }> = { Device, Adapter: library.Adapter, Diff: library.Diff };
    const names = table('Python').flatMap(([, ours = '']) => [...ours.matchAll(/`(\w+)([.#])(\w+)`/g)]);
    expect(names.length).toBeGreaterThan(45);
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
