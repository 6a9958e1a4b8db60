import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { defer, lastValueFrom, retry, timer } from 'rxjs';
import { ObjectStoreException, ValueError, type StoreErrorCode } from '../errors.js';
import type { BaseStore } from '../store/base-store.js';

/** How to open a store. */
export interface Opening {
  readonly retryAttempts: number;
  readonly retryDelay: number;
  /** Whether it is to be closed with the application. */
  readonly owned: boolean;
  /** The store that it is scoped from: several modules may ask for the same scope, and then share it. */
  readonly base?: BaseStore;
}

export interface RegisteredStore {
  /** Undefined for the unnamed store. */
  readonly name: string | undefined;
  readonly store: BaseStore;
}

/** Failures that no waiting heals: the options have to change. */
const FINAL: ReadonlySet<StoreErrorCode> = new Set([
  'STORE_AUTH',
  'STORE_PERMISSION',
  'STORE_READ_ONLY',
  'STORE_WRONG_DATABASE',
  'STORE_WRONG_TOPOLOGY',
  'STORE_TLS',
  'STORE_NEWER_FORMAT',
  'STORE_OTHER_LAYOUT',
  'STORE_CORRUPT',
  'STORE_PACKAGE_MISSING',
]);

/** All stores of an application, by name. Opens them when it boots and closes those that it opened. */
@Injectable()
export class DiffSyncStoreRegistry implements OnApplicationShutdown {
  private readonly logger = new Logger('DiffSyncStoreModule');
  private readonly stores = new Map<string | undefined, BaseStore>();
  private readonly opening = new Map<string | undefined, Promise<void>>();
  private readonly bases = new Map<BaseStore, BaseStore>();
  private readonly opened: BaseStore[] = [];
  private ended = false;

  /** In the order in which they were opened. */
  list(): readonly RegisteredStore[] {
    return [...this.stores].map(([name, store]) => ({ name, store }));
  }

  /** The store of this name; the unnamed one without a name. @throws ValueError */
  getOrThrow(name?: string): BaseStore {
    const store = this.stores.get(name);
    if (store !== undefined) return store;
    const known = this.list().map((each) => each.name ?? '(unnamed)');
    throw new ValueError(`No store is registered ${called(name)}; there are: ${known.join(', ') || 'none'}`);
  }

  /** Opens a store and registers it. @throws ObjectStoreException of the last attempt; ValueError when the name is taken. */
  async open(name: string | undefined, store: BaseStore, how: Opening): Promise<BaseStore> {
    const taken = this.stores.get(name);
    if (taken === undefined) {
      this.stores.set(name, store);
      if (how.base !== undefined) this.bases.set(store, how.base);
      this.opening.set(name, this.openAndOwn(name, store, how));
    } else if (how.base === undefined || how.base !== this.bases.get(taken) || taken.storeId !== store.storeId) {
      throw new ValueError(`A store ${called(name)} is registered already: give one of them another name`);
    }
    await this.opening.get(name);
    return taken ?? store;
  }

  async onApplicationShutdown(): Promise<void> {
    this.ended = true;
    const failures: unknown[] = [];
    for (const store of this.opened.splice(0).toReversed()) {
      await store.close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, 'Several stores could not be closed');
  }

  private async openAndOwn(name: string | undefined, store: BaseStore, how: Opening): Promise<void> {
    const { retryAttempts, retryDelay } = how;
    try {
      await lastValueFrom(
        defer(() => store.open()).pipe(
          retry({
            count: retryAttempts - 1,
            delay: (error, attempt) => this.beforeRetry(name, error, attempt, retryDelay),
          }),
        ),
      );
    } catch (error) {
      // An application that does not start has no shutdown: what is open already would stay open.
      await this.onApplicationShutdown();
      throw error;
    }
    if (how.owned) this.opened.push(store);
    if (this.ended) await this.onApplicationShutdown();
  }

  private beforeRetry(
    name: string | undefined,
    error: unknown,
    attempt: number,
    delay: number,
  ): ReturnType<typeof timer> {
    if (!(error instanceof ObjectStoreException) || FINAL.has(error.code) || this.ended) throw error;
    this.logger.warn(
      `Unable to connect to the store (${name ?? 'default'}). Retrying (${attempt})... ${error.message}`,
    );
    return timer(delay);
  }
}

function called(name: string | undefined): string {
  return name === undefined ? 'without a name' : `named "${name}"`;
}
