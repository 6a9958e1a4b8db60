import { NestFactory } from '@nestjs/core';
import { CmdbAdapter, NetworkAdapter } from './inventory.adapters.js';
import { InventoryModule } from './inventory.module.js';

const app = await NestFactory.createApplicationContext(InventoryModule, { logger: ['warn', 'error'] });
const [network, cmdb] = [app.get(NetworkAdapter), app.get(CmdbAdapter)];
await Promise.all([network.load(), cmdb.load()]);

const diff = await cmdb.diffFrom(network);
console.log(diff.toString());
console.log(diff.summary());

await cmdb.syncFrom(network, { diff });
console.log((await cmdb.diffFrom(network)).toString());
await app.close();
