import { ConsoleLogger, ShutdownSignal } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

await ConfigModule.envVariablesLoaded;
const logger = new ConsoleLogger({ json: process.env['LOG_FORMAT'] === 'json' });
const app = await NestFactory.create(AppModule, { logger, forceCloseConnections: true });
app.enableShutdownHooks([ShutdownSignal.SIGTERM, ShutdownSignal.SIGINT], { useProcessExit: true });
await app.listen(process.env['PORT'] ?? 3000, process.env['HOST'] ?? '127.0.0.1');
logger.log(`Listening on ${await app.getUrl()}`, 'Application');
