// The whole of what a user does, while servers fail, slots move and scripts go: right at once or when it is done once more.
// One variant of each fault with a small tree; with WHOLE_JOB_OUTCOMES all of them with 20,420 objects, in each stage of the job.
// That variable names the file that gets the outcomes, a line of JSON each, of which `npm run test:servers` makes a table.
import { appendFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { RedisStore, type AnyRedisOptions, type RedisStoreOptions } from '../../src/store/redis/index.js';
import { FAULTS, storeIdFor, type Place, type Variant } from './whole-job/faults.js';
import { FaultNotMade, Job, STAGES, type Size, type Stage } from './whole-job/job.js';

const OUTCOMES = process.env['WHOLE_JOB_OUTCOMES'];
const SIZE: Size = OUTCOMES === undefined ? [10, 10, 10] : [20, 20, 50];
const stages: readonly Stage[] = OUTCOMES === undefined ? ['sync'] : STAGES;
const LIMIT_MS = OUTCOMES === undefined ? 240_000 : 900_000;

/** A Valkey 8.0 does not always start again in its cluster: then the fault is made on other servers. */
const MOST_TRIES = 10;

const cases = FAULTS.flatMap(({ name, variants }, at) => {
  const all = Object.entries(variants) as [Variant, () => Promise<Place>][];
  // Each variant has its turn.
  const some = OUTCOMES === undefined ? [all[at % all.length] as (typeof all)[number]] : all;
  return some.map(([variant, start]) => ({ fault: name, variant, start }));
});

const connect = (options: AnyRedisOptions, storeId: string): Promise<RedisStore> =>
  RedisStore.connect({ ...options, storeId } as RedisStoreOptions);

it.each(cases)(
  '$fault, $variant: the job is right at once, or when it is done once more',
  async ({ fault, variant, start }) => {
    const again: Partial<Record<Stage, string>> = {};
    const failed: Partial<Record<Stage, unknown>> = {};
    let place = await start();
    let tries = MOST_TRIES;
    const inPlace = async (stage: Stage): Promise<string> => {
      const storeId = storeIdFor(variant);
      const stores = {
        source: await connect(place.options, storeIdFor(variant)),
        target: await connect(place.options, storeId),
      };
      try {
        const { strike, heal = async () => {} } = await place.ready(storeId);
        const why = await new Job(stores, SIZE).run(stage, strike, heal);
        if (why === '' && stage !== stages.at(-1)) await heal();
        return why;
      } catch (error) {
        if (!(error instanceof FaultNotMade) || --tries === 0) throw error;
      } finally {
        for (const store of Object.values(stores)) await store.close();
      }
      await place.stop();
      place = await start();
      return inPlace(stage);
    };
    try {
      for (const stage of stages) {
        try {
          const why = await inPlace(stage);
          if (why !== '') again[stage] = why;
        } catch (error) {
          failed[stage] = error;
          break;
        }
      }
    } finally {
      await place.stop();
    }
    for (const [stage, why] of Object.entries(again)) process.stderr.write(`${fault}, ${variant}, ${stage}: ${why}\n`);
    if (OUTCOMES !== undefined) {
      const outcome = { fault, variant, again: Object.keys(again), failed: Object.keys(failed) };
      appendFileSync(OUTCOMES, `${JSON.stringify(outcome)}\n`);
    }
    expect(failed).toEqual({});
  },
  LIMIT_MS,
);
