import { Injectable } from '@nestjs/common';
import { ObjectStoreException } from '../errors.js';
import { DEFAULT_HEALTH_TIMEOUT_MS, type BackendHealth, type StoreDetails } from '../store/store-health.js';
import { DiffSyncStoreRegistry } from './store-registry.js';

/**
 * The result of a health indicator, of the form that Terminus and other health checks of Nest expect: whether the store can be used,
 * and what its backend tells of itself.
 */
export type StoreHealth<
  Key extends string = string,
  Status extends 'up' | 'degraded' | 'down' = 'up' | 'down',
> = Record<
  Key,
  StoreDetails & {
    /** Whether the store can be used: it has replied in time, and takes writes. */
    readonly status: Status;
    /** The engine of the store, such as `redis`. */
    readonly engine: string;
    /** The id of the store, where it has one. */
    readonly storeId?: string;
    /** Time until the reply or the failure; milliseconds. */
    readonly responseTime: number;
    /** Why a store that can be used is degraded: sentences, for people. */
    readonly reason?: string;
    /** The stable code of the error, where the store is down. */
    readonly code?: string;
    /** The message of the error, where the store is down. */
    readonly message?: string;
  }
>;

/** Options of a health check. */
export interface StoreHealthOptions<Degraded extends boolean = boolean> {
  /** The name of a registered store. Default: the unnamed store. */
  readonly store?: string | undefined;
  /** Milliseconds after which the store counts as down. @default 1000 */
  readonly timeout?: number | undefined;
  /** Whether a store that refuses all writes is down; else it is degraded, for one that is only read. @default true */
  readonly needsWrites?: boolean | undefined;
  /**
   * Whether the status may be `degraded`, which Terminus 12 knows. Terminus 11 leaves out such an answer without a word: it is `up`
   * with the same `reason`. @default false
   */
  readonly allowDegraded?: Degraded | undefined;
}

/**
 * Checks whether a store can be used, for readiness probes. It works in Terminus' `HealthCheckService.check`, and without it.
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
 *     return this.health.check([() => this.store.isHealthy('store', { timeout: 500, allowDegraded: true })]);
 *   }
 * }
 * ```
 */
@Injectable()
export class DiffSyncStoreHealthIndicator {
  constructor(private readonly stores: DiffSyncStoreRegistry) {}

  /**
   * Asks a store how it is. Settles within the timeout, and does not reject for a store that is down.
   * @param key - the name of the result in the report. Default: `store`.
   * @param options - the store's name (default: the unnamed store), the timeout in milliseconds (default: 1000), `needsWrites`
   * (default: true) and `allowDegraded` (default: false).
   * @returns the result under its key: `up`; `degraded`, or `up` with a `reason`, for one that can be used and should not be left as
   * it is; or `down` with code and message. Details of the backend are in each of them, as far as it has told them.
   * @throws {@link ValueError} (VALUE_ERROR) when no store of that name is registered.
   */
  async isHealthy<const Key extends string = 'store', const Degraded extends boolean = false>(
    key: Key = 'store' as Key,
    options: StoreHealthOptions<Degraded> = {},
  ): Promise<StoreHealth<Key, Degraded extends true ? 'up' | 'degraded' | 'down' : 'up' | 'down'>> {
    const { store: name, timeout = DEFAULT_HEALTH_TIMEOUT_MS, needsWrites = true, allowDegraded = false } = options;
    const store = this.stores.getOrThrow(name);
    const started = performance.now();
    const answer = await store.health({ timeoutMs: timeout }).then(
      (health) => verdictOf(health, needsWrites, allowDegraded),
      (error: unknown) => ({ status: 'down', ...reasonOf(error) }),
    );
    const { status, ...rest } = answer;
    const health = {
      status,
      engine: store.engine,
      ...(store.storeId === undefined ? {} : { storeId: store.storeId }),
      responseTime: Math.round(performance.now() - started),
      ...rest,
    };
    return { [key]: health } as Awaited<ReturnType<typeof this.isHealthy<Key, Degraded>>>;
  }
}

function verdictOf({ details, refusal, concerns }: BackendHealth, needsWrites: boolean, allowDegraded: boolean) {
  if (refusal !== undefined && needsWrites) return { status: 'down', ...reasonOf(refusal), ...details };
  const reasons = refusal === undefined ? concerns : [refusal.message, ...concerns];
  if (reasons.length === 0) return { status: 'up', ...details };
  return { status: allowDegraded ? 'degraded' : 'up', reason: reasons.join('; '), ...details };
}

function reasonOf(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof ObjectStoreException) return { code: error.code, message: error.message };
  return { code: 'STORE_FAILED', message: error instanceof Error ? error.message : String(error) };
}
