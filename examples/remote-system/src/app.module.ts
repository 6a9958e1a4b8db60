import { type DynamicModule, Module } from '@nestjs/common';
import { DiffSyncStoreModule } from 'nestjs-diffsync';
import { FileAdapter } from './file.adapter.js';
import { REMOTE_URL, RemoteApi } from './remote-api.js';
import { RemoteAdapter } from './remote.adapter.js';

@Module({})
export class AppModule {
  static forUrl(url: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'countries' }),
        DiffSyncStoreModule.forFeature(['file', 'remote']),
      ],
      providers: [FileAdapter, RemoteAdapter, RemoteApi, { provide: REMOTE_URL, useValue: url }],
    };
  }
}
