import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { DiffSyncStoreHealthIndicator } from 'nestjs-diffsync';

@Controller('health')
export class StoreHealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly stores: DiffSyncStoreHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([
      () => this.stores.isHealthy('store', { timeout: 500, allowDegraded: true }), // Terminus 12
      () => this.stores.isHealthy('archive', { store: 'archive', needsWrites: false }),
    ]);
  }
}
