import { HttpStatus, Inject, Injectable } from '@nestjs/common';
import { SyncRunner, type Adapter, type SyncRun, type UndoRunOptions } from '../index.js';
import type { ApplyBody, ApproveBody, RunView, StartBody, UndoBody } from './board-api.js';
import { refusal } from './board-errors.js';
import { BOARD_OPTIONS } from './board.tokens.js';
import type { BoardRun, BoardRunOptions, ResolvedBoardOptions } from './board.options.js';
import { Catalog } from './catalog.js';
import { RunViews } from './run-views.js';
import { StartedRuns } from './started-runs.js';

/** What is decided on the board: dry runs, approvals, and runs. */
@Injectable()
export class Decisions {
  constructor(
    private readonly catalog: Catalog,
    private readonly runner: SyncRunner,
    private readonly views: RunViews,
    private readonly started: StartedRuns,
    @Inject(BOARD_OPTIONS) private readonly options: ResolvedBoardOptions,
  ) {}

  /** Returns who makes a request. @throws HttpException (403, NO_USER) where the application does not say it. */
  async userOf(request: object): Promise<string> {
    const user: unknown = await this.options.user(request);
    if (typeof user === 'string' && user.trim() !== '') return user;
    throw refusal(HttpStatus.FORBIDDEN, 'NO_USER', 'The application does not say who makes the request');
  }

  async start({ source: from, target: to, label }: StartBody, by: string): Promise<SyncRun> {
    const [source, target] = [this.catalog.adapter(from), this.catalog.adapter(to)];
    const {
      syncFilter: _,
      continueOnFailure: __,
      concurrency: ___,
      batchSize: ____,
      verify: _____,
      ...options
    } = await this.optionsOf({ kind: 'dry-run', source, target });
    return this.started.start((callbacks) =>
      this.runner.run({ ...options, ...callbacks, source, target, dryRun: true, label, by }),
    );
  }

  async approve(id: string, { target }: ApproveBody, by: string): Promise<RunView> {
    return this.views.view(await this.runner.approve(id, { target: this.catalog.adapter(target), by }));
  }

  async apply(id: string, { target: to, onStale }: ApplyBody, by: string): Promise<SyncRun> {
    const target = this.catalog.adapter(to);
    const plan = await this.runner.history(target).get(id);
    const source = this.catalog.adapter(plan.source);
    const { load, guards, exclusive, filters, syncFilter, continueOnFailure, concurrency, batchSize, verify } =
      await this.optionsOf({ kind: 'apply', source, target });
    const options = { load, guards, exclusive, filters, syncFilter, continueOnFailure, concurrency, batchSize, verify };
    const { label } = plan;
    return this.started.attempt((callbacks) =>
      this.runner.apply(id, { ...options, ...callbacks, source, target, onStale, approved: true, label, by }),
    );
  }

  async undo(id: string, { target: to }: UndoBody, by: string): Promise<SyncRun> {
    const target = this.catalog.adapter(to);
    const { guards, exclusive, continueOnFailure, concurrency, batchSize } = await this.optionsOf({
      kind: 'undo',
      source: target,
      target,
    });
    const options: Omit<UndoRunOptions, 'target'> = { guards, exclusive, continueOnFailure, concurrency, batchSize };
    return this.started.attempt((callbacks) => this.runner.undo(id, { ...options, ...callbacks, target, by }));
  }

  private async optionsOf(run: BoardRun & { source: Adapter; target: Adapter }): Promise<BoardRunOptions> {
    return this.options.runOptions(run);
  }
}
