import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { call } from './redis-client.js';
import { startSentinel, type RedisSentinel } from './redis-sentinel.js';
import { gone, startTestProcess, until, type Remains } from './test-process.js';

const [PASSWORD, SENTINEL_PASSWORD] = ['p@ss:wörd/%41', 'sentinel'];

describe('startSentinel()', () => {
  // One for all tests, in their order.
  let topology: RedisSentinel;
  let client: Redis;
  beforeAll(async () => {
    topology = await startSentinel({ password: PASSWORD, sentinelPassword: SENTINEL_PASSWORD });
    client = new Redis({
      sentinels: [...topology.sentinels],
      name: topology.masterName,
      password: PASSWORD,
      sentinelPassword: SENTINEL_PASSWORD,
    });
    client.on('error', () => {}); // the command that fails says it
    await client.set('key', 'value');
  });
  afterAll(async () => {
    if (client.status !== 'end') client.disconnect();
    await topology.stop();
  });

  it('gives a master with two replicas, watched by three sentinels', async () => {
    const [first, ...replicas] = topology.servers;
    expect(replicas).toHaveLength(2);
    expect(await topology.master()).toBe(first);
    expect(await topology.waitForMaster()).toBe(first);
    for (const replica of replicas) {
      expect(await call(replica, 'ROLE')).toEqual(['slave', '127.0.0.1', first?.port, 'connected', expect.any(Number)]);
    }
    expect(topology.sentinels).toEqual(topology.sentinelServers.map(({ host, port }) => ({ host, port })));
    for (const sentinel of topology.sentinelServers) {
      expect(await call(sentinel, 'SENTINEL', 'CKQUORUM', topology.masterName)).toMatch('3 usable Sentinels');
    }
  });

  it('wants the passwords of servers and sentinels', async () => {
    for (const { host, port } of [...topology.servers, ...topology.sentinels]) {
      const stranger = new Redis(port, host, { protocol: 2, lazyConnect: true, enableReadyCheck: false });
      await expect(stranger.call('ROLE')).rejects.toThrow('NOAUTH');
      stranger.disconnect();
    }
  });

  it('failover() promotes a replica, which the sentinels then name', async () => {
    const before = await topology.master();
    const promoted = await topology.failover();
    expect(promoted).not.toBe(before);
    expect(await topology.master()).toBe(promoted);
    expect(await call(promoted, 'ROLE')).toEqual(['master', expect.any(Number), expect.any(Array)]);
    await topology.settled();
    expect(await call(before, 'ROLE')).toEqual(expect.arrayContaining(['slave', promoted.port]));
    expect(await client.get('key')).toBe('value');
  });

  it('replaces a killed master, which is a replica when restarted', async () => {
    const before = await topology.master();
    before.kill('SIGKILL');
    const promoted = await topology.waitForMaster(before);
    expect(promoted).not.toBe(before);
    expect(topology.servers).toContain(promoted);
    const restarted = await topology.restart(before);
    expect(topology.servers).toContain(restarted);
    await topology.settled();
    expect(await call(restarted, 'ROLE')).toEqual(expect.arrayContaining(['slave', promoted.port]));
    expect(await client.get('key')).toBe('value');
  });

  it('goes on when a sentinel is killed, and has it back when that is restarted', async () => {
    const [sentinel] = topology.sentinelServers as [(typeof topology.sentinelServers)[number]];
    sentinel.kill('SIGKILL');
    await sentinel.ended();
    expect(topology.servers).toContain(await topology.master());
    const restarted = await topology.restart(sentinel);
    await topology.settled();
    expect(await call(restarted, 'SENTINEL', 'CKQUORUM', topology.masterName)).toMatch('3 usable Sentinels');
  });

  it('leaves nothing after stop()', async () => {
    client.disconnect(); // later, it would wait 2 s for its next attempt
    await topology.stop();
    expect(gone([...topology.servers, ...topology.sentinelServers])).toBe(true);
  });
});

describe('SIGKILL of the test process', () => {
  it('leaves nothing 2 s later', async () => {
    const test = await startTestProcess(`
      import { startSentinel } from './redis-sentinel.js';
      const { servers, sentinelServers } = await startSentinel();
      const report = [...servers, ...sentinelServers].map(({ pid, folder }) => ({ pid, folder }));`);
    try {
      const all = test.report as Remains[];
      expect(all).toHaveLength(6);
      expect(gone(all)).toBe(false);
      test.main.kill('SIGKILL');
      await test.exited;
      await until(() => gone(all), 2_000);
    } finally {
      test.cleanup();
    }
  });
});
