import assert from 'node:assert/strict';
import { LeaseLost, ObjectStoreException, SyncInProgress } from '../../errors.js';
import type { BaseStore } from '../../store/base-store.js';
import { newStoreId, order, rejection, type ContractContext, type ContractTheme } from './contract-context.js';
import { Device, Site } from './models.js';

/** Shorter is not allowed. Of a lease that a test lets expire. */
const SHORT_MS = 100;
/** Longer than any wait for a lease that expires. */
const LONG_MS = 30_000;

const add = (store: BaseStore, name: string): Promise<void> => store.add({ obj: new Device({ name }) });

/** Two stores of one id; undefined where the backend keeps no leases, so that they do not know of each other's. */
async function openTwo(context: ContractContext): Promise<readonly [BaseStore, BaseStore] | undefined> {
  const storeId = newStoreId();
  const stores = [await context.open(storeId), await context.open(storeId)] as const;
  const lease = await stores[0].acquireLease();
  await lease.release();
  return lease.scope === 'store' ? stores : undefined;
}

export const LEASES: ContractTheme = {
  theme: 'leases',
  tests: {
    'acquireLease() of a lease that is held is refused with its holder': async (context) => {
      const store = await context.open();
      const lease = await store.acquireLease({ holder: { runId: 'run-1', by: 'alice' } });
      assert.equal(lease.holder.runId, 'run-1');
      assert.equal(lease.holder.by, 'alice');
      assert.ok(Math.abs(Date.parse(lease.holder.since) - Date.now()) < 86_400_000, lease.holder.since);
      const error = await rejection(store.acquireLease(), SyncInProgress, 'run-1', 'alice', lease.holder.since);
      assert.equal(error.code, 'SYNC_IN_PROGRESS');
      assert.deepEqual(error.holder, lease.holder);
      assert.deepEqual(await store.leaseHolder(), lease.holder);
      await lease.release();
    },
    'release() lets the next one have a larger fence': async (context) => {
      const store = await context.open();
      assert.equal(await store.leaseHolder(), undefined);
      let last = -1;
      for (let turn = 0; turn < 5; turn++) {
        const lease = await store.acquireLease();
        assert.ok(Number.isSafeInteger(lease.fence) && lease.fence > last, `${lease.fence} after ${last}`);
        last = lease.fence;
        await lease.release();
        await lease.release();
        assert.equal(await store.leaseHolder(), undefined);
      }
    },
    'acquireLease({ waitMs }) waits for the holder, until the signal is aborted': async (context) => {
      const store = await context.open();
      const lease = await store.acquireLease();
      const ended = new AbortController();
      const aborted = store.acquireLease({ waitMs: LONG_MS, signal: ended.signal });
      const waiting = store.acquireLease({ waitMs: LONG_MS });
      ended.abort(new Error('enough'));
      assert.equal((await rejection(aborted, ObjectStoreException)).code, 'STORE_ABORTED');
      await lease.release();
      await (await waiting).release();
    },
    'acquireLease({ joins }) shares the fence of a run that holds the lease, and of no other': async (context) => {
      const store = await context.open();
      await rejection(store.acquireLease({ joins: 'run-1' }), LeaseLost, 'run-1');
      const lease = await store.acquireLease({ holder: { runId: 'run-1' } });
      const worker = await store.acquireLease({ joins: 'run-1' });
      assert.deepEqual([worker.fence, worker.token, worker.holder], [lease.fence, lease.token, lease.holder]);
      await rejection(store.acquireLease({ joins: 'run-2' }), LeaseLost, 'run-1', 'run-2');
      await worker.release();
      assert.deepEqual(await store.leaseHolder(), lease.holder);
      await lease.release();
      await rejection(store.acquireLease({ joins: 'run-1' }), LeaseLost);
    },
    'run() writes under the lease, child links too': async (context) => {
      const { store } = await context.openBound([Site, Device]);
      const lease = await store.acquireLease();
      const site = new Site({ name: 'nyc' });
      const answer = await lease.run(async () => {
        await store.add({ obj: site });
        const device = new Device({ name: 'r1' });
        await store.add({ obj: device });
        site.addChild(device);
        await store.update({ obj: new Device({ name: 'r1', role: 'spine' }) });
        await store.add({ obj: new Device({ name: 'r2' }) });
        await store.remove({ obj: new Device({ name: 'r2' }) });
        await store.updateOrInstantiate({ model: Device, ids: { name: 'r1' }, attrs: { vlan: 7 } });
        return 'done';
      });
      await lease.release();
      assert.equal(answer, 'done');
      assert.deepEqual((await store.get({ model: Site, identifier: 'nyc' })).devices, ['r1']);
      const { role, vlan } = await store.get({ model: Device, identifier: 'r1' });
      assert.deepEqual([role, vlan, await store.count()], ['spine', 7, 2]);
    },
    'a holder that is not renewed is followed, and writes no more': async (context) => {
      const store = await context.open();
      const old = await store.acquireLease({ holder: { runId: 'old' }, ttlMs: SHORT_MS, autoRenew: false });
      await old.run(() => add(store, 'of old'));
      const next = await store.acquireLease({ holder: { runId: 'next' }, waitMs: LONG_MS });
      assert.ok(next.fence > old.fence, `fence ${next.fence} does not exceed ${old.fence}`);
      await next.run(() => add(store, 'of next'));
      const error = await rejection(
        old.run(() => add(store, 'late')),
        LeaseLost,
        '"old"',
      );
      assert.equal(error.code, 'LEASE_LOST');
      assert.ok(old.lost.aborted);
      await rejection(old.renew(), LeaseLost);
      await old.release();
      await add(store, 'under none');
      await next.release();
      assert.deepEqual(await order(store, Device), ['of old', 'of next', 'under none']);
    },
    'renew() keeps a lease that has expired, where no other run has taken it': async (context) => {
      const store = await context.open();
      const lease = await store.acquireLease({ ttlMs: SHORT_MS, autoRenew: false });
      while ((await store.leaseHolder()) !== undefined);
      await lease.renew();
      await lease.run(() => add(store, 'r1'));
      assert.equal(lease.lost.aborted, false);
      await lease.release();
    },
    'close() gives up the lease': async (context) => {
      const store = await context.open();
      const lease = await store.acquireLease();
      await store.close();
      await rejection(store.acquireLease(), ObjectStoreException);
      await store.open();
      const next = await store.acquireLease();
      assert.notEqual(next.token, lease.token);
      await next.release();
    },
  },
  sharedTests: {
    'a lease that another store of the id holds is refused with its holder': async (context) => {
      const [first, second] = (await openTwo(context)) ?? [];
      if (first === undefined || second === undefined) return;
      const lease = await first.acquireLease({ holder: { runId: 'run-1', by: 'alice' } });
      const error = await rejection(second.acquireLease(), SyncInProgress, 'run-1', 'alice');
      assert.deepEqual(error.holder, lease.holder);
      const worker = await second.acquireLease({ joins: 'run-1' });
      assert.equal(worker.fence, lease.fence);
      await worker.run(() => add(second, 'r1'));
      await lease.run(() => add(first, 'r2'));
      await worker.release();
      await lease.release();
      await (await second.acquireLease()).release();
      assert.deepEqual(await order(first, Device), ['r1', 'r2']);
    },
    'work that outlives its lease changes nothing once another store has written': async (context) => {
      const [first, second] = (await openTwo(context)) ?? [];
      if (first === undefined || second === undefined) return;
      await add(first, 'kept');
      const old = await first.acquireLease({ holder: { runId: 'old' }, ttlMs: SHORT_MS, autoRenew: false });
      let wake = (): void => undefined;
      const frozen = new Promise<void>((resolve) => (wake = resolve));
      const late = (work: () => Promise<unknown>): Promise<unknown> =>
        old.run(async () => {
          await frozen;
          await work();
        });
      const works = [
        late(() => add(first, 'late')),
        late(() => first.update({ obj: new Device({ name: 'kept', role: 'late' }) })),
        late(() => first.remove({ obj: new Device({ name: 'kept' }) })),
        late(() => first.updateOrInstantiate({ model: Device, ids: { name: 'kept' }, attrs: { role: 'late' } })),
        late(() => first.clear()),
      ];
      const outcomes = Promise.allSettled(works);
      const next = await second.acquireLease({ holder: { runId: 'next' }, waitMs: LONG_MS });
      await next.run(() => add(second, 'of next'));
      wake();
      for (const outcome of await outcomes) {
        assert.ok(outcome.status === 'rejected' && outcome.reason instanceof LeaseLost, JSON.stringify(outcome));
      }
      const [kept, ...others] = await second.getAll({ model: Device });
      assert.deepEqual([kept?.role, others.map(({ name }) => name)], ['leaf', ['of next']]);
      await next.release();
    },
  },
};
