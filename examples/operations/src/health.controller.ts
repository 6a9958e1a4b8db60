import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { DiffSyncStoreHealthIndicator } from 'nestjs-diffsync';

@Controller()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly stores: DiffSyncStoreHealthIndicator,
  ) {}

  /** For the readiness probe: 200 while requests can be served, else 503. */
  @Get('health')
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.stores.isHealthy('store', { timeout: 500, allowDegraded: true })]);
  }

  /** For the liveness probe: a process that is asked to restart for a server that is down would make nothing better. */
  @Get('live')
  live(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }
}
