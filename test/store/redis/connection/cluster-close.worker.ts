// Opens a store on the cluster that the argument names, and prints what would hold the process when its connections have gone.
import { RedisStore } from '../../../../src/store/redis/index.js';

const nodes = JSON.parse(process.argv[2] ?? '') as { host: string; port: number }[];
const store = await RedisStore.connect({ cluster: { nodes }, storeId: 'closed' });
await store.count();
process.stdout.write(JSON.stringify(process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout')));
await store.close();
