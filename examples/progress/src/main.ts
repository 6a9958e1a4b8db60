import { NestFactory } from '@nestjs/core';
import { AppModule, ControllerAdapter, InventoryAdapter } from './app.module.js';
import { progressPrinter } from './progress-printer.js';

const PORTS = 6_000;

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'], abortOnError: false });
try {
  const [controller, inventory] = [app.get(ControllerAdapter), app.get(InventoryAdapter)];
  await Promise.all([controller.load(PORTS), inventory.load(PORTS)]);
  const diff = await inventory.syncFrom(controller, { onProgress: progressPrinter(console.log) });
  console.log(diff.summary());
} finally {
  await app.close();
}
