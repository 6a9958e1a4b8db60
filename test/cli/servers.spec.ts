import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { startCluster, type RedisCluster } from '../support/redis-cluster.js';
import { startSentinel } from '../support/redis-sentinel.js';
import { launch, onFreePorts } from '../support/redis-server.js';
import { startTlsRedis } from '../support/redis-tls.js';
import { cli, Device, fill, Interface, listed, make } from './cli.js';

describe('on a cluster', () => {
  let cluster: RedisCluster;
  let client: Cluster;
  let at: readonly string[];

  beforeAll(async () => {
    cluster = await startCluster({ replicas: 0 });
    client = new Cluster([...cluster.nodes]);
    at = ['stores', '--cluster', cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(',')];
  });

  afterAll(async () => {
    await client.quit();
    await cluster.stop();
  });

  const keys = async (): Promise<string[]> =>
    (await Promise.all(client.nodes('master').map((node) => node.keys('*')))).flat().toSorted();

  it('lists whole models and split ones, and removes all of a store and none of another', async () => {
    const { nodes } = cluster;
    await fill({ cluster: { nodes }, storeId: 'inv' }, [...make(Device, 700), ...make(Interface, 5)]);
    await fill({ cluster: { nodes }, storeId: 'inv2', shards: 4 }, [...make(Device, 900), ...make(Interface, 1)]);
    const both = await keys();
    const { address, stores } = await listed(at);
    expect(address).toMatch(/^redis-cluster:\/\//);
    const models = stores.map(({ id, models: found }) => [
      id,
      found.map(({ name, objects, format }) => [name, objects, format]),
    ]);
    expect(models).toEqual([
      [
        'inv',
        [
          ['device', 700, '1'],
          ['interface', 5, '1'],
        ],
      ],
      [
        'inv2',
        [
          ['device', 900, '1, 4 shards'],
          ['interface', 1, '1, 4 shards'],
        ],
      ],
    ]);
    // Each of the shards too.
    expect((await cli([...at, '--upgrade', 'inv2'])).stdout).toBe(
      'Upgraded "inv2": device in format 2, 4 shards; interface in format 2, 4 shards\n',
    );
    for (const shard of [0, 1, 2, 3]) {
      expect(await client.hget(`diffsync.state:{inv2:interface:${shard}}`, 'format')).toBe('2, 4 shards');
    }
    expect((await cli([...at, '--prune', 'inv2'], { answers: ['y'] })).stdout).toBe('Removed "inv2": 901 objects\n');
    expect(await keys()).toEqual(both.filter((key) => !key.includes('inv2')));
    expect((await cli([...at, '--prune', 'inv', '--yes'])).stdout).toBe('Removed "inv": 705 objects\n');
    expect(await keys()).toEqual([]);
  });

  it('one node alone is refused: it would show a part as if it were all', async () => {
    const { code, stderr } = await cli(['stores', '--url', cluster.servers[0]?.url ?? '']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^Error: RedisStore at redis:\S+: this is a node of a cluster: connect by "cluster" instead\n$/,
    );
  });
});

describe('behind others', () => {
  it('finds the master by the sentinels, with passwords from the environment', async () => {
    const sentinel = await startSentinel({ password: 'geheim', sentinelPassword: 'heimlich' });
    try {
      const { sentinels, masterName } = sentinel;
      const secrets = { password: 'geheim', sentinelPassword: 'heimlich' };
      await fill({ sentinels, masterName, ...secrets, storeId: 'inv' }, make(Device, 3));
      const where = sentinels.map(({ host, port }) => `${host}:${port}`).join(',');
      const env = { DIFFSYNC_STORE_PASSWORD: 'geheim', DIFFSYNC_STORE_SENTINEL_PASSWORD: 'heimlich' };
      const { code, stdout } = await cli(['stores', '--sentinel', where, '--master-name', masterName], { env });
      expect(code).toBe(0);
      expect(stdout).toMatch(/^inv +3 /m);
    } finally {
      await sentinel.stop();
    }
  });

  it('speaks TLS with the certificates of files, also where the sentinels that name it do not', async () => {
    const tls = await startTlsRedis({ clientCertificates: true });
    const monitor = `sentinel monitor mine ${tls.host} ${tls.port} 1\n`;
    const sentinel = await onFreePorts(1, ([port = 0]) =>
      launch({
        port,
        args: ['--port', String(port), '--sentinel'],
        prepare: (folder) => writeFileSync(join(folder, 'redis.conf'), monitor),
      }),
    );
    try {
      const { ca, cert, key } = tls;
      const options = Object.entries({ ca, cert, key }).flatMap(([name, text]) => {
        const file = join(tls.folder, `${name}.mine.pem`);
        writeFileSync(file, text);
        return [`--tls-${name}`, file];
      });
      await fill({ url: tls.url, tls: { ca, cert, key }, storeId: 'inv' }, make(Device, 3));
      const behind = ['--sentinel', `${sentinel.host}:${sentinel.port}`, '--master-name', 'mine', '--sentinel-plain'];
      for (const at of [['--url', tls.url], behind]) {
        expect((await cli(['stores', ...at, ...options])).stdout).toMatch(/^inv +3 /m);
      }
      expect((await cli(['stores', '--url', tls.url, ...options.slice(0, 2)])).code).toBe(1);
    } finally {
      await Promise.all([tls.stop(), sentinel.stop()]);
    }
  });
});
