import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { startCluster } from '../support/redis-cluster.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { cli, Device, fill, Interface, make } from './cli.js';

describe('--verify', () => {
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

  const inventory = (storeId: string, devices: number, ttl?: number): Promise<void> =>
    fill({ url: server.url, storeId, ttl }, [...make(Device, devices), ...make(Interface, 1)]);

  it('prints what is wrong with the stores named, touches nothing, and fails; --repair repairs it', async () => {
    await inventory('inv', 4);
    await inventory('other', 2);
    await redis.del('diffsync:inv:device:Device1');
    await redis.zrem('diffsync.index:inv:device', 'Device2');
    await redis.del('diffsync.models:inv');
    await redis.set('diffsync.models:inv', 'x');
    const found = [
      'problem     model      unique id              repaired',
      'wrong-type  -          (diffsync.models:inv)  no',
      'unindexed   device     Device2                no',
      'dangling    device     Device1                no',
      'unnamed     device     (diffsync.models:inv)  no',
      'unnamed     interface  (diffsync.models:inv)  no',
    ];
    const wrong = await cli([...at, '--verify', 'inv', '--verify', 'other']);
    const lines = ['"inv": 3 objects, 5 problems, 0 repaired', ...found, '"other": 3 objects, no problem'];
    expect(wrong).toEqual({ code: 1, stdout: lines.map((line) => `${line}\n`).join(''), stderr: '' });
    expect(await redis.get('diffsync.models:inv')).toBe('x');

    const repaired = await cli([...at, '--verify', 'inv', '--repair']);
    expect(repaired.stdout.split('\n').filter((line) => line.endsWith(' no'))).toEqual([]);
    expect({ ...repaired, stdout: repaired.stdout.split('\n')[0] }).toEqual({
      code: 0,
      stdout: '"inv": 4 objects, 5 problems, 5 repaired',
      stderr: '',
    });
    expect(await cli([...at, '--verify', 'inv'])).toEqual({
      code: 0,
      stdout: '"inv": 4 objects, no problem\n',
      stderr: '',
    });
  });

  it('prints the first 20 problems and how many more there are; a value that is no object stays one', async () => {
    await inventory('inv', 30);
    for (let at = 0; at < 25; at++) await redis.set(`diffsync:inv:device:Device${at}`, '\u001b[31m{');
    await redis.set('diffsync:inv:device:\u0007', '{');
    const { code, stdout } = await cli([...at, '--verify', 'inv', '--repair']);
    expect(code).toBe(1);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('"inv": 6 objects, 27 problems, 1 repaired');
    expect(lines).toHaveLength(23);
    expect(lines.at(-1)).toBe('and 7 more');
    expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  it('--json prints the whole reports', async () => {
    await inventory('inv', 2);
    await redis.del('diffsync:inv:device:Device1');
    const { code, stdout } = await cli([...at, '--verify', 'inv', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      address: `${server.url}/0`,
      verified: [{ id: 'inv', clean: false, found: 1, problems: [{ kind: 'dangling', uniqueId: 'Device1' }] }],
    });
  });

  it('needs no options of a store that expires, whose life it does not shorten', async () => {
    await inventory('inv', 3, 60_000);
    await redis.zrem('diffsync.index:inv:device', 'Device1');
    await redis.del('diffsync.state:inv:interface');
    expect((await cli([...at, '--verify', 'inv', '--repair'])).stdout).toMatch(/1 problem, 1 repaired\n/);
    expect((await cli([...at, '--verify', 'inv'])).code).toBe(0);
    for (const key of await redis.keys('diffsync*')) {
      const left = await redis.pttl(key);
      expect([key, left > 40_000 && left <= 120_000]).toEqual([key, true]);
    }
  });

  it('needs no options of a store on a cluster whose models are split', async () => {
    const cluster = await startCluster({ replicas: 0 });
    const client = new Cluster([...cluster.nodes]);
    try {
      const { nodes } = cluster;
      await fill({ cluster: { nodes }, storeId: 'inv', shards: 3 }, make(Device, 90));
      const where = ['stores', '--cluster', nodes.map(({ host, port }) => `${host}:${port}`).join(',')];
      expect((await cli([...where, '--verify', 'inv'])).stdout).toBe('"inv": 90 objects, no problem\n');
      const uid = (await client.zrange('diffsync.index:{inv:device:1}', '0', '0'))[0] as string;
      await client.del(`diffsync:{inv:device:1}:${uid}`);
      const { code, stdout } = await cli([...where, '--verify', 'inv']);
      expect(code).toBe(1);
      expect(stdout).toMatch(
        new RegExp(`^"inv": 89 objects, 1 problem, 0 repaired\\n.*\\ndangling +device +${uid} +no\\n$`),
      );
      expect((await cli([...where, '--verify', 'inv', '--repair'])).code).toBe(0);
      expect((await cli([...where, '--verify', 'inv'])).stdout).toBe('"inv": 89 objects, no problem\n');
    } finally {
      await client.quit();
      await cluster.stop();
    }
  });

  it('of an unknown store, or with what does not go with it, does nothing', async () => {
    await inventory('inv', 1);
    expect(await cli([...at, '--verify', 'inv', '--verify', 'in*'])).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: no store "in*" at ${server.url}/0\n`,
    });
    expect(await cli([...at, '--repair'])).toMatchObject({ code: 2, stdout: '' });
    expect(await cli([...at, '--verify', 'inv', '--prune', 'inv', '--yes'])).toMatchObject({ code: 2, stdout: '' });
    expect((await cli([...at, '--verify', 'inv'])).code).toBe(0);
  });
});
