// The contract suite on the stores that need no server, as the author of a store runs it: `node --test contract.mjs`.
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { LocalStore } from 'nestjs-diffsync';
import { SqliteStore } from 'nestjs-diffsync/sqlite';
import { storeContract } from 'nestjs-diffsync/testing';

storeContract({
  name: 'local',
  open: async ({ storeId = randomUUID() } = {}) => new LocalStore({ storeId }),
  changes: true,
  describe,
  it,
});

storeContract({
  name: 'sqlite',
  open: async ({ storeId = randomUUID() } = {}) => {
    const store = new SqliteStore({ path: 'contract.db', storeId, changeLog: true });
    await store.open();
    return store;
  },
  shared: true,
  changes: true,
  describe,
  it,
});
