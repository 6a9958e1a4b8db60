import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { DiffSyncStoreHealthIndicator } from 'nestjs-diffsync';
import { Open } from './bearer.guard.js';

@Controller('health')
@Open(true)
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly stores: DiffSyncStoreHealthIndicator,
  ) {}

  /** 200 while the store answers, else 503. */
  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.stores.isHealthy('store')]);
  }
}
