import { Module } from '@nestjs/common';
import { metrics } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { DiffSyncStoreModule } from 'nestjs-diffsync';
import { DiffSyncTelemetryModule } from 'nestjs-diffsync/otel';

/** Registers the SDK, before the application is created. Prometheus scrapes `http://…:9464/metrics`. */
export function registerSdk(): void {
  new NodeTracerProvider({ spanProcessors: [] }).register(); // with the processor and exporter of your own
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [new PrometheusExporter({ port: 9464 })] }));
}

@Module({
  imports: [DiffSyncStoreModule.forRoot({ engine: 'local' }), DiffSyncTelemetryModule.forRoot({ uniqueIds: false })],
})
export class ObservedModule {}
