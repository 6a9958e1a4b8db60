import { Injectable, Module } from '@nestjs/common';
import { Adapter, type BaseStore, DiffSyncModel, DiffSyncStoreModule, InjectStore } from 'nestjs-diffsync';
import { z } from 'zod';
import { FileStore } from './file.store.js';

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string() }),
  identifiers: ['name'],
  attributes: ['role'],
}) {}

/** A system that is loaded anew each time, into a store in memory. */
@Injectable()
export class NetworkAdapter extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];

  override async load(): Promise<void> {
    await this.addMany([new Device({ name: 'r1', role: 'spine' }), new Device({ name: 'r2', role: 'leaf' })]);
  }
}

/** The state that is kept from run to run, in files. */
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
    DiffSyncStoreModule.forRoot({
      engine: FileStore,
      storeId: 'inventory',
      path: process.env['INVENTORY_PATH'] ?? 'inventory', // Options that the module does not know go to the class.
    }),
    DiffSyncStoreModule.forFeature(['cmdb']),
  ],
  providers: [NetworkAdapter, CmdbAdapter],
})
export class AppModule {}
