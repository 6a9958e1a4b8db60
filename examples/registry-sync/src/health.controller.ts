import { Controller, Get } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { DiffSyncStoreHealthIndicator } from 'nestjs-diffsync';

/** Machines without a token ask whether the application is healthy. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly stores: DiffSyncStoreHealthIndicator,
  ) {}

  /** 200 while the store answers, else 503. */
  @Get()
  @ApiOperation({ summary: 'Whether the store answers; open to all', security: [] })
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.stores.isHealthy('store')]);
  }
}
