import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { AppModule } from './app.module.js';
import { AssignmentsController } from './assignments.controller.js';
import { HealthController } from './health.controller.js';

/** The same application with HTTP in front. */
@Module({ imports: [AppModule, TerminusModule], controllers: [HealthController, AssignmentsController] })
export class ServerModule {}
