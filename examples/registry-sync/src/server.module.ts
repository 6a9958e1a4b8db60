import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { DiffSyncBoardModule } from 'nestjs-diffsync/board';
import { AppModule } from './app.module.js';
import { AssignmentsController } from './assignments.controller.js';
import { HealthController } from './health.controller.js';
import { runOptions } from './run-options.js';
import { TokenGuard, type SignedIn } from './token.guard.js';

/** Where the board is. */
export const BOARD_PATH = 'diffsync';

/** The same application with HTTP in front: the board, and two routes of its own. */
@Module({
  imports: [
    AppModule,
    TerminusModule,
    DiffSyncBoardModule.forRoot({
      path: BOARD_PATH,
      guards: [TokenGuard],
      user: ({ user = '' }: SignedIn) => user,
      runOptions,
    }),
  ],
  controllers: [HealthController, AssignmentsController],
})
export class ServerModule {}
