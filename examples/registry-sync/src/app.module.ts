import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { DiffSyncStoreModule, diffSyncStoreConfig, type DiffSyncStoreOptions } from 'nestjs-diffsync';
import { MirroredRegistry, PublishedRegistry } from './registry.adapters.js';
import { SyncJob } from './sync.job.js';

/** A server that is not there is reported within seconds; the module's own default waits 27 seconds for it. */
const RETRY = { retryAttempts: 3, retryDelay: 1000 };

/** What holds when neither the environment nor an env file says otherwise. */
const DEFAULTS = { DIFFSYNC_STORE_ENGINE: 'local', DIFFSYNC_STORE_ID: 'registry-sync' };

const config = diffSyncStoreConfig.asProvider();

/** Both adapters, each with a store of its own on the one connection, and the job that brings them together. */
@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true, validate: (environment) => ({ ...DEFAULTS, ...environment }) }),
    DiffSyncStoreModule.forRootAsync({
      ...config,
      useFactory: (options: DiffSyncStoreOptions) => ({ ...config.useFactory(options), ...RETRY }),
    }),
    DiffSyncStoreModule.forFeature(['published', 'mirrored']),
  ],
  providers: [PublishedRegistry, MirroredRegistry, SyncJob],
  exports: [MirroredRegistry, SyncJob],
})
export class AppModule {}
