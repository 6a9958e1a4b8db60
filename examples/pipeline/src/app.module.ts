import { type DynamicModule, Module } from '@nestjs/common';
import { DiffSyncStoreModule } from 'nestjs-diffsync';
import { DiffSyncQueueModule } from 'nestjs-diffsync/bullmq';
import { CmdbAdapter, NetboxAdapter } from './inventory.js';

/** The application: the same in the process that adds the run and in the workers. */
@Module({})
export class AppModule {
  /** @param works - Whether this process performs what is on the queue. */
  static with({ works }: { readonly works: boolean }): DynamicModule {
    const url = process.env['REDIS_URL'] ?? 'redis://localhost:6379';
    return {
      module: AppModule,
      imports: [
        DiffSyncStoreModule.forRoot({ engine: 'sqlite', path: process.env['CMDB_FILE'] ?? 'cmdb.db' }),
        DiffSyncStoreModule.forFeature(['netbox', 'cmdb']), // in one file, which the processes of this machine share
        DiffSyncQueueModule.forRoot({
          name: 'pipeline',
          connection: { url },
          // Short, so that a worker that is killed is missed soon.
          worker: works && { lockDuration: 6000, stalledInterval: 1000 },
        }),
      ],
      providers: [NetboxAdapter, CmdbAdapter],
    };
  }
}
