import { fileURLToPath } from 'node:url';
import { Module, StandardSchemaValidationPipe } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { APP_PIPE } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { DiffSyncStoreModule, diffSyncStoreConfig } from 'nestjs-diffsync';
import { DevicesController } from './devices.controller.js';
import { HealthController } from './health.controller.js';

const { NODE_ENV = 'development' } = process.env;

/** The file of the environment. What is set outside of it goes before: `DIFFSYNC_STORE_HOST=… node dist/main.js`. */
const envFilePath = fileURLToPath(new URL(`../env/${NODE_ENV}.env`, import.meta.url));

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true, envFilePath }),
    DiffSyncStoreModule.forRootAsync(diffSyncStoreConfig.asProvider()),
    TerminusModule.forRootAsync({
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        gracefulShutdownTimeoutMs: Number(config.getOrThrow('SHUTDOWN_DELAY_MS')),
      }),
    }),
  ],
  controllers: [DevicesController, HealthController],
  providers: [{ provide: APP_PIPE, useClass: StandardSchemaValidationPipe }],
})
export class AppModule {}
