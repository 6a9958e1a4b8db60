import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { DiffSyncTelemetry, type DiffSyncTelemetryOptions } from './telemetry.js';

/** Tells OpenTelemetry of all stores and syncs of the process, from the start of the application until its shutdown. */
@Module({})
export class DiffSyncTelemetryModule implements OnApplicationShutdown {
  constructor(private readonly telemetry: DiffSyncTelemetry) {
    telemetry.enable();
  }

  /**
   * Returns the module. Register the SDK before the application is created, for example by `node --import ./telemetry.mjs`.
   * @param options - What is reported, and to whom.
   * @returns The dynamic module, for the `imports` of the application's module.
   * @example
   * ```ts
   * @Module({ imports: [DiffSyncStoreModule.forRoot({ engine: 'local' }), DiffSyncTelemetryModule.forRoot()] })
   * class AppModule {}
   * ```
   */
  static forRoot(options: DiffSyncTelemetryOptions = {}): DynamicModule {
    const telemetry = { provide: DiffSyncTelemetry, useFactory: () => new DiffSyncTelemetry(options) };
    return { module: DiffSyncTelemetryModule, providers: [telemetry], exports: [DiffSyncTelemetry] };
  }

  /** Ends the telemetry. Nest calls this when the application is shut down. */
  onApplicationShutdown(): void {
    this.telemetry.disable();
  }
}
