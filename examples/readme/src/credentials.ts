import { readFile } from 'node:fs/promises';
import { DiffSyncStoreModule } from 'nestjs-diffsync';

/** Something else replaces the file before the password in it expires. */
export const inventory = DiffSyncStoreModule.forRoot({
  engine: 'redis',
  url: 'rediss://redis.internal:6380',
  storeId: 'inventory',
  credentials: async ({ signal }) => {
    const password = await readFile('/run/secrets/redis', { encoding: 'utf8', signal });
    return { username: 'inventory', password: password.trimEnd() };
  },
});
