import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const module = AppModule.with({ works: true });
const app = await NestFactory.createApplicationContext(module, { logger: ['error'], abortOnError: false });
app.enableShutdownHooks();
process.send?.('ready');
