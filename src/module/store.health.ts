import { Injectable } from '@nestjs/common';
import { ObjectStoreException } from '../errors.js';
import { DiffSyncStoreRegistry } from './store-registry.js';
import { withTimeout } from '../async/with-timeout.js';

/** What Nest's health checks expect of an indicator, of Terminus or of your own. */
export type StoreHealth<Key extends string = string> = Record<
  Key,
  {
    readonly status: 'up' | 'down';
    readonly engine: string;
    readonly storeId?: string;
    /** Milliseconds. */
    readonly responseTime: number;
    /** Why it is down: the error's stable code and its message. */
    readonly code?: string;
    readonly message?: string;
  }
>;

export interface StoreHealthOptions {
  /** The name of a registered store. Default: the unnamed one. */
  readonly store?: string;
  /** Milliseconds after which the store counts as down. @default 1000 */
  readonly timeout?: number;
}

/**
 * Answers whether a store answers. For readiness probes; needs no Terminus, and works in its `HealthCheckService.check`.
 */
@Injectable()
export class DiffSyncStoreHealthIndicator {
  constructor(private readonly stores: DiffSyncStoreRegistry) {}

  /**
   * Settles within the time-out and never rejects for a store that is down.
   * @param key the name of the answer in the report. @default 'store'
   * @throws ValueError when no store of that name is registered.
   */
  async isHealthy<const Key extends string = 'store'>(
    key: Key = 'store' as Key,
    { store: name, timeout = 1000 }: StoreHealthOptions = {},
  ): Promise<StoreHealth<Key>> {
    const store = this.stores.getOrThrow(name);
    const started = performance.now();
    const late = (): Error =>
      new ObjectStoreException(`${String(store)} has not answered within ${timeout} ms`, { code: 'STORE_TIMEOUT' });
    const failure = await withTimeout(timeout, store.ping(), late).then(
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
