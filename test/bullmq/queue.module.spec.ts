// The module of the queue: its options, what it shows of them, its start and its end.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { getQueueToken } from '@nestjs/bullmq';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { AdapterRegistry } from '../../src/index.js';
import { DiffSyncQueueModule, SyncQueue, type DiffSyncQueueOptions } from '../../src/bullmq/index.js';
import { call, waitFor } from '../support/redis-client.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { Cmdb, inventory, Network } from './inventory.js';

const PASSWORD = 'hunter2-queue';
/** The least rights of a user, by docs/redis.md, as one line. */
function rightsOf(user: string): string {
  const text = new RegExp(`ACL SETUSER ${user} [^\`]*`).exec(readFileSync('docs/redis.md', 'utf8'))?.[0] ?? '';
  return text.replaceAll(/\s*\\\n\s*/g, ' ').trim();
}

let server: RedisServer;
let app: INestApplicationContext | undefined;

beforeAll(async () => void (server = await startRedis({ password: PASSWORD })));
afterAll(() => server.stop());
afterEach(async () => {
  await app?.close();
  app = undefined;
});

const connection = (): object => ({ host: server.host, port: server.port, password: PASSWORD });

async function start(options: Partial<DiffSyncQueueOptions> & { name?: string } = {}, url = server.url) {
  const name = options.name ?? randomUUID();
  const queue = { connection: connection(), name, ...options };
  app = await NestFactory.createApplicationContext(inventory({ store: { url }, queue, storeId: name }), {
    logger: false,
    abortOnError: false,
  });
  return { name, queue: app.get(SyncQueue) };
}

describe('the options', () => {
  const refusals: [string, object, RegExp][] = [
    ['no connection', {}, /connection: missing/],
    ['a misspelt option', { connection: {}, conection: {} }, /Unrecognized key: "conection"/],
    ['a prefix of stores', { connection: {}, prefix: 'diffsync' }, /prefix: .*those of stores/],
    ['a prefix of indexes', { connection: {}, prefix: 'diffsync.index' }, /prefix: .*those of stores/],
    ['a cluster without braces', { connection: { isCluster: true } }, /"\{bull\}"/],
    ['an option of workers that is ours', { connection: {}, worker: { autorun: false } }, /worker\.autorun/],
    ['less than no part at once', { connection: {}, worker: { concurrency: -1 } }, /worker\.concurrency/],
    ['a name with a colon', { connection: {}, name: 'a:b' }, /name: /],
    ['a time that is none', { connection: {}, timeout: -1 }, /timeout/],
  ];
  it.each(refusals)('%s is refused, naming the option', (_, options, message) => {
    expect(() => DiffSyncQueueModule.forRoot(options as DiffSyncQueueOptions)).toThrow(
      expect.objectContaining({ code: 'VALUE_ERROR', message: expect.stringMatching(message) }),
    );
  });

  it.each<Partial<DiffSyncQueueOptions>>([
    { partJob: { attempts: 5 } },
    { partJob: { backoff: 1000 } },
    { partJob: { backoff: { type: 'fixed', delay: 10 }, priority: 2 } },
    { partJob: {} },
    { worker: { runs: 0 } },
    { worker: false, functions: () => ({}) },
    { partTimeoutMs: 1000, timeout: undefined },
  ])('%j are enough beside the connection', (options) => {
    expect(() => DiffSyncQueueModule.forRoot({ connection: {}, ...options })).not.toThrow();
  });

  it('show no secret when they or what has them is inspected', async () => {
    await start();
    const shown = [app?.get('DIFFSYNC_QUEUE_OPTIONS', { strict: false }), app?.get(SyncQueue)]
      .map((each) => inspect(each, { depth: 10, showHidden: true }) + JSON.stringify(each))
      .join('\n');
    expect(shown).toContain('(hidden)');
    expect(shown).not.toContain('hunter2');
  });

  it('come from a factory, which may ask for other providers', async () => {
    const name = randomUUID();
    @Module({
      providers: [{ provide: 'PREFIX', useValue: 'other' }],
      exports: ['PREFIX'],
    })
    class Settings {}
    @Module({
      imports: [
        DiffSyncQueueModule.forRootAsync({
          name,
          imports: [Settings],
          inject: ['PREFIX'] as const,
          useFactory: (prefix) => ({ connection: connection(), prefix: String(prefix), worker: false }),
        }),
      ],
    })
    class App {}
    app = await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
    await app.get(SyncQueue).add({ source: 'a', target: 'b' });
    expect(app.get<Queue>(getQueueToken(`${name}-runs`), { strict: false }).qualifiedName).toBe(`other:${name}-runs`);
    expect(app.get(AdapterRegistry).list()).toEqual([]);
  });
});

describe('the start', () => {
  it('fails where the server cannot be reached, and shows no password', async () => {
    const before = process.listenerCount('exit');
    const wrong = { connection: { ...connection(), port: 1 }, startTimeoutMs: 300 };
    const error: unknown = await start(wrong).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', message: expect.stringContaining('within 300 ms') });
    expect(inspect(error, { depth: 10 })).not.toContain('hunter2');
    expect(process.listenerCount('exit')).toBeLessThanOrEqual(before + 1);
  });

  it('without stores, workers need the runner, and a process that only adds runs needs none', async () => {
    const module = (worker?: false) =>
      DiffSyncQueueModule.forRoot({
        connection: connection(),
        name: randomUUID(),
        ...(worker === false ? { worker } : {}),
      });
    const create = (worker?: false) =>
      NestFactory.createApplicationContext(module(worker), { logger: false, abortOnError: false });
    await expect(create()).rejects.toMatchObject({
      code: 'VALUE_ERROR',
      message: expect.stringContaining('SyncRunner'),
    });
    app = await create(false);
    expect((await app.get(SyncQueue).add({ source: 'a', target: 'b' })).added).toBe(true);
  });
});

describe('a server that is gone', () => {
  it('adding fails in time, and the queue works again when it is back', async () => {
    const { queue } = await start({ worker: false, timeout: 300 });
    await server.pause();
    try {
      await expect(queue.add({ source: 'network', target: 'cmdb' })).rejects.toMatchObject({
        code: 'QUEUE_UNAVAILABLE',
      });
    } finally {
      server.resume();
    }
    const again = await waitFor('the queue', () =>
      queue.add({ source: 'network', target: 'cmdb' }).catch(() => undefined),
    );
    expect(again.job.data.target).toBe('cmdb');
  });
});

describe('the end', () => {
  it('closes all connections but those that were given', async () => {
    const clients = async (): Promise<string[]> => {
      const list = String(await call(server, 'CLIENT', 'LIST'));
      return [...list.matchAll(/^id=(\d+) .* cmd=(?!client)/gm)].map(([, id = '']) => id);
    };
    const before = await clients();
    const given = new Redis({ ...connection(), maxRetriesPerRequest: null });
    await given.ping();
    const withGiven = await clients();
    await start({ connection: given });
    expect((await clients()).length).toBeGreaterThan(withGiven.length + 2);
    await app?.close();
    app = undefined;
    await waitFor('closed connections', async () => {
      const left = (await clients()).filter((id) => !before.includes(id));
      return left.length <= 1 ? left : undefined;
    });
    expect(await given.ping()).toBe('PONG');
    given.disconnect();
  });
});

describe('on the server of a store', () => {
  it('the keys of the queue and those of stores are apart, and the least rights of the docs do for both', async () => {
    await call(server, 'FLUSHALL');
    for (const user of ['app', 'queue']) {
      const [, ...rights] = rightsOf(user).replace('>password', `>${PASSWORD}`).split(' ');
      await call(server, 'ACL', ...rights);
    }
    const user = { username: 'queue', password: PASSWORD };
    const url = `redis://app:${PASSWORD}@${server.host}:${server.port}`;
    const { queue } = await start({ connection: { ...connection(), ...user } }, url);
    const { runId } = await queue.add({ source: 'network', target: 'cmdb', load: 'source' });
    await queue.schedule('nightly', { pattern: '0 2 * * *' }, { source: 'network', target: 'cmdb' });
    const found = await waitFor('the run', async () => {
      const run = await queue.get(runId);
      return run?.state === 'completed' || run?.state === 'failed' ? run : undefined;
    });
    expect([found.state, found.error]).toEqual(['completed', undefined]);
    expect(await queue.unschedule('nightly')).toBe(true);
    expect(await app?.get(Cmdb).count()).toBe(40);
    expect(app?.get(Network).name).toBe('network');
    await app?.close();
    app = undefined;
    const keys = (await call(server, 'KEYS', '*')) as string[];
    expect(keys.filter((key) => !/^(bull:|diffsync[.:])/.test(key))).toEqual([]);
    expect(keys.some((key) => key.startsWith('bull:'))).toBe(true);
    const log = (await call(server, 'ACL', 'LOG')) as string[][];
    expect(log.map((entry) => entry.join(' ')).filter((line) => line.includes('user=queue'))).toEqual([]);
  });
});
