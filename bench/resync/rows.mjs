import { Contents } from './inventory.mjs';
import { PLACES } from './places.mjs';

const FEW = 0.001;
export const SHARES = [FEW, 0.01, 0.1, 1];
const SHAPES = ['flat', 'tree', 'mixed'];

/** What each measure may be beside the other build's, at most. */
const BOUNDS = {
  redis: { diff: { ms: 1 / 15, bytes: 1 / 30, peakMiB: 1 / 4 }, resync: { ms: 1 / 10 } },
  loaded: { diff: { ms: 1 / 2, bytes: 1 / 10 } },
  extended: { diff: { ms: 1 / 2, bytes: 1 / 10 } },
  sqlite: { diff: { ms: 1 / 2 } },
  loadedSqlite: { diff: { ms: 1 / 2 } },
};
const WRITES_BOUND = 1.08;
/** However much has changed. */
const GROWTH_BOUND = 1.05;
/** Bytes of the server's memory an object, more than the other build's. */
const MEMORY_BOUND = 8;
const STEPS = { diff: 'diff', resync: 'diff, sync, second diff' };

/** The settings that are measured, each on sides that are filled once. */
export const SETTINGS = Object.keys(PLACES).flatMap((place) =>
  SHAPES.map((shape) => ({ place, shape, name: `${shape}, ${PLACES[place].name}` })),
);

/**
 * Measures a setting: round by round the source changes, then both builds compare, and sync.
 * @param add called with each figure: row, measure, build, value, and what it may be beside the other build's at most.
 */
export async function measureSetting(contest, { place, shape, name }, { size, rounds, shares }, add) {
  const contents = new Contents({ shape, size });
  const job = { place, shape, size };
  await contest.clear();
  const empty = await contest.memory();
  await contest.step({ ...job, step: 'seed', touched: 0 });
  let touched = 0;
  for (const share of shares) {
    for (let round = 0; round < rounds; round++) {
      const moment = { ...job, before: touched, touched: touched + contents.touchedBy(share) };
      if (PLACES[place].source !== 'local') await contest.step({ ...moment, step: 'change' });
      for (const [step, what] of Object.entries(STEPS)) {
        const row = `${name}, ${100 * share} % changed: ${what}`;
        const bounds = share === FEW ? BOUNDS[place][step] : { ms: GROWTH_BOUND };
        for (const [build, measured] of Object.entries(await contest.step({ ...moment, step }))) {
          for (const [measure, value] of Object.entries(measured)) {
            add({ row, place, shape, share, step }, measure, build, value, bounds?.[measure]);
          }
        }
      }
      touched = moment.touched;
    }
    if (place === 'redis' && share === FEW) {
      for (const [build, used] of Object.entries(await contest.memory())) {
        const each = (used - empty[build]) / (2 * contents.objects);
        add({ row: `${name}: server memory` }, 'bytesAnObject', build, each, MEMORY_BOUND);
      }
    }
  }
  await contest.clear();
}

/** Measures the bulk writes of a store. */
export async function measureWrites(contest, kind, rounds, add) {
  await contest.clear();
  for (let round = 0; round < rounds; round++) {
    for (const [build, measured] of Object.entries(await contest.step({ step: 'writes', kind }))) {
      for (const [method, ms] of Object.entries(measured)) {
        add({ row: `${kind}: ${method} of 10,000` }, 'ms', build, ms, WRITES_BOUND);
      }
    }
  }
  await contest.clear();
}
