// The contract suite on stores in a file.
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { SqliteStore } from 'nestjs-diffsync/sqlite';
import { storeContract } from 'nestjs-diffsync/testing';

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
