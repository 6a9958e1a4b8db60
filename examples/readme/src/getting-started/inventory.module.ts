import { Module } from '@nestjs/common';
import { DiffSyncStoreModule } from 'nestjs-diffsync';
import { CmdbAdapter, NetworkAdapter } from './inventory.adapters.js';

@Module({
  imports: [
    DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'inventory' }),
    DiffSyncStoreModule.forFeature(['network', 'cmdb']), // one store for each adapter
  ],
  providers: [NetworkAdapter, CmdbAdapter],
})
export class InventoryModule {}
