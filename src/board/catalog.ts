import { HttpStatus, Injectable } from '@nestjs/common';
import {
  AdapterRegistry,
  DiffSyncStoreRegistry,
  type Adapter,
  type BaseStore,
  type ModelClass,
  type RegisteredStore,
} from '../index.js';
import type { AdapterInfo } from './board-api.js';
import { refusal } from './board-errors.js';

/** What the application has: its stores, its adapters, their models, and what of those is secret. */
@Injectable()
export class Catalog {
  constructor(
    private readonly adapterRegistry: AdapterRegistry,
    private readonly storeRegistry: DiffSyncStoreRegistry,
  ) {}

  stores(): readonly RegisteredStore[] {
    return this.storeRegistry.list();
  }

  /** @param name - Empty for the store without a name. @throws HttpException (404, STORE_NOT_FOUND) */
  store(name: string): RegisteredStore {
    const found = this.stores().find((each) => (each.name ?? '') === name);
    if (found !== undefined) return found;
    throw refusal(HttpStatus.NOT_FOUND, 'STORE_NOT_FOUND', `This application has no store "${name}"`);
  }

  /** @throws AdapterNotFound (404) */
  adapter(name: string): Adapter {
    return this.adapterRegistry.getOrThrow(name);
  }

  adapters(): readonly Adapter[] {
    return this.adapterRegistry.list();
  }

  adaptersOn(store: BaseStore): readonly Adapter[] {
    return this.adapters().filter((adapter) => adapter.store === store);
  }

  /** Returns the class of a model in a store; undefined where no adapter on it has one. */
  classOf(store: BaseStore, model: string): ModelClass | undefined {
    for (const { modelClasses } of this.adaptersOn(store)) {
      const found = modelClasses.get(model);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Returns the attributes whose values are never shown, by model: those that any adapter declares as secret. */
  secrets(): ReadonlyMap<string, ReadonlySet<string>> {
    const all = new Map<string, Set<string>>();
    for (const { modelClasses } of this.adapters()) {
      for (const [model, { definition }] of modelClasses) {
        const names = all.get(model) ?? new Set();
        for (const name of definition.secret) names.add(name);
        all.set(model, names);
      }
    }
    return all;
  }

  describe(): readonly AdapterInfo[] {
    const names = new Map(this.stores().map(({ name = '', store }) => [store, name]));
    return this.adapters().map(({ name, type, store, topLevel, modelClasses }) => ({
      name,
      type,
      store: names.get(store) ?? null,
      topLevel,
      models: [...modelClasses].map(([model, { definition }]) => ({
        model,
        identifiers: definition.identifiers,
        attributes: definition.attributes,
        secret: [...definition.secret],
        children: definition.children,
      })),
    }));
  }
}
