// What a health check answers in each state of a server: of a real application with Terminus, asked by HTTP.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { afterEachTest, serve } from '../support/cleanups.js';
import { Controller, Get, Inject, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule, type HealthCheckResult } from '@nestjs/terminus';
import { Redis } from 'ioredis';
import { z } from 'zod';
import {
  DiffSyncModel,
  DiffSyncStoreHealthIndicator,
  DiffSyncStoreModule,
  STORE,
  type BaseStore,
  type RedisEngineOptions,
  type StoreHealthOptions,
} from '../../src/index.js';
import { call, waitFor } from '../support/redis-client.js';
import type { RedisServer } from '../support/redis-server.js';
import { startTcpProxy } from '../support/tcp-proxy.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

const OPTIONS = 'HEALTH_OPTIONS';
/** For answers that must not depend on how fast the machine is. */
const PATIENT = { timeout: 30_000 };

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly store: DiffSyncStoreHealthIndicator,
    @Inject(OPTIONS) private readonly options: StoreHealthOptions,
  ) {}

  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.store.isHealthy('store', this.options)]);
  }
}

interface Answer {
  readonly http: number;
  /** Of the whole check. */
  readonly status: string;
  readonly store: {
    readonly status: string;
    readonly responseTime: number;
    readonly code?: string;
    readonly message?: string;
    readonly reason?: string;
  };
}

interface Application {
  readonly store: BaseStore;
  health(): Promise<Answer>;
}

const cleanup = afterEachTest();

async function start(server: Partial<RedisEngineOptions>, options: StoreHealthOptions = PATIENT): Promise<Application> {
  @Module({
    imports: [
      TerminusModule.forRoot({ logger: false }),
      DiffSyncStoreModule.forRoot({ engine: 'redis', storeId: 'inv', ...server } as RedisEngineOptions),
    ],
    controllers: [HealthController],
    providers: [{ provide: OPTIONS, useValue: options }],
  })
  class AppModule {}

  const app: INestApplication<Server> = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
  cleanup(() => app.close());
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return {
    store: app.get<BaseStore>(STORE),
    health: async () => {
      const response = await fetch(`http://127.0.0.1:${port}/health`);
      const { status, details } = (await response.json()) as { status: string; details: { store: Answer['store'] } };
      return { http: response.status, status, store: details.store };
    },
  };
}

const down = (code: string, message: string): object => ({
  http: 503,
  status: 'error',
  store: {
    status: 'down',
    engine: 'redis',
    storeId: 'inv',
    code,
    message: expect.stringContaining(message) as unknown,
    responseTime: expect.any(Number) as unknown,
  },
});

const up = {
  http: 200,
  status: 'ok',
  store: {
    status: 'up',
    engine: 'redis',
    storeId: 'inv',
    responseTime: expect.any(Number) as unknown,
    roundTripMs: expect.any(Number) as unknown,
    format: 1,
    role: 'master',
    replicas: { online: 0 },
    memory: { usedBytes: expect.any(Number) as unknown, evictionPolicy: 'noeviction' },
  },
};

/** The first answer with this code; undefined: that the store can be used. */
function answer(app: Application, code: string | undefined): Promise<Answer> {
  const look = async (): Promise<Answer | undefined> => {
    const found = await app.health();
    return found.store.code === code ? found : undefined;
  };
  return waitFor(`an answer with the code ${code}`, look);
}

const replicaOf = (server: RedisServer, master?: RedisServer): Promise<unknown> =>
  master === undefined
    ? call(server, 'REPLICAOF', 'NO', 'ONE')
    : call(server, 'REPLICAOF', master.host, String(master.port));

const linked = (server: RedisServer): Promise<true> =>
  waitFor('a replica that is up to date', async () =>
    String(await call(server, 'INFO', 'replication')).includes('link_status:up') ? true : undefined,
  );

describe('the health check of a server that', () => {
  it('is well tells what it is', async () => {
    const app = await start({ url: (await serve(cleanup)).url });
    expect(await app.health()).toEqual(up);
  });

  it('is stopped and does not answer: STORE_TIMEOUT at the deadline of the check; once it goes on, it is up', async () => {
    const server = await serve(cleanup);
    const options: { timeout: number } = { timeout: 30_000 };
    const app = await start({ url: server.url }, options);
    expect(await app.health()).toEqual(up);
    await server.pause();
    options.timeout = 50;
    const late = await app.health();
    expect(late).toEqual(down('STORE_TIMEOUT', 'RedisStore (inv) has not answered within 50 ms'));
    process.stdout.write(`A check with a deadline of 50 ms has taken ${late.store.responseTime} ms\n`);
    server.resume();
    options.timeout = 30_000;
    expect((await answer(app, undefined)).store.status).toBe('up');
  });

  it('is killed: STORE_UNAVAILABLE with the reason; once it is started again, it is up', async () => {
    const server = await serve(cleanup);
    const app = await start({ url: server.url });
    expect(await app.health()).toEqual(up);
    server.kill('SIGKILL');
    await server.ended();
    expect(await answer(app, 'STORE_UNAVAILABLE')).toEqual(down('STORE_UNAVAILABLE', 'ECONNREFUSED'));
    const restarted = await server.restart();
    cleanup(() => restarted.stop());
    expect(await answer(app, undefined)).toEqual(up);
  });

  it('is loading its data: STORE_UNAVAILABLE, and says so', async () => {
    // It looks at its clients after each 1,024 commands that it loads.
    const server = await serve(cleanup, '--appendonly', 'yes', '--key-load-delay', '300');
    const redis = new Redis(server.url);
    await Promise.all(Array.from({ length: 20_000 }, (_, at) => redis.set(`k${at}`, '')));
    await redis.quit();
    const app = await start({ url: server.url });
    server.kill('SIGKILL');
    await server.ended();
    const again = server.restart();
    cleanup(async () => (await again).stop());
    const loading = async (): Promise<Answer | undefined> => {
      const found = await app.health();
      return found.store.message?.includes('loading') === true ? found : undefined;
    };
    expect(await waitFor('an answer while it loads', loading)).toEqual(
      down('STORE_UNAVAILABLE', 'the server is still loading its data'),
    );
    expect((await answer(app, undefined)).store.status).toBe('up');
  });

  it('is out of memory: STORE_OUT_OF_MEMORY, with what it uses and its limit', async () => {
    const server = await serve(cleanup);
    const app = await start({ url: server.url });
    await call(server, 'CONFIG', 'SET', 'maxmemory', '100kb');
    const full = await app.health();
    expect(full).toMatchObject(down('STORE_OUT_OF_MEMORY', 'maxmemory'));
    expect(full.store).toMatchObject({ memory: { limitBytes: 102_400, evictionPolicy: 'noeviction' }, role: 'master' });
    await expect(app.store.add({ obj: new Device({ name: 'a' }) })).rejects.toMatchObject({ code: full.store.code });
    await call(server, 'CONFIG', 'SET', 'maxmemory', '0');
    expect(await app.health()).toEqual(up);
  });

  it('is a read-only replica: STORE_READ_ONLY', async () => {
    const server = await serve(cleanup);
    const app = await start({ url: server.url });
    await replicaOf(server, await serve(cleanup));
    const readOnly = await app.health();
    expect(readOnly).toMatchObject(down('STORE_READ_ONLY', 'read-only replica'));
    expect(readOnly.store).toMatchObject({ role: 'replica' });
    await expect(app.store.add({ obj: new Device({ name: 'a' }) })).rejects.toMatchObject({
      code: readOnly.store.code,
    });
  });

  it('is a read-only replica, for a store that is only read: degraded, and up for Terminus 11', async () => {
    const server = await serve(cleanup);
    await replicaOf(server, await serve(cleanup));
    const reads = { ...PATIENT, needsWrites: false };
    const app = await start({ url: server.url }, { ...reads, allowDegraded: true });
    const older = await start({ url: server.url }, reads);
    const reason = expect.stringContaining('read-only replica') as unknown;
    expect(await app.health()).toMatchObject({ http: 200, status: 'degraded', store: { status: 'degraded', reason } });
    expect(await older.health()).toMatchObject({ http: 200, status: 'ok', store: { status: 'up', reason } });
  });

  it('was demoted behind its address: STORE_READ_ONLY until the address leads to the next one', async () => {
    const [before, after] = await Promise.all([
      serve(cleanup, '--repl-diskless-sync', 'no'),
      serve(cleanup, '--repl-diskless-sync', 'no'),
    ]);
    const target = { port: before.port };
    const address = await startTcpProxy(target);
    cleanup(() => address.close());
    const app = await start({ url: address.url });
    await app.store.add({ obj: new Device({ name: 'before' }) });
    await replicaOf(after, before);
    await linked(after);
    await replicaOf(after);
    await replicaOf(before, after);
    expect(await app.health()).toMatchObject(down('STORE_READ_ONLY', 'read-only replica'));
    target.port = after.port;
    expect(await app.health()).toMatchObject({ http: 200, store: { status: 'up', role: 'master' } });
    // The store's own connection follows.
    await app.store.add({ obj: new Device({ name: 'after' }) });
    expect(await call(after, 'EXISTS', 'diffsync:inv:device:after')).toBe(1);
  });
});

describe('the health check of a server that can be used and should not be left as it is', () => {
  it('evicts: degraded with the reason; without allowDegraded it is up with the same', async () => {
    const server = await serve(cleanup, '--maxmemory-policy', 'allkeys-lru');
    const app = await start({ url: server.url }, { ...PATIENT, allowDegraded: true });
    const older = await start({ url: server.url });
    const reason = expect.stringContaining('"allkeys-lru": set it to "noeviction"') as unknown;
    expect(await app.health()).toMatchObject({ http: 200, status: 'degraded', store: { status: 'degraded', reason } });
    expect(await older.health()).toMatchObject({ http: 200, status: 'ok', store: { status: 'up', reason } });
  });

  it('has no replica left for a store with durability: degraded', async () => {
    const master = await serve(cleanup, '--repl-diskless-sync', 'no');
    const replica = await serve(cleanup, '--replicaof', master.host, String(master.port));
    await linked(replica);
    const options = { ...PATIENT, allowDegraded: true };
    const app = await start({ url: master.url, durability: { replicas: 1 } }, options);
    const replicas = { online: 1, lagSeconds: expect.any(Number), lagBytes: expect.any(Number) };
    expect(await app.health()).toMatchObject({ status: 'ok', store: { status: 'up', replicas } });
    replica.kill('SIGKILL');
    await replica.ended();
    const alone = async (): Promise<Answer | undefined> => {
      const found = await app.health();
      return found.store.status === 'up' ? undefined : found;
    };
    expect(await waitFor('an answer without replicas', alone)).toMatchObject({
      http: 200,
      status: 'degraded',
      store: {
        status: 'degraded',
        reason: expect.stringContaining('0 of the 1 replicas that "durability" asks for') as unknown,
        replicas: { online: 0 },
      },
    });
  });
});
