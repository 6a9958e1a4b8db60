import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ScheduleModule } from '@nestjs/schedule';
import { DiffSyncStoreModule, diffSyncStoreConfig } from 'nestjs-diffsync';
import { CmdbAdapter } from './cmdb.adapter.js';
import { NetworkAdapter } from './network.adapter.js';
import { NightlyJob } from './nightly.job.js';

/** What holds when neither the environment nor an env file says otherwise. */
const DEFAULTS = { DIFFSYNC_STORE_ENGINE: 'local' };

/** The two adapters with their stores, and the job. The module that imports it provides `SQL` and `NETWORK_URL` globally. */
@Module({
  imports: [
    ConfigModule.forRoot({ validate: (environment) => ({ ...DEFAULTS, ...environment }) }),
    ScheduleModule.forRoot(),
    DiffSyncStoreModule.forRootAsync(diffSyncStoreConfig.asProvider()),
    DiffSyncStoreModule.forFeature(['network', 'cmdb']),
  ],
  providers: [NetworkAdapter, CmdbAdapter, NightlyJob],
  exports: [NightlyJob, CmdbAdapter],
})
export class NightlyModule {}
