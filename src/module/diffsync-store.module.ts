import { ConfigurableModuleBuilder, Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { ValueError } from '../errors.js';
import { DiffSyncStoreHealthIndicator } from './store.health.js';
import { BaseStore } from '../store/base-store.js';
import {
  checkFeatures,
  checkModuleOptions,
  DEFAULTS,
  type DiffSyncStoreOptions,
  type FeatureStore,
} from './diffsync-store.options.js';
import { getStoreToken } from './diffsync-store.tokens.js';
import { hideSecrets } from './redact-options.js';
import { createStore } from './store-factory.js';
import { DiffSyncStoreRegistry } from './store-registry.js';

/** Beside the store's options, in `forRoot` and `forRootAsync` alike. */
export interface DiffSyncStoreExtras {
  /** Registers the store under this name: `@InjectStore(name)`. Default: the unnamed store. */
  readonly name?: string | undefined;
  /** Whether every module can inject the store without importing this one. @default true */
  readonly isGlobal?: boolean;
  /** Providers that only the factory of `forRootAsync` needs. */
  readonly extraProviders?: Provider[];
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<DiffSyncStoreOptions>({ moduleName: 'DiffSyncStore' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createDiffSyncStoreOptions')
    .setExtras<DiffSyncStoreExtras>(
      // The builder keeps these keys, and no others, out of the store's options.
      { name: undefined, isGlobal: true, extraProviders: [] },
      (definition, { name, isGlobal = true, extraProviders = [] }) => ({
        ...definition,
        global: isGlobal,
        providers: [...(definition.providers ?? []), ...extraProviders, ...storeProviders(name)],
        exports: [getStoreToken(name), ...(name === undefined ? [BaseStore] : [])],
      }),
    )
    .build();

/** One registry an application, whatever the number of store modules in it. */
@Global()
@Module({
  providers: [DiffSyncStoreRegistry, DiffSyncStoreHealthIndicator],
  exports: [DiffSyncStoreRegistry, DiffSyncStoreHealthIndicator],
})
class DiffSyncStoreCoreModule {}

/**
 * Makes stores injectable. `forRoot` or `forRootAsync` opens one (again with another `name` for a second), `forFeature`
 * gives each adapter a store of its own on it. The application starts when its stores are open, and closes what it opened.
 */
@Module({ imports: [DiffSyncStoreCoreModule] })
export class DiffSyncStoreModule extends ConfigurableModuleClass {
  /** @throws ValueError for wrong options, path by path. */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    const { name, isGlobal, extraProviders, ...own } = (options ?? {}) as typeof OPTIONS_TYPE & Record<string, unknown>;
    void [name, isGlobal, extraProviders];
    checkModuleOptions(own);
    const definition = super.forRoot(options);
    for (const provider of definition.providers ?? []) {
      if ('useValue' in provider && provider.provide === MODULE_OPTIONS_TOKEN) hideSecrets(provider.useValue as object);
    }
    return definition;
  }

  /** @throws ValueError when none of `useFactory`, `useClass`, `useExisting` is there; wrong options fail when it boots. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    if (!options?.useFactory && !options?.useClass && !options?.useExisting) {
      throw new ValueError('DiffSyncStoreModule.forRootAsync needs one of "useFactory", "useClass", "useExisting"');
    }
    return super.forRootAsync(options);
  }

  /**
   * One store for each name, on the connection of a registered store: `@InjectStore(name)`. Two adapters cannot share a
   * store, for they would overwrite each other's objects.
   * @param root the name of the `forRoot` to build on, which must be global. Default: the unnamed one.
   * @throws ValueError for wrong names or store ids.
   */
  static forFeature(stores: readonly (string | FeatureStore)[], root?: string): DynamicModule {
    const features = checkFeatures(stores);
    return {
      module: DiffSyncStoreModule,
      providers: features.map((feature) => featureProvider(feature, root)),
      exports: features.map(({ name }) => getStoreToken(name)),
    };
  }
}

function storeProviders(name: string | undefined): Provider[] {
  const token = getStoreToken(name);
  const store: Provider = {
    provide: token,
    useFactory: async (given: DiffSyncStoreOptions, registry: DiffSyncStoreRegistry): Promise<BaseStore> => {
      const options = checkModuleOptions(given);
      const { retryAttempts = DEFAULTS.retryAttempts, retryDelay = DEFAULTS.retryDelay } = options;
      const store = await createStore(options, name);
      // Whoever hands in an open store closes it.
      const owned = store !== options.engine || !store.isOpen;
      return registry.open(name, store, { retryAttempts, retryDelay, owned });
    },
    inject: [MODULE_OPTIONS_TOKEN, DiffSyncStoreRegistry],
  };
  return name === undefined ? [store, { provide: BaseStore, useExisting: token }] : [store];
}

function featureProvider({ name, storeId }: FeatureStore, root: string | undefined): Provider {
  return {
    provide: getStoreToken(name),
    useFactory: (base: BaseStore, registry: DiffSyncStoreRegistry): Promise<BaseStore> => {
      const id = storeId ?? (base.storeId === undefined ? name : `${base.storeId}.${name}`);
      // The base has waited for the server already.
      const how = { retryAttempts: 1, retryDelay: 0, owned: true, base };
      return registry.open(name, base.scope({ storeId: id, name }), how);
    },
    inject: [getStoreToken(root), DiffSyncStoreRegistry],
  };
}
