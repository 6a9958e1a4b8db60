/** One of several processes at one store. Its parent sends it its work, once all are ready. */
import { once } from 'node:events';
import { z } from 'zod';
import { DiffSyncModel, ObjectAlreadyExists, ObjectNotFound } from 'nestjs-diffsync';

export const ATTRIBUTES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

class Board extends DiffSyncModel.define({
  name: 'board',
  schema: z.object({ id: z.string(), ...Object.fromEntries(ATTRIBUTES.map((name) => [name, z.number().default(0)])) }),
  identifiers: ['id'],
  attributes: ATTRIBUTES,
}) {}

/** Task -> what it did, in numbers. */
const TASKS = {
  /** Each object differs from every other process's. */
  async add(store, { number, count }) {
    const uids = Array.from({ length: count }, (_, at) => `u${at}`);
    const outcomes = await Promise.allSettled(uids.map((id) => store.add({ obj: new Board({ id, a: number }) })));
    const won = uids.filter((_, at) => outcomes[at].status === 'fulfilled');
    return { won, refused: refusals(outcomes, ObjectAlreadyExists) };
  },

  async update(store, { number, count, rounds }) {
    for (let round = 1; round <= rounds; round++) {
      const attrs = { [ATTRIBUTES[number - 1]]: round };
      await Promise.all(
        Array.from({ length: count }, (_, at) =>
          store.updateOrInstantiate({ model: Board, ids: { id: `u${at}` }, attrs }),
        ),
      );
    }
    return {};
  },

  /** No two objects are equal, so that each add says whether it was the one that added. */
  async mix(store, { number, count, rounds }) {
    let [added, removed, state] = [0, 0, number * 7919];
    const random = (end) => (state = (state * 48_271) % 2_147_483_647) % end;
    for (let round = 1; round <= rounds; round++) {
      const adds = [];
      const removes = [];
      for (let each = 0; each < 10; each++) {
        const id = `u${random(count)}`;
        if (random(2) === 0) adds.push(new Board({ id, a: number, b: round, c: each }));
        else removes.push(new Board({ id }));
      }
      const [adding, removing] = await Promise.all([
        Promise.allSettled(adds.map((obj) => store.add({ obj }))),
        Promise.allSettled(removes.map((obj) => store.remove({ obj }))),
      ]);
      added += adds.length - refusals(adding, ObjectAlreadyExists);
      removed += removes.length - refusals(removing, ObjectNotFound);
      if (round % 10 === 0) await store.getAll({ model: Board });
    }
    return { added, removed };
  },
};

/** How many were refused. Any other failure is the task's. */
function refusals(outcomes, type) {
  const failed = outcomes.filter(({ status }) => status === 'rejected');
  for (const { reason } of failed) if (!(reason instanceof type)) throw reason;
  return failed.length;
}

async function take({ door, storeClass, options, task, ...how }) {
  const { [storeClass]: Store } = await import(door);
  const store = new Store(options);
  await store.open();
  const go = once(process, 'message');
  process.send('ready');
  await go;
  const result = await TASKS[task](store, how);
  await store.close();
  process.send(result, () => process.disconnect());
}

const [order] = await once(process, 'message');
await take(order);
