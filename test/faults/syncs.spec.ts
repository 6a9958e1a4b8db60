// The short form of `npm run soak:syncs`.
import { expect, it } from '@jest/globals';
import { SEED } from './seed.js';
import { soakSyncs } from './soak/syncs.js';

it(`4 processes that sync overlapping parts and are killed leave a store that one more sync settles (SEED=${SEED})`, async () => {
  const { syncs, kills, left, problems } = await soakSyncs({ seconds: 10, seed: SEED });
  expect({ left, problems }).toEqual({ left: 0, problems: [] });
  expect(Math.min(syncs, kills)).toBeGreaterThan(0);
}, 180_000);
