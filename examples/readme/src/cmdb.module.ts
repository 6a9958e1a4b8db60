import { Injectable, Module } from '@nestjs/common';
import { Adapter, type BaseStore, DiffSyncStoreModule, InjectStore } from 'nestjs-diffsync';
import { Device } from './device.js';

@Injectable()
export class CmdbAdapter extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('cmdb') store: BaseStore) {
    super({ store });
  }
}

@Module({
  imports: [
    // Or { engine: 'sqlite', path: 'inventory.db' }, or { engine: 'local' } for memory.
    DiffSyncStoreModule.forRoot({ engine: 'redis', url: 'redis://localhost:6379', storeId: 'inventory' }),
    DiffSyncStoreModule.forFeature(['cmdb']), // one store for each adapter, on the one connection
  ],
  providers: [CmdbAdapter],
  exports: [CmdbAdapter],
})
export class CmdbModule {}
