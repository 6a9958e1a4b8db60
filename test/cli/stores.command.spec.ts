import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisStore } from '../../src/store/redis/index.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { cli, Device, fill, Interface, listed, make } from './cli.js';

const README = new URL('../../docs/cli.md', import.meta.url);

describe('on one server', () => {
  let server: RedisServer;
  let redis: Redis;
  let at: readonly string[];

  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
    at = ['stores', '--url', server.url];
  });

  afterEach(() => redis.flushall());

  afterAll(async () => {
    await redis.quit();
    await server.stop();
  });

  const inventory = (storeId: string, devices: number, interfaces: number): Promise<void> =>
    fill({ url: server.url, storeId }, [...make(Device, devices), ...make(Interface, interfaces)]);

  it('prints the stores with the objects, memory, last change and layout of each model, as the README shows', async () => {
    await inventory('inventory', 120, 4800);
    await inventory('inventory.cmdb', 119, 1);
    for (const [key, changed] of [
      ['inventory:device', 1_790_843_400_000],
      ['inventory:interface', 1_790_843_403_250],
      ['inventory.cmdb:device', 1_790_757_000_000],
      ['inventory.cmdb:interface', 1_790_757_000_000],
    ] as const) {
      await redis.hset(`diffsync.state:${key}`, 'changed', changed);
    }
    const { code, stdout, stderr } = await cli(at);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // How much memory an object takes is the server's business.
    const comparable = (text: string): string => text.replace(/~[\d,]+/g, '~').replace(/ +/g, ' ');
    const [, shown = ''] = /npx nestjs-diffsync stores .*?```text\n(.*?)```/s.exec(readFileSync(README, 'utf8')) ?? [];
    expect(comparable(stdout)).toBe(comparable(shown));
    expect(new Set(stdout.split('\n').map((line) => line.indexOf('Z  '))).size).toBeLessThanOrEqual(2);
  });

  it('measures all objects of a small model, and estimates those of a large one by a sample', async () => {
    const before = Date.now();
    await fill({ url: server.url, storeId: 'inv' }, [...make(Device, 5000, 'x'.repeat(1000)), ...make(Interface, 7)]);
    const after = Date.now();
    const { address, stores } = await listed(at);
    expect(address).toBe(`${server.url}/0`);
    const [device, port] = stores[0]?.models ?? [];
    expect(stores).toHaveLength(1);
    expect(device).toMatchObject({ name: 'device', named: true, objects: 5000, format: '1' });
    expect(device?.bytes).toBeGreaterThan(5000 * 1000);
    expect(device?.bytes).toBeLessThan(5000 * 2000);
    expect(port).toMatchObject({ name: 'interface', objects: 7 });
    expect(stores[0]).toMatchObject({ id: 'inv', objects: 5007, bytes: (device?.bytes ?? 0) + (port?.bytes ?? 0) });
    // Another clock, if of the same machine.
    expect(stores[0]?.changed).toBeGreaterThanOrEqual(before - 10);
    expect(stores[0]?.changed).toBeLessThanOrEqual(after + 10);
    const keys = await redis.keys('diffsync*:inv:interface*');
    const usages = await Promise.all(keys.map((key) => redis.memory('USAGE', key)));
    expect(port?.bytes).toBe(usages.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0));
  });

  it('finds them among many foreign keys, and calls no command that blocks the server', async () => {
    await inventory('inv', 3, 0);
    for (let from = 0; from < 20_000; from += 10_000) {
      await redis.mset(
        new Map(Array.from({ length: 10_000 }, (_, n) => [`diffsync:foreign:device:${from + n}`, '{}'])),
      );
    }
    await redis.mset('diffsync.models:a:b', '', 'diffsync.index:x', '', 'diffsync.other:inv:device', '');
    await redis.config('RESETSTAT');
    expect((await listed(at)).stores.map(({ id }) => id)).toEqual(['inv']);
    const stats = await redis.info('commandstats');
    expect(Number(/cmdstat_scan:calls=(\d+)/.exec(stats)?.[1])).toBeGreaterThan(10);
    expect(stats).not.toMatch(/cmdstat_(keys|get|mget|zrange|hgetall):/);
  });

  it('lists what no set of models names, and what has a name only', async () => {
    await inventory('inv', 3, 2);
    await redis.srem('diffsync.models:inv', 'device');
    await redis.sadd('diffsync.models:named', 'device');
    const { stdout } = await cli(at);
    expect(stdout).toMatch(/^named +0 +~0 +-\n {2}device +0 +~0 +- +-\n/m);
    expect(stdout).toMatch(/^ {2}device \(unlisted\) +3 /m);
    expect(stdout).toMatch(/^ {2}interface +2 /m);
    expect((await cli([...at, '--prune', 'inv', '--yes'])).stdout).toBe('Removed "inv": 5 objects\n');
    expect(await redis.keys('*')).toEqual(['diffsync.models:named']);
    await cli([...at, '--prune', 'named', '--yes']);
    expect(await redis.keys('*')).toEqual([]);
    expect((await cli(at)).stdout).toBe(`No stores at ${server.url}/0\n`);
  });

  it('--prune asks, removes nothing but on yes, and nothing of a store whose id begins the same', async () => {
    await inventory('inv', 1200, 1);
    await inventory('inv2', 1, 0);
    await inventory('in', 1, 0);
    const all = (await redis.keys('*')).length;
    const question = 'Remove store "inv" with 1,201 objects? [y/N] ';
    for (const answers of [['n'], [''], ['yess'], []]) {
      const kept = await cli([...at, '--prune', 'inv'], { answers });
      const stderr = answers.length === 0 ? `${question}\n` : question;
      expect(kept).toEqual({ code: 0, stdout: 'Kept "inv"\n', stderr });
      expect(await redis.keys('*')).toHaveLength(all);
    }
    await redis.config('RESETSTAT');
    const gone = await cli([...at, '--prune', 'inv'], { answers: ['y'] });
    expect(gone).toEqual({ code: 0, stdout: 'Removed "inv": 1,201 objects\n', stderr: question });
    expect(await redis.info('commandstats')).not.toMatch(/cmdstat_(del|flush\w+):/);
    expect((await redis.keys('*')).toSorted()).toEqual(
      ['in', 'inv2']
        .flatMap((id) => [
          `diffsync.index:${id}:device`,
          `diffsync.models:${id}`,
          `diffsync.state:${id}:device`,
          `diffsync:${id}:device:Device0`,
        ])
        .toSorted(),
    );
  });

  it('--prune may be repeated; each store has its question, and results are apart from them', async () => {
    for (const id of ['a', 'b', 'c']) await inventory(id, 1, 0);
    const prune = [...at, '--prune', 'c', '--prune', 'a', '--prune', 'a', '--json'];
    const { code, stdout } = await cli(prune, { answers: ['n', 'YES'] });
    expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({
      code: 0,
      removed: [{ id: 'c', objects: 1 }],
      kept: ['a'],
    });
    expect((await listed(at)).stores.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('--prune without a terminal refuses unless --yes; an unknown id removes nothing', async () => {
    await inventory('inv', 2, 0);
    const refused = await cli([...at, '--prune', 'inv']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^Error: --prune asks first.*--yes\n$/);
    const unknown = await cli([...at, '--prune', 'inv', '--prune', 'in*', '--yes']);
    expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: `Error: no store "in*" at ${server.url}/0\n` });
    expect((await listed(at)).stores[0]?.objects).toBe(2);
    expect((await cli([...at, '--prune', 'inv', '--yes'])).stdout).toBe('Removed "inv": 2 objects\n');
  });

  it('--prune of a store that others write to hides nothing of what they added', async () => {
    const store = await RedisStore.connect({ url: server.url, storeId: 'inv' });
    try {
      for (let round = 0; round < 10; round++) {
        await store.addMany({ objs: make(Device, 600) });
        const late = new Device({ name: `late${round}` });
        await Promise.all([cli([...at, '--prune', 'inv', '--yes']), store.add({ obj: late })]);
        expect(await store.count()).toBe(await store.count({ model: Device }));
        await store.clear();
        expect(await redis.keys('*')).toEqual([]);
      }
    } finally {
      await store.close();
    }
  });

  it('--prune of a store in a newer format refuses, for it may have keys that are unknown', async () => {
    await inventory('inv', 1, 0);
    await redis.hset('diffsync.state:inv:device', 'format', '3, gold');
    const { code, stderr } = await cli([...at, '--prune', 'inv', '--yes']);
    expect(code).toBe(1);
    expect(stderr).toContain('format 3, gold');
    expect((await listed(at)).stores[0]?.models[0]).toMatchObject({ objects: 1, format: '3, gold' });
  });

  it('--upgrade raises the models of a store, each time with the same result, and nothing else', async () => {
    await inventory('inv', 3, 2);
    await inventory('other', 1, 0);
    const [upgraded, again] = [
      await cli([...at, '--upgrade', 'inv']),
      await cli([...at, '--upgrade', 'inv', '--json']),
    ];
    expect(upgraded).toEqual({
      code: 0,
      stdout: 'Upgraded "inv": device in format 2; interface in format 2\n',
      stderr: '',
    });
    expect(JSON.parse(again.stdout)).toMatchObject({
      upgraded: [{ id: 'inv', models: [{ name: 'device', format: '2' }, { format: '2' }] }],
    });
    const formats = (await listed(at)).stores.map(({ models }) => models.map(({ format }) => format));
    expect(formats).toEqual([['2', '2'], ['1']]);

    const store = await RedisStore.connect({ url: server.url, storeId: 'inv' });
    const { cursor } = await store.changesSince({ model: Device });
    await store.add({ obj: make(Device, 4)[3] as Device });
    expect((await store.changesSince({ model: Device, cursor })).uids).toEqual(['Device3']);
    await store.close();
    await cli([...at, '--prune', 'inv', '--prune', 'other', '--yes']);
    expect(await redis.keys('*')).toEqual([]);
  });

  it('--upgrade refuses a store that expires, an unknown one, and to do something else too', async () => {
    await fill({ url: server.url, storeId: 'brief', ttl: 60_000 }, make(Device, 1));
    expect((await cli([...at, '--upgrade', 'brief'])).stderr).toMatch(/expires by itself, and keeps no log/);
    expect((await cli([...at, '--upgrade', 'none'])).stderr).toMatch(/no store "none"/);
    const both = await cli([...at, '--upgrade', 'brief', '--prune', 'brief', '--yes']);
    expect(both).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--upgrade and --prune can't be specified together/),
    });
    expect((await listed(at)).stores).toMatchObject([{ id: 'brief', objects: 1 }]);
  });

  it('no control character of a name reaches the terminal', async () => {
    await redis.sadd('diffsync.models:\u001b[31mred', 'de\u0007vice');
    const { stdout } = await cli(at);
    expect(stdout).toContain('\\x1b[31mred');
    expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  it('takes the URL from the environment, and another database by --db', async () => {
    await fill({ url: server.url, db: 3, storeId: 'third' }, make(Device, 1));
    const { stdout } = await cli(['stores', '--db', '3'], { env: { DIFFSYNC_STORE_URL: server.url } });
    expect(stdout).toContain('third');
    expect((await cli(at)).stdout).toContain('No stores');
  });

  it('leaves no connection', async () => {
    const clients = async (): Promise<number> =>
      String(await redis.client('LIST'))
        .trim()
        .split('\n').length;
    const before = await clients();
    await cli(at);
    await cli([...at, '--prune', 'nobody', '--yes']);
    expect(await clients()).toBe(before);
  });
});
