// Behind Sentinel, under load: what an acknowledged write is worth when the master goes.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { RedisStore, type RedisSharedOptions } from '../../../../src/store/redis/index.js';
import { call, waitFor } from '../../../support/redis-client.js';
import { startSentinel, type RedisSentinel } from '../../../support/redis-sentinel.js';
import type { RedisServer } from '../../../support/redis-server.js';
import { startTcpProxy } from '../../../support/tcp-proxy.js';
import { modelNamed, underLoad, WRITERS, type Loaded, type Outcome } from '../../../support/write-load.js';

/** Above any failover of a busy machine, so that every write must get through. */
const TIMEOUT_MS = 30_000;

/** About as long as from the message of a failover to the promotion of a replica, or longer. */
const LATE_MS = 300;

const modelsOf = (load: string) => ['site', 'device', 'interface'].map((name) => modelNamed(`${load}_${name}`));
const durability = { replicas: 1, timeout: 1000 };
const [first = modelNamed('none')] = modelsOf('plain');

let sentinel: RedisSentinel;

beforeEach(async () => {
  sentinel = await startSentinel();
});

afterEach(async () => {
  await sentinel.stop();
});

const connect = (options: RedisSharedOptions): Promise<RedisStore> =>
  RedisStore.connect({
    sentinels: sentinel.sentinels,
    masterName: sentinel.masterName,
    timeout: TIMEOUT_MS,
    ...options,
  });

const loads = (removes: boolean): Loaded[] => [
  { name: 'no durability', options: {}, models: modelsOf('plain'), removes },
  { name: 'durability of 1 replica', options: { durability }, models: modelsOf('durable') },
];

/** The replica that is left may need longer than the wait to follow its new master, and then the error says so. */
const otherErrors = ({ errors }: Outcome): string[] =>
  Object.keys(errors).filter((code) => code !== 'STORE_NOT_REPLICATED');

describe('a master', () => {
  it('that is killed: with durability nothing is lost, without it nothing but the last moment', async () => {
    const [plain, durable] = await underLoad('sentinel, kill -9', connect, loads(false), async (movesOn) => {
      const master = await sentinel.master();
      master.kill('SIGKILL');
      await master.ended();
      await sentinel.waitForMaster(master);
      await movesOn();
    });
    expect(plain).toMatchObject({ duplicates: 0, conflicts: 0, errors: {} });
    expect(plain?.lost).toBeLessThanOrEqual(WRITERS);
    expect(durable).toMatchObject({ lost: 0, duplicates: 0, conflicts: 0 });
    expect(otherErrors(durable as Outcome)).toEqual([]);
  });

  it('that is frozen and wakes after another took over: nothing is lost, nobody writes to it', async () => {
    const [plain, durable] = await underLoad('sentinel, frozen and woken', connect, loads(true), async (movesOn) => {
      const master = await sentinel.master();
      await master.pause();
      await sentinel.waitForMaster(master);
      await movesOn();
      master.resume();
      // It takes itself for the master until it is demoted, about 10 s later; no client may believe it until then.
      await movesOn();
    });
    expect(plain).toMatchObject({ lost: 0, duplicates: 0, conflicts: 0, errors: {} });
    expect(durable).toMatchObject({ lost: 0, duplicates: 0, conflicts: 0 });
    expect(otherErrors(durable as Outcome)).toEqual([]);
  });
});

describe('the sentinels', () => {
  it('are learnt, and the one that was given may go, in silence; a planned failover loses nothing that replicas confirmed', async () => {
    const print = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const [given, ...others] = sentinel.sentinelServers as [RedisServer, ...RedisServer[]];
    // What looks at the end knows them all.
    let known: RedisSentinel['sentinels'] = sentinel.sentinels.slice(0, 1);
    const one = (options: RedisSharedOptions): Promise<RedisStore> =>
      RedisStore.connect({
        sentinels: known,
        masterName: sentinel.masterName,
        timeout: TIMEOUT_MS,
        ...options,
      });
    const knowsAll = async (): Promise<true | undefined> => {
      const lists = await Promise.all(others.map((each) => call(each, 'CLIENT', 'LIST')));
      return lists.every((list) => String(list).includes('name=nestjs-diffsync')) || undefined;
    };
    const [plain, durable] = await underLoad('sentinel, planned failover', one, loads(false), async (movesOn) => {
      await waitFor('a watch of the other sentinels', knowsAll);
      known = sentinel.sentinels;
      given.kill('SIGKILL');
      await given.ended();
      await sentinel.failover();
      await movesOn();
    });
    // How late the sentinels' message is depends on the machine: then some go.
    expect(plain).toMatchObject({ duplicates: 0, conflicts: 0, errors: {} });
    expect(durable).toMatchObject({ lost: 0, duplicates: 0, conflicts: 0 });
    expect(otherErrors(durable as Outcome)).toEqual([]);
    expect(print).not.toHaveBeenCalled();
    print.mockRestore();
  });

  it('have told of a planned failover before a write counts as confirmed, however late their messages are', async () => {
    const lone = await startSentinel({ sentinels: 1 });
    const [server] = lone.sentinelServers;
    const proxy = await startTcpProxy(server as RedisServer);
    try {
      const one = (options: RedisSharedOptions): Promise<RedisStore> =>
        RedisStore.connect({
          sentinels: [{ host: proxy.host, port: proxy.port }],
          masterName: lone.masterName,
          timeout: TIMEOUT_MS,
          ...options,
        });
      const durable = loads(false).slice(1);
      const [outcome] = await underLoad('sentinel, late messages', one, durable, async (movesOn) => {
        proxy.delay(LATE_MS);
        await lone.failover();
        proxy.flow();
        await movesOn();
      });
      expect(outcome).toMatchObject({ lost: 0, duplicates: 0, conflicts: 0 });
      expect(otherErrors(outcome as Outcome)).toEqual([]);
    } finally {
      await proxy.close();
      await lone.stop();
    }
  });
});

describe('replicas that do not answer', () => {
  it('STORE_NOT_REPLICATED says how many did; the write is done, and reads go on meanwhile', async () => {
    const store = await connect({ durability: { replicas: 2, timeout: 300 } });
    const [, , replica] = sentinel.servers;
    await store.add({ obj: new first({ name: 'a' }) });
    await replica?.pause();
    const failing = store.add({ obj: new first({ name: 'b' }) });
    expect(await store.count()).toBeGreaterThanOrEqual(1);
    await expect(failing).rejects.toMatchObject({
      code: 'STORE_NOT_REPLICATED',
      message: expect.stringContaining('1 of 2 replicas') as unknown,
    });
    expect(await store.count()).toBe(2);
    replica?.resume();
    await sentinel.settled();
    await store.add({ obj: new first({ name: 'b' }) });
    await store.close();
  });
});
