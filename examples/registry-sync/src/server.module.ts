import { Module, StandardSchemaValidationPipe } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { AppModule } from './app.module.js';
import { AssignmentsController } from './assignments.controller.js';
import { BearerGuard } from './bearer.guard.js';
import { DiffSyncErrorFilter } from './diffsync-error.filter.js';
import { HealthController } from './health.controller.js';
import { RunEvents } from './run-events.js';
import { RunningSyncs } from './running-syncs.js';
import { RunsController } from './runs.controller.js';
import { StoresController } from './stores.controller.js';

/** The same application with HTTP in front. */
@Module({
  imports: [AppModule, TerminusModule],
  controllers: [HealthController, RunsController, StoresController, AssignmentsController],
  providers: [
    RunningSyncs,
    RunEvents,
    { provide: APP_GUARD, useClass: BearerGuard },
    { provide: APP_PIPE, useClass: StandardSchemaValidationPipe },
    { provide: APP_FILTER, useClass: DiffSyncErrorFilter },
  ],
})
export class ServerModule {}
