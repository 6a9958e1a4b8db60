import { NestFactory } from '@nestjs/core';
import { AppModule, CmdbAdapter, NetworkAdapter } from './app.module.js';

const [task] = process.argv.slice(2);
const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'], abortOnError: false });
try {
  const [network, cmdb] = [app.get(NetworkAdapter), app.get(CmdbAdapter)];
  if (task === 'collect') {
    await network.reload(); // only what has changed since the last time is written
    console.log(`collected ${await network.count()} objects`);
  } else if (task === 'compare') {
    const diff = await cmdb.diffFrom(network); // nothing is loaded here: the other process has done that
    console.log(diff.toString());
    await cmdb.syncFrom(network, { diff });
  } else {
    console.error('usage: collect | compare');
    process.exitCode = 1;
  }
} finally {
  await app.close();
}
