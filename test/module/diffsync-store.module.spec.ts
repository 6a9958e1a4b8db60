import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, Logger, Module, type DynamicModule, type LoggerService } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import {
  Adapter,
  BaseStore,
  DiffSyncStoreModule,
  DiffSyncStoreRegistry,
  getStoreToken,
  InjectStore,
  LocalStore,
  ObjectStoreException,
  STORE,
  ValueError,
  type DiffSyncStoreOptions,
  type DiffSyncStoreOptionsFactory,
} from '../../src/index.js';
import { Device, NetworkAdapter } from '../support/network-adapter.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

@Injectable()
class CmdbAdapter extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('cmdb') store: BaseStore) {
    super({ store });
  }
}

/** An inventory that takes the unnamed store by its class. */
@Injectable()
class Inventory {
  constructor(readonly store: BaseStore) {}
}

let server: RedisServer;
const apps: TestingModule[] = [];

beforeAll(async () => {
  server = await startRedis();
});

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

afterAll(async () => {
  await server.stop();
});

async function boot(
  imports: DynamicModule[],
  providers: (new (...args: never[]) => object)[] = [],
): Promise<TestingModule> {
  const app = await Test.createTestingModule({ imports, providers })
    .setLogger(false as never)
    .compile();
  apps.push(app);
  return app.init();
}

async function bootFailure(imports: DynamicModule[]): Promise<Error> {
  const booted = boot(imports);
  return booted.then(
    () => Promise.reject(new Error('the application has started')),
    (error: Error) => error,
  );
}

/** The server learns a little later than its client that a connection is closed. */
async function expectConnections(expected: number): Promise<void> {
  const probe = new Redis(server.url);
  try {
    let open = -1;
    for (const deadline = Date.now() + 60_000; open !== expected && Date.now() < deadline; await sleep(10)) {
      const list = String(await probe.client('LIST'));
      open = list.split('\n').filter((line) => line.includes('name=nestjs-diffsync')).length;
    }
    expect(open).toBe(expected);
  } finally {
    await probe.quit();
  }
}

describe('forRoot', () => {
  it('gives the store as STORE, as BaseStore, and by getStoreToken()', async () => {
    const app = await boot([DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'inv' })], [Inventory]);
    const store = app.get<BaseStore>(STORE);
    expect(store).toBeInstanceOf(LocalStore);
    expect(store.storeId).toBe('inv');
    expect(app.get(BaseStore)).toBe(store);
    expect(app.get(getStoreToken())).toBe(store);
    expect(app.get(Inventory).store).toBe(store);
  });

  it('a Redis store is open when the application has started, and closed by app.close()', async () => {
    await expectConnections(0);
    const app = await boot([DiffSyncStoreModule.forRoot({ engine: 'redis', url: server.url, storeId: 'inv' })]);
    const store = app.get<BaseStore>(STORE);
    await store.ping();
    await expectConnections(1);
    await apps.pop()?.close();
    await expectConnections(0);
    await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  });

  it('several named stores stand side by side', async () => {
    const app = await boot([
      DiffSyncStoreModule.forRoot({ engine: 'local' }),
      DiffSyncStoreModule.forRoot({ engine: 'redis', url: server.url, storeId: 'shared', name: 'shared' }),
    ]);
    expect(app.get<BaseStore>(STORE).engine).toBe('local');
    expect(app.get<BaseStore>(getStoreToken('shared')).engine).toBe('redis');
    expect(app.get(BaseStore)).toBe(app.get(STORE));
    const registered = app.get(DiffSyncStoreRegistry).list();
    expect(registered.map(({ name, store }) => [name, store.engine])).toEqual(
      expect.arrayContaining([
        [undefined, 'local'],
        ['shared', 'redis'],
      ]),
    );
  });

  it('two stores of one name fail to start, saying so', async () => {
    const error = await bootFailure([
      DiffSyncStoreModule.forRoot({ engine: 'local', name: 'a' }),
      DiffSyncStoreModule.forRoot({ engine: 'local', name: 'a' }),
    ]);
    expect(error).toBeInstanceOf(ValueError);
    expect(error.message).toContain('named "a" is registered already');
  });

  it('isGlobal: false keeps the store to the modules that import it', async () => {
    @Module({ providers: [Inventory] })
    class Elsewhere {}
    const local = DiffSyncStoreModule.forRoot({ engine: 'local', isGlobal: false });
    const starting = Test.createTestingModule({ imports: [local, Elsewhere] })
      .setLogger(false as never)
      .compile();
    await expect(starting).rejects.toThrow(/Inventory/);
    const app = await boot([DiffSyncStoreModule.forRoot({ engine: 'local', isGlobal: false })], [Inventory]);
    expect(app.get(Inventory).store).toBeInstanceOf(LocalStore);
  });

  it('an engine may be a class, which gets the options, or an open instance, which stays open', async () => {
    class OwnStore extends LocalStore {
      constructor(readonly options: { storeId?: string; colour?: string }) {
        super({ storeId: options.storeId });
      }
    }
    const app = await boot([DiffSyncStoreModule.forRoot({ engine: OwnStore, storeId: 'own', colour: 'red' })]);
    const made = app.get<OwnStore>(STORE);
    expect(made.options).toMatchObject({ storeId: 'own', colour: 'red' });
    await apps.pop()?.close();
    expect(made.isOpen).toBe(false);

    const mine = new LocalStore();
    const second = await boot([DiffSyncStoreModule.forRoot({ engine: mine })]);
    expect(second.get(STORE)).toBe(mine);
    await apps.pop()?.close();
    expect(mine.isOpen).toBe(true);
  });

  it.each([
    [undefined, 'engine: missing: "local", "redis", "sqlite", or a BaseStore class or instance'],
    [{ engine: 'mongo' }, 'engine: this is no engine: "local", "redis"'],
    [{ engine: 'local', url: 'redis://x' }, 'url: no such option'],
    [{ engine: 'local', verbosity: 3 }, 'verbosity: '],
    [{ engine: 'local', storeId: 'a:b' }, 'storeId is not allowed'],
    [{ engine: 'redis', retryAttempts: 0 }, 'retryAttempts: '],
    [{ engine: 'redis', retryDelay: 'soon', verbosity: 9 }, /verbosity: .*; retryDelay: /],
  ])('forRoot(%j) throws a ValueError, path by path', (options, message) => {
    const configure = (): DynamicModule => DiffSyncStoreModule.forRoot(options as never);
    expect(configure).toThrow(ValueError);
    expect(configure).toThrow(message);
  });

  it.each([[{}], [{ url: undefined, port: 6379 }]])(
    'an application with redis and %j does not start',
    async (given) => {
      const options = { engine: 'redis', ...given } as never;
      await expect(boot([DiffSyncStoreModule.forRoot(options)])).rejects.toThrow(
        'the engine "redis" needs the address of the server, as one of "url", "host"',
      );
    },
  );
});

describe('forRootAsync', () => {
  @Injectable()
  class Settings implements DiffSyncStoreOptionsFactory {
    createDiffSyncStoreOptions(): DiffSyncStoreOptions {
      return { engine: 'local', storeId: 'from-class' };
    }
  }

  @Module({ providers: [Settings], exports: [Settings] })
  class SettingsModule {}

  it.each<[string, DynamicModule, string]>([
    [
      'useFactory with inject and imports',
      DiffSyncStoreModule.forRootAsync({
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: async (settings: Settings) => ({ ...settings.createDiffSyncStoreOptions(), storeId: 'made' }),
      }),
      'made',
    ],
    ['useClass', DiffSyncStoreModule.forRootAsync({ useClass: Settings }), 'from-class'],
    [
      'useExisting',
      DiffSyncStoreModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings }),
      'from-class',
    ],
  ])('%s', async (_, module, storeId) => {
    const app = await boot([module]);
    expect(app.get<BaseStore>(STORE).storeId).toBe(storeId);
  });

  it('takes name beside the factory', async () => {
    const app = await boot([DiffSyncStoreModule.forRootAsync({ name: 'b', useFactory: () => ({ engine: 'local' }) })]);
    expect(app.get(getStoreToken('b'))).toBeInstanceOf(LocalStore);
  });

  it('without a factory it throws our own ValueError', () => {
    expect(() => DiffSyncStoreModule.forRootAsync({} as never)).toThrow(
      'one of "useFactory", "useClass", "useExisting"',
    );
  });

  it('wrong options of a factory fail the start, path by path', async () => {
    const error = await bootFailure([
      DiffSyncStoreModule.forRootAsync({ useFactory: () => ({ engine: 'redis', url: 'http://:geheim@x' }) }),
    ]);
    expect(error).toBeInstanceOf(ValueError);
    expect(error.message).toBe('RedisStore: url: not a redis:// or rediss:// URL');
  });
});

describe('forFeature', () => {
  it('one store an adapter on one connection, with ids below the root', async () => {
    await expectConnections(0);
    const app = await boot(
      [
        DiffSyncStoreModule.forRoot({ engine: 'redis', url: server.url, storeId: 'feature' }),
        DiffSyncStoreModule.forFeature(['network', { name: 'cmdb', storeId: 'cmdb-2' }]),
      ],
      [NetworkAdapter, CmdbAdapter],
    );
    const [network, cmdb] = [app.get(NetworkAdapter), app.get(CmdbAdapter)];
    expect(network.store.storeId).toBe('feature.network');
    expect(cmdb.store.storeId).toBe('cmdb-2');
    expect(String(network.store)).toBe('network (feature.network)');
    await expectConnections(1);

    await network.add(new Device({ name: 'r1' }));
    expect(await cmdb.count()).toBe(0);
    await cmdb.syncFrom(network);
    expect((await cmdb.diffFrom(network)).hasDiffs()).toBe(false);
    await network.store.clear();
    await cmdb.store.clear();
  });

  it('several modules may ask for the same feature', async () => {
    const app = await boot(
      [
        DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'inv' }),
        DiffSyncStoreModule.forFeature(['network']),
        DiffSyncStoreModule.forFeature(['network', 'cmdb']),
      ],
      [NetworkAdapter],
    );
    expect(app.get(DiffSyncStoreRegistry).list()).toHaveLength(3);
    expect(app.get(NetworkAdapter).store).toBe(app.get(DiffSyncStoreRegistry).getOrThrow('network'));
  });

  it('builds on a named root', async () => {
    const app = await boot([
      DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'x', name: 'other' }),
      DiffSyncStoreModule.forFeature(['network'], 'other'),
    ]);
    expect(app.get<BaseStore>(getStoreToken('network')).storeId).toBe('x.network');
  });

  it('one store for two adapters is refused, naming forFeature', async () => {
    const store = new LocalStore();
    void new NetworkAdapter(store);
    expect(() => new CmdbAdapter(store)).toThrow(ObjectStoreException);
    expect(() => new CmdbAdapter(store)).toThrow('forFeature');
  });

  it('a store id with ":" or no name at all is a ValueError', () => {
    expect(() => DiffSyncStoreModule.forFeature(['a:b'])).toThrow(ValueError);
    expect(() => DiffSyncStoreModule.forFeature([])).toThrow(ValueError);
  });
});

describe('start without the server', () => {
  let port: number;

  beforeAll(async () => {
    const gone = await startRedis();
    port = gone.port;
    await gone.stop();
  });

  it('fails after the attempts with ObjectStoreException: store, address without password, cause; nothing stays open', async () => {
    await expectConnections(0);
    const error = await bootFailure([
      DiffSyncStoreModule.forRoot({ engine: 'redis', url: server.url, name: 'reachable' }),
      DiffSyncStoreModule.forRoot({
        engine: 'redis',
        url: `redis://:geheim@127.0.0.1:${port}`,
        storeId: 'inv',
        retryAttempts: 3,
        retryDelay: 5,
      }),
    ]);
    expect(error).toBeInstanceOf(ObjectStoreException);
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(error.message).toContain(`RedisStore (inv) at redis://127.0.0.1:${port}/0`);
    expect((error.cause as Error).message).toContain('ECONNREFUSED');
    expect(error.message).not.toContain('geheim');
    await expectConnections(0);
  });

  it('says each attempt but the last, and tries as often as the option says', async () => {
    const warnings: string[] = [];
    const logger: LoggerService = {
      log: () => undefined,
      error: () => undefined,
      warn: (message: string) => warnings.push(message),
    };
    const starting = Test.createTestingModule({
      imports: [
        DiffSyncStoreModule.forRoot({ engine: 'redis', host: '127.0.0.1', port, retryAttempts: 3, retryDelay: 1 }),
      ],
    })
      .setLogger(logger)
      .compile();
    await expect(starting).rejects.toBeInstanceOf(ObjectStoreException);
    expect(warnings).toEqual([
      expect.stringMatching(/^Unable to connect to the store \(default\)\. Retrying \(1\)/),
      expect.stringMatching(/Retrying \(2\)/),
    ]);
    Logger.overrideLogger(false);
  });

  it('a wrong password is not tried again, for no waiting heals it', async () => {
    const guarded = await startRedis({ password: 'geheim' });
    try {
      const url = `redis://:falsch@127.0.0.1:${guarded.port}`;
      const error = await bootFailure([
        DiffSyncStoreModule.forRoot({ engine: 'redis', url, retryAttempts: 10, retryDelay: 60_000 }),
      ]);
      expect(error).toMatchObject({ code: 'STORE_AUTH' });
      expect(error.message).not.toMatch(/falsch|geheim/);
    } finally {
      await guarded.stop();
    }
  });
});

describe('what would be ignored', () => {
  it('storeId and verbosity beside an instance are refused', () => {
    const engine = new LocalStore();
    expect(() => DiffSyncStoreModule.forRoot({ engine, storeId: 'x' } as object as { engine: BaseStore })).toThrow(
      'storeId: no such option',
    );
    expect(() => DiffSyncStoreModule.forRoot({ engine, verbosity: 1 } as object as { engine: BaseStore })).toThrow(
      'verbosity: no such option',
    );
  });

  it('a feature of one name on two roots is refused, even with one store id', async () => {
    const error = await bootFailure([
      DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'inv' }),
      DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'inv', name: 'b' }),
      DiffSyncStoreModule.forFeature(['network']),
      DiffSyncStoreModule.forFeature(['network'], 'b'),
    ]);
    expect(error.message).toContain('named "network" is registered already');
  });
});
