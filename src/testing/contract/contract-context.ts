import assert from 'node:assert/strict';
import type { DiffSyncModel, ModelHost } from '../../model/diffsync-model.js';
import type { ModelClass } from '../../model/model-class.js';
import type { BaseStore } from '../../store/base-store.js';

/** One rule of the contract. Titles are unique in the whole suite: `knownGaps` names tests by them. */
export type ContractTest = (context: ContractContext) => Promise<void>;

/** The tests of one subject, by title (call, condition, result). */
export interface ContractTheme {
  readonly theme: string;
  readonly tests: Readonly<Record<string, ContractTest>>;
  /** Only for stores that still have their objects when they are closed and opened again. */
  readonly persistentTests?: Readonly<Record<string, ContractTest>>;
  /** Only for stores on which a second handle of the same id sees the same objects. */
  readonly sharedTests?: Readonly<Record<string, ContractTest>>;
}

/** Opens a store with an id; without one an empty store with an id of its own. */
export type OpenStore = (options?: { storeId?: string }) => Promise<BaseStore>;

/** What a contract test may use. It keeps the stores it opened, so that each is cleared and closed also after a failure. */
export class ContractContext {
  private readonly opened: BaseStore[] = [];

  constructor(private readonly openStore: OpenStore) {}

  /** Opens a store. */
  async open(storeId?: string): Promise<BaseStore> {
    const store = await this.openStore(storeId === undefined ? {} : { storeId });
    this.opened.push(store);
    return store;
  }

  /** Returns a store on the same connection, which the test opens itself. */
  scope(store: BaseStore, storeId = newStoreId()): BaseStore {
    const scoped = store.scope({ storeId });
    this.opened.push(scoped);
    return scoped;
  }

  /** Opens a store that serves an adapter, so that child links are saved without a further call. */
  async openBound(models: readonly ModelClass[]): Promise<{ store: BaseStore; adapter: ModelHost; errors: string[] }> {
    const store = await this.open();
    const adapter = adapterOf(store);
    const errors: string[] = [];
    store.bindAdapter(adapter, models, loggerInto(errors));
    return { store, adapter, errors };
  }

  /** Clears and closes all stores. A closed store is opened again, because its objects would stay in a shared backend. */
  async cleanUp(): Promise<void> {
    const failures: unknown[] = [];
    for (const store of this.opened.splice(0).toReversed()) {
      try {
        await store.open();
        await store.clear();
      } catch (error) {
        failures.push(error);
      }
      await store.close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Returns a store id that no other test uses. */
export function newStoreId(): string {
  return `contract-${crypto.randomUUID()}`;
}

/** Returns as little of an adapter as a store needs. */
export function adapterOf(store: BaseStore, name = 'ContractAdapter'): ModelHost {
  return {
    type: 'ContractAdapter',
    name,
    getOrNone: async (model, identifier) =>
      (await store.find<ModelClass | string>({ model, uids: [identifier] }))[0] ?? null,
  };
}

/** Returns a logger that appends errors to a list and drops all else. */
export function loggerInto(errors: string[]): Parameters<BaseStore['bindAdapter']>[2] {
  const ignore = (): void => undefined;
  return {
    isEnabled: (level) => level === 0,
    debug: ignore,
    info: ignore,
    warning: ignore,
    error: (message, params) => void errors.push(`${message} ${JSON.stringify(params)}`),
  };
}

/** Returns the error that a promise rejects with, and asserts its class and that its message has all of `words`. */
export async function rejection<E extends Error>(
  promise: Promise<unknown>,
  type: abstract new (...args: never[]) => E,
  ...words: readonly string[]
): Promise<E> {
  let error: unknown;
  try {
    await promise;
  } catch (caught) {
    error = caught;
  }
  assert.ok(error !== undefined, `resolved, where a ${type.name} was due`);
  assert.ok(error instanceof type, `rejected with ${String(error)}, where a ${type.name} was due`);
  for (const word of words) {
    assert.ok(error.message.includes(word), `the message ${JSON.stringify(error.message)} does not say "${word}"`);
  }
  return error;
}

/** Returns the unique ids of objects. */
export function uidsOf(objs: readonly DiffSyncModel[]): string[] {
  return objs.map((obj) => obj.getUniqueId());
}

/** Returns the unique ids of all objects of a model, in the order of the store. */
export async function order(store: BaseStore, model: ModelClass): Promise<string[]> {
  return uidsOf(await store.getAll({ model }));
}
