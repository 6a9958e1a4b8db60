import { NestFactory } from '@nestjs/core';
import { AppModule, CmdbAdapter, NetworkAdapter } from './app.module.js';

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'], abortOnError: false });
try {
  const [network, cmdb] = [app.get(NetworkAdapter), app.get(CmdbAdapter)];
  await network.load();
  const diff = await cmdb.diffFrom(network);
  console.log(diff.toString());
  await cmdb.syncFrom(network, { diff });
} finally {
  await app.close();
}
