import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { FilterAdapter } from './filter.adapter.js';
import { RegistryAdapter } from './registry.adapter.js';

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'], abortOnError: false });
try {
  const [registry, filter] = [app.get(RegistryAdapter), app.get(FilterAdapter)];
  await Promise.all([registry.load(), filter.load()]);
  const diff = await filter.diffFrom(registry);
  console.log(diff.toString());
  console.log(diff.summary());
  if (process.argv.includes('--sync')) await filter.syncFrom(registry, { diff });
} finally {
  await app.close();
}
