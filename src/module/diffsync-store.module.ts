import {
  ConfigurableModuleBuilder,
  Global,
  Module,
  type DynamicModule,
  type InjectionToken,
  type ModuleMetadata,
  type OptionalFactoryDependency,
  type Provider,
  type Type,
} from '@nestjs/common';
import { ValueError } from '../errors.js';
import { SyncRunner } from '../runs/sync-runner.js';
import { BaseStore } from '../store/base-store.js';
import {
  checkFeatures,
  checkModuleOptions,
  checkStoreName,
  DEFAULTS,
  type DiffSyncStoreOptions,
  type DiffSyncStoreOptionsFactory,
  type BuiltInEngineOptions,
  type ClassEngineOptions,
  type FactoryOptions,
  type FeatureStore,
  type StoreClass,
} from './diffsync-store.options.js';
import { getStoreToken } from './diffsync-store.tokens.js';
import { redactSecrets } from './redact-options.js';
import { createStore } from './store-factory.js';
import { DiffSyncStoreRegistry } from './store-registry.js';
import { DiffSyncStoreHealthIndicator } from './store.health.js';

/** Options of the module itself, beside the store's options, in `forRoot` and `forRootAsync`. */
export interface DiffSyncStoreExtras {
  /** The name of the store, for `@InjectStore(name)`. Default: the unnamed store. */
  readonly name?: string | undefined;
  /** Whether every module can inject the store without importing this one. @default true */
  readonly isGlobal?: boolean | undefined;
  /** Providers that only the factory of `forRootAsync` needs. @default [] */
  readonly extraProviders?: Provider[] | undefined;
}

/** What a factory asks Nest for: classes, tokens, or either as optional. */
export type Injections = readonly (InjectionToken | OptionalFactoryDependency)[];

/** What Nest gives a factory for what it asks for. Of a token that is no class the type is not known. */
export type Injected<I extends Injections> = {
  -readonly [K in keyof I]: I[K] extends abstract new (...args: never) => infer T ? T : unknown;
};

/** Options of the module itself, beside the factory of the store's options. */
export interface DiffSyncStoreAsyncExtras extends DiffSyncStoreExtras {
  /** Modules that export what the factory asks for. */
  readonly imports?: ModuleMetadata['imports'] | undefined;
  /** Providers that Nest makes for the factory alone, and what they ask for in turn. */
  readonly provideInjectionTokensFrom?: Provider[] | undefined;
}

/** The options of `forRootAsync`: one of a factory, a class and a provider, which say what `forRoot` would be given. */
export type DiffSyncStoreAsyncOptions<I extends Injections = Injections> = DiffSyncStoreAsyncExtras &
  (
    | {
        /** What the factory asks for: its parameters, in their order. */
        readonly inject?: I | undefined;
        /** Returns the options of the store. */
        useFactory(...injected: Injected<NoInfer<I>>): FactoryOptions | Promise<FactoryOptions>;
        readonly useClass?: undefined;
        readonly useExisting?: undefined;
      }
    | {
        /** A class that Nest makes for this module. */
        readonly useClass: Type<DiffSyncStoreOptionsFactory>;
        readonly inject?: undefined;
        readonly useFactory?: undefined;
        readonly useExisting?: undefined;
      }
    | {
        /** A provider that there is. */
        readonly useExisting: Type<DiffSyncStoreOptionsFactory>;
        readonly inject?: undefined;
        readonly useFactory?: undefined;
        readonly useClass?: undefined;
      }
  );

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<DiffSyncStoreOptions>({
  moduleName: 'DiffSyncStore',
})
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

/** Nest's class by what this module calls: its options are Nest's, which say less than ours. */
const ModuleClass = ConfigurableModuleClass as unknown as {
  new (): object;
  forRoot(options: object): DynamicModule;
  forRootAsync(options: object): DynamicModule;
};

/** The registry and the runner of syncs, once in an application, whatever the number of store modules in it. */
@Global()
@Module({
  providers: [
    DiffSyncStoreRegistry,
    DiffSyncStoreHealthIndicator,
    { provide: SyncRunner, useFactory: (): SyncRunner => new SyncRunner() },
  ],
  exports: [DiffSyncStoreRegistry, DiffSyncStoreHealthIndicator, SyncRunner],
})
class DiffSyncStoreCoreModule {}

/**
 * Makes stores injectable. `forRoot` or `forRootAsync` opens a store, `forFeature` opens a store for each adapter on the
 * connection of that one. The application starts when its stores are open, and closes the stores that the module opened.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     DiffSyncStoreModule.forRoot({ engine: 'redis', url: 'redis://localhost:6379/0', storeId: 'inventory' }),
 *     DiffSyncStoreModule.forFeature(['network', 'cmdb']),
 *   ],
 *   providers: [NetworkAdapter, CmdbAdapter],
 * })
 * export class AppModule {}
 * ```
 */
@Module({ imports: [DiffSyncStoreCoreModule] })
export class DiffSyncStoreModule extends ModuleClass {
  /**
   * Opens one store when the application starts. Call it again with another `name` for a second store.
   * @param options - the engine and its options, and those of the module itself: `name`, `isGlobal` (default: true).
   * @returns the dynamic module, for the `imports` of the application's module.
   * @throws {@link ValueError} (VALUE_ERROR) for wrong options, path by path.
   * @example
   * ```ts
   * DiffSyncStoreModule.forRoot({ engine: 'sqlite', path: 'inventory.db', storeId: 'inventory' });
   * ```
   */
  static override forRoot(options: BuiltInEngineOptions & DiffSyncStoreExtras): DynamicModule;
  /**
   * Opens one store of your own class when the application starts.
   * @param options - the class, the options of its constructor, and those of the module itself: `name`, `isGlobal` (default: true).
   * @returns the dynamic module, for the `imports` of the application's module.
   * @throws {@link ValueError} (VALUE_ERROR) for wrong options, path by path.
   */
  static override forRoot<C extends StoreClass>(options: ClassEngineOptions<C> & DiffSyncStoreExtras): DynamicModule;
  static override forRoot(options: object): DynamicModule {
    const { name, isGlobal, extraProviders, ...own } = (options ?? {}) as DiffSyncStoreExtras & Record<string, unknown>;
    void [name, isGlobal, extraProviders];
    checkModuleOptions(own);
    checkStoreName(name);
    const definition = super.forRoot(options);
    for (const provider of definition.providers ?? []) {
      if ('useValue' in provider && provider.provide === MODULE_OPTIONS_TOKEN)
        redactSecrets(provider.useValue as object);
    }
    return definition;
  }

  /**
   * Opens one store when the application starts, with options from a factory. Wrong options make the start fail.
   * @param options - one of `useFactory` (with `inject`), `useClass` and `useExisting`; `imports`; `name`, `isGlobal` and
   * `extraProviders` of the module itself.
   * @returns the dynamic module, for the `imports` of the application's module.
   * @throws {@link ValueError} (VALUE_ERROR) when none of `useFactory`, `useClass` and `useExisting` is given.
   * @example
   * ```ts
   * DiffSyncStoreModule.forRootAsync({
   *   useFactory: (config: ConfigService) => ({ engine: 'redis', url: config.getOrThrow('REDIS_URL') }),
   *   inject: [ConfigService],
   * });
   * ```
   */
  static override forRootAsync<const I extends Injections = readonly []>(
    options: DiffSyncStoreAsyncOptions<I>,
  ): DynamicModule {
    if (!options?.useFactory && !options?.useClass && !options?.useExisting) {
      throw new ValueError('DiffSyncStoreModule.forRootAsync needs one of "useFactory", "useClass", "useExisting"');
    }
    checkStoreName(options.name);
    const definition = super.forRootAsync(options);
    return { ...definition, providers: (definition.providers ?? []).map(hideAnswer) };
  }

  /**
   * Opens one store for each name, on the connection of the store of `forRoot`. Two adapters cannot share a store, because
   * they would overwrite each other's objects.
   * @param stores - names for `@InjectStore(name)`, or names with store ids. Default of the id: `<root's store id>.<name>`.
   * @param root - the name of the store of `forRoot` to build on, which must be global. Default: the unnamed store.
   * @returns the dynamic module, for the `imports` of the module of the adapters.
   * @throws {@link ValueError} (VALUE_ERROR) for wrong names or store ids.
   * @example
   * ```ts
   * DiffSyncStoreModule.forFeature(['network', { name: 'cmdb', storeId: 'cmdb-2' }]);
   * ```
   */
  static forFeature(stores: readonly (string | FeatureStore)[], root?: string): DynamicModule {
    const features = checkFeatures(stores);
    return {
      module: DiffSyncStoreModule,
      providers: features.flatMap((feature) => [featureProvider(feature, root), registrationProvider(feature.name)]),
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
      // The caller that passes an open store closes it.
      const owned = store !== options.engine || !store.isOpen;
      return registry.open(name, store, { retryAttempts, retryDelay, owned });
    },
    inject: [MODULE_OPTIONS_TOKEN, DiffSyncStoreRegistry],
  };
  const registration = registrationProvider(name);
  return name === undefined ? [store, registration, { provide: BaseStore, useExisting: token }] : [store, registration];
}

/** Tells the registry which store a token stands for, also where a test overrides it. */
function registrationProvider(name: string | undefined): Provider {
  const token = getStoreToken(name);
  return {
    provide: `${token}_REGISTRATION`,
    useFactory: (store: BaseStore, registry: DiffSyncStoreRegistry): void => registry.register(name, store),
    inject: [token, DiffSyncStoreRegistry],
  };
}

/** Nest keeps what a factory returns: a caller that prints the application prints it too. */
function hideAnswer(provider: Provider): Provider {
  if (!('useFactory' in provider) || provider.provide !== MODULE_OPTIONS_TOKEN) return provider;
  const { useFactory } = provider;
  const useHidden = async (...given: unknown[]): Promise<unknown> => {
    const options: unknown = await useFactory(...given);
    return typeof options === 'object' && options !== null ? redactSecrets({ ...options }) : options;
  };
  return { ...provider, useFactory: useHidden };
}

function featureProvider({ name, storeId }: FeatureStore, root: string | undefined): Provider {
  return {
    provide: getStoreToken(name),
    useFactory: (base: BaseStore, registry: DiffSyncStoreRegistry): Promise<BaseStore> => {
      const id = storeId ?? (base.storeId === undefined ? name : `${base.storeId}.${name}`);
      // The base store is open, so the server can be reached.
      const opening = { retryAttempts: 1, retryDelay: 0, owned: true, base };
      return registry.open(name, base.scope({ storeId: id, name }), opening);
    },
    inject: [getStoreToken(root), DiffSyncStoreRegistry],
  };
}
