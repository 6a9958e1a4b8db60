import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigModule, ConfigService, registerAs } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { diffSyncStoreConfig, DiffSyncStoreModule, STORE, ValueError, type BaseStore } from '../../src/index.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

let server: RedisServer;
let folder: string;

beforeAll(async () => {
  server = await startRedis();
  folder = await mkdtemp(join(tmpdir(), 'diffsync-env-'));
  await writeFile(join(folder, 'development.env'), 'DIFFSYNC_STORE_ENGINE=local\nDIFFSYNC_STORE_VERBOSITY=1\n');
  await writeFile(
    join(folder, 'production.env'),
    `DIFFSYNC_STORE_ENGINE=redis\nDIFFSYNC_STORE_URL=${server.url}\nDIFFSYNC_STORE_ID=inventory\n`,
  );
});

afterEach(clearEnvironment);

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

function clearEnvironment(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('DIFFSYNC_')) delete process.env[name];
}

function readWith(env: Record<string, string>): unknown {
  clearEnvironment();
  Object.assign(process.env, env);
  return diffSyncStoreConfig();
}

describe('diffSyncStoreConfig', () => {
  it.each([
    ['development', 'local', undefined],
    ['production', 'redis', 'inventory'],
  ])('%s.env gives the engine %s', async (environment, engine, storeId) => {
    const app = await Test.createTestingModule({
      imports: [
        ConfigModule.forRoot({ envFilePath: join(folder, `${environment}.env`), load: [diffSyncStoreConfig] }),
        DiffSyncStoreModule.forRootAsync(diffSyncStoreConfig.asProvider()),
      ],
    }).compile();
    const store = app.get<BaseStore>(STORE);
    await store.ping();
    expect(store.engine).toBe(engine);
    expect(store.storeId).toBe(storeId);
    expect(app.get(ConfigService).get('diffsyncStore.engine')).toBe(engine);
    await app.close();
  });

  it('carries what registerAs puts on a factory, so that @nestjs/config takes it as its own', () => {
    const real = registerAs('diffsyncStore', () => ({}));
    const shape = (factory: object): Record<string, unknown> =>
      Object.fromEntries(
        ['KEY', 'PARTIAL_CONFIGURATION_KEY'].map((key) => [key, (factory as Record<string, unknown>)[key]]),
      );
    expect(shape(diffSyncStoreConfig)).toEqual(shape(real));
    expect(diffSyncStoreConfig.asProvider().inject).toEqual(real.asProvider().inject);
  });

  it('reads a path for sqlite only, which needs one', () => {
    const DIFFSYNC_STORE_PATH = '/data/inventory.db';
    expect(readWith({ DIFFSYNC_STORE_ENGINE: 'sqlite', DIFFSYNC_STORE_PATH })).toEqual({
      engine: 'sqlite',
      path: DIFFSYNC_STORE_PATH,
    });
    const url = { DIFFSYNC_STORE_ENGINE: 'redis', DIFFSYNC_STORE_URL: 'redis://h' };
    expect(readWith({ ...url, DIFFSYNC_STORE_PATH })).toEqual({ engine: 'redis', url: 'redis://h' });
    expect(() => readWith({ DIFFSYNC_STORE_ENGINE: 'sqlite' })).toThrow('DIFFSYNC_STORE_PATH: missing');
  });

  it('reads all variables; an empty one counts as absent, a URL only for redis', () => {
    expect(
      readWith({
        DIFFSYNC_STORE_ENGINE: 'redis',
        DIFFSYNC_STORE_URL: 'redis://h/1',
        DIFFSYNC_STORE_ID: 'i',
        DIFFSYNC_STORE_VERBOSITY: '2',
      }),
    ).toEqual({
      engine: 'redis',
      url: 'redis://h/1',
      storeId: 'i',
      verbosity: 2,
    });
    expect(
      readWith({ DIFFSYNC_STORE_ENGINE: 'local', DIFFSYNC_STORE_URL: 'redis://h/1', DIFFSYNC_STORE_ID: '' }),
    ).toEqual({
      engine: 'local',
    });
  });

  it('guesses no address: redis needs one, and a variable that names one is not empty', () => {
    expect(() => readWith({ DIFFSYNC_STORE_ENGINE: 'redis' })).toThrow(/one of DIFFSYNC_STORE_URL, .*: missing/);
    for (const name of ['URL', 'CLUSTER', 'SENTINELS']) {
      const empty = { DIFFSYNC_STORE_ENGINE: 'redis', [`DIFFSYNC_STORE_${name}`]: '' };
      expect(() => readWith(empty)).toThrow(`DIFFSYNC_STORE_${name}: empty`);
    }
  });

  it('reads where a cluster or the sentinels are', () => {
    const redis = { DIFFSYNC_STORE_ENGINE: 'redis', DIFFSYNC_STORE_PASSWORD: 'p' };
    expect(readWith({ ...redis, DIFFSYNC_STORE_CLUSTER: 'a:1,[::1]:2' })).toEqual({
      engine: 'redis',
      password: 'p',
      cluster: {
        nodes: [
          { host: 'a', port: 1 },
          { host: '::1', port: 2 },
        ],
      },
    });
    const sentinels = { DIFFSYNC_STORE_SENTINELS: 'a:1', DIFFSYNC_STORE_MASTER_NAME: 'm' };
    expect(readWith({ ...redis, ...sentinels, DIFFSYNC_STORE_SENTINEL_PASSWORD: 's' })).toEqual({
      engine: 'redis',
      password: 'p',
      sentinelPassword: 's',
      sentinels: [{ host: 'a', port: 1 }],
      masterName: 'm',
    });
    expect(() => readWith({ ...redis, DIFFSYNC_STORE_CLUSTER: 'a' })).toThrow(/DIFFSYNC_STORE_CLUSTER: not host:port/);
  });

  it.each<[Record<string, string>, RegExp]>([
    [{}, /DIFFSYNC_STORE_ENGINE: /],
    [{ DIFFSYNC_STORE_ENGINE: 'mongo' }, /DIFFSYNC_STORE_ENGINE: .*"local"\|"redis"/],
    [{ DIFFSYNC_STORE_ENGINE: 'local', DIFFSYNC_STORE_VERBOSITY: 'loud' }, /DIFFSYNC_STORE_VERBOSITY: /],
  ])('%j throws a ValueError that names the variable', (env, message) => {
    expect(() => readWith(env)).toThrow(ValueError);
    expect(() => readWith(env)).toThrow(message);
  });
});
