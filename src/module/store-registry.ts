import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import pRetry from 'p-retry';
import { ObjectStoreException, ValueError, type StoreErrorCode } from '../errors.js';
import type { BaseStore } from '../store/base-store.js';

/** How to open a store. */
export interface OpenStoreOptions {
  /** How often to try, the first time included. */
  readonly retryAttempts: number;
  /** Milliseconds between two attempts. */
  readonly retryDelay: number;
  /** Whether the registry closes the store with the application. */
  readonly owned: boolean;
  /** The store that it is scoped from. Several modules may ask for the same scope, and then share it. */
  readonly base?: BaseStore;
}

/** A store of an application, as the registry lists it. */
export interface RegisteredStore {
  /** The name that `forRoot` or `forFeature` gave the store; undefined for the unnamed store. */
  readonly name: string | undefined;
  /** The open store. */
  readonly store: BaseStore;
}

/** Codes of errors that are not retryable: the options have to change. */
const FINAL: ReadonlySet<StoreErrorCode> = new Set([
  'STORE_AUTH',
  'STORE_PERMISSION',
  'STORE_READ_ONLY',
  'STORE_WRONG_DATABASE',
  'STORE_WRONG_TOPOLOGY',
  'STORE_TLS',
  'STORE_SCRIPT_MISSING',
  'STORE_COMMAND_MISSING',
  'STORE_NEWER_FORMAT',
  'STORE_OTHER_LAYOUT',
  'STORE_CORRUPT',
  'STORE_PACKAGE_MISSING',
]);

/**
 * All stores of an application, by name. Opens them when the application starts and closes those that it opened.
 * @example
 * ```ts
 * constructor(private readonly stores: DiffSyncStoreRegistry) {}
 *
 * storeNames(): string[] {
 *   return this.stores.list().map(({ store }) => String(store));
 * }
 * ```
 */
@Injectable()
export class DiffSyncStoreRegistry implements OnApplicationShutdown {
  private readonly logger = new Logger('DiffSyncStoreModule');
  private readonly stores = new Map<string | undefined, BaseStore>();
  private readonly opening = new Map<string | undefined, Promise<void>>();
  private readonly bases = new Map<BaseStore, BaseStore>();
  private readonly opened: BaseStore[] = [];
  private ended = false;

  /** @returns the stores of the application, in the order in which they were opened. */
  list(): readonly RegisteredStore[] {
    return [...this.stores].map(([name, store]) => ({ name, store }));
  }

  /**
   * Returns a store by its name.
   * @param name - the name of the store. Default: the unnamed store.
   * @returns the store.
   * @throws {@link ValueError} (VALUE_ERROR) when no store of this name is registered.
   */
  getOrThrow(name?: string): BaseStore {
    const store = this.stores.get(name);
    if (store !== undefined) return store;
    const known = this.list().map((each) => each.name ?? '(unnamed)');
    throw new ValueError(`No store is registered ${called(name)}; there are: ${known.join(', ') || 'none'}`);
  }

  /**
   * Opens a store and registers it. For the store modules; applications use `DiffSyncStoreModule`.
   * @param name - the name of the store; undefined for the unnamed store.
   * @param store - the store to open.
   * @param options - how to open it.
   * @returns the store; where a scope of this name is open already, that one.
   * @throws {@link ObjectStoreException} (any code of a store) of the last attempt.
   * @throws {@link ValueError} (VALUE_ERROR) when the name is taken.
   */
  async open(name: string | undefined, store: BaseStore, options: OpenStoreOptions): Promise<BaseStore> {
    const taken = this.stores.get(name);
    if (taken === undefined) {
      this.stores.set(name, store);
      if (options.base !== undefined) this.bases.set(store, options.base);
      this.opening.set(name, this.openAndOwn(name, store, options));
    } else if (
      options.base === undefined ||
      options.base !== this.bases.get(taken) ||
      taken.storeId !== store.storeId
    ) {
      throw new ValueError(`A store ${called(name)} is registered already: give one of them another name`);
    }
    await this.opening.get(name);
    return taken ?? store;
  }

  /** Closes the stores that the registry opened, the last one first. Nest calls this when the application is shut down. */
  async onApplicationShutdown(): Promise<void> {
    this.ended = true;
    const failures: unknown[] = [];
    for (const store of this.opened.splice(0).toReversed()) {
      await store.close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, 'Several stores could not be closed');
  }

  private async openAndOwn(name: string | undefined, store: BaseStore, options: OpenStoreOptions): Promise<void> {
    const { retryAttempts, retryDelay } = options;
    try {
      await pRetry(() => store.open(), {
        retries: retryAttempts - 1,
        minTimeout: retryDelay,
        factor: 1,
        // Is called before each retry, and not after the last attempt.
        shouldRetry: ({ error, attemptNumber }) => this.shouldRetry(name, error, attemptNumber),
      });
    } catch (error) {
      // An application that does not start has no shutdown: stores that are open already would stay open.
      await this.onApplicationShutdown();
      throw error;
    }
    if (options.owned) this.opened.push(store);
    if (this.ended) await this.onApplicationShutdown();
  }

  private shouldRetry(name: string | undefined, error: unknown, attempt: number): boolean {
    if (!(error instanceof ObjectStoreException) || FINAL.has(error.code) || this.ended) return false;
    this.logger.warn(
      `Unable to connect to the store (${name ?? 'default'}). Retrying (${attempt})... ${error.message}`,
    );
    return true;
  }
}

function called(name: string | undefined): string {
  return name === undefined ? 'without a name' : `named "${name}"`;
}
