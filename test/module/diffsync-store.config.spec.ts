import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigModule, ConfigService, registerAs } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import {
  diffSyncStoreConfig,
  DiffSyncStoreModule,
  getStoreToken,
  STORE,
  ValueError,
  type BaseStore,
  type DiffSyncStoreOptions,
  type SqliteEngineOptions,
} from '../../src/index.js';
import { VARIABLES, variableOf } from '../../src/module/store-environment.js';
import type { AnyRedisOptions } from '../../src/store/redis/index.js';
import { withTable } from '../../scripts/environment-table.mjs';
import { call } from '../support/redis-client.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { startTlsRedis } from '../support/redis-tls.js';

let server: RedisServer;
let folder: string;
let files = 0;

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

function readWith(env: Record<string, string>, config: () => DiffSyncStoreOptions = diffSyncStoreConfig): unknown {
  clearEnvironment();
  Object.assign(process.env, env);
  return config();
}

/** The lines of the error, without the first one. */
function problemsOf(env: Record<string, string>, config?: () => DiffSyncStoreOptions): string[] {
  const read = (): unknown => readWith(env, config);
  expect(read).toThrow(ValueError);
  try {
    return [String(read())];
  } catch (error) {
    return (error as Error).message.split('\n').slice(1);
  }
}

/** The variables of the unnamed store. */
function named(variables: Record<string, string>, prefix = 'DIFFSYNC_STORE_'): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).map(([name, text]) => [prefix + name, text]));
}

async function fileWith(text: string): Promise<string> {
  const path = join(folder, `secret-${files++}`);
  await writeFile(path, text);
  return path;
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
    expect(() => readWith({ DIFFSYNC_STORE_ENGINE: 'redis' })).toThrow(
      'DIFFSYNC_STORE_URL: missing: redis needs one of DIFFSYNC_STORE_URL, DIFFSYNC_STORE_HOST, ',
    );
    for (const name of ['URL', 'HOST', 'SOCKET', 'CLUSTER', 'SENTINELS', 'URL_FILE']) {
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
    [{ DIFFSYNC_STORE_VERBOSITY: '9' }, /DIFFSYNC_STORE_ENGINE: missing.*\nDIFFSYNC_STORE_VERBOSITY: .*0\|1\|2/],
    [{ DIFFSYNC_STORE_ENGINE: 'mongo' }, /DIFFSYNC_STORE_ENGINE: not one of local, sqlite, redis/],
    [{ DIFFSYNC_STORE_ENGINE: 'local', DIFFSYNC_STORE_VERBOSITY: 'loud' }, /DIFFSYNC_STORE_VERBOSITY: /],
  ])('%j throws a ValueError that names the variable', (env, message) => {
    expect(() => readWith(env)).toThrow(ValueError);
    expect(() => readWith(env)).toThrow(message);
  });
});

describe('the variables', () => {
  it('have every option of every engine, but what is no text', () => {
    type Own<T> = {
      [K in keyof Required<T> as K extends 'name' | 'logger' | 'client' | 'credentials' ? never : K]: true;
    };
    const options: Own<AnyRedisOptions & SqliteEngineOptions> = {
      engine: true,
      storeId: true,
      maxObjectBytes: true,
      verbosity: true,
      slowOperationMs: true,
      retryAttempts: true,
      retryDelay: true,
      path: true,
      readonly: true,
      changeLog: true,
      timeout: true,
      url: true,
      host: true,
      port: true,
      db: true,
      username: true,
      password: true,
      tls: true,
      sentinels: true,
      masterName: true,
      sentinelUsername: true,
      sentinelPassword: true,
      sentinelTls: true,
      cluster: true,
      scaleReads: true,
      shards: true,
      durability: true,
      ttl: true,
    };
    const read = VARIABLES.map((name) => variableOf(name).option.split('.', 1).join());
    expect([...new Set(read)].toSorted()).toEqual(Object.keys(options).toSorted());
  });

  it('stand in docs/configuration.md as scripts/environment-table.mjs writes them', async () => {
    const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
    expect(page).toBe(
      await withTable(
        page,
        VARIABLES.map((name) => ({ name, ...variableOf(name) })),
      ),
    );
  });

  it('become options of each kind', () => {
    expect(
      readWith(
        named({
          ENGINE: 'redis',
          HOST: 'h',
          PORT: '1',
          DB: '2',
          USERNAME: 'u',
          PASSWORD: 'p',
          TLS_CA: 'ca',
          TLS_CERT: 'cert',
          TLS_KEY: 'key',
          TLS_PASSPHRASE: 'pass',
          TLS_SERVER_NAME: 's',
          TIMEOUT: '9000',
          TTL: '1000',
          CHANGE_LOG: 'true',
          DURABILITY_REPLICAS: '1',
          DURABILITY_TIMEOUT: '100',
          MAX_OBJECT_BYTES: '1000',
          RETRY_ATTEMPTS: '1',
          RETRY_DELAY: '0',
        }),
      ),
    ).toEqual({
      engine: 'redis',
      host: 'h',
      port: 1,
      db: 2,
      username: 'u',
      password: 'p',
      tls: { ca: 'ca', cert: 'cert', key: 'key', passphrase: 'pass', servername: 's' },
      timeout: 9000,
      ttl: 1000,
      changeLog: true,
      durability: { replicas: 1, timeout: 100 },
      maxObjectBytes: 1000,
      retryAttempts: 1,
      retryDelay: 0,
    });
    const sentinels = named({ ENGINE: 'redis', SENTINELS: 'a:1', MASTER_NAME: 'm', SENTINEL_USERNAME: 'u' });
    expect(readWith({ ...sentinels, ...named({ TLS: 'true', SENTINEL_TLS: 'false' }) })).toMatchObject({
      tls: {},
      sentinelTls: false,
      sentinelUsername: 'u',
    });
    expect(readWith({ ...sentinels, ...named({ TLS: 'false', SENTINEL_TLS_CA: 'c' }) })).toMatchObject({
      sentinelTls: { ca: 'c' },
    });
    const cluster = named({ ENGINE: 'redis', CLUSTER: 'a:1', SHARDS: '2', SCALE_READS: 'all' });
    expect(readWith(cluster)).toMatchObject({ cluster: { nodes: [{}] }, shards: 2, scaleReads: 'all' });
    expect(readWith(named({ ENGINE: 'redis', SOCKET: '/s', TLS: 'false' }))).toEqual({ engine: 'redis', path: '/s' });
    expect(readWith(named({ ENGINE: 'sqlite', PATH: '/f', READONLY: 'true', TIMEOUT: '0' }))).toEqual({
      engine: 'sqlite',
      path: '/f',
      readonly: true,
      timeout: 0,
    });
  });

  it.each([
    ['URI', 'URL'],
    ['url', 'URL'],
    ['PASWORD', 'PASSWORD'],
    ['PASSWORDFILE', 'PASSWORD_FILE'],
    ['USER', 'USERNAME'],
    ['STORE_ID', 'ID'],
    ['SENTINEL', 'SENTINELS'],
    ['HOSTNAME', 'HOST'],
    ['PORT_FILE', 'PORT'],
    ['CLUSTER_NODES', 'CLUSTER'],
    ['TLS_SERVERNAME', 'TLS_SERVER_NAME'],
  ])('%s: no such variable, and %s is probably meant', (name, meant) => {
    expect(problemsOf(named({ ENGINE: 'local', [name]: 'geheim' }))).toEqual([
      `DIFFSYNC_STORE_${name}: no such variable; did you mean DIFFSYNC_STORE_${meant}?`,
    ]);
  });

  it('that are far from any are not guessed at', () => {
    expect(problemsOf(named({ ENGINE: 'local', WHATEVER: '' }))).toEqual([
      'DIFFSYNC_STORE_WHATEVER: no such variable; docs/configuration.md lists them',
    ]);
  });

  it('and paths of files forge no line', () => {
    const forged = 'A\nDIFFSYNC_STORE_URL: fine\u001b[2K';
    const lines = problemsOf(named({ ENGINE: 'redis', URL_FILE: `/nowhere/${forged}`, [forged]: 'x' }));
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toContain('\u001b');
  });

  it('of another engine are ignored, wrong ones too, and their files are not read', () => {
    const other = named({ URL: 'geheim', PORT: 'x', PASSWORD_FILE: '/nowhere', READONLY: 'maybe', CLUSTER: '' });
    expect(readWith({ ...other, ...named({ ENGINE: 'local' }) })).toEqual({ engine: 'local' });
  });

  it('are wrong all at once, a line each, together too, and no line has a value', () => {
    const lines = problemsOf(
      named({
        ENGINE: 'redis',
        HOST: 'geheim@host',
        CLUSTER: 'geheim',
        PORT: '99999',
        DB: 'geheim',
        TLS: 'geheim',
        VERBOSITY: '7',
        ID: 'geheim:x',
        MASTER_NAME: 'geheim',
        SHARDS: '0',
        DURABILITY_TIMEOUT: '5000',
        PASSWORT: 'geheim',
        RETRY_ATTEMPTS: '0',
        MAX_OBJECT_BYTES: '0',
        SCALE_READS: 'geheim',
      }),
    );
    const expected: Record<string, RegExp> = {
      PASSWORT: /^no such variable/,
      TLS: /^neither true nor false$/,
      CLUSTER: /^can't be specified together with DIFFSYNC_STORE_HOST$/,
      DB: /^not a whole number, 0 or above$/,
      ID: /not allowed/,
      VERBOSITY: /expected one of 0\|1\|2/,
      RETRY_ATTEMPTS: />=1/,
      PORT: /<=65535/,
      HOST: /not the name or address of a host/,
      SHARDS: />=1/,
      DURABILITY_REPLICAS: /^missing$/,
      SCALE_READS: /"master"\|"slave"\|"all"/,
      MASTER_NAME: /^can't be specified together with DIFFSYNC_STORE_HOST$/,
    };
    for (const [name, message] of Object.entries(expected)) {
      const found = lines.filter((line) => line.startsWith(`DIFFSYNC_STORE_${name}: `));
      expect([name, found.length]).toEqual([name, expect.anything()]);
      expect(found.map((line) => line.slice(line.indexOf(': ') + 2))).toEqual(
        expect.arrayContaining([expect.stringMatching(message)]),
      );
    }
    expect(lines.every((line) => /^DIFFSYNC_STORE_[A-Z_]+: ./.test(line))).toBe(true);
    expect(lines.join()).not.toContain('geheim');
  });

  it.each<[Record<string, string>, string]>([
    [{ URL: 'redis://h', PORT: '1' }, `PORT: can't be specified together with DIFFSYNC_STORE_URL`],
    [{ SENTINELS: 'a:1' }, 'MASTER_NAME: missing: DIFFSYNC_STORE_SENTINELS watch masters by name'],
    [{ SOCKET: '/s', TLS_CA: 'c' }, `TLS_CA: can't be specified together with DIFFSYNC_STORE_SOCKET`],
    [{ URL: 'redis://h', SHARDS: '2' }, 'SHARDS: goes with a cluster only'],
    [{ URL: 'redis://:geheim@h/x' }, 'URL: the path is not the number of a database'],
    [{ HOST: 'h', TLS: 'false', TLS_CA: 'c' }, 'TLS: false, but DIFFSYNC_STORE_TLS_CA is given'],
    [{ URL: 'rediss://h', TLS: 'false' }, 'TLS: false, but DIFFSYNC_STORE_URL begins with rediss://'],
    [
      { HOST: 'h', DURABILITY_REPLICAS: 'x', DURABILITY_TIMEOUT: '1' },
      'DURABILITY_REPLICAS: not a whole number, 0 or above',
    ],
    [{ URL: 'redis://h', DURABILITY_TIMEOUT: '1' }, 'DURABILITY_REPLICAS: missing'],
    [
      { URL: 'redis://h', DURABILITY_REPLICAS: '1', TIMEOUT: '1000' },
      'DURABILITY_TIMEOUT: must be less than half of DIFFSYNC_STORE_TIMEOUT, and than 2500 (default 1000): a link that is ' +
        'silent for so long counts as dead',
    ],
  ])('%j is refused, once', (variables, line) => {
    expect(problemsOf(named({ ENGINE: 'redis', ...variables }))).toEqual([`DIFFSYNC_STORE_${line}`]);
  });
});

describe('a variable with _FILE', () => {
  const url = { ENGINE: 'redis', HOST: 'h' };

  it('names the file that a text stands in; a line break at its end is taken off', async () => {
    const texts = { PASSWORD_FILE: 'ge heim\n', USERNAME_FILE: 'u\r\n', TLS_KEY_FILE: 'a\nb\n\n' };
    const paths: Record<string, string> = {};
    for (const [name, text] of Object.entries(texts)) paths[name] = await fileWith(text);
    expect(readWith(named({ ...url, ...paths }))).toEqual({
      engine: 'redis',
      host: 'h',
      password: 'ge heim',
      username: 'u',
      tls: { key: 'a\nb\n' },
    });
    const sentinels = {
      ENGINE: 'redis',
      SENTINELS: 'a:1',
      MASTER_NAME: 'm',
      SENTINEL_PASSWORD_FILE: await fileWith('s'),
    };
    expect(readWith(named(sentinels))).toMatchObject({ sentinelPassword: 's' });
    expect(readWith(named({ ENGINE: 'redis', URL_FILE: await fileWith('redis://:p@h\n') }))).toEqual({
      engine: 'redis',
      url: 'redis://:p@h',
    });
  });

  it.each([
    ['/nowhere/secret', `the file "/nowhere/secret" can't be read (ENOENT)`],
    [tmpdir(), `the file "${tmpdir()}" can't be read (EISDIR)`],
  ])('%s is refused with its path', (path, message) => {
    expect(problemsOf(named({ ...url, PASSWORD_FILE: path }))).toEqual([`DIFFSYNC_STORE_PASSWORD_FILE: ${message}`]);
  });

  it('is refused for an empty file, beside the variable itself, and for what is no secret', async () => {
    const [empty, path] = [await fileWith('\n'), await fileWith('geheim')];
    expect(problemsOf(named({ ...url, PASSWORD_FILE: empty }))).toEqual([
      `DIFFSYNC_STORE_PASSWORD_FILE: the file "${empty}" is empty`,
    ]);
    expect(problemsOf(named({ ...url, PASSWORD_FILE: path, PASSWORD: 'geheim' }))).toEqual([
      `DIFFSYNC_STORE_PASSWORD: can't be specified together with DIFFSYNC_STORE_PASSWORD_FILE`,
    ]);
    expect(problemsOf(named({ ...url, DB_FILE: path }))[0]).toContain('no such variable');
    const [line = ''] = problemsOf(named({ ENGINE: 'redis', URL_FILE: path }));
    expect(line).toBe('DIFFSYNC_STORE_URL_FILE: not a redis:// or rediss:// URL');
  });

  it('gives a user, a password and certificates to a server with TLS', async () => {
    const tls = await startTlsRedis({ clientCertificates: true });
    try {
      await call(tls, 'ACL', 'SETUSER', 'app', 'on', '>geheim', '~*', '&*', '+@all');
      const [password, ca, cert, key] = await Promise.all(['geheim\n', tls.ca, tls.cert, tls.key].map(fileWith));
      clearEnvironment();
      Object.assign(
        process.env,
        named({ ENGINE: 'redis', URL: tls.url, USERNAME: 'app', PASSWORD_FILE: `${password}` }),
        named({ TLS_CA_FILE: `${ca}`, TLS_CERT_FILE: `${cert}`, TLS_KEY_FILE: `${key}`, ID: 'secured' }),
      );
      const app = await Test.createTestingModule({
        imports: [ConfigModule.forRoot(), DiffSyncStoreModule.forRootAsync(diffSyncStoreConfig.asProvider())],
      }).compile();
      await app.get<BaseStore>(STORE).ping();
      await app.close();
    } finally {
      await tls.stop();
    }
  });
});

describe('diffSyncStoreConfig(name)', () => {
  it('reads variables of its own, beside those of the unnamed store', async () => {
    const path = join(folder, 'cmdb.db');
    clearEnvironment();
    Object.assign(
      process.env,
      named({ ENGINE: 'redis', URL: server.url, ID: 'inventory' }),
      named({ ENGINE: 'sqlite', PATH: path }, 'DIFFSYNC_NETWORK_CMDB_STORE_'),
    );
    const config = diffSyncStoreConfig('networkCmdb');
    const app = await Test.createTestingModule({
      imports: [
        ConfigModule.forRoot({ load: [diffSyncStoreConfig, config] }),
        DiffSyncStoreModule.forRootAsync(diffSyncStoreConfig.asProvider()),
        DiffSyncStoreModule.forRootAsync({ name: 'networkCmdb', ...config.asProvider() }),
      ],
    }).compile();
    expect(app.get<BaseStore>(STORE).address).toBe(`${server.url}/0`);
    expect(app.get<BaseStore>(getStoreToken('networkCmdb')).address).toBe(path);
    expect(app.get(ConfigService).get('diffsyncStore:networkCmdb.path')).toBe(path);
    expect(app.get(ConfigService).get('diffsyncStore.url')).toBe(server.url);
    expect(config.KEY).toBe(registerAs('diffsyncStore:networkCmdb', () => ({})).KEY);
    expect(diffSyncStoreConfig('network-cmdb')()).toEqual({ engine: 'sqlite', path });
    await app.close();
  });

  it('names its variables in errors', () => {
    expect(problemsOf(named({ ENGINE: 'sqlite', PAHT: 'x' }, 'DIFFSYNC_A_STORE_'), diffSyncStoreConfig('a'))).toEqual([
      'DIFFSYNC_A_STORE_PAHT: no such variable; did you mean DIFFSYNC_A_STORE_PATH?',
      'DIFFSYNC_A_STORE_PATH: missing',
    ]);
  });

  it.each(['', '1', 'a b', 'redis://:geheim@h', 'store', 'asset-store', 'storeA'])('%j is no name', (name) => {
    expect(() => diffSyncStoreConfig(name)).toThrow(ValueError);
    expect(() => diffSyncStoreConfig(name)).not.toThrow('geheim');
  });
});
