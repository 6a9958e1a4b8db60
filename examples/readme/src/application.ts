import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import {
  Adapter,
  type BaseStore,
  DiffSyncModel,
  DiffSyncStoreHealthIndicator,
  DiffSyncStoreModule,
  InjectStore,
} from 'nestjs-diffsync';
import { z } from 'zod';

export class Interface extends DiffSyncModel.define({
  name: 'interface',
  schema: z.object({ device: z.string(), name: z.string(), mtu: z.number().default(1500) }),
  identifiers: ['device', 'name'],
  attributes: ['mtu'],
  shortname: ['name'],
}) {}

export class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string(), interfaces: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['role'],
  children: { interface: 'interfaces' },
}) {
  // Hooks change the outside world. They return the model, or null for "failed, leave the children alone".
  override async update(attrs: { role?: string }) {
    await Promise.resolve(`PATCH /devices/${this.name} ${JSON.stringify(attrs)}`); // your API client
    return super.update(attrs);
  }
}

@Injectable()
export class NetworkAdapter extends Adapter {
  static override readonly models = [Device, Interface];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('network') store: BaseStore) {
    super({ store });
  }

  override async load(): Promise<void> {
    const device = new Device({ name: 'r1', role: 'spine' });
    const port = new Interface({ device: 'r1', name: 'eth0', mtu: 9000 });
    await this.addMany([device, port]);
    device.addChild(port); // saved by the store by itself
  }
}

@Injectable()
export class CmdbAdapter extends Adapter {
  static override readonly models = [Device, Interface];
  static override readonly topLevel = ['device'];

  constructor(@InjectStore('cmdb') store: BaseStore) {
    super({ store });
  }
}

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly store: DiffSyncStoreHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.store.isHealthy('store', { timeout: 500 })]);
  }
}

@Module({
  imports: [
    TerminusModule,
    DiffSyncStoreModule.forRoot({ engine: 'local', storeId: 'inventory' }), // or engine: 'redis', url: 'redis://…'
    DiffSyncStoreModule.forFeature(['network', 'cmdb']), // one store an adapter, on the one connection
  ],
  providers: [NetworkAdapter, CmdbAdapter],
  controllers: [HealthController],
})
export class AppModule {}
