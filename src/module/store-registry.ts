import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import pRetry from 'p-retry';
import { ObjectStoreException, ValueError, type StoreErrorCode } from '../errors.js';
import type { BaseStore } from '../store/base-store.js';
import { runsStoreId } from '../store/beside-store.js';
import { bootFailure } from './boot-watch.js';

/** How to open a store. */
export interface OpenStoreOptions {
  /** How often to try, the first time included. */
  readonly retryAttempts: number;
  /** Milliseconds between two attempts. */
  readonly retryDelay: number;
  /** Whether the registry closes the store with the application. */
  readonly owned: boolean;
  /** The store that it is scoped from. Several modules may ask for the same scope, and then share it. */
  readonly base?: BaseStore | undefined;
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
export class DiffSyncStoreRegistry implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('DiffSyncStoreModule');
  private readonly stores = new Map<string | undefined, BaseStore>();
  private readonly opening = new Map<string | undefined, Promise<void>>();
  private readonly bases = new Map<BaseStore, BaseStore>();
  private readonly opened: BaseStore[] = [];
  /** Whether the application has started. A store that fails later, in a lazily loaded module, fails alone. */
  private started = false;
  /** What has ended the boot: the first failure, which those that follow from it must not hide. */
  private failure: { readonly error: unknown } | undefined;
  private watching = false;
  private ended = false;

  /** Private to inspection too: it is the whole application. */
  readonly #modules: ModulesContainer;

  /** @param modules - the modules of the application; Nest injects them. */
  constructor(modules: ModulesContainer) {
    this.#modules = modules;
  }

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
   * Registers the store that a token stands for: in a test it may be another one than the module has opened. For the store
   * modules; applications use `DiffSyncStoreModule`.
   * @param name - the name of the store; undefined for the unnamed store.
   * @param store - the store.
   */
  register(name: string | undefined, store: BaseStore): void {
    this.stores.set(name, store);
  }

  /**
   * Opens a store and registers it. For the store modules; applications use `DiffSyncStoreModule`.
   * @param name - the name of the store; undefined for the unnamed store.
   * @param store - the store to open.
   * @param options - how to open it.
   * @returns the store; where a scope of this name is open already, that one.
   * @throws {@link ObjectStoreException} (any code of a store) of the last attempt.
   * @throws {@link ValueError} (VALUE_ERROR) when the name is taken, or a registered store has the same id on the same backend.
   */
  async open(name: string | undefined, store: BaseStore, options: OpenStoreOptions): Promise<BaseStore> {
    const taken = this.stores.get(name);
    if (taken === undefined) {
      if (options.base !== undefined) this.bases.set(store, options.base);
      this.checkDistinct(name, store);
      this.stores.set(name, store);
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

  /** The application has started. */
  onModuleInit(): void {
    this.started = true;
  }

  /** Closes the stores that the registry opened. Nest calls this when the application is shut down. */
  async onApplicationShutdown(): Promise<void> {
    return this.close();
  }

  /**
   * Closes the stores that the registry opened, the last one first. Nest does so by itself when the application is shut down,
   * unless every store module of it was loaded lazily.
   * @throws {@link ObjectStoreException} of a store that could not write all it had; an AggregateError of several.
   * @example
   * ```ts
   * const module = await lazyModuleLoader.load(() => StoresModule);
   * await module.get(DiffSyncStoreRegistry, { strict: false }).close();
   * ```
   */
  async close(): Promise<void> {
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
      this.stores.delete(name);
      this.bases.delete(store);
      if (this.started) throw error;
      const { error: first } = (this.failure ??= { error });
      await this.closeAfterFailure();
      throw first;
    }
    if (options.owned) this.opened.push(store);
    if (this.ended) await this.closeAfterFailure();
    else if (!this.started) void this.watchBoot();
  }

  /** An application that does not start has no shutdown: stores that are open already would stay open. */
  private async watchBoot(): Promise<void> {
    if (this.watching) return;
    this.watching = true;
    const failure = await bootFailure(this.#modules);
    if (this.started) return;
    if (failure === undefined) this.started = true;
    else await this.closeAfterFailure();
  }

  /** What fails here is logged only: the caller gets the error of what failed before. */
  private async closeAfterFailure(): Promise<void> {
    await this.close().catch((error: unknown) => this.logger.warn(`A store could not be closed: ${String(error)}`));
  }

  /** @throws ValueError when a registered store has the same id on the same backend: each would change the other's objects. */
  private checkDistinct(name: string | undefined, store: BaseStore): void {
    for (const [otherName, other] of this.stores) {
      const ids = [store.storeId, other.storeId];
      const reserved = ids.includes(runsStoreId(other.storeId)) || ids.includes(runsStoreId(store.storeId));
      if (other.storeId === undefined || other.engine !== store.engine) continue;
      if (other.storeId !== store.storeId && !reserved) continue;
      const sharesBase = (this.bases.get(other) ?? other) === (this.bases.get(store) ?? store);
      // The address of a cluster's client that the user gave is not known.
      const sharesAddress =
        store.address === other.address && store.address !== undefined && !store.address.includes('(');
      if (!sharesBase && !sharesAddress) continue;
      this.bases.delete(store);
      if (reserved) {
        throw new ValueError(
          `The stores ${called(otherName)} and ${called(name)} have the ids "${other.storeId}" and "${store.storeId}" on the same ` +
            `backend, of which the longer one is reserved for the runs of the other store: give it another storeId`,
        );
      }
      throw new ValueError(
        `The stores ${called(otherName)} and ${called(name)} have the same id "${store.storeId}" on the same backend, and would ` +
          `change each other's objects: give one of them another storeId`,
      );
    }
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
  if (name === undefined) return 'without a name';
  // A URL in place of a name may hold a password.
  return name.includes('://') ? 'named by a URL' : `named "${name}"`;
}
