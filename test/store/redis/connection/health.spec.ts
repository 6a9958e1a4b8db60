// How a store asks its servers how they are: on which connections, and on every topology.
import { describe, expect, it } from '@jest/globals';
import { afterEachTest } from '../../../support/cleanups.js';
import { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { DiffSyncModel, type BackendHealth } from '../../../../src/index.js';
import { RedisStore, type RedisStoreOptions } from '../../../../src/store/redis/index.js';
import { call, waitFor } from '../../../support/redis-client.js';
import { startCluster } from '../../../support/redis-cluster.js';
import { startSentinel } from '../../../support/redis-sentinel.js';
import { startRedis, type RedisServer } from '../../../support/redis-server.js';
import { LEAST_RIGHTS } from '../../../support/stores.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), text: z.string() }),
  identifiers: ['name'],
  attributes: ['text'],
}) {}

/** So that no answer depends on how fast the machine is. */
const PATIENT = { timeoutMs: 60_000 };

const cleanup = afterEachTest();

async function serve(password = ''): Promise<RedisServer> {
  const server = await startRedis({ password });
  cleanup(() => server.stop());
  return server;
}

async function connect(options: RedisStoreOptions): Promise<RedisStore> {
  const store = await RedisStore.connect({ storeId: 'h', ...options });
  cleanup(() => store.close().catch(() => undefined));
  return store;
}

/** How many connections to a server there are, but for the one that asks. */
async function connections(server: RedisServer): Promise<number> {
  return (
    String(await call(server, 'CLIENT', 'LIST', 'TYPE', 'normal'))
      .trim()
      .split('\n').length - 1
  );
}

const known = {
  details: {
    roundTripMs: expect.any(Number),
    format: 1,
    role: 'master',
    replicas: { online: 0 },
    memory: { usedBytes: expect.any(Number), evictionPolicy: 'noeviction' },
  },
  concerns: [],
};

describe('health() of a RedisStore', () => {
  it('makes one connection for all stores of a connection at the first question, keeps it, and closes it with them', async () => {
    const server = await serve();
    const store = await connect({ url: server.url });
    const scoped = store.scope({ storeId: 'other' });
    await scoped.open();
    expect(await connections(server)).toBe(1);
    const answers = await Promise.all([store.health(PATIENT), scoped.health(PATIENT), store.health(PATIENT)]);
    for (const answer of answers) expect(answer).toEqual(known);
    await store.health(PATIENT);
    expect(await connections(server)).toBe(2);
    await scoped.close();
    expect(await connections(server)).toBe(2);
    await store.close();
    await waitFor('no connection', async () => ((await connections(server)) === 0 ? true : undefined));
    await expect(store.health()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await store.open();
    expect(await store.health(PATIENT)).toEqual(known);
  });

  it('waits for nothing that the store has asked for before, as ping() does', async () => {
    const store = await connect({ url: (await serve()).url, timeout: 60_000 });
    const text = 'x'.repeat(100_000);
    const uids = Array.from({ length: 100 }, (_, at) => `d${at}`);
    await store.addMany({ objs: uids.map((name) => new Device({ name, text })) });
    await store.health(PATIENT);
    const settled: string[] = [];
    const read = async (): Promise<unknown> => store.getByUids({ model: Device, uids });
    const reads = Array.from({ length: 15 }, read).map((each) => each.then(() => settled.push('read')));
    await Promise.race(reads); // All are sent by now, and those that are left take longer than what is asked next.
    const ping = store.ping().then(() => settled.push('ping'));
    await store.health(PATIENT).then(() => settled.push('health'));
    await Promise.all([...reads, ping]);
    expect(settled.indexOf('health')).toBeLessThan(settled.indexOf('ping'));
    expect(settled.lastIndexOf('read')).toBeGreaterThan(settled.indexOf('health'));
  });

  it('of a client that was given asks by a second one, and leaves the given one open', async () => {
    const server = await serve('secret');
    const client = new Redis({ host: server.host, port: server.port, password: 'secret', db: 3 });
    cleanup(() => client.disconnect());
    const store = await connect({ client });
    expect(await store.health(PATIENT)).toEqual(known);
    expect(await connections(server)).toBe(2);
    await store.close();
    await waitFor('one connection', async () => ((await connections(server)) === 1 ? true : undefined));
    expect(await client.ping()).toBe('PONG');
  });

  it('leaves out what the user may not ask, and what the server does not have', async () => {
    const server = await serve();
    const rights = LEAST_RIGHTS.filter((right) => right !== '+info');
    await call(server, 'ACL', 'SETUSER', 'app', 'on', '>secret', ...rights);
    const store = await connect({ host: server.host, port: server.port, username: 'app', password: 'secret' });
    const few = { details: { roundTripMs: expect.any(Number), format: 1 }, concerns: [] };
    expect(await store.health(PATIENT)).toEqual(few);
    const lacking = await startRedis({ args: ['--rename-command', 'INFO', ''] });
    cleanup(() => lacking.stop());
    expect(await (await connect({ url: lacking.url })).health(PATIENT)).toEqual(few);
  });

  it('needs no more than the least rights', async () => {
    const server = await serve();
    await call(server, 'ACL', 'SETUSER', 'app', 'on', '>secret', ...LEAST_RIGHTS);
    const store = await connect({ host: server.host, port: server.port, username: 'app', password: 'secret' });
    expect(await store.health(PATIENT)).toEqual(known);
  });

  it('is no use that puts off the expiry of a store with a ttl', async () => {
    const server = await serve();
    const store = await connect({ url: server.url, ttl: 3_600_000 });
    await store.add({ obj: new Device({ name: 'a', text: '' }) });
    await call(server, 'PEXPIRE', 'diffsync:h:device:a', '100000');
    await store.health(PATIENT);
    expect(Number(await call(server, 'PTTL', 'diffsync:h:device:a'))).toBeLessThanOrEqual(100_000);
  });

  it('ends with its signal', async () => {
    const store = await connect({ url: (await serve()).url });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(store.health({ signal })).rejects.toMatchObject({ code: 'STORE_ABORTED' });
  });
});

describe('behind Sentinel', () => {
  it('asks the master, and after a failover the new one', async () => {
    const topology = await startSentinel();
    cleanup(() => topology.stop());
    const { sentinels, masterName } = topology;
    const store = await connect({ sentinels, masterName, durability: { replicas: 1 } });
    const replicas = { online: 2, lagSeconds: expect.any(Number), lagBytes: expect.any(Number) };
    expect(await store.health(PATIENT)).toMatchObject({ details: { role: 'master', replicas }, concerns: [] });
    const promoted = await topology.failover();
    const asked = async (): Promise<BackendHealth | undefined> => {
      const health = await store.health(PATIENT).catch(() => undefined);
      return health?.details.role === 'master' && (await connections(promoted)) > 0 ? health : undefined;
    };
    const { refusal } = await waitFor('an answer of the new master', asked);
    expect(refusal).toBeUndefined();
  }, 180_000);
});

describe('of a cluster', () => {
  it('asks every master, and says when one is silent or slots are not served; of a given client too', async () => {
    const cluster = await startCluster({ replicas: 0 });
    cleanup(() => cluster.stop());
    const own = await connect({ cluster: { nodes: cluster.nodes } });
    const client = new Cluster([...cluster.nodes]);
    cleanup(() => client.disconnect());
    const given = await connect({ client });
    for (const store of [own, given]) {
      expect(await store.health(PATIENT)).toEqual({
        details: {
          roundTripMs: expect.any(Number),
          format: 1,
          replicas: { online: 0 },
          memory: { usedBytes: expect.any(Number), evictionPolicy: 'noeviction' },
          cluster: { state: 'ok', masters: 3, slotsAssigned: 16_384, slotsFailing: 0 },
        },
        concerns: [],
      });
    }
    const [, , last] = cluster.servers;
    await last?.pause();
    const states: string[] = [];
    const isDown = async (): Promise<true | undefined> => {
      const { concerns, code } = await own.health({ timeoutMs: 2000 }).then(
        (health) => ({ ...health, code: 'none' }),
        (error: { code: string }) => ({ ...error, code: error.code, concerns: [] }),
      );
      states.push(code, ...concerns);
      return code === 'STORE_CLUSTER_DOWN' ? true : undefined;
    };
    await waitFor('a cluster that is down', isDown);
    // Until the nodes have noticed, they say that all slots are served.
    const before = new Set(states.slice(0, -1));
    before.delete('none');
    for (const state of before) {
      expect(['1 of 3 masters of the cluster do not answer', 'STORE_TIMEOUT', 'STORE_UNAVAILABLE']).toContain(state);
    }
    last?.resume();
    const isWell = async (): Promise<true | undefined> =>
      own.health(PATIENT).then(
        ({ concerns }) => (concerns.length === 0 ? true : undefined),
        () => undefined,
      );
    await waitFor('a cluster that is well', isWell);
  }, 180_000);
});
