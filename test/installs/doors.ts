/** Every door, for a compiler that checks the declarations of libraries too, with the packages that the doors need and no other. */
import { trace } from '@opentelemetry/api';
import { LocalStore, type BaseStore } from 'nestjs-diffsync';
import { DiffSyncTelemetry } from 'nestjs-diffsync/otel';
import { RedisStore } from 'nestjs-diffsync/redis';
import { SqliteStore } from 'nestjs-diffsync/sqlite';
import { storeContract } from 'nestjs-diffsync/testing';

export const stores: readonly BaseStore[] = [
  new LocalStore(),
  new RedisStore({ url: 'redis://127.0.0.1:6379' }),
  new SqliteStore({ path: ':memory:' }),
];
export const telemetry = new DiffSyncTelemetry({ tracerProvider: trace.getTracerProvider() });
export const contract: (options: Parameters<typeof storeContract>[0]) => void = storeContract;
