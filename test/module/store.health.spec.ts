import { mkdtemp, rename, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule, type HealthCheckResult } from '@nestjs/terminus';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { DiffSyncStoreHealthIndicator, DiffSyncStoreModule, ValueError } from '../../src/index.js';
import { waitFor } from '../support/redis-client.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly store: DiffSyncStoreHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.store.isHealthy('store', { timeout: 200 }),
      () => this.store.isHealthy('memory', { store: 'memory' }),
    ]);
  }
}

/** What a server tells is in faults/health.spec.ts. */
const UP = {
  status: 'up',
  engine: 'redis',
  storeId: 'inv',
  responseTime: expect.any(Number),
  roundTripMs: expect.any(Number),
  format: 1,
  role: 'master',
  replicas: { online: 0 },
  memory: { usedBytes: expect.any(Number), evictionPolicy: 'noeviction' },
};

let server: RedisServer;
let app: INestApplication<Server>;

beforeAll(async () => {
  server = await startRedis();
});

afterEach(async () => {
  await app.close();
});

afterAll(async () => {
  await server.stop();
});

async function boot(): Promise<DiffSyncStoreHealthIndicator> {
  const module = await Test.createTestingModule({
    imports: [
      TerminusModule.forRoot({ logger: false }),
      DiffSyncStoreModule.forRoot({ engine: 'redis', url: server.url, storeId: 'inv' }),
      DiffSyncStoreModule.forRoot({ engine: 'local', name: 'memory' }),
    ],
    controllers: [HealthController],
  })
    .setLogger(false as never)
    .compile();
  app = module.createNestApplication<INestApplication<Server>>();
  await app.listen(0, '127.0.0.1');
  return app.get(DiffSyncStoreHealthIndicator);
}

async function getHealth(): Promise<[status: number, body: unknown]> {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/health`);
  return [response.status, await response.json()];
}

describe('isHealthy()', () => {
  it('of a store that replies is up, with engine, store id and response time', async () => {
    const indicator = await boot();
    expect(await indicator.isHealthy()).toEqual({ store: UP });
    expect(await indicator.isHealthy('mem', { store: 'memory' })).toEqual({
      mem: { status: 'up', engine: 'local', responseTime: expect.any(Number) },
    });
  });

  it('of a frozen server is down at its own deadline, with code and message, and does not throw', async () => {
    const indicator = await boot();
    await server.pause();
    try {
      const { store } = await indicator.isHealthy('store', { timeout: 50 });
      expect(store).toMatchObject({ status: 'down', code: 'STORE_TIMEOUT' });
      expect(store.message).toContain('RedisStore (inv)');
      expect(store.message).toContain('50 ms');
    } finally {
      server.resume();
    }
  });

  it('tells the reason as soon as the connection knows it, whatever the time-outs', async () => {
    const own = await startRedis();
    const admin = new Redis(own.url).on('error', () => undefined);
    let module: TestingModule | undefined;
    try {
      await admin.acl('SETUSER', 'app', 'on', '>secret', '+@all', '~*', '&*');
      module = await Test.createTestingModule({
        imports: [
          DiffSyncStoreModule.forRoot({ engine: 'redis', url: own.url.replace('//', '//app:secret@'), storeId: 'inv' }),
        ],
      })
        .setLogger(false as never)
        .compile();
      await module.init();
      const indicator = module.get(DiffSyncStoreHealthIndicator);
      // A question that was on its way when the connection broke knows that alone.
      const reports = (code: string, words: string): Promise<true> =>
        waitFor(`a report of ${code}, ${words}`, async () => {
          const { store } = await indicator.isHealthy();
          return store.code === code && String(store['message']).includes(words) ? true : undefined;
        });
      await admin.acl('DELUSER', 'app');
      await reports('STORE_AUTH', 'WRONGPASS');
      await admin.acl('SETUSER', 'app', 'on', '>secret', '+@all', '~*', '&*');
      await waitFor('a store that is up again', async () =>
        (await indicator.isHealthy()).store.status === 'up' ? true : undefined,
      );
      await own.stop();
      await reports('STORE_UNAVAILABLE', 'ECONNREFUSED');
    } finally {
      await module?.close();
      admin.disconnect();
      await own.stop();
    }
  });

  it('of a SQLite file is up, with what it takes of its disk, and of its format', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-health-'));
    try {
      const path = join(folder, 'inventory.db');
      const module = await Test.createTestingModule({
        imports: [DiffSyncStoreModule.forRoot({ engine: 'sqlite', path })],
      })
        .setLogger(false as never)
        .compile();
      const indicator = module.get(DiffSyncStoreHealthIndicator);
      expect(await indicator.isHealthy('file', { timeout: 30_000, allowDegraded: true })).toEqual({
        file: {
          status: 'up',
          engine: 'sqlite',
          storeId: 'default',
          responseTime: expect.any(Number),
          roundTripMs: expect.any(Number),
          format: 2,
          disk: { fileBytes: expect.any(Number), logBytes: expect.any(Number), freeBytes: expect.any(Number) },
        },
      });
      await rename(path, `${path}.moved`);
      expect(await indicator.isHealthy()).toMatchObject({ store: { status: 'down', code: 'STORE_UNAVAILABLE' } });
      await rename(`${path}.moved`, path);
      expect(await indicator.isHealthy()).toMatchObject({ store: { status: 'up' } });
      await module.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('of an unknown store throws a ValueError that names the stores there are', async () => {
    const indicator = await boot();
    await expect(indicator.isHealthy('x', { store: 'nosuch' })).rejects.toThrow(ValueError);
    await expect(indicator.isHealthy('x', { store: 'nosuch' })).rejects.toThrow('memory');
  });

  it('inside Terminus returns 200 while the store is up, and 503 with the reason when it is not', async () => {
    await boot();
    const up = UP;
    const memory = { status: 'up', engine: 'local', responseTime: expect.any(Number) };
    expect(await getHealth()).toEqual([
      200,
      { status: 'ok', info: { store: up, memory }, error: {}, details: { store: up, memory } },
    ]);
    await server.pause();
    try {
      const [status, body] = await getHealth();
      expect(status).toBe(503);
      expect(body).toMatchObject({
        status: 'error',
        info: { memory },
        error: { store: { status: 'down', engine: 'redis', storeId: 'inv', code: 'STORE_TIMEOUT' } },
      });
    } finally {
      server.resume();
    }
  });
});
