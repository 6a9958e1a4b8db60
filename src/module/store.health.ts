import { Injectable } from '@nestjs/common';
import { withTimeout } from '../async/with-timeout.js';
import { ObjectStoreException } from '../errors.js';
import { DiffSyncStoreRegistry } from './store-registry.js';

/** The result of a health indicator, of the form that Terminus and other health checks of Nest expect. */
export type StoreHealth<Key extends string = string> = Record<
  Key,
  {
    /** Whether the store has replied in time. */
    readonly status: 'up' | 'down';
    /** The engine of the store, such as `redis`. */
    readonly engine: string;
    /** The id of the store, where it has one. */
    readonly storeId?: string;
    /** Time until the reply or the failure; milliseconds. */
    readonly responseTime: number;
    /** The stable code of the error, where the store is down. */
    readonly code?: string;
    /** The message of the error, where the store is down. */
    readonly message?: string;
  }
>;

/** Options of a health check. */
export interface StoreHealthOptions {
  /** The name of a registered store. Default: the unnamed store. */
  readonly store?: string | undefined;
  /** Milliseconds after which the store counts as down. @default 1000 */
  readonly timeout?: number | undefined;
}

/**
 * Checks whether a store replies, for readiness probes. It works in Terminus' `HealthCheckService.check`, and without it.
 * @example
 * ```ts
 * @Controller('health')
 * export class HealthController {
 *   constructor(
 *     private readonly health: HealthCheckService,
 *     private readonly store: DiffSyncStoreHealthIndicator,
 *   ) {}
 *
 *   @Get()
 *   @HealthCheck()
 *   check() {
 *     return this.health.check([() => this.store.isHealthy('store', { timeout: 500 })]);
 *   }
 * }
 * ```
 */
@Injectable()
export class DiffSyncStoreHealthIndicator {
  constructor(private readonly stores: DiffSyncStoreRegistry) {}

  /**
   * Pings a store. Settles within the timeout, and does not reject for a store that is down.
   * @param key - the name of the result in the report. Default: `store`.
   * @param options - the store's name (default: the unnamed store) and the timeout in milliseconds (default: 1000).
   * @returns the result under its key: `up`, or `down` with code and message.
   * @throws {@link ValueError} (VALUE_ERROR) when no store of that name is registered.
   */
  async isHealthy<const Key extends string = 'store'>(
    key: Key = 'store' as Key,
    options: StoreHealthOptions = {},
  ): Promise<StoreHealth<Key>> {
    const { store: name, timeout = 1000 } = options;
    const store = this.stores.getOrThrow(name);
    const started = performance.now();
    const timeoutError = (): Error =>
      new ObjectStoreException(`${String(store)} has not answered within ${timeout} ms`, { code: 'STORE_TIMEOUT' });
    const failure = await withTimeout(timeout, store.ping(), timeoutError).then(
      () => undefined,
      (error: unknown) => error,
    );
    const health = {
      status: failure === undefined ? 'up' : 'down',
      engine: store.engine,
      ...(store.storeId === undefined ? {} : { storeId: store.storeId }),
      responseTime: Math.round(performance.now() - started),
      ...(failure === undefined ? {} : reasonOf(failure)),
    } as const;
    return { [key]: health } as StoreHealth<Key>;
  }
}

function reasonOf(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof ObjectStoreException) return { code: error.code, message: error.message };
  return { code: 'STORE_FAILED', message: error instanceof Error ? error.message : String(error) };
}
