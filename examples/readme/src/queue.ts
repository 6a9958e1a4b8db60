import { Injectable, Module } from '@nestjs/common';
import { DiffSyncStoreModule } from 'nestjs-diffsync';
import { DiffSyncQueueModule, SyncQueue } from 'nestjs-diffsync/bullmq';
import { CmdbAdapter, NetworkAdapter } from './application.js';

@Injectable()
export class Nightly {
  constructor(private readonly queue: SyncQueue) {}

  /** Every night; however many processes say so, one run is added. */
  async plan(): Promise<void> {
    const run = { source: 'NetworkAdapter', target: 'CmdbAdapter', parts: 8, label: 'nightly' };
    await this.queue.schedule('nightly', { pattern: '0 2 * * *', tz: 'Europe/Zurich' }, run);
  }

  /** Now. */
  async start(by: string): Promise<string> {
    const { runId, added } = await this.queue.add({ source: 'NetworkAdapter', target: 'CmdbAdapter', parts: 8, by });
    console.log(added ? 'added' : 'was there already', await this.queue.get(runId));
    return runId;
  }
}

@Module({
  imports: [
    DiffSyncStoreModule.forRoot({ engine: 'redis', url: 'redis://localhost:6379', storeId: 'inventory' }),
    DiffSyncStoreModule.forFeature(['network', 'cmdb']),
    DiffSyncQueueModule.forRoot({
      connection: { host: 'localhost', port: 6379 },
      worker: { concurrency: 2, limiter: { max: 100, duration: 60_000 } }, // `false` in a process that only adds runs
    }),
  ],
  providers: [NetworkAdapter, CmdbAdapter, Nightly],
})
export class AppModule {}
