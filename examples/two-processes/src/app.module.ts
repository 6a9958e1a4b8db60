import { Injectable, Module } from '@nestjs/common';
import { Adapter, type BaseStore, DiffSyncModel, DiffSyncStoreModule, InjectStore } from 'nestjs-diffsync';
import { z } from 'zod';

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string(), interfaces: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['role'],
  children: { interface: 'interfaces' },
}) {}

export class Interface extends DiffSyncModel.define({
  name: 'interface',
  schema: z.object({ device: z.string(), name: z.string(), mtu: z.number() }),
  identifiers: ['device', 'name'],
  attributes: ['mtu'],
  shortname: ['name'],
}) {}

const ROLES = { r1: 'spine', r2: 'spine', r3: 'leaf', r4: 'leaf' };

/** What the collecting process sees of the network. */
@Injectable()
export class NetworkAdapter extends Adapter {
  static override readonly models = [Device, Interface];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('network') store: BaseStore) {
    super({ name: 'network', store });
  }

  override async load(): Promise<void> {
    for (const [name, role] of Object.entries(ROLES)) {
      const device = new Device({ name, role });
      await this.add(device);
      for (const port of ['eth0', 'eth1'])
        await this.add(new Interface({ device: name, name: port, mtu: 9000 }), { parent: device });
    }
  }
}

/** The inventory, which the comparing process brings up to date. */
@Injectable()
export class CmdbAdapter extends Adapter {
  static override readonly models = [Device, Interface];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('cmdb') store: BaseStore) {
    super({ name: 'cmdb', store });
  }
}

@Module({
  imports: [
    DiffSyncStoreModule.forRootAsync({
      useFactory: () => ({
        engine: 'redis',
        url: process.env['REDIS_URL'] ?? 'redis://localhost:6379',
        storeId: 'two-processes',
      }),
    }),
    DiffSyncStoreModule.forFeature(['network', 'cmdb']), // the same stores, in whatever process
  ],
  providers: [NetworkAdapter, CmdbAdapter],
})
export class AppModule {}
