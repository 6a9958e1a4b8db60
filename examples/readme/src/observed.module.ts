import { Module } from '@nestjs/common';
import { metrics } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, ConsoleSpanExporter, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { DiffSyncStoreModule } from 'nestjs-diffsync';
import { DiffSyncTelemetryModule } from 'nestjs-diffsync/otel';

/** Registers the SDK, before the application is created. Prometheus scrapes `http://…:9464/metrics`. */
export function registerSdk(): void {
  const exporter = new ConsoleSpanExporter(); // or one for OTLP, Jaeger, …
  new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }).register();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [new PrometheusExporter({ port: 9464 })] }));
}

@Module({
  imports: [DiffSyncStoreModule.forRoot({ engine: 'local' }), DiffSyncTelemetryModule.forRoot({ uniqueIds: false })],
})
export class ObservedModule {}
