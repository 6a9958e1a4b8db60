import { storeContract, type KnownGap } from '../../src/testing/index.js';
import { storesWithOptions } from '../support/stores.js';

const REDIS_GAP: KnownGap = {
  reason: 'nothing in Redis tells one model without objects from another, or from itself before a clear()',
  tests: [
    'changesSince() with a cursor from before a clear(), when the model had no objects, does not know',
    'changesSince() with the cursor of another model or store, without objects, does not know',
  ],
};

for (const { name, shared, changes = false, open } of storesWithOptions) {
  const knownGaps = changes && name.startsWith('redis') ? [REDIS_GAP] : [];
  storeContract({ name, shared, changes, open, knownGaps });
}
