import { BullModule, getQueueToken } from '@nestjs/bullmq';
import {
  Module,
  type DynamicModule,
  type InjectionToken,
  type ModuleMetadata,
  type OptionalFactoryDependency,
  type Provider,
} from '@nestjs/common';
import type { Queue } from 'bullmq';
import { AdapterRegistry, SyncRunner, ValueError, type Injected, type Injections } from '../index.js';
import { QueueWorkers, type Queues } from './queue-workers.js';
import {
  QUEUE_OPTIONS,
  queueNames,
  resolveQueueOptions,
  type DiffSyncQueueOptions,
  type ResolvedQueueOptions,
} from './queue.options.js';
import type { RunData } from './queued-run.js';
import { SyncQueue } from './sync-queue.js';

const QUEUES = 'DIFFSYNC_QUEUES';
/** A process that only adds runs needs no store, and so has no runner. */
const RUNNER = { token: SyncRunner, optional: true };

/** Options of the module itself, beside those of the queue. */
export interface DiffSyncQueueExtras {
  /** Begins the names of the queues in BullMQ, `<name>-runs` and `<name>-parts`. Default: `diffsync`. */
  readonly name?: string | undefined;
  /** Whether every module can inject `SyncQueue` without importing this one. Default: true. */
  readonly isGlobal?: boolean | undefined;
}

/** The options of `forRootAsync`: a factory that returns what `forRoot` would be given. */
export interface DiffSyncQueueAsyncOptions<I extends Injections = Injections> extends DiffSyncQueueExtras {
  /** Modules that export what the factory asks for. */
  readonly imports?: ModuleMetadata['imports'] | undefined;
  /** What the factory asks for: its parameters, in their order. */
  readonly inject?: I | undefined;
  /** Returns the options of the queue. */
  useFactory(...injected: Injected<NoInfer<I>>): DiffSyncQueueOptions | Promise<DiffSyncQueueOptions>;
}

/** The module that has the options, for BullMQ's module too. */
@Module({})
class QueueOptionsModule {}

/**
 * Puts runs on a queue, and performs those that there are: `SyncQueue` adds them, and the workers of all processes with this module take
 * them. Both queues are those of `@nestjs/bullmq`, under their names: `@InjectQueue('diffsync-runs')`.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     DiffSyncStoreModule.forRoot({ engine: 'redis', url: 'redis://localhost:6379', storeId: 'inventory' }),
 *     DiffSyncQueueModule.forRoot({ connection: { host: 'localhost', port: 6379 } }),
 *   ],
 *   providers: [NetworkAdapter, CmdbAdapter],
 * })
 * export class AppModule {}
 * ```
 */
@Module({})
export class DiffSyncQueueModule {
  /**
   * Makes the queue injectable, and starts the workers of this process with the application.
   * @param options - Where the server is, how the workers work, and `name` and `isGlobal` of the module itself.
   * @returns The dynamic module, for the `imports` of the application's module.
   * @throws {ValueError} (VALUE_ERROR) for wrong options.
   * @example
   * ```ts
   * DiffSyncQueueModule.forRoot({ connection: { host: 'localhost', port: 6379 }, worker: { concurrency: 2 } });
   * ```
   */
  static forRoot(options: DiffSyncQueueOptions & DiffSyncQueueExtras): DynamicModule {
    const { name, isGlobal, ...own } = options ?? {};
    const resolved = resolveQueueOptions(own);
    return define({ name, isGlobal }, { provide: QUEUE_OPTIONS, useValue: resolved });
  }

  /**
   * The same with options from a factory. Wrong options make the start fail.
   * @param options - `useFactory` and what it asks for by `inject` and `imports`; `name` and `isGlobal` of the module itself.
   * @returns The dynamic module, for the `imports` of the application's module.
   * @throws {ValueError} (VALUE_ERROR) without a factory, or for a wrong name.
   * @example
   * ```ts
   * DiffSyncQueueModule.forRootAsync({
   *   useFactory: (config: ConfigService) => ({ connection: { url: config.getOrThrow('REDIS_URL') } }),
   *   inject: [ConfigService],
   * });
   * ```
   */
  static forRootAsync<const I extends Injections = readonly []>(options: DiffSyncQueueAsyncOptions<I>): DynamicModule {
    const { useFactory, inject, imports = [], ...extras } = options;
    if (typeof useFactory !== 'function') throw new ValueError('DiffSyncQueueModule.forRootAsync needs "useFactory"');
    const make: (...injected: never[]) => unknown = useFactory;
    const provider: Provider = {
      provide: QUEUE_OPTIONS,
      useFactory: async (...injected: never[]): Promise<ResolvedQueueOptions> =>
        resolveQueueOptions((await make(...injected)) as DiffSyncQueueOptions),
      inject: [...((inject ?? []) as (InjectionToken | OptionalFactoryDependency)[])],
    };
    return define(extras, provider, imports);
  }
}

function define(
  { name, isGlobal = true }: DiffSyncQueueExtras,
  options: Provider,
  imports: ModuleMetadata['imports'] = [],
): DynamicModule {
  const names = queueNames(name);
  const optionsModule: DynamicModule = {
    module: QueueOptionsModule,
    imports,
    providers: [options],
    exports: [QUEUE_OPTIONS],
  };
  const registered = BullModule.registerQueueAsync(
    ...Object.values(names).map((each) => ({
      name: each,
      imports: [optionsModule],
      inject: [QUEUE_OPTIONS],
      useFactory: ({ connection, prefix }: ResolvedQueueOptions) => ({ connection, prefix }),
    })),
  );
  const queues: Provider = {
    provide: QUEUES,
    useFactory: (runs: Queues['runs'], parts: Queues['parts']): Queues => ({ runs, parts }),
    inject: [getQueueToken(names.runs), getQueueToken(names.parts)],
  };
  const syncQueue: Provider = {
    provide: SyncQueue,
    useFactory: (
      runs: Queue<RunData>,
      adapters: AdapterRegistry,
      runner: SyncRunner | undefined,
      given: ResolvedQueueOptions,
    ) => new SyncQueue(runs, adapters, runner, given),
    inject: [getQueueToken(names.runs), AdapterRegistry, RUNNER, QUEUE_OPTIONS],
  };
  const workers: Provider = {
    provide: QueueWorkers,
    useFactory: (
      both: Queues,
      given: ResolvedQueueOptions,
      adapters: AdapterRegistry,
      runner: SyncRunner | undefined,
    ) => new QueueWorkers(both, given, adapters, runner),
    inject: [QUEUES, QUEUE_OPTIONS, AdapterRegistry, RUNNER],
  };
  return {
    module: DiffSyncQueueModule,
    global: isGlobal,
    imports: [optionsModule, registered],
    providers: [AdapterRegistry, queues, syncQueue, workers],
    exports: [SyncQueue, AdapterRegistry, registered],
  };
}
