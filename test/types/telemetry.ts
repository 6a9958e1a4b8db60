import { AsyncLocalStorage } from 'node:async_hooks';
import { metrics, trace } from '@opentelemetry/api';
import {
  hookChannel,
  runChannel,
  storeChannel,
  type DiffSyncAction,
  type HookTrace,
  type RunTrace,
  type StoreTrace,
  type SyncRun,
} from 'nestjs-diffsync';
import { DiffSyncTelemetry, DiffSyncTelemetryModule, type DiffSyncTelemetryOptions } from 'nestjs-diffsync/otel';

/** The door takes the providers of the API. */
export function right(options: DiffSyncTelemetryOptions): unknown {
  const providers = { tracerProvider: trace.getTracerProvider(), meterProvider: metrics.getMeterProvider() };
  const telemetry = new DiffSyncTelemetry({ ...providers, uniqueIds: undefined, storeSpans: false, hookSpans: true });
  telemetry.enable();
  telemetry.disable();
  return DiffSyncTelemetryModule.forRoot(options).exports;
}

/** Each channel has messages of its own. */
export function channels(hooks: AsyncLocalStorage<DiffSyncAction>): void {
  hookChannel.start.bindStore(hooks, ({ action }: HookTrace) => action);
  storeChannel.asyncEnd.subscribe((message) => {
    const { operation, size }: { operation: string; size: number | undefined } = message as StoreTrace;
    return [operation, size];
  });
  runChannel.asyncEnd.subscribe((message) => {
    const run: SyncRun | undefined = (message as RunTrace).run;
    return run?.guards;
  });
}

export function wrong(): readonly unknown[] {
  // @ts-expect-error no such option
  const misspelt = new DiffSyncTelemetry({ uniqueId: true });
  // @ts-expect-error not a provider of spans
  const wrongProvider = new DiffSyncTelemetry({ tracerProvider: metrics.getMeterProvider() });
  // @ts-expect-error a run is no operation of a store
  storeChannel.start.bindStore(new AsyncLocalStorage<string>(), ({ kind }: RunTrace) => kind);
  return [misspelt, wrongProvider];
}
