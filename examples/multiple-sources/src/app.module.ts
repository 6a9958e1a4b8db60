import { Module } from '@nestjs/common';
import { DiffSyncStoreModule } from 'nestjs-diffsync';
import { CmdbAdapter, DiscoveryAdapter, MonitoringAdapter } from './inventory.adapters.js';

@Module({
  imports: [
    DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'inventory' }),
    DiffSyncStoreModule.forFeature(['discovery', 'cmdb', 'monitoring']), // one store for each system
  ],
  providers: [DiscoveryAdapter, CmdbAdapter, MonitoringAdapter],
})
export class AppModule {}
