// The contract suite on stores in memory, as the author of a store runs it: `node --test contract-local.mjs`.
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { LocalStore } from 'nestjs-diffsync';
import { storeContract } from 'nestjs-diffsync/testing';

storeContract({
  name: 'local',
  open: async ({ storeId = randomUUID() } = {}) => new LocalStore({ storeId }),
  changes: true,
  describe,
  it,
});
