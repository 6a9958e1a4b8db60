import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { DiffSyncStoreModule } from 'nestjs-diffsync';
import { FILTER_FILE, FilterFile } from './filter-file.js';
import { FilterAdapter } from './filter.adapter.js';
import { RegistryAdapter } from './registry.adapter.js';

@Module({
  imports: [
    DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'prefixes' }),
    DiffSyncStoreModule.forFeature(['registry', 'filter']),
  ],
  providers: [
    RegistryAdapter,
    FilterAdapter,
    FilterFile,
    {
      provide: FILTER_FILE,
      useFactory: () => process.env['FILTER_FILE'] ?? fileURLToPath(new URL('../data/filter.json', import.meta.url)),
    },
  ],
})
export class AppModule {}
