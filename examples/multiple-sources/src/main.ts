import { NestFactory } from '@nestjs/core';
import { DiffSyncFlags } from 'nestjs-diffsync';
import { AppModule } from './app.module.js';
import { CmdbAdapter, DiscoveryAdapter, MonitoringAdapter } from './inventory.adapters.js';

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'], abortOnError: false });
try {
  const [discovery, cmdb, monitoring] = [app.get(DiscoveryAdapter), app.get(CmdbAdapter), app.get(MonitoringAdapter)];
  await Promise.all([discovery.load(), cmdb.load(), monitoring.load()]);

  // What discovery does not see (a printer) stays in the CMDB; everything else becomes as it was discovered.
  const discovered = await cmdb.diffFrom(discovery, { flags: DiffSyncFlags.SKIP_UNMATCHED_DST });
  console.log(`cmdb from discovery:\n${discovered.toString()}`);
  await cmdb.syncFrom(discovery, { diff: discovered });

  // Monitoring becomes equal to the CMDB: what that does not have is deleted.
  const monitored = await cmdb.diffTo(monitoring);
  console.log(`monitoring from cmdb:\n${monitored.toString()}`);
  await cmdb.syncTo(monitoring, { diff: monitored });
  console.log(`then: ${(await cmdb.diffTo(monitoring)).toString()}`);
} finally {
  await app.close();
}
