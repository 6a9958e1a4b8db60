import {
  Inject,
  Module,
  type DynamicModule,
  type MiddlewareConsumer,
  type NestModule,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AdapterRegistry } from '../index.js';
import { BoardAssets } from './assets.js';
import { BOARD_CONTROLLERS, BOARD_OPTIONS } from './board.tokens.js';
import { checkBoardOptions, type DiffSyncBoardOptions, type ResolvedBoardOptions } from './board.options.js';
import { Catalog } from './catalog.js';
import { decideController } from './decide.controller.js';
import { Decisions } from './decisions.js';
import { descriptionController } from './description.controller.js';
import { ObjectViews } from './object-views.js';
import { pagesController } from './pages.controller.js';
import { Reply } from './reply.js';
import { RunEvents } from './run-events.js';
import { RunViews } from './run-views.js';
import { RunWatch } from './run-watch.js';
import { runsController } from './runs.controller.js';
import { securityHeaders, slashRedirect } from './middleware.js';
import { StartedRuns } from './started-runs.js';
import { StoreViews } from './store-views.js';
import { storesController } from './stores.controller.js';

/**
 * A web page, and the JSON interface beneath it: the stores of the application, its runs and their changes, and what is decided about
 * them. They are ordinary controllers, so that guards, interceptors, versions and the global prefix of the application apply.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     DiffSyncStoreModule.forRoot({ engine: 'sqlite', path: 'inventory.db', storeId: 'inventory' }),
 *     DiffSyncBoardModule.forRoot({ path: 'diffsync', guards: [AdminGuard], user: (request: Request) => request.user.name }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 */
@Module({})
export class DiffSyncBoardModule implements NestModule {
  /** @internal Nest calls it. */
  constructor(
    @Inject(BOARD_CONTROLLERS) private readonly controllers: readonly Type[],
    @Inject(BOARD_OPTIONS) private readonly options: ResolvedBoardOptions,
    private readonly host: HttpAdapterHost,
  ) {}

  /**
   * Returns the module of one board.
   * @param options - Where it is, who may see it, who may decide.
   * @returns The dynamic module, for the `imports` of the application's module.
   * @throws {ValueError} (VALUE_ERROR) without a guard, unless `guards` is `'none'`, and for any other wrong option.
   */
  static forRoot(options: DiffSyncBoardOptions): DynamicModule {
    const checked = checkBoardOptions(options);
    const described = [
      storesController(checked),
      runsController(checked),
      ...(checked.readOnly ? [] : [decideController(checked)]),
    ];
    // The file names of the page come last: they are a pattern.
    const controllers = [...described, descriptionController(checked, described), pagesController(checked)];
    return {
      module: DiffSyncBoardModule,
      imports: [...(options.imports ?? [])],
      controllers,
      providers: [
        { provide: BOARD_OPTIONS, useValue: checked },
        { provide: BOARD_CONTROLLERS, useValue: controllers },
        AdapterRegistry,
        BoardAssets,
        Catalog,
        Decisions,
        ObjectViews,
        Reply,
        RunEvents,
        RunViews,
        RunWatch,
        StartedRuns,
        StoreViews,
      ],
    };
  }

  /** Nest calls this. */
  configure(consumer: MiddlewareConsumer): void {
    const slash = this.host.httpAdapter.getType() === 'fastify' ? [slashRedirect(this.options.path)] : [];
    consumer.apply(securityHeaders, ...slash).forRoutes(...this.controllers);
  }
}
