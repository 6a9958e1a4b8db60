import { NestFactory } from '@nestjs/core';
import { AppModule, ServicesAdapter } from './app.module.js';

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'], abortOnError: false });
try {
  const services = app.get(ServicesAdapter);
  console.log('registry:', await services.loadRegistry());
  console.log('site:', await services.loadSite());
  console.log(await services.str());
} finally {
  await app.close();
}
