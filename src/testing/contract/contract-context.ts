import assert from 'node:assert/strict';
import type { ModelClass } from '../../model/defined-model.js';
import type { DiffSyncModel } from '../../model/diffsync-model.js';
import type { ModelHost } from '../../model/model-hooks.js';
import type { BaseStore } from '../../store/base-store.js';

/** One rule of the contract. Titles are unique in the whole suite: `knownGaps` names tests by them. */
export type ContractTest = (context: ContractContext) => Promise<void>;

/** Tests of one subject: title (call, condition, result) -> test. */
export interface ContractTheme {
  readonly theme: string;
  readonly tests: Readonly<Record<string, ContractTest>>;
  /** Only for stores that still have their objects when they are closed and opened again. */
  readonly persistentTests?: Readonly<Record<string, ContractTest>>;
  /** Only for stores on which a second handle of the same id sees the same objects. */
  readonly sharedTests?: Readonly<Record<string, ContractTest>>;
}

export type OpenStore = (options?: { storeId?: string }) => Promise<BaseStore>;

/** What a test may use. It remembers the stores it opened, so that each is emptied and closed also after a failure. */
export class ContractContext {
  private readonly opened: BaseStore[] = [];

  constructor(private readonly openStore: OpenStore) {}

  async open(storeId?: string): Promise<BaseStore> {
    const store = await this.openStore(storeId === undefined ? {} : { storeId });
    this.opened.push(store);
    return store;
  }

  /** A store on the same connection, which the test opens itself. */
  scope(store: BaseStore, storeId = newStoreId()): BaseStore {
    const scoped = store.scope({ storeId });
    this.opened.push(scoped);
    return scoped;
  }

  /** A store that serves an adapter, so that child links are saved by themselves. */
  async openBound(models: readonly ModelClass[]): Promise<{ store: BaseStore; adapter: ModelHost; errors: string[] }> {
    const store = await this.open();
    const adapter = adapterOf(store);
    const errors: string[] = [];
    store.bindAdapter(adapter, models, loggerInto(errors));
    return { store, adapter, errors };
  }

  /** Closed stores are opened again: what they hold must not stay behind in a shared backend. */
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

export function newStoreId(): string {
  return `contract-${crypto.randomUUID()}`;
}

/** As little of an adapter as a store needs. */
export function adapterOf(store: BaseStore, name = 'ContractAdapter'): ModelHost {
  return {
    type: 'ContractAdapter',
    name,
    getOrNone: async (model, identifier) =>
      (await store.find<ModelClass | string>({ model, uids: [identifier] }))[0] ?? null,
  };
}

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

/** The error that a promise rejects with, once it is known to be of the class and to say all of `texts`. */
export async function rejection<E extends Error>(
  promise: Promise<unknown>,
  type: abstract new (...args: never[]) => E,
  ...texts: readonly string[]
): Promise<E> {
  let error: unknown;
  try {
    await promise;
  } catch (caught) {
    error = caught;
  }
  assert.ok(error !== undefined, `resolved, where a ${type.name} was due`);
  assert.ok(error instanceof type, `rejected with ${String(error)}, where a ${type.name} was due`);
  for (const text of texts) {
    assert.ok(error.message.includes(text), `the message ${JSON.stringify(error.message)} does not say "${text}"`);
  }
  return error;
}

export function uidsOf(objs: readonly DiffSyncModel[]): string[] {
  return objs.map((obj) => obj.getUniqueId());
}

/** The unique ids of all of a model, in the order in which the store gives them. */
export async function order(store: BaseStore, model: ModelClass): Promise<string[]> {
  return uidsOf(await store.getAll({ model }));
}
