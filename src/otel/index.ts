/// <reference types="node" preserve="true" />
export { DiffSyncTelemetry, type DiffSyncTelemetryOptions } from './telemetry.js';
export { DiffSyncTelemetryModule } from './telemetry.module.js';
