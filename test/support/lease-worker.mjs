/** A process that holds the lease of a store, or asks for it. Its parent sends it what to do; it answers in plain values. */
import { once } from 'node:events';
import { z } from 'zod';
// Not the main door: twenty processes begin sooner without Nest.
import { DiffSyncModel } from '../../dist/model/diffsync-model.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

const failureOf = ({ code, holder }) => ({ code, holder });
const add = (store, name) => store.add({ obj: new Device({ name }) });
const send = (message) => new Promise((resolve) => process.send(message, resolve));

const TASKS = {
  /** Asks for the lease once all are ready; who gets it keeps it until all have answered. */
  async ask(store, { number }) {
    const go = once(process, 'message');
    await send('ready');
    await go;
    const over = once(process, 'message');
    try {
      const holder = { runId: `run-${number}`, by: `worker ${number}` };
      const lease = await store.acquireLease({ holder, ttlMs: 600_000 });
      await send({ granted: lease.holder });
      await over;
      await lease.release();
    } catch (error) {
      await send(failureOf(error));
      await over;
    }
  },

  /** Writes under the lease, one object after another, and from several calls at once, until it may not any more. */
  async write(store, { runId, ttlMs }) {
    const lease = await store.acquireLease({ holder: { runId }, ttlMs });
    let goOn;
    const later = new Promise((resolve) => (goOn = resolve));
    let outlives;
    const outcomes = await lease
      .run(() => {
        // As a hook that is not waited for.
        outlives = later.then(() => add(store, 'outlives'));
        outlives.catch(() => undefined);
        const writers = Array.from({ length: 4 }, async (_, writer) => {
          for (let at = 0; ; at++) {
            await add(store, `${writer}-${at}`);
            if (writer === 0 && at === 0) await send('writing');
          }
        });
        return Promise.allSettled(writers);
      })
      .catch((error) => [{ reason: error }]);
    await lease.release();
    goOn();
    await send({
      failures: outcomes.map(({ reason }) => reason.code),
      late: await outlives.then(
        () => 'written',
        ({ code }) => code,
      ),
      lost: lease.lost.aborted,
    });
  },
};

const [{ door, storeClass, options, task, ...how }] = await once(process, 'message');
const { [storeClass]: Store } = await import(door);
const store = new Store(options);
await store.open();
await TASKS[task](store, how);
await store.close();
process.disconnect();
