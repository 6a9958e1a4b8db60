// The short form of `npm run soak`: the same processes, faults and table.
import { expect, it } from '@jest/globals';
import { SEED } from './seed.js';
import { soak, tableOf } from './soak/soak.js';

it(`4 processes under all faults: nothing lost, no false conflict, nothing hung or left (SEED=${SEED})`, async () => {
  const report = await soak({ seconds: 16, seed: SEED, timeout: 1000, pause: 500 });
  process.stdout.write(`${tableOf(report)}\n`);
  const { lost, falseConflicts, hung, unhandled, leakedConnections, keysLeft, faults, acknowledged } = report;
  expect({ lost, falseConflicts, hung, unhandled, leakedConnections, keysLeft }).toEqual({
    lost: [],
    falseConflicts: [],
    hung: 0,
    unhandled: 0,
    leakedConnections: 0,
    keysLeft: 0,
  });
  expect(Math.min(...Object.values(faults))).toBeGreaterThan(0);
  expect(acknowledged).toBeGreaterThan(100);
});
