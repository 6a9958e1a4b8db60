// Not shared with other stores: the log of changes in Redis, in each topology, and what it must not claim to know.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { Adapter, DiffSyncModel, type BaseStore } from '../../../src/index.js';
import { orderUids } from '../../../src/store/engine-access.js';
import { RedisStore, type AnyRedisOptions, type RedisStoreOptions } from '../../../src/store/redis/index.js';
import { startCluster } from '../../support/redis-cluster.js';
import { startSentinel } from '../../support/redis-sentinel.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';

class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({
    name: z.string(),
    role: z.string().default(''),
    rank: z.number().default(0),
    ports: z.array(z.string()).default([]),
  }),
  identifiers: ['name'],
  attributes: ['role', 'rank'],
  children: { port: 'ports' },
}) {}

class Network extends Adapter {
  static override readonly models = [Device, Port];
  static override readonly topLevel = ['device'];
}

const device = (name: string, role = ''): Device => new Device({ name, role });
const devices = (count: number, prefix = 'd'): Device[] =>
  Array.from({ length: count }, (_, at) => device(`${prefix}${at}`));

let server: RedisServer;
let redis: Redis;
const open: RedisStore[] = [];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});

afterAll(async () => {
  for (const store of open) await store.close();
  redis.disconnect();
  await server.stop();
});

async function connect(options: AnyRedisOptions): Promise<RedisStore> {
  const elsewhere = options.cluster ?? options.sentinels;
  const address = elsewhere === undefined ? { url: server.url } : {};
  const store = await RedisStore.connect({ changeLog: true, ...address, ...options } as RedisStoreOptions);
  open.push(store);
  return store;
}

/** Asks again and again what was written, from the moment when it is made. */
class Follower {
  private constructor(
    private readonly store: BaseStore,
    private readonly model: string,
    private cursor: string | undefined,
  ) {}

  static async at(store: BaseStore, model: string): Promise<Follower> {
    const { cursor, uids } = await store.changesSince({ model });
    expect({ cursor, uids }).toEqual({ cursor: expect.any(String), uids: undefined });
    return new Follower(store, model, cursor);
  }

  /** What was written since the last time, sorted; 'unknown' where that is not known. */
  async next(): Promise<readonly string[] | 'unknown'> {
    const { cursor, uids } = await this.store.changesSince({ model: this.model, cursor: this.cursor });
    this.cursor = cursor;
    return uids?.toSorted() ?? 'unknown';
  }
}

interface Topology {
  readonly name: string;
  readonly options: AnyRedisOptions;
}

/** Runs the tests in every topology, each on servers of its own. */
function describeTopologies(tests: (topology: () => Topology) => void): void {
  describe('on one server', () => tests(() => ({ name: 'one server', options: {} })));

  for (const shards of [undefined, 4]) {
    describe(shards === undefined ? 'on a cluster' : `on a cluster, in ${shards} shards`, () => {
      let cluster: Awaited<ReturnType<typeof startCluster>>;
      beforeAll(async () => void (cluster = await startCluster()));
      afterAll(() => cluster.stop());
      tests(() => ({ name: 'cluster', options: { cluster: { nodes: cluster.nodes }, shards } }));
    });
  }

  describe('behind Sentinel', () => {
    let sentinel: Awaited<ReturnType<typeof startSentinel>>;
    beforeAll(async () => void (sentinel = await startSentinel()));
    afterAll(() => sentinel.stop());
    tests(() => ({
      name: 'Sentinel',
      options: { sentinels: sentinel.sentinels, masterName: sentinel.masterName },
    }));
  });
}

describeTopologies((topology) => {
  it('each kind of write is in the log, and what changed nothing is not', async () => {
    const options = { ...topology().options, storeId: randomUUID() };
    const [store, other] = await Promise.all([connect(options), connect(options)]);
    const log = await Follower.at(other, 'device');

    await store.add({ obj: device('a') });
    expect(await log.next()).toEqual(['a']);
    await store.add({ obj: device('a') });
    await expect(store.add({ obj: device('a', 'other') })).rejects.toMatchObject({ code: 'OBJECT_ALREADY_EXISTS' });
    expect(await log.next()).toEqual([]);

    await Promise.all(devices(3, 's').map((obj) => store.add({ obj })));
    expect(await log.next()).toEqual(['s0', 's1', 's2']);
    await store.addMany({ objs: [...devices(12), device('a')] });
    expect(await log.next()).toEqual(
      devices(12)
        .map(({ name }) => name)
        .toSorted(),
    );

    await store.update({ obj: device('a', 'spine') });
    await store.updateMany({ objs: [device('d1', 'leaf'), device('d2', 'leaf'), device('new')] });
    expect(await log.next()).toEqual(['a', 'd1', 'd2', 'new']);

    await store.updateOrInstantiate({ model: Device, ids: { name: 'd3' }, attrs: { role: 'spine' } });
    await store.updateOrAddModelInstance(device('d4', 'spine'));
    await store.getOrInstantiate({ model: Device, ids: { name: 'made' } });
    expect(await log.next()).toEqual(['d3', 'd4', 'made']);

    await store.remove({ obj: device('d1') });
    await store.removeMany({ objs: [device('d2'), device('d3')] });
    expect(await log.next()).toEqual(['d1', 'd2', 'd3']);
    await store.removeMany({ objs: [device('d2'), device('none')] }).catch(() => {});
    expect(await log.next()).toEqual([]);

    const whole = await Follower.at(other, 'device');
    await store.clear();
    expect([await log.next(), await whole.next()]).toEqual(['unknown', 'unknown']);
    await store.addMany({ objs: devices(3) });
    expect(await whole.next()).toEqual(['d0', 'd1', 'd2']);
    await store.clear();
  });

  it('child links, and what a sync saves, are in the log', async () => {
    const storeId = randomUUID();
    const [store, other] = await Promise.all([
      connect({ ...topology().options, storeId }),
      connect({ ...topology().options, storeId }),
    ]);
    const target = new Network({ store, name: 'target' });
    const parent = device('a');
    await target.addMany([parent, ...devices(4)]);
    const [logs, ports] = [await Follower.at(other, 'device'), await Follower.at(other, 'port')];
    const port = new Port({ name: 'p' });
    await target.add(port);
    parent.addChild(port);
    await store.count();
    expect([await logs.next(), await ports.next()]).toEqual([['a'], ['p']]);

    const source = new Network({ name: 'source' });
    const [linked, changed, added] = [device('a'), device('d1', 'leaf'), device('added')];
    const wanted = [new Port({ name: 'p' }), new Port({ name: 'q' })];
    await source.addMany([linked, changed, added, device('d0'), ...wanted]);
    for (const each of wanted) linked.addChild(each);
    await target.syncFrom(source);
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
    expect(await logs.next()).toEqual(['a', 'added', 'd1', 'd2', 'd3']);
    expect(await ports.next()).toEqual(['q']);
    await store.clear();
  });

  it('a cursor of an empty model is good, and orderUids gives those that are there, in their order', async () => {
    const store = await connect({ ...topology().options, storeId: randomUUID() });
    const log = await Follower.at(store, 'device');
    expect(await log.next()).toEqual([]);
    const objs = devices(40).toReversed();
    await store.addMany({ objs });
    await store.add({ obj: device('last') });
    expect(await log.next()).toHaveLength(41);
    const uids = ['last', 'd3', 'none', 'd7', 'd39'];
    expect(await orderUids(store, 'device', uids)).toEqual(['d39', 'd7', 'd3', 'last']);
    expect(await orderUids(store, 'other', uids)).toEqual([]);
    await store.removeMany({ objs: [...objs, device('last')] });
    expect(await log.next()).toHaveLength(41);
    expect(await log.next()).toEqual([]);
    await store.clear();
  });

  it('without the option a model stays in format 1; where another writer raises it, both log', async () => {
    const own = { ...topology().options, storeId: randomUUID() };
    const plain = await connect({ ...own, changeLog: false });
    await plain.addMany({ objs: devices(40) });
    expect(await plain.changesSince({ model: Device })).toEqual({ cursor: undefined, uids: undefined });

    const store = await connect(own);
    const log = await Follower.at(store, 'device');
    const other = await Follower.at(plain, 'device');
    await plain.update({ obj: device('d1', 'spine') });
    await store.update({ obj: device('d2', 'spine') });
    await plain.removeMany({ objs: devices(20).slice(10) });
    const expected = [
      'd1',
      'd2',
      ...devices(20)
        .slice(10)
        .map(({ name }) => name),
    ].toSorted();
    expect([await log.next(), await other.next()]).toEqual([expected, expected]);
    expect(await plain.count()).toBe(30);

    // Also a shard that had no object.
    await plain.addMany({ objs: devices(40, 'n') });
    expect(await log.next()).toHaveLength(40);
    expect((await plain.verify({ repair: true })).clean).toBe(true);
    await plain.clear();

    // Also a shard that has none when another one gets the first.
    const anew = await Follower.at(store, 'device');
    await store.add({ obj: device('first') });
    await plain.addMany({ objs: devices(40) });
    expect(await anew.next()).toHaveLength(41);
    await plain.clear();
  });
});
