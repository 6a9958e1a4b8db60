// A failover to a replica that was behind: what a baseline says of writes that were lost is not believed.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { LocalStore, type Adapter, type BaseStore } from '../../../src/index.js';
import { RedisStore } from '../../../src/store/redis/index.js';
import { Device, fill, Inventory, Warnings } from '../../fixtures/inventory.js';
import { call, waitFor } from '../../support/redis-client.js';
import { startSentinel, type RedisSentinel } from '../../support/redis-sentinel.js';
import { howOf, sayings } from './histories.js';

const TREE = { s0: { d0: ['e0', 'e1'], d1: ['e2'] }, s1: { d2: ['e3'] } };

let sentinel: RedisSentinel;

beforeAll(async () => {
  sentinel = await startSentinel();
});

afterAll(() => sentinel.stop());

const open = (storeId: string): Promise<BaseStore> => {
  const { sentinels, masterName } = sentinel;
  return RedisStore.connect({ sentinels, masterName, storeId, changeLog: true, timeout: 60_000 });
};

/** Has the master take writes that no replica gets. */
async function cutOff(): Promise<void> {
  const master = await sentinel.master();
  const replicas = sentinel.servers.filter((each) => each !== master);
  await call(master, 'WAIT', replicas.length, 10_000);
  for (const replica of replicas) {
    await call(replica, 'CONFIG', 'SET', 'masteruser', 'nobody');
    await call(replica, 'CONFIG', 'SET', 'masterauth', 'wrong');
  }
  await call(master, 'CLIENT', 'KILL', 'TYPE', 'replica');
  await waitFor('a master without replicas', async () =>
    /connected_slaves:0/.test(String(await call(master, 'INFO', 'replication'))) ? true : undefined,
  );
}

it('an incremental comparison finds what a failover has undone, on either side and on both', async () => {
  const shared = [await open('source'), await open('target'), await open('both-source'), await open('both-target')];
  const [source, target, bothSource, bothTarget] = shared as [BaseStore, BaseStore, BaseStore, BaseStore];
  const pairs = (
    [
      ['source', source, new LocalStore()],
      ['target', new LocalStore(), target],
      ['both', bothSource, bothTarget],
    ] as const
  ).map(([what, from, to]) => {
    const adapter = (name: string, store: BaseStore): Adapter => new Inventory({ name, store, logger: new Warnings() });
    return { what, from: adapter('source', from), to: adapter('target', to) };
  });
  const sync = ({ from, to }: (typeof pairs)[number]) => to.syncFrom(from, { incremental: true });
  const compare = async ({ from, to }: (typeof pairs)[number]): Promise<string> => {
    const diff = await to.diffFrom(from, { incremental: true });
    expect(sayings(diff)).toEqual(sayings(await to.diffFrom(from)));
    return howOf(diff);
  };

  for (const pair of pairs) {
    await fill(pair.from, TREE);
    await sync(pair);
    await sync(pair);
    expect([pair.what, await compare(pair)]).toEqual([pair.what, 'incremental']);
  }
  const master = await sentinel.master();
  await cutOff();
  for (const pair of pairs) {
    await pair.from.update(new Device({ name: 'd0', role: 'lost', interfaces: ['e1'] }));
    await pair.from.update(new Device({ name: 'd2', role: 'lost', interfaces: ['e0', 'e3'] }));
    // The second one leaves a baseline for which nothing is open.
    await sync(pair);
    await sync(pair);
    expect([pair.what, await compare(pair)]).toEqual([pair.what, 'incremental']);
  }
  master.kill('SIGKILL');
  await sentinel.waitForMaster(master);

  const how: Record<string, string> = {};
  for (const pair of pairs) how[pair.what] = await compare(pair);
  // Where the target has lost its writes it has lost their baseline too, and goes on from the one before.
  expect(how).toEqual({ source: 'source-unknown', target: 'incremental', both: 'incremental' });
  for (const pair of pairs) {
    // As many writes as were lost.
    await pair.from.update(new Device({ name: 'd0', role: 'new', interfaces: ['e0', 'e1'] }));
    await pair.from.update(new Device({ name: 'd1', role: 'new', interfaces: ['e2'] }));
    await compare(pair);
    await sync(pair);
    await sync(pair);
    expect([pair.what, await compare(pair)]).toEqual([pair.what, 'incremental']);
    expect((await pair.to.diffFrom(pair.from)).hasDiffs()).toBe(false);
  }
  for (const store of shared) await store.close();
});
