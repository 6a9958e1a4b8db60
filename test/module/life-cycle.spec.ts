// What a Nest application does to its stores, and what a test or another application may do with them.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { ContextIdFactory, LazyModuleLoader, NestFactory, REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { z } from 'zod';
import {
  Adapter,
  BaseStore,
  DiffSyncModel,
  DiffSyncStoreHealthIndicator,
  DiffSyncStoreModule,
  DiffSyncStoreRegistry,
  getStoreToken,
  InjectStore,
  LocalStore,
  STORE,
  ValueError,
  type CreateContext,
} from '../../src/index.js';
import { SqliteStore } from '../../src/store/sqlite/index.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string() }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

const apps: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

function moduleOf(imports: DynamicModule[], providers: Provider[] = []): Type {
  class Some {}
  Module({ imports, providers })(Some);
  return Some;
}

async function boot(imports: DynamicModule[], providers: Provider[] = []) {
  const options = { logger: false, abortOnError: false } as const;
  const app = await NestFactory.createApplicationContext(moduleOf(imports, providers), options);
  apps.push(app);
  return app;
}

const local = DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'root' });

/** A store that says what was done to it, and fails where it is told to. */
class Witness extends LocalStore {
  static readonly made: Witness[] = [];
  readonly calls: string[] = [];
  constructor(private readonly options: { failsToOpen?: string; failsToClose?: boolean; opensAfterMs?: number } = {}) {
    super({});
    this.storeState = 'new';
    Witness.made.push(this);
  }
  protected override async connect(): Promise<void> {
    if (this.options.opensAfterMs !== undefined) await sleep(this.options.opensAfterMs);
    if (this.options.failsToOpen !== undefined) throw new Error(this.options.failsToOpen);
    this.calls.push('open');
  }
  protected override async disconnect(): Promise<void> {
    this.calls.push('close');
    if (this.options.failsToClose === true) throw new Error('close fails');
  }
}
const witness = (options: object = {}, name?: string): [DynamicModule, () => Witness | undefined] => {
  const given = { engine: Witness, retryAttempts: 1, ...options } as never;
  const module = DiffSyncStoreModule.forRoot(name === undefined ? given : ({ ...(given as object), name } as never));
  const before = Witness.made.length;
  return [module, () => Witness.made.slice(before).find(({ calls }) => calls.length > 0)];
};

async function eventually(look: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !look() && Date.now() < end;) await sleep(5);
  expect(look()).toBe(true);
}

describe('a boot that fails', () => {
  it('because of another provider, after the store is open: the store is closed', async () => {
    const [root, store] = witness();
    const failing = { provide: 'X', inject: [STORE], useFactory: () => Promise.reject(new Error('no')) };
    await expect(boot([root], [failing])).rejects.toThrow('no');
    await eventually(() => store()?.calls.join() === 'open,close');
  });

  it('because of another provider, before the store is open: the store is closed once it is', async () => {
    const [root, store] = witness({ opensAfterMs: 50 });
    const failing = { provide: 'X', useFactory: () => Promise.reject(new Error('no')) };
    await expect(boot([root], [failing])).rejects.toThrow('no');
    await eventually(() => store()?.calls.join() === 'open,close');
  });

  it('in a test that compiles only: the store is closed', async () => {
    const [root, store] = witness();
    const failing = { provide: 'X', inject: [STORE], useFactory: () => Promise.reject(new Error('no')) };
    await expect(Test.createTestingModule({ imports: [root], providers: [failing] }).compile()).rejects.toThrow('no');
    await eventually(() => store()?.calls.join() === 'open,close');
  });

  it('tells the first failure, not what follows from it', async () => {
    const [fine] = witness({ failsToClose: true }, 'fine');
    const [bad] = witness({ failsToOpen: 'the reason', opensAfterMs: 20 }, 'bad');
    await expect(boot([fine, bad])).rejects.toMatchObject({ cause: { message: 'the reason' } });
  });

  it('leaves an application alone that was compiled and not initialised', async () => {
    const [root, store] = witness();
    const app = await Test.createTestingModule({ imports: [root] }).compile();
    apps.push(app);
    await sleep(100);
    expect(store()?.calls).toEqual(['open']);
  });
});

describe('a lazily loaded module', () => {
  it('whose store cannot open fails alone, and may be loaded again', async () => {
    const app = await boot([local]);
    const store = app.get<BaseStore>(STORE);
    await store.add({ obj: new Device({ name: 'a', role: 'leaf' }) });
    const lazy = app.get(LazyModuleLoader);
    const [bad] = witness({ failsToOpen: 'no server' }, 'second');
    await expect(lazy.load(() => moduleOf([bad]))).rejects.toMatchObject({ cause: { message: 'no server' } });
    expect(await store.count()).toBe(1);
    const [good] = witness({}, 'second');
    await lazy.load(() => moduleOf([good]));
    const registry = app.get(DiffSyncStoreRegistry);
    expect(registry.list().map(({ name, store: each }) => [name, each.isOpen])).toEqual([
      [undefined, true],
      ['second', true],
    ]);
  });

  it('with the only root: registry.close() closes it, as Nest does not', async () => {
    const app = await boot([]);
    const [root, store] = witness();
    const module = await app.get(LazyModuleLoader).load(() => moduleOf([root]));
    expect(store()?.isOpen).toBe(true);
    await module.get(DiffSyncStoreRegistry, { strict: false }).close();
    expect(store()?.calls).toEqual(['open', 'close']);
  });
});

describe('a test that overrides a store', () => {
  it.each([
    ['STORE', undefined],
    ['a named one', 'network'],
  ])('%s: the registry and the health report have the test’s own', async (_, name) => {
    const mine = new LocalStore({ storeId: 'mine' });
    const root = DiffSyncStoreModule.forRoot({ engine: 'redis', url: 'redis://127.0.0.1:1', ...(name && { name }) });
    const app = await Test.createTestingModule({ imports: [root] })
      .overrideProvider(getStoreToken(name))
      .useValue(mine)
      .compile();
    apps.push(app);
    expect(app.get(DiffSyncStoreRegistry).getOrThrow(name)).toBe(mine);
    expect(app.get(DiffSyncStoreRegistry).list()).toEqual([{ name, store: mine }]);
    const health = await app
      .get(DiffSyncStoreHealthIndicator)
      .isHealthy('s', name === undefined ? {} : { store: name });
    expect(health.s).toMatchObject({ status: 'up', engine: 'local', storeId: 'mine' });
    await app.close();
    expect(mine.isOpen).toBe(true);
  });
});

describe('two stores with one id', () => {
  const feature = DiffSyncStoreModule.forFeature([
    { name: 'x', storeId: 'same' },
    { name: 'y', storeId: 'same' },
  ]);
  const sqlite = (path: string, name: string, storeId?: string) =>
    DiffSyncStoreModule.forRoot({ engine: 'sqlite', path, name, ...(storeId && { storeId }), retryAttempts: 1 });

  it.each<[string, DynamicModule[]]>([
    ['of forFeature, local', [local, feature]],
    ['of forFeature, sqlite', [DiffSyncStoreModule.forRoot({ engine: 'sqlite', path: ':memory:' }), feature]],
    ['root and feature', [local, DiffSyncStoreModule.forFeature([{ name: 'x', storeId: 'root' }])]],
    ['roots on one file', [sqlite('/nowhere/x.db', 'a'), sqlite('/nowhere/../nowhere/x.db', 'b')]],
  ])('%s: the start is refused', async (_, imports) => {
    const error: unknown = await boot(imports).catch((reason: unknown) => reason);
    // Of two that begin at once, the file that is not there may be told first.
    if (!(error instanceof ValueError)) expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    else expect(error.message).toContain('have the same id');
  });

  it('on different backends are two', async () => {
    const app = await boot([sqlite(':memory:', 'a', 'same'), sqlite(':memory:', 'b', 'same')]);
    expect(app.get(DiffSyncStoreRegistry).list()).toHaveLength(2);
  });
});

describe('an adapter that is made anew', () => {
  class Net extends Adapter {
    static override readonly models = [Device];
    static override readonly topLevel = ['device'];
    constructor(
      store: BaseStore,
      readonly user?: string,
    ) {
      super({ store });
    }
  }

  it('for each request has the store of its name', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest extends Net {
      constructor(@InjectStore('x') store: BaseStore, @Inject(REQUEST) request: { user: string }) {
        super(store, request.user);
      }
    }
    const app = await boot([local, DiffSyncStoreModule.forFeature(['x'])], [PerRequest]);
    for (const user of ['first', 'second']) {
      const id = ContextIdFactory.create();
      app.registerRequestByContextId({ user }, id);
      const adapter = await app.resolve(PerRequest, id);
      await adapter.add(new Device({ name: user, role: 'leaf' }));
      expect(adapter.store.adapter).toBe(adapter);
    }
    expect(await app.get<BaseStore>(getStoreToken('x')).count()).toBe(2);
  });

  it('is the one that new objects belong to; the work of the older one keeps its own', async () => {
    const store = new LocalStore();
    const older = new Net(store, 'older');
    await older.addMany([new Device({ name: 'a', role: 'leaf' }), new Device({ name: 'b', role: 'leaf' })]);
    const newer = new Net(store, 'newer');
    expect((await store.get({ model: Device, identifier: 'a' })).adapter).toBe(newer);
    expect((await newer.get(Device, 'a')).adapter).toBe(newer);
    expect((await older.get(Device, 'a')).adapter).toBe(older);
    expect((await older.getAll(Device)).map(({ adapter }) => adapter)).toEqual([older, older]);
    const added = new Device({ name: 'c', role: 'leaf' });
    await older.add(added);
    expect(added.adapter).toBe(older);
  });

  it('while the older one is synchronised does not get its objects', async () => {
    const store = new LocalStore();
    const seen: unknown[] = [];
    class Hooked extends Device {
      override async update(attrs: never) {
        if (seen.length === 0) void new Target(store);
        seen.push(this.adapter);
        return super.update(attrs);
      }
    }
    class Target extends Adapter {
      static override readonly models = [Hooked];
      static override readonly topLevel = ['device'];
      constructor(given: BaseStore) {
        super({ store: given });
      }
    }
    const [target, source] = [new Target(store), new Net(new LocalStore())];
    const names = Array.from({ length: 600 }, (_, at) => `d${at}`);
    await target.addMany(names.map((name) => new Hooked({ name, role: 'leaf' })));
    await source.addMany(names.map((name) => new Device({ name, role: 'spine' })));
    await target.syncFrom(source);
    expect(seen).toHaveLength(600);
    expect(new Set(seen)).toEqual(new Set([target]));
  });

  it('of another class or name is refused', () => {
    class Other extends Net {}
    const store = new LocalStore();
    void new Net(store);
    expect(() => new Other(store)).toThrow('already serves the adapter "Net"');
  });
});

describe('close() while a sync is running', () => {
  for (const make of [() => Promise.resolve(new LocalStore()), () => SqliteStore.connect({ path: ':memory:' })]) {
    it.each([1, 4])(
      `ends it at the next object (${make.toString().includes('Sqlite') ? 'sqlite' : 'local'}, concurrency %i)`,
      async (concurrency) => {
        const store = await make();
        let created = 0;
        let saved: number | undefined;
        class Remote extends Device {
          static override async create(context: CreateContext<{ name: string }>) {
            created++;
            await sleep(1);
            return super.create(context);
          }
        }
        class Target extends Adapter {
          static override readonly models = [Remote];
          static override readonly topLevel = ['device'];
        }
        class Source extends Adapter {
          static override readonly models = [Device];
          static override readonly topLevel = ['device'];
        }
        // What is saved is counted just before the store is gone.
        const disconnect = Reflect.get(store, 'disconnect') as () => Promise<void>;
        Reflect.set(store, 'disconnect', async () => {
          saved = (await (Reflect.get(store, 'countAllRecords') as () => Promise<Map<string, number>>).call(store)).get(
            'device',
          );
          return disconnect.call(store);
        });
        const [source, target] = [new Source(), new Target({ store })];
        await source.addMany(Array.from({ length: 300 }, (_, at) => new Device({ name: `d${at}`, role: 'leaf' })));
        const sync = target.syncFrom(source, { concurrency }).then(
          () => 'success',
          (error: { code: string }) => error.code,
        );
        await eventually(() => created >= 20);
        const atClose = created;
        await store.close();
        const after = created;
        expect(await sync).toBe('STORE_CLOSED');
        expect(after - atClose).toBeLessThanOrEqual(8 * concurrency);
        expect(created).toBe(after);
        expect(saved).toBe(created);
      },
    );
  }

  it('gives up on a hook that does not end, and saves nothing of it', async () => {
    const store = new LocalStore();
    let finish = (): void => undefined;
    let begun = (): void => undefined;
    const started = new Promise<void>((resolve) => (begun = resolve));
    class Hanging extends Device {
      static override async create(context: CreateContext<{ name: string }>) {
        begun();
        await new Promise<void>((resolve) => (finish = resolve));
        return super.create(context);
      }
    }
    class Target extends Adapter {
      static override readonly models = [Hanging];
      static override readonly topLevel = ['device'];
    }
    class Source extends Adapter {
      static override readonly models = [Device];
      static override readonly topLevel = ['device'];
    }
    const [source, target] = [new Source(), new Target({ store })];
    await source.add(new Device({ name: 'a', role: 'leaf' }));
    const sync = target.syncFrom(source).catch((error: unknown) => error);
    await started;
    await expect(store.close()).rejects.toMatchObject({
      code: 'STORE_TIMEOUT',
      message: expect.stringContaining('hook'),
    });
    finish();
    expect(await sync).toMatchObject({
      code: 'SYNC_HOOK_FAILED',
      location: { uniqueId: 'a' },
      cause: { code: 'STORE_CLOSED' },
    });
    await store.open();
    expect(await store.count()).toBe(0);
  });
});
